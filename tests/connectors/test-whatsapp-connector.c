/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* The connector of WhatsApp against a Graph API that fails on demand: what goes out and what each
 * answer means, files both ways, templates, reactions, health. */

#include <string.h>

#include "desk-test-host.h"
#include "server/connectors/whatsapp/desk-whatsapp-connector.h"
#include "server/files/desk-files.h"
#include "whatsapp-fault-server.h"

#define NOW_MS G_GINT64_CONSTANT (1790000000000)
#define CHAT   "84901234567"

typedef struct
{
  WhatsappFaultServer *server;
  DeskClock *clock;
  DeskTestHost *host;
  DeskConnection connection;
  DeskConnector *connector;
  char *folder;
  DeskFileStore *files;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  self->server = whatsapp_fault_server_new ();
  self->clock = desk_clock_manual_new (NOW_MS);
  self->host = desk_test_host_new (self->clock, 1);
  self->folder = g_dir_make_tmp ("desk-whatsapp-XXXXXX", NULL);
  g_autofree char *blobs = g_build_filename (self->folder, "files", NULL);
  g_autofree char *key = g_build_filename (self->folder, "key", NULL);
  self->files = desk_files_open (blobs, key, &error);
  g_assert_no_error (error);
  self->host->host.files = self->files;
  self->connection = (DeskConnection) {
    .name = (char *)"shop",
    .platform = (char *)"whatsapp",
    .mode = (char *)"webhook",
    .chat_prefix = (char *)"",
    .base_url = (char *)whatsapp_fault_server_get_url (self->server),
    .version = (char *)"v23.0",
    .account_id = (char *)WHATSAPP_FAULT_NUMBER,
    .waba_id = (char *)WHATSAPP_FAULT_WABA,
    .token = (char *)WHATSAPP_FAULT_TOKEN,
    .app_secret = (char *)WHATSAPP_FAULT_SECRET,
    .verify_token = (char *)"verify",
  };
  self->connector = desk_whatsapp_connector_new (&self->connection, &self->host->host, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", self->folder);

  desk_connector_stop (self->connector);
  g_object_add_weak_pointer (G_OBJECT (self->connector), (gpointer *)&self->connector);
  g_object_unref (self->connector);
  desk_test_wait_for (self->connector == NULL);
  self->files->ops->close (self->files);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  whatsapp_fault_server_free (self->server);
  desk_test_host_free (self->host);
  desk_clock_unref (self->clock);
  g_free (self->folder);
}

static DeskMessage *
message_new (const char *text)
{
  DeskMessage *message = desk_message_new ("whatsapp", CHAT);

  g_free (message->text);
  message->text = g_strdup (text);
  message->direction = DESK_DIRECTION_OUTGOING;
  message->client_message_id = g_strdup ("0192f-client");
  return message;
}

static void
on_outcome (GObject *source, GAsyncResult *result, gpointer data)
{
  *(DeskOutcome **)data = desk_connector_send_finish (DESK_CONNECTOR (source), result);
}

static DeskOutcome *
send_whole (Fixture *self, const DeskOutbound *outbound)
{
  DeskOutcome *outcome = NULL;

  desk_connector_send_async (self->connector, outbound, NULL, on_outcome, &outcome);
  desk_test_wait_for (outcome != NULL);
  if (outcome->message != NULL)
    g_assert_null (strstr (outcome->message, WHATSAPP_FAULT_TOKEN));
  return outcome;
}

static DeskOutcome *
send_message (Fixture *self, DeskMessage *message, guint attempt)
{
  DeskOutbound outbound = { .attempt = attempt, .message = message };

  return send_whole (self, &outbound);
}

static const char *
sent (Fixture *self, guint n)
{
  return whatsapp_fault_server_get_done (self->server, "messages", n);
}

static void
test_text (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) message = message_new ("Chào “bạn” 👋 https://shop.example");
  DeskOutbound outbound = { .attempt = 1, .message = message, .reply_to_external_id = (char *)"wamid.q" };
  g_autoptr (DeskOutcome) outcome = send_whole (self, &outbound);

  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpstr (outcome->external_id, ==, "wamid.sent-1");
  g_assert_cmpstr (sent (self, 0), ==,
                   "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\",\"to\":"
                   "\"84901234567\",\"context\":{\"message_id\":\"wamid.q\"},"
                   "\"biz_opaque_callback_data\":\"0192f-client\",\"type\":\"text\",\"text\":{"
                   "\"body\":\"Chào “bạn” 👋 https://shop.example\",\"preview_url\":true}}");
}

