/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-simulation"

#include "config.h"

#include <sqlite3.h>

#include "sim.h"

/* The properties, by the numbers of the test plan: after each commit what can be said of the chats that it touched,
 * and at quiet points the whole cache against the server.
 *  1 an acknowledged send exists exactly once   2 order by chat_seq      3 cache = fold of the events
 *  4 replay changes nothing                     5 unread, markers        6 trimming deletes nothing
 *  7 no unmarked hole                           8 rev grows              9 one client id, one message
 * 10 it converges                              11 level 0: no second send unasked
 * 12 replies of one device and chat keep their order, one at a time, in four chats at once
 * 14 nothing reaches the server that the manager did not ask for: force, a note to a customer
 * 15 no part of the code warns of what cannot be
 * 17 what is shown is what the server told with the manager's waiting changes on top (sim-overlay.c)
 * 16 nothing that a colleague changed meanwhile is overwritten unasked
 * 13 after a kill the cache is what was acknowledged, with or without the batch that was under way */

static gint64
query (Device *device, const char *sql, gint64 a, gint64 b, gint64 c)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskStmt) s = desk_db_prepare (device->db, sql, &error);

  if (s == NULL)
    g_error ("%s", error->message);
  desk_stmt_bind_int64 (s, 1, a);
  if (b >= 0)
    desk_stmt_bind_int64 (s, 2, b);
  if (c >= 0)
    desk_stmt_bind_int64 (s, 3, c);
  return desk_stmt_step (s, NULL) == DESK_STEP_ROW ? desk_stmt_column_int64 (s, 0) : -1;
}

static gint64
query_text (Device *device, const char *sql, const char *text)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (device->db, sql, NULL);

  desk_stmt_bind_text (s, 1, text);
  return desk_stmt_step (s, NULL) == DESK_STEP_ROW ? desk_stmt_column_int64 (s, 0) : -1;
}

/* ── After a commit ─────────────────────────────────────────────────────────────────────────── */

static void
check_covered (Device *device, const SimChat *chat, gint64 row, const char *key)
{
  g_autoptr (GArray) covered = desk_ranges_load (device->db, row, NULL);

  for (guint i = 0; i < covered->len; i++)
    {
      const DeskInterval *c = &g_array_index (covered, DeskInterval, i);
      gint64 low = MAX (c->first, chat->chat->first_chat_seq);

      if (c->last > chat->chat->last_chat_seq)
        sim_violation (device->sim, 7, "device %u, %s: known up to %" G_GINT64_FORMAT ", the server has %" G_GINT64_FORMAT,
                       device->index, key, c->last, chat->chat->last_chat_seq);
      else if (low <= c->last
               && query (device, "SELECT count(*) FROM message WHERE chat=?1 AND order_key BETWEEN ?2 AND ?3", row, low,
                         c->last)
                      != c->last - low + 1)
        sim_violation (device->sim, 7, "device %u, %s: a hole in %" G_GINT64_FORMAT "…%" G_GINT64_FORMAT " is not marked",
                       device->index, key, low, c->last);
    }
}

static void
check_seen (Device *device, const char *key, const DeskChat *chat, gint64 rows)
{
  SimSeen *seen = g_hash_table_lookup (device->seen, key);

  if (seen == NULL)
    {
      seen = g_new0 (SimSeen, 1);
      g_hash_table_insert (device->seen, g_strdup (key), seen);
    }
  if (chat->is_level2 && (chat->personal.read_chat_seq < seen->read_chat_seq
                          || chat->personal.read_in_seq < seen->read_in_seq))
    sim_violation (device->sim, 5, "device %u, %s: a read marker went back", device->index, key);
  if (chat->rev < seen->rev)
    sim_violation (device->sim, 8, "device %u, %s: rev of the chat went back", device->index, key);
  if (rows < seen->rows)
    sim_violation (device->sim, 6, "device %u, %s: %" G_GINT64_FORMAT " messages became %" G_GINT64_FORMAT, device->index,
                   key, seen->rows, rows);
  if (seen->read_chat_seq != chat->personal.read_chat_seq)
    sim_trace (device->sim, "d%u %s is read to %" G_GINT64_FORMAT, device->index, key, chat->personal.read_chat_seq);
  seen->read_chat_seq = chat->personal.read_chat_seq;
  seen->read_in_seq = chat->personal.read_in_seq;
  seen->rev = chat->rev;
  seen->rows = rows;
}

