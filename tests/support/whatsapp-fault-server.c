/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* A Graph API that fails on demand. */

#include "whatsapp-fault-server.h"

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>
#include <string.h>

/* libsoup 3.2's server loses a reference to each socket that it accepts. */
const char *__lsan_default_suppressions (void);
__attribute__ ((weak)) const char *
__lsan_default_suppressions (void)
{
  return "leak:g_socket_accept\n";
}

typedef struct
{
  char *call;
  WhatsappFault fault;
  guint status;
  char *body;
} Fault;

typedef struct
{
  char *call;
  char *text;
} Done;

struct _WhatsappFaultServer
{
  SoupServer *server;
  char *url;
  GPtrArray *faults;
  GPtrArray *done;
  GPtrArray *calls; /* of names */
  GPtrArray *silent; /* of SoupServerMessage: never answered */
  char *usage;
  GByteArray *file;
  char *sha256;
  char **pages;
  guint n_messages;
  guint n_media;
  guint n_addresses;
};

static void
fault_free (Fault *fault)
{
  g_free (fault->call);
  g_free (fault->body);
  g_free (fault);
}

static void
done_free (Done *done)
{
  g_free (done->call);
  g_free (done->text);
  g_free (done);
}

static void
respond (WhatsappFaultServer *self, SoupServerMessage *message, guint status, const char *body)
{
  soup_server_message_set_status (message, status, NULL);
  if (self->usage != NULL)
    soup_message_headers_replace (soup_server_message_get_response_headers (message),
                                  "X-Business-Use-Case-Usage", self->usage);
  soup_server_message_set_response (message, "application/json", SOUP_MEMORY_COPY, body,
                                    strlen (body));
}

static char *
envelope (gint code, gint subcode, const char *words)
{
  g_autofree char *sub
      = subcode != 0 ? g_strdup_printf (",\"error_subcode\":%d", subcode) : g_strdup ("");

  return g_strdup_printf ("{\"error\":{\"message\":\"(#%d) %s\",\"type\":\"OAuthException\","
                          "\"code\":%d%s,\"fbtrace_id\":\"AbCdEf\"}}",
                          code, words, code, sub);
}

static void
hang_up (WhatsappFaultServer *self, SoupServerMessage *message)
{
  GSocket *socket = soup_server_message_get_socket (message);

  if (socket != NULL) /* the client may be gone */
    g_socket_shutdown (socket, TRUE, TRUE, NULL);
  respond (self, message, 500, "");
}

/* ── What is asked for ──────────────────────────────────────────────────────────────────────── */
static char *
body_text (SoupServerMessage *message)
{
  g_autoptr (GBytes) bytes
      = soup_message_body_flatten (soup_server_message_get_request_body (message));
  gsize len = g_bytes_get_size (bytes);
  char *text = g_malloc (len + 1);

  if (len > 0)
    memcpy (text, g_bytes_get_data (bytes, NULL), len);
  text[len] = '\0';
  for (gsize i = 0; i < len; i++)
    if (text[i] == '\0')
      text[i] = '.'; /* of pictures; tests look at what stands around them */
  return text;
}

static const char *
name_call (const char *method, const char *path, const char *body)
{
  const gboolean post = g_str_equal (method, "POST");

  if (g_str_has_prefix (path, "/download/"))
    return "download";
  if (post && g_str_equal (path, "/v23.0/" WHATSAPP_FAULT_NUMBER "/messages"))
    return strstr (body, "\"status\":\"read\"") != NULL ? "read" : "messages";
  if (post && g_str_equal (path, "/v23.0/" WHATSAPP_FAULT_NUMBER "/media"))
    return "media";
  if (!post && g_str_equal (path, "/v23.0/" WHATSAPP_FAULT_NUMBER))
    return "number";
  if (!post && g_str_equal (path, "/v23.0/" WHATSAPP_FAULT_WABA "/message_templates"))
    return "templates";
  if (!post && g_str_equal (path, "/v23.0/" WHATSAPP_FAULT_WABA "/subscribed_apps"))
    return "subscribed_apps";
  if (!post && g_str_has_prefix (path, "/v23.0/") && strchr (path + 7, '/') == NULL)
    return "address";
  return NULL;
}

