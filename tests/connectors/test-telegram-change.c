/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* Edits, deletions and reactions at Telegram, business chats, the pace of calls, and one poller for
 * one bot. */

#include <string.h>

#include "desk-test-host.h"
#include "server/connectors/desk-connectors.h"
#include "server/connectors/telegram/desk-telegram-limiter.h"
#include "telegram-fault-server.h"

#define REFUSAL(words) "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: " words "\"}"

typedef struct
{
  TelegramFaultServer *server;
  DeskTestHost *host;
  DeskConnection connection;
  DeskConnector *connector;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  self->server = telegram_fault_server_new ();
  self->host = desk_test_host_new (desk_clock_system (), 1);
  self->connection = (DeskConnection){
    .name = (char *)"shop",
    .platform = (char *)"telegram",
    .base_url = (char *)telegram_fault_server_get_url (self->server),
    .mode = (char *)"poll",
    .chat_prefix = (char *)"p:",
    .token = (char *)TELEGRAM_FAULT_TOKEN,
  };
  self->connector = desk_connectors_create (&self->connection, &self->host->host, NULL);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  desk_connector_stop (self->connector);
  g_object_add_weak_pointer (G_OBJECT (self->connector), (gpointer *)&self->connector);
  g_object_unref (self->connector);
  desk_test_wait_for (self->connector == NULL);
  telegram_fault_server_free (self->server);
  desk_test_host_free (self->host);
}

static void
on_outcome (GObject *source, GAsyncResult *result, gpointer data)
{
  *(DeskOutcome **)data = desk_connector_send_finish (DESK_CONNECTOR (source), result);
}

typedef struct
{
  DeskOperation operation;
  const char *user_id;
  const char *external_id;
  const char *text;
  const char *emoji;
  const char *first_file; /* nullable: external id of an attachment */
} Asked;

static DeskOutcome *
ask (Fixture *self, const Asked *asked, GCancellable *cancellable)
{
  DeskOutbound outbound = { .job_id = 1,
                            .attempt = 1,
                            .connection = self->connection.name,
                            .operation = asked->operation,
                            .emoji = (char *)asked->emoji };
  g_autoptr (DeskMessage) message = desk_message_new ("telegram", asked->user_id);
  DeskOutcome *outcome = NULL;

  message->direction = DESK_DIRECTION_OUTGOING;
  message->external_id = g_strdup (asked->external_id);
  g_free (message->text);
  message->text = g_strdup (asked->text != NULL ? asked->text : "");
  if (asked->first_file != NULL)
    {
      const char *const ids[] = { asked->first_file, "78" };
      for (guint i = 0; i < 2; i++)
        {
          DeskAttachment *attachment = desk_attachment_new ("f");
          attachment->external_id = g_strdup (ids[i]);
          g_ptr_array_add (message->attachments, attachment);
        }
    }
  outbound.message = message;
  desk_connector_send_async (self->connector, &outbound, cancellable, on_outcome, &outcome);
  desk_test_wait_for (outcome != NULL);
  return outcome;
}

static const struct
{
  const char *name;
  Asked asked;
  const char *method;
  const char *json;
} changes[] = {
  { "edit", { DESK_OPERATION_EDIT, "p:5", "77", "Новий “text”", NULL, NULL }, "editMessageText",
    "{\"chat_id\":5,\"message_id\":77,\"text\":\"Новий “text”\"}" },
  { "edit-caption", { DESK_OPERATION_EDIT, "p:5", "77", "x", NULL, "77" }, "editMessageCaption",
    "{\"chat_id\":5,\"message_id\":77,\"caption\":\"x\"}" },
  { "edit-long-text-before-files", { DESK_OPERATION_EDIT, "p:5", "76", "x", NULL, "77" },
    "editMessageText", "{\"chat_id\":5,\"message_id\":76,\"text\":\"x\"}" },
  { "edit-business", { DESK_OPERATION_EDIT, "p:5@Bc", "77", "x", NULL, NULL }, "editMessageText",
    "{\"business_connection_id\":\"Bc\",\"chat_id\":5,\"message_id\":77,\"text\":\"x\"}" },
  { "delete", { DESK_OPERATION_DELETE, "p:-10042", "77", NULL, NULL, NULL }, "deleteMessages",
    "{\"chat_id\":-10042,\"message_ids\":[77]}" },
  { "delete-files", { DESK_OPERATION_DELETE, "p:5", "77", NULL, NULL, "77" }, "deleteMessages",
    "{\"chat_id\":5,\"message_ids\":[77,78]}" },
  { "delete-business", { DESK_OPERATION_DELETE, "p:5@Bc", "77", NULL, NULL, NULL },
    "deleteBusinessMessages", "{\"business_connection_id\":\"Bc\",\"message_ids\":[77]}" },
  { "react", { DESK_OPERATION_REACT, "p:5", "77", NULL, "👍", NULL }, "setMessageReaction",
    "{\"chat_id\":5,\"message_id\":77,\"reaction\":[{\"type\":\"emoji\",\"emoji\":\"👍\"}]}" },
  { "take-reaction-back", { DESK_OPERATION_REACT, "p:5", "77", NULL, "", NULL },
    "setMessageReaction", "{\"chat_id\":5,\"message_id\":77,\"reaction\":[]}" },
};

