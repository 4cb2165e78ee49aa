/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* Files to and from Telegram, against a Bot API that fails on demand. */

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "desk-test-host.h"
#include "server/connectors/desk-connectors.h"
#include "server/files/desk-files.h"
#include "server/service/desk-service.h"
#include "telegram-fault-server.h"

#define REFUSAL(code, words)                                                                       \
  "{\"ok\":false,\"error_code\":" #code ",\"description\":\"" words "\"}"
#define PNG "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x04\0\0\0\x03 and so on"

typedef struct
{
  char *dir;
  TelegramFaultServer *server;
  DeskTestHost *host;
  DeskConnection connection;
  DeskConnector *connector;
} Fixture;

static void
setup (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  self->dir = g_dir_make_tmp ("desk-files-XXXXXX", &error);
  g_assert_no_error (error);
  g_autofree char *folder = g_build_filename (self->dir, "files", NULL);
  g_autofree char *key = g_build_filename (self->dir, "files.key", NULL);
  self->server = telegram_fault_server_new ();
  self->host = desk_test_host_new (desk_clock_system (), 1);
  self->host->host.files = desk_files_open (folder, key, &error);
  g_assert_no_error (error);
  self->connection.name = (char *)"shop-bot";
  self->connection.platform = (char *)"telegram";
  self->connection.mode = (char *)"poll";
  self->connection.chat_prefix = (char *)"";
  self->connection.base_url = (char *)telegram_fault_server_get_url (self->server);
  self->connection.token = (char *)TELEGRAM_FAULT_TOKEN;
  self->connector = desk_connectors_create (&self->connection, &self->host->host, &error);
  g_assert_no_error (error);
}

static void
teardown (Fixture *self, gconstpointer data)
{
  DeskFileStore *files = self->host->host.files;
  desk_connector_stop (self->connector);
  desk_test_run_for_ms (20);
  g_object_unref (self->connector);
  telegram_fault_server_free (self->server);
  desk_test_host_free (self->host);
  files->ops->close (files);
  const char *argv[] = { "rm", "-rf", self->dir, NULL };
  g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  g_free (self->dir);
}

static void
add_file (Fixture *self, DeskMessage *message, const char *name, const void *bytes, gsize len)
{
  DeskFileStore *files = self->host->host.files;
  g_autoptr (GError) error = NULL;
  DeskFileUpload *upload = files->ops->begin (files, name, 1 << 20, &error);
  g_assert_no_error (error);
  g_assert_true (files->ops->append (upload, bytes, len, &error));
  g_autoptr (DeskStoredFile) file = files->ops->finish (upload, &error);
  g_assert_no_error (error);
  g_ptr_array_add (message->attachments, desk_attachment_new_stored (file));
}

static DeskMessage *
new_message (const char *text)
{
  DeskMessage *message = desk_message_new ("telegram", "5");
  g_free (message->text);
  message->text = g_strdup (text);
  return message;
}

static void
on_outcome (GObject *source, GAsyncResult *result, gpointer data)
{
  *(DeskOutcome **)data = desk_connector_send_finish (DESK_CONNECTOR (source), result);
}

static DeskOutcome *
send_message (Fixture *self, DeskMessage *message, const char *reply_to)
{
  DeskOutbound outbound = { .job_id = 1,
                            .attempt = 1,
                            .connection = self->connection.name,
                            .message = message,
                            .reply_to_external_id = (char *)reply_to };
  DeskOutcome *outcome = NULL;
  desk_connector_send_async (self->connector, &outbound, NULL, on_outcome, &outcome);
  desk_test_wait_for (outcome != NULL);
  if (outcome->message != NULL)
    g_assert_null (strstr (outcome->message, "AAFD39"));
  return outcome;
}

static guint
calls (Fixture *self, const char *method)
{
  return telegram_fault_server_count_calls (self->server, method);
}

static const char *
done (Fixture *self, const char *method, guint n)
{
  const char *text = telegram_fault_server_get_done (self->server, method, n);
  g_assert_nonnull (text);
  return text;
}

#define assert_has(text, part) g_assert_nonnull (strstr (text, part))

