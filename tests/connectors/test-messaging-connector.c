/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* The connectors of Messenger and Instagram against a Send API that fails on demand: what becomes
 * of each answer, that nothing is sent twice, files, reactions, profiles, the token's life. */

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "common/desk-crypto.h"
#include "desk-test-host.h"
#include "messaging-fault-server.h"
#include "server/connectors/desk-connectors.h"
#include "server/connectors/instagram/desk-instagram-token.h"
#include "server/files/desk-files.h"

#define NOW_MS   G_GINT64_CONSTANT (1790000000000)
#define DAY_MS   G_GINT64_CONSTANT (86400000)
#define PNG                                                                                        \
  "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\10\6\0\0\0\x1f\x15\xc4\x89\0\0\0\0IEND\xae\x42\x60\x82"
#define PNG_BYTES (sizeof PNG - 1)

typedef struct
{
  MessagingFaultRole role;
  MessagingFaultServer *server;
  DeskClock *clock;
  DeskTestHost *host;
  char *folder;
  char *token_path;
  DeskConnection connection;
  DeskConnector *connector;
} Fixture;

static void
create (Fixture *self)
{
  g_autoptr (GError) error = NULL;

  self->connector = desk_connectors_create (&self->connection, &self->host->host, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  self->role = (MessagingFaultRole)GPOINTER_TO_UINT (data);
  self->server = messaging_fault_server_new (self->role);
  messaging_fault_server_set_file (self->server, PNG, PNG_BYTES);
  self->clock = desk_clock_manual_new (NOW_MS);
  self->host = desk_test_host_new (self->clock, 1);
  self->folder = g_dir_make_tmp ("desk-messaging-XXXXXX", &error);
  g_assert_no_error (error);
  self->token_path = g_build_filename (self->folder, "token", NULL);
  g_autofree char *key_path = g_build_filename (self->folder, "key", NULL);
  g_autofree char *files_path = g_build_filename (self->folder, "files", NULL);
  self->host->host.files = desk_files_open (files_path, key_path, &error);
  g_assert_no_error (error);
  self->connection = (DeskConnection) {
    .name = (char *)"shop",
    .platform = (char *)(self->role == MESSAGING_FAULT_MESSENGER ? "messenger" : "instagram"),
    .mode = (char *)"webhook",
    .chat_prefix = (char *)"s~",
    .base_url = (char *)messaging_fault_server_get_url (self->server),
    .version = (char *)"v23.0",
    .account_id = (char *)(self->role == MESSAGING_FAULT_MESSENGER ? "1080" : "17840001"),
    .token = (char *)MESSAGING_FAULT_TOKEN,
    .app_secret = (char *)MESSAGING_FAULT_SECRET,
    .verify_token = (char *)"verify",
    .public_url = (char *)"https://desk.example.org/",
    .login = (char *)(self->role == MESSAGING_FAULT_INSTAGRAM_PAGE ? "facebook" : "instagram"),
  };
  create (self);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  desk_connector_stop (self->connector);
  g_object_add_weak_pointer (G_OBJECT (self->connector), (gpointer *)&self->connector);
  g_object_unref (self->connector);
  desk_test_wait_for (self->connector == NULL);
  g_assert_false (messaging_fault_server_saw_leak (self->server));
  messaging_fault_server_free (self->server);
  self->host->host.files->ops->close (self->host->host.files);
  desk_test_host_free (self->host);
  desk_clock_unref (self->clock);
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", self->folder);
  g_assert_cmpint (system (command), ==, 0);
  g_free (self->folder);
  g_free (self->token_path);
}

/* ── Sending ────────────────────────────────────────────────────────────────────────────────── */
static DeskOutbound *
outbound_new (const char *text)
{
  DeskOutbound *outbound = g_new0 (DeskOutbound, 1);

  outbound->attempt = 1;
  outbound->connection = g_strdup ("shop");
  outbound->message = desk_message_new ("messenger", "s~5001");
  outbound->message->direction = DESK_DIRECTION_OUTGOING;
  g_free (outbound->message->text);
  outbound->message->text = g_strdup (text);
  outbound->message->client_message_id = g_strdup ("0190-cafe");
  return outbound;
}

typedef struct
{
  DeskOutcome *outcome;
} Sent;

static void
on_sent (GObject *object, GAsyncResult *result, gpointer data)
{
  ((Sent *)data)->outcome = desk_connector_send_finish (DESK_CONNECTOR (object), result);
}

static DeskOutcome *
send (Fixture *self, const DeskOutbound *outbound)
{
  Sent sent = { NULL };

  desk_connector_send_async (self->connector, outbound, NULL, on_sent, &sent);
  desk_test_wait_for (sent.outcome != NULL);
  return sent.outcome;
}

static void
assert_body (Fixture *self, const char *method, guint n, const char *wanted)
{
  const char *text = messaging_fault_server_get_done (self->server, method, n);
  g_assert_nonnull (text);
  g_autoptr (JsonNode) got = json_from_string (text, NULL);
  g_autoptr (JsonNode) want = json_from_string (wanted, NULL);

  g_assert_nonnull (want);
  if (!json_node_equal (got, want))
    g_test_message ("got %s", text);
  g_assert_true (json_node_equal (got, want));
}

static void
test_text (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskOutbound) outbound = outbound_new ("Còn hàng ạ 🧥 <b>&");
  g_autoptr (DeskOutcome) outcome = NULL;

  outbound->reply_to_external_id = g_strdup ("m_1");
  outcome = send (self, outbound);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpstr (outcome->external_id, ==, "m_100");
  assert_body (self, "send", 0,
               self->role == MESSAGING_FAULT_MESSENGER
                   ? "{\"recipient\":{\"id\":\"5001\"},\"messaging_type\":\"RESPONSE\","
                     "\"message\":{\"text\":\"Còn hàng ạ 🧥 <b>&\",\"metadata\":\"0190-cafe\"},"
                     "\"reply_to\":{\"mid\":\"m_1\"}}"
                   : "{\"recipient\":{\"id\":\"5001\"},\"message\":{\"text\":"
                     "\"Còn hàng ạ 🧥 <b>&\",\"metadata\":\"0190-cafe\"},\"reply_to\":{\"mid\":"
                     "\"m_1\"}}");
}

