/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-server-store.h"

/* What a durable reply costs the database alone: its statements with a body made beforehand, no
 * rule, no HTTP. The yardstick of the benchmarks of the service and of the HTTP front. */

G_BEGIN_DECLS

typedef struct
{
  const char *platform;
  const char *user_id; /* a chat that exists */
  gint64 number;       /* makes keys and ids unique in a run */
  const char *body;    /* stands for the message and for its event */
} RawSend;

/* A DeskServerJob's work on the writer thread. */
gboolean raw_send_run (DeskServerTx *tx, const RawSend *self, GError **error);

G_END_DECLS
