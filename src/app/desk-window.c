/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The main window: the panes and how they fold, what is shown when there is no inbox, and the order
 * of the start: window, first frame, cache, list, engine. Folding follows from the smallest widths
 * of the panes: list 320, chat 280, customer 260; below 600 list and chat fold, below 860 the
 * customer. */

#include "app/desk-window-private.h"

#include <glib/gi18n.h>

#include "app/desk-trace.h"

#define SIDEBAR_WIDTH 325
#define PANEL_WIDTH   290

enum
{
  SIGNAL_TRY_DEMO,
  SIGNAL_SIGNED_IN,
  SIGNAL_SIGN_OUT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskWindow, desk_window, ADW_TYPE_APPLICATION_WINDOW)

void
desk_window_tell (DeskWindow *self, const char *text)
{
  AdwToast *toast = adw_toast_new (text);
  adw_toast_overlay_add_toast (self->toasts, toast);
}

/* ── Chats ──────────────────────────────────────────────────────────────────────────────────── */

void
desk_window_show_panel (DeskWindow *self, gboolean show)
{
  DeskChatItem *item = self->chat_page != NULL ? desk_chat_page_get_item (self->chat_page) : NULL;
  if (show && item != NULL)
    {
      if (self->customer_panel == NULL)
        {
          self->customer_panel = g_object_new (DESK_TYPE_CUSTOMER_PANEL, NULL);
          GtkWidget *clamp = adw_clamp_new ();
          adw_clamp_set_maximum_size (ADW_CLAMP (clamp), PANEL_WIDTH);
          adw_clamp_set_tightening_threshold (ADW_CLAMP (clamp), PANEL_WIDTH);
          adw_clamp_set_child (ADW_CLAMP (clamp), GTK_WIDGET (self->customer_panel));
          gtk_widget_set_hexpand (clamp, FALSE);
          adw_flap_set_flap (self->flap, clamp);
        }
      desk_customer_panel_set_chat (self->customer_panel, self->inbox, item);
    }
  adw_flap_set_reveal_flap (self->flap, show && item != NULL);
  if (item != NULL && !adw_flap_get_folded (self->flap))
    g_settings_set_boolean (self->settings, "show-customer-panel", show);
}

static void
show_chat (DeskWindow *self, DeskChatItem *item)
{
  if (self->chat_page == NULL)
    {
      self->chat_page = g_object_new (DESK_TYPE_CHAT_PAGE, NULL);
      gtk_stack_add_named (self->chat_stack, GTK_WIDGET (self->chat_page), "chat");
      desk_chat_page_set_folded (self->chat_page, adw_leaflet_get_folded (self->leaflet));
    }
  gboolean was_open
      = gtk_stack_get_visible_child (self->chat_stack) == GTK_WIDGET (self->chat_page);
  desk_chat_page_set_chat (self->chat_page, self->inbox, item);
  gtk_stack_set_visible_child (self->chat_stack, GTK_WIDGET (self->chat_page));
  if (self->customer_panel != NULL)
    desk_customer_panel_set_chat (self->customer_panel, self->inbox, item);
  if (!was_open && !adw_flap_get_folded (self->flap)
      && g_settings_get_boolean (self->settings, "show-customer-panel"))
    desk_window_show_panel (self, TRUE);
}

static void
show_no_chat (DeskWindow *self)
{
  if (self->chat_page != NULL)
    desk_chat_page_set_chat (self->chat_page, self->inbox, NULL);
  adw_flap_set_reveal_flap (self->flap, FALSE);
  gtk_stack_set_visible_child_name (self->chat_stack, "none");
  adw_leaflet_set_visible_child (self->leaflet, GTK_WIDGET (self->sidebar_clamp));
}

/* With both panes in view the focus stays where it is: whoever walks through the list goes on.
 * Alone on the screen the chat gets it into its reply field, and never into the first button. */