/* Messenger counts characters, Instagram bytes. */
static void
test_text_limits (Fixture *self, gconstpointer data)
{
  const gboolean is_messenger = self->role == MESSAGING_FAULT_MESSENGER;
  g_autoptr (GString) text = g_string_new (NULL);
  const guint n = is_messenger ? 2000 : 333;

  for (guint i = 0; i < n; i++)
    g_string_append (text, "ạ"); /* three bytes */
  g_autoptr (DeskOutbound) fits = outbound_new (text->str);
  g_autoptr (DeskOutcome) sent = send (self, fits);
  g_assert_cmpint (sent->type, ==, DESK_OUTCOME_SENT);
  g_string_append (text, "ạ");
  g_autoptr (DeskOutbound) exceeds = outbound_new (text->str);
  g_autoptr (DeskOutcome) refused = send (self, exceeds);
  g_assert_cmpint (refused->type, ==, DESK_OUTCOME_PERMANENT);
  g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "send"), ==, 1);
}

static void
test_foreign_chat (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskOutbound) outbound = outbound_new ("x");
  g_autoptr (DeskOutcome) outcome = NULL;

  g_free (outbound->message->user_id);
  outbound->message->user_id = g_strdup ("other~5001");
  outcome = send (self, outbound);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_PERMANENT);
  g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "send"), ==, 0);
}

