/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Until when a chat sleeps: three usual answers, or a day and a time. What is chosen always lies in
 * the future. */

#include "app/desk-snooze-popover.h"

#include <glib/gi18n.h>

#define MORNING_HOUR 9

struct _DeskSnoozePopover
{
  GtkPopover parent_instance;

  GtkStack *stack;
  GtkListBox *list;
  GtkCalendar *calendar;
  GtkSpinButton *hour;
  GtkSpinButton *minute;
  GtkButton *set_button;
  gint64 now_ms;
};

enum
{
  SIGNAL_CHOSEN,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskSnoozePopover, desk_snooze_popover, GTK_TYPE_POPOVER)

static gint64
at_hour (GDateTime *day, int hour)
{
  g_autoptr (GDateTime) time = g_date_time_new (g_date_time_get_timezone (day), g_date_time_get_year (day),
                                                g_date_time_get_month (day),
                                                g_date_time_get_day_of_month (day), hour, 0, 0);
  return g_date_time_to_unix (time != NULL ? time : day) * 1000;
}

gint64
desk_snooze_until (GDateTime *now, DeskSnoozePreset preset)
{
  g_autoptr (GDateTime) day = NULL;
  gint64 later_s = g_date_time_to_unix (now) + 3 * 3600;

  switch (preset)
    {
    case DESK_SNOOZE_TOMORROW:
      day = g_date_time_add_days (now, 1);
      return at_hour (day, MORNING_HOUR);
    case DESK_SNOOZE_NEXT_WEEK:
      day = g_date_time_add_days (now, 8 - g_date_time_get_day_of_week (now));
      return at_hour (day, MORNING_HOUR);
    case DESK_SNOOZE_LATER:
    default:
      return (later_s + 899) / 900 * 900 * 1000;
    }
}

static void
choose (DeskSnoozePopover *self, gint64 until_ms)
{
  g_autoptr (DeskSnoozePopover) keep = g_object_ref (self);
  gtk_popover_popdown (GTK_POPOVER (self));
  g_signal_emit (self, signals[SIGNAL_CHOSEN], 0, until_ms);
}

static gint64
get_chosen_ms (DeskSnoozePopover *self)
{
  g_autoptr (GDateTime) day = gtk_calendar_get_date (self->calendar);
  g_autoptr (GDateTime) time = g_date_time_new_local (
      g_date_time_get_year (day), g_date_time_get_month (day), g_date_time_get_day_of_month (day),
      gtk_spin_button_get_value_as_int (self->hour), gtk_spin_button_get_value_as_int (self->minute), 0);
  return time != NULL ? g_date_time_to_unix (time) * 1000 : 0;
}

static void
on_date_changed (DeskSnoozePopover *self)
{
  gtk_widget_set_sensitive (GTK_WIDGET (self->set_button), get_chosen_ms (self) > self->now_ms);
}

static void
on_set_clicked (DeskSnoozePopover *self)
{
  choose (self, get_chosen_ms (self));
}

static void
on_row_activated (DeskSnoozePopover *self, GtkListBoxRow *row)
{
  gint64 *until_ms = g_object_get_data (G_OBJECT (row), "until");
  if (until_ms != NULL)
    choose (self, *until_ms);
  else
    gtk_stack_set_visible_child_name (self->stack, "date");
}

static void
add_row (DeskSnoozePopover *self, const char *title, gint64 until_ms)
{
  GtkWidget *row = gtk_list_box_row_new (), *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 18);
  GtkWidget *label = gtk_label_new (title);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_widget_set_hexpand (label, TRUE);
  gtk_box_append (GTK_BOX (box), label);
  if (until_ms > 0)
    {
      g_autoptr (GDateTime) until = g_date_time_new_from_unix_local (until_ms / 1000);
      /* Translators: when a snoozed chat comes back, for example "Mon 3 Jun, 09:00". */
      g_autofree char *when = g_date_time_format (until, _ ("%a %-e %b, %H:%M"));
      GtkWidget *time = gtk_label_new (when);
      gtk_widget_add_css_class (time, "dim-label");
      gtk_widget_add_css_class (time, "caption");
      gtk_box_append (GTK_BOX (box), time);
      g_object_set_data_full (G_OBJECT (row), "until", g_memdup2 (&until_ms, sizeof until_ms), g_free);
    }
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, title, -1);
  gtk_list_box_append (self->list, row);
}