static void
test_change (Fixture *self, gconstpointer data)
{
  const guint n = GPOINTER_TO_UINT (data);
  g_autoptr (DeskOutcome) outcome = ask (self, &changes[n].asked, NULL);

  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  g_assert_null (outcome->external_id);
  g_assert_cmpuint (telegram_fault_server_count_done (self->server, changes[n].method), ==, 1);
  g_assert_cmpstr (telegram_fault_server_get_done (self->server, changes[n].method, 0), ==,
                   changes[n].json);
}

static const struct
{
  const char *name;
  DeskOperation operation;
  TelegramFault fault;
  guint status;
  const char *body;
  DeskOutcomeType type;
} refusals[] = {
  { "same-text", DESK_OPERATION_EDIT, TELEGRAM_FAULT_STATUS, 400,
    REFUSAL ("message is not modified: specified new message content and reply markup are exactly "
             "the same"),
    DESK_OUTCOME_SENT },
  { "too-old-to-edit", DESK_OPERATION_EDIT, TELEGRAM_FAULT_STATUS, 400,
    REFUSAL ("message can't be edited"), DESK_OUTCOME_PERMANENT },
  { "gone-already", DESK_OPERATION_DELETE, TELEGRAM_FAULT_STATUS, 400,
    REFUSAL ("message to delete not found"), DESK_OUTCOME_SENT },
  { "edit-of-a-gone-one", DESK_OPERATION_EDIT, TELEGRAM_FAULT_STATUS, 400,
    REFUSAL ("message to edit not found"), DESK_OUTCOME_PERMANENT },
  { "too-old-to-delete", DESK_OPERATION_DELETE, TELEGRAM_FAULT_STATUS, 400,
    REFUSAL ("message can't be deleted for everyone"), DESK_OUTCOME_PERMANENT },
  { "no-such-reaction", DESK_OPERATION_REACT, TELEGRAM_FAULT_STATUS, 400,
    REFUSAL ("REACTION_INVALID"), DESK_OUTCOME_PERMANENT },
  { "answer-lost", DESK_OPERATION_EDIT, TELEGRAM_FAULT_CLOSE_AFTER, 0, NULL, DESK_OUTCOME_UNKNOWN },
  { "server-error", DESK_OPERATION_REACT, TELEGRAM_FAULT_STATUS, 500, "", DESK_OUTCOME_UNKNOWN },
  { "flood", DESK_OPERATION_DELETE, TELEGRAM_FAULT_STATUS, 429,
    "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests\",\"parameters\":"
    "{\"retry_after\":3}}",
    DESK_OUTCOME_RETRY },
};

static void
test_refusal (Fixture *self, gconstpointer data)
{
  const guint n = GPOINTER_TO_UINT (data);
  const char *method = refusals[n].operation == DESK_OPERATION_EDIT     ? "editMessageText"
                       : refusals[n].operation == DESK_OPERATION_DELETE ? "deleteMessages"
                                                                        : "setMessageReaction";
  const Asked asked = { refusals[n].operation, "p:5", "77", "x", "👍", NULL };

  telegram_fault_server_push (self->server, method, refusals[n].fault, refusals[n].status,
                              refusals[n].body);
  g_autoptr (DeskOutcome) outcome = ask (self, &asked, NULL);
  g_assert_cmpint (outcome->type, ==, refusals[n].type);
  g_assert_cmpuint (telegram_fault_server_count_calls (self->server, method), ==, 1);
  if (outcome->type == DESK_OUTCOME_RETRY)
    g_assert_cmpint (outcome->retry_after_ms, ==, 3000);
}