/* Every row of the table of errors. */
static void
test_errors (Fixture *self, gconstpointer data)
{
  static const struct
  {
    gint status, code, subcode;
    DeskOutcomeType type;
    const char *word; /* code of the outcome */
    gboolean waits;
  } rows[] = {
    { 400, 613, 0, DESK_OUTCOME_RETRY, "613", TRUE },
    { 429, 4, 0, DESK_OUTCOME_RETRY, "4", TRUE },
    { 400, 17, 0, DESK_OUTCOME_RETRY, "17", TRUE },
    { 403, 32, 0, DESK_OUTCOME_RETRY, "32", TRUE },
    { 400, 80002, 0, DESK_OUTCOME_RETRY, "80002", TRUE },
    { 400, 80006, 0, DESK_OUTCOME_RETRY, "80006", TRUE },
    { 500, 1, 0, DESK_OUTCOME_RETRY, "1", FALSE },
    { 500, 2, 0, DESK_OUTCOME_RETRY, "2", FALSE },
    { 500, 1200, 0, DESK_OUTCOME_RETRY, "1200", FALSE },
    { 401, 190, 0, DESK_OUTCOME_CONNECTION, "190", FALSE },
    { 400, 190, 463, DESK_OUTCOME_CONNECTION, "190", FALSE },
    { 400, 190, 460, DESK_OUTCOME_CONNECTION, "190", FALSE },
    { 400, 10, 0, DESK_OUTCOME_CONNECTION, "10", FALSE },
    { 403, 200, 0, DESK_OUTCOME_CONNECTION, "200", FALSE },
    { 403, 230, 0, DESK_OUTCOME_CONNECTION, "230", FALSE },
    { 400, 368, 0, DESK_OUTCOME_CONNECTION, "368", FALSE },
    { 400, 551, 1545041, DESK_OUTCOME_PERMANENT, "551", FALSE },
    { 400, 200, 1545041, DESK_OUTCOME_PERMANENT, "200", FALSE },
    { 400, 100, 2018001, DESK_OUTCOME_PERMANENT, "100", FALSE },
    { 400, 100, 33, DESK_OUTCOME_PERMANENT, "100", FALSE },
    { 400, 100, 2534014, DESK_OUTCOME_PERMANENT, "100", FALSE },
    { 400, 100, 0, DESK_OUTCOME_PERMANENT, "100", FALSE },
    { 403, 10, 2018278, DESK_OUTCOME_PERMANENT, "WINDOW_CLOSED", FALSE },
    { 400, 10, 2018300, DESK_OUTCOME_PERMANENT, "10", FALSE },
    { 400, 77777, 0, DESK_OUTCOME_PERMANENT, "77777", FALSE },
    { 503, 77777, 0, DESK_OUTCOME_UNKNOWN, NULL, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (DeskOutbound) outbound = outbound_new ("x");
      g_autoptr (DeskOutcome) outcome = NULL;
      messaging_fault_server_push_error (self->server, "send", (guint)rows[i].status, rows[i].code,
                                         rows[i].subcode);
      outcome = send (self, outbound);
      if (outcome->type != rows[i].type)
        g_test_message ("%d/%d gives %d", rows[i].code, rows[i].subcode, outcome->type);
      g_assert_cmpint (outcome->type, ==, rows[i].type);
      g_assert_cmpstr (outcome->code, ==, rows[i].word);
      g_assert_nonnull (outcome->message);
      g_assert_true ((outcome->retry_after_ms > 0) == rows[i].waits);
    }
  g_assert_cmpuint (messaging_fault_server_count_done (self->server, "send"), ==, 0);
}

static void
test_instagram_window (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskOutbound) outbound = outbound_new ("x");
  g_autoptr (DeskOutcome) outcome = NULL;

  messaging_fault_server_push_error (self->server, "send", 400, 10, 2534022);
  outcome = send (self, outbound);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_PERMANENT);
  g_assert_cmpstr (outcome->code, ==, "WINDOW_CLOSED");
}

/* The platform says that it did not take the reply: then it goes as a person's. */
static void
test_human_agent (Fixture *self, gconstpointer data)
{
  const gint subcode = self->role == MESSAGING_FAULT_MESSENGER ? 2018278 : 2534022;

  g_assert_cmpuint (desk_connector_get_platform (self->connector)->window_hours, ==, 24);
  g_object_unref (self->connector);
  self->connection.human_agent = TRUE;
  create (self);
  g_assert_cmpuint (desk_connector_get_platform (self->connector)->window_hours, ==, 168);

  g_autoptr (DeskOutbound) outbound = outbound_new ("Muộn rồi");
  messaging_fault_server_push_error (self->server, "send", 400, 10, subcode);
  g_autoptr (DeskOutcome) late = send (self, outbound);
  g_assert_cmpint (late->type, ==, DESK_OUTCOME_SENT);
  assert_body (self, "send", 0,
               "{\"recipient\":{\"id\":\"5001\"},\"messaging_type\":\"MESSAGE_TAG\",\"tag\":"
               "\"HUMAN_AGENT\",\"message\":{\"text\":\"Muộn rồi\",\"metadata\":\"0190-cafe\"}}");
  g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "send"), ==, 2);

  /* more than seven days: once more, and no more */
  messaging_fault_server_push_error (self->server, "send", 400, 10, subcode);
  messaging_fault_server_push_error (self->server, "send", 400, 10, subcode);
  g_autoptr (DeskOutcome) closed = send (self, outbound);
  g_assert_cmpint (closed->type, ==, DESK_OUTCOME_PERMANENT);
  g_assert_cmpstr (closed->code, ==, "WINDOW_CLOSED");
  g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "send"), ==, 4);
}