/* ── Out ────────────────────────────────────────────────────────────────────────────────────── */
static void
test_picture (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) message = new_message ("The “coat”");
  add_file (self, message, "Пальто \"синє\".png", PNG, sizeof PNG - 1);
  g_autoptr (DeskOutcome) outcome = send_message (self, message, "31");
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpstr (outcome->external_id, ==, "9000");
  g_assert_cmpstr (g_ptr_array_index (outcome->attachment_ids, 0), ==, "9000");
  g_assert_cmpuint (calls (self, "sendMessage"), ==, 0);
  const char *body = done (self, "sendPhoto", 0);
  assert_has (body, "name=\"chat_id\"\r\n\r\n5\r\n");
  assert_has (body, "name=\"caption\"\r\n\r\nThe “coat”\r\n");
  assert_has (body, "name=\"reply_parameters\"\r\n\r\n{\"message_id\":31,");
  assert_has (body, "name=\"photo\"; filename=\"Пальто %22синє%22.png\"\r\n"
                    "Content-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n");
  assert_has (body, "IHDR...\x04...\x03 and so on\r\n--");
}

static void
test_methods (Fixture *self, gconstpointer data)
{
  static const struct
  {
    const char *bytes;
    gsize len;
    const char *method;
  } ways[] = {
    { "\xff\xd8\xff\xe0", 4, "sendPhoto" },   { "GIF89a\1\0\1\0", 10, "sendDocument" },
    { "....ftypmp42", 12, "sendVideo" },      { "OggS", 4, "sendVoice" },
    { "ID3\3", 4, "sendAudio" },              { "%PDF-1.4", 8, "sendDocument" },
    { "nothing special", 15, "sendDocument" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      const guint before = calls (self, ways[i].method);
      g_autoptr (DeskMessage) message = new_message ("");
      add_file (self, message, "f", ways[i].bytes, ways[i].len);
      g_autoptr (DeskOutcome) outcome = send_message (self, message, NULL);
      g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
      g_assert_cmpuint (calls (self, ways[i].method), ==, before + 1);
      g_assert_null (strstr (done (self, ways[i].method, before), "name=\"caption\""));
    }
}

static void
test_long_caption (Fixture *self, gconstpointer data)
{
  g_autofree char *most = g_strnfill (1024, 'c');
  g_autofree char *more = g_strnfill (1025, 'c');
  g_autoptr (DeskMessage) fits = new_message (most);
  g_autoptr (DeskMessage) long_one = new_message (more);
  add_file (self, fits, "a.pdf", "%PDF-", 5);
  add_file (self, long_one, "a.pdf", "%PDF-", 5);
  g_autoptr (DeskOutcome) first = send_message (self, fits, NULL);
  g_assert_cmpuint (calls (self, "sendMessage"), ==, 0);
  g_autoptr (DeskOutcome) second = send_message (self, long_one, "7");
  g_assert_cmpint (second->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpstr (second->external_id, ==, "9001");
  g_assert_cmpstr (g_ptr_array_index (second->attachment_ids, 0), ==, "9002");
  assert_has (done (self, "sendMessage", 0), "\"message_id\":7");
  g_assert_null (strstr (done (self, "sendDocument", 1), "name=\"caption\""));
  g_assert_null (strstr (done (self, "sendDocument", 1), "reply_parameters"));
}

/* What Telegram has taken is not sent again, whatever became of the rest. */
static void
test_goes_on (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) message = new_message ("three");
  add_file (self, message, "1.pdf", "%PDF-1", 6);
  add_file (self, message, "2.pdf", "%PDF-2", 6);
  add_file (self, message, "3.mp3", "ID3", 3);
  telegram_fault_server_push (self->server, "sendAudio", TELEGRAM_FAULT_STATUS, 429,
                              REFUSAL (429, "Too Many Requests: retry after 3"));
  g_autoptr (DeskOutcome) first = send_message (self, message, NULL);
  g_assert_cmpint (first->type, ==, DESK_OUTCOME_RETRY);
  g_assert_cmpstr (first->external_id, ==, "9000");
  for (guint i = 0; i < 3; i++)
    {
      DeskAttachment *attachment = g_ptr_array_index (message->attachments, i);
      attachment->external_id = g_strdup (g_ptr_array_index (first->attachment_ids, i));
    }
  message->external_id = g_strdup (first->external_id);
  g_autoptr (DeskOutcome) second = send_message (self, message, NULL);
  g_assert_cmpint (second->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpuint (calls (self, "sendMediaGroup"), ==, 1); /* the two documents */
  g_assert_cmpuint (telegram_fault_server_count_done (self->server, "sendAudio"), ==, 1);
  g_assert_cmpstr (g_ptr_array_index (second->attachment_ids, 2), ==, "9002");
}

#define JPEG "\xff\xd8\xff\xe0"
#define MP4  "....ftypmp42"

static DeskMessage *
new_album (Fixture *self, const char *text, guint n)
{
  DeskMessage *message = new_message (text);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("p%u", i);
      g_autofree char *bytes = g_strdup_printf ("%s %u", i == 1 ? MP4 : JPEG, i);
      add_file (self, message, name, bytes, strlen (bytes));
    }
  return message;
}

/* Twelve pictures and films are an album of ten and one of two, with the text on the first; each
 * file has the id of its own message. */
static void
test_album (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) message = new_album (self, "All “coats”", 12);
  g_autoptr (DeskOutcome) outcome = send_message (self, message, "31");
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpstr (outcome->external_id, ==, "9000");
  for (guint i = 0; i < 12; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u", 9000 + i);
      g_assert_cmpstr (g_ptr_array_index (outcome->attachment_ids, i), ==, id);
    }
  g_assert_cmpuint (calls (self, "sendMediaGroup"), ==, 2);
  g_assert_cmpuint (calls (self, "sendPhoto"), ==, 0);
  const char *body = done (self, "sendMediaGroup", 0);
  assert_has (body, "name=\"chat_id\"\r\n\r\n5\r\n");
  assert_has (body, "name=\"media\"\r\n\r\n[{\"type\":\"photo\",\"media\":\"attach://file0\","
                    "\"caption\":\"All “coats”\"},{\"type\":\"video\",\"media\":\"attach://"
                    "file1\"},{\"type\":\"photo\",\"media\":\"attach://file2\"}");
  assert_has (body, "name=\"reply_parameters\"\r\n\r\n{\"message_id\":31,");
  assert_has (body, "name=\"file9\"; filename=\"p9\"\r\nContent-Type: image/jpeg\r\n\r\n" JPEG " 9");
  const char *second = done (self, "sendMediaGroup", 1);
  g_assert_null (strstr (second, "caption"));
  g_assert_null (strstr (second, "reply_parameters"));
  assert_has (second, JPEG " 11");
  g_assert_null (strstr (second, "file2"));
}

