/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* What a manager does with chats: assign, resolve, snooze, label, mute. Where chats are chosen in the list, it is done
 * with all of them, else with the open one. Each leaves a toast with Undo; a refusal is told with its reason. */

#include "app/desk-window-private.h"

#include <glib/gi18n.h>

#include "app/desk-chat-actions.h"
#include "app/desk-pick-popover.h"
#include "app/desk-snooze-popover.h"

#define NOBODY "" /* id of the row that takes the assignment away: no username */

static DeskChatItem *
get_open (DeskWindow *self)
{
  return self->chat_page != NULL ? desk_chat_page_get_item (self->chat_page) : NULL;
}

/* Of DeskChatItem; NULL: there is nothing to do anything with. */
static GPtrArray *
get_targets (DeskWindow *self)
{
  GPtrArray *chosen = desk_sidebar_list_chosen (self->sidebar);
  DeskChatItem *open = get_open (self);
  if (chosen != NULL)
    {
      if (chosen->len > 0)
        return chosen;
      g_ptr_array_unref (chosen);
      return NULL;
    }
  if (open == NULL)
    return NULL;
  chosen = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (chosen, g_object_ref (open));
  return chosen;
}

static void
on_undo_clicked (AdwToast *toast, gpointer data)
{
  DeskWindow *self = data;
  if (self->inbox != NULL && g_object_get_data (G_OBJECT (toast), "inbox") == self->inbox)
    desk_chat_undo_apply (g_object_get_data (G_OBJECT (toast), "undo"), self->inbox);
}

void
desk_window_change_chats (DeskWindow *self, GPtrArray *items, const DeskChatChange *change)
{
  g_autofree char *text = desk_chat_actions_describe (change, items->len, desk_inbox_get_me (self->inbox));
  AdwToast *toast = adw_toast_new (text);
  adw_toast_set_button_label (toast, _ ("_Undo"));
  g_object_set_data (G_OBJECT (toast), "inbox", self->inbox);
  g_object_set_data_full (G_OBJECT (toast), "undo", desk_chat_actions_apply (self->inbox, items, change),
                          (GDestroyNotify)desk_chat_undo_free);
  g_signal_connect_object (toast, "button-clicked", G_CALLBACK (on_undo_clicked), self, 0);
  if (self->undo_toast != NULL)
    adw_toast_dismiss (self->undo_toast); /* what was done last is what can be undone */
  g_set_weak_pointer (&self->undo_toast, toast);
  adw_toast_overlay_add_toast (self->toasts, toast);
  desk_sidebar_end_choosing (self->sidebar);
}

static void
change_targets (DeskWindow *self, const DeskChatChange *change)
{
  g_autoptr (GPtrArray) items = get_targets (self);
  if (items != NULL)
    desk_window_change_chats (self, items, change);
}

/* ── State ──────────────────────────────────────────────────────────────────────────────────── */

static void
set_state (DeskWindow *self, DeskChatState state, gint64 until_ms)
{
  g_autoptr (DeskChatChange) change = desk_chat_change_new ();
  desk_chat_change_set_state (change, state, until_ms);
  change_targets (self, change);
}

static void
action_resolve (GtkWidget *widget, const char *name, GVariant *parameter)
{
  set_state (DESK_WINDOW (widget), DESK_CHAT_STATE_RESOLVED, 0);
}

static void
action_reopen (GtkWidget *widget, const char *name, GVariant *parameter)
{
  set_state (DESK_WINDOW (widget), DESK_CHAT_STATE_OPEN, 0);
}

/* Where Ctrl+Enter is what sends, it only sends. */
static void
action_send_and_resolve (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  gboolean resolve = g_settings_get_boolean (self->settings, "enter-sends");
  if (get_open (self) == NULL || !desk_chat_page_send (self->chat_page) || !resolve)
    return;
  desk_sidebar_end_choosing (self->sidebar);
  action_resolve (widget, name, NULL);
}

static void
on_snooze_chosen (DeskWindow *self, gint64 until_ms)
{
  set_state (self, DESK_CHAT_STATE_SNOOZED, until_ms);
}

/* Where the popover of an action stands: at the button in the list's bar, or in the chat's header. */
static void
show_popover (DeskWindow *self, GtkWidget *popover)
{
  GtkWidget *bar = desk_sidebar_get_chosen_bar (self->sidebar);
  if (bar != NULL)
    desk_popover_show_at (GTK_POPOVER (popover), GTK_WIDGET (self->sidebar), bar);
  else
    desk_chat_page_show_popover (self->chat_page, GTK_POPOVER (popover));
}