/* Accepted, and the answer lost: never known, and never sent again by itself. */
static void
test_lost_answers (Fixture *self, gconstpointer data)
{
  static const MessagingFault faults[]
      = { MESSAGING_FAULT_CLOSE_BEFORE, MESSAGING_FAULT_CLOSE_AFTER, MESSAGING_FAULT_TRUNCATE_AFTER };

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (DeskOutbound) outbound = outbound_new ("x");
      g_autoptr (DeskOutcome) outcome = NULL;
      messaging_fault_server_push (self->server, "send", faults[i], 0, NULL);
      outcome = send (self, outbound);
      g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_UNKNOWN);
      g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "send"), ==, i + 1);
    }
  messaging_fault_server_push (self->server, "send", MESSAGING_FAULT_BODY_AFTER, 502, "<html>");
  g_autoptr (DeskOutbound) outbound = outbound_new ("x");
  g_autoptr (DeskOutcome) outcome = send (self, outbound);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_UNKNOWN);
}

/* ── Files ──────────────────────────────────────────────────────────────────────────────────── */
static void
add_file (Fixture *self, DeskOutbound *outbound, const char *name)
{
  DeskFileStore *files = self->host->host.files;
  DeskFileUpload *upload = files->ops->begin (files, name, 1000, NULL);

  g_assert_true (files->ops->append (upload, PNG, PNG_BYTES, NULL));
  g_autoptr (DeskStoredFile) file = files->ops->finish (upload, NULL);
  DeskAttachment *attachment = desk_attachment_new (file->hash);
  g_free (attachment->filename);
  attachment->filename = g_strdup (name);
  g_free (attachment->mime_type);
  attachment->mime_type = g_strdup ("image/png");
  attachment->size = (gint64)PNG_BYTES;
  attachment->sha256 = g_strdup (file->hash);
  g_ptr_array_add (outbound->message->attachments, attachment);
}

static void
test_upload (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskOutbound) outbound = outbound_new ("Đây ạ");
  g_autoptr (DeskOutcome) outcome = NULL;
  const char *form;

  add_file (self, outbound, "a.png");
  outcome = send (self, outbound);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpstr (outcome->external_id, ==, "m_100");
  g_assert_cmpuint (outcome->attachment_ids->len, ==, 1);
  g_assert_cmpstr (outcome->attachment_ids->pdata[0], ==, "m_102");
  form = messaging_fault_server_get_done (self->server, "upload", 0);
  g_assert_nonnull (strstr (form, "name=\"filedata\"; filename=\"a.png\""));
  g_assert_nonnull (strstr (form, "{\"attachment\":{\"type\":\"image\",\"payload\":"
                                  "{\"is_reusable\":true}}}"));
  g_assert_true ((strstr (form, "name=\"platform\"\r\n\r\ninstagram") != NULL)
                 == (self->role == MESSAGING_FAULT_INSTAGRAM_PAGE));
  g_assert_nonnull (strstr (messaging_fault_server_get_done (self->server, "send", 1),
                            "\"payload\":{\"attachment_id\":\"77101\"}"));

  /* the same file once more: it is there already */
  g_autoptr (DeskOutcome) again = send (self, outbound);
  g_assert_cmpint (again->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "upload"), ==, 1);

  /* until the platform forgets it */
  messaging_fault_server_push (self->server, "send", MESSAGING_FAULT_BODY_AFTER, 200,
                               "{\"recipient_id\":\"5001\",\"message_id\":\"m_t\"}");
  messaging_fault_server_push_error (self->server, "send", 400, 100, 2018074);
  g_autoptr (DeskOutcome) anew = send (self, outbound);
  g_assert_cmpint (anew->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "upload"), ==, 2);
}

