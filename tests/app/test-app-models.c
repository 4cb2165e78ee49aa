/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* The two list models against random operations. What observers are told is replayed on a plain
 * copy, which must end equal to the model and to a naive sort; objects must survive; a move must be
 * one items-changed. */

#include "app/desk-chat-list-model.h"
#include "app/desk-timeline-find.h"
#include "app/desk-timeline-model.h"

/* ── A copy that knows only what it is told ─────────────────────────────────────────────────── */

typedef struct
{
  GPtrArray *copy; /* of GObject */
  guint signals;
} Mirror;

static void
on_items_changed (GListModel *model, guint position, guint removed, guint added, gpointer data)
{
  Mirror *mirror = data;
  mirror->signals++;
  g_assert_cmpuint (position + removed, <=, mirror->copy->len);
  if (removed > 0)
    g_ptr_array_remove_range (mirror->copy, position, removed);
  for (guint i = 0; i < added; i++)
    g_ptr_array_insert (mirror->copy, (int)(position + i),
                        g_list_model_get_item (model, position + i));
}

static void
mirror_init (Mirror *mirror, GListModel *model)
{
  mirror->copy = g_ptr_array_new_with_free_func (g_object_unref);
  mirror->signals = 0;
  g_signal_connect (model, "items-changed", G_CALLBACK (on_items_changed), mirror);
}

static void
mirror_check (Mirror *mirror, GListModel *model)
{
  g_assert_cmpuint (mirror->copy->len, ==, g_list_model_get_n_items (model));
  for (guint i = 0; i < mirror->copy->len; i++)
    {
      g_autoptr (GObject) item = g_list_model_get_item (model, i);
      g_assert_true (item == g_ptr_array_index (mirror->copy, i));
    }
}

/* ── Chats ──────────────────────────────────────────────────────────────────────────────────── */

static DeskChatRow *
new_row (gint64 id, gint64 activity_ms, gint64 waiting_ms)
{
  DeskChatRow *row = g_new0 (DeskChatRow, 1);
  g_autofree char *user = g_strdup_printf ("%" G_GINT64_FORMAT, id);
  row->chat = desk_chat_new ("telegram", user);
  row->row_id = id;
  row->activity_ms = activity_ms;
  row->chat->waiting_since_ms = waiting_ms;
  return row;
}

static int
compare_rows (gconstpointer a, gconstpointer b, gpointer data)
{
  return desk_chat_list_model_compare (*(DeskChatRow *const *)a, *(DeskChatRow *const *)b,
                                       *(DeskChatSort *)data);
}

static void
check_chats (DeskChatListModel *model, GHashTable *rows, DeskChatSort sort)
{
  g_autoptr (GPtrArray) sorted = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, rows);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_add (sorted, value);
  g_ptr_array_sort_with_data (sorted, compare_rows, &sort);
  g_assert_cmpuint (sorted->len, ==, g_list_model_get_n_items (G_LIST_MODEL (model)));
  for (guint i = 0; i < sorted->len; i++)
    {
      g_autoptr (DeskChatItem) item = g_list_model_get_item (G_LIST_MODEL (model), i);
      g_assert_cmpint (desk_chat_item_get_row (item)->row_id, ==,
                       ((DeskChatRow *)g_ptr_array_index (sorted, i))->row_id);
      g_assert_cmpuint (desk_chat_list_model_get_position (model, desk_chat_item_get_key (item)),
                        ==, i);
    }
}

static void
random_update (DeskChatListModel *model, GHashTable *rows, GRand *rand, Mirror *mirror)
{
  gint64 id = g_rand_int_range (rand, 1, 60);
  DeskChatRow *row = new_row (id, g_rand_int_range (rand, 0, 500),
                              g_rand_boolean (rand) ? g_rand_int_range (rand, 1, 500) : 0);
  g_autofree char *key = desk_chat_format_key ("telegram", row->chat->user_id);
  gpointer before = desk_chat_list_model_find (model, key);
  guint signals = mirror->signals;

  g_hash_table_replace (rows, GSIZE_TO_POINTER ((gsize)id), desk_chat_row_copy (row));
  desk_chat_list_model_update (model, row);
  g_assert_cmpuint (mirror->signals - signals, <=, 1);
  if (before != NULL)
    g_assert_true (before == desk_chat_list_model_find (model, key));
}