static void
action_snooze (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  g_autoptr (GPtrArray) items = get_targets (self);
  GtkWidget *popover;
  if (items == NULL)
    return;
  popover = desk_snooze_popover_new (desk_inbox_now_ms (self->inbox));
  g_signal_connect_object (popover, "chosen", G_CALLBACK (on_snooze_chosen), self, G_CONNECT_SWAPPED);
  show_popover (self, popover);
}

/* ── Assignment ─────────────────────────────────────────────────────────────────────────────── */

static void
assign (DeskWindow *self, const char *username)
{
  g_autoptr (DeskChatChange) change = desk_chat_change_new ();
  desk_chat_change_set_assignee (change, username);
  change_targets (self, change);
}

static const char *
common_assignee (GPtrArray *items)
{
  const DeskChat *chat = desk_chat_item_get_chat (g_ptr_array_index (items, 0));
  return items->len == 1 ? (chat->assignee != NULL ? chat->assignee : NOBODY) : NULL;
}

static void
on_managers (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskWindow) self = data;
  g_autoptr (GPtrArray) managers = desk_store_list_managers_finish (DESK_STORE (source), result, NULL);
  g_autoptr (GPtrArray) items = self->inbox != NULL ? get_targets (self) : NULL;
  if (items == NULL)
    return;
  const char *me = desk_inbox_get_me (self->inbox), *now = common_assignee (items);
  GtkWidget *popover = desk_pick_popover_new (_ ("Assign To"));
  DeskPickPopover *list = DESK_PICK_POPOVER (popover);
  if (me != NULL && *me != '\0')
    desk_pick_popover_add (list, me, _ ("Me"), me, "avatar-default-symbolic", g_strcmp0 (now, me) == 0);
  for (guint i = 0; managers != NULL && i < managers->len; i++)
    {
      const DeskManager *manager = g_ptr_array_index (managers, i);
      gboolean named = manager->display_name != NULL && *manager->display_name != '\0';
      if (manager->role != DESK_ROLE_BOT && g_strcmp0 (manager->username, me) != 0)
        desk_pick_popover_add (list, manager->username, named ? manager->display_name : manager->username,
                               named && g_strcmp0 (manager->display_name, manager->username) != 0
                                   ? manager->username
                                   : NULL,
                               "avatar-default-symbolic", g_strcmp0 (now, manager->username) == 0);
    }
  desk_pick_popover_add (list, NOBODY, _ ("Nobody"), NULL, "window-close-symbolic", g_strcmp0 (now, NOBODY) == 0);
  g_signal_connect_object (popover, "picked", G_CALLBACK (assign), self, G_CONNECT_SWAPPED);
  show_popover (self, popover);
}

static void
action_assign (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  g_autoptr (GPtrArray) items = get_targets (self);
  if (items != NULL)
    desk_store_list_managers_async (desk_inbox_get_store (self->inbox), NULL, on_managers, g_object_ref (self));
}

/* ── Labels ─────────────────────────────────────────────────────────────────────────────────── */

static gboolean
all_have (GPtrArray *items, const char *label)
{
  for (guint i = 0; i < items->len; i++)
    {
      const DeskChat *chat = desk_chat_item_get_chat (g_ptr_array_index (items, i));
      if (!g_strv_contains ((const char *const *)chat->labels, label))
        return FALSE;
    }
  return TRUE;
}

static void
toggle_label (DeskWindow *self, const char *label)
{
  g_autoptr (DeskChatChange) change = desk_chat_change_new ();
  g_autoptr (GPtrArray) items = get_targets (self);
  if (items == NULL)
    return;
  if (all_have (items, label))
    desk_chat_change_remove_label (change, label);
  else
    desk_chat_change_add_label (change, label);
  desk_window_change_chats (self, items, change);
}