/* What went out is not sent again by the next attempt; an upload's end is never unknown. */
static void
test_parts (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskOutbound) outbound = outbound_new ("Hai ảnh");

  add_file (self, outbound, "a.png");
  messaging_fault_server_push (self->server, "upload", MESSAGING_FAULT_CLOSE_AFTER, 0, NULL);
  g_autoptr (DeskOutcome) first = send (self, outbound);
  g_assert_cmpint (first->type, ==, DESK_OUTCOME_RETRY);
  g_assert_cmpstr (first->external_id, ==, "m_100"); /* the text is there */

  outbound->attempt = 2;
  outbound->message->external_id = g_strdup (first->external_id);
  g_autoptr (DeskOutcome) second = send (self, outbound);
  g_assert_cmpint (second->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpuint (messaging_fault_server_count_done (self->server, "send"), ==, 2);
  g_assert_null (strstr (messaging_fault_server_get_done (self->server, "send", 1), "Hai"));
}

/* Instagram's own login takes no uploads: it fetches. */
static void
test_link (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskOutbound) outbound = outbound_new ("");
  g_autoptr (DeskOutcome) outcome = NULL;
  const DeskAttachment *file;
  const char *body;

  add_file (self, outbound, "a.png");
  file = outbound->message->attachments->pdata[0];
  outcome = send (self, outbound);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "upload"), ==, 0);
  body = messaging_fault_server_get_done (self->server, "send", 0);
  g_autofree char *begin = g_strdup_printf (
      "\"url\":\"https://desk.example.org/api/v1/crm/files/%s?expires=1790000900&sig=", file->sha256);
  g_assert_nonnull (strstr (body, begin));

  DeskAttachment *gif = outbound->message->attachments->pdata[0];
  g_free (gif->mime_type);
  gif->mime_type = g_strdup ("image/gif");
  g_autoptr (DeskOutcome) refused = send (self, outbound);
  g_assert_cmpint (refused->type, ==, DESK_OUTCOME_PERMANENT);
  g_assert_nonnull (strstr (refused->message, "JPEG"));
}

/* ── Reactions and courtesy ─────────────────────────────────────────────────────────────────── */
static void
test_reactions (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskOutbound) outbound = outbound_new ("");
  const gboolean is_messenger = self->role == MESSAGING_FAULT_MESSENGER;

  outbound->operation = DESK_OPERATION_REACT;
  outbound->message->external_id = g_strdup ("m_1");
  outbound->emoji = g_strdup ("❤️");
  g_autoptr (DeskOutcome) reacted = send (self, outbound);
  g_assert_cmpint (reacted->type, ==, DESK_OUTCOME_SENT);
  assert_body (self, "action", 0,
               is_messenger ? "{\"recipient\":{\"id\":\"5001\"},\"sender_action\":\"react\","
                              "\"payload\":{\"message_id\":\"m_1\",\"reaction\":\"❤️\"}}"
                            : "{\"recipient\":{\"id\":\"5001\"},\"sender_action\":\"react\","
                              "\"payload\":{\"message_id\":\"m_1\",\"reaction\":\"love\"}}");
  g_free (outbound->emoji);
  outbound->emoji = g_strdup ("");
  g_autoptr (DeskOutcome) unreacted = send (self, outbound);
  g_assert_cmpint (unreacted->type, ==, DESK_OUTCOME_SENT);
  assert_body (self, "action", 1,
               "{\"recipient\":{\"id\":\"5001\"},\"sender_action\":\"unreact\",\"payload\":"
               "{\"message_id\":\"m_1\"}}");
  g_free (outbound->emoji);
  outbound->emoji = g_strdup ("🎉");
  g_autoptr (DeskOutcome) other = send (self, outbound);
  g_assert_cmpint (other->type, ==, is_messenger ? DESK_OUTCOME_SENT : DESK_OUTCOME_PERMANENT);

  outbound->operation = DESK_OPERATION_EDIT;
  g_autoptr (DeskOutcome) edited = send (self, outbound);
  g_assert_cmpint (edited->type, ==, DESK_OUTCOME_PERMANENT);
}

static void
test_typing (Fixture *self, gconstpointer data)
{
  desk_connector_typing (self->connector, "s~5001"); /* not started: nothing */
  desk_connector_start (self->connector);
  desk_connector_typing (self->connector, "s~5001");
  desk_connector_typing (self->connector, "s~5001");
  desk_connector_typing (self->connector, "other~1");
  desk_test_wait_for (messaging_fault_server_count_done (self->server, "action") == 3);
  guint seen = 0;
  for (guint i = 0; i < 3; i++)
    seen += strstr (messaging_fault_server_get_done (self->server, "action", i), "mark_seen") != NULL;
  g_assert_cmpuint (seen, ==, 1);
}

