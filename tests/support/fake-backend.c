/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "fake-backend"

#include "config.h"

#include "fake-backend.h"

#include <string.h>

#include "common/desk-json-writer.h"
#include "common/desk-json.h"
#include "protocol/desk-wire.h"

/* See the header. Objects and events of level 2 are written by the protocol's own writers; level 0 by hand, as it is
 * found in the wild. */

#define CRM "/api/v1/crm"

typedef struct
{
  char *method;
  char *path;
  FakeFaultType type;
  guint status;
  char *body;
} Fault;

static void
fault_free (Fault *fault)
{
  g_free (fault->method);
  g_free (fault->path);
  g_free (fault->body);
  g_free (fault);
}

static void
fake_chat_free (FakeChat *chat)
{
  desk_chat_free (chat->chat);
  g_ptr_array_unref (chat->messages);
  g_free (chat);
}

/* ── Answers ────────────────────────────────────────────────────────────────────────────────── */

static void
answer (SoupServerMessage *msg, guint status, const char *text)
{
  soup_server_message_set_status (msg, status, NULL);
  soup_server_message_set_response (msg, "application/json", SOUP_MEMORY_COPY, text, strlen (text));
}

static void
answer_data (FakeBackend *self, SoupServerMessage *msg, guint status, const char *data)
{
  g_autofree char *text = NULL;

  if (self->level == 2)
    text = g_strdup_printf ("{\"success\":true,\"data\":%s}", data);
  else if (self->enveloped)
    text = g_strdup_printf ("{\"data\":%s,\"success\":true,\"status_message\":\"OK\","
                            "\"timestamp\":\"2026-11-20T10:00:00.123456789+07:00\"}",
                            data);
  answer (msg, status, text ? text : data);
}

static void
refuse (SoupServerMessage *msg, guint status, const char *code)
{
  g_autofree char *text
      = g_strdup_printf ("{\"success\":false,\"error\":{\"code\":\"%s\",\"message\":\"no\",\"request_id\":\"r\"}}", code);

  answer (msg, status, text);
}

static void
write_message (FakeBackend *self, DeskJsonWriter *w, const DeskMessage *message, gboolean hint)
{
  if (self->level == 2)
    {
      desk_wire_write_message (w, message);
      return;
    }
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "id", hint && self->zero_ids ? "000000000000000000000000" : message->id);
  desk_json_writer_member_string (w, "platform", message->platform);
  desk_json_writer_member_string (w, "user_id", message->user_id);
  desk_json_writer_member_string (w, "direction", desk_direction_to_string (message->direction));
  desk_json_writer_member_string (w, "sender", desk_sender_to_string (message->sender));
  desk_json_writer_member_string (w, "text", message->text);
  desk_json_writer_member_time_ms (w, "created_at", message->created_at_ms);
  desk_json_writer_end_object (w);
}

static void
write_chat (FakeBackend *self, DeskJsonWriter *w, const DeskChat *chat)
{
  if (self->level == 2)
    {
      desk_wire_write_chat (w, chat);
      return;
    }
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "platform", chat->platform);
  desk_json_writer_member_string (w, "user_id", chat->user_id);
  desk_json_writer_member_string (w, "user_name", chat->user_name);
  desk_json_writer_member_string (w, "last_message", chat->last_message);
  desk_json_writer_member_time_ms (w, "last_time", chat->last_time_ms);
  desk_json_writer_member_int64 (w, "unread", 0);
  desk_json_writer_end_object (w);
}

static char *
message_text (FakeBackend *self, const DeskMessage *message, gboolean hint)
{
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;

  desk_json_writer_init (&w, text);
  write_message (self, &w, message, hint);
  return g_string_free (text, FALSE);
}

static void
answer_chats (FakeBackend *self, SoupServerMessage *msg)
{
  g_autoptr (GString) text = g_string_new (NULL);
  DeskJsonWriter w;

  desk_json_writer_init (&w, text);
  desk_json_writer_begin_array (&w);
  for (guint i = 0; i < self->chats->len; i++)
    write_chat (self, &w, ((FakeChat *) g_ptr_array_index (self->chats, i))->chat);
  desk_json_writer_end_array (&w);
  answer_data (self, msg, 200, text->str);
}