static void
show_chat_pane (DeskWindow *self)
{
  GtkWidget *focus = gtk_root_get_focus (GTK_ROOT (self));
  adw_leaflet_set_visible_child (self->leaflet, GTK_WIDGET (self->flap));
  if (focus != NULL && !adw_leaflet_get_folded (self->leaflet))
    gtk_widget_grab_focus (focus);
  else
    desk_chat_page_focus_composer (self->chat_page);
}

/* What nothing else has used and what is text belongs to the reply: in the bubbling phase, so that
 * entries, mnemonics and shortcuts come first. */
static gboolean
on_key_pressed (GtkEventControllerKey *controller,
                guint keyval,
                guint keycode,
                GdkModifierType state,
                gpointer data)
{
  DeskWindow *self = data;
  GtkWidget *focus = gtk_root_get_focus (GTK_ROOT (self));
  gunichar c = gdk_keyval_to_unicode (keyval);
  gboolean dead = keyval >= GDK_KEY_dead_grave && keyval <= GDK_KEY_dead_greek;

  if ((state & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK | GDK_META_MASK)) != 0
      || (!dead && (c == 0 || !g_unichar_isgraph (c))) || desk_window_get_visible_chat (self) == NULL)
    return FALSE;
  if (GTK_IS_EDITABLE (focus) || GTK_IS_TEXT_VIEW (focus)
      || (focus != NULL && gtk_widget_get_ancestor (focus, GTK_TYPE_POPOVER) != NULL))
    return FALSE;
  return desk_chat_page_take_key (self->chat_page, controller);
}

static void
on_chat_selected (DeskWindow *self, DeskChatItem *item)
{
  if (self->inbox == NULL || item == NULL)
    show_no_chat (self);
  else
    {
      show_chat (self, item);
      show_chat_pane (self);
      if (self->pending_hit_id != NULL || self->pending_hit_key > 0)
        desk_chat_page_jump (self->chat_page, self->pending_hit_id, self->pending_hit_key);
    }
  g_clear_pointer (&self->pending_hit_id, g_free);
  self->pending_hit_key = 0;
  desk_window_update_actions (self);
}

static void
on_chat_activated (DeskWindow *self)
{
  if (self->chat_page == NULL || desk_chat_page_get_item (self->chat_page) == NULL)
    return;
  adw_leaflet_set_visible_child (self->leaflet, GTK_WIDGET (self->flap));
  desk_chat_page_focus_composer (self->chat_page);
}

void
desk_window_open_chat (DeskWindow *self, const char *key)
{
  desk_sidebar_end_search (self->sidebar);
  desk_sidebar_select (self->sidebar, key);
  adw_leaflet_set_visible_child (self->leaflet, GTK_WIDGET (self->flap));
  on_chat_activated (self);
}

static void
on_hit_activated (
    DeskWindow *self, const char *platform, const char *user_id, const char *id, gint64 order_key)
{
  g_autofree char *key = desk_chat_format_key (platform, user_id);
  DeskChatItem *open = self->chat_page != NULL ? desk_chat_page_get_item (self->chat_page) : NULL;
  gboolean message = id != NULL || order_key > 0;

  if (open != NULL && g_str_equal (desk_chat_item_get_key (open), key))
    {
      if (message)
        desk_chat_page_jump (self->chat_page, id, order_key);
      show_chat_pane (self);
    }
  else
    {
      g_free (self->pending_hit_id);
      self->pending_hit_id = g_strdup (id);
      self->pending_hit_key = order_key;
      desk_sidebar_select (self->sidebar, key);
    }
  if (!message)
    {
      desk_sidebar_end_search (self->sidebar);
      on_chat_activated (self);
    }
}

const char *
desk_window_get_visible_chat (DeskWindow *self)
{
  DeskChatItem *item = self->chat_page != NULL ? desk_chat_page_get_item (self->chat_page) : NULL;
  if (item == NULL || !gtk_widget_get_mapped (GTK_WIDGET (self->chat_page))
      || !gtk_window_is_active (GTK_WINDOW (self)))
    return NULL;
  return desk_chat_item_get_key (item);
}