static void
random_reload (
    DeskChatListModel *model, GHashTable *rows, GRand *rand, DeskChatSort sort, Mirror *mirror)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_chat_row_free);
  g_autoptr (GHashTable) before = g_hash_table_new (g_str_hash, g_str_equal);
  guint signals = mirror->signals, n = g_list_model_get_n_items (G_LIST_MODEL (model));
  GHashTableIter iter;
  gpointer key, value;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (DeskChatItem) item = g_list_model_get_item (G_LIST_MODEL (model), i);
      g_hash_table_insert (before, (gpointer)desk_chat_item_get_key (item), g_object_ref (item));
    }
  for (int i = 0; i < 5; i++)
    g_hash_table_remove (rows, GSIZE_TO_POINTER ((gsize)g_rand_int_range (rand, 1, 60)));
  g_hash_table_iter_init (&iter, rows);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_ptr_array_add (all, desk_chat_row_copy (value));
  desk_chat_list_model_set_rows (model, all, sort);
  g_assert_cmpuint (mirror->signals - signals, <=, 1);
  g_hash_table_iter_init (&iter, before);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      gpointer now = desk_chat_list_model_find (model, key);
      g_assert_true (now == NULL || now == value);
    }
  g_hash_table_iter_init (&iter, before);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_object_unref (value);
}

static void
test_chats (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  g_autoptr (DeskChatListModel) model = desk_chat_list_model_new ();
  g_autoptr (GHashTable) rows
      = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify)desk_chat_row_free);
  DeskChatSort sort = DESK_CHAT_SORT_RECENT;
  Mirror mirror;

  mirror_init (&mirror, G_LIST_MODEL (model));
  for (int step = 0; step < 3000; step++)
    {
      int what = g_rand_int_range (rand, 0, 20);
      if (what == 0)
        {
          sort = g_rand_boolean (rand) ? DESK_CHAT_SORT_RECENT : DESK_CHAT_SORT_WAITING;
          random_reload (model, rows, rand, sort, &mirror);
        }
      else if (what == 1)
        {
          gint64 id = g_rand_int_range (rand, 1, 60);
          g_autofree char *key = g_strdup_printf ("telegram/%" G_GINT64_FORMAT, id);
          g_hash_table_remove (rows, GSIZE_TO_POINTER ((gsize)id));
          desk_chat_list_model_remove (model, key);
        }
      else
        random_update (model, rows, rand, &mirror);
      mirror_check (&mirror, G_LIST_MODEL (model));
      check_chats (model, rows, sort);
    }
  g_signal_handlers_disconnect_by_data (model, &mirror);
  g_ptr_array_unref (mirror.copy);
}

/* ── The timeline ───────────────────────────────────────────────────────────────────────────── */

static DeskTimelineItem *
new_message (gint64 seq, const char *client_id)
{
  DeskTimelineItem *item = g_new0 (DeskTimelineItem, 1);
  item->type = DESK_ITEM_MESSAGE;
  item->order_key = seq;
  item->message = desk_message_new ("telegram", "1");
  item->message->id = g_strdup_printf ("m%" G_GINT64_FORMAT, seq);
  item->message->direction
      = client_id != NULL || seq % 3 == 0 ? DESK_DIRECTION_OUTGOING : DESK_DIRECTION_INCOMING;
  item->message->client_message_id = g_strdup (client_id);
  item->message->created_at_ms = seq * G_GINT64_CONSTANT (5000000);
  return item;
}