static void
check_chat (Device *device, const char *key)
{
  g_autofree char *platform = NULL;
  g_autofree char *user_id = NULL;
  g_autoptr (DeskChatRow) row = NULL;
  SimChat *chat;

  if (!desk_chat_parse_key (key, &platform, &user_id))
    return;
  row = desk_query_chat (device->db, platform, user_id, NULL);
  chat = sim_server_find (device->sim, platform, user_id);
  if (row == NULL)
    { /* erased */
      if (chat != NULL)
        sim_violation (device->sim, 6, "device %u: %s is gone", device->index, key);
      g_hash_table_remove (device->seen, key);
      return;
    }
  check_seen (device, key, row->chat,
              query (device, "SELECT count(*) FROM message WHERE chat=?1 AND provisional=0", row->row_id, -1, -1));
  if (chat == NULL || device->sim->server.level == 0)
    return;
  check_covered (device, chat, row->row_id, key);
  sim_check_overlay (device, chat);
  if (row->unread != desk_chat_unread_count (row->chat->last_in_seq, row->chat->personal.read_in_seq,
                                             row->chat->personal.marked_unread))
    sim_violation (device->sim, 5, "device %u, %s: unread is %" G_GINT64_FORMAT, device->index, key, row->unread);
}

/* What an event told must be in the cache once the cursor is past it. */
static void
check_event (Device *device, const DeskEvent *event)
{
  Sim *sim = device->sim;
  const char *p = event->message ? event->message->platform : event->chat ? event->chat->platform : event->platform;
  const char *u = event->message ? event->message->user_id : event->chat ? event->chat->user_id : event->user_id;
  g_autoptr (DeskChatRow) row = NULL;

  if (event->type == DESK_EVENT_CANNED_UPDATED)
    return; /* of no chat */
  if (event->type == DESK_EVENT_CHAT_ERASED)
    {
      row = desk_query_chat (device->db, p, u, NULL);
      if (row != NULL && query (device, "SELECT count(*) FROM message WHERE chat=?1", row->row_id, -1, -1) > 0)
        sim_violation (sim, 3, "device %u: the cursor is past the end of %s/%s, which is still cached", device->index, p, u);
      return;
    }
  if (sim_server_find (sim, p, u) == NULL)
    return;
  if (event->message != NULL)
    {
      gint64 rev = query_text (device, "SELECT rev FROM message WHERE id=?1", event->message->id);

      if (rev < event->message->rev)
        sim_violation (sim, 3, "device %u: the cursor is past p%u seq %" G_GINT64_FORMAT ", message %s has rev %" G_GINT64_FORMAT
                       " instead of %" G_GINT64_FORMAT, device->index, event->partition, event->seq, event->message->id,
                       rev, event->message->rev);
      return;
    }
  row = desk_query_chat (device->db, p, u, NULL);
  if (row == NULL || (event->chat != NULL && row->chat->rev < event->chat->rev)
      || row->chat->first_chat_seq < event->first_chat_seq)
    sim_violation (sim, 3, "device %u: the cursor is past p%u seq %" G_GINT64_FORMAT " (%s), the chat is not", device->index,
                   event->partition, event->seq, desk_event_type_to_string (event->type));
  else if (event->type == DESK_EVENT_READ && g_strcmp0 (event->username, sim_user_names[device->user]) == 0
           && row->chat->personal.read_chat_seq < event->up_to_chat_seq)
    sim_violation (sim, 5, "device %u: the cursor is past a read marker that is not cached", device->index);
}

