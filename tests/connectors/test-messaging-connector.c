/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* What the connectors of Messenger and Instagram send, against a Send API that fails on demand: what
 * becomes of each answer, that nothing is sent twice, files, reactions. */

#include <json-glib/json-glib.h>
#include <string.h>

#include "desk-messaging-fixture.h"
#include "server/connectors/desk-connectors.h"

static void
assert_body (MessagingFixture *self, const char *method, guint n, const char *wanted)
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
test_text (MessagingFixture *self, gconstpointer data)
{
  g_autoptr (DeskOutbound) outbound = messaging_outbound_new ("Còn hàng ạ 🧥 <b>&");
  g_autoptr (DeskOutcome) outcome = NULL;

  outbound->reply_to_external_id = g_strdup ("m_1");
  outcome = messaging_fixture_send (self, outbound);
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
test_text_limits (MessagingFixture *self, gconstpointer data)
{
  const gboolean is_messenger = self->role == MESSAGING_FAULT_MESSENGER;
  g_autoptr (GString) text = g_string_new (NULL);
  const guint n = is_messenger ? 2000 : 333;

  for (guint i = 0; i < n; i++)
    g_string_append (text, "ạ"); /* three bytes */
  g_autoptr (DeskOutbound) fits = messaging_outbound_new (text->str);
  g_autoptr (DeskOutcome) sent = messaging_fixture_send (self, fits);
  g_assert_cmpint (sent->type, ==, DESK_OUTCOME_SENT);
  g_string_append (text, "ạ");
  g_autoptr (DeskOutbound) exceeds = messaging_outbound_new (text->str);
  g_autoptr (DeskOutcome) refused = messaging_fixture_send (self, exceeds);
  g_assert_cmpint (refused->type, ==, DESK_OUTCOME_PERMANENT);
  g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "send"), ==, 1);
}

static void
test_foreign_chat (MessagingFixture *self, gconstpointer data)
{
  g_autoptr (DeskOutbound) outbound = messaging_outbound_new ("x");
  g_autoptr (DeskOutcome) outcome = NULL;

  g_free (outbound->message->user_id);
  outbound->message->user_id = g_strdup ("other~5001");
  outcome = messaging_fixture_send (self, outbound);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_PERMANENT);
  g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "send"), ==, 0);
}

/* Every row of the table of errors. */
static void
test_errors (MessagingFixture *self, gconstpointer data)
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
      g_autoptr (DeskOutbound) outbound = messaging_outbound_new ("x");
      g_autoptr (DeskOutcome) outcome = NULL;
      messaging_fault_server_push_error (self->server, "send", (guint)rows[i].status, rows[i].code,
                                         rows[i].subcode);
      outcome = messaging_fixture_send (self, outbound);
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
test_instagram_window (MessagingFixture *self, gconstpointer data)
{
  g_autoptr (DeskOutbound) outbound = messaging_outbound_new ("x");
  g_autoptr (DeskOutcome) outcome = NULL;

  messaging_fault_server_push_error (self->server, "send", 400, 10, 2534022);
  outcome = messaging_fixture_send (self, outbound);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_PERMANENT);
  g_assert_cmpstr (outcome->code, ==, "WINDOW_CLOSED");
}