static gint64
query_int (GHashTable *query, const char *name, gint64 otherwise)
{
  const char *text = query ? g_hash_table_lookup (query, name) : NULL;

  return text ? g_ascii_strtoll (text, NULL, 10) : otherwise;
}

/* Newest first, before a chat_seq or from an offset. */
static void
answer_messages (FakeBackend *self, SoupServerMessage *msg, FakeChat *chat, GHashTable *query)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gint64 before = query_int (query, "before_seq", 0), offset = query_int (query, "offset", 0);
  gint64 limit = query_int (query, "limit", 50);
  DeskJsonWriter w;

  desk_json_writer_init (&w, text);
  desk_json_writer_begin_array (&w);
  for (guint i = chat->messages->len; i-- > 0 && limit > 0;)
    {
      const DeskMessage *message = g_ptr_array_index (chat->messages, i);

      if (offset-- > 0 || (before > 0 && message->chat_seq >= before))
        continue;
      write_message (self, &w, message, FALSE);
      limit--;
    }
  desk_json_writer_end_array (&w);
  answer_data (self, msg, 200, text->str);
}

static void
answer_changes (FakeBackend *self, SoupServerMessage *msg, GHashTable *query)
{
  const char *text = query ? g_hash_table_lookup (query, "cursor") : NULL;
  g_autoptr (DeskCursor) cursor = text ? desk_cursor_parse (text) : NULL;
  g_autoptr (GString) data = g_string_new ("{\"events\":[");
  gint64 from = cursor ? desk_cursor_get (cursor, 0) : self->events->len;
  gint64 to = MIN (from + query_int (query, "limit", 500), (gint64) self->events->len);

  if (text != NULL && (cursor == NULL || g_strcmp0 (desk_cursor_get_epoch (cursor), self->epoch) != 0))
    {
      refuse (msg, 410, "CURSOR_EXPIRED");
      return;
    }
  for (gint64 i = from; i < to; i++)
    g_string_append_printf (data, "%s%s", i > from ? "," : "", (char *) g_ptr_array_index (self->events, i));
  g_string_append_printf (data, "],\"cursor\":\"%s:0-%" G_GINT64_FORMAT "\",\"has_more\":%s}", self->epoch, to,
                          to < (gint64) self->events->len ? "true" : "false");
  answer_data (self, msg, 200, data->str);
}

static void
answer_capabilities (FakeBackend *self, SoupServerMessage *msg)
{
  if (self->level != 2)
    {
      soup_server_message_set_status (msg, 404, NULL);
      soup_server_message_set_response (msg, "text/plain", SOUP_MEMORY_STATIC, "404 page not found", 18);
      return;
    }
  answer_data (self, msg, 200,
               "{\"api\":\"frontdesk\",\"version\":2,\"features\":[],\"platforms\":[{\"name\":\"telegram\",\"title\":"
               "\"Telegram\",\"text_limit\":4096,\"text_unit\":\"utf16\",\"attachment_limit\":10,\"window_hours\":0,"
               "\"statuses\":[],\"can_edit\":true,\"can_delete\":true,\"can_react\":true,\"can_reply\":true}],"
               "\"me\":{\"username\":\"anna\",\"display_name\":\"Anna\",\"role\":\"manager\"},"
               "\"server_time\":\"2026-11-20T10:00:00Z\"}");
}

