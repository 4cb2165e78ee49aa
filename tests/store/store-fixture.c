/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

#include <glib/gstdio.h>

#include "common/desk-db.h"
#include "store-fixture.h"

void
remove_tree (const char *path)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        remove_tree (child);
      else
        g_unlink (child);
    }
  g_clear_pointer (&dir, g_dir_close);
  g_rmdir (path);
}

void
fixture_reopen (Fixture *self)
{
  g_autoptr (GError) error = NULL;
  DeskStoreOptions options = { .clock = self->clock };

  if (self->store != NULL)
    desk_store_close (self->store);
  g_clear_object (&self->store);
  self->store = desk_store_open (self->dir, &options, &error);
  g_assert_no_error (error);
  g_assert_nonnull (self->store);
}

void
fixture_set_up (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  self->dir = g_dir_make_tmp ("desk-store-XXXXXX", &error);
  g_assert_no_error (error);
  self->clock = desk_clock_manual_new (5000000);
  fixture_reopen (self);
}

void
fixture_tear_down (Fixture *self, gconstpointer data)
{
  if (self->store != NULL)
    desk_store_close (self->store);
  g_clear_object (&self->store);
  remove_tree (self->dir);
  g_clear_pointer (&self->dir, g_free);
  g_clear_pointer (&self->clock, desk_clock_unref);
}

static void
set_text (char **field, const char *text)
{
  g_free (*field);
  *field = g_strdup (text);
}

DeskMessage *
make_message (const char *user_id, gint64 seq, gint64 rev, const char *text)
{
  DeskMessage *m = desk_message_new (P, user_id);
  gboolean incoming = seq % 2 == 1;

  m->id = g_strdup_printf ("m-%s-%" G_GINT64_FORMAT, user_id, seq);
  m->is_level2 = TRUE;
  m->chat_seq = seq;
  m->rev = rev;
  m->direction = incoming ? DESK_DIRECTION_INCOMING : DESK_DIRECTION_OUTGOING;
  m->sender = incoming ? DESK_SENDER_USER : DESK_SENDER_MANAGER;
  m->in_seq = incoming ? (seq + 1) / 2 : 0;
  m->created_at_ms = 1000000 + seq * 1000;
  set_text (&m->text, text);
  return m;
}

DeskMessage *
make_message0 (gint64 created_at_ms, DeskDirection direction, const char *id, const char *text)
{
  DeskMessage *m = desk_message_new (P, U);

  m->id = g_strdup (id);
  m->direction = direction;
  m->sender = direction == DESK_DIRECTION_INCOMING ? DESK_SENDER_USER : DESK_SENDER_MANAGER;
  m->created_at_ms = created_at_ms;
  set_text (&m->text, text);
  return m;
}

DeskChat *
make_chat (const char *user_id, gint64 rev, gint64 last_chat_seq, gint64 last_in_seq)
{
  DeskChat *c = desk_chat_new (P, user_id);

  set_text (&c->user_name, "Olena");
  c->is_level2 = TRUE;
  c->rev = rev;
  c->first_chat_seq = 1;
  c->last_chat_seq = last_chat_seq;
  c->last_in_seq = last_in_seq;
  c->last_time_ms = last_chat_seq > 0 ? 1000000 + last_chat_seq * 1000 : 0;
  set_text (&c->last_message, "last");
  return c;
}

DeskEvent *
make_message_event (DeskEventType type, DeskMessage *message)
{
  DeskEvent *event = desk_event_new (type);

  event->message = message;
  return event;
}

GPtrArray *
make_messages (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) desk_message_free);
}

DeskBatchResult *
apply (DeskStore *store, DeskBatch *batch)
{
  g_autoptr (GError) error = NULL;
  DeskBatchResult *result = desk_store_apply (store, batch, &error);

  g_assert_no_error (error);
  g_assert_nonnull (result);
  return result;
}

void
apply_quiet (DeskStore *store, DeskBatch *batch)
{
  desk_batch_result_free (apply (store, batch));
}

void
apply_message (DeskStore *store, DeskEventType type, DeskMessage *message)
{
  g_autoptr (DeskEvent) event = make_message_event (type, message);
  DeskBatch *batch = desk_batch_new ();

  desk_batch_event (batch, event, "me");
  apply_quiet (store, batch);
}