static gboolean
has_only (JsonObject *object, const char *const *names)
{
  g_autoptr (GList) members = json_object_get_members (object);

  for (GList *l = members; l != NULL; l = l->next)
    if (!g_strv_contains (names, l->data))
      return FALSE;
  return TRUE;
}

/* What WhatsApp refuses with 100 or 131009. */
static const char *
find_fault_in_send (JsonObject *send)
{
  static const char *const known[]
      = { "messaging_product", "recipient_type", "to", "recipient", "context", "type",
          "biz_opaque_callback_data", NULL };
  const char *type;

  if (send == NULL
      || g_strcmp0 (json_object_get_string_member_with_default (send, "messaging_product", NULL),
                    "whatsapp") != 0)
    return "messaging_product";
  if (!json_object_has_member (send, "recipient_type"))
    return "recipient_type";
  if (!json_object_has_member (send, "to") && !json_object_has_member (send, "recipient"))
    return "to";
  type = json_object_get_string_member_with_default (send, "type", "");
  if (!json_object_has_member (send, type))
    return "type";
  const char *names[G_N_ELEMENTS (known) + 1];
  memcpy (names, known, sizeof known);
  names[G_N_ELEMENTS (known) - 1] = type;
  names[G_N_ELEMENTS (known)] = NULL;
  if (!has_only (send, names))
    return "unknown member";
  if (g_str_equal (type, "text"))
    {
      const char *text = json_object_get_string_member_with_default (
          json_object_get_object_member (send, "text"), "body", "");
      if (*text == '\0' || g_utf8_strlen (text, -1) > 4096)
        return "text.body";
    }
  return NULL;
}

static void
remember (WhatsappFaultServer *self, const char *call, const char *text)
{
  Done *done = g_new0 (Done, 1);

  done->call = g_strdup (call);
  done->text = g_strdup (text);
  g_ptr_array_add (self->done, done);
}

static char *
give_page (WhatsappFaultServer *self, GHashTable *query)
{
  const char *after = query != NULL ? g_hash_table_lookup (query, "after") : NULL;
  const guint n = after != NULL ? (guint)g_ascii_strtoull (after, NULL, 10) : 0;
  const guint n_pages = self->pages != NULL ? g_strv_length (self->pages) : 0;

  if (n >= n_pages)
    return g_strdup ("{\"data\":[]}");
  return g_strdup_printf ("{\"data\":%s,\"paging\":{\"cursors\":{\"before\":\"x\",\"after\":\"%u\"}"
                          "%s}}",
                          self->pages[n], n + 1,
                          n + 1 < n_pages ? ",\"next\":\"https://graph.facebook.com/next\"" : "");
}

static char *
give_address (WhatsappFaultServer *self, const char *path)
{
  g_autofree char *hash
      = self->sha256 != NULL
            ? g_strdup (self->sha256)
            : g_compute_checksum_for_data (G_CHECKSUM_SHA256, self->file->data, self->file->len);

  return g_strdup_printf ("{\"messaging_product\":\"whatsapp\",\"url\":\"%sdownload/%u\","
                          "\"mime_type\":\"image/jpeg\",\"sha256\":\"%s\",\"file_size\":\"%u\","
                          "\"id\":\"%s\"}",
                          self->url, ++self->n_addresses, hash, self->file->len,
                          path + strlen ("/v23.0/"));
}

