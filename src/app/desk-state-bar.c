/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The state of the connection. It never says more than is known: "complete to" is the moment up to
 * which the cache is known to hold everything. */

#include "app/desk-state-bar.h"

#include <glib/gi18n.h>

#include "app/desk-format.h"

struct _DeskStateBar
{
  GtkBox parent_instance;

  GtkImage *image;
  GtkSpinner *spinner;
  GtkLabel *label;
  GtkButton *button;

  DeskInbox *inbox;
  guint tick_source; /* while the next try is counted down to */
};

G_DEFINE_FINAL_TYPE (DeskStateBar, desk_state_bar, GTK_TYPE_BOX)

static char *
describe_offline (const DeskSyncState *state, gint64 now_ms)
{
  g_autofree char *text = g_strdup (_ ("Offline: the server does not answer"));
  gint64 left_s = state->retry_at_ms > now_ms ? (state->retry_at_ms - now_ms + 999) / 1000 : 0;
  if (state->complete_to_ms > 0)
    {
      g_autofree char *when = desk_format_exact (state->complete_to_ms - state->server_offset_ms);
      g_free (text);
      /* Translators: no connection; everything up to that time is on this computer. */
      text = g_strdup_printf (_ ("Offline: complete to %s"), when);
    }
  if (state->phase != DESK_SYNC_OFFLINE || left_s == 0)
    return g_steal_pointer (&text);
  /* Translators: below "Offline: complete to …". */
  g_autofree char *next = g_strdup_printf (ngettext ("Reconnecting in %d second",
                                                     "Reconnecting in %d seconds", (gulong)left_s),
                                           (int)left_s);
  return g_strdup_printf ("%s\n%s", text, next);
}

static char *
describe_catching_up (const DeskSyncState *state)
{
  if (state->chats_total > 0)
    /* Translators: how many chats are fetched of all. */
    return g_strdup_printf (_ ("Catching up: %u of %u chats"), state->chats_done,
                            state->chats_total);
  return g_strdup (_ ("Catching up…"));
}

char *
desk_state_bar_describe (const DeskSyncState *state, gboolean has_server, gint64 now_ms)
{
  switch (state->phase)
    {
    case DESK_SYNC_OFFLINE:
      return describe_offline (state, now_ms);
    case DESK_SYNC_CONNECTING:
      return g_strdup (state->complete_to_ms > 0 ? _ ("Reconnecting…") : _ ("Connecting…"));
    case DESK_SYNC_CATCHING_UP:
      return describe_catching_up (state);
    case DESK_SYNC_LIVE:
      return state->chats_total > state->chats_done ? describe_catching_up (state)
                                                    : g_strdup (_ ("Up to date"));
    case DESK_SYNC_POLLING:
      return g_strdup (_ ("Up to date; new messages may take some seconds"));
    case DESK_SYNC_SIGNED_OUT:
      return g_strdup (_ ("Signed out: sign in again to receive and send"));
    case DESK_SYNC_REFUSED:
      /* Translators: the server answers but cannot be used; %s says why. */
      return g_strdup_printf (_ ("The server refuses: %s"),
                              state->error != NULL ? state->error : _ ("no reason given"));
    case DESK_SYNC_STOPPED:
    default:
      return has_server ? g_strdup (_ ("Connecting…")) : describe_offline (state, now_ms);
    }
}

static void
show_kind (DeskStateBar *self, const DeskSyncState *state)
{
  gboolean busy = state->phase == DESK_SYNC_CONNECTING || state->phase == DESK_SYNC_CATCHING_UP
                  || (state->phase == DESK_SYNC_LIVE && state->chats_total > state->chats_done);
  gboolean refused = state->phase == DESK_SYNC_SIGNED_OUT || state->phase == DESK_SYNC_REFUSED;
  gboolean live = state->phase == DESK_SYNC_LIVE || state->phase == DESK_SYNC_POLLING;

  gtk_widget_set_visible (GTK_WIDGET (self->spinner), busy);
  gtk_spinner_set_spinning (self->spinner, busy);
  gtk_widget_set_visible (GTK_WIDGET (self->image), !busy);
  gtk_image_set_from_icon_name (self->image, live      ? "emblem-ok-symbolic"
                                             : refused ? "dialog-error-symbolic"
                                                       : "network-offline-symbolic");
  gtk_widget_remove_css_class (GTK_WIDGET (self), "offline");
  gtk_widget_remove_css_class (GTK_WIDGET (self), "refused");
  if (refused)
    gtk_widget_add_css_class (GTK_WIDGET (self), "refused");
  else if (!live && !busy)
    gtk_widget_add_css_class (GTK_WIDGET (self), "offline");
}

static void update (DeskStateBar *self);

static gboolean
on_tick (gpointer data)
{
  DeskStateBar *self = data;
  self->tick_source = 0;
  if (self->inbox != NULL)
    update (self);
  return G_SOURCE_REMOVE;
}

static void
update (DeskStateBar *self)
{
  const DeskSyncState *state = desk_inbox_get_state (self->inbox);
  gboolean has_server = desk_inbox_get_server_url (self->inbox) != NULL;
  g_autofree char *text = desk_state_bar_describe (state, has_server, g_get_real_time () / 1000);

  g_clear_handle_id (&self->tick_source, g_source_remove);
  if (state->phase == DESK_SYNC_OFFLINE && state->retry_at_ms > g_get_real_time () / 1000)
    self->tick_source = g_timeout_add (1000, on_tick, self);
  show_kind (self, state);
  gtk_label_set_text (self->label, text);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->label),
                               state->error != NULL ? state->error : text);
  if (state->phase == DESK_SYNC_SIGNED_OUT)
    {
      gtk_button_set_label (self->button, _ ("Sign In"));
      gtk_actionable_set_action_name (GTK_ACTIONABLE (self->button), "win.sign-in");
    }
  else if (state->phase == DESK_SYNC_OFFLINE || state->phase == DESK_SYNC_REFUSED)
    {
      gtk_button_set_label (self->button, _ ("Try Now"));
      gtk_actionable_set_action_name (GTK_ACTIONABLE (self->button), "win.retry-now");
    }
  gtk_widget_set_visible (GTK_WIDGET (self->button), state->phase == DESK_SYNC_SIGNED_OUT
                                                         || state->phase == DESK_SYNC_OFFLINE
                                                         || state->phase == DESK_SYNC_REFUSED);
}

void
desk_state_bar_set_inbox (DeskStateBar *self, DeskInbox *inbox)
{
  if (self->inbox != NULL)
    g_signal_handlers_disconnect_by_data (self->inbox, self);
  if (!g_set_object (&self->inbox, inbox) || inbox == NULL)
    return;
  g_signal_connect_object (inbox, "state-changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);
}

static void
desk_state_bar_dispose (GObject *object)
{
  g_clear_handle_id (&DESK_STATE_BAR (object)->tick_source, g_source_remove);
  g_clear_object (&DESK_STATE_BAR (object)->inbox);
  G_OBJECT_CLASS (desk_state_bar_parent_class)->dispose (object);
}

static void
desk_state_bar_class_init (DeskStateBarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_state_bar_dispose;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/frontdesk/Frontdesk/ui/desk-state-bar.ui");
  gtk_widget_class_bind_template_child (widget_class, DeskStateBar, image);
  gtk_widget_class_bind_template_child (widget_class, DeskStateBar, spinner);
  gtk_widget_class_bind_template_child (widget_class, DeskStateBar, label);
  gtk_widget_class_bind_template_child (widget_class, DeskStateBar, button);
}

static void
desk_state_bar_init (DeskStateBar *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