static void
answer_send (FakeBackend *self, SoupServerMessage *msg, FakeChat *chat)
{
  SoupMessageBody *body = soup_server_message_get_request_body (msg);
  g_autoptr (GBytes) bytes = soup_message_body_flatten (body);
  gsize len;
  const char *text = g_bytes_get_data (bytes, &len);
  g_autoptr (DeskSendRequest) send = desk_wire_read_send (text, len, NULL);
  DeskMessage *message = NULL;
  g_autofree char *json = NULL;
  g_autofree char *data = NULL;
  gboolean duplicate;

  if (send == NULL)
    {
      refuse (msg, 422, "INVALID");
      return;
    }
  self->sends++;
  if (self->level == 2 && send->client_message_id != NULL)
    message = g_hash_table_lookup (self->keys, send->client_message_id);
  duplicate = message != NULL;
  if (!duplicate)
    {
      message = fake_backend_message (self, chat->chat->user_id, FALSE, send->text);
      self->delivered++;
      if (self->level == 2 && send->client_message_id != NULL)
        {
          message->client_message_id = g_strdup (send->client_message_id);
          g_hash_table_insert (self->keys, g_strdup (send->client_message_id), message);
        }
    }
  if (self->level == 0)
    {
      answer_data (self, msg, 200, self->enveloped ? "\"message sent\"" : "{\"ok\":true}");
      return;
    }
  json = message_text (self, message, FALSE);
  data = g_strdup_printf ("{\"message\":%s,\"duplicate\":%s}", json, duplicate ? "true" : "false");
  answer_data (self, msg, duplicate ? 200 : 201, data);
}

static void
answer_auth (FakeBackend *self, SoupServerMessage *msg, const char *path)
{
  g_autoptr (GBytes) bytes = soup_message_body_flatten (soup_server_message_get_request_body (msg));
  gsize len;
  const char *body = g_bytes_get_data (bytes, &len);
  g_autofree char *given = NULL;
  g_autofree char *text = NULL;

  if (g_str_has_suffix (path, "/refresh"))
    {
      self->refreshes++;
      if (!desk_wire_read_refresh (body, len, &given, NULL) || g_strcmp0 (given, self->refresh_token) != 0)
        {
          refuse (msg, 401, "UNAUTHORIZED");
          return;
        }
    }
  g_free (self->token);
  g_free (self->refresh_token);
  self->token = g_strdup_printf ("access-%u", ++self->next_id);
  self->refresh_token = g_strdup_printf ("refresh-%u", ++self->next_id);
  text = g_strdup_printf ("{\"access_token\":\"%s\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"refresh_token\":\"%s\"}",
                          self->token, self->refresh_token);
  answer_data (self, msg, 200, text);
}

/* ── Requests ───────────────────────────────────────────────────────────────────────────────── */

static void
cut (SoupServerMessage *msg)
{
  g_autoptr (GIOStream) stream = soup_server_message_steal_connection (msg);

  g_io_stream_close (stream, NULL, NULL);
}

static Fault *
take_fault (FakeBackend *self, const char *method, const char *path)
{
  for (GList *l = self->faults->head; l != NULL; l = l->next)
    {
      Fault *fault = l->data;

      if (g_strcmp0 (fault->method, method) == 0 && strstr (path, fault->path) != NULL)
        {
          g_queue_delete_link (self->faults, l);
          return fault;
        }
    }
  return NULL;
}

static gboolean
is_authorized (FakeBackend *self, SoupServerMessage *msg)
{
  const char *header
      = soup_message_headers_get_one (soup_server_message_get_request_headers (msg), "Authorization");
  const char *query = g_uri_get_query (soup_server_message_get_uri (msg));

  self->token_in_url |= query != NULL && strstr (query, "token") != NULL;
  return header != NULL && g_str_has_prefix (header, "Bearer ") && g_strcmp0 (header + 7, self->token) == 0;
}

static void
route (FakeBackend *self, SoupServerMessage *msg, const char *path, GHashTable *query)
{
  g_auto (GStrv) parts = NULL;

  if (g_str_has_prefix (path, "/v1/auth/"))
    answer_auth (self, msg, path);
  else if (!is_authorized (self, msg))
    refuse (msg, 401, "UNAUTHORIZED");
  else if (g_strcmp0 (path, CRM "/capabilities") == 0)
    answer_capabilities (self, msg);
  else if (g_strcmp0 (path, CRM "/changes") == 0 && self->level == 2)
    answer_changes (self, msg, query);
  else if (g_strcmp0 (path, CRM "/chats") == 0)
    answer_chats (self, msg);
  else if (g_str_has_prefix (path, CRM "/chats/telegram/"))
    {
      parts = g_strsplit (path + strlen (CRM "/chats/telegram/"), "/", 2);
      if (g_strcmp0 (parts[1], "messages") == 0)
        answer_messages (self, msg, fake_backend_chat (self, parts[0]), query);
      else if (g_strcmp0 (parts[1], "send") == 0)
        answer_send (self, msg, fake_backend_chat (self, parts[0]));
      else
        answer_data (self, msg, 200, "{}");
    }
  else
    refuse (msg, 404, "NOT_FOUND");
}