static void
on_labels (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskWindow) self = data;
  g_autoptr (GPtrArray) labels = desk_store_list_labels_finish (DESK_STORE (source), result, NULL);
  g_autoptr (GPtrArray) items = self->inbox != NULL ? get_targets (self) : NULL;
  if (items == NULL)
    return;
  GtkWidget *popover = desk_pick_popover_new (_ ("Add or Remove a Label"));
  for (guint i = 0; labels != NULL && i < labels->len; i++)
    {
      const DeskLabelRow *row = g_ptr_array_index (labels, i);
      desk_pick_popover_add (DESK_PICK_POPOVER (popover), row->label, row->label, NULL, NULL,
                             all_have (items, row->label));
    }
  /* Translators: makes a new label of what was typed. */
  desk_pick_popover_allow_new (DESK_PICK_POPOVER (popover), _ ("New label “%s”"));
  g_signal_connect_object (popover, "picked", G_CALLBACK (toggle_label), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (popover, "created", G_CALLBACK (toggle_label), self, G_CONNECT_SWAPPED);
  show_popover (self, popover);
}

static void
action_label (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  g_autoptr (GPtrArray) items = get_targets (self);
  if (items != NULL)
    desk_store_list_labels_async (desk_inbox_get_store (self->inbox), NULL, on_labels, g_object_ref (self));
}

static void
action_toggle_label (GtkWidget *widget, const char *name, GVariant *label)
{
  toggle_label (DESK_WINDOW (widget), g_variant_get_string (label, NULL));
}

/* ── The rest ───────────────────────────────────────────────────────────────────────────────── */

static void
action_mark_chosen_read (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  g_autoptr (GPtrArray) items = get_targets (self);
  if (items == NULL)
    return;
  desk_chat_actions_mark_read (self->inbox, items);
  desk_sidebar_end_choosing (self->sidebar);
}

static void
action_chat_state (GtkWidget *widget, const char *name, GVariant *state)
{
  desk_sidebar_choose_state (DESK_WINDOW (widget)->sidebar, g_variant_get_string (state, NULL));
}

static void
on_filter_labels (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskWindow) self = data;
  g_autoptr (GPtrArray) labels = desk_store_list_labels_finish (DESK_STORE (source), result, NULL);
  GtkWidget *popover = desk_pick_popover_new (_ ("Chats with the Label"));
  for (guint i = 0; labels != NULL && i < labels->len; i++)
    {
      const DeskLabelRow *row = g_ptr_array_index (labels, i);
      g_autofree char *count = g_strdup_printf ("%" G_GINT64_FORMAT, row->chats);
      desk_pick_popover_add (DESK_PICK_POPOVER (popover), row->label, row->label, count, NULL, FALSE);
    }
  g_signal_connect_object (popover, "picked", G_CALLBACK (desk_sidebar_choose_label), self->sidebar, G_CONNECT_SWAPPED);
  desk_popover_show_at (GTK_POPOVER (popover), GTK_WIDGET (self->sidebar), gtk_widget_get_first_child (GTK_WIDGET (self->sidebar)));
}

static void
action_filter_label (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  if (self->inbox != NULL && desk_inbox_get_store (self->inbox) != NULL)
    desk_store_list_labels_async (desk_inbox_get_store (self->inbox), NULL, on_filter_labels, g_object_ref (self));
}

static void
action_choose_chats (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  if (self->inbox == NULL)
    return;
  adw_leaflet_set_visible_child (self->leaflet, GTK_WIDGET (self->sidebar_clamp));
  desk_sidebar_begin_choosing (self->sidebar);
}

static void
on_mute_activated (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  DeskWindow *self = data;
  g_autoptr (DeskChatChange) change = desk_chat_change_new ();
  g_autoptr (GVariant) state = g_action_get_state (G_ACTION (action));
  desk_chat_change_set_muted (change, !g_variant_get_boolean (state));
  change_targets (self, change);
}

static void
update_for_item (DeskWindow *self)
{
  const DeskChat *chat = self->watched_item != NULL ? desk_chat_item_get_chat (self->watched_item) : NULL;
  gboolean can = chat != NULL && chat->is_level2;
  gboolean open = can && chat->state == DESK_CHAT_STATE_OPEN;
  gboolean choosing = desk_sidebar_get_chosen_bar (self->sidebar) != NULL;
  GtkWidget *widget = GTK_WIDGET (self);
  gtk_widget_action_set_enabled (widget, "win.assign", can || choosing);
  gtk_widget_action_set_enabled (widget, "win.label", can || choosing);
  gtk_widget_action_set_enabled (widget, "win.toggle-label", can || choosing);
  gtk_widget_action_set_enabled (widget, "win.snooze", can || choosing);
  gtk_widget_action_set_enabled (widget, "win.resolve",
                                 choosing || (can && chat->state != DESK_CHAT_STATE_RESOLVED));
  gtk_widget_action_set_enabled (widget, "win.reopen", choosing || (can && !open));
  gtk_widget_action_set_enabled (widget, "win.send-and-resolve", chat != NULL);
  gtk_widget_action_set_enabled (widget, "win.mark-chosen-read", choosing);
  g_simple_action_set_enabled (self->mute_action, can || choosing);
  g_simple_action_set_state (self->mute_action,
                             g_variant_new_boolean (chat != NULL && chat->has_personal && chat->personal.muted));
}