static DeskTimelineItem *
new_pending (gint64 local_id, const char *client_id)
{
  DeskTimelineItem *item = g_new0 (DeskTimelineItem, 1);
  item->type = DESK_ITEM_PENDING;
  item->order_key = local_id;
  item->pending = desk_outbox_entry_new (DESK_INTENT_SEND, "telegram", "1");
  g_free (item->pending->client_message_id);
  item->pending->client_message_id = g_strdup (client_id);
  item->pending->local_id = local_id;
  item->pending->created_at_ms = G_GINT64_CONSTANT (900000000);
  return item;
}

static GPtrArray *
new_items (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)desk_timeline_item_free);
}

static void
check_window (DeskTimelineModel *model, gint64 first, gint64 last)
{
  GPtrArray *core = desk_timeline_model_get_core (model);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (model)), messages = 0, lines = 0;
  g_assert_cmpuint (core->len, ==, (guint)(last - first + 1));
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (DeskTimelineEntry) entry = g_list_model_get_item (G_LIST_MODEL (model), i);
      const DeskMessage *message = desk_timeline_entry_get_message (entry);
      if (message != NULL)
        g_assert_cmpint (desk_timeline_entry_get_item (entry)->order_key, ==, first + messages++);
      lines += desk_timeline_entry_get_entry_type (entry) == DESK_ENTRY_UNREAD;
    }
  g_assert_cmpuint (messages, ==, core->len);
  g_assert_cmpuint (lines, <=, 1);
}

static void
test_timeline_windows (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);
  g_autoptr (DeskTimelineModel) model = desk_timeline_model_new ();
  g_autoptr (GHashTable) objects = g_hash_table_new (g_direct_hash, g_direct_equal);
  Mirror mirror;

  mirror_init (&mirror, G_LIST_MODEL (model));
  for (int step = 0; step < 1500; step++)
    {
      gint64 first = g_rand_int_range (rand, 1, 60), last = first + g_rand_int_range (rand, 0, 60);
      GPtrArray *items = new_items (), *core;
      g_hash_table_remove_all (objects);
      core = desk_timeline_model_get_core (model);
      for (guint i = 0; i < core->len; i++)
        g_hash_table_insert (
            objects,
            GSIZE_TO_POINTER (
                (gsize)desk_timeline_entry_get_item (g_ptr_array_index (core, i))->order_key),
            g_ptr_array_index (core, i));
      if (g_rand_int_range (rand, 0, 10) == 0)
        desk_timeline_model_set_read_key (model, g_rand_int_range (rand, -1, 100));
      for (gint64 seq = first; seq <= last; seq++)
        g_ptr_array_add (items, new_message (seq, NULL));
      desk_timeline_model_set_items (model, items);
      mirror_check (&mirror, G_LIST_MODEL (model));
      check_window (model, first, last);
      core = desk_timeline_model_get_core (model);
      for (guint i = 0; i < core->len; i++)
        {
          gpointer was = g_hash_table_lookup (objects, GSIZE_TO_POINTER ((gsize)(first + i)));
          g_assert_true (was == NULL || was == g_ptr_array_index (core, i));
        }
    }
  g_signal_handlers_disconnect_by_data (model, &mirror);
  g_ptr_array_unref (mirror.copy);
}

static void
count_changed (DeskTimelineEntry *entry, gpointer data)
{
  (*(guint *)data)++;
}