void
apply_page (DeskStore *store, gint64 first, gint64 last, gboolean start, gboolean end)
{
  g_autoptr (GPtrArray) messages = make_messages ();
  DeskBatch *batch = desk_batch_new ();

  for (gint64 seq = last; seq >= first; seq--)
    g_ptr_array_add (messages, make_message (U, seq, 1, "text"));
  desk_batch_page (batch, P, U, messages, start, end);
  apply_quiet (store, batch);
}

DeskTimelinePage *
newest (DeskStore *store, const char *user_id, guint limit)
{
  g_autoptr (GError) error = NULL;
  DeskTimelineQuery query
      = { .platform = P, .user_id = user_id, .anchor = DESK_ANCHOR_NEWEST, .limit = limit };
  DeskTimelinePage *page = desk_store_list_messages (store, &query, &error);

  g_assert_no_error (error);
  return page;
}

char *
describe (DeskTimelinePage *page)
{
  GString *out = g_string_new (page->server_has_older ? "..." : NULL);

  for (guint i = 0; i < page->items->len; i++)
    {
      const DeskTimelineItem *item = g_ptr_array_index (page->items, i);

      if (out->len > 0)
        g_string_append_c (out, ' ');
      if (item->type == DESK_ITEM_GAP)
        g_string_append_printf (out, "[%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT "]", item->gap_first,
                                item->gap_last);
      else if (item->type == DESK_ITEM_PENDING)
        g_string_append_printf (out, "+%s", item->pending->text);
      else if (item->message->is_level2)
        g_string_append_printf (out, "%" G_GINT64_FORMAT, item->order_key);
      else
        g_string_append_printf (out, "%s%s", item->message->text, item->provisional ? "?" : "");
    }
  return g_string_free (out, FALSE);
}

DeskChatRow *
get_row (DeskStore *store, const char *user_id)
{
  g_autoptr (GError) error = NULL;
  DeskChatRow *row = desk_store_get_chat (store, P, user_id, &error);

  g_assert_no_error (error);
  return row;
}

static void
assert_none (DeskDb *db, const char *sql)
{
  g_autoptr (GError) error = NULL;
  gint64 n = -1;

  desk_db_query_int64 (db, sql, &n, &error);
  g_assert_no_error (error);
  if (n != 0)
    g_error ("%" G_GINT64_FORMAT " rows break an invariant: %s", n, sql);
}

void
check_cache (const char *dir)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (dir, "cache.db", NULL);
  g_autoptr (DeskDb) db = desk_db_open (path, NULL, &error);

  g_assert_no_error (error);
  desk_db_quick_check (db, &error);
  g_assert_no_error (error);
  /* With rank 1 FTS5 compares the index with the content table. */
  desk_db_exec (db, "INSERT INTO message_text(message_text,rank) VALUES('integrity-check',1)",
                &error);
  g_assert_no_error (error);
  assert_none (db, "SELECT count(*) FROM chat WHERE is_level2 AND unread <> CASE WHEN"
                   " last_in_seq>read_in_seq THEN last_in_seq-read_in_seq"
                   " WHEN marked_unread THEN 1 ELSE 0 END");
  assert_none (db, "SELECT count(*) FROM chat c WHERE pending <> (SELECT count(*) FROM outbox o"
                   " WHERE o.chat=c.chat AND intent=0 AND state IN (0,1))");
  assert_none (db, "SELECT count(*) FROM covered a JOIN covered b ON a.chat=b.chat"
                   " AND a.first<b.first AND a.last+1>=b.first");
  assert_none (db, "SELECT count(*) FROM message m JOIN chat c USING (chat) WHERE m.is_level2"
                   " AND NOT EXISTS(SELECT 1 FROM covered v WHERE v.chat=m.chat"
                   " AND m.order_key BETWEEN v.first AND v.last)");
  assert_none (db, "SELECT count(*) FROM message WHERE chat NOT IN (SELECT chat FROM chat)");
  assert_none (db, "SELECT count(*) FROM chat c WHERE is_level2 AND last_chat_seq <"
                   " (SELECT coalesce(max(order_key),0) FROM message m WHERE m.chat=c.chat)");
}