static void
check_cursor (Device *device, gboolean by_events)
{
  Sim *sim = device->sim;
  g_autofree char *text = desk_query_setting (device->db, "cursor", NULL);
  g_autofree char *epoch = g_strdup_printf ("e%u", sim->server.epoch);
  g_autoptr (DeskCursor) now = text ? desk_cursor_parse (text) : NULL;
  g_autoptr (DeskCursor) before = device->cursor ? desk_cursor_parse (device->cursor) : NULL;

  g_free (device->cursor);
  device->cursor = g_strdup (text);
  if (now == NULL || before == NULL || !g_str_equal (desk_cursor_get_epoch (now), desk_cursor_get_epoch (before))
      || !g_str_equal (desk_cursor_get_epoch (now), epoch))
    return;
  for (guint p = 0; p < sim->server.n_partitions; p++)
    {
      gint64 from = desk_cursor_get (before, p), to = desk_cursor_get (now, p);

      if (to < from || to > (gint64) sim->server.log[p]->len)
        {
          sim_violation (sim, 3, "device %u: the cursor went from %s to %s", device->index, text, device->cursor);
          return;
        }
      for (; by_events && from < to; from++)
        check_event (device, g_ptr_array_index (sim->server.log[p], from));
    }
}

void
sim_check_commit (Device *device, const DeskBatch *batch, DeskNotice *notice)
{
  gboolean by_events = FALSE;

  for (guint i = 0; i < batch->ops->len; i++)
    {
      const DeskOp *op = g_ptr_array_index (batch->ops, i);

      by_events |= op->type == DESK_OP_EVENT;
      if (op->type == DESK_OP_OUTBOX_DONE)
        sim_check_change (device, op->local_id);
    }
  for (guint i = 0; i < notice->change.chats->len; i++)
    check_chat (device, g_ptr_array_index (notice->change.chats, i));
  if (notice->change.settings && device->sim->server.level == 2)
    check_cursor (device, by_events);
}

static guint64
digest_of (sqlite3 *db, const char *table, guint64 digest)
{
  g_autofree char *sql = g_strdup_printf ("SELECT * FROM \"%s\"%s", table, /* in the order of the key */
                                          g_str_equal (table, "setting") ? " WHERE key<>'overwritten'" : "");
  sqlite3_stmt *s = NULL;

  if (sqlite3_prepare_v2 (db, sql, -1, &s, NULL) != SQLITE_OK)
    return digest;
  while (sqlite3_step (s) == SQLITE_ROW)
    for (int k = 0; k < sqlite3_column_count (s); k++)
      {
        const char *text = (const char *) sqlite3_column_text (s, k);

        digest = digest * 31 + (text ? g_str_hash (text) : 7);
      }
  sqlite3_finalize (s);
  return digest;
}

/* Everything that a batch could change, as one number. The index for search follows from the messages. */
guint64
sim_cache_digest (Device *device)
{
  sqlite3 *db = desk_db_get_handle (device->db);
  g_autoptr (DeskStmt) tables = desk_db_prepare (
      device->db, "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'message_text%'"
                  " ORDER BY name", NULL);
  guint64 digest = 0;

  while (tables != NULL && desk_stmt_step (tables, NULL) == DESK_STEP_ROW)
    digest = digest_of (db, desk_stmt_column_text (tables, 0), digest);
  return digest;
}

/* Who wrote it learns now that it was kept. */
static gboolean
was_hanging (Device *device, guint64 digest)
{
  for (guint i = 0; i < device->hanging->len; i++)
    {
      const SimHanging *hanging = &g_array_index (device->hanging, SimHanging, i);

      if (hanging->digest != digest)
        continue;
      if (hanging->stored != NULL)
        hanging->stored (device, hanging->data, hanging->result);
      return TRUE;
    }
  return FALSE;
}

void
sim_check_reopened (Device *device)
{
  g_autoptr (GError) error = NULL;
  guint64 digest;

  if (!device->sim->disk)
    return;
  if (!desk_db_quick_check (device->db, &error))
    {
      sim_violation (device->sim, 13, "device %u: the cache is damaged: %s", device->index, error->message);
      return;
    }
  digest = sim_cache_digest (device);
  if (device->kept != 0 && digest != device->kept && !was_hanging (device, digest))
    sim_violation (device->sim, 13, "device %u: the cache is not what was acknowledged, nor that with one of %u batches under way",
                   device->index, device->hanging->len);
  device->kept = digest;
  g_array_set_size (device->hanging, 0);
  /* A commit that nobody lived to look at may have moved it. */
  g_free (device->cursor);
  device->cursor = desk_query_setting (device->db, "cursor", NULL);
}