/* Without a number: "recipient"; a group: another recipient_type. */
static void
test_recipients (Fixture *self, gconstpointer data)
{
  static const char *const wanted[][2]
      = { { "US.13491208655302741918", "\"recipient\":\"US.13491208655302741918\"" },
          { "Y2FwaV9ncm91cDox", "\"recipient_type\":\"group\",\"to\":\"Y2FwaV9ncm91cDox\"" } };

  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      g_autoptr (DeskMessage) message = message_new ("hi");
      g_free (message->user_id);
      message->user_id = g_strdup (wanted[i][0]);
      g_autoptr (DeskOutcome) outcome = send_message (self, message, 1);
      g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
      g_assert_nonnull (strstr (sent (self, i), wanted[i][1]));
    }
}

static void
test_errors (Fixture *self, gconstpointer data)
{
  static const struct
  {
    guint status;
    gint code, subcode;
    guint attempt;
    DeskOutcomeType type;
    const char *told;
    gint64 retry_after_ms;
    gboolean per_chat;
  } cases[] = {
    { 429, 130429, 0, 1, DESK_OUTCOME_RETRY, "130429", 5000, FALSE },
    { 400, 131056, 0, 1, DESK_OUTCOME_RETRY, "131056", 6000, TRUE },
    { 400, 131056, 0, 2, DESK_OUTCOME_RETRY, "131056", 12000, TRUE },
    { 429, 80007, 0, 1, DESK_OUTCOME_RETRY, "80007", 60000, FALSE },
    { 400, 4, 0, 1, DESK_OUTCOME_RETRY, "4", 60000, FALSE },
    { 400, 131048, 0, 1, DESK_OUTCOME_PERMANENT, "131048", -1, FALSE },
    { 400, 131047, 0, 1, DESK_OUTCOME_PERMANENT, "WINDOW_CLOSED", -1, FALSE },
    { 400, 470, 0, 1, DESK_OUTCOME_PERMANENT, "WINDOW_CLOSED", -1, FALSE },
    { 400, 131026, 0, 1, DESK_OUTCOME_PERMANENT, "131026", -1, FALSE },
    { 400, 131049, 0, 1, DESK_OUTCOME_PERMANENT, "131049", -1, FALSE },
    { 400, 130472, 0, 1, DESK_OUTCOME_PERMANENT, "130472", -1, FALSE },
    { 400, 131051, 0, 1, DESK_OUTCOME_PERMANENT, "131051", -1, FALSE },
    { 400, 131008, 0, 1, DESK_OUTCOME_PERMANENT, "131008", -1, FALSE },
    { 400, 131009, 0, 1, DESK_OUTCOME_PERMANENT, "131009", -1, FALSE },
    { 400, 100, 0, 1, DESK_OUTCOME_PERMANENT, "100", -1, FALSE },
    { 400, 131030, 0, 1, DESK_OUTCOME_PERMANENT, "131030", -1, FALSE },
    { 400, 131052, 0, 1, DESK_OUTCOME_RETRY, "131052", -1, FALSE },
    { 400, 131053, 0, 2, DESK_OUTCOME_PERMANENT, "131053", -1, FALSE },
    { 500, 131000, 0, 1, DESK_OUTCOME_RETRY, "131000", -1, FALSE },
    { 503, 131016, 0, 1, DESK_OUTCOME_RETRY, "131016", -1, FALSE },
    { 500, 131057, 0, 1, DESK_OUTCOME_RETRY, "131057", -1, FALSE },
    { 500, 1, 0, 1, DESK_OUTCOME_RETRY, "1", -1, FALSE },
    { 500, 2, 0, 1, DESK_OUTCOME_RETRY, "2", -1, FALSE },
    { 401, 190, 463, 1, DESK_OUTCOME_CONNECTION, "190", -1, FALSE },
    { 401, 0, 0, 1, DESK_OUTCOME_CONNECTION, "0", -1, FALSE },
    { 403, 3, 0, 1, DESK_OUTCOME_CONNECTION, "3", -1, FALSE },
    { 403, 10, 0, 1, DESK_OUTCOME_CONNECTION, "10", -1, FALSE },
    { 403, 200, 0, 1, DESK_OUTCOME_CONNECTION, "200", -1, FALSE },
    { 403, 131005, 0, 1, DESK_OUTCOME_CONNECTION, "131005", -1, FALSE },
    { 403, 131031, 0, 1, DESK_OUTCOME_CONNECTION, "131031", -1, FALSE },
    { 403, 368, 0, 1, DESK_OUTCOME_CONNECTION, "368", -1, FALSE },
    { 400, 133010, 0, 1, DESK_OUTCOME_CONNECTION, "133010", -1, FALSE },
    { 500, 139999, 0, 1, DESK_OUTCOME_UNKNOWN, NULL, -1, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (DeskMessage) message = message_new ("hi");
      g_test_message ("%d", cases[i].code);
      whatsapp_fault_server_push_error (self->server, "messages", cases[i].status, cases[i].code,
                                        cases[i].subcode);
      g_autoptr (DeskOutcome) outcome = send_message (self, message, cases[i].attempt);
      g_assert_cmpint (outcome->type, ==, cases[i].type);
      g_assert_cmpstr (outcome->code, ==, cases[i].told);
      g_assert_cmpint (outcome->retry_after_ms, ==, cases[i].retry_after_ms);
      g_assert_true (outcome->per_chat == cases[i].per_chat);
    }
  g_assert_cmpuint (whatsapp_fault_server_count_done (self->server, "messages"), ==, 0);
}

static void
test_lost (Fixture *self, gconstpointer data)
{
  static const struct
  {
    WhatsappFault fault;
    guint status;
    const char *body;
  } faults[] = {
    { WHATSAPP_FAULT_CLOSE_BEFORE, 0, NULL },
    { WHATSAPP_FAULT_CLOSE_AFTER, 0, NULL },
    { WHATSAPP_FAULT_TRUNCATE_AFTER, 0, NULL },
    { WHATSAPP_FAULT_BODY_AFTER, 502, "<html>bad gateway</html>" },
    { WHATSAPP_FAULT_BODY_AFTER, 200, "{\"messages\":[]}" },
    { WHATSAPP_FAULT_BODY_AFTER, 200, "[]" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (DeskMessage) message = message_new ("hi");
      const guint before = whatsapp_fault_server_count_calls (self->server, "messages");
      whatsapp_fault_server_push (self->server, "messages", faults[i].fault, faults[i].status,
                                  faults[i].body);
      g_autoptr (DeskOutcome) outcome = send_message (self, message, 1);
      g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_UNKNOWN);
      g_assert_cmpuint (whatsapp_fault_server_count_calls (self->server, "messages"), ==,
                        before + 1);
    }
}

/* ── Files ──────────────────────────────────────────────────────────────────────────────────── */
static void
attach (Fixture *self, DeskMessage *message, const char *name, const char *mime_type)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *content = g_strconcat ("content of ", name, NULL);
  DeskFileUpload *upload = self->files->ops->begin (self->files, name, 1 << 20, &error);
  DeskAttachment *attachment;

  g_assert_no_error (error);
  g_assert_true (upload->ops->append (upload, content, strlen (content), &error));
  g_autoptr (DeskStoredFile) file = upload->ops->finish (upload, &error);
  g_assert_no_error (error);
  attachment = desk_attachment_new (file->hash);
  g_free (attachment->filename);
  attachment->filename = g_strdup (name);
  g_free (attachment->mime_type);
  attachment->mime_type = g_strdup (mime_type);
  attachment->size = file->size;
  attachment->sha256 = g_strdup (file->hash);
  attachment->state = g_strdup ("ready");
  g_ptr_array_add (message->attachments, attachment);
}

