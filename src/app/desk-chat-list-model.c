/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The chats of the list, sorted. A GSequence holds the items in order (position and insertion in
 * log n), a hash finds the place of a chat by its key. Invariants: the hash holds exactly the items
 * of the sequence; the sequence is sorted by desk_chat_list_model_compare() whenever a signal is
 * emitted; an item keeps its identity from the first to the last time its chat is listed. */

#include "app/desk-chat-list-model.h"

struct _DeskChatListModel
{
  GObject parent_instance;

  GSequence *sequence; /* of DeskChatItem */
  GHashTable *places;  /* key, borrowed from the item → GSequenceIter */
  DeskChatSort sort;
};

static GType
get_item_type (GListModel *model)
{
  return DESK_TYPE_CHAT_ITEM;
}

static guint
get_n_items (GListModel *model)
{
  return (guint)g_sequence_get_length (DESK_CHAT_LIST_MODEL (model)->sequence);
}

static gpointer
get_item (GListModel *model, guint position)
{
  DeskChatListModel *self = DESK_CHAT_LIST_MODEL (model);
  if (position >= get_n_items (model))
    return NULL;
  return g_object_ref (g_sequence_get (g_sequence_get_iter_at_pos (self->sequence, (int)position)));
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (DeskChatListModel,
                               desk_chat_list_model,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
desk_chat_list_model_finalize (GObject *object)
{
  DeskChatListModel *self = DESK_CHAT_LIST_MODEL (object);
  g_hash_table_unref (self->places);
  g_sequence_free (self->sequence);
  G_OBJECT_CLASS (desk_chat_list_model_parent_class)->finalize (object);
}

static void
desk_chat_list_model_class_init (DeskChatListModelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = desk_chat_list_model_finalize;
}

static void
desk_chat_list_model_init (DeskChatListModel *self)
{
  self->sequence = g_sequence_new (g_object_unref);
  self->places = g_hash_table_new (g_str_hash, g_str_equal);
}

DeskChatListModel *
desk_chat_list_model_new (void)
{
  return g_object_new (DESK_TYPE_CHAT_LIST_MODEL, NULL);
}

static int
compare_int64 (gint64 a, gint64 b)
{
  return a < b ? -1 : a > b;
}

int
desk_chat_list_model_compare (const DeskChatRow *a, const DeskChatRow *b, DeskChatSort sort)
{
  int order = 0;
  if (sort == DESK_CHAT_SORT_WAITING)
    {
      gint64 a_since = a->chat->waiting_since_ms > 0 ? a->chat->waiting_since_ms : G_MAXINT64;
      gint64 b_since = b->chat->waiting_since_ms > 0 ? b->chat->waiting_since_ms : G_MAXINT64;
      order = compare_int64 (a_since, b_since);
    }
  if (order == 0)
    order = compare_int64 (b->activity_ms, a->activity_ms);
  if (order == 0)
    order = compare_int64 (b->row_id, a->row_id);
  return order;
}

static int
compare_items (gconstpointer a, gconstpointer b, gpointer data)
{
  DeskChatListModel *self = data;
  return desk_chat_list_model_compare (desk_chat_item_get_row ((gpointer)a),
                                       desk_chat_item_get_row ((gpointer)b), self->sort);
}

static int
compare_item_pointers (gconstpointer a, gconstpointer b, gpointer data)
{
  return compare_items (*(gconstpointer *)a, *(gconstpointer *)b, data);
}

DeskChatItem *
desk_chat_list_model_find (DeskChatListModel *self, const char *key)
{
  GSequenceIter *iter = g_hash_table_lookup (self->places, key);
  return iter != NULL ? g_sequence_get (iter) : NULL;
}

guint
desk_chat_list_model_get_position (DeskChatListModel *self, const char *key)
{
  GSequenceIter *iter = g_hash_table_lookup (self->places, key);
  return iter != NULL ? (guint)g_sequence_iter_get_position (iter) : G_MAXUINT;
}

/* The wanted items, in the old order's objects where there are any; a chat named twice counts once.
 */
static GPtrArray *
collect_items (DeskChatListModel *self, GPtrArray *rows)
{
  GPtrArray *items = g_ptr_array_new_full (rows->len, g_object_unref);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  g_ptr_array_set_free_func (rows, NULL);
  for (guint i = 0; i < rows->len; i++)
    {
      DeskChatRow *row = g_ptr_array_index (rows, i);
      g_autofree char *key = desk_chat_format_key (row->chat->platform, row->chat->user_id);
      DeskChatItem *item = g_hash_table_lookup (seen, key);
      gboolean again = item != NULL;
      if (item == NULL)
        item = desk_chat_list_model_find (self, key);
      if (item != NULL)
        desk_chat_item_replace_row (item, row);
      if (again)
        continue;
      item = item != NULL ? g_object_ref (item) : desk_chat_item_new (row);
      g_hash_table_insert (seen, (gpointer)desk_chat_item_get_key (item), item);
      g_ptr_array_add (items, item);
    }
  g_ptr_array_unref (rows);
  g_ptr_array_sort_with_data (items, compare_item_pointers, self);
  return items;
}

/* Replaces @n_old items at @first by @items[first .. first + n_new). */
static void
replace_span (DeskChatListModel *self, GPtrArray *items, guint first, guint n_old, guint n_new)
{
  GSequenceIter *at = g_sequence_get_iter_at_pos (self->sequence, (int)first);
  for (guint i = 0; i < n_old; i++)
    {
      GSequenceIter *next = g_sequence_iter_next (at);
      g_hash_table_remove (self->places, desk_chat_item_get_key (g_sequence_get (at)));
      g_sequence_remove (at);
      at = next;
    }
  for (guint i = first; i < first + n_new; i++)
    {
      DeskChatItem *item = g_ptr_array_index (items, i);
      GSequenceIter *iter = g_sequence_insert_before (at, g_object_ref (item));
      g_hash_table_insert (self->places, (gpointer)desk_chat_item_get_key (item), iter);
    }
  if (n_old > 0 || n_new > 0)
    g_list_model_items_changed (G_LIST_MODEL (self), first, n_old, n_new);
}

void
desk_chat_list_model_set_rows (DeskChatListModel *self, GPtrArray *rows, DeskChatSort sort)
{
  self->sort = sort;
  g_autoptr (GPtrArray) items = collect_items (self, rows);
  guint n_old = get_n_items (G_LIST_MODEL (self)), first = 0, tail = 0;
  GSequenceIter *front = g_sequence_get_begin_iter (self->sequence);
  GSequenceIter *back = g_sequence_get_end_iter (self->sequence);

  for (; first < n_old && first < items->len; first++, front = g_sequence_iter_next (front))
    if (g_sequence_get (front) != g_ptr_array_index (items, first))
      break;
  for (; first + tail < n_old && first + tail < items->len; tail++)
    {
      back = g_sequence_iter_prev (back);
      if (g_sequence_get (back) != g_ptr_array_index (items, items->len - 1 - tail))
        break;
    }
  replace_span (self, items, first, n_old - first - tail, items->len - first - tail);
  for (guint i = 0; i < items->len; i++)
    desk_chat_item_emit_changed (g_ptr_array_index (items, i));
}

void
desk_chat_list_model_update (DeskChatListModel *self, DeskChatRow *row)
{
  g_autofree char *key = desk_chat_format_key (row->chat->platform, row->chat->user_id);
  GSequenceIter *iter = g_hash_table_lookup (self->places, key);
  guint old, now;

  if (iter == NULL)
    {
      DeskChatItem *item = desk_chat_item_new (row);
      iter = g_sequence_insert_sorted (self->sequence, item, compare_items, self);
      g_hash_table_insert (self->places, (gpointer)desk_chat_item_get_key (item), iter);
      g_list_model_items_changed (G_LIST_MODEL (self), (guint)g_sequence_iter_get_position (iter),
                                  0, 1);
      return;
    }
  g_autoptr (DeskChatItem) item = g_object_ref (g_sequence_get (iter));
  old = (guint)g_sequence_iter_get_position (iter);
  desk_chat_item_replace_row (item, row);
  g_sequence_sort_changed (iter, compare_items, self);
  now = (guint)g_sequence_iter_get_position (iter);
  if (old != now)
    {
      guint span = (old > now ? old - now : now - old) + 1;
      g_list_model_items_changed (G_LIST_MODEL (self), MIN (old, now), span, span);
    }
  desk_chat_item_emit_changed (item);
}

void
desk_chat_list_model_remove (DeskChatListModel *self, const char *key)
{
  GSequenceIter *iter = g_hash_table_lookup (self->places, key);
  if (iter == NULL)
    return;
  guint position = (guint)g_sequence_iter_get_position (iter);
  g_hash_table_remove (self->places, key);
  g_sequence_remove (iter);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
}
