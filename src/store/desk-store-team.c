/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "store/desk-store-private.h"

/* What belongs to the team and to no chat: canned replies, the managers, and the labels in use. Canned replies and managers
 * are short lists which the server tells as a whole; they replace what was. */

#define PACKED_CANNED "(ssmssxx)"

static gboolean
run_sql (DeskFold *self, const char *sql, GError **error)
{
  DeskStmt *s = desk_db_prepare (self->db, sql, error);

  return s != NULL && desk_stmt_run (s, error);
}

gboolean
desk_fold_canned (DeskFold *self, GPtrArray *list, GError **error)
{
  if (!run_sql (self, "DELETE FROM canned", error))
    return FALSE;
  for (guint i = 0; i < list->len; i++)
    {
      const DeskCanned *c = g_ptr_array_index (list, i);
      g_autoptr (GVariant) value = g_variant_ref_sink (
          g_variant_new (PACKED_CANNED, c->id, c->shortcut, c->title, c->text, c->rev, c->updated_at_ms));
      DeskStmt *s = desk_db_prepare (self->db, "INSERT INTO canned(place,id,data) VALUES(?1,?2,?3)", error);

      if (s == NULL)
        return FALSE;
      desk_stmt_bind_int64 (s, 1, i + 1);
      desk_stmt_bind_text (s, 2, c->id);
      desk_stmt_bind_blob (s, 3, g_variant_get_data (value), g_variant_get_size (value));
      if (!desk_stmt_run (s, error))
        return FALSE;
    }
  self->notice->change.settings = TRUE;
  return TRUE;
}

static DeskCanned *
canned_from_stmt (DeskStmt *s)
{
  gsize len;
  const void *data = desk_stmt_column_blob (s, 0, &len);
  g_autoptr (GBytes) bytes = g_bytes_new (data, data ? len : 0);
  g_autoptr (GVariant) value
      = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (PACKED_CANNED), bytes, FALSE));
  const char *id, *shortcut, *title, *text;
  DeskCanned *canned;
  gint64 rev, updated_at_ms;

  g_variant_get (value, "(&s&sm&s&sxx)", &id, &shortcut, &title, &text, &rev, &updated_at_ms);
  canned = desk_canned_new (id, shortcut, title, text);
  canned->rev = rev;
  canned->updated_at_ms = updated_at_ms;
  return canned;
}

GPtrArray *
desk_query_canned (DeskDb *db, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_canned_free);
  DeskStep step;
  DeskStmt *s = desk_db_prepare (db, "SELECT data FROM canned ORDER BY place", error);

  if (s == NULL)
    return NULL;
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    g_ptr_array_add (list, canned_from_stmt (s));
  return step == DESK_STEP_ERROR ? NULL : g_steal_pointer (&list);
}

gboolean
desk_fold_managers (DeskFold *self, GPtrArray *list, GError **error)
{
  if (!run_sql (self, "DELETE FROM manager", error))
    return FALSE;
  for (guint i = 0; i < list->len; i++)
    {
      const DeskManager *m = g_ptr_array_index (list, i);
      DeskStmt *s = desk_db_prepare (
          self->db, "INSERT OR REPLACE INTO manager(username,display_name,role) VALUES(?1,?2,?3)", error);

      if (s == NULL)
        return FALSE;
      desk_stmt_bind_text (s, 1, m->username);
      desk_stmt_bind_text (s, 2, m->display_name ? m->display_name : m->username);
      desk_stmt_bind_int64 (s, 3, m->role);
      if (!desk_stmt_run (s, error))
        return FALSE;
    }
  self->notice->change.settings = TRUE;
  return TRUE;
}

GPtrArray *
desk_query_managers (DeskDb *db, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_manager_free);
  DeskStep step;
  DeskStmt *s
      = desk_db_prepare (db, "SELECT username,display_name,role FROM manager ORDER BY display_name,username", error);

  if (s == NULL)
    return NULL;
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    g_ptr_array_add (list, desk_manager_new (desk_stmt_column_text (s, 0), desk_stmt_column_text (s, 1),
                                             (DeskRole) desk_stmt_column_int64 (s, 2)));
  return step == DESK_STEP_ERROR ? NULL : g_steal_pointer (&list);
}

/* ── Labels ─────────────────────────────────────────────────────────────────────────────────── */

void
desk_label_row_free (DeskLabelRow *self)
{
  if (self == NULL)
    return;
  g_free (self->label);
  g_free (self);
}

static int
compare_labels (gconstpointer a, gconstpointer b)
{
  const DeskLabelRow *x = *(const DeskLabelRow *const *) a;
  const DeskLabelRow *y = *(const DeskLabelRow *const *) b;

  if (x->chats != y->chats)
    return x->chats > y->chats ? -1 : 1;
  return g_utf8_collate (x->label, y->label);
}

static void
count_labels (GHashTable *rows, GPtrArray *list, const char *text, gint64 chats)
{
  g_auto (GStrv) labels = g_strsplit (text, "\n", -1);

  for (guint i = 0; labels[i] != NULL; i++)
    {
      DeskLabelRow *row;

      if (*labels[i] == '\0')
        continue;
      row = g_hash_table_lookup (rows, labels[i]);
      if (row == NULL)
        {
          row = g_new0 (DeskLabelRow, 1);
          row->label = g_strdup (labels[i]);
          g_hash_table_insert (rows, row->label, row);
          g_ptr_array_add (list, row);
        }
      row->chats += chats;
    }
}

GPtrArray *
desk_query_labels (DeskDb *db, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_label_row_free);
  g_autoptr (GHashTable) rows = g_hash_table_new (g_str_hash, g_str_equal);
  DeskStep step;
  DeskStmt *s = desk_db_prepare (db, "SELECT labels,count(*) FROM chat WHERE labels<>'' GROUP BY labels", error);

  if (s == NULL)
    return NULL;
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    count_labels (rows, list, desk_stmt_column_text (s, 0), desk_stmt_column_int64 (s, 1));
  if (step == DESK_STEP_ERROR)
    return NULL;
  g_ptr_array_sort (list, compare_labels);
  return g_steal_pointer (&list);
}