static void
test_files (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) message = message_new ("Подивіться");
  attach (self, message, "voice.ogg", "audio/ogg");
  attach (self, message, "áo.jpg", "image/jpeg");
  attach (self, message, "giá.pdf", "application/pdf");
  g_autoptr (DeskOutcome) outcome = send_message (self, message, 1);

  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  /* the last part stands for the whole */
  g_assert_cmpstr (outcome->external_id, ==, "wamid.sent-3");
  g_assert_cmpstr (outcome->attachment_ids->pdata[0], ==, "wamid.sent-1");
  g_assert_nonnull (strstr (whatsapp_fault_server_get_done (self->server, "media", 1),
                            "content of áo.jpg"));
  g_assert_nonnull (strstr (sent (self, 0), "\"type\":\"audio\",\"audio\":{\"id\":\"4490001\"}"));
  g_assert_nonnull (strstr (sent (self, 1), "\"type\":\"image\",\"image\":{\"id\":\"4490002\","
                                            "\"caption\":\"Подивіться\"}"));
  g_assert_nonnull (strstr (sent (self, 2), "\"type\":\"document\",\"document\":{\"id\":"
                                            "\"4490003\",\"filename\":\"giá.pdf\"}"));
  g_assert_null (strstr (sent (self, 0), "biz_opaque"));
  g_assert_null (strstr (sent (self, 1), "biz_opaque"));
  g_assert_nonnull (strstr (sent (self, 2), "\"biz_opaque_callback_data\":\"0192f-client\""));

  /* nothing is left to send */
  for (guint i = 0; i < 3; i++)
    ((DeskAttachment *)message->attachments->pdata[i])->external_id
        = g_strdup (outcome->attachment_ids->pdata[i]);
  g_autoptr (DeskOutcome) again = send_message (self, message, 2);
  g_assert_cmpint (again->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpstr (again->external_id, ==, "wamid.sent-3");
  g_assert_cmpuint (whatsapp_fault_server_count_done (self->server, "messages"), ==, 3);
}

