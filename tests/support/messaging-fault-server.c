/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* The Send API of Messenger and Instagram that fails on demand. */

#include "messaging-fault-server.h"

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>
#include <string.h>

typedef struct
{
  char *method;
  MessagingFault fault;
  guint status;
  char *body;
} Fault;

typedef struct
{
  char *method;
  char *text;
} Done;

struct _MessagingFaultServer
{
  char *load; /* nullable */
  MessagingFaultRole role;
  SoupServer *server;
  char *url;
  char *token;
  GPtrArray *faults;
  GPtrArray *done;
  GPtrArray *calls; /* of method names */
  GPtrArray *silent; /* of SoupServerMessage: never answered */
  GByteArray *file;
  guint next_id;
  gboolean subscribed;
  gboolean leaked;
};

static void
fault_free (Fault *fault)
{
  g_free (fault->method);
  g_free (fault->body);
  g_free (fault);
}

static void
done_free (Done *done)
{
  g_free (done->method);
  g_free (done->text);
  g_free (done);
}

static void
respond (SoupServerMessage *message, guint status, const char *body)
{
  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (message, "application/json", SOUP_MEMORY_COPY, body,
                                    strlen (body));
}

static void
hang_up (SoupServerMessage *message)
{
  GSocket *socket = soup_server_message_get_socket (message);

  if (socket != NULL) /* the client may be gone */
    g_socket_shutdown (socket, TRUE, TRUE, NULL);
  respond (message, 500, "");
}

static char *
format_error (gint code, gint subcode, const char *words)
{
  g_autofree char *sub
      = subcode != 0 ? g_strdup_printf (",\"error_subcode\":%d", subcode) : g_strdup ("");

  return g_strdup_printf ("{\"error\":{\"message\":\"(#%d) %s\",\"type\":\"OAuthException\","
                          "\"code\":%d%s,\"fbtrace_id\":\"A1b2\"}}",
                          code, words, code, sub);
}

static char *
body_of (SoupServerMessage *message)
{
  g_autoptr (GBytes) bytes
      = soup_message_body_flatten (soup_server_message_get_request_body (message));
  gsize len;
  const char *data = g_bytes_get_data (bytes, &len);
  char *text = g_malloc (len + 1);

  /* bytes that text cannot hold become dots */
  for (gsize i = 0; i < len; i++)
    text[i] = data[i] != '\0' ? data[i] : '.';
  text[len] = '\0';
  return text;
}

static void
remember (MessagingFaultServer *self, SoupServerMessage *message, const char *method)
{
  Done *done = g_new0 (Done, 1);
  const char *query = g_uri_get_query (soup_server_message_get_uri (message));

  done->method = g_strdup (method);
  done->text = body_of (message);
  if (*done->text == '\0' && query != NULL)
    {
      g_free (done->text);
      done->text = g_strdup (query);
    }
  g_ptr_array_add (self->done, done);
}

/* ── What it is asked for ───────────────────────────────────────────────────────────────────── */
static const char *
text_limit_error (MessagingFaultServer *self, JsonObject *message)
{
  const char *text = json_object_has_member (message, "text")
                         ? json_object_get_string_member (message, "text")
                         : "";
  gboolean is_long = self->role == MESSAGING_FAULT_MESSENGER ? g_utf8_strlen (text, -1) > 2000
                                                             : strlen (text) > 1000;

  return is_long ? "Length of param message[text] must be less than or equal to the limit" : NULL;
}

/* Why a send is not one, or NULL. */
static const char *
validate_send (MessagingFaultServer *self, JsonObject *object)
{
  static const char *const known[] = { "recipient",     "message",  "messaging_type", "tag",
                                       "sender_action", "reply_to", "payload",        NULL };
  g_autoptr (GList) names = json_object_get_members (object);
  JsonObject *message;

  for (GList *l = names; l != NULL; l = l->next)
    if (!g_strv_contains (known, l->data))
      return "unknown parameter";
  if (!json_object_has_member (object, "recipient")
      || g_strcmp0 (json_object_get_string_member (
                        json_object_get_object_member (object, "recipient"), "id"),
                    "5001")
             != 0)
    return "No matching user found";
  if (json_object_has_member (object, "sender_action"))
    return json_object_has_member (object, "message") ? "An action bears no message" : NULL;
  if (!json_object_has_member (object, "message"))
    return "Param message must be set";
  message = json_object_get_object_member (object, "message");
  if (json_object_has_member (message, "text") == json_object_has_member (message, "attachment"))
    return "A message is a text or an attachment";
  return text_limit_error (self, message);
}

