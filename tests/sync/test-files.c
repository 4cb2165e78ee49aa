/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test-files"

#include "config.h"

#include <glib/gstdio.h>
#include <unistd.h>

#include <libsoup/soup.h>
#include <string.h>

#include "api/desk-api-transfer.h"
#include "common/desk-json-writer.h"
#include "protocol/desk-wire.h"
#include "raw-server.h"
#include "store/desk-store-files.h"
#include "sync/desk-sync.h"

/* Downloads from servers that break, lie, redirect and forget; uploads to servers that go away. The name of the file
 * asked for says how the server behaves. */

#define SIZE 300000
#define FILES "/api/v1/crm/files/"
#define DEADLINE_S 60

typedef struct
{
  SoupServer *server;
  SoupServer *stranger;
  guint strangers; /* requests that reached it */
  char *url;
  char *dir;
  DeskStore *store;
  DeskSync *sync;
  DeskFiles *files;
  char *body; /* of every file */
  char *sum;
  guint requests, renewals, waiting, most_waiting;
  GPtrArray *held; /* of SoupServerMessage */
  char *ranges;    /* asked for, in order */
  guint changes;
} Rig;

static void
send_raw (SoupServerMessage *msg, const char *head, const char *body, gsize len)
{
  g_autoptr (GIOStream) stream = soup_server_message_steal_connection (msg);
  GOutputStream *out = g_io_stream_get_output_stream (stream);

  g_output_stream_write_all (out, head, strlen (head), NULL, NULL, NULL);
  g_output_stream_write_all (out, body, len, NULL, NULL, NULL);
  g_io_stream_close (stream, NULL, NULL);
}

static void
answer (SoupServerMessage *msg, guint status, const char *body, gsize len)
{
  soup_server_message_set_status (msg, status, NULL);
  soup_server_message_set_response (msg, "application/octet-stream", SOUP_MEMORY_COPY, body, len);
}

/* libsoup's server cuts ranges out of a 200 by itself. */
static void
answer_whole (Rig *rig, SoupServerMessage *msg)
{
  soup_message_headers_replace (soup_server_message_get_response_headers (msg), "ETag", "\"e1\"");
  answer (msg, 200, rig->body, SIZE);
}

static void
answer_half (Rig *rig, SoupServerMessage *msg)
{
  g_autofree char *head
      = g_strdup_printf ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\nETag: \"e1\"\r\n\r\n", SIZE);

  send_raw (msg, head, rig->body, SIZE / 2);
}

static void
on_break (Rig *rig, SoupServerMessage *msg, const char *name)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (msg);
  const char *range = soup_message_headers_get_one (headers, "Range");

  if (range == NULL)
    answer_half (rig, msg);
  else if (g_str_equal (name, "break"))
    {
      g_assert_cmpstr (soup_message_headers_get_one (headers, "If-Range"), ==, "\"e1\"");
      answer_whole (rig, msg);
    }
  else if (g_str_equal (name, "break-anew"))
    {
      g_autofree char *head = g_strdup_printf ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", SIZE);

      send_raw (msg, head, rig->body, SIZE);
    }
  else
    send_raw (msg, "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nContent-Range: bytes 7-11/300000\r\n\r\n", "xxxxx", 5);
}

