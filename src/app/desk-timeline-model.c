/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The rows of the timeline, as a list. What is loaded (core) and what is shown (rows: core with day
 * separators and the unread line) are two arrays; a new window is compared with the shown one by
 * identity and told as runs of removals and insertions, because a row that is removed and added
 * again makes the view jump. Invariant: each signal leaves rows consistent with what was told. */

#include "app/desk-timeline-model.h"

#include "app/desk-format.h"

struct _DeskTimelineModel
{
  GObject parent_instance;

  GPtrArray *core;    /* of DeskTimelineEntry */
  GPtrArray *rows;    /* of DeskTimelineEntry */
  GHashTable *extras; /* key → DeskTimelineEntry: separators that are shown */
  gint64 read_key;
};

static GType
get_item_type (GListModel *model)
{
  return DESK_TYPE_TIMELINE_ENTRY;
}

static guint
get_n_items (GListModel *model)
{
  return DESK_TIMELINE_MODEL (model)->rows->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  GPtrArray *rows = DESK_TIMELINE_MODEL (model)->rows;
  return position < rows->len ? g_object_ref (g_ptr_array_index (rows, position)) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (DeskTimelineModel,
                               desk_timeline_model,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
desk_timeline_model_finalize (GObject *object)
{
  DeskTimelineModel *self = DESK_TIMELINE_MODEL (object);
  g_ptr_array_unref (self->core);
  g_ptr_array_unref (self->rows);
  g_hash_table_unref (self->extras);
  G_OBJECT_CLASS (desk_timeline_model_parent_class)->finalize (object);
}

static void
desk_timeline_model_class_init (DeskTimelineModelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = desk_timeline_model_finalize;
}

static void
desk_timeline_model_init (DeskTimelineModel *self)
{
  self->core = g_ptr_array_new_with_free_func (g_object_unref);
  self->rows = g_ptr_array_new_with_free_func (g_object_unref);
  self->extras = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->read_key = -1;
}

DeskTimelineModel *
desk_timeline_model_new (void)
{
  return g_object_new (DESK_TYPE_TIMELINE_MODEL, NULL);
}

void
desk_timeline_model_set_read_key (DeskTimelineModel *self, gint64 read_key)
{
  self->read_key = read_key;
}

gint64
desk_timeline_model_get_read_key (DeskTimelineModel *self)
{
  return self->read_key;
}

GPtrArray *
desk_timeline_model_get_core (DeskTimelineModel *self)
{
  return self->core;
}

/* ── From items to rows ─────────────────────────────────────────────────────────────────────── */

/* Entries for @items, the same objects for what was there; the changed ones are put into @changed.
 */
static GPtrArray *
adopt_items (DeskTimelineModel *self, GPtrArray *items, GHashTable *changed)
{
  g_autoptr (GHashTable) old = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GPtrArray *core = g_ptr_array_new_full (items->len, g_object_unref);

  for (guint i = 0; i < self->core->len; i++)
    {
      DeskTimelineEntry *entry = g_ptr_array_index (self->core, i);
      g_hash_table_insert (old, desk_timeline_item_dup_key (desk_timeline_entry_get_item (entry)),
                           entry);
    }
  g_ptr_array_set_free_func (items, NULL);
  for (guint i = 0; i < items->len; i++)
    {
      DeskTimelineItem *item = g_ptr_array_index (items, i);
      g_autofree char *key = desk_timeline_item_dup_key (item);
      DeskTimelineEntry *entry = g_hash_table_lookup (old, key);
      if (entry == NULL)
        {
          g_ptr_array_add (core, desk_timeline_entry_new (item));
          continue;
        }
      g_hash_table_remove (old, key); /* a key that comes twice gets a row of its own */
      if (desk_timeline_entry_replace_item (entry, item))
        g_hash_table_add (changed, entry);
      g_ptr_array_add (core, g_object_ref (entry));
    }
  g_ptr_array_unref (items);
  return core;
}

/* The separator with this key, the shown object if there is one. */
static void
add_extra (DeskTimelineModel *self, GHashTable *extras, GPtrArray *rows, char *key, gint64 day_ms)
{
  DeskTimelineEntry *entry = g_hash_table_lookup (self->extras, key);
  while (g_hash_table_contains (extras, key))
    {
      char *longer = g_strconcat (key, "+", NULL);
      g_free (key);
      key = longer;
      entry = g_hash_table_lookup (self->extras, key);
    }
  if (entry != NULL)
    g_object_ref (entry);
  else
    entry = day_ms > 0 ? desk_timeline_entry_new_day (day_ms) : desk_timeline_entry_new_unread ();
  g_hash_table_insert (extras, key, entry);
  g_ptr_array_add (rows, g_object_ref (entry));
}

static gboolean
is_unread (DeskTimelineModel *self, DeskTimelineEntry *entry)
{
  const DeskMessage *message = desk_timeline_entry_get_message (entry);
  return message != NULL && self->read_key >= 0 && message->direction == DESK_DIRECTION_INCOMING
         && desk_timeline_entry_get_item (entry)->order_key > self->read_key;
}

static void
update_group (DeskTimelineModel *self, GPtrArray *rows, guint i, GHashTable *changed)
{
  DeskTimelineEntry *entry = g_ptr_array_index (rows, i);
  DeskTimelineEntry *before = i > 0 ? g_ptr_array_index (rows, i - 1) : NULL;
  DeskTimelineEntry *after = i + 1 < rows->len ? g_ptr_array_index (rows, i + 1) : NULL;
  gboolean first = before == NULL || !desk_timeline_entry_continues (before, entry);
  gboolean last = after == NULL || !desk_timeline_entry_continues (entry, after);
  if (desk_timeline_entry_set_group (entry, first, last, is_unread (self, entry)))
    g_hash_table_add (changed, entry);
}

static GPtrArray *
derive_rows (DeskTimelineModel *self, GPtrArray *core, GHashTable *changed)
{
  GPtrArray *rows = g_ptr_array_new_full (core->len + 16, g_object_unref);
  GHashTable *extras = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  gint64 day = -1;
  gboolean line = FALSE;

  for (guint i = 0; i < core->len; i++)
    {
      DeskTimelineEntry *entry = g_ptr_array_index (core, i);
      gint64 time_ms = desk_timeline_entry_get_time_ms (entry);
      gint64 this_day = time_ms > 0 ? desk_format_day_number (time_ms) : day;
      if (this_day != day)
        add_extra (self, extras, rows, g_strdup_printf ("d:%" G_GINT64_FORMAT, this_day), time_ms);
      day = this_day;
      if (!line && is_unread (self, entry))
        {
          add_extra (self, extras, rows, g_strdup ("u"), 0);
          line = TRUE;
        }
      g_ptr_array_add (rows, g_object_ref (entry));
    }
  for (guint i = 0; i < rows->len; i++)
    update_group (self, rows, i, changed);
  g_hash_table_unref (self->extras);
  self->extras = extras;
  return rows;
}

/* ── Telling the difference ─────────────────────────────────────────────────────────────────── */

static GHashTable *
index_rows (GPtrArray *rows)
{
  GHashTable *index = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < rows->len; i++)
    g_hash_table_insert (index, g_ptr_array_index (rows, i), GUINT_TO_POINTER (i + 1));
  return index;
}

/* Do the rows that stay keep their order? */
static gboolean
keeps_order (GPtrArray *old, GHashTable *new_index)
{
  guint highest = 0;
  for (guint i = 0; i < old->len; i++)
    {
      guint at = GPOINTER_TO_UINT (g_hash_table_lookup (new_index, g_ptr_array_index (old, i)));
      if (at == 0)
        continue;
      if (at < highest)
        return FALSE;
      highest = at;
    }
  return TRUE;
}

static void
splice (
    DeskTimelineModel *self, guint at, guint n_removed, GPtrArray *rows, guint from, guint n_added)
{
  if (n_removed > 0)
    g_ptr_array_remove_range (self->rows, at, n_removed);
  for (guint i = 0; i < n_added; i++)
    g_ptr_array_insert (self->rows, (int)(at + i),
                        g_object_ref (g_ptr_array_index (rows, from + i)));
  g_list_model_items_changed (G_LIST_MODEL (self), at, n_removed, n_added);
}

static void
replace_rows (DeskTimelineModel *self, GPtrArray *rows)
{
  g_autoptr (GHashTable) new_index = index_rows (rows);
  g_autoptr (GHashTable) old_index = index_rows (self->rows);

  if (!keeps_order (self->rows, new_index))
    {
      splice (self, 0, self->rows->len, rows, 0, rows->len);
      return;
    }
  for (guint at = 0, j = 0; at < self->rows->len || j < rows->len;)
    {
      guint gone = 0, come = 0;
      while (at + gone < self->rows->len
             && !g_hash_table_contains (new_index, g_ptr_array_index (self->rows, at + gone)))
        gone++;
      while (j + come < rows->len
             && !g_hash_table_contains (old_index, g_ptr_array_index (rows, j + come)))
        come++;
      if (gone > 0 || come > 0)
        splice (self, at, gone, rows, j, come);
      /* what follows in both is the same row */
      at += come + 1;
      j += come + 1;
    }
}

void
desk_timeline_model_set_items (DeskTimelineModel *self, GPtrArray *items)
{
  g_autoptr (GHashTable) changed = g_hash_table_new (NULL, NULL);
  GPtrArray *core = adopt_items (self, items, changed);
  g_autoptr (GPtrArray) rows = derive_rows (self, core, changed);
  GHashTableIter iter;
  gpointer entry;

  g_ptr_array_unref (self->core);
  self->core = core;
  replace_rows (self, rows);
  g_hash_table_iter_init (&iter, changed);
  while (g_hash_table_iter_next (&iter, &entry, NULL))
    desk_timeline_entry_emit_changed (entry);
}

/* ── Looking up ─────────────────────────────────────────────────────────────────────────────── */

guint
desk_timeline_model_find_message (DeskTimelineModel *self, const char *id, gint64 order_key)
{
  for (guint i = 0; i < self->rows->len; i++)
    {
      DeskTimelineEntry *entry = g_ptr_array_index (self->rows, i);
      const DeskMessage *message = desk_timeline_entry_get_message (entry);
      if (message == NULL)
        continue;
      if (id != NULL ? g_strcmp0 (message->id, id) == 0
                     : desk_timeline_entry_get_item (entry)->order_key == order_key)
        return i;
    }
  return G_MAXUINT;
}

guint
desk_timeline_model_find_unread (DeskTimelineModel *self)
{
  for (guint i = 0; i < self->rows->len; i++)
    if (desk_timeline_entry_get_entry_type (g_ptr_array_index (self->rows, i)) == DESK_ENTRY_UNREAD)
      return i;
  return G_MAXUINT;
}

gint64
desk_timeline_model_get_first_key (DeskTimelineModel *self)
{
  for (guint i = 0; i < self->core->len; i++)
    if (desk_timeline_entry_get_message (g_ptr_array_index (self->core, i)) != NULL)
      return desk_timeline_entry_get_item (g_ptr_array_index (self->core, i))->order_key;
  return 0;
}

gint64
desk_timeline_model_get_last_key (DeskTimelineModel *self)
{
  for (guint i = self->core->len; i > 0; i--)
    if (desk_timeline_entry_get_message (g_ptr_array_index (self->core, i - 1)) != NULL)
      return desk_timeline_entry_get_item (g_ptr_array_index (self->core, i - 1))->order_key;
  return 0;
}