/* What WhatsApp took is not sent again, and no id makes the message look sent before its end. */
static void
test_files_go_on (Fixture *self, gconstpointer data)
{
  g_autofree char *text = g_strnfill (1025, 'x');
  g_autoptr (DeskMessage) message = message_new (text);
  attach (self, message, "a.jpg", "image/jpeg");
  attach (self, message, "b.jpg", "image/jpeg");
  whatsapp_fault_server_push (self->server, "media", WHATSAPP_FAULT_BODY_AFTER, 200,
                              "{\"id\":\"1\"}");
  whatsapp_fault_server_push (self->server, "media", WHATSAPP_FAULT_CLOSE_AFTER, 0, NULL);
  g_autoptr (DeskOutcome) first = send_message (self, message, 1);

  g_assert_cmpint (first->type, ==, DESK_OUTCOME_RETRY); /* an upload alone: surely not sent */
  g_assert_null (first->external_id);
  g_assert_cmpstr (first->attachment_ids->pdata[0], ==, "wamid.sent-1");
  g_assert_null (first->attachment_ids->pdata[1]);
  ((DeskAttachment *)message->attachments->pdata[0])->external_id = g_strdup ("wamid.sent-1");
  g_autoptr (DeskOutcome) second = send_message (self, message, 2);
  g_assert_cmpint (second->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpstr (second->external_id, ==, "wamid.sent-3");
  g_assert_cmpuint (whatsapp_fault_server_count_done (self->server, "messages"), ==, 3);
  g_assert_nonnull (strstr (sent (self, 2), "\"type\":\"text\""));
  g_assert_nonnull (strstr (sent (self, 2), "biz_opaque"));
}

static DeskMessage *
incoming_file (const char *sha256)
{
  DeskMessage *message = desk_message_new ("whatsapp", CHAT);
  DeskAttachment *attachment = desk_attachment_new (NULL);

  message->external_id = g_strdup ("wamid.in");
  attachment->state = g_strdup ("pending");
  attachment->external_id = g_strdup ("2754859441498128");
  attachment->sha256 = g_strdup (sha256);
  g_ptr_array_add (message->attachments, attachment);
  return message;
}

static void
test_fetch (Fixture *self, gconstpointer data)
{
  static const char jpeg[] = "\xff\xd8\xff\xe0 a picture";
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, jpeg, -1);
  g_autoptr (DeskMessage) message = incoming_file (hash);
  const DeskAttachment *told;

  whatsapp_fault_server_set_file (self->server, jpeg, strlen (jpeg), NULL);
  desk_connector_start (self->connector);
  desk_connector_fetch_files (self->connector, message);
  desk_test_wait_for (self->host->items->len == 1);
  told = ((DeskInboundItem *)self->host->items->pdata[0])->message->attachments->pdata[0];
  g_assert_cmpstr (told->state, ==, "ready");
  g_assert_cmpstr (told->sha256, ==, hash);
  g_assert_cmpstr (told->external_id, ==, "2754859441498128");
}

