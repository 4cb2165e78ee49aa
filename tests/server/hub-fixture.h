/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <pthread.h>

#include "server/hub/desk-hub.h"

/* A hub whose sockets obey their client, and raw clients which put frames together by hand.
 *
 * Messages a client may send: "auth"; "class:N" (answered "class"); "close:N"; "replay" (goes
 * through hub_fixture.log, then live, class 1); anything else is echoed. */

typedef struct
{
  DeskHub *hub;
  int listener;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  gint destroyed; /* atomic: socket data freed */
  /* Under the lock. */
  guint opened, closed;
  guint16 last_code;
  DeskSocket *last_opened; /* a reference */
  GPtrArray *log;          /* DeskFrame: the event at position i + 1 */
  guint replay_batch;
} HubFixture;

void hub_fixture_init (HubFixture *self, const DeskHubOptions *options);
void hub_fixture_clear (HubFixture *self);
/* A connection over TCP; the server's side is not adopted yet. */
void hub_fixture_connect (HubFixture *self, int *out_client, int *out_server);
/* Adopted, opened. */
int hub_fixture_client (HubFixture *self);
/* The same, and its socket. */
int hub_fixture_client_socket (HubFixture *self, DeskSocket **out_socket);
/* The same, on a slow line: the kernel holds less than a megabyte between the two. */
int hub_fixture_narrow_client (HubFixture *self);
/* The number of closed sockets becomes n before a deadline; the last code. */
guint16 hub_fixture_wait_closed (HubFixture *self, guint n);
guint hub_fixture_get_closed (HubFixture *self);
/* Logs, then broadcasts, as a publisher does. */
void hub_fixture_publish (HubFixture *self, const char *text);

/* first: FIN, reserved bits and opcode. */
void client_frame (GByteArray *out, guint8 first, const void *payload, gsize len, gboolean masked);
void client_write (int fd, const void *bytes, gsize len);
void client_send (int fd, guint8 first, const void *payload, gsize len);
void client_text (int fd, const char *text);
/* The next frame: its first byte, or -1 at the end of the stream. Fails after 20 s. */
int client_read (int fd, GByteArray *payload);
void client_expect_text (int fd, const char *text);
/* Answers pings on the way if there are any; then a close frame with this code, then the end. */
void client_expect_close (int fd, guint16 code);
