/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* One row of the timeline: a message, a reply that has not left yet, a gap, or something between
 * messages. The object stays while the row exists and is changed in place. */

#include "app/desk-timeline-entry.h"

#define GROUP_SPAN_MS (5 * 60 * 1000)

struct _DeskTimelineEntry
{
  GObject parent_instance;

  DeskEntryType type;
  DeskTimelineItem *item; /* nullable */
  gint64 time_ms;
  guint first : 1;
  guint last : 1;
  guint unread : 1;
};

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskTimelineEntry, desk_timeline_entry, G_TYPE_OBJECT)

static void
desk_timeline_entry_finalize (GObject *object)
{
  g_clear_pointer (&DESK_TIMELINE_ENTRY (object)->item, desk_timeline_item_free);
  G_OBJECT_CLASS (desk_timeline_entry_parent_class)->finalize (object);
}

static void
desk_timeline_entry_class_init (DeskTimelineEntryClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = desk_timeline_entry_finalize;
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
desk_timeline_entry_init (DeskTimelineEntry *self)
{
  self->first = self->last = TRUE;
}

static void
take_item (DeskTimelineEntry *self, DeskTimelineItem *item)
{
  g_clear_pointer (&self->item, desk_timeline_item_free);
  self->item = item;
  switch (item->type)
    {
    case DESK_ITEM_MESSAGE:
      self->type = DESK_ENTRY_MESSAGE;
      self->time_ms = item->message->created_at_ms;
      break;
    case DESK_ITEM_PENDING:
      self->type = DESK_ENTRY_PENDING;
      self->time_ms = item->pending->created_at_ms;
      break;
    case DESK_ITEM_GAP:
    default:
      self->type = DESK_ENTRY_GAP;
      break;
    }
}

DeskTimelineEntry *
desk_timeline_entry_new (DeskTimelineItem *item)
{
  DeskTimelineEntry *self = g_object_new (DESK_TYPE_TIMELINE_ENTRY, NULL);
  take_item (self, item);
  return self;
}

DeskTimelineEntry *
desk_timeline_entry_new_day (gint64 time_ms)
{
  DeskTimelineEntry *self = g_object_new (DESK_TYPE_TIMELINE_ENTRY, NULL);
  self->type = DESK_ENTRY_DAY;
  self->time_ms = time_ms;
  return self;
}

DeskTimelineEntry *
desk_timeline_entry_new_unread (void)
{
  DeskTimelineEntry *self = g_object_new (DESK_TYPE_TIMELINE_ENTRY, NULL);
  self->type = DESK_ENTRY_UNREAD;
  return self;
}

char *
desk_timeline_item_dup_key (const DeskTimelineItem *item)
{
  switch (item->type)
    {
    case DESK_ITEM_PENDING:
      if (item->pending->client_message_id != NULL)
        return g_strconcat ("c:", item->pending->client_message_id, NULL);
      return g_strdup_printf ("p:%" G_GINT64_FORMAT, item->pending->local_id);
    case DESK_ITEM_MESSAGE:
      if (item->message->direction == DESK_DIRECTION_OUTGOING
          && item->message->client_message_id != NULL)
        return g_strconcat ("c:", item->message->client_message_id, NULL);
      return g_strdup_printf ("m:%" G_GINT64_FORMAT, item->order_key);
    case DESK_ITEM_GAP:
    default:
      return g_strdup_printf ("g:%" G_GINT64_FORMAT, item->order_key);
    }
}

static gboolean
same_message (const DeskMessage *a, const DeskMessage *b)
{
  return a->rev == b->rev && a->status == b->status && a->edited_at_ms == b->edited_at_ms
         && a->deleted_at_ms == b->deleted_at_ms && a->created_at_ms == b->created_at_ms
         && a->reactions->len == b->reactions->len && a->attachments->len == b->attachments->len
         && a->status_history->len == b->status_history->len
         && g_strcmp0 (a->error.code, b->error.code) == 0 && g_strcmp0 (a->text, b->text) == 0;
}

static gboolean
same_pending (const DeskOutboxEntry *a, const DeskOutboxEntry *b)
{
  return a->local_id == b->local_id && a->state == b->state && g_strcmp0 (a->text, b->text) == 0
         && g_strcmp0 (a->error_code, b->error_code) == 0 && g_strcmp0 (a->error, b->error) == 0;
}

static gboolean
same_item (const DeskTimelineItem *a, const DeskTimelineItem *b)
{
  if (a->type != b->type || a->provisional != b->provisional || a->order_key != b->order_key)
    return FALSE;
  if (a->type == DESK_ITEM_MESSAGE)
    return same_message (a->message, b->message);
  if (a->type == DESK_ITEM_PENDING)
    return same_pending (a->pending, b->pending);
  return a->gap_first == b->gap_first && a->gap_last == b->gap_last;
}

gboolean
desk_timeline_entry_replace_item (DeskTimelineEntry *self, DeskTimelineItem *item)
{
  gboolean same = same_item (self->item, item);
  take_item (self, item);
  return !same;
}

gboolean
desk_timeline_entry_set_group (DeskTimelineEntry *self,
                               gboolean first,
                               gboolean last,
                               gboolean unread)
{
  if (self->first == !!first && self->last == !!last && self->unread == !!unread)
    return FALSE;
  self->first = !!first;
  self->last = !!last;
  self->unread = !!unread;
  return TRUE;
}

void
desk_timeline_entry_emit_changed (DeskTimelineEntry *self)
{
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

DeskEntryType
desk_timeline_entry_get_entry_type (DeskTimelineEntry *self)
{
  return self->type;
}

const DeskTimelineItem *
desk_timeline_entry_get_item (DeskTimelineEntry *self)
{
  return self->item;
}

const DeskMessage *
desk_timeline_entry_get_message (DeskTimelineEntry *self)
{
  return self->type == DESK_ENTRY_MESSAGE ? self->item->message : NULL;
}

const DeskOutboxEntry *
desk_timeline_entry_get_pending (DeskTimelineEntry *self)
{
  return self->type == DESK_ENTRY_PENDING ? self->item->pending : NULL;
}

gint64
desk_timeline_entry_get_time_ms (DeskTimelineEntry *self)
{
  return self->time_ms;
}

gboolean
desk_timeline_entry_is_first (DeskTimelineEntry *self)
{
  return self->first;
}

gboolean
desk_timeline_entry_is_last (DeskTimelineEntry *self)
{
  return self->last;
}

gboolean
desk_timeline_entry_is_unread (DeskTimelineEntry *self)
{
  return self->unread;
}

/* A pending reply groups with other pending ones only: what a colleague wrote is another name. */
gboolean
desk_timeline_entry_continues (DeskTimelineEntry *a, DeskTimelineEntry *b)
{
  const DeskMessage *m = desk_timeline_entry_get_message (a),
                    *n = desk_timeline_entry_get_message (b);
  if (a->type != b->type || b->time_ms - a->time_ms > GROUP_SPAN_MS || b->time_ms < a->time_ms)
    return FALSE;
  if (a->type == DESK_ENTRY_PENDING)
    return a->item->pending->is_private == b->item->pending->is_private;
  return m != NULL && n != NULL && m->direction == n->direction && m->sender == n->sender
         && m->is_private == n->is_private
         && (m->kind == DESK_KIND_SYSTEM) == (n->kind == DESK_KIND_SYSTEM)
         && g_strcmp0 (m->sender_id, n->sender_id) == 0;
}