static void
test_fetch_gone (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) message = incoming_file (NULL);
  const DeskAttachment *told;

  whatsapp_fault_server_push_error (self->server, "address", 400, 100, 33);
  desk_connector_start (self->connector);
  desk_connector_fetch_files (self->connector, message);
  desk_test_wait_for (self->host->items->len == 1);
  told = ((DeskInboundItem *)self->host->items->pdata[0])->message->attachments->pdata[0];
  g_assert_cmpstr (told->state, ==, "failed");
  g_assert_null (told->url);
}

/* Bytes that are not what the customer sent are never shown; asked for again, then given up. */
static void
test_fetch_forged (Fixture *self, gconstpointer data)
{
  g_autofree char *other = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "another", -1);
  g_autoptr (DeskMessage) message = incoming_file (other);
  const DeskAttachment *told;

  whatsapp_fault_server_set_file (self->server, "forged", 6, NULL);
  desk_connector_start (self->connector);
  desk_connector_fetch_files (self->connector, message);
  desk_test_wait_for (self->host->items->len == 1);
  told = ((DeskInboundItem *)self->host->items->pdata[0])->message->attachments->pdata[0];
  g_assert_cmpstr (told->state, ==, "failed");
  g_assert_cmpuint (whatsapp_fault_server_count_calls (self->server, "download"), ==, 3);
}

/* ── Templates, reactions, courtesies ───────────────────────────────────────────────────────── */
static void
on_templates (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  *(GPtrArray **)data
      = desk_connector_list_templates_finish (DESK_CONNECTOR (source), result, &error);
  g_assert_no_error (error);
}

#define PAGE(name, body)                                                                           \
  "[{\"name\":\"" name "\",\"language\":\"vi\",\"status\":\"APPROVED\",\"category\":\"UTILITY\","  \
  "\"components\":[{\"type\":\"BODY\",\"text\":\"" body "\"}]}]"

static void
test_templates (Fixture *self, gconstpointer data)
{
  static const char *const pages[] = { PAGE ("one", "Chào {{1}}"), PAGE ("two", "Xin chào"), NULL };
  const char *const variables[] = { "Ánh", NULL };
  GPtrArray *templates = NULL;
  g_autoptr (DeskMessage) message = message_new ("Chào Ánh");

  whatsapp_fault_server_set_templates (self->server, pages);
  message->template = desk_template_use_new ("one", "vi", (char *const *)variables);
  /* not listed before: looked up for this send */
  g_autoptr (DeskOutcome) outcome = send_message (self, message, 1);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  g_assert_nonnull (strstr (sent (self, 0),
                            "\"type\":\"template\",\"template\":{\"name\":\"one\",\"language\":{"
                            "\"code\":\"vi\"},\"components\":[{\"type\":\"body\",\"parameters\":[{"
                            "\"type\":\"text\",\"text\":\"Ánh\"}]}]}"));
  desk_connector_list_templates_async (self->connector, NULL, on_templates, &templates);
  desk_test_wait_for (templates != NULL);
  g_assert_cmpuint (templates->len, ==, 2);
  g_assert_cmpstr (((DeskTemplate *)templates->pdata[1])->name, ==, "two");
  g_ptr_array_unref (templates);

  g_free (message->template->name);
  message->template->name = g_strdup ("three");
  g_autoptr (DeskOutcome) none = send_message (self, message, 1);
  g_assert_cmpint (none->type, ==, DESK_OUTCOME_PERMANENT);
  g_assert_cmpstr (none->code, ==, "132001");
  whatsapp_fault_server_push_error (self->server, "templates", 500, 2, 0);
  g_autoptr (DeskOutcome) later = send_message (self, message, 1);
  g_assert_cmpint (later->type, ==, DESK_OUTCOME_RETRY);
  g_assert_cmpuint (whatsapp_fault_server_count_done (self->server, "messages"), ==, 1);
}

