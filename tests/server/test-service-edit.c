/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* Edits, deletions and reactions by managers, and the way of each to the platform. */

#include <string.h>

#include "server/service/desk-service-change.h"
#include "service-fixture.h"

#define ADD(name, func)                                                                            \
  g_test_add ("/service/edit/" name, Fixture, NULL, fixture_setup, func, fixture_teardown)
#define HEART "\xe2\x9d\xa4"

static void
assert_code (DeskReply *reply, const char *expected)
{
  g_autofree char *code = take_code (reply);
  g_assert_cmpstr (code, ==, expected);
}

static void
assert_types (Fixture *self, const char *expected)
{
  g_autofree char *types = fixture_take_types (self);
  g_assert_cmpstr (types, ==, expected);
}

static DeskReply *
edit (Fixture *self, DeskIdentity *who, const char *id, const char *text, gint64 base_rev)
{
  FixtureWait wait;
  fixture_wait_init (&wait);
  desk_service_edit_message (self->service, who, id, text, base_rev, fixture_on_reply, &wait);
  return fixture_wait_end (&wait);
}

static DeskReply *
delete (Fixture *self, DeskIdentity *who, const char *id)
{
  FixtureWait wait;
  fixture_wait_init (&wait);
  desk_service_delete_message (self->service, who, id, fixture_on_reply, &wait);
  return fixture_wait_end (&wait);
}

static DeskReply *
react (Fixture *self, DeskIdentity *who, const char *id, const char *emoji)
{
  FixtureWait wait;
  fixture_wait_init (&wait);
  desk_service_react (self->service, who, id, emoji, fixture_on_reply, &wait);
  return fixture_wait_end (&wait);
}

static DeskMessage *
get (Fixture *self, guint from_end)
{
  g_autoptr (JsonNode) owner = NULL;
  g_autoptr (GError) error = NULL;
  DeskReply *reply = desk_service_get_messages (self->service, self->anna, "demo", "7", 50, 0,
                                                G_MAXINT64, -1);
  owner = take_data (reply, 200);
  DeskMessage *message = desk_wire_read_message (
      json_array_get_element (json_node_get_array (owner), from_end), &error);
  g_assert_no_error (error);
  return message;
}

static char *
id_of (Fixture *self, guint from_end)
{
  g_autoptr (DeskMessage) message = get (self, from_end);
  return g_strdup (message->id);
}

/* ── The platform, by hand ──────────────────────────────────────────────────────────────────── */

static void
on_ok (gboolean ok, gpointer data)
{
  g_atomic_int_set ((gint *)data, ok ? 1 : 2);
}

static gboolean
await (gint *done)
{
  while (g_atomic_int_get (done) == 0)
    g_thread_yield ();
  return *done == 1;
}

static DeskOutbound *
take_job (Fixture *self)
{
  g_autoptr (GError) error = NULL;
  gint64 due;
  g_autoptr (GPtrArray) jobs
      = desk_service_due_jobs (self->service, "main", 9, NULL, &due, &error);
  g_assert_no_error (error);
  g_ptr_array_set_free_func (jobs, NULL);
  g_assert_cmpuint (jobs->len, <=, 1);
  return jobs->len > 0 ? jobs->pdata[0] : NULL;
}

static gboolean
begin (Fixture *self, const DeskOutbound *outbound)
{
  gint done = 0;
  desk_service_begin_attempt (self->service, outbound->job_id, on_ok, &done);
  return await (&done);
}

static void
finish (Fixture *self, DeskOutbound *outbound, DeskOutcomeType type, const char *external_id)
{
  g_autoptr (DeskOutcome) outcome = desk_outcome_new (type, NULL, NULL);
  gint done = 0;
  outcome->external_id = g_strdup (external_id);
  if (type == DESK_OUTCOME_PERMANENT)
    {
      outcome->code = g_strdup ("400");
      outcome->message = g_strdup ("Too old");
    }
  desk_service_finish_attempt (self->service, outbound, outcome, on_ok, &done);
  g_assert_true (await (&done));
  desk_outbound_free (outbound);
}

static void
deliver (Fixture *self, DeskOutcomeType type, const char *external_id)
{
  DeskOutbound *outbound = take_job (self);
  g_assert_nonnull (outbound);
  g_assert_true (begin (self, outbound));
  finish (self, outbound, type, external_id);
}

/* A customer's message and a reply which the platform has; the id of the latter. */
static char *
sent_reply (Fixture *self)
{
  fixture_incoming (self, "7", "e1", "hello");
  json_node_unref (take_data (fixture_send (self, self->anna, "7", "first", "k1", -1), 201));
  deliver (self, DESK_OUTCOME_SENT, "x1");
  fixture_clear_frames (self);
  return id_of (self, 0);
}