/* A voice message stands alone, and parts what could have been one album. */
static void
test_album_families (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) message = new_message ("");
  add_file (self, message, "1", JPEG "1", 5);
  add_file (self, message, "2", "OggS", 4);
  add_file (self, message, "3", JPEG "3", 5);
  add_file (self, message, "4.pdf", "%PDF-4", 6);
  add_file (self, message, "5.mp3", "ID3", 3);
  add_file (self, message, "6.mp3", "ID3 6", 5);
  g_autoptr (DeskOutcome) outcome = send_message (self, message, NULL);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpuint (calls (self, "sendPhoto"), ==, 2);
  g_assert_cmpuint (calls (self, "sendVoice"), ==, 1);
  g_assert_cmpuint (calls (self, "sendDocument"), ==, 1);
  g_assert_cmpuint (calls (self, "sendMediaGroup"), ==, 1);
  assert_has (done (self, "sendMediaGroup", 0), "\"type\":\"audio\"");
  g_assert_cmpstr (g_ptr_array_index (outcome->attachment_ids, 5), ==, "9005");
}

/* One answer for all: none of the album is known after a lost one, none is sent again by itself;
 * a refusal of a picture falls back to one by one. */
static void
test_album_outcomes (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) lost = new_album (self, "lost", 3);
  telegram_fault_server_push (self->server, "sendMediaGroup", TELEGRAM_FAULT_CLOSE_AFTER, 0, NULL);
  g_autoptr (DeskOutcome) unknown = send_message (self, lost, NULL);
  g_assert_cmpint (unknown->type, ==, DESK_OUTCOME_UNKNOWN);
  g_assert_null (unknown->external_id);
  for (guint i = 0; i < 3; i++)
    g_assert_null (g_ptr_array_index (unknown->attachment_ids, i));
  g_assert_cmpuint (calls (self, "sendMediaGroup"), ==, 1);

  telegram_fault_server_push (self->server, "sendMediaGroup", TELEGRAM_FAULT_STATUS, 429,
                              REFUSAL (429, "Too Many Requests: retry after 3"));
  g_autoptr (DeskOutcome) later = send_message (self, lost, NULL);
  g_assert_cmpint (later->type, ==, DESK_OUTCOME_RETRY);

  g_autoptr (DeskMessage) wide = new_album (self, "wide", 3);
  g_free (wide->user_id);
  wide->user_id = g_strdup ("6");
  telegram_fault_server_push (self->server, "sendMediaGroup", TELEGRAM_FAULT_STATUS, 400,
                              REFUSAL (400, "Bad Request: PHOTO_INVALID_DIMENSIONS"));
  telegram_fault_server_push (self->server, "sendPhoto", TELEGRAM_FAULT_STATUS, 400,
                              REFUSAL (400, "Bad Request: PHOTO_INVALID_DIMENSIONS"));
  g_autoptr (DeskOutcome) outcome = send_message (self, wide, NULL);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  assert_has (done (self, "sendDocument", 0), "wide");
  g_assert_cmpuint (calls (self, "sendVideo"), ==, 1);
  g_assert_cmpuint (telegram_fault_server_count_done (self->server, "sendPhoto"), ==, 1);
  g_assert_nonnull (g_ptr_array_index (outcome->attachment_ids, 2));
}