static char *
answer_me (MessagingFaultServer *self)
{
  if (self->role == MESSAGING_FAULT_INSTAGRAM)
    return g_strdup ("{\"user_id\":\"17840001\",\"username\":\"shop.hanoi\",\"id\":\"9\"}");
  if (self->role == MESSAGING_FAULT_INSTAGRAM_PAGE)
    return g_strdup ("{\"id\":\"1080\",\"name\":\"Shop\",\"instagram_business_account\":{\"id\":"
                     "\"17840001\"}}");
  return g_strdup ("{\"id\":\"1080\",\"name\":\"Shop\"}");
}

static char *
answer_subscriptions (MessagingFaultServer *self)
{
  return g_strdup (
      self->subscribed
          ? "{\"data\":[{\"name\":\"Desk\",\"id\":\"77\",\"subscribed_fields\":[\"messages\","
            "\"messaging_postbacks\",\"message_deliveries\",\"message_reads\",\"message_echoes\","
            "\"message_reactions\",\"message_edits\",\"messaging_referrals\",\"messaging_handovers\","
            "\"messaging_optins\",\"standby\",\"messaging_seen\",\"messaging_referral\","
            "\"message_edit\"]}]}"
          : "{\"data\":[]}");
}

static char *
answer_profile (MessagingFaultServer *self)
{
  return self->role == MESSAGING_FAULT_MESSENGER
             ? g_strdup_printf ("{\"first_name\":\"Lan\",\"last_name\":\"Nguyễn\",\"profile_pic\":"
                                "\"%s/cdn/p.jpg\",\"id\":\"5001\"}",
                                self->url)
             : g_strdup_printf ("{\"name\":\"Lan Nguyễn\",\"username\":\"lan.ng\",\"profile_pic\":"
                                "\"%s/cdn/p.jpg\",\"id\":\"5001\"}",
                                self->url);
}

/* Does what method asks for and returns the answer. */
static char *
carry_out (MessagingFaultServer *self, SoupServerMessage *message, const char *method)
{
  remember (self, message, method);
  if (g_str_equal (method, "me"))
    return answer_me (self);
  if (g_str_equal (method, "subscribed_apps"))
    return answer_subscriptions (self);
  if (g_str_equal (method, "subscribe"))
    {
      self->subscribed = TRUE;
      return g_strdup ("{\"success\":true}");
    }
  if (g_str_equal (method, "upload"))
    return g_strdup_printf ("{\"attachment_id\":\"%u\"}", 77000 + self->next_id++);
  if (g_str_equal (method, "profile"))
    return answer_profile (self);
  if (g_str_equal (method, "refresh"))
    {
      g_free (self->token);
      self->token = g_strdup (MESSAGING_FAULT_RENEWED);
      return g_strdup ("{\"access_token\":\"" MESSAGING_FAULT_RENEWED
                       "\",\"token_type\":\"bearer\",\"expires_in\":5184000}");
    }
  if (g_str_equal (method, "action"))
    return g_strdup ("{\"recipient_id\":\"5001\"}");
  return g_strdup_printf ("{\"recipient_id\":\"5001\",\"message_id\":\"m_%u\"}", self->next_id++);
}

/* ── Faults ─────────────────────────────────────────────────────────────────────────────────── */
static Fault *
take_fault (MessagingFaultServer *self, const char *method)
{
  for (guint i = 0; i < self->faults->len; i++)
    {
      const Fault *fault = g_ptr_array_index (self->faults, i);
      if (g_str_equal (fault->method, method))
        return g_ptr_array_steal_index (self->faults, i);
    }
  return NULL;
}