/* ── Edits ──────────────────────────────────────────────────────────────────────────────────── */

static void
test_edit (Fixture *self, gconstpointer data)
{
  g_autofree char *id = sent_reply (self);
  json_node_unref (take_data (edit (self, self->anna, id, "second", -1), 202));
  json_node_unref (take_data (edit (self, self->anna, id, "second", -1), 202)); /* asked twice */
  assert_types (self, "message_updated");
  g_autoptr (DeskMessage) waiting = get (self, 0);
  g_assert_cmpstr (waiting->text, ==, "first"); /* until the platform has it */
  g_assert_cmpstr (waiting->change->text, ==, "second");
  fixture_reopen (self);
  DeskOutbound *outbound = take_job (self);
  g_assert_cmpint (outbound->operation, ==, DESK_OPERATION_EDIT);
  g_assert_cmpstr (outbound->message->text, ==, "second");
  g_assert_cmpstr (outbound->message->external_id, ==, "x1");
  g_assert_true (begin (self, outbound));
  finish (self, outbound, DESK_OUTCOME_SENT, NULL);
  assert_types (self, "message_updated,chat_updated");
  g_autoptr (DeskMessage) done = get (self, 0);
  g_assert_cmpstr (done->text, ==, "second");
  g_assert_null (done->change);
  g_assert_cmpint (done->edited_at_ms, >, 0);
  g_assert_cmpint (done->status, ==, DESK_STATUS_SENT);
  g_assert_null (take_job (self));
  json_node_unref (take_data (edit (self, self->anna, id, "second", 1), 200)); /* is so already */
  assert_code (edit (self, self->anna, id, "third", 1), "CONFLICT");
}

static void
test_edit_fails (Fixture *self, gconstpointer data)
{
  g_autofree char *id = sent_reply (self);
  json_node_unref (take_data (edit (self, self->anna, id, "second", -1), 202));
  deliver (self, DESK_OUTCOME_PERMANENT, NULL);
  g_autoptr (DeskMessage) failed = get (self, 0);
  g_assert_cmpstr (failed->text, ==, "first");
  g_assert_cmpint (failed->status, ==, DESK_STATUS_SENT);
  g_assert_cmpint (failed->change->state, ==, DESK_CHANGE_FAILED);
  g_assert_cmpstr (failed->change->message, ==, "Too old");
  assert_types (self, "message_updated,message_updated");
  g_assert_null (take_job (self));
  json_node_unref (take_data (edit (self, self->anna, id, "second", -1), 202)); /* once more */
  deliver (self, DESK_OUTCOME_SENT, NULL);
  g_autoptr (DeskMessage) done = get (self, 0);
  g_assert_cmpstr (done->text, ==, "second");
}

/* Told by value, so an unknown outcome is simply tried again; and a crash, too. */
static void
test_edit_again (Fixture *self, gconstpointer data)
{
  g_autofree char *id = sent_reply (self);
  guint unknown = 9;
  json_node_unref (take_data (edit (self, self->anna, id, "second", -1), 202));
  deliver (self, DESK_OUTCOME_UNKNOWN, NULL);
  g_assert_null (take_job (self));
  desk_clock_manual_advance_ms (self->clock, 60000);
  DeskOutbound *outbound = take_job (self);
  g_assert_true (begin (self, outbound));
  desk_outbound_free (outbound);
  g_assert_null (take_job (self));
  fixture_reopen (self);
  g_assert_true (desk_service_recover_jobs (self->service, &unknown, NULL));
  g_assert_cmpuint (unknown, ==, 0);
  deliver (self, DESK_OUTCOME_SENT, NULL);
  g_autoptr (DeskMessage) done = get (self, 0);
  g_assert_cmpstr (done->text, ==, "second");
}

/* A newer edit while one is under way: both reach the platform, the newer one last. */
static void
test_edit_overtakes (Fixture *self, gconstpointer data)
{
  g_autofree char *id = sent_reply (self);
  json_node_unref (take_data (edit (self, self->anna, id, "second", -1), 202));
  DeskOutbound *outbound = take_job (self);
  g_assert_true (begin (self, outbound));
  json_node_unref (take_data (edit (self, self->anna, id, "third", -1), 202));
  finish (self, outbound, DESK_OUTCOME_SENT, NULL);
  g_autoptr (DeskMessage) middle = get (self, 0);
  g_assert_cmpstr (middle->text, ==, "second");
  g_assert_cmpstr (middle->change->text, ==, "third");
  deliver (self, DESK_OUTCOME_SENT, NULL);
  g_autoptr (DeskMessage) done = get (self, 0);
  g_assert_cmpstr (done->text, ==, "third");
  g_assert_null (done->change);
  g_assert_null (take_job (self));
}

