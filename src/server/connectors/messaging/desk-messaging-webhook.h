/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/messaging/desk-messaging-flavour.h"
#include "server/service/desk-connector.h"

G_BEGIN_DECLS

/* Whose payloads are read; all borrowed. own_host: nullable, see desk_messaging_is_media_url(). */
typedef struct
{
  const DeskConnection *connection;
  const DeskMessagingFlavour *flavour;
  const char *own_host;
  DeskClock *clock;
} DeskMessagingReader;

/* See DeskConnectorClass.parse_webhook and parse_raw. Any thread. */
DeskWebhookResult *
desk_messaging_read_webhook (const DeskMessagingReader *self, const DeskWebhookRequest *request);
DeskInbound *
desk_messaging_read_raw (const DeskMessagingReader *self, GBytes *raw, GError **error);

G_END_DECLS