void
desk_window_watch_chat (DeskWindow *self)
{
  DeskChatItem *item = get_open (self);
  if (self->watched_item != item)
    {
      if (self->watched_item != NULL)
        g_signal_handlers_disconnect_by_func (self->watched_item, update_for_item, self);
      g_set_object (&self->watched_item, item);
      if (item != NULL)
        g_signal_connect_object (item, "changed", G_CALLBACK (update_for_item), self, G_CONNECT_SWAPPED);
    }
  update_for_item (self);
}

/* ── Refusals ───────────────────────────────────────────────────────────────────────────────── */

static gint64
get_refused_id (AdwToast *toast)
{
  return *(gint64 *)g_object_get_data (G_OBJECT (toast), "local-id");
}

static void
on_again_clicked (AdwToast *toast, gpointer data)
{
  desk_refusals_retry (data, get_refused_id (toast));
}

static void
on_refusal_dismissed (AdwToast *toast, gpointer data)
{
  desk_refusals_drop (data, get_refused_id (toast));
}

static void
on_refused (DeskWindow *self, const char *text, gint64 local_id)
{
  AdwToast *toast = adw_toast_new (text);
  if (self->undo_toast != NULL)
    adw_toast_dismiss (self->undo_toast); /* there is nothing to undo */
  adw_toast_set_button_label (toast, _ ("_Change Anyway"));
  adw_toast_set_timeout (toast, 15);
  adw_toast_set_priority (toast, ADW_TOAST_PRIORITY_HIGH);
  g_object_set_data_full (G_OBJECT (toast), "local-id", g_memdup2 (&local_id, sizeof local_id), g_free);
  g_signal_connect_object (toast, "button-clicked", G_CALLBACK (on_again_clicked), self->refusals, 0);
  g_signal_connect_object (toast, "dismissed", G_CALLBACK (on_refusal_dismissed), self->refusals, 0);
  adw_toast_overlay_add_toast (self->toasts, toast);
}

void
desk_window_watch_refusals (DeskWindow *self)
{
  if (self->refusals != NULL)
    g_signal_handlers_disconnect_by_data (self->refusals, self);
  g_clear_object (&self->refusals);
  if (self->inbox == NULL)
    return;
  self->refusals = desk_refusals_new (self->inbox);
  g_signal_connect_object (self->refusals, "refused", G_CALLBACK (on_refused), self, G_CONNECT_SWAPPED);
}

void
desk_window_add_chat_actions (DeskWindow *self)
{
  self->mute_action = g_simple_action_new_stateful ("mute", NULL, g_variant_new_boolean (FALSE));
  g_signal_connect_object (self->mute_action, "activate", G_CALLBACK (on_mute_activated), self, 0);
  g_action_map_add_action (G_ACTION_MAP (self), G_ACTION (self->mute_action));
  g_object_unref (self->mute_action); /* the window's map keeps it */
}

void
desk_window_install_chat_actions (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "win.assign", NULL, action_assign);
  gtk_widget_class_install_action (widget_class, "win.label", NULL, action_label);
  gtk_widget_class_install_action (widget_class, "win.toggle-label", "s", action_toggle_label);
  gtk_widget_class_install_action (widget_class, "win.resolve", NULL, action_resolve);
  gtk_widget_class_install_action (widget_class, "win.reopen", NULL, action_reopen);
  gtk_widget_class_install_action (widget_class, "win.snooze", NULL, action_snooze);
  gtk_widget_class_install_action (widget_class, "win.send-and-resolve", NULL, action_send_and_resolve);
  gtk_widget_class_install_action (widget_class, "win.mark-chosen-read", NULL, action_mark_chosen_read);
  gtk_widget_class_install_action (widget_class, "win.chat-state", "s", action_chat_state);
  gtk_widget_class_install_action (widget_class, "win.filter-label", NULL, action_filter_label);
  gtk_widget_class_install_action (widget_class, "win.choose-chats", NULL, action_choose_chats);
}