static void
on_file (Rig *rig, SoupServerMessage *msg, const char *name)
{
  const char *query = g_uri_get_query (soup_server_message_get_uri (msg));
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (msg);
  const char *authorization
      = soup_message_headers_get_one (soup_server_message_get_request_headers (msg), "Authorization");

  g_assert_cmpstr (authorization, ==, "Bearer secret");
  if (g_str_has_prefix (name, "break"))
    on_break (rig, msg, name);
  else if (g_str_equal (name, "expired") && g_strcmp0 (query, "sig=2") != 0)
    answer (msg, 403, "old", 3);
  else if (g_str_equal (name, "gone"))
    answer (msg, 404, "no", 2);
  else if (g_str_equal (name, "busy") && rig->requests == 1)
    answer (msg, 503, "later", 5);
  else if (g_str_equal (name, "hostile"))
    send_raw (msg, "HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\n", rig->body, SIZE);
  else if (g_str_equal (name, "endless"))
    send_raw (msg, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", rig->body, SIZE);
  else if (g_str_equal (name, "elsewhere"))
    {
      GSList *uris = soup_server_get_uris (rig->stranger);
      g_autofree char *to = g_uri_to_string (uris->data);

      g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
      soup_message_headers_replace (headers, "Location", to);
      answer (msg, 302, "", 0);
    }
  else if (g_str_equal (name, "moved"))
    {
      soup_message_headers_replace (headers, "Location", FILES "plain");
      answer (msg, 302, "", 0);
    }
  else if (g_str_equal (name, "loop"))
    {
      soup_message_headers_replace (headers, "Location", FILES "loop");
      answer (msg, 302, "", 0);
    }
  else if (g_str_has_prefix (name, "held"))
    {
      soup_server_message_pause (msg);
      g_ptr_array_add (rig->held, g_object_ref (msg));
      rig->waiting++;
      rig->most_waiting = MAX (rig->most_waiting, rig->waiting);
    }
  else
    answer_whole (rig, msg);
}

static DeskMessage *
make_message (const char *name, const char *link, const char *sum, gint64 size)
{
  DeskMessage *message = desk_message_new ("telegram", "7");
  DeskAttachment *a = desk_attachment_new (name);

  message->id = g_strdup ("m5");
  message->is_level2 = TRUE;
  message->chat_seq = 5;
  message->kind = DESK_KIND_IMAGE;
  message->created_at_ms = 1000;
  g_free (a->mime_type);
  a->mime_type = g_strdup ("image/png");
  a->url = g_strdup (link);
  a->sha256 = g_strdup (sum);
  a->size = size;
  g_ptr_array_add (message->attachments, a);
  return message;
}

static void
on_messages (Rig *rig, SoupServerMessage *msg)
{
  g_autoptr (DeskMessage) message = make_message ("expired", "/crm/files/expired?sig=2", rig->sum, SIZE);
  GString *text = g_string_new ("{\"success\":true,\"data\":[");
  DeskJsonWriter w;

  rig->renewals++;
  g_assert_cmpstr (g_uri_get_query (soup_server_message_get_uri (msg)), ==, "limit=1&before_seq=6");
  desk_json_writer_init (&w, text);
  desk_wire_write_message (&w, message);
  g_string_append (text, "]}");
  soup_server_message_set_status (msg, 200, NULL);
  soup_server_message_set_response (msg, "application/json", SOUP_MEMORY_TAKE, text->str, text->len);
  g_string_free (text, FALSE);
}

static void
on_request (SoupServer *server, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer data)
{
  Rig *rig = data;
  const char *range = soup_message_headers_get_one (soup_server_message_get_request_headers (msg), "Range");
  char *ranges = g_strconcat (rig->ranges, range ? range : "-", " ", NULL);

  g_free (rig->ranges);
  rig->ranges = ranges;
  rig->requests++;
  if (g_str_has_prefix (path, FILES))
    on_file (rig, msg, path + strlen (FILES));
  else
    on_messages (rig, msg);
}

static void
on_stranger (SoupServer *server, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer data)
{
  ((Rig *) data)->strangers++;
  answer (msg, 200, "x", 1);
}

static void
on_changed (DeskFiles *files, const char *key, Rig *rig)
{
  rig->changes++;
}

static char *
server_url (SoupServer *server)
{
  GSList *uris = soup_server_get_uris (server);
  char *url = g_strdup_printf ("http://127.0.0.1:%d", g_uri_get_port (uris->data));

  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  return url;
}

static SoupServer *
listen_with (SoupServerCallback callback, Rig *rig)
{
  SoupServer *server = g_object_new (SOUP_TYPE_SERVER, NULL);

  soup_server_add_handler (server, NULL, callback, rig, NULL);
  g_assert_true (soup_server_listen_local (server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, NULL));
  return server;
}

static void
set_up (Rig *rig, gconstpointer data)
{
  DeskSyncOptions options = { .username = "anna", .token = "secret", .files_only = TRUE };

  rig->server = listen_with (on_request, rig);
  rig->stranger = listen_with (on_stranger, rig);
  rig->url = server_url (rig->server);
  rig->ranges = g_strdup ("");
  rig->held = g_ptr_array_new_with_free_func (g_object_unref);
  rig->body = g_malloc (SIZE);
  for (guint i = 0; i < SIZE; i++)
    rig->body[i] = (char) (i * 31 + i / 251);
  rig->sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) rig->body, SIZE);
  rig->dir = g_dir_make_tmp ("desk-files-XXXXXX", NULL);
  rig->store = desk_store_open (rig->dir, NULL, NULL);
  options.server_url = rig->url;
  rig->sync = desk_sync_new (rig->store, &options);
  rig->files = desk_sync_get_files (rig->sync);
  g_signal_connect (rig->files, "changed", G_CALLBACK (on_changed), rig);
  desk_sync_start (rig->sync);
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *inner = g_build_filename (path, name, NULL);

      remove_tree (inner);
    }
  g_remove (path);
}