/* ── Health ─────────────────────────────────────────────────────────────────────────────────── */
static void
test_start (Fixture *self, gconstpointer data)
{
  messaging_fault_server_set_subscribed (self->server, FALSE);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  g_assert_cmpuint (messaging_fault_server_count_done (self->server, "subscribe"), ==, 1);
  g_assert_nonnull (
      strstr (messaging_fault_server_get_done (self->server, "subscribe", 0), "\"messages\""));
}

static void
test_wrong_account (Fixture *self, gconstpointer data)
{
  self->connection.account_id = (char *)"999";
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_DOWN);
  g_assert_nonnull (strstr (self->host->reason, "999"));
}

static void
test_dead_token (Fixture *self, gconstpointer data)
{
  messaging_fault_server_set_token (self->server, "another");
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_DOWN);
  g_assert_nonnull (strstr (self->host->reason, "expired"));
  g_assert_null (strstr (self->host->reason, MESSAGING_FAULT_TOKEN));
}

/* A send that is refused for the token turns the connection red at once. */
static void
test_token_dies (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskOutbound) outbound = outbound_new ("x");

  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  messaging_fault_server_push_error (self->server, "send", 400, 190, 463);
  g_autoptr (DeskOutcome) outcome = send (self, outbound);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_CONNECTION);
  g_assert_cmpint (self->host->health, ==, DESK_HEALTH_DOWN);
}

static void
test_no_subscription (Fixture *self, gconstpointer data)
{
  messaging_fault_server_set_subscribed (self->server, FALSE);
  messaging_fault_server_push_error (self->server, "subscribe", 403, 200, 0);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_DEGRADED);
  g_assert_nonnull (strstr (self->host->reason, "does not deliver"));
}

static void
test_transient_start (Fixture *self, gconstpointer data)
{
  messaging_fault_server_push (self->server, "me", MESSAGING_FAULT_CLOSE_BEFORE, 0, NULL);
  messaging_fault_server_push_error (self->server, "me", 500, 2, 0);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  g_assert_nonnull (strstr (self->host->healths->str, "degraded"));
}

/* ── Questions ──────────────────────────────────────────────────────────────────────────────── */
static void
on_checked (GObject *object, GAsyncResult *result, gpointer data)
{
  *(DeskConnectionReport **)data = desk_connector_check_finish (DESK_CONNECTOR (object), result);
}

static DeskConnectionReport *
check (Fixture *self)
{
  DeskConnectionReport *report = NULL;

  desk_connector_check_async (self->connector, NULL, on_checked, &report);
  desk_test_wait_for (report != NULL);
  g_assert_cmpuint (report->findings->len, >, 0);
  for (guint i = 0; i < report->findings->len; i++)
    g_assert_null (
        strstr (((DeskFinding *)report->findings->pdata[i])->text, MESSAGING_FAULT_TOKEN));
  return report;
}

static void
test_check (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskConnectionReport) good = check (self);
  const DeskFinding *first = good->findings->pdata[0];

  g_assert_true (desk_connection_report_is_good (good));
  g_assert_nonnull (
      strstr (first->text, self->role == MESSAGING_FAULT_INSTAGRAM ? "shop.hanoi" : "Shop"));
  g_assert_cmpuint (good->findings->len, ==, 2);
  messaging_fault_server_set_subscribed (self->server, FALSE);
  g_autoptr (DeskConnectionReport) unsubscribed = check (self);
  g_assert_cmpint (((DeskFinding *)unsubscribed->findings->pdata[1])->level, ==, DESK_FINDING_NOTE);
  self->connection.account_id = (char *)"999";
  g_autoptr (DeskConnectionReport) other = check (self);
  g_assert_false (desk_connection_report_is_good (other));
  messaging_fault_server_set_token (self->server, "another");
  g_autoptr (DeskConnectionReport) dead = check (self);
  g_assert_false (desk_connection_report_is_good (dead));
}

typedef struct
{
  DeskFoundProfile *profile;
  GError *error;
} Found;