/* Telegram answers, but not with a message for each file: nothing is sent twice for that. */
static void
test_album_short_answer (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) message = new_album (self, "", 2);
  telegram_fault_server_push (self->server, "sendMediaGroup", TELEGRAM_FAULT_BODY_AFTER, 200,
                              "{\"ok\":true,\"result\":[{\"message_id\":5}]}");
  g_autoptr (DeskOutcome) outcome = send_message (self, message, NULL);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpstr (g_ptr_array_index (outcome->attachment_ids, 0), ==, "5");
  g_assert_cmpstr (g_ptr_array_index (outcome->attachment_ids, 1), ==, "?");
  g_assert_cmpuint (calls (self, "sendPhoto") + calls (self, "sendVideo"), ==, 0);
}

static void
test_outcomes (Fixture *self, gconstpointer data)
{
  static const struct
  {
    TelegramFault fault;
    guint status;
    const char *body;
    DeskOutcomeType type;
  } answers[] = {
    { TELEGRAM_FAULT_CLOSE_AFTER, 0, NULL, DESK_OUTCOME_UNKNOWN },
    { TELEGRAM_FAULT_TRUNCATE_AFTER, 0, NULL, DESK_OUTCOME_UNKNOWN },
    { TELEGRAM_FAULT_BODY_AFTER, 200, "<html>", DESK_OUTCOME_UNKNOWN },
    { TELEGRAM_FAULT_STATUS, 502, "", DESK_OUTCOME_UNKNOWN },
    { TELEGRAM_FAULT_STATUS, 413, "<html>", DESK_OUTCOME_UNKNOWN },
    { TELEGRAM_FAULT_STATUS, 403, REFUSAL (403, "Forbidden: bot was blocked by the user"),
      DESK_OUTCOME_PERMANENT },
    { TELEGRAM_FAULT_STATUS, 401, REFUSAL (401, "Unauthorized"), DESK_OUTCOME_CONNECTION },
  };
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autoptr (DeskMessage) message = new_message ("");
      add_file (self, message, "a.pdf", "%PDF-", 5);
      telegram_fault_server_push (self->server, "sendDocument", answers[i].fault, answers[i].status,
                                  answers[i].body);
      g_autoptr (DeskOutcome) outcome = send_message (self, message, NULL);
      g_assert_cmpint (outcome->type, ==, answers[i].type);
      g_assert_cmpuint (calls (self, "sendDocument"), ==, i + 1);
    }
}

static void
test_no_picture_to_telegram (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) message = new_message ("wide");
  add_file (self, message, "w.png", PNG, sizeof PNG - 1);
  telegram_fault_server_push (self->server, "sendPhoto", TELEGRAM_FAULT_STATUS, 400,
                              REFUSAL (400, "Bad Request: PHOTO_INVALID_DIMENSIONS"));
  g_autoptr (DeskOutcome) outcome = send_message (self, message, NULL);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  assert_has (done (self, "sendDocument", 0), "wide");
}

static void
test_file_is_gone (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) message = new_message ("");
  add_file (self, message, "g.pdf", "%PDF-", 5);
  DeskAttachment *attachment = g_ptr_array_index (message->attachments, 0);
  memset (attachment->sha256, '0', 64);
  g_autoptr (DeskOutcome) outcome = send_message (self, message, NULL);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_PERMANENT);
  g_assert_cmpuint (calls (self, "sendDocument"), ==, 0);
}

/* ── In ─────────────────────────────────────────────────────────────────────────────────────── */
static DeskMessage *
new_incoming (gint64 size)
{
  DeskMessage *message = new_message ("");
  DeskAttachment *attachment = desk_attachment_new ("waits");
  message->external_id = g_strdup ("77");
  attachment->state = g_strdup ("pending");
  attachment->external_id = g_strdup ("AgAC/file+id");
  attachment->size = size;
  attachment->duration_ms = 1500;
  g_free (attachment->filename);
  attachment->filename = g_strdup ("../photo.jpg");
  g_ptr_array_add (message->attachments, attachment);
  return message;
}

