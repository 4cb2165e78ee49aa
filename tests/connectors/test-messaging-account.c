/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* The course of a connection to Messenger or Instagram: its health, what it finds out when it is
 * asked, customers' files, and the life of Instagram's token. */

#include <glib/gstdio.h>
#include <string.h>

#include "common/desk-crypto.h"
#include "desk-messaging-fixture.h"
#include "server/connectors/instagram/desk-instagram-token.h"

#define DAY_MS G_GINT64_CONSTANT (86400000)

/* ── Health ─────────────────────────────────────────────────────────────────────────────────── */
static void
test_start (MessagingFixture *self, gconstpointer data)
{
  messaging_fault_server_set_subscribed (self->server, FALSE);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  g_assert_cmpuint (messaging_fault_server_count_done (self->server, "subscribe"), ==, 1);
  g_assert_nonnull (
      strstr (messaging_fault_server_get_done (self->server, "subscribe", 0), "\"messages\""));
}

static void
test_wrong_account (MessagingFixture *self, gconstpointer data)
{
  self->connection.account_id = (char *)"999";
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_DOWN);
  g_assert_nonnull (strstr (self->host->reason, "999"));
}

static void
test_dead_token (MessagingFixture *self, gconstpointer data)
{
  messaging_fault_server_set_token (self->server, "another");
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_DOWN);
  g_assert_nonnull (strstr (self->host->reason, "expired"));
  g_assert_null (strstr (self->host->reason, MESSAGING_FAULT_TOKEN));
}

/* A send that is refused for the token turns the connection red at once. */
static void
test_token_dies (MessagingFixture *self, gconstpointer data)
{
  g_autoptr (DeskOutbound) outbound = messaging_outbound_new ("x");

  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  messaging_fault_server_push_error (self->server, "send", 400, 190, 463);
  g_autoptr (DeskOutcome) outcome = messaging_fixture_send (self, outbound);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_CONNECTION);
  g_assert_cmpint (self->host->health, ==, DESK_HEALTH_DOWN);
}

static void
test_no_subscription (MessagingFixture *self, gconstpointer data)
{
  messaging_fault_server_set_subscribed (self->server, FALSE);
  messaging_fault_server_push_error (self->server, "subscribe", 403, 200, 0);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_DEGRADED);
  g_assert_nonnull (strstr (self->host->reason, "does not deliver"));
}

static void
test_transient_start (MessagingFixture *self, gconstpointer data)
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
check (MessagingFixture *self)
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
test_check (MessagingFixture *self, gconstpointer data)
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
get_profile (MessagingFixture *self)
{
  Found found = { NULL, NULL };

  desk_connector_get_profile_async (self->connector, "s~5001", NULL, on_profile, &found);
  desk_test_wait_for (found.profile != NULL || found.error != NULL);
  return found;
}

static void
test_profile (MessagingFixture *self, gconstpointer data)
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
test_fetch (MessagingFixture *self, gconstpointer data)
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
set_age (MessagingFixture *self, gint64 age_ms, gint64 rest_ms)
{
  g_autofree char *of = desk_sha256_hex (MESSAGING_FAULT_TOKEN, strlen (MESSAGING_FAULT_TOKEN));
  const DeskInstagramTokenState state
      = { of, NULL, MESSAGING_NOW_MS - age_ms, rest_ms > 0 ? MESSAGING_NOW_MS + rest_ms : 0 };

  g_free (self->host->checkpoint);
  self->host->checkpoint = desk_instagram_token_state_write (&state);
}

static void
test_token_young (MessagingFixture *self, gconstpointer data)
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
test_token_kept_in_store (MessagingFixture *self, gconstpointer data)
{
  g_auto (DeskInstagramTokenState) state = { 0 };

  set_age (self, 8 * DAY_MS, 52 * DAY_MS);
  desk_connector_start (self->connector);
  desk_test_wait_for (messaging_fault_server_count_done (self->server, "refresh") == 1
                      && strstr (self->host->checkpoint, MESSAGING_FAULT_RENEWED) != NULL);
  g_assert_cmpstr (messaging_fault_server_get_done (self->server, "refresh", 0), ==,
                   "grant_type=ig_refresh_token");
  g_assert_true (desk_instagram_token_state_read (self->host->checkpoint, &state));
  g_assert_cmpint (state.since_ms, ==, MESSAGING_NOW_MS);
  g_assert_cmpint (state.expires_ms, ==, MESSAGING_NOW_MS + 60 * DAY_MS);
  /* and used, also after a restart with the old configuration */
  desk_connector_stop (self->connector);
  g_object_unref (self->connector);
  messaging_fixture_create (self);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  g_assert_cmpuint (messaging_fault_server_count_done (self->server, "refresh"), ==, 1);
}

static void
test_token_kept_in_file (MessagingFixture *self, gconstpointer data)
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
test_token_replaced (MessagingFixture *self, gconstpointer data)
{
  g_free (self->host->checkpoint);
  self->host->checkpoint = g_strdup ("{\"of\":\"another\",\"token\":\"stale\",\"since\":1,"
                                     "\"expires\":2}");
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  g_assert_null (strstr (self->host->checkpoint, "stale"));
}

static void
test_token_cannot_be_refreshed (MessagingFixture *self, gconstpointer data)
{
  set_age (self, 55 * DAY_MS, 5 * DAY_MS);
  messaging_fault_server_push_error (self->server, "refresh", 400, 190, 0);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_DEGRADED);
  g_assert_nonnull (strstr (self->host->reason, "ends in 5 days"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (MessagingFaultRole role = 0; role <= MESSAGING_FAULT_INSTAGRAM_PAGE; role++)
    {
      messaging_fixture_add (role, "start", test_start);
      messaging_fixture_add (role, "wrong-account", test_wrong_account);
      messaging_fixture_add (role, "dead-token", test_dead_token);
      messaging_fixture_add (role, "token-dies", test_token_dies);
      messaging_fixture_add (role, "no-subscription", test_no_subscription);
      messaging_fixture_add (role, "transient-start", test_transient_start);
      messaging_fixture_add (role, "check", test_check);
      messaging_fixture_add (role, "profile", test_profile);
      messaging_fixture_add (role, "fetch", test_fetch);
    }
  messaging_fixture_add (MESSAGING_FAULT_INSTAGRAM, "token/young", test_token_young);
  messaging_fixture_add (MESSAGING_FAULT_INSTAGRAM, "token/kept-in-store", test_token_kept_in_store);
  messaging_fixture_add (MESSAGING_FAULT_INSTAGRAM, "token/kept-in-file", test_token_kept_in_file);
  messaging_fixture_add (MESSAGING_FAULT_INSTAGRAM, "token/replaced", test_token_replaced);
  messaging_fixture_add (MESSAGING_FAULT_INSTAGRAM, "token/cannot-be-refreshed", test_token_cannot_be_refreshed);
  return g_test_run ();
}
