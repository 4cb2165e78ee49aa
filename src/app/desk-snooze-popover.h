/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define DESK_TYPE_SNOOZE_POPOVER (desk_snooze_popover_get_type ())
G_DECLARE_FINAL_TYPE (DeskSnoozePopover, desk_snooze_popover, DESK, SNOOZE_POPOVER, GtkPopover)

/* Until when? Signal "chosen" (gint64 until_ms). @now_ms: the server's time, UTC. */
GtkWidget *desk_snooze_popover_new (gint64 now_ms);

typedef enum
{
  DESK_SNOOZE_LATER,    /* in three hours, on a full quarter of an hour */
  DESK_SNOOZE_TOMORROW, /* 9:00 in the local zone */
  DESK_SNOOZE_NEXT_WEEK, /* Monday, 9:00 */
} DeskSnoozePreset;
/* Exposed for tests: ms UTC, always after now. */
gint64 desk_snooze_until (GDateTime *now, DeskSnoozePreset preset);

G_END_DECLS
