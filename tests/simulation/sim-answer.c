/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-simulation"

#include "config.h"

#include "sim.h"

/* What the server answers to a request: both levels, on values. */

DeskSyncReply *
sim_refusal (guint status, DeskCode code, gint64 retry_after_ms)
{
  DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);

  reply->outcome = DESK_OUT_REFUSED;
  reply->failure = g_new0 (DeskFailure, 1);
  reply->failure->http_status = status;
  reply->failure->code = code;
  reply->failure->code_text = g_strdup (desk_code_to_string (code));
  reply->failure->message = g_strdup_printf ("refused with %u", status);
  reply->failure->retry_after_ms = retry_after_ms;
  return reply;
}

static DeskSyncReply *
ok (void)
{
  return g_new0 (DeskSyncReply, 1);
}

static DeskSyncReply *
answer_capabilities (Sim *sim, guint user)
{
  static const char *const features[] = { "notes", "read_markers", "changes", "stale_guard", NULL };
  DeskSyncReply *reply;
  DeskPlatform *platform;

  if (sim->server.level == 0)
    return sim_refusal (404, DESK_CODE_OTHER, -1);
  reply = ok ();
  reply->capabilities = desk_capabilities_new_level0 ();
  reply->capabilities->level = 2;
  g_strfreev (reply->capabilities->features);
  reply->capabilities->features = g_strdupv ((char **) features);
  platform = desk_platform_new ("telegram", "Telegram");
  platform->text_limit = 4096;
  g_ptr_array_add (reply->capabilities->platforms, platform);
  reply->capabilities->me = desk_manager_new (sim_user_names[user], sim_user_names[user], DESK_ROLE_MANAGER);
  reply->capabilities->server_time_ms = sim_server_ms (sim);
  return reply;
}

static DeskSyncReply *
answer_changes (Sim *sim, const DeskRequest *request)
{
  g_autoptr (DeskCursor) cursor = request->cursor ? desk_cursor_parse (request->cursor) : sim_server_head (sim);
  DeskSyncReply *reply;
  guint room = sim->server.page_size * 2;

  if (!sim_server_takes_cursor (sim, cursor))
    return sim_refusal (410, DESK_CODE_CURSOR_EXPIRED, -1);
  reply = ok ();
  reply->changes = g_new0 (DeskChanges, 1);
  reply->changes->events = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_event_free);
  for (guint p = 0; p < sim->server.n_partitions; p++)
    {
      GPtrArray *log = sim->server.log[p];
      gint64 seq = desk_cursor_get (cursor, p);

      for (; seq < (gint64) log->len && room > 0; room--)
        g_ptr_array_add (reply->changes->events, desk_event_copy (g_ptr_array_index (log, seq++)));
      reply->changes->has_more |= seq < (gint64) log->len;
      desk_cursor_set (cursor, p, seq);
    }
  reply->changes->cursor = desk_cursor_format (cursor);
  return reply;
}

static DeskChat *
chat_for (Sim *sim, const SimChat *chat, guint user)
{
  DeskChat *copy = desk_chat_copy (chat->chat);

  if (sim->server.level == 0)
    {
      copy->last_chat_seq = copy->last_in_seq = copy->waiting_since_ms = copy->rev = 0;
      return copy;
    }
  copy->has_personal = TRUE;
  copy->personal = chat->personal[user];
  copy->has_unread = TRUE;
  copy->unread
      = desk_chat_unread_count (copy->last_in_seq, copy->personal.read_in_seq, copy->personal.marked_unread);
  return copy;
}

/* Pages by age: a page never shifts. */
static DeskSyncReply *
answer_chats (Sim *sim, guint user, const DeskRequest *request)
{
  DeskSyncReply *reply = ok ();
  guint start = request->page ? (guint) g_ascii_strtoull (request->page, NULL, 10) : 0;
  guint end = sim->server.level == 0 ? sim->server.chats->len : start + sim->server.page_size;

  reply->chats = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_chat_free);
  for (guint i = start; i < end && i < sim->server.chats->len; i++)
    {
      const SimChat *chat = g_ptr_array_index (sim->server.chats, i);

      if (!chat->erased && chat->messages->len > 0)
        g_ptr_array_add (reply->chats, chat_for (sim, chat, user));
    }
  if (end < sim->server.chats->len)
    reply->next = g_strdup_printf ("%u", end);
  return reply;
}

static DeskSyncReply *
answer_messages (Sim *sim, const SimChat *chat, const DeskRequest *request)
{
  DeskSyncReply *reply;
  gint64 seq;
  guint room = MIN (request->limit, sim->server.page_size);

  if (chat == NULL)
    return sim_refusal (404, DESK_CODE_NOT_FOUND, -1);
  reply = ok ();
  reply->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_message_free);
  seq = request->seq > 0 ? MIN (request->seq - 1, chat->chat->last_chat_seq) : chat->chat->last_chat_seq;
  for (; seq >= chat->chat->first_chat_seq && room > 0; seq--, room--)
    g_ptr_array_add (reply->messages, desk_message_copy (g_ptr_array_index (chat->messages, seq - 1)));
  if (seq >= chat->chat->first_chat_seq)
    reply->next = g_strdup ("more");
  return reply;
}

