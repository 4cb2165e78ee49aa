/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* What every store must do, asked through its interface alone. A store joins by a row in the table
 * at the end. */

#include <glib/gstdio.h>
#include <string.h>

#include "server/store/sqlite/desk-store-sqlite.h"

typedef struct
{
  const char *name;
  DeskServerStore *(*open) (const char *dir, GError **error);
} StoreKind;

static DeskServerStore *
open_sqlite (const char *dir, GError **error)
{
  g_autofree char *path = g_build_filename (dir, "desk.db", NULL);
  return desk_store_sqlite_open (path, NULL, error);
}

static const StoreKind kinds[] = { { "sqlite", open_sqlite } };

typedef struct
{
  char *dir;
  DeskServerStore *store;
  gint order;
  gint64 chat_row;
  GString *seen;
} Case;

static void
setup (Case *self, gconstpointer data)
{
  const StoreKind *kind = data;
  g_autoptr (GError) error = NULL;
  self->dir = g_dir_make_tmp ("desk-store-XXXXXX", &error);
  self->store = kind->open (self->dir, &error);
  g_assert_no_error (error);
  self->seen = g_string_new (NULL);
}

static void
remove_dir (const char *path)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  const char *name;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);
      g_unlink (file);
    }
  g_clear_pointer (&dir, g_dir_close);
  g_rmdir (path);
}

static void
teardown (Case *self, gconstpointer data)
{
  if (self->store != NULL)
    self->store->ops->close (self->store);
  remove_dir (self->dir);
  g_free (self->dir);
  g_string_free (self->seen, TRUE);
}

static void
run (Case *self, DeskServerJob job)
{
  g_autoptr (GError) error = NULL;
  desk_server_store_run (self->store, job, self, &error);
  g_assert_no_error (error);
}

/* ── Jobs ───────────────────────────────────────────────────────────────────────────────────── */

static gboolean
add_event (DeskServerTx *tx, const char *text, GError **error)
{
  return tx->ops->event_append (tx, tx->ops->event_next_seq (tx), 1, text, strlen (text), error);
}

typedef struct
{
  Case *owner;
  guint n;
  gboolean bad;
  gint runs;
  GMutex *mutex;
  GArray *results; /* order of done: n, or -n for a failure */
} Numbered;

static gboolean
numbered_job (DeskServerTx *tx, gpointer data, GError **error)
{
  Numbered *self = data;
  gboolean is_new;
  g_autofree char *text = g_strdup_printf ("{\"n\":%u}", self->n);
  self->runs++;
  if (!add_event (tx, text, error) || !tx->ops->dedup_insert (tx, "c", text, 1, &is_new, error))
    return FALSE;
  if (!self->bad)
    return TRUE;
  g_set_error (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_FAILED, "on purpose");
  return FALSE;
}

static void
numbered_done (const GError *error, gpointer data)
{
  Numbered *self = data;
  gint result = error != NULL ? -(gint)self->n : (gint)self->n;
  g_mutex_lock (self->mutex);
  g_array_append_val (self->results, result);
  g_mutex_unlock (self->mutex);
}

static gboolean
nothing_job (DeskServerTx *tx, gpointer data, GError **error)
{
  return TRUE;
}

static gboolean
collect_event (gint64 seq, const char *frame, gsize len, gpointer data)
{
  Case *self = data;
  g_string_append_printf (self->seen, "%" G_GINT64_FORMAT "=%.*s ", seq, (int)len, frame);
  return TRUE;
}

static void
read_events (Case *self)
{
  DeskServerTx *tx = self->store->ops->begin_read (self->store, NULL);
  g_assert_true (tx->ops->events_read (tx, 0, 10000, collect_event, self, NULL));
  tx->ops->end_read (tx);
}

/* One bad job takes no neighbour along; done comes in order; the log stays dense. */
static void
test_group (Case *self, gconstpointer data)
{
  GMutex mutex;
  g_mutex_init (&mutex);
  g_autoptr (GArray) results = g_array_new (FALSE, FALSE, sizeof (gint));
  Numbered jobs[300];
  for (guint i = 0; i < G_N_ELEMENTS (jobs); i++)
    {
      jobs[i] = (Numbered) {
        .owner = self, .n = i + 1, .bad = i == 150, .mutex = &mutex, .results = results
      };
      self->store->ops->submit (self->store, numbered_job, numbered_done, &jobs[i]);
    }
  run (self, nothing_job);
  g_assert_cmpuint (results->len, ==, 300);
  for (guint i = 0; i < 300; i++)
    g_assert_cmpint (g_array_index (results, gint, i), ==, i == 150 ? -151 : (gint)i + 1);
  g_assert_cmpint (self->store->ops->get_head (self->store), ==, 299);
  read_events (self);
  g_assert_nonnull (strstr (self->seen->str, "150={\"n\":150} 151={\"n\":152} "));
  g_mutex_clear (&mutex);
}