/* ── At quiet points ────────────────────────────────────────────────────────────────────────── */

/* Entries of the outboxes. */
gint64
sim_count_waiting (Sim *sim)
{
  gint64 n = 0;

  for (guint i = 0; i < sim->n_devices; i++)
    n += sim->devices[i].db ? query (&sim->devices[i], "SELECT count(*) FROM outbox WHERE ?1", 1, -1, -1) : 0;
  return n;
}

char *
sim_find_unsettled (Sim *sim)
{
  for (guint i = 0; i < sim->n_devices; i++)
    {
      Device *device = &sim->devices[i];

      const DeskEngine *engine = device->engine;
      gint64 entries;

      if (engine == NULL)
        return g_strdup_printf ("device %u is not running", i);
      entries = query (device, "SELECT count(*) FROM outbox WHERE ?1", 1, -1, -1);
      if (!desk_engine_is_settled (device->engine) || device->store_free_us > sim->now_us || entries > 0)
        return g_strdup_printf ("device %u is not settled: link %d, outbox %" G_GINT64_FORMAT ", applies %u, requests %u,"
                                " history wanted %d reading %d running %u queued %u, walks %u, chats %d/%d, broken %d",
                                i, engine->link, entries, g_hash_table_size (engine->applies),
                                g_hash_table_size (engine->requests), engine->history_wanted, engine->history_reading,
                                engine->history_running, g_queue_get_length (engine->history),
                                g_hash_table_size (engine->walks), engine->chats_asked, engine->chats_done,
                                engine->store_broken);
    }
  return NULL;
}

static char *
compare_row (const SimChat *chat, const DeskChatRow *row, guint user)
{
  const DeskChat *a = row->chat, *b = chat->chat;
  const DeskChatPersonal *mine = &chat->personal[user];
  const DeskMessage *newest = g_ptr_array_index (chat->messages, chat->messages->len - 1);

#define DIFFERS(field) \
  if (a->field != b->field) \
    return g_strdup_printf (#field " is %" G_GINT64_FORMAT ", the server has %" G_GINT64_FORMAT, (gint64) a->field, (gint64) b->field)
  DIFFERS (last_chat_seq);
  DIFFERS (last_in_seq);
  DIFFERS (first_chat_seq);
  DIFFERS (rev);
  DIFFERS (state);
  DIFFERS (waiting_since_ms);
#undef DIFFERS
  if (g_strcmp0 (a->assignee, b->assignee) != 0 || !g_strv_equal ((const char *const *) a->labels, (const char *const *) b->labels))
    return g_strdup ("assignee or labels differ");
  if (!newest->is_private && g_strcmp0 (a->last_message, b->last_message) != 0)
    return g_strdup_printf ("the preview is “%s”, the server has “%s”", a->last_message, b->last_message);
  if (a->personal.read_chat_seq != mine->read_chat_seq || a->personal.read_in_seq != mine->read_in_seq
      || a->personal.marked_unread != mine->marked_unread)
    return g_strdup_printf ("read to %" G_GINT64_FORMAT "/%" G_GINT64_FORMAT "/%d, the server has %" G_GINT64_FORMAT
                            "/%" G_GINT64_FORMAT "/%d",
                            a->personal.read_chat_seq, a->personal.read_in_seq, a->personal.marked_unread,
                            mine->read_chat_seq, mine->read_in_seq, mine->marked_unread);
  return NULL;
}

static char *
compare_message (const DeskMessage *mine, const DeskMessage *theirs, gboolean trimmed)
{
  if (g_strcmp0 (mine->id, theirs->id) != 0)
    return g_strdup_printf ("at %" G_GINT64_FORMAT " stands %s, the server has %s", theirs->chat_seq, mine->id, theirs->id);
  if (trimmed)
    return NULL;
  if (mine->rev != theirs->rev || mine->status != theirs->status || mine->in_seq != theirs->in_seq
      || g_strcmp0 (mine->text, theirs->text) != 0 || mine->direction != theirs->direction
      || mine->reactions->len != theirs->reactions->len || mine->deleted_at_ms != theirs->deleted_at_ms || mine->is_private != theirs->is_private)
    return g_strdup_printf ("message %s differs: rev %" G_GINT64_FORMAT ", the server has %" G_GINT64_FORMAT, mine->id,
                            mine->rev, theirs->rev);
  return NULL;
}

static char *
compare_messages (Device *device, const SimChat *chat, gint64 row)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (device->db, "SELECT " DESK_MESSAGE_COLUMNS " FROM message m WHERE chat=?1 ORDER BY order_key", NULL);
  gint64 first = chat->chat->first_chat_seq, n = 0;
  char *difference = NULL;

  desk_stmt_bind_int64 (s, 1, row);
  while (difference == NULL && desk_stmt_step (s, NULL) == DESK_STEP_ROW)
    {
      g_autoptr (DeskMessage) mine = desk_message_from_stmt (s, chat->chat->platform, chat->chat->user_id);

      if (mine->chat_seq < 1 || mine->chat_seq > (gint64) chat->messages->len)
        difference = g_strdup_printf ("%s stands at %" G_GINT64_FORMAT, mine->id, mine->chat_seq);
      else
        difference = compare_message (mine, g_ptr_array_index (chat->messages, mine->chat_seq - 1), mine->chat_seq < first || device->no_backfill);
      n += mine->chat_seq >= first;
    }
  if (difference == NULL && n < chat->chat->last_chat_seq - first + 1 && !device->no_backfill)
    difference = g_strdup_printf ("%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " messages are cached", n,
                                  chat->chat->last_chat_seq - first + 1);
  return difference;
}