static void
test_unknown_message (Fixture *self, gconstpointer data)
{
  const Asked asked[] = { { DESK_OPERATION_EDIT, "p:5", NULL, "x", NULL, NULL },
                          { DESK_OPERATION_EDIT, "p:5", "abc", "x", NULL, NULL },
                          { DESK_OPERATION_DELETE, "5", "77", NULL, NULL, NULL } };

  for (guint i = 0; i < G_N_ELEMENTS (asked); i++)
    {
      g_autoptr (DeskOutcome) outcome = ask (self, &asked[i], NULL);
      g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_PERMANENT);
    }
  g_assert_cmpuint (telegram_fault_server_count_calls (self->server, "editMessageText"), ==, 0);
}

/* A group that became a supergroup meanwhile: the change is made there, and the chat follows. */
static void
test_migrated (Fixture *self, gconstpointer data)
{
  static const char moved[]
      = "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: group chat was upgraded to a "
        "supergroup chat\",\"parameters\":{\"migrate_to_chat_id\":-1009}}";
  const Asked asked[] = {
    { DESK_OPERATION_EDIT, "p:-9", "77", "new", NULL, NULL },
    { DESK_OPERATION_REACT, "p:-9", "77", NULL, "👍", NULL },
  };
  static const char *const methods[] = { "editMessageText", "setMessageReaction" };

  for (guint i = 0; i < 2; i++)
    {
      telegram_fault_server_push (self->server, methods[i], TELEGRAM_FAULT_STATUS, 400, moved);
      g_autoptr (DeskOutcome) outcome = ask (self, &asked[i], NULL);
      g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
      g_assert_cmpstr (outcome->new_user_id, ==, "p:-1009");
      g_assert_cmpuint (telegram_fault_server_count_calls (self->server, methods[i]), ==, 2);
      const char *done = telegram_fault_server_get_done (self->server, methods[i], 0);
      g_assert_nonnull (strstr (done, "{\"chat_id\":-1009,\"message_id\":77,"));
    }
  /* once, not round in a circle */
  for (guint i = 0; i < 2; i++)
    telegram_fault_server_push (self->server, methods[0], TELEGRAM_FAULT_STATUS, 400, moved);
  g_autoptr (DeskOutcome) circle = ask (self, &asked[0], NULL);
  g_assert_cmpint (circle->type, ==, DESK_OUTCOME_PERMANENT);
}

static void
test_business_send (Fixture *self, gconstpointer data)
{
  const Asked asked = { DESK_OPERATION_SEND, "p:5@Bc_1-x", NULL, "hi", NULL, NULL };
  g_autoptr (DeskOutcome) outcome = ask (self, &asked, NULL);

  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpstr (telegram_fault_server_get_done (self->server, "sendMessage", 0), ==,
                   "{\"business_connection_id\":\"Bc_1-x\",\"chat_id\":5,\"text\":\"hi\"}");
  desk_connector_start (self->connector);
  desk_connector_typing (self->connector, "p:5@Bc_1-x");
  desk_test_wait_for (telegram_fault_server_count_done (self->server, "sendChatAction") == 1);
  g_assert_cmpstr (telegram_fault_server_get_done (self->server, "sendChatAction", 0), ==,
                   "{\"business_connection_id\":\"Bc_1-x\",\"chat_id\":5,\"action\":\"typing\"}");
  desk_connector_mark_read (self->connector, "p:5", "10"); /* a bot's own chats know nothing of it */
  desk_connector_mark_read (self->connector, "p:5@Bc_1-x", "not a number");
  desk_connector_mark_read (self->connector, "p:5@Bc_1-x", "11");
  desk_test_wait_for (telegram_fault_server_count_done (self->server, "readBusinessMessage") == 1);
  g_assert_cmpstr (telegram_fault_server_get_done (self->server, "readBusinessMessage", 0), ==,
                   "{\"business_connection_id\":\"Bc_1-x\",\"chat_id\":5,\"message_id\":11}");
}

/* Six calls to one chat: five at once, the last a second later; and one that is given up while
 * it waits never leaves. */
static void
test_pace (Fixture *self, gconstpointer data)
{
  const Asked asked = { DESK_OPERATION_SEND, "p:5", NULL, "hi", NULL, NULL };
  const gint64 begin_us = g_get_monotonic_time ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  for (guint i = 0; i < 6; i++)
    desk_outcome_free (ask (self, &asked, NULL));
  g_assert_cmpint (g_get_monotonic_time () - begin_us, >=, 900 * 1000);
  g_assert_cmpuint (telegram_fault_server_count_done (self->server, "sendMessage"), ==, 6);
  g_cancellable_cancel (cancellable);
  g_autoptr (DeskOutcome) outcome = ask (self, &asked, cancellable);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_NOT_CONNECTED);
  g_assert_cmpuint (telegram_fault_server_count_calls (self->server, "sendMessage"), ==, 6);
}