static void
test_edit_queued (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  json_node_unref (take_data (fixture_send (self, self->anna, "7", "first", "k1", -1), 201));
  g_autofree char *id = id_of (self, 0);
  DeskOutbound *old = take_job (self); /* delivery has read the old text */
  json_node_unref (take_data (edit (self, self->anna, id, "second", -1), 200));
  g_assert_false (begin (self, old));
  desk_outbound_free (old);
  DeskOutbound *outbound = take_job (self);
  g_assert_cmpstr (outbound->message->text, ==, "second");
  g_assert_true (begin (self, outbound));
  assert_code (edit (self, self->anna, id, "third", -1), "IN_FLIGHT");
  assert_code (delete (self, self->anna, id), "IN_FLIGHT");
  finish (self, outbound, DESK_OUTCOME_SENT, "x1");
  g_autoptr (DeskMessage) done = get (self, 0);
  g_assert_cmpstr (done->text, ==, "second");
  g_assert_cmpint (done->edited_at_ms, ==, 0); /* nobody saw another */
}

static void
test_notes (Fixture *self, gconstpointer data)
{
  DeskSendRequest note = { .text = (char *)"secret", .is_private = TRUE, .seen_seq = -1 };
  fixture_incoming (self, "7", "e1", "hello");
  json_node_unref (take_data (fixture_send_full (self, self->anna, "demo", "7", &note), 201));
  g_autofree char *id = id_of (self, 0);
  fixture_clear_frames (self);
  assert_code (edit (self, self->bert, id, "other", -1), "FORBIDDEN");
  assert_code (delete (self, self->bert, id), "FORBIDDEN");
  json_node_unref (take_data (edit (self, self->anna, id, "changed", -1), 200));
  json_node_unref (take_data (react (self, self->bert, id, HEART), 200));
  json_node_unref (take_data (react (self, self->anna, id, HEART), 200));
  json_node_unref (take_data (react (self, self->anna, id, ""), 200));
  g_autoptr (DeskMessage) message = get (self, 0);
  g_assert_cmpstr (message->text, ==, "changed");
  g_assert_cmpuint (message->reactions->len, ==, 1);
  json_node_unref (take_data (delete (self, self->anna, id), 200));
  json_node_unref (take_data (delete (self, self->anna, id), 200));
  g_assert_cmpuint (self->frames0->len, ==, 0); /* level 0 hears nothing of notes */
  assert_types (self, "message_updated,message_updated,message_updated,message_updated,"
                      "message_deleted");
  assert_code (edit (self, self->anna, id, "again", -1), "NOT_SUPPORTED");
  g_assert_null (take_job (self));
}

static void
test_refused (Fixture *self, gconstpointer data)
{
  g_autofree char *id = sent_reply (self);
  g_autofree char *incoming = id_of (self, 1);
  g_autofree char *longer = g_strnfill (101, 'x');
  assert_code (edit (self, self->anna, "nothing", "x", -1), "NOT_FOUND");
  assert_code (edit (self, self->anna, incoming, "x", -1), "NOT_SUPPORTED");
  assert_code (delete (self, self->anna, incoming), "NOT_SUPPORTED");
  assert_code (edit (self, self->bert, id, "x", -1), "FORBIDDEN");
  assert_code (edit (self, self->anna, id, " \n", -1), "INVALID");
  assert_code (edit (self, self->anna, id, longer, -1), "TEXT_TOO_LONG");
  assert_types (self, "");
  desk_service_add_user (self->service, "chief", "Chief", DESK_ROLE_ADMIN, NULL, NULL);
  g_autofree char *token = desk_service_create_token (self->service, "chief", NULL);
  g_autoptr (DeskIdentity) admin = desk_service_authenticate (self->service, token);
  json_node_unref (take_data (edit (self, admin, id, "by the chief", -1), 202));
}

/* A platform that can none of it. */
static void
test_unable (Fixture *self, gconstpointer data)
{
  DeskInbound *inbound
      = fixture_inbound (DESK_INBOUND_MESSAGE, "7", "e1", "hi", DESK_DIRECTION_INCOMING);
  DeskMessage *told = ((DeskInboundItem *)inbound->items->pdata[0])->message;
  g_free (told->platform);
  told->platform = g_strdup ("whatsapp");
  g_assert_true (fixture_ingest (self, inbound));
  g_autoptr (JsonNode) page = take_data (
      desk_service_get_messages (self->service, self->anna, "whatsapp", "7", 5, 0, G_MAXINT64, -1),
      200);
  const char *id = json_object_get_string_member (
      json_array_get_object_element (json_node_get_array (page), 0), "id");
  assert_code (react (self, self->anna, id, HEART), "NOT_SUPPORTED");
}

/* ── Deletions ──────────────────────────────────────────────────────────────────────────────── */