/* Where the server has (or had) the message of a cached row of level 0; -1 nowhere. */
static gint64
find_level0 (const SimChat *chat, const char *id, gint64 created_ms)
{
  for (gint64 at = 0; at < (gint64) chat->messages->len; at++)
    {
      const DeskMessage *message = g_ptr_array_index (chat->messages, at);

      if (id != NULL ? g_str_equal (message->id, id) : message->created_at_ms == created_ms)
        return at;
    }
  return -1;
}

/* Level 0: cached rows are the server's, in order; what follows without a gap follows there as well. A hint that no
 * page can confirm any more stays provisional and promises nothing of its neighbours. */
static char *
compare_level0 (Device *device, const SimChat *chat, gint64 row)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (
      device->db, "SELECT id,provisional,gap_before,created_at_ms,text FROM message WHERE chat=?1 ORDER BY order_key", NULL);
  gint64 last = -1, kept = MAX ((gint64) chat->messages->len - (gint64) device->sim->server.keeps0, 0), n = 0,
         hint = 0;
  gboolean unsure = TRUE, gap = FALSE;

  desk_stmt_bind_int64 (s, 1, row);
  while (desk_stmt_step (s, NULL) == DESK_STEP_ROW)
    {
      const char *text = desk_stmt_column_text (s, 4);
      gboolean provisional = desk_stmt_column_int64 (s, 1) != 0;
      gint64 at = find_level0 (chat, desk_stmt_column_text (s, 0), desk_stmt_column_int64 (s, 3));

      if (at < 0)
        return g_strdup_printf ("“%s” is not of this chat", text);
      if (provisional && at >= kept)
        hint = at + 1;
      if (at <= last)
        return g_strdup_printf ("“%s” is out of order", text);
      if (!provisional && !unsure && at != last + 1 && desk_stmt_column_int64 (s, 2) == 0)
        return g_strdup_printf ("the hole before “%s” is not marked", text);
      last = at;
      gap |= desk_stmt_column_int64 (s, 2) == 1;
      unsure = provisional;
      n += at >= kept;
    }
  if (hint > 0 && !gap) /* a walk that was cut off does not reach it, and says so by the gap */
    return g_strdup_printf ("a row stays provisional, %" G_GINT64_FORMAT " of %u", hint, chat->messages->len);
  if (gap && !device->no_backfill)
    return g_strdup_printf ("what a walk left out is not fetched: " "%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " messages are cached, of %u", n, (gint64) chat->messages->len - kept, chat->messages->len);
  if (last != (gint64) chat->messages->len - 1)
    return g_strdup ("the newest message is not cached");
  if (!gap && n != (gint64) chat->messages->len - kept)
    return g_strdup_printf ("%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " messages are cached", n,
                            (gint64) chat->messages->len - kept);
  return NULL;
}