static void
test_operations (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) message = message_new ("x");
  DeskOutbound outbound
      = { .attempt = 1, .operation = DESK_OPERATION_REACT, .message = message, .emoji = (char *)"👍" };
  message->external_id = g_strdup ("wamid.in");
  g_autoptr (DeskOutcome) set = send_whole (self, &outbound);
  g_assert_cmpint (set->type, ==, DESK_OUTCOME_SENT);
  g_assert_nonnull (strstr (sent (self, 0), "\"reaction\":{\"message_id\":\"wamid.in\",\"emoji\":\"👍\"}"));
  outbound.emoji = (char *)"";
  g_autoptr (DeskOutcome) unset = send_whole (self, &outbound);
  g_assert_cmpint (unset->type, ==, DESK_OUTCOME_SENT);
  g_assert_nonnull (strstr (sent (self, 1), "\"emoji\":\"\""));
  outbound.operation = DESK_OPERATION_EDIT;
  g_autoptr (DeskOutcome) edit = send_whole (self, &outbound);
  g_assert_cmpint (edit->type, ==, DESK_OUTCOME_PERMANENT);
  g_assert_cmpuint (whatsapp_fault_server_count_calls (self->server, "messages"), ==, 2);
}

/* ── Health and load ────────────────────────────────────────────────────────────────────────── */
static void
test_health (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) message = message_new ("x");

  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  whatsapp_fault_server_push_error (self->server, "messages", 401, 190, 463);
  g_autoptr (DeskOutcome) outcome = send_message (self, message, 1);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_CONNECTION);
  g_assert_cmpint (self->host->health, ==, DESK_HEALTH_DOWN);
  g_assert_nonnull (strstr (self->host->reason, "expired"));
  /* looked at again by itself */
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
}

static void
test_health_refused (Fixture *self, gconstpointer data)
{
  whatsapp_fault_server_push_error (self->server, "number", 400, 100, 33);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_DOWN);
}

/* Full: what is sent next waits for as long as Meta says, and never leaves before. */
static void
test_load (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) message = message_new ("x");

  whatsapp_fault_server_set_usage (self->server,
                                   "{\"1022\":[{\"type\":\"whatsapp\",\"call_count\":100,"
                                   "\"total_cputime\":1,\"total_time\":1,"
                                   "\"estimated_time_to_regain_access\":3}]}");
  g_autoptr (DeskOutcome) first = send_message (self, message, 1);
  g_assert_cmpint (first->type, ==, DESK_OUTCOME_SENT);
  g_autoptr (DeskOutcome) second = send_message (self, message, 1);
  g_assert_cmpint (second->type, ==, DESK_OUTCOME_RETRY);
  g_assert_cmpint (second->retry_after_ms, >, 170 * 1000);
  g_assert_cmpuint (whatsapp_fault_server_count_calls (self->server, "messages"), ==, 1);
}

static void
on_report (GObject *source, GAsyncResult *result, gpointer data)
{
  *(DeskConnectionReport **)data = desk_connector_check_finish (DESK_CONNECTOR (source), result);
}

static void
test_check (Fixture *self, gconstpointer data)
{
  DeskConnectionReport *report = NULL;

  desk_connector_check_async (self->connector, NULL, on_report, &report);
  desk_test_wait_for (report != NULL);
  g_assert_true (desk_connection_report_is_good (report));
  g_assert_nonnull (strstr (((DeskFinding *)report->findings->pdata[0])->text, "+1 555-078-3881"));
  g_clear_pointer (&report, desk_connection_report_free);
  whatsapp_fault_server_push_error (self->server, "number", 401, 190, 0);
  desk_connector_check_async (self->connector, NULL, on_report, &report);
  desk_test_wait_for (report != NULL);
  g_assert_false (desk_connection_report_is_good (report));
  desk_connection_report_free (report);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/whatsapp-connector/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("text", test_text);
  ADD ("recipients", test_recipients);
  ADD ("errors", test_errors);
  ADD ("lost", test_lost);
  ADD ("files", test_files);
  ADD ("files-go-on", test_files_go_on);
  ADD ("fetch", test_fetch);
  ADD ("fetch-gone", test_fetch_gone);
  ADD ("fetch-forged", test_fetch_forged);
  ADD ("templates", test_templates);
  ADD ("operations", test_operations);
  ADD ("health", test_health);
  ADD ("health-refused", test_health_refused);
  ADD ("load", test_load);
  ADD ("check", test_check);
  return g_test_run ();
}