static const DeskAttachment *
fetch (Fixture *self, DeskMessage *message)
{
  const guint n = self->host->items->len;
  desk_connector_start (self->connector);
  desk_connector_fetch_files (self->connector, message);
  desk_test_wait_for (self->host->items->len == n + 1);
  const DeskInboundItem *item = g_ptr_array_index (self->host->items, n);
  g_assert_cmpint (item->type, ==, DESK_INBOUND_ATTACHMENT);
  g_assert_cmpstr (item->message->external_id, ==, "77");
  g_assert_cmpstr (item->message->user_id, ==, "5");
  const DeskAttachment *told = g_ptr_array_index (item->message->attachments, 0);
  g_assert_cmpstr (told->external_id, ==, "AgAC/file+id");
  return told;
}

static void
test_fetch (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) message = new_incoming (-1);
  telegram_fault_server_set_file (self->server, PNG, sizeof PNG - 1);
  const DeskAttachment *told = fetch (self, message);
  g_assert_cmpstr (told->state, ==, "ready");
  g_assert_cmpstr (told->mime_type, ==, "image/png");
  g_assert_cmpstr (told->filename, ==, "photo.jpg");
  g_assert_cmpint (told->size, ==, sizeof PNG - 1);
  g_assert_cmpint (told->width, ==, 4);
  g_assert_cmpint (told->duration_ms, ==, 1500);
  assert_has (done (self, "getFile", 0), "file_id=AgAC%2Ffile%2Bid");
  DeskFileStore *files = self->host->host.files;
  gint64 size;
  int fd = files->ops->open (files, told->sha256, &size, NULL, NULL);
  g_assert_cmpint (fd, >=, 0);
  close (fd);
}

/* The last word of Telegram is asked for once; what stood in the way is tried again, and ends. */
static void
test_fetch_fails (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) message = new_incoming (-1);
  telegram_fault_server_push (self->server, "getFile", TELEGRAM_FAULT_STATUS, 500, "<html>");
  g_assert_cmpstr (fetch (self, message)->state, ==, "failed");
  desk_test_run_for_ms (300);
  g_assert_cmpuint (calls (self, "getFile"), ==, 1);

  g_autoptr (DeskMessage) large = new_incoming (20 * 1024 * 1024 + 1);
  g_assert_cmpstr (fetch (self, large)->state, ==, "failed");
  g_assert_cmpuint (calls (self, "getFile"), ==, 1);

  g_autofree char *much = g_malloc0 (20 * 1024 * 1024 + 1);
  telegram_fault_server_set_file (self->server, much, 20 * 1024 * 1024 + 1);
  g_autoptr (DeskMessage) liar = new_incoming (100);
  g_assert_cmpstr (fetch (self, liar)->state, ==, "failed");
  g_assert_cmpuint (calls (self, "/file"), ==, 1);

  telegram_fault_server_set_file (self->server, "ok", 2);
  telegram_fault_server_push (self->server, "/file", TELEGRAM_FAULT_TRUNCATE_AFTER, 0, NULL);
  g_autoptr (DeskMessage) again = new_incoming (2);
  g_assert_cmpstr (fetch (self, again)->state, ==, "ready");
  g_assert_cmpuint (calls (self, "/file"), ==, 3);
  g_autofree char *folder = g_build_filename (self->dir, "files", "tmp", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_assert_null (g_dir_read_name (dir));
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/telegram/files/picture", test_picture);
  ADD ("/telegram/files/methods", test_methods);
  ADD ("/telegram/files/long-caption", test_long_caption);
  ADD ("/telegram/files/goes-on", test_goes_on);
  ADD ("/telegram/files/album", test_album);
  ADD ("/telegram/files/album-families", test_album_families);
  ADD ("/telegram/files/album-outcomes", test_album_outcomes);
  ADD ("/telegram/files/album-short-answer", test_album_short_answer);
  ADD ("/telegram/files/outcomes", test_outcomes);
  ADD ("/telegram/files/no-picture-to-telegram", test_no_picture_to_telegram);
  ADD ("/telegram/files/gone", test_file_is_gone);
  ADD ("/telegram/files/fetch", test_fetch);
  ADD ("/telegram/files/fetch-fails", test_fetch_fails);
  return g_test_run ();
}