/* The platform says that it did not take the reply: then it goes as a person's. */
static void
test_human_agent (MessagingFixture *self, gconstpointer data)
{
  const gint subcode = self->role == MESSAGING_FAULT_MESSENGER ? 2018278 : 2534022;

  g_assert_cmpuint (desk_connector_get_platform (self->connector)->window_hours, ==, 24);
  g_object_unref (self->connector);
  self->connection.human_agent = TRUE;
  messaging_fixture_create (self);
  g_assert_cmpuint (desk_connector_get_platform (self->connector)->window_hours, ==, 168);

  g_autoptr (DeskOutbound) outbound = messaging_outbound_new ("Muộn rồi");
  messaging_fault_server_push_error (self->server, "send", 400, 10, subcode);
  g_autoptr (DeskOutcome) late = messaging_fixture_send (self, outbound);
  g_assert_cmpint (late->type, ==, DESK_OUTCOME_SENT);
  assert_body (self, "send", 0,
               "{\"recipient\":{\"id\":\"5001\"},\"messaging_type\":\"MESSAGE_TAG\",\"tag\":"
               "\"HUMAN_AGENT\",\"message\":{\"text\":\"Muộn rồi\",\"metadata\":\"0190-cafe\"}}");
  g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "send"), ==, 2);

  /* more than seven days: once more, and no more */
  messaging_fault_server_push_error (self->server, "send", 400, 10, subcode);
  messaging_fault_server_push_error (self->server, "send", 400, 10, subcode);
  g_autoptr (DeskOutcome) closed = messaging_fixture_send (self, outbound);
  g_assert_cmpint (closed->type, ==, DESK_OUTCOME_PERMANENT);
  g_assert_cmpstr (closed->code, ==, "WINDOW_CLOSED");
  g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "send"), ==, 4);
}

/* Accepted, and the answer lost: never known, and never sent again by itself. */
static void
test_lost_answers (MessagingFixture *self, gconstpointer data)
{
  static const MessagingFault faults[]
      = { MESSAGING_FAULT_CLOSE_BEFORE, MESSAGING_FAULT_CLOSE_AFTER, MESSAGING_FAULT_TRUNCATE_AFTER };

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (DeskOutbound) outbound = messaging_outbound_new ("x");
      g_autoptr (DeskOutcome) outcome = NULL;
      messaging_fault_server_push (self->server, "send", faults[i], 0, NULL);
      outcome = messaging_fixture_send (self, outbound);
      g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_UNKNOWN);
      g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "send"), ==, i + 1);
    }
  messaging_fault_server_push (self->server, "send", MESSAGING_FAULT_BODY_AFTER, 502, "<html>");
  g_autoptr (DeskOutbound) outbound = messaging_outbound_new ("x");
  g_autoptr (DeskOutcome) outcome = messaging_fixture_send (self, outbound);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_UNKNOWN);
}

/* ── Files ──────────────────────────────────────────────────────────────────────────────────── */
static void
add_file (MessagingFixture *self, DeskOutbound *outbound, const char *name)
{
  DeskFileStore *files = self->host->host.files;
  DeskFileUpload *upload = files->ops->begin (files, name, 1000, NULL);

  g_assert_true (files->ops->append (upload, MESSAGING_PNG, MESSAGING_PNG_BYTES, NULL));
  g_autoptr (DeskStoredFile) file = files->ops->finish (upload, NULL);
  DeskAttachment *attachment = desk_attachment_new (file->hash);
  g_free (attachment->filename);
  attachment->filename = g_strdup (name);
  g_free (attachment->mime_type);
  attachment->mime_type = g_strdup ("image/png");
  attachment->size = (gint64)MESSAGING_PNG_BYTES;
  attachment->sha256 = g_strdup (file->hash);
  g_ptr_array_add (outbound->message->attachments, attachment);
}

static void
test_upload (MessagingFixture *self, gconstpointer data)
{
  g_autoptr (DeskOutbound) outbound = messaging_outbound_new ("Đây ạ");
  g_autoptr (DeskOutcome) outcome = NULL;
  const char *form;

  add_file (self, outbound, "a.png");
  outcome = messaging_fixture_send (self, outbound);
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
  g_autoptr (DeskOutcome) again = messaging_fixture_send (self, outbound);
  g_assert_cmpint (again->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "upload"), ==, 1);

  /* until the platform forgets it */
  messaging_fault_server_push (self->server, "send", MESSAGING_FAULT_BODY_AFTER, 200,
                               "{\"recipient_id\":\"5001\",\"message_id\":\"m_t\"}");
  messaging_fault_server_push_error (self->server, "send", 400, 100, 2018074);
  g_autoptr (DeskOutcome) anew = messaging_fixture_send (self, outbound);
  g_assert_cmpint (anew->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "upload"), ==, 2);
}

