/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* A partner that fails on demand. */

#include "partner-fault-server.h"

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>
#include <string.h>

typedef struct
{
  char *room;
  gint64 at_ms;
  char *json;
} Said;

typedef struct
{
  char *call;
  PartnerFault fault;
  guint status;
  char *body;
} Fault;

struct _PartnerFaultServer
{
  SoupServer *server;
  char *url;
  GPtrArray *said; /* oldest first */
  GPtrArray *rooms;
  GPtrArray *faults;
  GPtrArray *calls;
  GPtrArray *sends;
  GPtrArray *silent;
  GHashTable *broken; /* room → status */
  gint64 now_ms;
  gboolean hides_items;
  gboolean ignores_before;
};

static void
said_free (gpointer data)
{
  Said *said = data;

  g_free (said->room);
  g_free (said->json);
  g_free (said);
}

static void
fault_free (gpointer data)
{
  Fault *fault = data;

  g_free (fault->call);
  g_free (fault->body);
  g_free (fault);
}

static void
respond (SoupServerMessage *message, guint status, const char *body)
{
  soup_server_message_set_status (message, status, NULL);
  if (status == 429)
    soup_message_headers_replace (soup_server_message_get_response_headers (message), "Retry-After",
                                  "7");
  soup_server_message_set_response (message, "application/json", SOUP_MEMORY_COPY, body,
                                    strlen (body));
}

static void
hang_up (SoupServerMessage *message)
{
  GSocket *socket = soup_server_message_get_socket (message);

  if (socket != NULL)
    g_socket_shutdown (socket, TRUE, TRUE, NULL);
  respond (message, 500, "");
}

void
partner_fault_server_say (PartnerFaultServer *self,
                          const char *room,
                          const char *sender,
                          gint64 at_ms,
                          const char *text,
                          const char *rest)
{
  Said *said = g_new0 (Said, 1);
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_VALUE);
  g_autofree char *quoted = NULL;

  json_node_set_string (node, text);
  quoted = json_to_string (node, FALSE);
  said->room = g_strdup (room);
  said->at_ms = at_ms;
  said->json = g_strdup_printf ("{\"channel_id\":\"%s\",\"sender_id\":%s,\"created_at\":%" G_GINT64_FORMAT
                                ",\"message\":%s%s%s}",
                                room, sender, at_ms, quoted,
                                rest == NULL || strstr (rest, "\"type\"") == NULL
                                    ? ",\"type\":\"text\""
                                    : "",
                                rest != NULL ? rest : "");
  guint at = self->said->len;
  while (at > 0 && ((Said *)self->said->pdata[at - 1])->at_ms > at_ms)
    at--;
  g_ptr_array_insert (self->said, (gint)at, said);
  if (!g_ptr_array_find_with_equal_func (self->rooms, room, g_str_equal, NULL))
    g_ptr_array_add (self->rooms, g_strdup (room));
}

static gint64
last_time (PartnerFaultServer *self, const char *room)
{
  gint64 last = 0;

  for (guint i = 0; i < self->said->len; i++)
    {
      const Said *said = self->said->pdata[i];
      if (strcmp (said->room, room) == 0)
        last = said->at_ms;
    }
  return last;
}

/* Twice, as the partner does: once for us, once for the customer. */
static void
append_room (PartnerFaultServer *self, GString *json, const char *room, gboolean with_item)
{
  g_autofree char *item = with_item ? g_strdup_printf (",\"item_name\":\"Xe đạp %s\",\"item_price\":"
                                                       "12000000,\"role\":\"seller\"",
                                                       room)
                                    : g_strdup ("");
  const gint64 last = last_time (self, room);

  for (guint i = 0; i < 2; i++)
    g_string_append_printf (json,
                            "%s{\"channel_id\":\"%s\",\"user_id\":%s,\"name\":\"%s %s\","
                            "\"last_message_created_at\":%" G_GINT64_FORMAT "%s}",
                            json->str[json->len - 1] == '[' ? "" : ",", room,
                            i == 0 ? PARTNER_FAULT_US : "500", i == 0 ? "Shop" : "Linh", room, last,
                            item);
}

static char *
list_rooms (PartnerFaultServer *self, const char *only)
{
  GString *json = g_string_new ("{\"code\":200,\"data\":[");

  for (guint i = 0; i < self->rooms->len; i++)
    if (only == NULL || strcmp (only, self->rooms->pdata[i]) == 0)
      append_room (self, json, self->rooms->pdata[i], only != NULL || !self->hides_items);
  g_string_append (json, "]}");
  return g_string_free (json, FALSE);
}

static gint64
number (GHashTable *query, const char *name, gint64 fallback)
{
  const char *text = query != NULL ? g_hash_table_lookup (query, name) : NULL;

  return text != NULL ? g_ascii_strtoll (text, NULL, 10) : fallback;
}

