/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test-api-ws"

#include "config.h"

#include <dirent.h>
#include <string.h>

#include "api/desk-api.h"
#include "fake-backend.h"
#include "raw-server.h"

/* The websocket of the client: what it tells of its end, what it takes, and that nothing of it stays behind. */

#define WS_PATH "/api/v1/crm/ws?v=2"

typedef struct
{
  FakeBackend *backend;
  DeskApi *api;
  guint opened, frames, closed, code;
  gsize last_len;
} Rig;

static void
on_opened (DeskApi *api, Rig *rig)
{
  rig->opened++;
}

static void
on_frame (DeskApi *api, GBytes *bytes, Rig *rig)
{
  rig->frames++;
  rig->last_len = g_bytes_get_size (bytes);
}

static void
on_closed (DeskApi *api, guint code, const char *reason, Rig *rig)
{
  rig->closed++;
  rig->code = code;
}

static void
rig_connect_signals (Rig *rig)
{
  g_signal_connect (rig->api, "ws-opened", G_CALLBACK (on_opened), rig);
  g_signal_connect (rig->api, "ws-frame", G_CALLBACK (on_frame), rig);
  g_signal_connect (rig->api, "ws-closed", G_CALLBACK (on_closed), rig);
}

static void
rig_init (Rig *rig)
{
  memset (rig, 0, sizeof *rig);
  rig->backend = fake_backend_new (2);
  rig->api = desk_api_new (rig->backend->url);
  desk_api_set_token (rig->api, rig->backend->token);
  rig_connect_signals (rig);
}

static void
rig_open (Rig *rig)
{
  guint before = rig->opened, frames = rig->frames;

  desk_api_ws_connect (rig->api, WS_PATH);
  fake_wait (rig->opened == before + 1 && rig->frames == frames + 1); /* hello */
}

static void
rig_clear (Rig *rig)
{
  gpointer weak = rig->api;

  g_object_add_weak_pointer (G_OBJECT (rig->api), &weak);
  g_object_unref (rig->api);
  fake_wait (weak == NULL);
  g_clear_pointer (&rig->backend, fake_backend_free);
}

static void
test_open (void)
{
  Rig rig;

  rig_init (&rig);
  g_assert_false (desk_api_ws_send (rig.api, "too early"));
  rig_open (&rig);
  g_assert_true (desk_api_ws_send (rig.api, "{}"));
  g_assert_false (rig.backend->token_in_url);
  g_assert_cmpuint (rig.closed, ==, 0);
  rig_clear (&rig);
}

static char *
frame_of (gsize len)
{
  char *text = g_strnfill (len, 'x');

  text[0] = '"';
  text[len - 1] = '"';
  return text;
}

static void
test_sizes (void)
{
  g_autofree char *largest = frame_of (DESK_WIRE_MAX_FRAME);
  g_autofree char *larger = frame_of (DESK_WIRE_MAX_FRAME + 1);
  Rig rig;

  rig_init (&rig);
  rig_open (&rig);
  fake_backend_frame (rig.backend, largest);
  fake_wait (rig.frames == 2);
  g_assert_cmpuint (rig.last_len, ==, DESK_WIRE_MAX_FRAME);
  fake_backend_frame (rig.backend, larger);
  fake_wait (rig.closed == 1);
  g_assert_cmpuint (rig.frames, ==, 2);
  rig_clear (&rig);
}

static void
test_close_codes (void)
{
  static const guint codes[] = { 1000, 1001, 4400, 4401, 4403, 4408, 4409 };
  Rig rig;

  rig_init (&rig);
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      rig_open (&rig);
      fake_backend_close_sockets (rig.backend, codes[i]);
      fake_wait (rig.closed == i + 1);
      g_assert_cmpuint (rig.code, ==, codes[i]);
    }
  rig_open (&rig);
  fake_backend_down (rig.backend);
  fake_wait (rig.closed == G_N_ELEMENTS (codes) + 1);
  g_assert_cmpuint (rig.code, ==, 0);
  desk_api_ws_connect (rig.api, WS_PATH); /* refused by the system now */
  fake_wait (rig.closed == G_N_ELEMENTS (codes) + 2);
  g_assert_cmpuint (rig.code, ==, 0);
  rig_clear (&rig);
}

static void
test_restart (void)
{
  g_autoptr (RawServer) server = raw_server_new (RAW_UPGRADE_RESTART);
  Rig rig = { 0 };

  rig.api = desk_api_new (server->url);
  rig_connect_signals (&rig);
  desk_api_ws_connect (rig.api, WS_PATH);
  fake_wait (rig.closed == 1);
  g_assert_cmpuint (rig.code, ==, DESK_CLOSE_RESTART);
  rig_clear (&rig);
}

static void
test_refused (void)
{
  static const guint statuses[][2] = { { 401, 401 }, { 403, 403 }, { 500, 0 }, { 404, 0 }, { 302, 0 } };
  Rig rig;

  rig_init (&rig);
  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
    {
      rig.backend->ws_status = statuses[i][0];
      desk_api_ws_connect (rig.api, WS_PATH);
      fake_wait (rig.closed == i + 1);
      g_assert_cmpuint (rig.code, ==, statuses[i][1]);
    }
  g_assert_cmpuint (rig.opened, ==, 0);
  rig_clear (&rig);
}