/* What went out is not sent again by the next attempt; an upload's end is never unknown. */
static void
test_parts (MessagingFixture *self, gconstpointer data)
{
  g_autoptr (DeskOutbound) outbound = messaging_outbound_new ("Hai ảnh");

  add_file (self, outbound, "a.png");
  messaging_fault_server_push (self->server, "upload", MESSAGING_FAULT_CLOSE_AFTER, 0, NULL);
  g_autoptr (DeskOutcome) first = messaging_fixture_send (self, outbound);
  g_assert_cmpint (first->type, ==, DESK_OUTCOME_RETRY);
  g_assert_cmpstr (first->external_id, ==, "m_100"); /* the text is there */

  outbound->attempt = 2;
  outbound->message->external_id = g_strdup (first->external_id);
  g_autoptr (DeskOutcome) second = messaging_fixture_send (self, outbound);
  g_assert_cmpint (second->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpuint (messaging_fault_server_count_done (self->server, "send"), ==, 2);
  g_assert_null (strstr (messaging_fault_server_get_done (self->server, "send", 1), "Hai"));
}

/* Instagram's own login takes no uploads: it fetches. */
static void
test_link (MessagingFixture *self, gconstpointer data)
{
  g_autoptr (DeskOutbound) outbound = messaging_outbound_new ("");
  g_autoptr (DeskOutcome) outcome = NULL;
  const DeskAttachment *file;
  const char *body;

  add_file (self, outbound, "a.png");
  file = outbound->message->attachments->pdata[0];
  outcome = messaging_fixture_send (self, outbound);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "upload"), ==, 0);
  body = messaging_fault_server_get_done (self->server, "send", 0);
  g_autofree char *begin = g_strdup_printf (
      "\"url\":\"https://desk.example.org/api/v1/crm/files/%s?expires=1790000900&sig=", file->sha256);
  g_assert_nonnull (strstr (body, begin));

  DeskAttachment *gif = outbound->message->attachments->pdata[0];
  g_free (gif->mime_type);
  gif->mime_type = g_strdup ("image/gif");
  g_autoptr (DeskOutcome) refused = messaging_fixture_send (self, outbound);
  g_assert_cmpint (refused->type, ==, DESK_OUTCOME_PERMANENT);
  g_assert_nonnull (strstr (refused->message, "JPEG"));
}

/* ── Reactions and courtesy ─────────────────────────────────────────────────────────────────── */
static void
test_reactions (MessagingFixture *self, gconstpointer data)
{
  g_autoptr (DeskOutbound) outbound = messaging_outbound_new ("");
  const gboolean is_messenger = self->role == MESSAGING_FAULT_MESSENGER;

  outbound->operation = DESK_OPERATION_REACT;
  outbound->message->external_id = g_strdup ("m_1");
  outbound->emoji = g_strdup ("❤️");
  g_autoptr (DeskOutcome) reacted = messaging_fixture_send (self, outbound);
  g_assert_cmpint (reacted->type, ==, DESK_OUTCOME_SENT);
  assert_body (self, "action", 0,
               is_messenger ? "{\"recipient\":{\"id\":\"5001\"},\"sender_action\":\"react\","
                              "\"payload\":{\"message_id\":\"m_1\",\"reaction\":\"❤️\"}}"
                            : "{\"recipient\":{\"id\":\"5001\"},\"sender_action\":\"react\","
                              "\"payload\":{\"message_id\":\"m_1\",\"reaction\":\"love\"}}");
  g_free (outbound->emoji);
  outbound->emoji = g_strdup ("");
  g_autoptr (DeskOutcome) unreacted = messaging_fixture_send (self, outbound);
  g_assert_cmpint (unreacted->type, ==, DESK_OUTCOME_SENT);
  assert_body (self, "action", 1,
               "{\"recipient\":{\"id\":\"5001\"},\"sender_action\":\"unreact\",\"payload\":"
               "{\"message_id\":\"m_1\"}}");
  g_free (outbound->emoji);
  outbound->emoji = g_strdup ("🎉");
  g_autoptr (DeskOutcome) other = messaging_fixture_send (self, outbound);
  g_assert_cmpint (other->type, ==, is_messenger ? DESK_OUTCOME_SENT : DESK_OUTCOME_PERMANENT);

  outbound->operation = DESK_OPERATION_EDIT;
  g_autoptr (DeskOutcome) edited = messaging_fixture_send (self, outbound);
  g_assert_cmpint (edited->type, ==, DESK_OUTCOME_PERMANENT);
}