static void
on_profile (GObject *object, GAsyncResult *result, gpointer data)
{
  Found *found = data;

  found->profile
      = desk_connector_get_profile_finish (DESK_CONNECTOR (object), result, &found->error);
}

static Found
get_profile (Fixture *self)
{
  Found found = { NULL, NULL };

  desk_connector_get_profile_async (self->connector, "s~5001", NULL, on_profile, &found);
  desk_test_wait_for (found.profile != NULL || found.error != NULL);
  return found;
}

static void
test_profile (Fixture *self, gconstpointer data)
{
  Found found = get_profile (self);

  g_assert_no_error (found.error);
  g_assert_cmpstr (found.profile->name, ==, "Lan Nguyễn");
  g_assert_cmpstr (found.profile->handle, ==,
                   self->role == MESSAGING_FAULT_MESSENGER ? NULL : "lan.ng");
  g_assert_nonnull (found.profile->avatar);
  g_assert_cmpstr (found.profile->avatar->mime_type, ==, "image/png");
  desk_found_profile_free (found.profile);

  messaging_fault_server_push (self->server, "file", MESSAGING_FAULT_STATUS, 404, "");
  found = get_profile (self);
  g_assert_no_error (found.error);
  g_assert_null (found.profile->avatar);
  desk_found_profile_free (found.profile);

  messaging_fault_server_push_error (self->server, "profile", 400, 100, 33);
  found = get_profile (self);
  g_assert_error (found.error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&found.error);
  messaging_fault_server_push_error (self->server, "profile", 500, 2, 0);
  found = get_profile (self);
  g_assert_error (found.error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_clear_error (&found.error);
}

/* A customer's file is fetched without the token, and told of. */
static void
test_fetch (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) message = desk_message_new (self->connection.platform, "s~5001");
  DeskAttachment *attachment = desk_attachment_new (NULL);
  const DeskInboundItem *item;

  message->external_id = g_strdup ("m_7");
  attachment->state = g_strdup ("pending");
  attachment->external_id = g_strdup ("0");
  attachment->url
      = g_strconcat (messaging_fault_server_get_url (self->server), "/cdn/1.png?oh=1", NULL);
  g_ptr_array_add (message->attachments, attachment);
  desk_connector_start (self->connector);
  desk_connector_fetch_files (self->connector, message);
  desk_test_wait_for (self->host->items->len == 1);
  item = self->host->items->pdata[0];
  g_assert_cmpint (item->type, ==, DESK_INBOUND_ATTACHMENT);
  attachment = item->message->attachments->pdata[0];
  g_assert_cmpstr (attachment->state, ==, "ready");
  g_assert_cmpstr (attachment->mime_type, ==, "image/png");
  g_assert_cmpstr (attachment->external_id, ==, "0");
}

/* ── The token of Instagram's own login ─────────────────────────────────────────────────────── */
static void
set_age (Fixture *self, gint64 age_ms, gint64 rest_ms)
{
  g_autofree char *of = desk_sha256_hex (MESSAGING_FAULT_TOKEN, strlen (MESSAGING_FAULT_TOKEN));
  const DeskInstagramTokenState state
      = { of, NULL, NOW_MS - age_ms, rest_ms > 0 ? NOW_MS + rest_ms : 0 };

  g_free (self->host->checkpoint);
  self->host->checkpoint = desk_instagram_token_state_write (&state);
}

static void
test_token_young (Fixture *self, gconstpointer data)
{
  desk_connector_start (self->connector); /* never seen before */
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK && self->host->checkpoint != NULL);
  g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "refresh"), ==, 0);
  desk_connector_stop (self->connector);
  set_age (self, 6 * DAY_MS, 54 * DAY_MS);
  desk_connector_start (self->connector);
  desk_test_wait_for (messaging_fault_server_count_done (self->server, "me") == 2);
  g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "refresh"), ==, 0);
}

