/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* What the tests of Messenger's and Instagram's connectors share. */

#include "desk-messaging-fixture.h"

#include "server/connectors/desk-connectors.h"
#include "server/files/desk-files.h"

void
messaging_fixture_create (MessagingFixture *self)
{
  g_autoptr (GError) error = NULL;

  self->connector = desk_connectors_create (&self->connection, &self->host->host, &error);
  g_assert_no_error (error);
}

void
messaging_fixture_set_up (MessagingFixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  self->role = (MessagingFaultRole)GPOINTER_TO_UINT (data);
  self->server = messaging_fault_server_new (self->role);
  messaging_fault_server_set_file (self->server, MESSAGING_PNG, MESSAGING_PNG_BYTES);
  self->clock = desk_clock_manual_new (MESSAGING_NOW_MS);
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
  messaging_fixture_create (self);
}

void
messaging_fixture_tear_down (MessagingFixture *self, gconstpointer data)
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
DeskOutbound *
messaging_outbound_new (const char *text)
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

DeskOutcome *
messaging_fixture_send (MessagingFixture *self, const DeskOutbound *outbound)
{
  Sent sent = { NULL };

  desk_connector_send_async (self->connector, outbound, NULL, on_sent, &sent);
  desk_test_wait_for (sent.outcome != NULL);
  return sent.outcome;
}

void
messaging_fixture_add (MessagingFaultRole role,
                       const char *name,
                       void (*func) (MessagingFixture *self, gconstpointer role))
{
  static const char *const names[] = { "messenger", "instagram", "instagram-page" };
  g_autofree char *path = g_strdup_printf ("/messaging/%s/%s", names[role], name);

  g_test_add (path, MessagingFixture, GUINT_TO_POINTER (role), messaging_fixture_set_up, func,
              messaging_fixture_tear_down);
}