static void
on_request (SoupServer *server, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer data)
{
  FakeBackend *self = data;
  Fault *fault = take_fault (self, soup_server_message_get_method (msg), path);

  self->requests++;
  if (fault == NULL || fault->type == FAKE_LOSE)
    route (self, msg, path, query);
  if (fault == NULL)
    return;
  if (fault->type == FAKE_REFUSE)
    {
      if (fault->status == 429)
        soup_message_headers_replace (soup_server_message_get_response_headers (msg), "Retry-After", "1");
      answer (msg, fault->status, fault->body ? fault->body : "");
    }
  else if (fault->type == FAKE_HANG)
    {
      g_ptr_array_add (self->hanging, g_object_ref (msg));
      soup_server_message_pause (msg);
    }
  else
    cut (msg);
  fault_free (fault);
}

/* ── Websocket ──────────────────────────────────────────────────────────────────────────────── */

static void
on_upgrade (SoupServer *server, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer data)
{
  FakeBackend *self = data;

  if (self->ws_status != 0)
    soup_server_message_set_status (msg, self->ws_status, NULL);
  else if (!is_authorized (self, msg))
    soup_server_message_set_status (msg, 401, NULL);
}

static void
on_closed (SoupWebsocketConnection *ws, FakeBackend *self)
{
  self->close_code = soup_websocket_connection_get_close_code (ws);
  g_ptr_array_remove_fast (self->sockets, ws);
}

/* A write may find that the other side is gone. */
static void
tell (SoupWebsocketConnection *ws, const char *text)
{
  if (soup_websocket_connection_get_state (ws) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_send_text (ws, text);
}

static void
say_hello (FakeBackend *self, SoupWebsocketConnection *ws, const char *cursor_text)
{
  g_autoptr (DeskCursor) cursor = cursor_text ? desk_cursor_parse (cursor_text) : NULL;
  gboolean ok = cursor != NULL && g_strcmp0 (desk_cursor_get_epoch (cursor), self->epoch) == 0;
  g_autofree char *hello = g_strdup_printf (
      "{\"type\":\"hello\",\"data\":{\"epoch\":\"%s\",\"resume\":\"%s\",\"head\":{\"0\":%u},"
      "\"server_time\":\"2026-11-20T10:00:00Z\",\"heartbeat_s\":30}}",
      self->epoch, ok ? "ok" : "reset", self->events->len);

  self->hellos++;
  tell (ws, hello);
  for (gint64 i = ok ? desk_cursor_get (cursor, 0) : self->events->len; i < (gint64) self->events->len; i++)
    tell (ws, g_ptr_array_index (self->events, i));
}

static void
on_socket (SoupServer *server, SoupServerMessage *msg, const char *path, SoupWebsocketConnection *ws, gpointer data)
{
  FakeBackend *self = data;
  const char *text = g_uri_get_query (soup_server_message_get_uri (msg));
  g_autoptr (GHashTable) query = text ? soup_form_decode (text) : NULL;

  g_ptr_array_add (self->sockets, g_object_ref (ws));
  g_signal_connect (ws, "closed", G_CALLBACK (on_closed), self);
  if (self->level == 2)
    say_hello (self, ws, query ? g_hash_table_lookup (query, "cursor") : NULL);
}

void
fake_backend_frame (FakeBackend *self, const char *text)
{
  for (guint i = 0; i < self->sockets->len; i++)
    tell (g_ptr_array_index (self->sockets, i), text);
}

void
fake_backend_close_sockets (FakeBackend *self, guint code)
{
  for (guint i = 0; i < self->sockets->len; i++)
    soup_websocket_connection_close (g_ptr_array_index (self->sockets, i), (gushort) code, NULL);
}

void
fake_backend_event (FakeBackend *self, const char *type, const char *data)
{
  char *frame = g_strdup_printf ("{\"type\":\"%s\",\"p\":0,\"seq\":%u,\"data\":%s}", type, self->events->len + 1, data);

  g_ptr_array_add (self->events, frame);
  fake_backend_frame (self, frame);
}

/* ── What happens ───────────────────────────────────────────────────────────────────────────── */

static void
tell_chat (FakeBackend *self, FakeChat *chat)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (DeskChat) shared = desk_chat_copy (chat->chat);
  DeskJsonWriter w;

  shared->has_personal = FALSE;
  desk_json_writer_init (&w, text);
  desk_wire_write_chat (&w, shared);
  fake_backend_event (self, "chat_updated", text->str);
}

