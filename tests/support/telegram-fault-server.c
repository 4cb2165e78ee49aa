/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* A Bot API that fails on demand. */

#include "telegram-fault-server.h"

#include <libsoup/soup.h>
#include <string.h>

/* libsoup 3.2's server loses a reference to each socket that it accepts. */
const char *__lsan_default_suppressions (void);
const char *
__lsan_default_suppressions (void)
{
  return "leak:g_socket_accept\n";
}

typedef struct
{
  gint64 id;
  char *json;
} Update;

typedef struct
{
  char *method;
  TelegramFault fault;
  guint status;
  char *body;
} Fault;

typedef struct
{
  char *method;
  char *text;
} Done;

struct _TelegramFaultServer
{
  SoupServer *server;
  char *url;
  GPtrArray *updates;
  GPtrArray *faults;
  GPtrArray *done;
  GPtrArray *calls; /* of method names */
  GByteArray *file; /* what every download gives */
  gint64 next_update_id;
  gint64 next_message_id;
  gboolean ignores_offset;
  SoupServerMessage *waiting; /* a long poll */
  GPtrArray *silent;          /* of SoupServerMessage: never answered */
};

static void
update_free (Update *update)
{
  g_free (update->json);
  g_free (update);
}

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
format_updates (TelegramFaultServer *self, gint64 limit)
{
  GString *json = g_string_new ("{\"ok\":true,\"result\":[");

  for (guint i = 0; i < self->updates->len && (gint64)i < limit; i++)
    {
      const Update *update = g_ptr_array_index (self->updates, i);
      g_string_append_printf (json, "%s%s", i > 0 ? "," : "", update->json);
    }
  g_string_append (json, "]}");
  return g_string_free (json, FALSE);
}

static gint64
query_number (GHashTable *query, const char *name, gint64 fallback)
{
  const char *text = query != NULL ? g_hash_table_lookup (query, name) : NULL;

  return text != NULL ? g_ascii_strtoll (text, NULL, 10) : fallback;
}

/* NULL: the answer comes later */
static char *
get_updates (TelegramFaultServer *self, SoupServerMessage *message, GHashTable *query)
{
  gint64 offset = query_number (query, "offset", 0);

  while (!self->ignores_offset && self->updates->len > 0
         && ((Update *)g_ptr_array_index (self->updates, 0))->id < offset)
    g_ptr_array_remove_index (self->updates, 0);
  if (self->updates->len == 0 && query_number (query, "timeout", 0) > 0 && !self->ignores_offset)
    {
      g_set_object (&self->waiting, message);
      soup_server_message_pause (message);
      return NULL;
    }
  return format_updates (self, query_number (query, "limit", 100));
}

