/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* "Seen" and "typing", the courtesies of a chat. Whoever types has seen what was asked, so that the
 * one brings the other; repeated, "seen" shows the same, so that it is sent seldom. */

#include "server/connectors/messaging/desk-messaging-typing.h"

#include "server/connectors/messaging/desk-messaging-send.h"

#define SEEN_EVERY_US (60 * G_USEC_PER_SEC)
#define MAX_SEEN      1000

struct _DeskMessagingTyping
{
  DeskMetaGraph *graph;
  DeskClock *clock;
  GHashTable *seen; /* customer → monotonic µs of the last "mark_seen" */
};

DeskMessagingTyping *
desk_messaging_typing_new (DeskMetaGraph *graph, DeskClock *clock)
{
  DeskMessagingTyping *self = g_new0 (DeskMessagingTyping, 1);

  self->graph = graph;
  self->clock = clock;
  self->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
desk_messaging_typing_free (DeskMessagingTyping *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->seen);
  g_free (self);
}

static void
on_shown (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GObject) owner = data;
  g_autoptr (DeskMetaReply) reply = desk_meta_graph_finish (result);

  if (!desk_meta_reply_is_ok (reply) && !reply->cancelled)
    g_debug ("A courtesy call failed with HTTP %u", reply->http_status);
}

static void
show_action (DeskMessagingTyping *self,
             GObject *owner,
             const char *customer,
             const char *action,
             GCancellable *cancellable)
{
  g_autofree char *json = desk_messaging_format_action (customer, action);

  desk_meta_graph_post_async (self->graph, "me/messages", json, cancellable, on_shown,
                              g_object_ref (owner));
}

static gboolean
is_seen_due (DeskMessagingTyping *self, const char *customer)
{
  gint64 now_us = desk_clock_monotonic_us (self->clock);
  const gint64 *at_us = g_hash_table_lookup (self->seen, customer);

  if (at_us != NULL && now_us - *at_us < SEEN_EVERY_US)
    return FALSE;
  if (g_hash_table_size (self->seen) >= MAX_SEEN)
    g_hash_table_remove_all (self->seen);
  g_hash_table_replace (self->seen, g_strdup (customer), g_memdup2 (&now_us, sizeof now_us));
  return TRUE;
}

void
desk_messaging_typing_show (DeskMessagingTyping *self,
                            GObject *owner,
                            const char *customer,
                            GCancellable *cancellable)
{
  g_return_if_fail (self != NULL && owner != NULL && customer != NULL);
  if (desk_meta_graph_get_wait_ms (self->graph) > 0)
    return;
  if (is_seen_due (self, customer))
    show_action (self, owner, customer, "mark_seen", cancellable);
  show_action (self, owner, customer, "typing_on", cancellable);
}

void
desk_messaging_typing_seen (DeskMessagingTyping *self,
                            GObject *owner,
                            const char *customer,
                            GCancellable *cancellable)
{
  g_return_if_fail (self != NULL && owner != NULL && customer != NULL);
  if (desk_meta_graph_get_wait_ms (self->graph) > 0)
    return;
  g_hash_table_remove (self->seen, customer); /* there was something new */
  if (is_seen_due (self, customer))
    show_action (self, owner, customer, "mark_seen", cancellable);
}
