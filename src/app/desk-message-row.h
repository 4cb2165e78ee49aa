/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "app/desk-inbox.h"
#include "app/desk-timeline-entry.h"

G_BEGIN_DECLS

/* What all rows of one timeline share; owned by the timeline, which outlives its rows. */
typedef struct
{
  char *customer;     /* the customer's name */
  char *me;           /* the manager's username, nullable */
  DeskInbox *inbox;   /* borrowed, nullable while there is no chat */
  gboolean many_writers; /* a group: incoming messages are named */
} DeskMessageRowContext;

#define DESK_TYPE_MESSAGE_ROW (desk_message_row_get_type ())
G_DECLARE_FINAL_TYPE (DeskMessageRow, desk_message_row, DESK, MESSAGE_ROW, GtkWidget)

/* One row of the timeline. What can be done with it are the actions "message.…" of an ancestor:
 * jump (s: message id), retry, discard, force, edit (x: local id), resend (s). */
GtkWidget *desk_message_row_new (const DeskMessageRowContext *context);
/* NULL: nothing, the row is being recycled. */
void desk_message_row_set_entry (DeskMessageRow *self, DeskTimelineEntry *entry);
DeskTimelineEntry *desk_message_row_get_entry (DeskMessageRow *self);
/* For a moment, to show where a jump went. */
void desk_message_row_flash (DeskMessageRow *self);
/* "Olena, 12:33: Great, how do I pay?, unread". Transfer full. */
char *desk_message_row_describe (DeskTimelineEntry *entry, const DeskMessageRowContext *context);

G_END_DECLS