/* ── Folding ────────────────────────────────────────────────────────────────────────────────── */

static void
on_folded_changed (DeskWindow *self)
{
  gboolean folded = adw_leaflet_get_folded (self->leaflet);
  /* Alone it fills the window; beside a chat it is as wide as it needs, whatever its rows say. */
  adw_clamp_set_maximum_size (self->sidebar_clamp, folded ? G_MAXINT16 : SIDEBAR_WIDTH);
  adw_clamp_set_tightening_threshold (self->sidebar_clamp, folded ? G_MAXINT16 : SIDEBAR_WIDTH);
  desk_sidebar_set_folded (self->sidebar, folded);
  adw_header_bar_set_show_start_title_buttons (self->empty_header, folded);
  if (self->chat_page != NULL)
    desk_chat_page_set_folded (self->chat_page, folded);
}

static void on_panel_changed (DeskWindow *self);

static void
on_flap_folded_changed (DeskWindow *self)
{
  if (adw_flap_get_folded (self->flap))
    adw_flap_set_reveal_flap (self->flap, FALSE);
  else if (g_settings_get_boolean (self->settings, "show-customer-panel"))
    desk_window_show_panel (self, TRUE);
  on_panel_changed (self);
}

static void
on_panel_changed (DeskWindow *self)
{
  gboolean shown = adw_flap_get_reveal_flap (self->flap);
  if (self->chat_page != NULL)
    desk_chat_page_set_panel_beside (self->chat_page, shown && !adw_flap_get_folded (self->flap));
}

static void
on_visible_child_changed (DeskWindow *self)
{
  if (self->chat_page != NULL)
    desk_chat_page_check_read (self->chat_page);
}

/* ── Opening ────────────────────────────────────────────────────────────────────────────────── */

static void
show_problem (
    DeskWindow *self, const char *icon, const char *title, const char *text, const char *button)
{
  adw_status_page_set_icon_name (self->problem_page, icon);
  adw_status_page_set_title (self->problem_page, title);
  adw_status_page_set_description (self->problem_page, text);
  gtk_widget_set_visible (GTK_WIDGET (self->problem_button), button != NULL);
  if (button != NULL)
    gtk_button_set_label (self->problem_button, button);
  gtk_stack_set_visible_child_name (self->stack, "problem");
}

static void
show_inbox (DeskWindow *self)
{
  desk_sidebar_set_inbox (self->sidebar, self->inbox);
  desk_window_watch_refusals (self);
  gtk_stack_set_visible_child_name (self->stack, "inbox");
  desk_window_update_actions (self);
  if (self->first_frame_done)
    desk_inbox_start (self->inbox);
}

static void
tell_open_error (DeskWindow *self, const GError *error)
{
  g_warning ("the cache could not be opened: %s", error->message);
  if (g_error_matches (error, DESK_STORE_ERROR, DESK_STORE_ERROR_CORRUPT))
    show_problem (self, "dialog-warning-symbolic", _ ("The Local Copy Is Damaged"),
                  _ ("The chats stored on this computer cannot be read. They can be fetched from "
                     "the server again; "
                     "drafts and replies that were not sent yet are saved as far as possible."),
                  _ ("_Rebuild"));
  else if (g_error_matches (error, DESK_STORE_ERROR, DESK_STORE_ERROR_SCHEMA_VERSION))
    show_problem (self, "software-update-available-symbolic", _ ("Written by a Newer Version"),
                  _ ("A newer version of Frontdesk has been used with these chats. Update "
                     "Frontdesk to open them."),
                  NULL);
  else if (g_error_matches (error, DESK_STORE_ERROR, DESK_STORE_ERROR_FULL))
    show_problem (self, "drive-harddisk-symbolic", _ ("The Disk Is Full"),
                  _ ("Free some space, then start Frontdesk again."), NULL);
  else
    show_problem (self, "dialog-error-symbolic", _ ("The Chats Cannot Be Opened"),
                  _ ("The folder with the chats cannot be used. Check its permissions, then start "
                     "Frontdesk again."),
                  NULL);
}