/* ── Chats and messages ─────────────────────────────────────────────────────────────────────── */

static gboolean
insert_message (DeskServerTx *tx,
                gint64 chat_row,
                gint64 seq,
                DeskDirection direction,
                DeskStatus status,
                gboolean is_private,
                const char *external_id,
                GError **error)
{
  g_autofree char *id
      = g_strdup_printf ("id-%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT, chat_row, seq);
  g_autofree char *body = g_strdup_printf ("%" G_GINT64_FORMAT, seq);
  DeskMessage message
      = { .id = id,
          .chat_seq = seq,
          .in_seq = direction == DESK_DIRECTION_INCOMING ? seq : 0,
          .direction = direction,
          .sender = direction == DESK_DIRECTION_INCOMING ? DESK_SENDER_USER : DESK_SENDER_MANAGER,
          .sender_id = (char *)"anna",
          .status = status,
          .is_private = is_private,
          .created_at_ms = 1000 + seq,
          .external_id = (char *)external_id };
  return tx->ops->message_insert (tx, chat_row, &message, body, strlen (body), 1, 0, error);
}

static gboolean
insert_chat (DeskServerTx *tx, const char *user_id, gint64 *out_row, GError **error)
{
  g_autoptr (DeskServerChat) chat = desk_server_chat_new (desk_chat_new ("demo", user_id));
  g_free (chat->chat->stream_id);
  chat->chat->stream_id = desk_chat_stream_id ("demo", user_id);
  g_strfreev (chat->chat->labels);
  chat->chat->labels = g_strsplit ("vip,late", ",", -1);
  chat->chat->assignee = g_strdup ("anna");
  chat->chat->first_chat_seq = 1;
  chat->chat->last_chat_seq = chat->chat->last_in_seq = 10;
  if (!tx->ops->chat_insert (tx, chat, error))
    return FALSE;
  *out_row = chat->row;
  return chat->row > 0;
}

static gboolean
fill_job (DeskServerTx *tx, gpointer data, GError **error)
{
  Case *self = data;
  gint64 other;
  if (!insert_chat (tx, "7", &self->chat_row, error) || !insert_chat (tx, "8", &other, error))
    return FALSE;
  for (gint64 seq = 1; seq <= 10; seq++)
    {
      g_autofree char *external = g_strdup_printf ("x%d", (int)seq);
      if (!insert_message (tx, self->chat_row, seq,
                           seq % 2 ? DESK_DIRECTION_INCOMING : DESK_DIRECTION_OUTGOING,
                           seq == 2  ? DESK_STATUS_QUEUED
                           : seq % 2 ? DESK_STATUS_NONE
                                     : DESK_STATUS_SENT,
                           seq == 4, external, error)
          || !insert_message (tx, other, seq, DESK_DIRECTION_INCOMING, DESK_STATUS_NONE, FALSE,
                              external, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
collect_body (const char *body, gsize len, const char *id, gpointer data)
{
  g_string_append_printf (((Case *)data)->seen, "%.*s ", (int)len, body);
  return TRUE;
}

static void
assert_page (Case *self,
             gint64 before,
             gint64 after,
             guint offset,
             guint limit,
             gboolean public_only,
             const char *expected)
{
  DeskServerMessagesQuery query = { .chat_row = self->chat_row,
                                    .before_seq = before,
                                    .after_seq = after,
                                    .offset = offset,
                                    .limit = limit,
                                    .public_only = public_only };
  DeskServerTx *tx = self->store->ops->begin_read (self->store, NULL);
  g_string_truncate (self->seen, 0);
  g_assert_true (tx->ops->messages_page (tx, &query, collect_body, self, NULL));
  tx->ops->end_read (tx);
  g_assert_cmpstr (self->seen->str, ==, expected);
}

static void
test_pages (Case *self, gconstpointer data)
{
  run (self, fill_job);
  assert_page (self, 0, -1, 0, 3, FALSE, "10 9 8 ");
  assert_page (self, 8, -1, 0, 3, FALSE, "7 6 5 ");
  assert_page (self, 2, -1, 0, 3, FALSE, "1 ");
  assert_page (self, 1, -1, 0, 3, FALSE, "");
  assert_page (self, G_MAXINT64, -1, 0, 1, FALSE, "10 ");
  assert_page (self, -1, 0, 0, 3, FALSE, "1 2 3 ");
  assert_page (self, -1, 8, 0, 3, FALSE, "9 10 ");
  assert_page (self, -1, G_MAXINT64, 0, 3, FALSE, "");
  assert_page (self, -1, -1, 5, 3, TRUE, "5 3 2 ");
  assert_page (self, -1, -1, 50, 3, TRUE, "");
}

static gboolean
trim_job (DeskServerTx *tx, gpointer data, GError **error)
{
  Case *self = data;
  gint64 deleted, first;
  if (!tx->ops->messages_trim (tx, self->chat_row, 6, 0, &deleted, &first, error))
    return FALSE;
  g_assert_cmpint (deleted, ==, 4); /* 2 waits to be sent */
  g_assert_cmpint (first, ==, 2);
  if (!tx->ops->messages_trim (tx, self->chat_row, 9, 1008, &deleted, &first, error))
    return FALSE;
  g_assert_cmpint (deleted, ==, 2); /* 6 and 7; 8 is not that old */
  return TRUE;
}

static void
test_trim (Case *self, gconstpointer data)
{
  run (self, fill_job);
  run (self, trim_job);
  assert_page (self, -1, 0, 0, 100, FALSE, "2 8 9 10 ");
}

static void
test_find (Case *self, gconstpointer data)
{
  g_autoptr (DeskServerChat) chat = NULL, none = NULL;
  g_autoptr (DeskServerMessage) one = NULL, by_id = NULL, nothing = NULL;
  gint64 in_seq, row = -1;
  run (self, fill_job);
  DeskServerTx *tx = self->store->ops->begin_read (self->store, NULL);
  g_assert_true (tx->ops->chat_get_row (tx, "demo", "7", &row, NULL));
  g_assert_cmpint (row, ==, self->chat_row);
  g_assert_true (tx->ops->chat_get_row (tx, "demo", "77", &row, NULL));
  g_assert_cmpint (row, ==, 0);
  g_assert_true (tx->ops->chat_find (tx, "demo", "7", "anna", &chat, NULL));
  g_assert_true (chat->chat->has_personal);
  g_assert_cmpint (chat->chat->unread, ==, 10);
  g_assert_cmpstr (chat->chat->labels[1], ==, "late");
  g_assert_cmpstr (chat->chat->assignee, ==, "anna");
  g_assert_true (tx->ops->chat_find (tx, "demo", "77", "anna", &none, NULL));
  g_assert_null (none);
  g_assert_true (tx->ops->message_by_external (tx, self->chat_row, "x3", &one, NULL));
  g_assert_cmpint (one->chat_seq, ==, 3);
  g_assert_cmpint (one->chat_row, ==, self->chat_row);
  g_assert_true (tx->ops->message_by_id (tx, "id-1-5", &by_id, NULL));
  g_assert_cmpstr (by_id->body, ==, "5");
  g_assert_true (tx->ops->message_by_seq (tx, self->chat_row, 11, &nothing, NULL));
  g_assert_null (nothing);
  g_assert_true (tx->ops->message_in_seq (tx, self->chat_row, 6, &in_seq, NULL));
  g_assert_cmpint (in_seq, ==, 5);
  tx->ops->end_read (tx);
}

static gboolean
conflict_job (DeskServerTx *tx, gpointer data, GError **error)
{
  return insert_message (tx, ((Case *)data)->chat_row, 11, DESK_DIRECTION_INCOMING,
                         DESK_STATUS_NONE, FALSE, "x1", error);
}

static void
test_conflict (Case *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  run (self, fill_job);
  g_assert_false (desk_server_store_run (self->store, conflict_job, self, &error));
  g_assert_error (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_CONFLICT);
  assert_page (self, 0, -1, 0, 1, FALSE, "10 ");
}

/* ── Jobs of delivery ───────────────────────────────────────────────────────────────────────── */

static gboolean
jobs_job (DeskServerTx *tx, gpointer data, GError **error)
{
  static const struct
  {
    gint64 row, seq, due;
  } list[] = { { 2, 1, 50 }, { 1, 3, 10 }, { 1, 2, 90 }, { 3, 1, 20 } };
  for (guint i = 0; i < G_N_ELEMENTS (list); i++)
    {
      DeskServerJobRow job = { .chat_row = list[i].row,
                               .chat_seq = list[i].seq,
                               .connection = (char *)(i == 3 ? "other" : "main"),
                               .due_ms = list[i].due };
      if (!tx->ops->job_insert (tx, &job, error))
        return FALSE;
    }
  return TRUE;
}

static void
test_jobs (Case *self, gconstpointer data)
{
  g_autoptr (GPtrArray) jobs = NULL;
  run (self, jobs_job);
  DeskServerTx *tx = self->store->ops->begin_read (self->store, NULL);
  g_assert_true (tx->ops->jobs_first (tx, "main", &jobs, NULL));
  tx->ops->end_read (tx);
  g_assert_cmpuint (jobs->len, ==, 2); /* the first of each chat, whatever is due behind it */
  const DeskServerJobRow *first = jobs->pdata[0], *second = jobs->pdata[1];
  g_assert_cmpint (first->chat_row, ==, 2);
  g_assert_cmpint (second->chat_row, ==, 1);
  g_assert_cmpint (second->chat_seq, ==, 2);
}

/* What changes a message that was sent stands in a line of its own. */
static gboolean
operation_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskServerJobRow send = { .chat_row = 1, .chat_seq = 5, .connection = (char *)"main" };
  DeskServerJobRow change
      = { .chat_row = 1, .chat_seq = 2, .is_operation = TRUE, .connection = (char *)"main" };
  g_autoptr (DeskServerJobRow) found = NULL;
  g_autoptr (DeskServerJobRow) none = NULL;
  if (!tx->ops->job_insert (tx, &send, error) || !tx->ops->job_insert (tx, &change, error)
      || !tx->ops->job_delete (tx, 1, 2, error) /* of the sending, which there is none of */
      || !tx->ops->job_find (tx, 1, 2, TRUE, &found, error)
      || !tx->ops->job_find (tx, 1, 2, FALSE, &none, error))
    return FALSE;
  g_assert_nonnull (found);
  g_assert_null (none);
  g_assert_true (found->is_operation);
  g_assert_cmpint (found->chat_row, ==, 1);
  g_assert_cmpint (found->chat_seq, ==, 2);
  return TRUE;
}

static gboolean
operation_end_job (DeskServerTx *tx, gpointer data, GError **error)
{
  g_autoptr (DeskServerJobRow) found = NULL;
  return tx->ops->job_find (tx, 1, 2, TRUE, &found, error)
         && tx->ops->job_delete_id (tx, found->id, error);
}

static guint
count_first (Case *self)
{
  g_autoptr (GPtrArray) jobs = NULL;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, NULL);
  g_assert_true (tx->ops->jobs_first (tx, "main", &jobs, NULL));
  tx->ops->end_read (tx);
  return jobs->len;
}

static void
test_operations (Case *self, gconstpointer data)
{
  run (self, operation_job);
  g_assert_cmpuint (count_first (self), ==, 2);
  run (self, operation_end_job);
  g_assert_cmpuint (count_first (self), ==, 1);
}

/* ── Canned replies, profiles, snoozes ──────────────────────────────────────────────────────── */

static gboolean
canned_job (DeskServerTx *tx, gpointer data, GError **error)
{
  g_autoptr (DeskCanned) one = desk_canned_new ("c1", "\xd0\x9f\xd1\x80", "Title", "Text");
  g_autoptr (DeskCanned) found = NULL;
  g_autoptr (DeskCanned) gone = NULL;
  g_autoptr (GPtrArray) all = NULL;
  one->rev = 7;
  one->updated_at_ms = 9;
  if (!tx->ops->canned_put (tx, one, error) || !tx->ops->canned_put (tx, one, error)
      || !tx->ops->canned_find_shortcut (tx, "\xd0\xbf\xd0\xa0", &found, error)
      || !tx->ops->canned_list (tx, &all, error) || !tx->ops->canned_delete (tx, "c1", error)
      || !tx->ops->canned_find (tx, "c1", &gone, error))
    return FALSE;
  g_assert_cmpstr (found->title, ==, "Title");
  g_assert_cmpint (found->rev, ==, 7);
  g_assert_cmpint (found->updated_at_ms, ==, 9);
  g_assert_cmpuint (all->len, ==, 1);
  g_assert_null (gone);
  return TRUE;
}

static gboolean
same_shortcut_job (DeskServerTx *tx, gpointer data, GError **error)
{
  g_autoptr (DeskCanned) one = desk_canned_new ("c1", "a", NULL, "x");
  g_autoptr (DeskCanned) other = desk_canned_new ("c2", "A", NULL, "x");
  return tx->ops->canned_put (tx, one, error) && tx->ops->canned_put (tx, other, error);
}

static gboolean
profile_job (DeskServerTx *tx, gpointer data, GError **error)
{
  gint64 row = ((Case *)data)->chat_row, typed = 9;
  g_autofree char *none = NULL, *body = NULL;
  if (!tx->ops->profile_get (tx, row, &none, &typed, error))
    return FALSE;
  g_assert_null (none);
  g_assert_cmpint (typed, ==, 0);
  if (!tx->ops->profile_set (tx, row, "{\"a\":1}", 1, error)
      || !tx->ops->profile_set (tx, row, "{\"a\":2}", 5, error)
      || !tx->ops->profile_get (tx, row, &body, &typed, error))
    return FALSE;
  g_assert_cmpstr (body, ==, "{\"a\":2}");
  g_assert_cmpint (typed, ==, 5);
  return TRUE;
}

static gboolean
snooze_job (DeskServerTx *tx, gpointer data, GError **error)
{
  g_autoptr (DeskServerChat) chat = NULL;
  g_autoptr (GArray) rows = NULL;
  g_autoptr (GArray) none = NULL;
  gint64 first_ms = 9;
  gint64 row = ((Case *)data)->chat_row;
  if (!tx->ops->chat_find_row (tx, row, &chat, error)
      || !tx->ops->chats_snoozed (tx, 5, &none, &first_ms, error))
    return FALSE;
  g_assert_cmpuint (none->len, ==, 0);
  g_assert_cmpint (first_ms, ==, 0);
  chat->chat->state = DESK_CHAT_STATE_SNOOZED;
  chat->chat->snoozed_until_ms = 77;
  if (!tx->ops->chat_update (tx, chat, error)
      || !tx->ops->chats_snoozed (tx, 5, &rows, &first_ms, error))
    return FALSE;
  g_assert_cmpuint (rows->len, ==, 1);
  g_assert_cmpint (g_array_index (rows, gint64, 0), ==, row);
  g_assert_cmpint (first_ms, ==, 77);
  return TRUE;
}

static void
test_team (Case *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  run (self, fill_job);
  run (self, canned_job);
  run (self, profile_job);
  run (self, snooze_job);
  g_assert_false (desk_server_store_run (self->store, same_shortcut_job, self, &error));
  g_assert_error (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_CONFLICT);
}

/* ── SQLite alone ───────────────────────────────────────────────────────────────────────────── */

static void
assert_open_fails (const char *path, int code)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (desk_store_sqlite_open (path, NULL, &error));
  g_assert_error (error, DESK_SERVER_STORE_ERROR, code);
  g_assert_nonnull (strstr (error->message, path));
}

static void
test_sqlite_errors (void)
{
  g_autofree char *dir = g_dir_make_tmp ("desk-store-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "desk.db", NULL);
  g_autofree char *missing = g_build_filename (dir, "no", "such", "desk.db", NULL);
  g_autofree char *junk = g_strnfill (8192, 'j');
  g_assert_true (g_file_set_contents (path, junk, 8192, NULL));
  assert_open_fails (path, DESK_SERVER_STORE_ERROR_DAMAGED);
  g_unlink (path);
  assert_open_fails (missing, DESK_SERVER_STORE_ERROR_NOT_WRITABLE);

  DeskServerStore *store = desk_store_sqlite_open (path, NULL, NULL);
  store->ops->close (store);
  gchar *bytes;
  gsize len;
  g_assert_true (g_file_get_contents (path, &bytes, &len, NULL));
  bytes[63] = 99; /* user_version, big endian at offset 60 */
  g_assert_true (g_file_set_contents (path, bytes, (gssize)len, NULL));
  g_free (bytes);
  assert_open_fails (path, DESK_SERVER_STORE_ERROR_TOO_NEW);
  remove_dir (dir);
}

/* ── Payloads and connections ───────────────────────────────────────────────────────────────── */

static gboolean
raw_job (DeskServerTx *tx, gpointer data, GError **error)
{
  g_autoptr (GBytes) payload = g_bytes_new_static ("\0{}", 3);
  g_autoptr (DeskServerRaw) first = NULL, puzzling = NULL, none = NULL, later = NULL;
  DeskServerRawQuery query = { .connection = NULL };
  gint64 n = 0;

  g_assert_true (tx->ops->raw_insert (tx, "a", 10, payload, NULL, error));
  g_assert_true (tx->ops->raw_insert (tx, "b", 20, payload, "not JSON", error));
  g_assert_true (tx->ops->raw_insert (tx, "a", 30, payload, NULL, error));
  g_assert_true (tx->ops->raw_next (tx, &query, &first, error));
  g_assert_cmpstr (first->connection, ==, "a");
  g_assert_cmpint (first->at_ms, ==, 10);
  g_assert_true (g_bytes_equal (first->payload, payload));
  query.problems_only = TRUE;
  g_assert_true (tx->ops->raw_next (tx, &query, &puzzling, error));
  g_assert_cmpstr (puzzling->problem, ==, "not JSON");
  g_assert_true (tx->ops->raw_count_problems (tx, &n, error));
  g_assert_cmpint (n, ==, 1);
  g_assert_true (tx->ops->raw_set_problem (tx, puzzling->id, NULL, error));
  g_assert_true (tx->ops->raw_next (tx, &query, &none, error));
  g_assert_null (none);
  query = (DeskServerRawQuery){ .connection = "a", .since_ms = 11, .after_id = first->id };
  g_assert_true (tx->ops->raw_next (tx, &query, &later, error));
  g_assert_cmpint (later->at_ms, ==, 30);
  return TRUE;
}

static void
test_raw (Case *self, gconstpointer data)
{
  run (self, raw_job);
}

static gboolean
connections_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskServerConnectionRow row = { .name = (char *)"b",
                                  .platform = (char *)"demo",
                                  .health = 3,
                                  .trouble = 1,
                                  .reason = (char *)"refused",
                                  .since_ms = 5,
                                  .failing_since_ms = 4,
                                  .told = TRUE };
  g_autoptr (GPtrArray) list = NULL;

  g_assert_true (tx->ops->connection_set (tx, &row, error));
  row.name = (char *)"a";
  g_assert_true (tx->ops->connection_set (tx, &row, error));
  row.reason = NULL;
  row.told = FALSE;
  g_assert_true (tx->ops->connection_set (tx, &row, error)); /* takes the place of the former */
  g_assert_true (tx->ops->connections_list (tx, &list, error));
  g_assert_cmpuint (list->len, ==, 2);
  const DeskServerConnectionRow *a = list->pdata[0], *b = list->pdata[1];
  g_assert_cmpstr (a->name, ==, "a");
  g_assert_null (a->reason);
  g_assert_false (a->told);
  g_assert_cmpstr (b->reason, ==, "refused");
  g_assert_true (b->told);
  g_assert_cmpint (b->failing_since_ms, ==, 4);
  return TRUE;
}

static void
test_connections (Case *self, gconstpointer data)
{
  run (self, connections_job);
}

static void
test_lock (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *dir = g_dir_make_tmp ("desk-store-XXXXXX", NULL);
  DeskServerLock *lock = desk_server_lock_acquire (dir, &error);
  g_assert_no_error (error);
  g_assert_null (desk_server_lock_acquire (dir, &error));
  g_assert_error (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_LOCKED);
  desk_server_lock_release (lock);
  lock = desk_server_lock_acquire (dir, NULL);
  g_assert_nonnull (lock);
  desk_server_lock_release (lock);
  g_clear_error (&error);
  g_assert_null (desk_server_lock_acquire ("/proc/nothing", &error));
  g_assert_error (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_NOT_WRITABLE);
  remove_dir (dir);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*func) (Case *, gconstpointer);
  } tests[] = { { "group", test_group }, { "pages", test_pages }, { "trim", test_trim },
                { "find", test_find },   { "jobs", test_jobs },   { "conflict", test_conflict },
                { "team", test_team },   { "operations", test_operations },
                { "raw", test_raw },     { "connections", test_connections } };
  g_test_init (&argc, &argv, NULL);
  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
    for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
      {
        g_autofree char *path = g_strdup_printf ("/store/%s/%s", kinds[k].name, tests[i].name);
        g_test_add (path, Case, &kinds[k], setup, tests[i].func, teardown);
      }
  g_test_add_func ("/store/sqlite/errors", test_sqlite_errors);
  g_test_add_func ("/store/sqlite/lock", test_lock);
  return g_test_run ();
}