/* Chat by chat, the newest first; the token is the last place given. */
static DeskSyncReply *
answer_all_messages (Sim *sim, const DeskRequest *request)
{
  DeskSyncReply *reply = ok ();
  guint room = MIN (request->limit, sim->server.page_size);
  guint from = 0;
  gint64 before = G_MAXINT64;

  reply->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_message_free);
  if (request->page != NULL)
    {
      char *end = NULL;

      from = (guint) g_ascii_strtoull (request->page, &end, 10);
      before = g_ascii_strtoll (end + 1, NULL, 10);
    }
  for (guint i = from; i < sim->server.chats->len; i++, before = G_MAXINT64)
    {
      const SimChat *chat = g_ptr_array_index (sim->server.chats, i);
      gint64 seq = MIN (before - 1, chat->chat->last_chat_seq);

      for (; !chat->erased && seq >= MAX (chat->chat->first_chat_seq, 1); seq--)
        {
          g_ptr_array_add (reply->messages, desk_message_copy (g_ptr_array_index (chat->messages, seq - 1)));
          if (--room > 0)
            continue;
          reply->next = g_strdup_printf ("%u-%" G_GINT64_FORMAT, i, seq);
          return reply;
        }
    }
  return reply;
}

static DeskSyncReply *
answer_list (Sim *sim, const DeskRequest *request)
{
  DeskSyncReply *reply;

  if (sim->server.level == 0)
    return sim_refusal (404, DESK_CODE_OTHER, -1);
  reply = ok ();
  if (request->type == DESK_REQUEST_CANNED)
    {
      g_autofree char *text = sim_canned_text (sim);

      reply->canned = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_canned_free);
      g_ptr_array_add (reply->canned, desk_canned_new ("c1", "hello", "Hello", text));
    }
  else
    reply->managers = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_manager_free);
  return reply;
}

static DeskSyncReply *
answer_page0 (Sim *sim, const SimChat *chat, const DeskRequest *request)
{
  DeskSyncReply *reply = ok ();
  gint64 len = chat ? chat->messages->len : 0;
  gint64 kept = MAX (len - (gint64) sim->server.keeps0, 0);
  guint limit = MIN (request->limit > 100 ? 50 : request->limit, sim->server.cap0);

  reply->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_message_free);
  for (gint64 i = len - 1 - request->offset; i >= kept && limit > 0; i--, limit--)
    {
      DeskMessage *copy = desk_message_copy (g_ptr_array_index (chat->messages, i));

      copy->chat_seq = copy->in_seq = 0;
      g_ptr_array_add (reply->messages, copy);
    }
  return reply;
}

/* Another manager's reply to the customer stands after what the writer saw. */
static gboolean
is_stale (const SimChat *chat, guint user, const DeskOutboxEntry *entry)
{
  if (entry->seen_seq < 0 || entry->force || entry->is_private)
    return FALSE;
  for (guint i = (guint) entry->seen_seq; i < chat->messages->len; i++)
    {
      const DeskMessage *message = g_ptr_array_index (chat->messages, i);

      if (message->sender == DESK_SENDER_MANAGER && !message->is_private
          && g_strcmp0 (message->sender_id, sim_user_names[user]) != 0)
        return TRUE;
    }
  return FALSE;
}

static const SimIntent *
find_intent (Sim *sim, const char *client_id)
{
  for (guint i = 0; i < sim->intents->len; i++)
    {
      const SimIntent *intent = g_ptr_array_index (sim->intents, i);

      if (g_str_equal (intent->client_id, client_id))
        return intent;
    }
  return NULL;
}

/* What reaches the server is what the manager asked for, and no more. */
static void
check_send (Sim *sim, const DeskOutboxEntry *entry)
{
  const SimIntent *intent = find_intent (sim, entry->client_message_id);

  if (intent == NULL || intent->local_id == 0)
    return;
  if (entry->force && !intent->forced)
    sim_violation (sim, 14, "“%s” comes with force, which nobody asked for", entry->text);
  if (intent->seen_seq != SIM_UNKNOWN && entry->seen_seq != intent->seen_seq && !entry->force)
    sim_violation (sim, 14, "“%s” comes as if %" G_GINT64_FORMAT " was seen instead of %" G_GINT64_FORMAT, entry->text,
                   entry->seen_seq, intent->seen_seq);
  if (entry->is_private && sim->server.level == 0)
    sim_violation (sim, 14, "the internal note “%s” is on its way to the customer", entry->text);
}