/* From the outbox to the message: the same row, changed in place. */
static void
test_timeline_acknowledged (void)
{
  g_autoptr (DeskTimelineModel) model = desk_timeline_model_new ();
  GPtrArray *items = new_items ();
  guint changed = 0;
  Mirror mirror;

  g_ptr_array_add (items, new_message (1, NULL));
  g_ptr_array_add (items, new_pending (5, "abc"));
  desk_timeline_model_set_items (model, items);
  DeskTimelineEntry *entry = g_ptr_array_index (desk_timeline_model_get_core (model), 1);
  g_assert_nonnull (desk_timeline_entry_get_pending (entry));
  g_signal_connect (entry, "changed", G_CALLBACK (count_changed), &changed);
  mirror.copy = g_ptr_array_new_with_free_func (g_object_unref);
  mirror.signals = 0;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (model)); i++)
    g_ptr_array_add (mirror.copy, g_list_model_get_item (G_LIST_MODEL (model), i));
  g_signal_connect (model, "items-changed", G_CALLBACK (on_items_changed), &mirror);

  items = new_items ();
  g_ptr_array_add (items, new_message (1, NULL));
  g_ptr_array_add (items, new_message (2, "abc"));
  desk_timeline_model_set_items (model, items);
  g_assert_true (entry == g_ptr_array_index (desk_timeline_model_get_core (model), 1));
  g_assert_nonnull (desk_timeline_entry_get_message (entry));
  g_assert_cmpuint (changed, ==, 1);
  mirror_check (&mirror, G_LIST_MODEL (model));
  g_signal_handlers_disconnect_by_data (model, &mirror);
  g_ptr_array_unref (mirror.copy);
}

static void
test_timeline_same (void)
{
  g_autoptr (DeskTimelineModel) model = desk_timeline_model_new ();
  Mirror mirror;
  mirror_init (&mirror, G_LIST_MODEL (model));
  for (int round = 0; round < 2; round++)
    {
      GPtrArray *items = new_items ();
      for (gint64 seq = 1; seq <= 20; seq++)
        g_ptr_array_add (items, new_message (seq, NULL));
      desk_timeline_model_set_items (model, items);
    }
  g_assert_cmpuint (mirror.signals, ==, 1); /* reading the same again tells nothing */
  g_signal_handlers_disconnect_by_data (model, &mirror);
  g_ptr_array_unref (mirror.copy);
}

static DeskTimelineItem *
new_answer (gint64 seq, const char *sender_id, gboolean is_private)
{
  DeskTimelineItem *item = new_message (seq, NULL);
  item->message->direction = DESK_DIRECTION_OUTGOING;
  g_free (item->message->id);
  item->message->id = g_strdup_printf ("m%d", (int)seq);
  g_free (item->message->sender_id);
  item->message->sender_id = g_strdup (sender_id);
  item->message->is_private = is_private;
  return item;
}

/* Only what a colleague has told the customer holds a reply back. */
static void
test_timeline_conflict (void)
{
  g_autoptr (DeskTimelineModel) model = desk_timeline_model_new ();
  GPtrArray *items = new_items ();
  DeskTimelineItem *held = new_pending (7, "c");
  gint64 stale;
  const char *answer;

  g_ptr_array_add (items, new_answer (1, "maria", FALSE));
  g_ptr_array_add (items, new_answer (2, "maria", TRUE));
  g_ptr_array_add (items, new_answer (3, "ivan", FALSE));
  g_ptr_array_add (items, held);
  desk_timeline_model_set_items (model, items);
  g_assert_false (desk_timeline_find_conflict (desk_timeline_model_get_core (model), "ivan", &stale,
                                               &answer));
  held->pending->state = DESK_OUTBOX_STALE;
  g_assert_true (desk_timeline_find_conflict (desk_timeline_model_get_core (model), "ivan", &stale,
                                              &answer));
  g_assert_cmpint (stale, ==, 7);
  g_assert_cmpstr (answer, ==, "m1");
  g_assert_false (desk_timeline_find_conflict (NULL, "ivan", &stale, &answer));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/app/chat-list/random", test_chats);
  g_test_add_func ("/app/timeline/windows", test_timeline_windows);
  g_test_add_func ("/app/timeline/acknowledged", test_timeline_acknowledged);
  g_test_add_func ("/app/timeline/same", test_timeline_same);
  g_test_add_func ("/app/timeline/conflict", test_timeline_conflict);
  return g_test_run ();
}