/* Does what is asked for and returns the answer. */
static char *
carry_out (WhatsappFaultServer *self,
           const char *call,
           const char *path,
           GHashTable *query,
           const char *body)
{
  g_autoptr (JsonNode) root = NULL;
  const char *wrong = NULL;

  if (g_str_equal (call, "messages"))
    {
      root = json_from_string (body, NULL);
      wrong = find_fault_in_send (root != NULL && JSON_NODE_HOLDS_OBJECT (root)
                                      ? json_node_get_object (root)
                                      : NULL);
      if (wrong != NULL)
        return envelope (100, 0, wrong);
    }
  remember (self, call, *body != '\0' ? body : path);
  if (g_str_equal (call, "messages"))
    return g_strdup_printf ("{\"messaging_product\":\"whatsapp\",\"contacts\":[{\"input\":\"x\","
                            "\"wa_id\":\"16505551234\"}],\"messages\":[{\"id\":\"wamid.sent-%u\"}]}",
                            ++self->n_messages);
  if (g_str_equal (call, "read"))
    return g_strdup ("{\"success\":true}");
  if (g_str_equal (call, "media"))
    return g_strdup_printf ("{\"id\":\"%u\"}", 4490000 + ++self->n_media);
  if (g_str_equal (call, "number"))
    return g_strdup ("{\"id\":\"" WHATSAPP_FAULT_NUMBER "\",\"display_phone_number\":"
                     "\"+1 555-078-3881\",\"verified_name\":\"Shop\",\"quality_rating\":\"GREEN\"}");
  if (g_str_equal (call, "templates"))
    return give_page (self, query);
  if (g_str_equal (call, "subscribed_apps"))
    return g_strdup ("{\"data\":[{\"whatsapp_business_api_data\":{\"id\":\"67\"}}]}");
  return give_address (self, path);
}

/* ── Faults ─────────────────────────────────────────────────────────────────────────────────── */
static Fault *
take_fault (WhatsappFaultServer *self, const char *call)
{
  for (guint i = 0; i < self->faults->len; i++)
    {
      const Fault *fault = g_ptr_array_index (self->faults, i);
      if (g_str_equal (fault->call, call))
        return g_ptr_array_steal_index (self->faults, i);
    }
  return NULL;
}