static void
tear_down (Rig *rig, gconstpointer data)
{
  g_signal_handlers_disconnect_by_data (rig->files, rig);
  g_clear_object (&rig->sync);
  desk_store_close (rig->store);
  g_clear_object (&rig->store);
  g_ptr_array_unref (rig->held);
  soup_server_disconnect (rig->server);
  soup_server_disconnect (rig->stranger);
  g_clear_object (&rig->server);
  g_clear_object (&rig->stranger);
  remove_tree (rig->dir);
  g_free (rig->dir);
  g_free (rig->url);
  g_free (rig->body);
  g_free (rig->sum);
  g_free (rig->ranges);
}

typedef struct
{
  gboolean done;
  char *path;
  GError *error;
} Got;

static void
on_got (GObject *source, GAsyncResult *result, gpointer data)
{
  Got *got = data;

  got->path = desk_files_get_finish (DESK_FILES (source), result, &got->error);
  got->done = TRUE;
}

static void
wait_until (const gboolean *flag)
{
  gint64 end = g_get_monotonic_time () + DEADLINE_S * G_USEC_PER_SEC;

  while (!*flag && g_get_monotonic_time () < end)
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
  g_assert_true (*flag);
}

/* Partial files of downloads that ended. */
static guint
count_partial (Rig *rig)
{
  g_autofree char *path = g_build_filename (rig->dir, DESK_STORE_PARTIAL_DIR, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
expect_phase (Rig *rig, const DeskMessage *message, DeskFilePhase phase)
{
  const DeskFileState *state = desk_files_look (rig->files, message->attachments->pdata[0]);

  g_assert_cmpint (state->phase, ==, phase);
  if (phase == DESK_FILE_FAILED || phase == DESK_FILE_GONE)
    g_assert_cmpstr (state->error, !=, NULL);
}

/* Fetches files/NAME; code -1: it comes, whole. */
static void
fetch (Rig *rig, const char *name, const char *sum, gint64 size, int code)
{
  g_autofree char *link = g_strdup_printf ("/crm/files/%s", name);
  g_autoptr (DeskMessage) message = make_message (name, link, sum, size);
  g_autofree char *data = NULL;
  gsize len;
  Got got = { 0 };

  desk_files_get_async (rig->files, message, message->attachments->pdata[0], NULL, on_got, &got);
  wait_until (&got.done);
  if (code >= 0)
    {
      g_assert_error (got.error, G_IO_ERROR, code);
      g_assert_cmpuint (count_partial (rig), ==, 0);
      expect_phase (rig, message, code == G_IO_ERROR_NOT_FOUND ? DESK_FILE_GONE : DESK_FILE_FAILED);
      g_clear_error (&got.error);
      return;
    }
  g_assert_no_error (got.error);
  g_assert_true (g_file_get_contents (got.path, &data, &len, NULL));
  g_assert_cmpmem (data, len, rig->body, SIZE);
  expect_phase (rig, message, DESK_FILE_READY);
  g_free (got.path);
}

static void
test_plain (Rig *rig, gconstpointer data)
{
  fetch (rig, "plain", rig->sum, SIZE, -1);
  fetch (rig, "plain", rig->sum, SIZE, -1); /* from the cache */
  g_assert_cmpuint (rig->requests, ==, 1);
  g_assert_cmpuint (rig->changes, >=, 3);
  fetch (rig, "untold", NULL, -1, -1); /* level 0 tells neither */
}

static void
test_resumed (Rig *rig, gconstpointer data)
{
  fetch (rig, "break", rig->sum, SIZE, -1);
  g_assert_cmpstr (rig->ranges, ==, "- bytes=150000- ");
}

static void
test_resumed_anew (Rig *rig, gconstpointer data)
{
  fetch (rig, "break-anew", rig->sum, SIZE, -1);
}

static void
test_wrong_range (Rig *rig, gconstpointer data)
{
  fetch (rig, "break-wrong", rig->sum, SIZE, G_IO_ERROR_INVALID_DATA);
}

static void
test_wrong_checksum (Rig *rig, gconstpointer data)
{
  g_autofree char *other = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "other", -1);

  fetch (rig, "plain", other, SIZE, G_IO_ERROR_INVALID_DATA);
  g_assert_null (desk_store_find_file (rig->store, "id:plain", NULL));
  fetch (rig, "plain", rig->sum, SIZE, -1); /* may be asked for again */
}

static void
test_renewed (Rig *rig, gconstpointer data)
{
  fetch (rig, "expired", rig->sum, SIZE, -1);
  g_assert_cmpuint (rig->renewals, ==, 1);
}

static void
test_refused (Rig *rig, gconstpointer data)
{
  fetch (rig, "gone", rig->sum, SIZE, G_IO_ERROR_NOT_FOUND);
  rig->requests = 0;
  fetch (rig, "busy", rig->sum, SIZE, -1);
  g_assert_cmpuint (rig->requests, ==, 2);
}

static void
test_too_large (Rig *rig, gconstpointer data)
{
  fetch (rig, "hostile", NULL, -1, G_IO_ERROR_MESSAGE_TOO_LARGE);
  fetch (rig, "plain", rig->sum, SIZE - 1, G_IO_ERROR_MESSAGE_TOO_LARGE); /* more than was told */
  rig->requests = 0;
  fetch (rig, "huge", NULL, DESK_DOWNLOAD_MAX_BYTES + 1, G_IO_ERROR_MESSAGE_TOO_LARGE);
  g_assert_cmpuint (rig->requests, ==, 0); /* not even asked for */
}

static void
on_applied (GObject *source, GAsyncResult *result, gpointer data)
{
  desk_batch_result_free (desk_store_apply_finish (DESK_STORE (source), result, NULL));
  *(gboolean *) data = TRUE;
}

static void
on_settings (GObject *source, GAsyncResult *result, gpointer data)
{
  DeskFileSettings settings;

  g_assert_true (desk_store_get_file_settings_finish (DESK_STORE (source), result, &settings, NULL));
  *(gboolean *) data = TRUE;
}

/* No length is told, and the bytes go on over the limit of the settings. */
static void
test_endless (Rig *rig, gconstpointer data)
{
  DeskBatch *batch = desk_batch_new ();
  gboolean done = FALSE;

  desk_batch_setting (batch, DESK_SETTING_DOWNLOAD_MAX, "100000");
  desk_store_apply_async (rig->store, batch, NULL, on_applied, &done);
  wait_until (&done);
  desk_files_reload_settings (rig->files);
  done = FALSE; /* asked after it, told after it */
  desk_store_get_file_settings_async (rig->store, NULL, on_settings, &done);
  wait_until (&done);
  fetch (rig, "endless", NULL, -1, G_IO_ERROR_MESSAGE_TOO_LARGE);
}

static void
test_redirected (Rig *rig, gconstpointer data)
{
  fetch (rig, "elsewhere", rig->sum, SIZE, G_IO_ERROR_INVALID_DATA);
  g_assert_cmpuint (rig->strangers, ==, 0);
  fetch (rig, "moved", rig->sum, SIZE, -1);
  rig->requests = 0;
  fetch (rig, "loop", rig->sum, SIZE, G_IO_ERROR_INVALID_DATA);
  g_assert_cmpuint (rig->requests, ==, 4);
}

static void
test_strangers (Rig *rig, gconstpointer data)
{
  g_autofree char *other = server_url (rig->stranger);
  g_autofree char *link = g_strconcat (other, "/x", NULL);
  g_autoptr (DeskMessage) message = make_message ("s", link, NULL, -1);
  Got got = { 0 };

  desk_files_get_async (rig->files, message, message->attachments->pdata[0], NULL, on_got, &got);
  wait_until (&got.done);
  g_assert_error (got.error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA); /* not https */
  g_assert_cmpuint (rig->strangers, ==, 0);
  g_clear_error (&got.error);
}

static void
test_four_at_once (Rig *rig, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_message_free);
  Got got[10] = { 0 };
  gint64 end = g_get_monotonic_time () + DEADLINE_S * G_USEC_PER_SEC;
  guint ended = 0;

  for (guint i = 0; i < G_N_ELEMENTS (got); i++)
    {
      g_autofree char *name = g_strdup_printf ("held%u", i);
      g_autofree char *link = g_strconcat ("/crm/files/", name, NULL);
      DeskMessage *message = make_message (name, link, rig->sum, SIZE);

      g_ptr_array_add (messages, message);
      desk_files_get_async (rig->files, message, message->attachments->pdata[0], i == 9 ? cancellable : NULL, on_got, &got[i]);
    }
  while (rig->waiting < 4 && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE);
  g_cancellable_cancel (cancellable); /* the last one, which waits for its turn */
  wait_until (&got[9].done);
  g_assert_error (got[9].error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&got[9].error);
  while (ended < 9 && g_get_monotonic_time () < end)
    {
      while (rig->held->len > 0)
        {
          g_autoptr (SoupServerMessage) msg = g_ptr_array_steal_index (rig->held, 0);

          rig->waiting--;
          answer_whole (rig, msg);
          soup_server_message_unpause (msg);
        }
      g_main_context_iteration (NULL, FALSE);
      ended = 0;
      for (guint i = 0; i < 9; i++)
        ended += got[i].done;
    }
  for (guint i = 0; i < 9; i++)
    {
      g_assert_no_error (got[i].error);
      g_clear_pointer (&got[i].path, g_free);
    }
  g_assert_cmpuint (rig->most_waiting, ==, 4);
  g_assert_cmpuint (rig->requests, ==, 9);
}

