/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The preferences window. */

#include "app/desk-preferences.h"

#include <glib/gi18n.h>

#include "app/desk-autostart.h"

struct _DeskPreferences
{
  AdwPreferencesWindow parent_instance;

  GtkSwitch *enter_switch;
  GtkSwitch *notifications_switch;
  GtkSwitch *disturb_switch;
  GtkSwitch *background_switch;
  GtkSwitch *sound_switch;
  GtkSwitch *login_switch;
  AdwComboRow *style_row;
  GtkSpinButton *text_spin;

  GSettings *settings;
};

G_DEFINE_FINAL_TYPE (DeskPreferences, desk_preferences, ADW_TYPE_PREFERENCES_WINDOW)

static void
on_style_selected (DeskPreferences *self)
{
  g_settings_set_enum (self->settings, "color-scheme",
                       (int)adw_combo_row_get_selected (self->style_row));
}

static void
on_login_changed (DeskPreferences *self)
{
  g_autoptr (GError) error = NULL;
  gboolean wanted = g_settings_get_boolean (self->settings, "start-at-login");
  if (desk_autostart_set (wanted, &error))
    return;
  g_warning ("starting at login was not changed: %s", error->message);
  adw_preferences_window_add_toast (ADW_PREFERENCES_WINDOW (self),
                                    adw_toast_new (_ ("Starting at login could not be changed")));
}

static void
desk_preferences_dispose (GObject *object)
{
  g_clear_object (&DESK_PREFERENCES (object)->settings);
  G_OBJECT_CLASS (desk_preferences_parent_class)->dispose (object);
}

static void
desk_preferences_class_init (DeskPreferencesClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_preferences_dispose;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/frontdesk/Frontdesk/ui/desk-preferences.ui");
  gtk_widget_class_bind_template_child (widget_class, DeskPreferences, enter_switch);
  gtk_widget_class_bind_template_child (widget_class, DeskPreferences, notifications_switch);
  gtk_widget_class_bind_template_child (widget_class, DeskPreferences, disturb_switch);
  gtk_widget_class_bind_template_child (widget_class, DeskPreferences, background_switch);
  gtk_widget_class_bind_template_child (widget_class, DeskPreferences, style_row);
  gtk_widget_class_bind_template_child (widget_class, DeskPreferences, sound_switch);
  gtk_widget_class_bind_template_child (widget_class, DeskPreferences, login_switch);
  gtk_widget_class_bind_template_child (widget_class, DeskPreferences, text_spin);
}

static void
desk_preferences_init (DeskPreferences *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->settings = g_settings_new (APPLICATION_ID);
  g_settings_bind (self->settings, "enter-sends", self->enter_switch, "active",
                   G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "notifications-enabled", self->notifications_switch, "active",
                   G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "do-not-disturb", self->disturb_switch, "active",
                   G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "run-in-background", self->background_switch, "active",
                   G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "notification-sound", self->sound_switch, "active",
                   G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "start-at-login", self->login_switch, "active",
                   G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "text-size", self->text_spin, "value", G_SETTINGS_BIND_DEFAULT);
  g_signal_connect_object (self->settings, "changed::start-at-login",
                           G_CALLBACK (on_login_changed), self, G_CONNECT_SWAPPED);
  adw_combo_row_set_selected (self->style_row,
                              (guint)g_settings_get_enum (self->settings, "color-scheme"));
  g_signal_connect_object (self->style_row, "notify::selected", G_CALLBACK (on_style_selected),
                           self, G_CONNECT_SWAPPED);
}

GtkWidget *
desk_preferences_new (GtkWindow *parent)
{
  return g_object_new (DESK_TYPE_PREFERENCES, "transient-for", parent, "modal", TRUE, NULL);
}