static char *
list_messages (PartnerFaultServer *self, const char *room, GHashTable *query)
{
  GString *json = g_string_new ("{\"code\":200,\"data\":[");
  const gint64 before = self->ignores_before ? G_MAXINT64 : number (query, "before_ts", G_MAXINT64);
  gint64 left = MIN (number (query, "limit", 20), 100);

  for (guint i = self->said->len; i > 0 && left > 0; i--)
    {
      const Said *said = self->said->pdata[i - 1];
      if (strcmp (said->room, room) != 0 || said->at_ms >= before)
        continue;
      g_string_append_printf (json, "%s%s", json->str[json->len - 1] == '[' ? "" : ",", said->json);
      left--;
    }
  g_string_append (json, "]}");
  return g_string_free (json, FALSE);
}

static char *
take_send (PartnerFaultServer *self, SoupServerMessage *message)
{
  g_autoptr (GBytes) bytes
      = soup_message_body_flatten (soup_server_message_get_request_body (message));
  gsize len;
  const char *text = g_bytes_get_data (bytes, &len);
  g_autofree char *copy = g_strndup (text, len);
  g_autoptr (JsonNode) root = json_from_string (copy, NULL);
  JsonObject *object = root != NULL ? json_node_get_object (root) : NULL;

  g_assert_nonnull (object);
  g_ptr_array_add (self->sends, g_steal_pointer (&copy));
  partner_fault_server_say (self, json_object_get_string_member (object, "channel_id"),
                            json_object_get_string_member (object, "sender_id"), self->now_ms++,
                            json_object_get_string_member (object, "message"), NULL);
  return g_strdup ("{\"code\":200,\"message\":\"success\"}");
}

static char *
list_products (GHashTable *query)
{
  const gint64 page = number (query, "page", 1), limit = number (query, "limit", 2);
  GString *json = g_string_new ("{\"data\":[");

  for (gint64 n = (page - 1) * limit; n < page * limit && n < 5; n++)
    g_string_append_printf (json, "%s{\"list_id\":%" G_GINT64_FORMAT ",\"subject\":\"Bike %" G_GINT64_FORMAT
                                  "\",\"price\":100,\"secret_of_the_seller\":1}",
                            json->str[json->len - 1] == '[' ? "" : ",", n, n);
  g_string_append (json, "]}");
  return g_string_free (json, FALSE);
}

static char *
carry_out (PartnerFaultServer *self,
           SoupServerMessage *message,
           const char *call,
           const char *room,
           GHashTable *query)
{
  if (strcmp (call, "rooms") == 0)
    return list_rooms (self, NULL);
  if (strcmp (call, "room") == 0)
    return list_rooms (self, room);
  if (strcmp (call, "messages") == 0)
    return list_messages (self, room, query);
  if (strcmp (call, "products") == 0)
    return list_products (query);
  return take_send (self, message);
}

static Fault *
take_fault (PartnerFaultServer *self, const char *call)
{
  for (guint i = 0; i < self->faults->len; i++)
    if (strcmp (((Fault *)self->faults->pdata[i])->call, call) == 0)
      return g_ptr_array_steal_index (self->faults, i);
  return NULL;
}

static void
meet (PartnerFaultServer *self,
      SoupServerMessage *message,
      const char *call,
      const char *room,
      GHashTable *query,
      const Fault *fault)
{
  g_autofree char *answer = NULL;

  if (fault->fault == PARTNER_FAULT_STATUS)
    {
      respond (message, fault->status, fault->body != NULL ? fault->body : "");
      return;
    }
  if (fault->fault != PARTNER_FAULT_CLOSE_BEFORE)
    answer = carry_out (self, message, call, room, query);
  if (fault->fault == PARTNER_FAULT_BODY_AFTER)
    respond (message, fault->status, fault->body != NULL ? fault->body : "");
  else if (fault->fault == PARTNER_FAULT_SILENT_AFTER)
    {
      soup_server_message_pause (message);
      g_ptr_array_add (self->silent, g_object_ref (message));
    }
  else
    hang_up (message);
}

static gboolean
is_admitted (SoupServerMessage *message)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  const char *token = soup_message_headers_get_one (headers, "Authorization");
  const char *service = soup_message_headers_get_one (headers, "X-Service");

  return g_strcmp0 (token, "Bearer " PARTNER_FAULT_TOKEN) == 0
         && g_strcmp0 (service, PARTNER_FAULT_SERVICE) == 0;
}