/* A small picture comes by itself when it is shown; a large one waits to be asked for. */
static void
test_shown (Rig *rig, gconstpointer data)
{
  g_autoptr (DeskMessage) small = make_message ("small", "/crm/files/small", rig->sum, SIZE);
  g_autoptr (DeskMessage) large = make_message ("large", "/crm/files/large", rig->sum, DESK_DOWNLOAD_AUTO_BYTES + 1);
  gint64 end = g_get_monotonic_time () + DEADLINE_S * G_USEC_PER_SEC;

  desk_files_show (rig->files, large, large->attachments->pdata[0]);
  desk_files_show (rig->files, small, small->attachments->pdata[0]);
  while (desk_files_look (rig->files, small->attachments->pdata[0])->phase != DESK_FILE_READY
         && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE);
  expect_phase (rig, small, DESK_FILE_READY);
  expect_phase (rig, large, DESK_FILE_REMOTE);
  g_assert_cmpuint (rig->requests, ==, 1);
}

static void
test_stopped (Rig *rig, gconstpointer data)
{
  g_autoptr (DeskMessage) message = make_message ("held", "/crm/files/held", rig->sum, SIZE);
  gint64 end = g_get_monotonic_time () + DEADLINE_S * G_USEC_PER_SEC;
  Got got = { 0 };

  desk_files_get_async (rig->files, message, message->attachments->pdata[0], NULL, on_got, &got);
  while (rig->waiting < 1 && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE);
  desk_sync_stop (rig->sync);
  wait_until (&got.done);
  g_assert_nonnull (got.error);
  g_clear_error (&got.error);
  g_assert_cmpuint (count_partial (rig), ==, 0);
}

