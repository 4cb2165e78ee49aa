/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "common/desk-json-writer.h"
#include "common/desk-json.h"
#include "store/desk-store-files.h"
#include "store/desk-store-private.h"

/* The rows of files: what outbox entries and drafts name, and what was downloaded.
 *
 * Invariants: a row goes in the transaction that makes it superfluous, the file on the disk only after its
 * commit (triggers note it in "gone"). So a row's file is there, and what a kill leaves over is an
 * unnamed file at most. */

#define MAX_FILES_TEXT (256 * 1024)

/* ── Values ─────────────────────────────────────────────────────────────────────────────────── */

DeskStagedFile *
desk_staged_file_copy (const DeskStagedFile *self)
{
  DeskStagedFile *copy;

  g_return_val_if_fail (self != NULL, NULL);
  copy = g_memdup2 (self, sizeof *self);
  copy->name = g_strdup (self->name);
  copy->filename = g_strdup (self->filename);
  copy->mime_type = g_strdup (self->mime_type);
  copy->sha256 = g_strdup (self->sha256);
  return copy;
}

void
desk_staged_file_free (DeskStagedFile *self)
{
  if (self == NULL)
    return;
  g_free (self->name);
  g_free (self->filename);
  g_free (self->mime_type);
  g_free (self->sha256);
  g_free (self);
}

static gpointer
copy_staged (gconstpointer file, gpointer data)
{
  return desk_staged_file_copy (file);
}

GPtrArray *
desk_staged_files_copy (GPtrArray *files)
{
  GPtrArray *copy;

  if (files == NULL)
    return NULL;
  copy = g_ptr_array_copy (files, copy_staged, NULL);
  g_ptr_array_set_free_func (copy, (GDestroyNotify) desk_staged_file_free);
  return copy;
}

char *
desk_staged_files_to_json (GPtrArray *files)
{
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;

  desk_json_writer_init (&w, text);
  desk_json_writer_begin_array (&w);
  for (guint i = 0; files != NULL && i < files->len; i++)
    {
      const DeskStagedFile *file = g_ptr_array_index (files, i);

      desk_json_writer_begin_object (&w);
      desk_json_writer_member_string (&w, "name", file->name);
      desk_json_writer_member_string (&w, "filename", file->filename);
      desk_json_writer_member_string (&w, "mime_type", file->mime_type);
      desk_json_writer_member_int64 (&w, "size", file->size);
      desk_json_writer_member_string (&w, "sha256", file->sha256);
      desk_json_writer_member_int64 (&w, "width", file->width);
      desk_json_writer_member_int64 (&w, "height", file->height);
      desk_json_writer_end_object (&w);
    }
  desk_json_writer_end_array (&w);
  return g_string_free (text, FALSE);
}

/* A name that leads nowhere else. */
static gboolean
is_plain_name (const char *name)
{
  return *name != '\0' && *name != '.' && strchr (name, '/') == NULL;
}

static DeskStagedFile *
staged_from_node (JsonNode *node)
{
  g_autoptr (DeskStagedFile) self = g_new0 (DeskStagedFile, 1);
  const char *name, *filename, *mime_type, *sha256;
  JsonObject *obj;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return NULL;
  obj = json_node_get_object (node);
  if (!desk_json_get_string (obj, "name", 255, TRUE, &name, NULL)
      || !desk_json_get_string (obj, "filename", 255, TRUE, &filename, NULL)
      || !desk_json_get_string (obj, "mime_type", 255, TRUE, &mime_type, NULL)
      || !desk_json_get_string (obj, "sha256", 64, TRUE, &sha256, NULL)
      || !desk_json_get_int64 (obj, "size", 0, G_MAXINT64, TRUE, &self->size, NULL)
      || !desk_json_get_int64 (obj, "width", 0, G_MAXINT32, TRUE, &self->width, NULL)
      || !desk_json_get_int64 (obj, "height", 0, G_MAXINT32, TRUE, &self->height, NULL)
      || !is_plain_name (name) || !is_plain_name (filename))
    return NULL;
  self->name = g_strdup (name);
  self->filename = g_strdup (filename);
  self->mime_type = g_strdup (mime_type);
  self->sha256 = g_strdup (sha256);
  return g_steal_pointer (&self);
}