static GtkSpinButton *
make_spin (DeskSnoozePopover *self, int most, int step, int value, const char *name)
{
  GtkWidget *spin = gtk_spin_button_new_with_range (0, most, step);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (spin), value);
  gtk_spin_button_set_wrap (GTK_SPIN_BUTTON (spin), TRUE);
  gtk_orientable_set_orientation (GTK_ORIENTABLE (spin), GTK_ORIENTATION_HORIZONTAL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (spin), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  g_signal_connect_object (spin, "value-changed", G_CALLBACK (on_date_changed), self, G_CONNECT_SWAPPED);
  return GTK_SPIN_BUTTON (spin);
}

static GtkWidget *
make_date_page (DeskSnoozePopover *self)
{
  GtkWidget *page = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *times = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  self->calendar = GTK_CALENDAR (gtk_calendar_new ());
  self->hour = make_spin (self, 23, 1, MORNING_HOUR, _ ("Hour"));
  self->minute = make_spin (self, 59, 15, 0, _ ("Minute"));
  self->set_button = GTK_BUTTON (gtk_button_new_with_mnemonic (_ ("_Snooze")));
  gtk_widget_add_css_class (GTK_WIDGET (self->set_button), "suggested-action");
  g_signal_connect_object (self->calendar, "day-selected", G_CALLBACK (on_date_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->set_button, "clicked", G_CALLBACK (on_set_clicked), self, G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (times), GTK_WIDGET (self->hour));
  gtk_box_append (GTK_BOX (times), gtk_label_new (":"));
  gtk_box_append (GTK_BOX (times), GTK_WIDGET (self->minute));
  gtk_widget_set_halign (times, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (page), GTK_WIDGET (self->calendar));
  gtk_box_append (GTK_BOX (page), times);
  gtk_box_append (GTK_BOX (page), GTK_WIDGET (self->set_button));
  return page;
}

/* The first answer is one key away. */
static void
on_map (DeskSnoozePopover *self)
{
  gtk_widget_grab_focus (GTK_WIDGET (gtk_list_box_get_row_at_index (self->list, 0)));
}

static void
desk_snooze_popover_class_init (DeskSnoozePopoverClass *klass)
{
  signals[SIGNAL_CHOSEN] = g_signal_new ("chosen", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                         NULL, NULL, G_TYPE_NONE, 1, G_TYPE_INT64);
}

static void
desk_snooze_popover_init (DeskSnoozePopover *self)
{
  self->stack = GTK_STACK (gtk_stack_new ());
  self->list = GTK_LIST_BOX (gtk_list_box_new ());
  gtk_stack_set_hhomogeneous (self->stack, FALSE);
  gtk_stack_set_vhomogeneous (self->stack, FALSE);
  gtk_list_box_set_selection_mode (self->list, GTK_SELECTION_NONE);
  gtk_widget_add_css_class (GTK_WIDGET (self->list), "pick-list");
  g_signal_connect_object (self->list, "row-activated", G_CALLBACK (on_row_activated), self, G_CONNECT_SWAPPED);
  gtk_stack_add_named (self->stack, GTK_WIDGET (self->list), "presets");
  gtk_stack_add_named (self->stack, make_date_page (self), "date");
  gtk_popover_set_child (GTK_POPOVER (self), GTK_WIDGET (self->stack));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Snooze"), -1);
}

GtkWidget *
desk_snooze_popover_new (gint64 now_ms)
{
  DeskSnoozePopover *self = g_object_new (DESK_TYPE_SNOOZE_POPOVER, NULL);
  g_autoptr (GDateTime) now = g_date_time_new_from_unix_local (now_ms / 1000);
  g_autoptr (GDateTime) tomorrow = g_date_time_add_days (now, 1);
  self->now_ms = now_ms;
  /* late in the evening three hours are not today any more */
  add_row (self, g_date_time_get_hour (now) < 20 ? _ ("Later Today") : _ ("In Three Hours"),
           desk_snooze_until (now, DESK_SNOOZE_LATER));
  add_row (self, _ ("Tomorrow"), desk_snooze_until (now, DESK_SNOOZE_TOMORROW));
  add_row (self, _ ("Next Week"), desk_snooze_until (now, DESK_SNOOZE_NEXT_WEEK));
  add_row (self, _ ("Choose Date and Time…"), 0);
  gtk_calendar_select_day (self->calendar, tomorrow);
  g_signal_connect_after (self, "map", G_CALLBACK (on_map), NULL);
  on_date_changed (self);
  return GTK_WIDGET (self);
}