static void
remember (TelegramFaultServer *self, SoupServerMessage *message, const char *method)
{
  Done *done = g_new0 (Done, 1);
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  g_autoptr (GBytes) bytes = soup_message_body_flatten (body);
  const char *query = g_uri_get_query (soup_server_message_get_uri (message));

  done->method = g_strdup (method);
  /* bytes that text cannot hold become dots */
  done->text = g_bytes_get_size (bytes) > 0
                   ? g_malloc (g_bytes_get_size (bytes) + 1)
                   : g_strdup (query != NULL ? query : "");
  if (g_bytes_get_size (bytes) > 0)
    {
      memcpy (done->text, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
      done->text[g_bytes_get_size (bytes)] = '\0';
    }
  for (gsize i = 0; i < g_bytes_get_size (bytes); i++)
    if (done->text[i] == '\0')
      done->text[i] = '.';
  g_ptr_array_add (self->done, done);
}

/* A message for each file of the form that was received last. */
static char *
format_album (TelegramFaultServer *self)
{
  const Done *done = g_ptr_array_index (self->done, self->done->len - 1);
  GString *json = g_string_new ("{\"ok\":true,\"result\":[");

  for (const char *at = done->text; (at = strstr (at, "\"attach://")) != NULL; at++)
    g_string_append_printf (json,
                            "%s{\"message_id\":%" G_GINT64_FORMAT
                            ",\"date\":1789990000,\"media_group_id\":\"1\"}",
                            json->str[json->len - 1] == '}' ? "," : "", self->next_message_id++);
  g_string_append (json, "]}");
  return g_string_free (json, FALSE);
}

/* Does what method asks for and returns the answer; NULL if it comes later. */
static char *
carry_out (TelegramFaultServer *self,
           SoupServerMessage *message,
           const char *method,
           GHashTable *query)
{
  remember (self, message, method);
  if (g_str_equal (method, "getUpdates"))
    return get_updates (self, message, query);
  if (g_str_equal (method, "getMe"))
    return g_strdup ("{\"ok\":true,\"result\":{\"id\":666,\"is_bot\":true,\"first_name\":\"Shop\","
                     "\"username\":\"shop_bot\"}}");
  if (g_str_equal (method, "getFile"))
    return g_strdup ("{\"ok\":true,\"result\":{\"file_id\":\"f\",\"file_unique_id\":\"u\","
                     "\"file_path\":\"photos/file 1.jpg\"}}");
  if (g_str_equal (method, "sendMediaGroup"))
    return format_album (self);
  if (g_str_has_prefix (method, "send") && !g_str_equal (method, "sendChatAction"))
    return g_strdup_printf ("{\"ok\":true,\"result\":{\"message_id\":%" G_GINT64_FORMAT
                            ",\"date\":1789990000,\"text\":\"…\"}}",
                            self->next_message_id++);
  return g_strdup ("{\"ok\":true,\"result\":true}");
}

static Fault *
take_fault (TelegramFaultServer *self, const char *method)
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
meet_fault (TelegramFaultServer *self,
            SoupServerMessage *message,
            const char *method,
            GHashTable *query,
            const Fault *fault)
{
  static const char half[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             "Content-Length: 400\r\n\r\n{\"ok\":true,\"result\":{\"mess";
  g_autofree char *answer = NULL;

  if (fault->fault == TELEGRAM_FAULT_STATUS)
    {
      respond (message, fault->status, fault->body != NULL ? fault->body : "");
      return;
    }
  if (fault->fault != TELEGRAM_FAULT_CLOSE_BEFORE)
    answer = carry_out (self, message, method, query);
  if (fault->fault == TELEGRAM_FAULT_BODY_AFTER)
    {
      respond (message, fault->status, fault->body);
      return;
    }
  if (fault->fault == TELEGRAM_FAULT_SILENT_AFTER)
    {
      soup_server_message_pause (message);
      g_ptr_array_add (self->silent, g_object_ref (message));
      return;
    }
  if (fault->fault == TELEGRAM_FAULT_TRUNCATE_AFTER)
    g_socket_send (soup_server_message_get_socket (message), half, strlen (half), NULL, NULL);
  hang_up (message);
}

/* GET /file/botTOKEN/photos/file%201.jpg */
static void
give_file (TelegramFaultServer *self, SoupServerMessage *message, const char *path)
{
  Fault *fault = take_fault (self, "/file");

  g_ptr_array_add (self->calls, g_strdup ("/file"));
  if (fault != NULL)
    {
      meet_fault (self, message, "/file", NULL, fault);
      fault_free (fault);
    }
  else if (g_str_equal (path, "/file/bot" TELEGRAM_FAULT_TOKEN "/photos/file 1.jpg"))
    {
      soup_server_message_set_status (message, 200, NULL);
      soup_server_message_set_response (message, "application/octet-stream", SOUP_MEMORY_COPY,
                                        (const char *)self->file->data, self->file->len);
    }
  else
    respond (message, 404, "Not Found");
}

static void
on_request (SoupServer *server,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer data)
{
  TelegramFaultServer *self = data;
  g_auto (GStrv) parts = g_strsplit (path, "/", 3);
  const char *method;
  g_autofree char *answer = NULL;
  Fault *fault;

  if (g_str_has_prefix (path, "/file/"))
    {
      give_file (self, message, path);
      return;
    }
  if (g_strv_length (parts) != 3)
    {
      respond (message, 404, "{\"ok\":false,\"error_code\":404,\"description\":\"Not Found\"}");
      return;
    }
  method = parts[2];
  g_ptr_array_add (self->calls, g_strdup (method));
  fault = take_fault (self, method);
  if (fault != NULL)
    {
      meet_fault (self, message, method, query, fault);
      fault_free (fault);
      return;
    }
  if (!g_str_equal (parts[1], "bot" TELEGRAM_FAULT_TOKEN))
    {
      /* quotes the token, so that a client which passes it on is found out */
      answer = g_strdup_printf ("{\"ok\":false,\"error_code\":401,\"description\":"
                                "\"Unauthorized: %s\"}",
                                parts[1]);
      respond (message, 401, answer);
      return;
    }
  answer = carry_out (self, message, method, query);
  if (answer != NULL)
    respond (message, 200, answer);
}

TelegramFaultServer *
telegram_fault_server_new (void)
{
  TelegramFaultServer *self = g_new0 (TelegramFaultServer, 1);
  g_autoptr (GError) error = NULL;
  GSList *uris;

  self->updates = g_ptr_array_new_with_free_func ((GDestroyNotify)update_free);
  self->faults = g_ptr_array_new_with_free_func ((GDestroyNotify)fault_free);
  self->done = g_ptr_array_new_with_free_func ((GDestroyNotify)done_free);
  self->calls = g_ptr_array_new_with_free_func (g_free);
  self->silent = g_ptr_array_new_with_free_func (g_object_unref);
  self->file = g_byte_array_new ();
  self->next_update_id = 500;
  self->next_message_id = 9000;
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
telegram_fault_server_free (TelegramFaultServer *self)
{
  if (self->waiting != NULL)
    {
      hang_up (self->waiting);
      soup_server_message_unpause (self->waiting);
    }
  g_clear_object (&self->waiting);
  for (guint i = 0; i < self->silent->len; i++)
    {
      hang_up (self->silent->pdata[i]);
      soup_server_message_unpause (self->silent->pdata[i]);
    }
  g_ptr_array_unref (self->silent);
  soup_server_disconnect (self->server);
  g_object_unref (self->server);
  g_ptr_array_unref (self->updates);
  g_ptr_array_unref (self->faults);
  g_ptr_array_unref (self->done);
  g_ptr_array_unref (self->calls);
  g_byte_array_unref (self->file);
  g_free (self->url);
  g_free (self);
}

void
telegram_fault_server_set_file (TelegramFaultServer *self, const void *data, gsize len)
{
  g_byte_array_set_size (self->file, 0);
  g_byte_array_append (self->file, data, (guint)len);
}

const char *
telegram_fault_server_get_url (TelegramFaultServer *self)
{
  return self->url;
}

void
telegram_fault_server_push (TelegramFaultServer *self,
                            const char *method,
                            TelegramFault fault,
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

gint64
telegram_fault_server_add_update (TelegramFaultServer *self, const char *members)
{
  Update *update = g_new0 (Update, 1);

  update->id = self->next_update_id++;
  update->json = g_strdup_printf ("{\"update_id\":%" G_GINT64_FORMAT ",%s}", update->id, members);
  g_ptr_array_add (self->updates, update);
  if (self->waiting != NULL)
    {
      g_autoptr (SoupServerMessage) message = g_steal_pointer (&self->waiting);
      g_autofree char *answer = format_updates (self, 100);
      respond (message, 200, answer);
      soup_server_message_unpause (message);
    }
  return update->id;
}

guint
telegram_fault_server_count_pending (TelegramFaultServer *self)
{
  return self->updates->len;
}

void
telegram_fault_server_ignore_offset (TelegramFaultServer *self)
{
  self->ignores_offset = TRUE;
}

guint
telegram_fault_server_count_calls (TelegramFaultServer *self, const char *method)
{
  guint n = 0;

  for (guint i = 0; i < self->calls->len; i++)
    n += g_str_equal (g_ptr_array_index (self->calls, i), method);
  return n;
}

const char *
telegram_fault_server_get_done (TelegramFaultServer *self, const char *method, guint n)
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
telegram_fault_server_count_done (TelegramFaultServer *self, const char *method)
{
  guint n = 0;

  while (telegram_fault_server_get_done (self, method, n) != NULL)
    n++;
  return n;
}