static char *
compare_chat (Device *device, const SimChat *chat)
{
  g_autoptr (DeskChatRow) row = desk_query_chat (device->db, chat->chat->platform, chat->chat->user_id, NULL);
  char *difference;

  if (row == NULL)
    return g_strdup ("is not cached");
  if (device->sim->server.level == 0)
    return compare_level0 (device, chat, row->row_id);
  difference = compare_row (chat, row, device->user);
  return difference ? difference : compare_messages (device, chat, row->row_id);
}

static guint
count_at_server (const SimIntent *intent, gint64 *place)
{
  guint n = 0;

  for (guint i = 0; i < intent->chat->messages->len; i++)
    {
      const DeskMessage *message = g_ptr_array_index (intent->chat->messages, i);

      if (g_strcmp0 (message->client_message_id, intent->client_id) == 0)
        {
          n++;
          *place = message->chat_seq;
        }
    }
  return n;
}

/* Sends of level 2: nothing is left in the outbox when this is asked. */
static char *
compare_intents (Sim *sim, guint *property)
{
  g_autoptr (GHashTable) places = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < sim->intents->len; i++)
    {
      const SimIntent *intent = g_ptr_array_index (sim->intents, i);
      gint64 place = 0;
      guint n = count_at_server (intent, &place);
      g_autofree char *lane = g_strdup_printf ("%u/%u", intent->device, intent->chat->index);

      if (intent->chat->erased || intent->local_id == 0)
        continue;
      if (intent->discarded && n <= 1)
        continue; /* an attempt that was on its way may still arrive, at any later time */
      *property = n > 1 ? 9 : 1;
      if (n > 1 || (n == 0 && !intent->discarded))
        return g_strdup_printf ("“%s” of device %u is %u times at the server", intent->text, intent->device, n);
      *property = 12;
      if (n > 0 && GPOINTER_TO_INT (g_hash_table_lookup (places, lane)) > place)
        return g_strdup_printf ("“%s” of device %u overtook an earlier reply", intent->text, intent->device);
      if (n > 0)
        g_hash_table_insert (places, g_steal_pointer (&lane), GINT_TO_POINTER ((int) place));
    }
  return NULL;
}

static char *
compare_sends (Sim *sim, guint *property)
{
  for (guint i = 0; i < sim->intents->len; i++)
    {
      const SimIntent *one = g_ptr_array_index (sim->intents, i);
      guint n = GPOINTER_TO_UINT (g_hash_table_lookup (sim->server.sends, one->text)), most = 0, least = 0;

      for (guint k = 0; k < sim->intents->len; k++)
        {
          const SimIntent *other = g_ptr_array_index (sim->intents, k);

          if (!g_str_equal (other->text, one->text) || other->local_id == 0)
            continue;
          most += 1 + other->retries;
          least += !other->discarded;
        }
      *property = n > most ? 11 : 1;
      if (n > most || n < least)
        return g_strdup_printf ("“%s” went out %u times; asked for at least %u, at most %u times", one->text, n, least, most);
    }
  return NULL;
}

char *
sim_find_difference (Sim *sim, guint *property)
{
  for (guint i = 0; i < sim->n_devices; i++)
    for (guint k = 0; k < sim->server.chats->len; k++)
      {
        const SimChat *chat = g_ptr_array_index (sim->server.chats, k);
        g_autofree char *difference = chat->erased || chat->messages->len == 0 ? NULL : compare_chat (&sim->devices[i], chat);

        *property = 3;
        if (difference != NULL)
          return g_strdup_printf ("device %u, %s/%s: %s", i, chat->chat->platform, chat->chat->user_id, difference);
      }
  for (guint i = 0; i < sim->n_devices && sim->server.level == 2; i++)
    {
      char *difference = sim_compare_canned (&sim->devices[i]);

      *property = 3;
      if (difference != NULL)
        return difference;
    }
  return sim->server.level == 0 ? compare_sends (sim, property) : compare_intents (sim, property);
}
