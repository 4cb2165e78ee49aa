/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Finding entries among those that are loaded: at most a few hundred, so each look goes through
 * them from the end. */

#include "app/desk-timeline-find.h"

DeskTimelineEntry *
desk_timeline_find_entry (GPtrArray *core, const char *id)
{
  for (guint i = core != NULL ? core->len : 0; i > 0; i--)
    {
      DeskTimelineEntry *entry = g_ptr_array_index (core, i - 1);
      const DeskMessage *message = desk_timeline_entry_get_message (entry);
      if (message == NULL)
        continue;
      if (id != NULL ? g_strcmp0 (message->id, id) == 0
                     : message->direction == DESK_DIRECTION_INCOMING && message->deleted_at_ms == 0)
        return entry;
    }
  return NULL;
}

DeskTimelineEntry *
desk_timeline_find_pending (GPtrArray *core, gint64 local_id)
{
  for (guint i = core != NULL ? core->len : 0; i > 0; i--)
    {
      const DeskOutboxEntry *pending
          = desk_timeline_entry_get_pending (g_ptr_array_index (core, i - 1));
      if (pending != NULL && pending->local_id == local_id)
        return g_ptr_array_index (core, i - 1);
    }
  return NULL;
}

static gboolean
is_answer_of_another (const DeskMessage *message, const char *me)
{
  return message->direction == DESK_DIRECTION_OUTGOING && !message->is_private
         && message->sender_id != NULL && g_strcmp0 (message->sender_id, me) != 0;
}

gboolean
desk_timeline_find_conflict (GPtrArray *core,
                             const char *me,
                             gint64 *out_stale,
                             const char **out_answer)
{
  *out_stale = 0;
  *out_answer = NULL;
  for (guint i = core != NULL ? core->len : 0; i > 0 && *out_answer == NULL; i--)
    {
      DeskTimelineEntry *entry = g_ptr_array_index (core, i - 1);
      const DeskOutboxEntry *pending = desk_timeline_entry_get_pending (entry);
      const DeskMessage *message = desk_timeline_entry_get_message (entry);
      if (pending != NULL && pending->state == DESK_OUTBOX_STALE)
        *out_stale = pending->local_id;
      else if (message != NULL && is_answer_of_another (message, me))
        *out_answer = message->id;
    }
  return *out_stale > 0 && *out_answer != NULL;
}