/* /rooms?…, /user_channel/77/ROOM/messages?…, /channels/ROOM, /messages, /users/U/products?… */
static void
on_request (SoupServer *server,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer data)
{
  PartnerFaultServer *self = data;
  g_auto (GStrv) parts = g_strsplit (path + 1, "/", -1);
  const guint n = g_strv_length (parts);
  const char *call = n == 1 && strcmp (parts[0], "rooms") == 0        ? "rooms"
                     : n == 1 && strcmp (parts[0], "messages") == 0   ? "send"
                     : n == 2 && strcmp (parts[0], "channels") == 0   ? "room"
                     : n == 4 && strcmp (parts[3], "messages") == 0   ? "messages"
                     : n == 3 && strcmp (parts[2], "products") == 0   ? "products"
                                                                      : NULL;
  const char *room = n == 4 ? parts[2] : n == 2 ? parts[1] : NULL;
  g_autofree char *answer = NULL;
  Fault *fault;

  if (call == NULL || !is_admitted (message))
    {
      respond (message, call == NULL ? 404 : 401,
               "{\"code\":401,\"message\":\"wrong " PARTNER_FAULT_TOKEN "\"}");
      return;
    }
  g_ptr_array_add (self->calls, (gpointer)call);
  fault = take_fault (self, call);
  if (fault != NULL)
    {
      meet (self, message, call, room, query, fault);
      fault_free (fault);
      return;
    }
  if (room != NULL && g_hash_table_contains (self->broken, room))
    {
      respond (message, GPOINTER_TO_UINT (g_hash_table_lookup (self->broken, room)), "{}");
      return;
    }
  answer = carry_out (self, message, call, room, query);
  respond (message, 200, answer);
}

PartnerFaultServer *
partner_fault_server_new (void)
{
  PartnerFaultServer *self = g_new0 (PartnerFaultServer, 1);
  g_autoptr (GError) error = NULL;
  GSList *uris;

  self->said = g_ptr_array_new_with_free_func (said_free);
  self->rooms = g_ptr_array_new_with_free_func (g_free);
  self->faults = g_ptr_array_new_with_free_func (fault_free);
  self->calls = g_ptr_array_new ();
  self->sends = g_ptr_array_new_with_free_func (g_free);
  self->silent = g_ptr_array_new_with_free_func (g_object_unref);
  self->broken = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->now_ms = G_GINT64_CONSTANT (1790000000000);
  self->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (self->server, NULL, on_request, self, NULL);
  soup_server_listen_local (self->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (self->server);
  self->url = g_uri_to_string (uris->data);
  if (g_str_has_suffix (self->url, "/"))
    self->url[strlen (self->url) - 1] = '\0';
  g_slist_free_full (uris, (GDestroyNotify)g_uri_unref);
  return self;
}

void
partner_fault_server_free (PartnerFaultServer *self)
{
  for (guint i = 0; i < self->silent->len; i++)
    {
      hang_up (self->silent->pdata[i]);
      soup_server_message_unpause (self->silent->pdata[i]);
    }
  soup_server_disconnect (self->server);
  g_object_unref (self->server);
  g_ptr_array_unref (self->silent);
  g_ptr_array_unref (self->said);
  g_ptr_array_unref (self->rooms);
  g_ptr_array_unref (self->faults);
  g_ptr_array_unref (self->calls);
  g_ptr_array_unref (self->sends);
  g_hash_table_unref (self->broken);
  g_free (self->url);
  g_free (self);
}

const char *
partner_fault_server_get_url (PartnerFaultServer *self)
{
  return self->url;
}

void
partner_fault_server_push (
    PartnerFaultServer *self, const char *call, PartnerFault fault, guint status, const char *body)
{
  Fault *pushed = g_new0 (Fault, 1);

  pushed->call = g_strdup (call);
  pushed->fault = fault;
  pushed->status = status;
  pushed->body = g_strdup (body);
  g_ptr_array_add (self->faults, pushed);
}

void
partner_fault_server_break_room (PartnerFaultServer *self, const char *room, guint status)
{
  g_hash_table_replace (self->broken, g_strdup (room), GUINT_TO_POINTER (status));
}

void
partner_fault_server_set_now (PartnerFaultServer *self, gint64 now_ms)
{
  self->now_ms = now_ms;
}

void
partner_fault_server_hide_items (PartnerFaultServer *self)
{
  self->hides_items = TRUE;
}

void
partner_fault_server_ignore_before (PartnerFaultServer *self)
{
  self->ignores_before = TRUE;
}

guint
partner_fault_server_count_calls (PartnerFaultServer *self, const char *call)
{
  guint n = 0;

  for (guint i = 0; i < self->calls->len; i++)
    n += strcmp (self->calls->pdata[i], call) == 0;
  return n;
}

guint
partner_fault_server_count_sends (PartnerFaultServer *self)
{
  return self->sends->len;
}

const char *
partner_fault_server_get_send (PartnerFaultServer *self, guint n)
{
  return n < self->sends->len ? self->sends->pdata[n] : NULL;
}
