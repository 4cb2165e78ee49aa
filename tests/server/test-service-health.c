/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* The health of connections: what is shown, since when, who is told, and that a restart forgets
 * nothing of it. */

#include "service-fixture.h"

#include <string.h>

#define ADD(name, func)                                                                            \
  g_test_add ("/service/health/" name, Fixture, NULL, fixture_setup, func, fixture_teardown)

static gboolean
nothing (DeskServerTx *tx, gpointer data, GError **error)
{
  return TRUE;
}

/* Everything submitted before has been committed and told. */
static void
settle (Fixture *self)
{
  g_assert_true (desk_server_store_run (self->store, nothing, NULL, NULL));
}

static void
report (Fixture *self, DeskHealth health, DeskTrouble trouble, const char *reason)
{
  desk_service_set_trouble (self->service, "shop", health, trouble, reason);
  settle (self);
}

static void
add_connection (Fixture *self)
{
  desk_service_add_connection (self->service, "shop", "telegram", "");
}

static const DeskConnectionInfo *
find_shop (GPtrArray *list)
{
  for (guint i = 0; i < list->len; i++)
    if (strcmp (((DeskConnectionInfo *)list->pdata[i])->name, "shop") == 0)
      return list->pdata[i];
  g_assert_not_reached ();
}

static void
assert_shop (Fixture *self, const char *state, const char *trouble, gint64 since_ms)
{
  g_autoptr (GPtrArray) list = desk_service_list_connections (self->service);
  const DeskConnectionInfo *info = find_shop (list);

  g_assert_cmpstr (info->state, ==, state);
  g_assert_cmpstr (info->trouble, ==, trouble);
  g_assert_true ((trouble == NULL) == (info->advice == NULL));
  g_assert_cmpint (info->since_ms, ==, since_ms);
}

/* The kinds of the notices told since the last call, with commas. */
static char *
take_kinds (Fixture *self)
{
  GString *kinds = g_string_new (NULL);

  g_mutex_lock (&self->mutex);
  for (guint i = 0; i < self->frames->len; i++)
    {
      g_autoptr (DeskEvent) event
          = desk_wire_read_event (self->frames->pdata[i], strlen (self->frames->pdata[i]), NULL);
      if (event->type != DESK_EVENT_NOTIFICATION)
        continue;
      g_autoptr (DeskNotification) notice = desk_wire_read_notification (event->data, NULL);
      g_assert_cmpstr (notice->connection, ==, "shop");
      g_assert_cmpint (event->seq, >, 0);
      g_string_append_printf (kinds, "%s%s", kinds->len > 0 ? "," : "", notice->kind);
    }
  g_mutex_unlock (&self->mutex);
  fixture_clear_frames (self);
  return g_string_free (kinds, FALSE);
}

static void
assert_kinds (Fixture *self, const char *expected)
{
  g_autofree char *kinds = take_kinds (self);

  g_assert_cmpstr (kinds, ==, expected);
}

static void
test_down (Fixture *self, gconstpointer data)
{
  add_connection (self);
  assert_shop (self, "starting", NULL, START_MS);
  desk_clock_manual_advance_ms (self->clock, 1000);
  report (self, DESK_HEALTH_OK, DESK_TROUBLE_NONE, NULL);
  assert_shop (self, "ok", NULL, START_MS + 1000);
  assert_kinds (self, "");
  desk_clock_manual_advance_ms (self->clock, 1000);
  report (self, DESK_HEALTH_DOWN, DESK_TROUBLE_TOKEN, "refused");
  assert_kinds (self, "connection_failed");
  desk_clock_manual_advance_ms (self->clock, 1000);
  /* the reason changes, the failure is the same */
  report (self, DESK_HEALTH_DOWN, DESK_TROUBLE_TOKEN, "still refused");
  report (self, DESK_HEALTH_DEGRADED, DESK_TROUBLE_UNREACHABLE, "no network");
  assert_shop (self, "degraded", "unreachable", START_MS + 2000);
  assert_kinds (self, "");
  report (self, DESK_HEALTH_OK, DESK_TROUBLE_NONE, NULL);
  assert_shop (self, "ok", NULL, START_MS + 3000);
  assert_kinds (self, "connection_recovered");
  report (self, DESK_HEALTH_OK, DESK_TROUBLE_NONE, NULL);
  assert_kinds (self, "");
}

/* Short trouble is shown and not announced; neither is its end. */
static void
test_degraded (Fixture *self, gconstpointer data)
{
  add_connection (self);
  report (self, DESK_HEALTH_DEGRADED, DESK_TROUBLE_UNREACHABLE, "no network");
  desk_clock_manual_advance_ms (self->clock, 119000);
  report (self, DESK_HEALTH_DEGRADED, DESK_TROUBLE_UNREACHABLE, "no network");
  report (self, DESK_HEALTH_OK, DESK_TROUBLE_NONE, NULL);
  assert_kinds (self, "");
  report (self, DESK_HEALTH_DEGRADED, DESK_TROUBLE_UNREACHABLE, "no network");
  desk_clock_manual_advance_ms (self->clock, 120000);
  report (self, DESK_HEALTH_DEGRADED, DESK_TROUBLE_UNREACHABLE, "no network");
  assert_kinds (self, "connection_failed");
  report (self, DESK_HEALTH_OK, DESK_TROUBLE_NONE, NULL);
  assert_kinds (self, "connection_recovered");
}

static void
test_restart (Fixture *self, gconstpointer data)
{
  add_connection (self);
  report (self, DESK_HEALTH_DOWN, DESK_TROUBLE_TOKEN, "refused");
  assert_kinds (self, "connection_failed");
  desk_clock_manual_advance_ms (self->clock, 60000);
  fixture_reopen (self);
  add_connection (self);
  report (self, DESK_HEALTH_STARTING, DESK_TROUBLE_NONE, NULL);
  report (self, DESK_HEALTH_DOWN, DESK_TROUBLE_TOKEN, "refused");
  assert_kinds (self, ""); /* they know */
  assert_shop (self, "down", "token", START_MS);
  fixture_reopen (self);
  add_connection (self);
  report (self, DESK_HEALTH_OK, DESK_TROUBLE_NONE, NULL); /* a new token was put in */
  assert_kinds (self, "connection_recovered");
}

static void
test_ready (Fixture *self, gconstpointer data)
{
  add_connection (self);
  report (self, DESK_HEALTH_DOWN, DESK_TROUBLE_CONFLICT, "somebody else polls");
  g_autoptr (JsonNode) owner = take_data (desk_service_get_ready (self->service), 200);
  JsonObject *checks = json_object_get_object_member (json_node_get_object (owner), "checks");
  JsonObject *shop = json_object_get_object_member (checks, "shop");
  g_assert_cmpstr (json_object_get_string_member (shop, "status"), ==, "failing");
  g_assert_cmpstr (json_object_get_string_member (shop, "state"), ==, "down");
  g_assert_cmpstr (json_object_get_string_member (shop, "reason"), ==, "somebody else polls");
  g_assert_nonnull (json_object_get_string_member (shop, "since"));
  g_assert_nonnull (json_object_get_string_member (shop, "advice"));

  g_autoptr (GString) metrics = g_string_new (NULL);
  desk_service_write_metrics (self->service, metrics);
  g_assert_nonnull (
      strstr (metrics->str, "frontdesk_connection_up{connection=\"shop\",platform=\"telegram\"} 0\n"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("down", test_down);
  ADD ("degraded", test_degraded);
  ADD ("restart", test_restart);
  ADD ("ready", test_ready);
  return g_test_run ();
}