FakeChat *
fake_backend_chat (FakeBackend *self, const char *user_id)
{
  FakeChat *chat;

  for (guint i = 0; i < self->chats->len; i++)
    {
      chat = g_ptr_array_index (self->chats, i);
      if (g_strcmp0 (chat->chat->user_id, user_id) == 0)
        return chat;
    }
  chat = g_new0 (FakeChat, 1);
  chat->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_message_free);
  chat->chat = desk_chat_new ("telegram", user_id);
  g_free (chat->chat->user_name);
  chat->chat->user_name = g_strdup_printf ("Customer %s", user_id);
  chat->chat->rev = 1;
  chat->chat->is_level2 = chat->chat->has_personal = self->level == 2;
  chat->chat->stream_id = desk_chat_stream_id ("telegram", user_id);
  chat->chat->first_chat_seq = 1;
  g_ptr_array_add (self->chats, chat);
  if (self->level == 2)
    tell_chat (self, chat);
  return chat;
}

DeskMessage *
fake_backend_message (FakeBackend *self, const char *user_id, gboolean incoming, const char *text)
{
  FakeChat *chat = fake_backend_chat (self, user_id);
  DeskMessage *message = desk_message_new ("telegram", user_id);
  g_autofree char *json = NULL;

  g_free (message->text);
  message->text = g_strdup (text);
  message->id = g_strdup_printf ("%024x", ++self->next_id);
  /* Of this clock: at level 0 the engine takes no older message as the proof of a reply. */
  self->now_ms = MAX (self->now_ms + 1, g_get_real_time () / 1000);
  message->created_at_ms = self->now_ms;
  message->direction = incoming ? DESK_DIRECTION_INCOMING : DESK_DIRECTION_OUTGOING;
  message->sender = incoming ? DESK_SENDER_USER : DESK_SENDER_MANAGER;
  message->is_level2 = self->level == 2;
  message->rev = 1;
  message->status = incoming ? DESK_STATUS_NONE : DESK_STATUS_QUEUED;
  message->chat_seq = ++chat->chat->last_chat_seq;
  if (incoming)
    message->in_seq = ++chat->chat->last_in_seq;
  g_ptr_array_add (chat->messages, message);
  g_free (chat->chat->last_message);
  chat->chat->last_message = g_strdup (text);
  chat->chat->last_time_ms = message->created_at_ms;
  json = message_text (self, message, TRUE);
  if (self->level == 2)
    fake_backend_event (self, "new_message", json);
  else
    {
      g_autofree char *frame = g_strdup_printf ("{\"type\":\"new_message\",\"data\":%s}", json);

      fake_backend_frame (self, frame);
    }
  return message;
}