static void
meet_fault (WhatsappFaultServer *self,
            SoupServerMessage *message,
            const Fault *fault,
            const char *path,
            GHashTable *query,
            const char *body)
{
  static const char half[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             "Content-Length: 400\r\n\r\n{\"messaging_product\":\"wha";

  if (fault->fault == WHATSAPP_FAULT_ERROR || fault->fault == WHATSAPP_FAULT_BODY)
    {
      respond (self, message, fault->status, fault->body != NULL ? fault->body : "");
      return;
    }
  if (fault->fault != WHATSAPP_FAULT_CLOSE_BEFORE)
    g_free (carry_out (self, fault->call, path, query, body));
  if (fault->fault == WHATSAPP_FAULT_BODY_AFTER)
    {
      respond (self, message, fault->status, fault->body);
      return;
    }
  if (fault->fault == WHATSAPP_FAULT_SILENT_AFTER)
    {
      soup_server_message_pause (message);
      g_ptr_array_add (self->silent, g_object_ref (message));
      return;
    }
  if (fault->fault == WHATSAPP_FAULT_TRUNCATE_AFTER)
    g_socket_send (soup_server_message_get_socket (message), half, strlen (half), NULL, NULL);
  hang_up (self, message);
}

static gboolean
is_authorized (SoupServerMessage *message)
{
  const char *told = soup_message_headers_get_one (
      soup_server_message_get_request_headers (message), "Authorization");

  return g_strcmp0 (told, "Bearer " WHATSAPP_FAULT_TOKEN) == 0;
}

static void
give_file (WhatsappFaultServer *self, SoupServerMessage *message, const char *path)
{
  g_autofree char *newest = g_strdup_printf ("/download/%u", self->n_addresses);

  if (!g_str_equal (path, newest)) /* as after five minutes */
    {
      respond (self, message, 404, "");
      return;
    }
  remember (self, "download", path);
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
  WhatsappFaultServer *self = data;
  g_autofree char *body = body_text (message);
  const char *call = name_call (soup_server_message_get_method (message), path, body);
  g_autofree char *answer = NULL;
  Fault *fault;

  if (call == NULL)
    {
      answer = envelope (100, 33, "Unsupported request");
      respond (self, message, 400, answer);
      return;
    }
  g_ptr_array_add (self->calls, g_strdup (call));
  fault = take_fault (self, call);
  if (fault != NULL)
    {
      meet_fault (self, message, fault, path, query, body);
      fault_free (fault);
      return;
    }
  /* a token in an address ends up in somebody's log */
  if (!is_authorized (message) || (query != NULL && g_hash_table_contains (query, "access_token")))
    {
      answer = envelope (190, 0, "Invalid OAuth access token");
      respond (self, message, 401, answer);
    }
  else if (g_str_equal (call, "download"))
    give_file (self, message, path);
  else
    {
      answer = carry_out (self, call, path, query, body);
      respond (self, message, g_str_has_prefix (answer, "{\"error\"") ? 400 : 200, answer);
    }
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */
WhatsappFaultServer *
whatsapp_fault_server_new (void)
{
  WhatsappFaultServer *self = g_new0 (WhatsappFaultServer, 1);
  g_autoptr (GError) error = NULL;
  GSList *uris;

  self->faults = g_ptr_array_new_with_free_func ((GDestroyNotify)fault_free);
  self->done = g_ptr_array_new_with_free_func ((GDestroyNotify)done_free);
  self->calls = g_ptr_array_new_with_free_func (g_free);
  self->silent = g_ptr_array_new_with_free_func (g_object_unref);
  self->file = g_byte_array_new ();
  self->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (self->server, NULL, on_request, self, NULL);
  soup_server_listen_local (self->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (self->server);
  self->url = g_uri_to_string (uris->data);
  g_slist_free_full (uris, (GDestroyNotify)g_uri_unref);
  return self;
}

void
whatsapp_fault_server_free (WhatsappFaultServer *self)
{
  for (guint i = 0; i < self->silent->len; i++)
    {
      hang_up (self, self->silent->pdata[i]);
      soup_server_message_unpause (self->silent->pdata[i]);
    }
  g_ptr_array_unref (self->silent);
  soup_server_disconnect (self->server);
  g_object_unref (self->server);
  g_ptr_array_unref (self->faults);
  g_ptr_array_unref (self->done);
  g_ptr_array_unref (self->calls);
  g_byte_array_unref (self->file);
  g_strfreev (self->pages);
  g_free (self->sha256);
  g_free (self->usage);
  g_free (self->url);
  g_free (self);
}

const char *
whatsapp_fault_server_get_url (WhatsappFaultServer *self)
{
  return self->url;
}

void
whatsapp_fault_server_push (WhatsappFaultServer *self,
                            const char *call,
                            WhatsappFault fault,
                            guint status,
                            const char *body)
{
  Fault *pushed = g_new0 (Fault, 1);

  pushed->call = g_strdup (call);
  pushed->fault = fault;
  pushed->status = status;
  pushed->body = g_strdup (body);
  g_ptr_array_add (self->faults, pushed);
}

void
whatsapp_fault_server_push_error (
    WhatsappFaultServer *self, const char *call, guint status, gint code, gint subcode)
{
  /* quotes the token, so that a client which passes it on is found out */
  g_autofree char *body = envelope (code, subcode, "refused for " WHATSAPP_FAULT_TOKEN);

  whatsapp_fault_server_push (self, call, WHATSAPP_FAULT_ERROR, status, body);
}

void
whatsapp_fault_server_set_usage (WhatsappFaultServer *self, const char *usage)
{
  g_free (self->usage);
  self->usage = g_strdup (usage);
}

void
whatsapp_fault_server_set_file (WhatsappFaultServer *self,
                                const void *data,
                                gsize len,
                                const char *sha256)
{
  g_byte_array_set_size (self->file, 0);
  g_byte_array_append (self->file, data, (guint)len);
  g_free (self->sha256);
  self->sha256 = g_strdup (sha256);
}

void
whatsapp_fault_server_set_templates (WhatsappFaultServer *self, const char *const *pages)
{
  g_strfreev (self->pages);
  self->pages = g_strdupv ((char **)pages);
}

guint
whatsapp_fault_server_count_calls (WhatsappFaultServer *self, const char *call)
{
  guint n = 0;

  for (guint i = 0; i < self->calls->len; i++)
    n += g_str_equal (g_ptr_array_index (self->calls, i), call);
  return n;
}

const char *
whatsapp_fault_server_get_done (WhatsappFaultServer *self, const char *call, guint n)
{
  for (guint i = 0; i < self->done->len; i++)
    {
      const Done *done = g_ptr_array_index (self->done, i);
      if (g_str_equal (done->call, call) && n-- == 0)
        return done->text;
    }
  return NULL;
}

guint
whatsapp_fault_server_count_done (WhatsappFaultServer *self, const char *call)
{
  guint n = 0;

  while (whatsapp_fault_server_get_done (self, call, n) != NULL)
    n++;
  return n;
}
