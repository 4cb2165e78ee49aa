/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "app/desk-timeline-entry.h"

G_BEGIN_DECLS

#define DESK_TYPE_TIMELINE_MODEL (desk_timeline_model_get_type ())
G_DECLARE_FINAL_TYPE (DeskTimelineModel, desk_timeline_model, DESK, TIMELINE_MODEL, GObject)

DeskTimelineModel *desk_timeline_model_new (void);
/**
 * desk_timeline_model_set_items:
 * @items: (transfer full): #DeskTimelineItem, oldest first
 *
 * Makes the window hold exactly @items, and derives day separators, the unread line and groups.
 * Rows that stay keep their objects and positions: only what went and what came is told, in runs.
 */
void desk_timeline_model_set_items (DeskTimelineModel *self, GPtrArray *items);
/* Incoming messages after @read_key are unread and the line stands before the first; -1: none. Takes
 * effect with the next set_items. */
void desk_timeline_model_set_read_key (DeskTimelineModel *self, gint64 read_key);
gint64 desk_timeline_model_get_read_key (DeskTimelineModel *self);

/* The items of the window without what is derived: their entries, borrowed, oldest first. */
GPtrArray *desk_timeline_model_get_core (DeskTimelineModel *self);
/* Position of a message in the list, by id or by the order key if @id is NULL; G_MAXUINT if absent. */
guint desk_timeline_model_find_message (DeskTimelineModel *self, const char *id, gint64 order_key);
guint desk_timeline_model_find_unread (DeskTimelineModel *self);
/* Order key of the first and the last message; 0 if there is none. */
gint64 desk_timeline_model_get_first_key (DeskTimelineModel *self);
gint64 desk_timeline_model_get_last_key (DeskTimelineModel *self);

G_END_DECLS