/* ── Uploads ────────────────────────────────────────────────────────────────────────────────── */

static void
on_uploaded (GObject *source, GAsyncResult *result, gpointer data)
{
  *(DeskRestAnswer **) data = desk_api_request_finish (DESK_API (source), result);
}

static void
cancel_soon (gint64 done, gint64 total, gpointer data)
{
  if (data != NULL && done > 0 && done < total)
    g_cancellable_cancel (data);
}

static DeskRestOutcome
upload (RawMode mode, gsize size, gboolean cancel)
{
  g_autoptr (RawServer) server = raw_server_new (mode);
  g_autoptr (DeskApi) api = desk_api_new (server->url);
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_upload_part_free);
  g_autoptr (DeskRestAnswer) answered = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *bytes = g_strnfill (size, 'b');
  DeskUploadPart *part = g_new0 (DeskUploadPart, 1);
  DeskSendRequest send = { .text = (char *) "caption", .seen_seq = -1 };
  int fd = g_file_open_tmp ("desk-upload-XXXXXX", &part->path, NULL);
  gint64 end = g_get_monotonic_time () + DEADLINE_S * G_USEC_PER_SEC;

  close (fd);
  g_assert_true (g_file_set_contents (part->path, bytes, (gssize) size, NULL));
  part->filename = g_strdup ("b.txt");
  part->mime_type = g_strdup ("text/plain");
  part->size = (gint64) size;
  g_ptr_array_add (parts, part);
  desk_api_upload_async (api, "/x", &send, parts, 1500, cancel_soon, cancel ? cancellable : NULL, cancellable,
                         on_uploaded, &answered);
  while (answered == NULL && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE);
  g_assert_nonnull (answered);
  g_unlink (part->path);
  return answered->outcome;
}