static void
test_delete (Fixture *self, gconstpointer data)
{
  g_autofree char *id = sent_reply (self);
  json_node_unref (take_data (delete (self, self->anna, id), 202));
  json_node_unref (take_data (delete (self, self->anna, id), 202));
  g_autoptr (DeskMessage) waiting = get (self, 0);
  g_assert_cmpint (waiting->deleted_at_ms, ==, 0);
  deliver (self, DESK_OUTCOME_SENT, NULL);
  assert_types (self, "message_updated,message_deleted,chat_updated");
  g_autoptr (DeskMessage) done = get (self, 0);
  g_assert_cmpint (done->deleted_at_ms, >, 0);
  g_assert_cmpstr (done->text, ==, "");
  g_assert_null (take_job (self));
}

static void
test_delete_queued (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  json_node_unref (take_data (fixture_send (self, self->anna, "7", "oops", "k1", -1), 201));
  g_autofree char *id = id_of (self, 0);
  json_node_unref (take_data (delete (self, self->anna, id), 200));
  g_assert_null (take_job (self)); /* it never leaves */
  g_autoptr (DeskMessage) done = get (self, 0);
  g_assert_cmpint (done->deleted_at_ms, >, 0);
  g_assert_cmpint (done->status, ==, DESK_STATUS_FAILED);
}

/* The platform tells of the deletion before it is asked: nothing is left to be done. */
static void
test_delete_told (Fixture *self, gconstpointer data)
{
  g_autofree char *id = sent_reply (self);
  json_node_unref (take_data (edit (self, self->anna, id, "second", -1), 202));
  g_assert_true (fixture_ingest (
      self, fixture_inbound (DESK_INBOUND_DELETE, "7", "x1", NULL, DESK_DIRECTION_OUTGOING)));
  g_assert_null (take_job (self));
  g_autoptr (DeskMessage) done = get (self, 0);
  g_assert_cmpint (done->deleted_at_ms, >, 0);
  g_assert_null (done->change);
}

/* ── Reactions ──────────────────────────────────────────────────────────────────────────────── */

static void
test_react (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  g_autofree char *id = id_of (self, 0);
  json_node_unref (take_data (react (self, self->anna, id, HEART), 202));
  DeskOutbound *outbound = take_job (self);
  g_assert_cmpint (outbound->operation, ==, DESK_OPERATION_REACT);
  g_assert_cmpstr (outbound->emoji, ==, HEART);
  g_assert_cmpstr (outbound->message->external_id, ==, "e1");
  g_assert_true (begin (self, outbound));
  finish (self, outbound, DESK_OUTCOME_SENT, NULL);
  json_node_unref (take_data (react (self, self->anna, id, HEART), 200));
  /* The business has one reaction: a colleague's takes its place. */
  json_node_unref (take_data (react (self, self->bert, id, "!"), 202));
  deliver (self, DESK_OUTCOME_SENT, NULL);
  g_autoptr (DeskMessage) message = get (self, 0);
  g_assert_cmpuint (message->reactions->len, ==, 1);
  g_assert_cmpstr (((DeskReaction *)message->reactions->pdata[0])->by, ==, "bert");
  json_node_unref (take_data (react (self, self->anna, id, ""), 202));
  deliver (self, DESK_OUTCOME_SENT, NULL);
  g_autoptr (DeskMessage) none = get (self, 0);
  g_assert_cmpuint (none->reactions->len, ==, 0);
}

/* After a day without connection a change fails, and says so. */
static void
test_expires (Fixture *self, gconstpointer data)
{
  g_autofree char *id = sent_reply (self);
  gint done = 0;
  json_node_unref (take_data (edit (self, self->anna, id, "second", -1), 202));
  desk_clock_manual_advance_ms (self->clock, 25 * 3600000);
  desk_service_expire_jobs (self->service, "main", on_ok, &done);
  g_assert_true (await (&done));
  g_autoptr (DeskMessage) failed = get (self, 0);
  g_assert_cmpint (failed->change->state, ==, DESK_CHANGE_FAILED);
  g_assert_cmpstr (failed->change->code, ==, "EXPIRED");
  g_assert_null (take_job (self));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("edit", test_edit);
  ADD ("edit-fails", test_edit_fails);
  ADD ("edit-again", test_edit_again);
  ADD ("edit-overtakes", test_edit_overtakes);
  ADD ("edit-queued", test_edit_queued);
  ADD ("notes", test_notes);
  ADD ("refused", test_refused);
  ADD ("unable", test_unable);
  ADD ("delete", test_delete);
  ADD ("delete-queued", test_delete_queued);
  ADD ("delete-told", test_delete_told);
  ADD ("react", test_react);
  ADD ("expires", test_expires);
  return g_test_run ();
}