static void
test_token_kept_in_store (Fixture *self, gconstpointer data)
{
  g_auto (DeskInstagramTokenState) state = { 0 };

  set_age (self, 8 * DAY_MS, 52 * DAY_MS);
  desk_connector_start (self->connector);
  desk_test_wait_for (messaging_fault_server_count_done (self->server, "refresh") == 1
                      && strstr (self->host->checkpoint, MESSAGING_FAULT_RENEWED) != NULL);
  g_assert_cmpstr (messaging_fault_server_get_done (self->server, "refresh", 0), ==,
                   "grant_type=ig_refresh_token");
  g_assert_true (desk_instagram_token_state_read (self->host->checkpoint, &state));
  g_assert_cmpint (state.since_ms, ==, NOW_MS);
  g_assert_cmpint (state.expires_ms, ==, NOW_MS + 60 * DAY_MS);
  /* and used, also after a restart with the old configuration */
  desk_connector_stop (self->connector);
  g_object_unref (self->connector);
  create (self);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  g_assert_cmpuint (messaging_fault_server_count_done (self->server, "refresh"), ==, 1);
}

static void
test_token_kept_in_file (Fixture *self, gconstpointer data)
{
  g_autofree char *text = NULL;
  GStatBuf info;

  self->connection.token_path = self->token_path;
  set_age (self, 8 * DAY_MS, 52 * DAY_MS);
  desk_connector_start (self->connector);
  desk_test_wait_for (g_file_test (self->token_path, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_get_contents (self->token_path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, MESSAGING_FAULT_RENEWED "\n");
  g_assert_cmpint (g_stat (self->token_path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  g_assert_null (strstr (self->host->checkpoint, MESSAGING_FAULT_RENEWED));
}

/* Somebody put a new token into the configuration: what is kept of the old one is worth nothing. */
static void
test_token_replaced (Fixture *self, gconstpointer data)
{
  g_free (self->host->checkpoint);
  self->host->checkpoint = g_strdup ("{\"of\":\"another\",\"token\":\"stale\",\"since\":1,"
                                     "\"expires\":2}");
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  g_assert_null (strstr (self->host->checkpoint, "stale"));
}

static void
test_token_cannot_be_refreshed (Fixture *self, gconstpointer data)
{
  set_age (self, 55 * DAY_MS, 5 * DAY_MS);
  messaging_fault_server_push_error (self->server, "refresh", 400, 190, 0);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_DEGRADED);
  g_assert_nonnull (strstr (self->host->reason, "ends in 5 days"));
}

/* ── ────────────────────────────────────────────────────────────────────────────────────────── */
static void
add (MessagingFaultRole role, const char *name, void (*func) (Fixture *self, gconstpointer data))
{
  static const char *const names[] = { "messenger", "instagram", "instagram-page" };
  g_autofree char *path = g_strdup_printf ("/messaging/%s/%s", names[role], name);

  g_test_add (path, Fixture, GUINT_TO_POINTER (role), set_up, func, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (MessagingFaultRole role = 0; role <= MESSAGING_FAULT_INSTAGRAM_PAGE; role++)
    {
      add (role, "text", test_text);
      add (role, "text-limits", test_text_limits);
      add (role, "foreign-chat", test_foreign_chat);
      add (role, "errors", test_errors);
      add (role, "human-agent", test_human_agent);
      add (role, "lost-answers", test_lost_answers);
      add (role, "reactions", test_reactions);
      add (role, "typing", test_typing);
      add (role, "start", test_start);
      add (role, "wrong-account", test_wrong_account);
      add (role, "dead-token", test_dead_token);
      add (role, "token-dies", test_token_dies);
      add (role, "no-subscription", test_no_subscription);
      add (role, "transient-start", test_transient_start);
      add (role, "check", test_check);
      add (role, "profile", test_profile);
      add (role, "fetch", test_fetch);
      if (role != MESSAGING_FAULT_MESSENGER)
        add (role, "window", test_instagram_window);
      if (role != MESSAGING_FAULT_INSTAGRAM)
        {
          add (role, "upload", test_upload);
          add (role, "parts", test_parts);
        }
    }
  add (MESSAGING_FAULT_INSTAGRAM, "link", test_link);
  add (MESSAGING_FAULT_INSTAGRAM, "token/young", test_token_young);
  add (MESSAGING_FAULT_INSTAGRAM, "token/kept-in-store", test_token_kept_in_store);
  add (MESSAGING_FAULT_INSTAGRAM, "token/kept-in-file", test_token_kept_in_file);
  add (MESSAGING_FAULT_INSTAGRAM, "token/replaced", test_token_replaced);
  add (MESSAGING_FAULT_INSTAGRAM, "token/cannot-be-refreshed", test_token_cannot_be_refreshed);
  return g_test_run ();
}
