/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "desk-test-host.h"
#include "messaging-fault-server.h"

#define MESSAGING_NOW_MS G_GINT64_CONSTANT (1790000000000)
#define MESSAGING_PNG                                                                              \
  "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\10\6\0\0\0\x1f\x15\xc4\x89\0\0\0\0IEND\xae\x42\x60\x82"
#define MESSAGING_PNG_BYTES (sizeof MESSAGING_PNG - 1)

/* A connector of Messenger or Instagram, and the Send API that it talks to. */
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
} MessagingFixture;

/* A connector of self->connection, which may have been changed. */
void messaging_fixture_create (MessagingFixture *self);
void messaging_fixture_set_up (MessagingFixture *self, gconstpointer role);
void messaging_fixture_tear_down (MessagingFixture *self, gconstpointer role);

/* A reply to "s~5001"; its connection of attempt 1. */
DeskOutbound *messaging_outbound_new (const char *text);
/* Sends it, and waits for what comes of it. */
DeskOutcome *messaging_fixture_send (MessagingFixture *self, const DeskOutbound *outbound);

/* A test for one role: "/messaging/ROLE/NAME". */
void messaging_fixture_add (MessagingFaultRole role,
                            const char *name,
                            void (*func) (MessagingFixture *self, gconstpointer role));
