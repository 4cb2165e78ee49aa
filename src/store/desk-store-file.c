/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#include "store/desk-store-private.h"
#include "store/desk-store-schema.h"

/* The files of a cache: making, opening, erasing, and rescuing what must not be lost out of a damaged one. */

static const DeskMigration migrations[] = {
  { 1, DESK_STORE_SCHEMA_001 },
  { 2, DESK_STORE_SCHEMA_002 },
  { 3, DESK_STORE_SCHEMA_003 },
};

GQuark
desk_store_error_quark (void)
{
  return g_quark_from_static_string ("desk-store-error-quark");
}

static DeskStoreError
code_of_db (int code)
{
  switch ((DeskDbError) code)
    {
    case DESK_DB_ERROR_CORRUPT:
      return DESK_STORE_ERROR_CORRUPT;
    case DESK_DB_ERROR_SCHEMA_VERSION:
      return DESK_STORE_ERROR_SCHEMA_VERSION;
    case DESK_DB_ERROR_FULL:
      return DESK_STORE_ERROR_FULL;
    case DESK_DB_ERROR_READ_ONLY:
    case DESK_DB_ERROR_CANT_OPEN:
      return DESK_STORE_ERROR_ACCESS;
    case DESK_DB_ERROR_FAILED:
    case DESK_DB_ERROR_BUSY:
    case DESK_DB_ERROR_IO:
    case DESK_DB_ERROR_CONSTRAINT:
      return DESK_STORE_ERROR_FAILED;
    }
  return DESK_STORE_ERROR_FAILED;
}

void
desk_store_map_error (GError **error)
{
  if (error == NULL || *error == NULL || (*error)->domain != DESK_DB_ERROR)
    return;
  (*error)->code = code_of_db ((*error)->code);
  (*error)->domain = DESK_STORE_ERROR;
}

gboolean
desk_store_make_dir (const char *dir, GError **error)
{
  if (g_mkdir_with_parents (dir, 0700) == 0)
    return TRUE;
  g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_ACCESS,
               "The cache folder cannot be made: %s", g_strerror (errno));
  return FALSE;
}

DeskDb *
desk_store_connect (const char *dir, const char *vfs, gboolean read_only, GError **error)
{
  g_autofree char *path = g_build_filename (dir, DESK_STORE_FILE, NULL);
  /* FULL: a reply is shown as pending once the commit returned, and must be there after a power cut. */
  DeskDbOptions options = {
    .read_only = read_only,
    .create = !read_only,
    .vfs = vfs,
    .synchronous = DESK_DB_SYNC_FULL,
    .cache_kib = read_only ? 16 * 1024 : 64 * 1024,
    .busy_timeout_ms = 10000,
    .slow_query_us = 40000,
  };
  DeskDb *db = desk_db_open (path, &options, error);

  if (db == NULL)
    desk_store_map_error (error);
  return db;
}

DeskDb *
desk_store_connect_writer (const char *dir, const char *vfs, GError **error)
{
  g_autoptr (DeskDb) db = desk_store_connect (dir, vfs, FALSE, error);
  int from;

  if (db == NULL)
    return NULL;
  if (!desk_db_migrate (db, migrations, G_N_ELEMENTS (migrations), &from, error))
    {
      desk_store_map_error (error);
      return NULL;
    }
  return g_steal_pointer (&db);
}

static const char *const file_names[] = { DESK_STORE_FILE, DESK_STORE_FILE "-wal",
                                          DESK_STORE_FILE "-shm", DESK_STORE_FILE "-journal" };

gboolean
desk_store_erase (const char *dir, GError **error)
{
  static const char *const others[] = { "in-use", "lock", "socket" };

  g_return_val_if_fail (dir != NULL, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (file_names); i++)
    {
      g_autofree char *path = g_build_filename (dir, file_names[i], NULL);

      if (g_unlink (path) != 0 && errno != ENOENT)
        {
          g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_ACCESS,
                       "The cache cannot be deleted: %s", g_strerror (errno));
          return FALSE;
        }
    }
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autofree char *path = g_build_filename (dir, others[i], NULL);

      g_unlink (path);
    }
  desk_files_erase (dir);
  g_rmdir (dir); /* stays if other files are in it, as of a damaged cache set aside */
  return TRUE;
}

char *
desk_store_account_dir (const char *base, const char *server_url, const char *username)
{
  g_autofree char *folder = NULL;
  g_autofree char *sum = NULL;
  g_autofree char *readable = NULL;
  g_autofree char *name = NULL;
  g_autofree char *identity = NULL;
  g_autofree char *url = NULL;

  g_return_val_if_fail (server_url != NULL && username != NULL, NULL);
  folder = base ? g_strdup (base) : g_build_filename (g_get_user_data_dir (), "frontdesk", NULL);
  url = g_strdup (server_url);
  while (g_str_has_suffix (url, "/")) /* "https://a/" and "https://a" are one server */
    url[strlen (url) - 1] = '\0';
  identity = g_strdup_printf ("%zu:%s%s", strlen (url), url, username);
  sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, identity, -1);
  readable = g_strdup_printf ("%s-%s", username, strstr (url, "://") ? strstr (url, "://") + 3 : url);
  g_strcanon (readable,
              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", '_');
  if (strlen (readable) > 80)
    readable[80] = '\0';
  if (*readable == '.')
    *readable = '_';
  name = g_strdup_printf ("%s-%.12s", readable, sum);
  return g_build_filename (folder, name, NULL);
}