static void
test_typing (MessagingFixture *self, gconstpointer data)
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
  desk_connector_mark_read (self->connector, "other~1", "m_1");
  desk_connector_mark_read (self->connector, "s~5001", "m_1");
  desk_test_wait_for (messaging_fault_server_count_done (self->server, "action") == 4);
  assert_body (self, "action", 3,
               "{\"recipient\":{\"id\":\"5001\"},\"sender_action\":\"mark_seen\"}");
}

/* Meta tells on a success that it is at its limits: the next one waits its minutes in the queue, one
 * near the limit a moment. */
static void
test_load (MessagingFixture *self, gconstpointer data)
{
  g_autoptr (DeskOutbound) outbound = messaging_outbound_new ("hi");
  const gint64 begin_us = g_get_monotonic_time ();

  messaging_fault_server_set_load (
      self->server, "{\"1080\":[{\"type\":\"messenger\",\"call_count\":92,\"total_cputime\":1,"
                    "\"total_time\":1,\"estimated_time_to_regain_access\":0}]}");
  g_autoptr (DeskOutcome) first = messaging_fixture_send (self, outbound);
  g_assert_cmpint (first->type, ==, DESK_OUTCOME_SENT);
  messaging_fault_server_set_load (
      self->server, "{\"1080\":[{\"type\":\"messenger\",\"call_count\":100,\"total_cputime\":1,"
                    "\"total_time\":1,\"estimated_time_to_regain_access\":7}]}");
  g_autoptr (DeskOutcome) second = messaging_fixture_send (self, outbound);
  g_assert_cmpint (second->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpint (g_get_monotonic_time () - begin_us, >=, 1900 * 1000);
  g_autoptr (DeskOutcome) third = messaging_fixture_send (self, outbound);
  g_assert_cmpint (third->type, ==, DESK_OUTCOME_RETRY);
  g_assert_cmpint (third->retry_after_ms, >, 6 * 60 * 1000);
  g_assert_cmpint (third->retry_after_ms, <=, 7 * 60 * 1000);
  g_assert_false (third->per_chat);
  g_assert_cmpuint (messaging_fault_server_count_calls (self->server, "send"), ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (MessagingFaultRole role = 0; role <= MESSAGING_FAULT_INSTAGRAM_PAGE; role++)
    {
      messaging_fixture_add (role, "text", test_text);
      messaging_fixture_add (role, "text-limits", test_text_limits);
      messaging_fixture_add (role, "foreign-chat", test_foreign_chat);
      messaging_fixture_add (role, "errors", test_errors);
      messaging_fixture_add (role, "human-agent", test_human_agent);
      messaging_fixture_add (role, "lost-answers", test_lost_answers);
      messaging_fixture_add (role, "reactions", test_reactions);
      messaging_fixture_add (role, "typing", test_typing);
      messaging_fixture_add (role, "load", test_load);
      if (role != MESSAGING_FAULT_MESSENGER)
        messaging_fixture_add (role, "window", test_instagram_window);
      if (role != MESSAGING_FAULT_INSTAGRAM)
        {
          messaging_fixture_add (role, "upload", test_upload);
          messaging_fixture_add (role, "parts", test_parts);
        }
    }
  messaging_fixture_add (MESSAGING_FAULT_INSTAGRAM, "link", test_link);
  return g_test_run ();
}
