/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-connector.h"

/* What the conformance suite must know of a platform: how it calls, and how its fault server is
 * made to answer. One per connector, listed in test-conformance.c. */

G_BEGIN_DECLS

/* What becomes of the next send. */
typedef enum
{
  DESK_CONFORMANCE_ACCEPTED,
  DESK_CONFORMANCE_NO_ANSWER, /* done, and the connection is closed without an answer */
  DESK_CONFORMANCE_GARBAGE,   /* done, and the answer cannot be read */
  DESK_CONFORMANCE_SILENT,    /* done, and nothing comes back until the client gives up */
  DESK_CONFORMANCE_LIMITED,   /* refused: too many requests, wait retry_after_ms */
  DESK_CONFORMANCE_REFUSED,   /* refused for good: this recipient */
  DESK_CONFORMANCE_TOKEN,     /* refused: the token is no longer valid */
} DeskConformanceAnswer;

typedef struct
{
  const char *name; /* of the registry: DeskConnection.platform */
  /* The chat that the samples are about; sending goes there. */
  const char *user_id;
  /* Bodies that the platform posts, each of at least one item; NULL-terminated. NULL if the platform has no webhook. */
  const char *const *payloads;
  /* Body with a message of a kind that does not exist: becomes a placeholder. Nullable without webhook. */
  const char *unknown;
  gint64 retry_after_ms; /* that DESK_CONFORMANCE_LIMITED tells; -1: tells none */
  gboolean is_local;     /* sending makes no request; its own tests send */
  gboolean gives_no_ids; /* an accepted send has no external id */

  /* Starts the fault server and fills connection: base_url, secrets, whatever the platform needs. Strings must live
   * until end(). name, platform, mode and chat_prefix are set already and may be changed. */
  gpointer (*begin) (DeskConnection *connection);
  void (*end) (gpointer server);
  void (*answer) (gpointer server, DeskConformanceAnswer answer);
  guint (*count_sends) (gpointer server); /* that the server carried out */
  /* Adds the headers (char* → char*, owned) with which the platform proves that body is its own. */
  void (*sign) (const DeskConnection *connection, GBytes *body, GHashTable *headers);
} DeskConformance;

extern const DeskConformance desk_conformance_demo;
extern const DeskConformance desk_conformance_instagram;
extern const DeskConformance desk_conformance_messenger;
extern const DeskConformance desk_conformance_partner;
extern const DeskConformance desk_conformance_telegram;
extern const DeskConformance desk_conformance_whatsapp;

G_END_DECLS