/* ── Rescue ─────────────────────────────────────────────────────────────────────────────────── */

/* Moves the files of a damaged cache aside. Returns the name of the file, or NULL with error. */
static char *
set_aside (const char *dir, DeskClock *clock, GError **error)
{
  g_autofree char *target = NULL;
  gint64 now = desk_clock_now_ms (clock);

  for (guint i = 0; i < G_N_ELEMENTS (file_names); i++)
    {
      g_autofree char *path = g_build_filename (dir, file_names[i], NULL);
      g_autofree char *moved = g_strdup_printf (
          "%s" G_DIR_SEPARATOR_S DESK_STORE_FILE ".damaged-%" G_GINT64_FORMAT "%s", dir, now,
          file_names[i] + strlen (DESK_STORE_FILE));

      if (g_rename (path, moved) != 0 && errno != ENOENT)
        {
          g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_ACCESS,
                       "The damaged cache cannot be set aside: %s", g_strerror (errno));
          return NULL;
        }
      if (i == 0)
        target = g_steal_pointer (&moved);
    }
  return g_steal_pointer (&target);
}

/* Each table by itself: one that cannot be read does not keep the others from being saved. */
static void
read_damaged (const char *path, const char *vfs, DeskBatch *batch, guint *drafts, guint *outbox)
{
  DeskDbOptions options = { .vfs = vfs };
  g_autoptr (DeskDb) db = desk_db_open (path, &options, NULL);
  g_autoptr (GPtrArray) draft_list = NULL;
  g_autoptr (GPtrArray) outbox_list = NULL;
  DeskStmt *s;

  if (db == NULL)
    return;
  desk_db_migrate (db, migrations, G_N_ELEMENTS (migrations), NULL, NULL); /* an older one, as far as it can be */
  draft_list = desk_query_drafts (db, NULL);
  for (guint i = 0; draft_list != NULL && i < draft_list->len; i++, (*drafts)++)
    desk_batch_draft (batch, g_ptr_array_index (draft_list, i));
  outbox_list = desk_query_old_outbox (db, desk_db_user_version (db, NULL), NULL);
  for (guint i = 0; outbox_list != NULL && i < outbox_list->len; i++, (*outbox)++)
    desk_batch_outbox_add (batch, g_ptr_array_index (outbox_list, i), FALSE);
  s = desk_db_prepare (db, "SELECT key,value FROM setting", NULL);
  while (s != NULL && desk_stmt_step (s, NULL) == DESK_STEP_ROW)
    { /* how far the events were applied does not hold for an empty cache */
      const char *key = desk_stmt_column_text (s, 0);

      if (g_strcmp0 (key, "cursor") != 0 && g_strcmp0 (key, "complete_to_ms") != 0)
        desk_batch_setting (batch, key, desk_stmt_column_text (s, 1));
    }
}

static gboolean
write_rescued (const char *dir, const char *vfs, DeskClock *clock, DeskBatch *batch, GError **error)
{
  g_autoptr (DeskDb) db = desk_store_connect_writer (dir, vfs, error);
  g_autoptr (DeskFold) fold = NULL;

  if (db == NULL || !desk_db_begin (db, error))
    {
      desk_store_map_error (error);
      return FALSE;
    }
  fold = desk_fold_new (db, clock);
  if (!desk_fold_apply (fold, batch, error) || !desk_db_commit (db, error))
    {
      desk_db_rollback (db);
      desk_store_map_error (error);
      return FALSE;
    }
  return TRUE;
}

gboolean
desk_store_rescue (const char *dir,
                   const DeskStoreOptions *options,
                   guint *out_drafts,
                   guint *out_outbox,
                   GError **error)
{
  g_autoptr (DeskBatch) batch = desk_batch_new ();
  g_autofree char *damaged = NULL;
  DeskClock *clock = options && options->clock ? options->clock : desk_clock_system ();
  const char *vfs = options ? options->vfs : NULL;
  guint drafts = 0, outbox = 0;

  g_return_val_if_fail (dir != NULL, FALSE);
  damaged = set_aside (dir, clock, error);
  if (damaged == NULL)
    return FALSE;
  read_damaged (damaged, vfs, batch, &drafts, &outbox);
  if (!write_rescued (dir, vfs, clock, batch, error))
    return FALSE;
  if (out_drafts != NULL)
    *out_drafts = drafts;
  if (out_outbox != NULL)
    *out_outbox = outbox;
  return TRUE;
}