GPtrArray *
desk_staged_files_from_json (const char *text)
{
  GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_staged_file_free);
  g_autoptr (JsonNode) node = NULL;
  JsonArray *array;

  if (text == NULL || *text == '\0' || g_str_equal (text, "[]"))
    return files;
  node = desk_json_parse (text, strlen (text), MAX_FILES_TEXT, NULL);
  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return files;
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      DeskStagedFile *file = staged_from_node (json_array_get_element (array, i));

      if (file != NULL)
        g_ptr_array_add (files, file);
    }
  return files;
}

GPtrArray *
desk_outbox_files_from_text (const char *text)
{
  g_autoptr (GPtrArray) files = NULL;

  if (text == NULL || g_str_equal (text, "[]"))
    return NULL;
  files = desk_staged_files_from_json (text);
  return files->len > 0 ? g_steal_pointer (&files) : NULL;
}

/* ── Entries and drafts ─────────────────────────────────────────────────────────────────────── */

gboolean
desk_fold_entry_files (DeskFold *self, gint64 local_id, GPtrArray *files, GError **error)
{
  for (guint i = 0; files != NULL && i < files->len; i++)
    {
      const DeskStagedFile *file = g_ptr_array_index (files, i);
      DeskStmt *s = desk_db_prepare (
          self->db,
          "INSERT INTO outbox_file(local_id,position,name,filename,mime_type,size,sha256,width,height)"
          " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)",
          error);

      if (s == NULL)
        return FALSE;
      desk_stmt_bind_int64 (s, 1, local_id);
      desk_stmt_bind_int64 (s, 2, i);
      desk_stmt_bind_text (s, 3, file->name);
      desk_stmt_bind_text (s, 4, file->filename);
      desk_stmt_bind_text (s, 5, file->mime_type);
      desk_stmt_bind_int64 (s, 6, file->size);
      desk_stmt_bind_text (s, 7, file->sha256);
      desk_stmt_bind_int64 (s, 8, file->width);
      desk_stmt_bind_int64 (s, 9, file->height);
      if (!desk_stmt_run (s, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
run_for_chat (DeskFold *self, const char *sql, gint64 chat, GError **error)
{
  DeskStmt *s = desk_db_prepare (self->db, sql, error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, chat);
  return desk_stmt_run (s, error);
}

gboolean
desk_fold_draft_files (DeskFold *self, gint64 chat, const char *attachments, GError **error)
{
  g_autoptr (GPtrArray) files = desk_staged_files_from_json (attachments);

  if (!run_for_chat (self,
                     "INSERT OR IGNORE INTO gone SELECT 'outbox/'||name FROM draft_file WHERE chat=?1",
                     chat, error)
      || !run_for_chat (self, "DELETE FROM draft_file WHERE chat=?1", chat, error))
    return FALSE;
  for (guint i = 0; i < files->len; i++)
    {
      const DeskStagedFile *file = g_ptr_array_index (files, i);
      DeskStmt *s = desk_db_prepare (
          self->db, "INSERT OR IGNORE INTO draft_file(chat,name) VALUES(?1,?2)", error);

      if (s == NULL)
        return FALSE;
      desk_stmt_bind_int64 (s, 1, chat);
      desk_stmt_bind_text (s, 2, file->name);
      if (!desk_stmt_run (s, error))
        return FALSE;
    }
  return TRUE;
}

/* ── Downloads ──────────────────────────────────────────────────────────────────────────────── */

/* Removes the least recently used row but sha256's; its size goes off *total. FALSE in *found: there is no other. */
static gboolean
evict_one (DeskFold *self, const char *sha256, gint64 *total, gboolean *found, GError **error)
{
  DeskStep step;
  DeskStmt *s = desk_db_prepare (self->db,
                                 "DELETE FROM file WHERE sha256=(SELECT sha256 FROM file WHERE sha256<>?1"
                                 " ORDER BY used_at_ms,sha256 LIMIT 1) RETURNING size",
                                 error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_text (s, 1, sha256);
  *found = FALSE;
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    {
      *total -= desk_stmt_column_int64 (s, 0);
      *found = TRUE;
    }
  return step != DESK_STEP_ERROR;
}

static gboolean
evict (DeskFold *self, const char *sha256, gint64 max_bytes, GError **error)
{
  gint64 total = 0;
  gboolean found = TRUE;

  if (!desk_db_query_int64 (self->db, "SELECT coalesce(sum(size),0) FROM file", &total, error))
    return FALSE;
  while (total > max_bytes && found)
    if (!evict_one (self, sha256, &total, &found, error))
      return FALSE;
  return TRUE;
}

gboolean
desk_fold_file_add (DeskFold *self, const DeskOp *op, GError **error)
{
  DeskStmt *s = desk_db_prepare (self->db,
                                 "INSERT INTO file(sha256,size,used_at_ms) VALUES(?1,?2,?3)"
                                 " ON CONFLICT(sha256) DO UPDATE SET size=?2,used_at_ms=?3",
                                 error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_text (s, 1, op->b);
  desk_stmt_bind_int64 (s, 2, op->first);
  desk_stmt_bind_int64 (s, 3, desk_clock_now_ms (self->clock));
  if (!desk_stmt_run (s, error))
    return FALSE;
  s = desk_db_prepare (self->db, "INSERT OR REPLACE INTO file_key(key,sha256) VALUES(?1,?2)", error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_text (s, 1, op->a);
  desk_stmt_bind_text (s, 2, op->b);
  return desk_stmt_run (s, error) && evict (self, op->b, op->last, error);
}

gboolean
desk_fold_file_used (DeskFold *self, const char *sha256, GError **error)
{
  DeskStmt *s
      = desk_db_prepare (self->db, "UPDATE file SET used_at_ms=?2 WHERE sha256=?1", error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_text (s, 1, sha256);
  desk_stmt_bind_int64 (s, 2, desk_clock_now_ms (self->clock));
  return desk_stmt_run (s, error);
}

gboolean
desk_fold_file_gone (DeskFold *self, const char *name, GError **error)
{
  g_autofree char *path = name ? g_strconcat (DESK_STORE_OUTBOX_DIR "/", name, NULL) : g_strdup (DESK_GONE_ALL);
  DeskStmt *s;

  if (name != NULL && !is_plain_name (name))
    return TRUE;
  s = desk_db_prepare (self->db, "INSERT OR IGNORE INTO gone(path) VALUES(?1)", error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_text (s, 1, path);
  return desk_stmt_run (s, error);
}

/* ── Ops ────────────────────────────────────────────────────────────────────────────────────── */

void
desk_batch_file_add (DeskBatch *self, const char *key, const char *sha256, gint64 size, gint64 max_bytes)
{
  DeskOp *op;

  g_return_if_fail (self != NULL && key != NULL && sha256 != NULL && strlen (sha256) == 64);
  op = desk_batch_add_op (self, DESK_OP_FILE_ADD);
  op->a = g_strdup (key);
  op->b = g_strdup (sha256);
  op->first = size;
  op->last = max_bytes;
}

void
desk_batch_file_used (DeskBatch *self, const char *sha256)
{
  g_return_if_fail (self != NULL && sha256 != NULL);
  desk_batch_add_op (self, DESK_OP_FILE_USED)->b = g_strdup (sha256);
}

void
desk_batch_file_gone (DeskBatch *self, const char *name)
{
  g_return_if_fail (self != NULL);
  desk_batch_add_op (self, DESK_OP_FILE_GONE)->a = g_strdup (name);
}
