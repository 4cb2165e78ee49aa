/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "store/desk-store-private.h"

/* The end of a transaction. When the last sync of a commit fails, SQLite takes the transaction back, but all of it
 * stands in the log: if the program were killed before the next commit, recovery would bring it to life, and a reply
 * that was reported as "not kept" would be sent. So before that is told, something else is committed in its place;
 * what stood behind it in the log can then never be read again, because the checksums chain. While that cannot be done
 * either nobody knows what is on the disk, and that is what is told. */

static gboolean
overwrite (DeskDb *db)
{
  g_autoptr (GError) error = NULL;

  if (desk_db_begin (db, &error)
      && desk_db_exec (db, "INSERT OR REPLACE INTO setting (key,value) VALUES ('overwritten',"
                           "coalesce((SELECT value+1 FROM setting WHERE key='overwritten'),1))", &error)
      && desk_db_commit (db, &error))
    return TRUE;
  g_message ("The cache cannot be written: %s", error->message);
  desk_db_rollback (db);
  return FALSE;
}

gboolean
desk_store_commit (DeskDb *db, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (desk_db_commit (db, &local))
    return TRUE;
  /* Where there was no room the commit's last page is not in the log. */
  if (!g_error_matches (local, DESK_DB_ERROR, DESK_DB_ERROR_FULL) && !overwrite (db))
    g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_UNKNOWN, "It is not known whether this was kept: %s",
                 local->message);
  else
    g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}
