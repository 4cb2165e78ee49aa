/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-db"

#include "config.h"

/*
 * The migrator. Invariant: the file is always at exactly one version of the list, whatever
 * fails or is killed, because the statements of a version and its number commit together.
 */

#include "common/desk-db-private.h"

static gboolean
refuse_newer (int version, int newest, GError **error)
{
  if (version <= newest)
    return TRUE;
  g_set_error (error, DESK_DB_ERROR, DESK_DB_ERROR_SCHEMA_VERSION,
               "The database has schema version %d, this program knows up to %d", version, newest);
  return FALSE;
}

/* Foreign keys were off: what broke them must not commit. */
static gboolean
check_foreign_keys (DeskDb *self, int version, GError **error)
{
  g_autoptr (DeskStmt) stmt = desk_db_prepare (self, "PRAGMA foreign_key_check", error);
  DeskStep step;

  if (stmt == NULL)
    return FALSE;
  step = desk_stmt_step (stmt, error);
  if (step == DESK_STEP_ROW)
    g_set_error (error, DESK_DB_ERROR, DESK_DB_ERROR_CONSTRAINT,
                 "Schema version %d leaves a row of \"%s\" that points at nothing", version,
                 desk_stmt_column_text (stmt, 0));
  return step == DESK_STEP_DONE;
}

/* Inside a transaction. */
static gboolean
apply (DeskDb *self, const DeskMigration *migration, GError **error)
{
  g_autofree char *bump = g_strdup_printf ("PRAGMA user_version=%d", migration->version);

  if (!desk_db_exec (self, migration->sql, error))
    {
      g_prefix_error (error, "Schema version %d: ", migration->version);
      return FALSE;
    }
  if (!desk_db_in_transaction (self))
    {
      g_set_error (error, DESK_DB_ERROR, DESK_DB_ERROR_FAILED,
                   "Schema version %d ends its transaction", migration->version);
      return FALSE;
    }
  return check_foreign_keys (self, migration->version, error) && desk_db_exec (self, bump, error);
}

/* Takes the step to @migration unless another process has taken it meanwhile. */
static gboolean
migrate_one (DeskDb *self, const DeskMigration *migration, int newest, GError **error)
{
  int version;

  if (!desk_db_begin (self, error))
    return FALSE;
  version = desk_db_user_version (self, error);
  if (version < 0 || !refuse_newer (version, newest, error)
      || (version < migration->version && !apply (self, migration, error)))
    {
      desk_db_rollback (self);
      return FALSE;
    }
  return desk_db_commit (self, error);
}

static gboolean
migrate_all (DeskDb *self, const DeskMigration *list, gsize n, int from, GError **error)
{
  for (gsize i = 0; i < n; i++)
    if (list[i].version > from && !migrate_one (self, &list[i], list[n - 1].version, error))
      return FALSE;
  return TRUE;
}

gboolean
desk_db_migrate (DeskDb *self, const DeskMigration *list, gsize n, int *out_from_version,
                 GError **error)
{
  gboolean ok;
  int from;

  g_return_val_if_fail (self != NULL && list != NULL && n > 0, FALSE);
  g_return_val_if_fail (!desk_db_in_transaction (self), FALSE);
  for (gsize i = 0; i < n; i++)
    g_return_val_if_fail (list[i].version > (i == 0 ? 0 : list[i - 1].version), FALSE);

  from = desk_db_user_version (self, error);
  if (from < 0)
    return FALSE;
  if (out_from_version != NULL)
    *out_from_version = from;
  if (!refuse_newer (from, list[n - 1].version, error))
    return FALSE;
  if (from == list[n - 1].version)
    return TRUE;

  /* A no-op inside a transaction, so it is done around all of them. */
  if (!desk_db_exec (self, "PRAGMA foreign_keys=OFF", error))
    return FALSE;
  ok = migrate_all (self, list, n, from, error);
  if (!desk_db_exec (self, "PRAGMA foreign_keys=ON", ok ? error : NULL))
    ok = FALSE;
  return ok;
}