/* The server is there for TCP and for nothing else. */
static void
test_half_open (void)
{
  g_autoptr (RawServer) server = raw_server_new (RAW_UPGRADE_DEAF);
  Rig rig = { 0 };

  rig.api = desk_api_new (server->url);
  desk_api_set_ping_times (rig.api, 100, 2000);
  rig_connect_signals (&rig);
  desk_api_ws_connect (rig.api, WS_PATH);
  fake_wait (rig.opened == 1);
  fake_wait (rig.closed == 1);
  g_assert_cmpuint (rig.code, ==, 0);
  rig_clear (&rig);
}

/* A live connection survives its pings, and a probe. */
static void
test_pong (void)
{
  Rig rig;

  rig_init (&rig);
  desk_api_set_ping_times (rig.api, 100, 2000);
  rig_open (&rig);
  fake_run_ms (2600);
  desk_api_ws_probe (rig.api);
  fake_run_ms (100);
  g_assert_cmpuint (rig.closed, ==, 0);
  g_assert_true (desk_api_ws_send (rig.api, "{}"));
  rig_clear (&rig);
}

/* A probe finds a dead connection long before the next ping would. */
static void
test_probe (void)
{
  g_autoptr (RawServer) server = raw_server_new (RAW_UPGRADE_DEAF);
  Rig rig = { 0 };

  rig.api = desk_api_new (server->url);
  desk_api_set_ping_times (rig.api, 30000, 2000);
  rig_connect_signals (&rig);
  desk_api_ws_connect (rig.api, WS_PATH);
  fake_wait (rig.opened == 1);
  desk_api_ws_probe (rig.api);
  fake_wait (rig.closed == 1);
  rig_clear (&rig);
}

static void
test_own_close (void)
{
  Rig rig;

  rig_init (&rig);
  rig_open (&rig);
  desk_api_ws_close (rig.api, 1000);
  fake_wait (rig.backend->sockets->len == 0);
  g_assert_cmpuint (rig.backend->close_code, ==, 1000); /* the server was told */
  desk_api_ws_connect (rig.api, WS_PATH);
  desk_api_ws_close (rig.api, 1000); /* before it was there */
  fake_run_ms (100);
  g_assert_cmpuint (rig.opened, ==, 1);
  g_assert_cmpuint (rig.closed, ==, 0);
  rig_clear (&rig);
}

/* Whoever listens lets go of the websocket, or of the whole object, in the middle of a signal. */
static void
on_frame_close (DeskApi *api, GBytes *bytes, gpointer data)
{
  desk_api_ws_close (api, 1000);
}

static void
on_frame_unref (DeskApi *api, GBytes *bytes, DeskApi **owner)
{
  g_clear_object (owner);
}

static void
test_close_in_signal (void)
{
  Rig rig;
  gpointer weak;

  rig_init (&rig);
  g_signal_connect (rig.api, "ws-frame", G_CALLBACK (on_frame_close), NULL);
  desk_api_ws_connect (rig.api, WS_PATH);
  fake_wait (rig.frames == 1);
  fake_wait (rig.backend->sockets->len == 0);
  g_assert_cmpuint (rig.closed, ==, 0);
  g_signal_handlers_disconnect_by_func (rig.api, on_frame_close, NULL);
  g_signal_connect (rig.api, "ws-frame", G_CALLBACK (on_frame_unref), &rig.api);
  weak = rig.api;
  g_object_add_weak_pointer (G_OBJECT (rig.api), &weak);
  desk_api_ws_connect (rig.api, WS_PATH);
  fake_wait (weak == NULL);
  fake_wait (rig.backend->sockets->len == 0);
  fake_backend_free (rig.backend);
}

static guint
open_files (void)
{
  DIR *dir = opendir ("/proc/self/fd");
  guint n = 0;

  while (readdir (dir) != NULL)
    n++;
  closedir (dir);
  return n;
}

static void
test_cycles (void)
{
  guint cycles = 1000;
  guint before;
  Rig rig;

  rig_init (&rig);
  rig_open (&rig);
  before = open_files ();
  for (guint i = 0; i < cycles; i++)
    {
      if (i % 3 == 0)
        desk_api_ws_close (rig.api, 1000);
      rig_open (&rig);
    }
  fake_wait (rig.backend->sockets->len == 1);
  fake_wait (open_files () <= before + 4);
  g_assert_cmpuint (rig.closed, ==, 0);
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/api-ws/open", test_open);
  g_test_add_func ("/api-ws/sizes", test_sizes);
  g_test_add_func ("/api-ws/close-codes", test_close_codes);
  g_test_add_func ("/api-ws/restart", test_restart);
  g_test_add_func ("/api-ws/refused", test_refused);
  g_test_add_func ("/api-ws/half-open", test_half_open);
  g_test_add_func ("/api-ws/pong", test_pong);
  g_test_add_func ("/api-ws/probe", test_probe);
  g_test_add_func ("/api-ws/own-close", test_own_close);
  g_test_add_func ("/api-ws/close-in-signal", test_close_in_signal);
  g_test_add_func ("/api-ws/cycles", test_cycles);
  return g_test_run ();
}