static DeskSyncReply *
answer_send (Sim *sim, SimChat *chat, guint user, const DeskOutboxEntry *entry)
{
  g_autofree char *key = g_strdup_printf ("%u\001%s", user, entry->client_message_id);
  const DeskMessage *known = g_hash_table_lookup (sim->server.keys, key);
  DeskSyncReply *reply;
  DeskMessage *message;

  if (known != NULL && g_strcmp0 (known->text, entry->text) != 0)
    return sim_refusal (422, DESK_CODE_IDEMPOTENCY_MISMATCH, -1);
  if (known == NULL)
    {
      if (chat == NULL)
        return sim_refusal (404, DESK_CODE_NOT_FOUND, -1);
      if (is_stale (chat, user, entry))
        return sim_refusal (409, DESK_CODE_STALE_REPLY, -1);
      if (!entry->is_private && entry->template_use == NULL && chat->closed_until_us > sim->now_us)
        return sim_refusal (409, DESK_CODE_WINDOW_CLOSED, -1);
      message = sim_server_add_message (sim, chat, DESK_SENDER_MANAGER, (int) user, entry->text, entry->is_private,
                                        entry->client_message_id);
      known = desk_message_copy (message);
      g_hash_table_insert (sim->server.keys, g_steal_pointer (&key), (gpointer) known);
    }
  reply = ok ();
  if (chat != NULL) /* as it is now */
    known = g_ptr_array_index (chat->messages, known->chat_seq - 1);
  reply->message = desk_message_copy (known);
  return reply;
}

static DeskSyncReply *
answer_send_level0 (Sim *sim, SimChat *chat, const DeskOutboxEntry *entry)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (sim->server.sends, entry->text));

  if (chat == NULL)
    return sim_refusal (404, DESK_CODE_OTHER, -1);
  if (chat->closed_until_us > sim->now_us)
    return sim_refusal (400, DESK_CODE_OTHER, -1);
  g_hash_table_insert (sim->server.sends, g_strdup (entry->text), GUINT_TO_POINTER (n + 1));
  sim_server_add_message (sim, chat, DESK_SENDER_MANAGER, -1, entry->text, FALSE, NULL);
  return ok ();
}

static DeskSyncReply *
answer_mark (Sim *sim, SimChat *chat, guint user, const DeskRequest *request)
{
  if (chat == NULL || sim->server.level == 0)
    return sim_refusal (404, DESK_CODE_NOT_FOUND, -1);
  sim_server_mark (sim, chat, user, request->type == DESK_REQUEST_UNREAD ? -1 : request->entry->up_to_chat_seq);
  return ok ();
}

static DeskSyncReply *
answer_profile (Sim *sim, const SimChat *chat)
{
  DeskSyncReply *reply;

  if (chat == NULL || sim->server.level == 0)
    return sim_refusal (404, DESK_CODE_NOT_FOUND, -1);
  reply = ok ();
  reply->profile = desk_profile_copy (chat->profile);
  return reply;
}

DeskSyncReply *
sim_server_answer (Sim *sim, Device *device, const DeskRequest *request)
{
  guint user = device->user;
  const char *p = request->entry ? request->entry->platform : request->platform;
  const char *u = request->entry ? request->entry->user_id : request->user_id;
  SimChat *chat = p ? sim_server_find (sim, p, u) : NULL;

  switch (request->type)
    {
    case DESK_REQUEST_CAPABILITIES:
      return answer_capabilities (sim, user);
    case DESK_REQUEST_HEAD:
    case DESK_REQUEST_CHANGES:
      return sim->server.level == 0 ? sim_refusal (404, DESK_CODE_OTHER, -1) : answer_changes (sim, request);
    case DESK_REQUEST_CHATS:
      return answer_chats (sim, user, request);
    case DESK_REQUEST_MESSAGES:
      return answer_messages (sim, chat, request);
    case DESK_REQUEST_PAGE0:
      return answer_page0 (sim, chat, request);
    case DESK_REQUEST_SEND:
      check_send (sim, request->entry);
      return sim->server.level == 0 ? answer_send_level0 (sim, chat, request->entry)
                                    : answer_send (sim, chat, user, request->entry);
    case DESK_REQUEST_READ:
    case DESK_REQUEST_UNREAD:
      return answer_mark (sim, chat, user, request);
    case DESK_REQUEST_ALL_MESSAGES:
      return answer_all_messages (sim, request);
    case DESK_REQUEST_CANNED:
    case DESK_REQUEST_MANAGERS:
      return answer_list (sim, request);
    case DESK_REQUEST_PROFILE:
      return answer_profile (sim, chat);
    case DESK_REQUEST_CHANGE:
      return sim_answer_change (device, chat, request->entry);
    }
  g_return_val_if_reached (NULL);
}