static void
meet_fault (MessagingFaultServer *self,
            SoupServerMessage *message,
            const char *method,
            const Fault *fault)
{
  static const char half[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             "Content-Length: 400\r\n\r\n{\"recipient_id\":\"50";
  g_autofree char *answer = NULL;

  if (fault->fault == MESSAGING_FAULT_STATUS)
    {
      respond (message, fault->status, fault->body != NULL ? fault->body : "");
      return;
    }
  if (fault->fault != MESSAGING_FAULT_CLOSE_BEFORE)
    answer = carry_out (self, message, method);
  if (fault->fault == MESSAGING_FAULT_BODY_AFTER)
    {
      respond (message, fault->status, fault->body);
      return;
    }
  if (fault->fault == MESSAGING_FAULT_SILENT_AFTER)
    {
      soup_server_message_pause (message);
      g_ptr_array_add (self->silent, g_object_ref (message));
      return;
    }
  if (fault->fault == MESSAGING_FAULT_TRUNCATE_AFTER)
    g_socket_send (soup_server_message_get_socket (message), half, strlen (half), NULL, NULL);
  hang_up (message);
}

/* ── Requests ───────────────────────────────────────────────────────────────────────────────── */
static const char *
name_method (SoupServerMessage *message, const char *path, const char *body)
{
  const gboolean is_get = g_str_equal (soup_server_message_get_method (message), "GET");

  if (g_str_has_prefix (path, "/cdn/"))
    return "file";
  if (g_str_has_suffix (path, "/me"))
    return "me";
  if (g_str_has_suffix (path, "/me/subscribed_apps"))
    return is_get ? "subscribed_apps" : "subscribe";
  if (g_str_has_suffix (path, "/me/message_attachments"))
    return "upload";
  if (g_str_has_suffix (path, "/me/messages"))
    return strstr (body, "\"sender_action\"") != NULL ? "action" : "send";
  if (g_str_has_suffix (path, "/refresh_access_token"))
    return "refresh";
  return g_str_has_suffix (path, "/5001") ? "profile" : "unknown";
}

static gboolean
is_authentic (MessagingFaultServer *self, SoupServerMessage *message)
{
  g_autofree char *wanted = g_strconcat ("Bearer ", self->token, NULL);

  return g_strcmp0 (soup_message_headers_get_one (
                        soup_server_message_get_request_headers (message), "Authorization"),
                    wanted)
         == 0;
}

/* Refuses, or returns FALSE. */
static gboolean
refuse (MessagingFaultServer *self, SoupServerMessage *message, const char *method, const char *body)
{
  g_autofree char *error = NULL;

  if (!is_authentic (self, message))
    {
      /* quotes the token, so that a client which passes it on is found out */
      error = format_error (190, 463, "Error validating access token " MESSAGING_FAULT_TOKEN);
      respond (message, 401, error);
      return TRUE;
    }
  if (g_str_equal (method, "unknown"))
    error = format_error (100, 33, "Unsupported request");
  else if (g_str_equal (method, "send") || g_str_equal (method, "action"))
    {
      g_autoptr (JsonNode) root = json_from_string (body, NULL);
      const char *reason = root != NULL && JSON_NODE_HOLDS_OBJECT (root)
                               ? validate_send (self, json_node_get_object (root))
                               : "No JSON";
      if (reason != NULL)
        error = format_error (100, 0, reason);
    }
  if (error == NULL)
    return FALSE;
  respond (message, 400, error);
  return TRUE;
}

static void
give_file (MessagingFaultServer *self, SoupServerMessage *message)
{
  if (soup_message_headers_get_one (soup_server_message_get_request_headers (message),
                                    "Authorization")
      != NULL)
    self->leaked = TRUE;
  soup_server_message_set_status (message, 200, NULL);
  soup_server_message_set_response (message, "image/jpeg", SOUP_MEMORY_COPY,
                                    (const char *)self->file->data, self->file->len);
}

static void
on_request (SoupServer *server,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer data)
{
  MessagingFaultServer *self = data;
  const char *text = g_uri_get_query (soup_server_message_get_uri (message));
  g_autofree char *body = body_of (message);
  g_autofree char *answer = NULL;
  const char *method = name_method (message, path, body);
  Fault *fault;

  if (text != NULL && strstr (text, self->token) != NULL)
    self->leaked = TRUE;
  g_ptr_array_add (self->calls, g_strdup (method));
  fault = take_fault (self, method);
  if (fault != NULL)
    {
      meet_fault (self, message, method, fault);
      fault_free (fault);
      return;
    }
  if (g_str_equal (method, "file"))
    give_file (self, message);
  else if (!refuse (self, message, method, body))
    {
      answer = carry_out (self, message, method);
      if (self->load != NULL)
        soup_message_headers_replace (soup_server_message_get_response_headers (message),
                                      "X-Business-Use-Case-Usage", self->load);
      respond (message, 200, answer);
    }
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */
MessagingFaultServer *
messaging_fault_server_new (MessagingFaultRole role)
{
  MessagingFaultServer *self = g_new0 (MessagingFaultServer, 1);
  g_autoptr (GError) error = NULL;
  GSList *uris;

  self->role = role;
  self->token = g_strdup (MESSAGING_FAULT_TOKEN);
  self->faults = g_ptr_array_new_with_free_func ((GDestroyNotify)fault_free);
  self->done = g_ptr_array_new_with_free_func ((GDestroyNotify)done_free);
  self->calls = g_ptr_array_new_with_free_func (g_free);
  self->silent = g_ptr_array_new_with_free_func (g_object_unref);
  self->file = g_byte_array_new ();
  self->next_id = 100;
  self->subscribed = TRUE;
  self->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (self->server, NULL, on_request, self, NULL);
  soup_server_listen_local (self->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (self->server);
  self->url = g_uri_to_string (uris->data);
  while (g_str_has_suffix (self->url, "/"))
    self->url[strlen (self->url) - 1] = '\0';
  g_slist_free_full (uris, (GDestroyNotify)g_uri_unref);
  return self;
}

void
messaging_fault_server_free (MessagingFaultServer *self)
{
  g_free (self->load);
  for (guint i = 0; i < self->silent->len; i++)
    {
      hang_up (self->silent->pdata[i]);
      soup_server_message_unpause (self->silent->pdata[i]);
    }
  g_ptr_array_unref (self->silent);
  soup_server_disconnect (self->server);
  g_object_unref (self->server);
  g_ptr_array_unref (self->faults);
  g_ptr_array_unref (self->done);
  g_ptr_array_unref (self->calls);
  g_byte_array_unref (self->file);
  g_free (self->token);
  g_free (self->url);
  g_free (self);
}

const char *
messaging_fault_server_get_url (MessagingFaultServer *self)
{
  return self->url;
}

void
messaging_fault_server_push (MessagingFaultServer *self,
                             const char *method,
                             MessagingFault fault,
                             guint status,
                             const char *body)
{
  Fault *pushed = g_new0 (Fault, 1);

  pushed->method = g_strdup (method);
  pushed->fault = fault;
  pushed->status = status;
  pushed->body = g_strdup (body);
  g_ptr_array_add (self->faults, pushed);
}

void
messaging_fault_server_push_error (
    MessagingFaultServer *self, const char *method, guint status, gint code, gint subcode)
{
  g_autofree char *body = format_error (code, subcode, "what Meta says");

  messaging_fault_server_push (self, method, MESSAGING_FAULT_STATUS, status, body);
}

void
messaging_fault_server_set_load (MessagingFaultServer *self, const char *json)
{
  g_free (self->load);
  self->load = g_strdup (json);
}

void
messaging_fault_server_set_subscribed (MessagingFaultServer *self, gboolean subscribed)
{
  self->subscribed = subscribed;
}

void
messaging_fault_server_set_token (MessagingFaultServer *self, const char *token)
{
  g_free (self->token);
  self->token = g_strdup (token);
}

void
messaging_fault_server_set_file (MessagingFaultServer *self, const void *data, gsize len)
{
  g_byte_array_set_size (self->file, 0);
  g_byte_array_append (self->file, data, (guint)len);
}

guint
messaging_fault_server_count_calls (MessagingFaultServer *self, const char *method)
{
  guint n = 0;

  for (guint i = 0; i < self->calls->len; i++)
    n += g_str_equal (g_ptr_array_index (self->calls, i), method);
  return n;
}

const char *
messaging_fault_server_get_done (MessagingFaultServer *self, const char *method, guint n)
{
  for (guint i = 0; i < self->done->len; i++)
    {
      const Done *done = g_ptr_array_index (self->done, i);
      if (g_str_equal (done->method, method) && n-- == 0)
        return done->text;
    }
  return NULL;
}

guint
messaging_fault_server_count_done (MessagingFaultServer *self, const char *method)
{
  guint n = 0;

  while (messaging_fault_server_get_done (self, method, n) != NULL)
    n++;
  return n;
}

gboolean
messaging_fault_server_saw_leak (MessagingFaultServer *self)
{
  return self->leaked;
}