static void
test_limiter (void)
{
  g_autoptr (DeskClock) clock = desk_clock_manual_new (G_GINT64_CONSTANT (1790000000000));
  g_autoptr (DeskTelegramLimiter) limiter = desk_telegram_limiter_new (clock);
  static const gint64 in_a_chat[] = { 0, 0, 0, 0, 0, 1000, 2000, 3000 };

  for (guint i = 0; i < G_N_ELEMENTS (in_a_chat); i++)
    g_assert_cmpint (desk_telegram_limiter_take (limiter, 5), ==, in_a_chat[i]);
  /* others do not wait for it, until all together are too many: 30 at once, 22 of them left */
  for (gint64 chat = 100; chat < 122; chat++)
    g_assert_cmpint (desk_telegram_limiter_take (limiter, chat), ==, 0);
  g_assert_cmpint (desk_telegram_limiter_take (limiter, 200), ==, 34);
  g_assert_cmpint (desk_telegram_limiter_take (limiter, 201), ==, 67);

  /* a group: 20 a minute */
  desk_clock_manual_advance_ms (clock, 60000);
  for (guint i = 0; i < 20; i++)
    {
      g_assert_cmpint (desk_telegram_limiter_take (limiter, -7), ==, 0);
      desk_clock_manual_advance_ms (clock, 1000);
    }
  gint64 last = 0;
  for (guint i = 0; i < 14; i++, desk_clock_manual_advance_ms (clock, 1000))
    last = desk_telegram_limiter_take (limiter, -7);
  g_assert_cmpint (last, >, 1000);

  /* what Telegram asks for */
  desk_telegram_limiter_block (limiter, 9, 14000);
  g_assert_cmpint (desk_telegram_limiter_take (limiter, 9), ==, 14000);
  g_assert_cmpint (desk_telegram_limiter_take (limiter, 10), ==, 0);
  desk_clock_manual_advance_ms (clock, 14000);
  g_assert_cmpint (desk_telegram_limiter_take (limiter, 9), ==, 0);
  for (gint64 chat = 1000; chat < 6000; chat++) /* bounded */
    {
      desk_telegram_limiter_take (limiter, chat);
      desk_clock_manual_advance_ms (clock, 50);
    }
}

/* The second connection with the same token does not poll, says why, and begins when the first has
 * ended. */
static void
test_lock (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskTestHost) other = desk_test_host_new (desk_clock_system (), 2);
  g_autoptr (DeskConnector) second
      = desk_connectors_create (&self->connection, &other->host, NULL);

  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  const guint n = telegram_fault_server_count_calls (self->server, "getMe");
  desk_connector_start (second);
  desk_test_wait_for (other->health == DESK_HEALTH_DOWN);
  g_assert_nonnull (strstr (other->reason, "Another connection"));
  g_assert_cmpuint (telegram_fault_server_count_calls (self->server, "getMe"), ==, n);
  desk_connector_stop (second);
  desk_connector_stop (self->connector);
  desk_connector_start (second);
  desk_test_wait_for (other->health == DESK_HEALTH_OK);
  desk_connector_stop (second);
  desk_test_run_for_ms (30);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      g_autofree char *path = g_strconcat ("/telegram/change/", changes[i].name, NULL);
      g_test_add (path, Fixture, GUINT_TO_POINTER (i), set_up, test_change, tear_down);
    }
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autofree char *path = g_strconcat ("/telegram/change/", refusals[i].name, NULL);
      g_test_add (path, Fixture, GUINT_TO_POINTER (i), set_up, test_refusal, tear_down);
    }
  g_test_add ("/telegram/change/unknown-message", Fixture, NULL, set_up, test_unknown_message,
              tear_down);
  g_test_add ("/telegram/business/send", Fixture, NULL, set_up, test_business_send, tear_down);
  g_test_add ("/telegram/change/migrated", Fixture, NULL, set_up, test_migrated, tear_down);
  g_test_add ("/telegram/pace", Fixture, NULL, set_up, test_pace, tear_down);
  g_test_add_func ("/telegram/limiter", test_limiter);
  g_test_add ("/telegram/lock", Fixture, NULL, set_up, test_lock, tear_down);
  return g_test_run ();
}