static void
test_upload_outcomes (void)
{
  g_assert_cmpint (upload (RAW_CLOSE_UNREAD, 32 << 20, FALSE), ==, DESK_REST_NOT_SENT);
  g_assert_cmpint (upload (RAW_SILENT, 1000, FALSE), ==, DESK_REST_LOST);
  g_assert_cmpint (upload (RAW_CLOSE, 1000, FALSE), ==, DESK_REST_LOST);
  g_assert_cmpint (upload (RAW_SLOW, 1000, FALSE), ==, DESK_REST_OK);
  g_assert_cmpint (upload (RAW_SILENT, 32 << 20, TRUE), ==, DESK_REST_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Rig, NULL, set_up, func, tear_down)
  ADD ("/files/plain", test_plain);
  ADD ("/files/resumed", test_resumed);
  ADD ("/files/resumed-anew", test_resumed_anew);
  ADD ("/files/wrong-range", test_wrong_range);
  ADD ("/files/wrong-checksum", test_wrong_checksum);
  ADD ("/files/renewed", test_renewed);
  ADD ("/files/refused", test_refused);
  ADD ("/files/too-large", test_too_large);
  ADD ("/files/endless", test_endless);
  ADD ("/files/redirected", test_redirected);
  ADD ("/files/strangers", test_strangers);
  ADD ("/files/four-at-once", test_four_at_once);
  ADD ("/files/shown", test_shown);
  ADD ("/files/stopped", test_stopped);
  g_test_add_func ("/files/upload-outcomes", test_upload_outcomes);
  return g_test_run ();
}
