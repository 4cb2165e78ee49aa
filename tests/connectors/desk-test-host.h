/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-connector.h"

/* A host that remembers what a connector tells it. */
typedef struct
{
  DeskConnectorHost host; /* first member */
  GPtrArray *items;       /* of DeskInboundItem, of stored inbounds */
  char *checkpoint;
  GBytes *last_raw;
  guint n_stored;
  guint n_refused;
  guint refuse_next; /* so many ingests fail */
  DeskHealth health;
  char *reason;
  GString *healths; /* all, as "starting ok …" */
} DeskTestHost;

DeskTestHost *desk_test_host_new (DeskClock *clock, guint64 seed);
void desk_test_host_free (DeskTestHost *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskTestHost, desk_test_host_free)

/* Runs the main context until condition is true; fails the test after ten seconds. */
#define desk_test_wait_for(condition)                                                              \
  G_STMT_START                                                                                     \
  {                                                                                                \
    gint64 desk_deadline_ = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;                         \
    guint desk_tick_ = g_timeout_add (5, desk_test_tick, NULL);                                    \
    while (!(condition) && g_get_monotonic_time () < desk_deadline_)                               \
      g_main_context_iteration (NULL, TRUE);                                                       \
    g_source_remove (desk_tick_);                                                                  \
    g_assert_true (condition);                                                                     \
  }                                                                                                \
  G_STMT_END

gboolean desk_test_tick (gpointer data);

/* Runs the main context for so long: to see that something does not happen. */
void desk_test_run_for_ms (guint ms);