void
fake_backend_fault (FakeBackend *self, const char *method, const char *path, FakeFaultType type, guint status,
                    const char *body)
{
  Fault *fault = g_new0 (Fault, 1);

  fault->method = g_strdup (method);
  fault->path = g_strdup (path);
  fault->type = type;
  fault->status = status;
  fault->body = g_strdup (body);
  g_queue_push_tail (self->faults, fault);
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */

void
fake_backend_up (FakeBackend *self)
{
  g_autoptr (GError) error = NULL;
  g_autoslist (GUri) uris = NULL;

  self->server = soup_server_new ("raw-paths", TRUE, NULL);
  soup_server_add_handler (self->server, NULL, on_request, self, NULL);
  soup_server_add_early_handler (self->server, CRM "/ws", on_upgrade, self, NULL);
  soup_server_add_websocket_handler (self->server, CRM "/ws", NULL, NULL, on_socket, self, NULL);
  if (!soup_server_listen_local (self->server, self->port, SOUP_SERVER_LISTEN_IPV4_ONLY, &error))
    g_error ("cannot listen: %s", error->message);
  uris = soup_server_get_uris (self->server);
  self->port = (guint) g_uri_get_port (uris->data);
}

void
fake_backend_down (FakeBackend *self)
{
  for (guint i = 0; i < self->hanging->len; i++)
    {
      SoupServerMessage *msg = g_ptr_array_index (self->hanging, i);

      if (soup_server_message_get_socket (msg) != NULL)
        g_socket_close (soup_server_message_get_socket (msg), NULL);
    }
  g_ptr_array_set_size (self->hanging, 0);
  while (self->sockets->len > 0)
    {
      g_autoptr (SoupWebsocketConnection) ws = g_ptr_array_steal_index (self->sockets, 0);

      g_signal_handlers_disconnect_by_data (ws, self);
      g_io_stream_close (soup_websocket_connection_get_io_stream (ws), NULL, NULL);
    }
  if (self->server != NULL)
    soup_server_disconnect (self->server);
  g_clear_object (&self->server);
}

/* libsoup's server warns of clients that are gone before it looks. */
static gboolean
is_fatal (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  return g_strcmp0 (domain, "libsoup") != 0 || strstr (message, "could not get remote address") == NULL;
}

static void
on_libsoup_warning (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  if (is_fatal (domain, level, message, data))
    g_log_default_handler (domain, level, message, data);
}

FakeBackend *
fake_backend_new (guint level)
{
  FakeBackend *self = g_new0 (FakeBackend, 1);

  g_test_log_set_fatal_handler (is_fatal, NULL);
  g_log_set_handler ("libsoup", G_LOG_LEVEL_WARNING | G_LOG_FLAG_FATAL, on_libsoup_warning, NULL);

  self->level = level;
  self->token = g_strdup ("access-0");
  self->refresh_token = g_strdup ("refresh-0");
  self->epoch = g_strdup ("e1");
  self->now_ms = g_get_real_time () / 1000;
  self->chats = g_ptr_array_new_with_free_func ((GDestroyNotify) fake_chat_free);
  self->events = g_ptr_array_new_with_free_func (g_free);
  self->sockets = g_ptr_array_new_with_free_func (g_object_unref);
  self->hanging = g_ptr_array_new_with_free_func (g_object_unref);
  self->keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->faults = g_queue_new ();
  fake_backend_up (self);
  self->url = g_strdup_printf ("http://127.0.0.1:%u", self->port);
  return self;
}

void
fake_backend_free (FakeBackend *self)
{
  fake_backend_down (self);
  for (guint i = 0; i < 50; i++)
    g_main_context_iteration (NULL, FALSE); /* what libsoup still has to close */
  g_free (self->url);
  g_free (self->token);
  g_free (self->refresh_token);
  g_free (self->epoch);
  g_ptr_array_unref (self->chats);
  g_ptr_array_unref (self->events);
  g_ptr_array_unref (self->sockets);
  g_ptr_array_unref (self->hanging);
  g_hash_table_unref (self->keys);
  g_queue_free_full (self->faults, (GDestroyNotify) fault_free);
  g_free (self);
}

static gboolean
on_tick (gpointer data)
{
  return G_SOURCE_REMOVE;
}

void
fake_iterate (void)
{
  g_autoptr (GSource) tick = g_timeout_source_new (50);

  g_source_set_callback (tick, on_tick, NULL, NULL);
  g_source_attach (tick, NULL);
  g_main_context_iteration (NULL, TRUE);
  g_source_destroy (tick);
}

void
fake_run_ms (guint ms)
{
  gint64 end = g_get_monotonic_time () + ms * 1000;

  while (g_get_monotonic_time () < end)
    fake_iterate ();
}