static void
on_opened (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskWindow) self = data;
  g_autoptr (GError) error = NULL;
  gboolean opened = desk_inbox_open_finish (DESK_INBOX (source), result, &error);
  if (self->inbox != DESK_INBOX (source))
    {
      if (opened) /* another account is shown by now; this one goes on without a window */
        desk_inbox_start (DESK_INBOX (source));
      return;
    }
  desk_trace ("cache-open");
  if (opened)
    show_inbox (self);
  else
    tell_open_error (self, error);
}

static void
on_rescued (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskWindow) self = data;
  g_autoptr (GError) error = NULL;
  guint drafts = 0, outbox = 0;
  gboolean rescued
      = desk_inbox_rescue_finish (DESK_INBOX (source), result, &drafts, &outbox, &error);
  gtk_widget_set_sensitive (GTK_WIDGET (self->problem_button), TRUE);
  if (!rescued)
    {
      tell_open_error (self, error);
      return;
    }
  show_inbox (self);
  g_autofree char *text
      = g_strdup_printf (_ ("Rebuilt. Saved drafts: %u, unsent replies: %u"), drafts, outbox);
  desk_window_tell (self, text);
}

static void
on_rescue_clicked (DeskWindow *self)
{
  if (self->inbox == NULL)
    return;
  gtk_widget_set_sensitive (GTK_WIDGET (self->problem_button), FALSE);
  desk_inbox_rescue_async (self->inbox, NULL, on_rescued, g_object_ref (self));
}

static void
on_problem (DeskWindow *self, const char *text)
{
  desk_window_tell (self, text);
}

static void
on_notice (DeskWindow *self, const DeskNotification *notice)
{
  if (notice->title != NULL && *notice->title != '\0')
    desk_window_tell (self, notice->title);
}

