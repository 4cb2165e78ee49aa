/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* The demonstration's platform as the conformance suite sees it: no network, no webhook. */

#include "desk-conformance.h"

static gpointer
begin (DeskConnection *connection)
{
  connection->mode = (char *)"quiet";
  return NULL;
}

const DeskConformance desk_conformance_demo = {
  .name = "demo",
  .user_id = "emma.hartley",
  .retry_after_ms = -1,
  .is_local = TRUE,
  .begin = begin,
};