void
desk_window_open (DeskWindow *self, DeskInbox *inbox)
{
  desk_window_leave_inbox (self);
  g_set_object (&self->inbox, inbox);
  g_signal_connect_object (inbox, "problem", G_CALLBACK (on_problem), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (inbox, "notice", G_CALLBACK (on_notice), self, G_CONNECT_SWAPPED);
  gtk_stack_set_visible_child_name (self->stack, "inbox");
  if (desk_inbox_get_store (inbox) != NULL)
    show_inbox (self);
  else
    desk_inbox_open_async (inbox, NULL, on_opened, g_object_ref (self));
}

void
desk_window_show_inbox (DeskWindow *self)
{
  const char *page = gtk_stack_get_visible_child_name (self->stack);
  if (self->inbox != NULL && g_strcmp0 (page, "welcome") == 0)
    gtk_stack_set_visible_child_name (
        self->stack, desk_inbox_get_store (self->inbox) != NULL ? "inbox" : "problem");
}

void
desk_window_set_account_title (DeskWindow *self, const char *title)
{
  desk_sidebar_set_account_title (self->sidebar, title);
}

DeskInbox *
desk_window_get_inbox (DeskWindow *self)
{
  return self->inbox;
}

void
desk_window_leave_inbox (DeskWindow *self)
{
  if (self->inbox == NULL)
    return;
  show_no_chat (self);
  g_signal_handlers_disconnect_by_data (self->inbox, self);
  desk_sidebar_set_inbox (self->sidebar, NULL);
  if (self->customer_panel != NULL)
    desk_customer_panel_set_chat (self->customer_panel, NULL, NULL);
  if (self->chat_page != NULL)
    desk_chat_page_set_chat (self->chat_page, NULL, NULL);
  g_clear_object (&self->inbox);
  desk_window_watch_refusals (self);
  desk_window_update_actions (self);
}

/* ── The welcome page ───────────────────────────────────────────────────────────────────────── */

static void
on_try_demo (DeskWindow *self)
{
  g_signal_emit (self, signals[SIGNAL_TRY_DEMO], 0);
}

static void
on_signed_in (DeskWindow *self, gpointer account)
{
  g_signal_emit (self, signals[SIGNAL_SIGNED_IN], 0, account);
}

void
desk_window_show_welcome (DeskWindow *self,
                          const char *server_url,
                          const char *username,
                          const char *cache_dir,
                          gboolean form)
{
  if (self->welcome_page == NULL)
    {
      self->welcome_page = g_object_new (DESK_TYPE_WELCOME_PAGE, NULL);
      gtk_stack_add_named (self->stack, GTK_WIDGET (self->welcome_page), "welcome");
      g_signal_connect_object (self->welcome_page, "try-demo", G_CALLBACK (on_try_demo), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (self->welcome_page, "signed-in", G_CALLBACK (on_signed_in), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (self->welcome_page, "cancelled", G_CALLBACK (desk_window_show_inbox),
                               self, G_CONNECT_SWAPPED);
    }
  desk_welcome_page_set_up (self->welcome_page, server_url, username, cache_dir, form);
  desk_welcome_page_set_returnable (self->welcome_page, form && self->inbox != NULL);
  desk_welcome_page_set_busy (self->welcome_page, FALSE);
  gtk_stack_set_visible_child (self->stack, GTK_WIDGET (self->welcome_page));
}

void
desk_window_show_demo_progress (DeskWindow *self, gboolean busy, const char *problem)
{
  if (self->welcome_page == NULL)
    desk_window_show_welcome (self, NULL, NULL, NULL, FALSE);
  desk_welcome_page_set_busy (self->welcome_page, busy);
  if (problem != NULL)
    desk_window_tell (self, problem);
}

/* ── The start ──────────────────────────────────────────────────────────────────────────────── */

static void
on_after_paint (GdkFrameClock *clock, gpointer data)
{
  DeskWindow *self = data;
  if (!self->first_frame_done)
    {
      self->first_frame_done = TRUE;
      desk_trace ("first-frame");
      if (self->inbox != NULL)
        desk_inbox_start (self->inbox);
    }
  if (self->trace_ready)
    {
      desk_trace ("inbox-ready");
      g_signal_handlers_disconnect_by_func (clock, on_after_paint, self);
    }
}

static void
on_list_ready (DeskWindow *self)
{
  self->trace_ready = TRUE;
}

static void
desk_window_realize (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (desk_window_parent_class)->realize (widget);
  g_signal_connect_object (gtk_widget_get_frame_clock (widget), "after-paint",
                           G_CALLBACK (on_after_paint), widget, 0);
}

static void
on_active_changed (DeskWindow *self)
{
  if (self->chat_page != NULL && gtk_window_is_active (GTK_WINDOW (self)))
    desk_chat_page_check_read (self->chat_page);
}

static gboolean
desk_window_close_request (GtkWindow *window)
{
  DeskWindow *self = DESK_WINDOW (window);
  if (self->chat_page != NULL)
    desk_chat_page_flush (self->chat_page);
  if (g_settings_get_boolean (self->settings, "run-in-background") && self->inbox != NULL
      && g_application_get_is_registered (g_application_get_default ())
      && (g_application_get_flags (g_application_get_default ()) & G_APPLICATION_NON_UNIQUE) == 0)
    {
      gtk_widget_hide (GTK_WIDGET (self));
      g_action_group_activate_action (G_ACTION_GROUP (g_application_get_default ()),
                                      "tell-background", NULL);
      return TRUE;
    }
  return GTK_WINDOW_CLASS (desk_window_parent_class)->close_request (window);
}

static void
desk_window_dispose (GObject *object)
{
  DeskWindow *self = DESK_WINDOW (object);
  if (self->sidebar != NULL)
    desk_window_leave_inbox (self);
  self->sidebar = NULL;
  g_clear_object (&self->watched_item);
  g_clear_object (&self->refusals);
  g_clear_weak_pointer (&self->undo_toast);
  g_clear_object (&self->settings);
  g_clear_pointer (&self->pending_hit_id, g_free);
  G_OBJECT_CLASS (desk_window_parent_class)->dispose (object);
}

static void
desk_window_class_init (DeskWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  GType type = G_TYPE_FROM_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_window_dispose;
  GTK_WINDOW_CLASS (klass)->close_request = desk_window_close_request;
  widget_class->realize = desk_window_realize;
  g_type_ensure (DESK_TYPE_SIDEBAR);
  signals[SIGNAL_TRY_DEMO]
      = g_signal_new ("try-demo", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_SIGNED_IN] = g_signal_new ("signed-in", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                            NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
  signals[SIGNAL_SIGN_OUT] = g_signal_new ("sign-out", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                           G_TYPE_NONE, 1, G_TYPE_BOOLEAN);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/frontdesk/Frontdesk/ui/desk-window.ui");
  gtk_widget_class_bind_template_child (widget_class, DeskWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, DeskWindow, stack);
  gtk_widget_class_bind_template_child (widget_class, DeskWindow, leaflet);
  gtk_widget_class_bind_template_child (widget_class, DeskWindow, sidebar_clamp);
  gtk_widget_class_bind_template_child (widget_class, DeskWindow, sidebar);
  gtk_widget_class_bind_template_child (widget_class, DeskWindow, flap);
  gtk_widget_class_bind_template_child (widget_class, DeskWindow, chat_stack);
  gtk_widget_class_bind_template_child (widget_class, DeskWindow, problem_page);
  gtk_widget_class_bind_template_child (widget_class, DeskWindow, problem_button);
  gtk_widget_class_bind_template_child (widget_class, DeskWindow, empty_header);
  gtk_widget_class_bind_template_callback (widget_class, on_chat_selected);
  gtk_widget_class_bind_template_callback (widget_class, on_chat_activated);
  gtk_widget_class_bind_template_callback (widget_class, on_hit_activated);
  gtk_widget_class_bind_template_callback (widget_class, on_list_ready);
  gtk_widget_class_bind_template_callback (widget_class, on_folded_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_flap_folded_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_visible_child_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_panel_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_rescue_clicked);
  desk_window_install_actions (widget_class);
}

static void
desk_window_init (DeskWindow *self)
{
  g_autoptr (GAction) sort = NULL;
  GtkEventController *keys;
  self->settings = g_settings_new (APPLICATION_ID);
  gtk_widget_init_template (GTK_WIDGET (self));
  sort = g_settings_create_action (self->settings, "chat-sort");
  g_action_map_add_action (G_ACTION_MAP (self), sort);
  g_settings_bind (self->settings, "window-width", self, "default-width", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "window-height", self, "default-height",
                   G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "window-maximized", self, "maximized", G_SETTINGS_BIND_DEFAULT);
  g_signal_connect (self, "notify::is-active", G_CALLBACK (on_active_changed), NULL);
  keys = gtk_event_controller_key_new ();
  g_signal_connect_object (keys, "key-pressed", G_CALLBACK (on_key_pressed), self, 0);
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
  desk_window_add_chat_actions (self);
  g_signal_connect_object (self->sidebar, "choosing-changed", G_CALLBACK (desk_window_watch_chat), self,
                           G_CONNECT_SWAPPED);
  on_folded_changed (self);
  desk_window_update_actions (self);
}

DeskWindow *
desk_window_new (GtkApplication *application)
{
  return g_object_new (DESK_TYPE_WINDOW, "application", application, NULL);
}
