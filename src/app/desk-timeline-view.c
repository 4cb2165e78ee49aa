/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The history of one chat as a list. All scrolling is decided here and only in these ways:
 *  – sticky: the view follows the newest message. GtkListView does not do that by itself; it is
 *    done from an idle whenever the adjustment's upper, page size or value changes. The flag falls
 *    only by hand: when the value gets smaller shortly after a wheel, a key, a finger or a button
 *    was used here. The list itself changes the value, too, while it measures rows.
 *  – settling: a new window starts at the top, so for some frames after it the place (the end, the
 *    unread line or a message) is asked for until the list has measured what is there.
 *  – edges: one page is asked for at a time, and the next only when the list has measured this one.
 *    Until then the value still counts from the old first row, and says "near the edge" whenever it
 *    changes: the pages would pile up until the rows in sight were trimmed as the far end.
 * Nothing compensates for rows that come above: the list keeps its anchor by itself. */

#include "app/desk-timeline-view.h"

#include <glib/gi18n.h>

#include "app/desk-message-row.h"
#include "app/desk-timeline-find.h"
#include "app/desk-timeline-loader.h"
#include "app/desk-timeline-menu.h"

#define SETTLE_FRAMES 6
/* Rows are measured after the ticks of a frame, so they are known in the tick of the next. */
#define MEASURE_FRAMES 2
/* So long after an event a change of the value is somebody's doing. */
#define HAND_US (G_USEC_PER_SEC)

struct _DeskTimelineView
{
  GtkWidget parent_instance;

  GtkWidget *overlay;
  GtkScrolledWindow *scrolled;
  GtkListView *list;
  GtkRevealer *jump_revealer;
  GtkLabel *jump_count;
  GtkSpinner *spinner;
  GtkWidget *menu; /* nullable: GtkPopoverMenu, made when first asked for */

  DeskInbox *inbox;
  DeskChatItem *item;
  DeskTimelineLoader *loader;
  DeskMessageRowContext context;

  gboolean sticky;
  double seen_value; /* of the adjustment */
  gint64 hand_us; /* monotonic: when somebody last scrolled, pressed or dragged here */
  guint stick_source;
  guint settle_tick;
  guint settle_frames;
  guint measure_frames; /* until the rows of the last page are measured */
  char *target_id; /* where a jump goes */
  gint64 target_key;
  gint64 told_read; /* what was last told by "read-to" */
};

enum
{
  SIGNAL_READ_TO,
  SIGNAL_LOADED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskTimelineView, desk_timeline_view, GTK_TYPE_WIDGET)

static GtkAdjustment *
get_adjustment (DeskTimelineView *self)
{
  return gtk_scrolled_window_get_vadjustment (self->scrolled);
}

static double
space_below (DeskTimelineView *self)
{
  GtkAdjustment *adjustment = get_adjustment (self);
  return gtk_adjustment_get_upper (adjustment) - gtk_adjustment_get_page_size (adjustment)
         - gtk_adjustment_get_value (adjustment);
}

static gboolean
at_end (DeskTimelineView *self)
{
  return space_below (self) < 24
         && (self->loader == NULL || !desk_timeline_loader_has_newer (self->loader));
}

/* ── Read ───────────────────────────────────────────────────────────────────────────────────── */

void
desk_timeline_view_check_read (DeskTimelineView *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  gint64 last;
  if (self->loader == NULL || self->settle_frames > 0 || !at_end (self)
      || !gtk_widget_get_mapped (GTK_WIDGET (self)) || !GTK_IS_WINDOW (root)
      || !gtk_window_is_active (GTK_WINDOW (root)))
    return;
  last = desk_timeline_model_get_last_key (desk_timeline_loader_get_model (self->loader));
  if (last <= self->told_read || desk_chat_item_get_row (self->item)->unread == 0)
    return;
  self->told_read = last;
  g_signal_emit (self, signals[SIGNAL_READ_TO], 0, last);
}

static void
update_jump_button (DeskTimelineView *self)
{
  gint64 unread = self->item != NULL ? desk_chat_item_get_row (self->item)->unread : 0;
  g_autofree char *count = g_strdup_printf ("%d", (int)MIN (unread, 999));
  gboolean away = self->loader != NULL && self->settle_frames == 0
                  && (space_below (self) > 240 || desk_timeline_loader_has_newer (self->loader));
  gtk_revealer_set_reveal_child (self->jump_revealer, away);
  gtk_label_set_text (self->jump_count, count);
  gtk_widget_set_visible (GTK_WIDGET (self->jump_count), unread > 0);
}

/* ── Scrolling ──────────────────────────────────────────────────────────────────────────────── */

static void
check_edges (DeskTimelineView *self)
{
  GtkAdjustment *adjustment = get_adjustment (self);
  double margin = 1.5 * gtk_adjustment_get_page_size (adjustment);
  if (self->loader == NULL || self->settle_frames > 0 || self->measure_frames > 0 || margin <= 0)
    return;
  if (gtk_adjustment_get_value (adjustment) < margin)
    desk_timeline_loader_extend_older (self->loader);
  if (space_below (self) < margin)
    desk_timeline_loader_extend_newer (self->loader);
}

static gboolean
on_measure_frame (GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
  DeskTimelineView *self = DESK_TIMELINE_VIEW (widget);
  if (--self->measure_frames > 0)
    return G_SOURCE_CONTINUE;
  check_edges (self);
  return G_SOURCE_REMOVE;
}

static void
remember_value (DeskTimelineView *self)
{
  self->seen_value = gtk_adjustment_get_value (get_adjustment (self));
}

static gboolean
on_stick (gpointer data)
{
  DeskTimelineView *self = data;
  GtkAdjustment *adjustment = get_adjustment (self);
  self->stick_source = 0;
  if (self->sticky)
    gtk_adjustment_set_value (adjustment, gtk_adjustment_get_upper (adjustment)
                                              - gtk_adjustment_get_page_size (adjustment));
  remember_value (self);
  update_jump_button (self);
  desk_timeline_view_check_read (self);
  return G_SOURCE_REMOVE;
}

static void
on_size_changed (DeskTimelineView *self)
{
  if (self->stick_source == 0)
    self->stick_source = g_idle_add_full (G_PRIORITY_HIGH_IDLE, on_stick, self, NULL);
}

static void
on_value_changed (DeskTimelineView *self)
{
  GtkAdjustment *adjustment = get_adjustment (self);
  gboolean by_hand = gtk_adjustment_get_value (adjustment) < self->seen_value
                     && g_get_monotonic_time () - self->hand_us < HAND_US;
  if (self->settle_frames > 0)
    return;
  if (at_end (self))
    self->sticky = TRUE;
  else if (by_hand)
    self->sticky = FALSE;
  else if (self->sticky)
    on_size_changed (self);
  self->seen_value = gtk_adjustment_get_value (adjustment);
  check_edges (self);
  update_jump_button (self);
  desk_timeline_view_check_read (self);
}

static void
scroll_to (DeskTimelineView *self, guint position)
{
  gtk_widget_activate_action (GTK_WIDGET (self->list), "list.scroll-to-item", "u", position);
}

static DeskMessageRow *
find_row (DeskTimelineView *self, DeskTimelineEntry *entry)
{
  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self->list)); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *row = gtk_widget_get_first_child (child);
      if (DESK_IS_MESSAGE_ROW (row) && desk_message_row_get_entry (DESK_MESSAGE_ROW (row)) == entry)
        return DESK_MESSAGE_ROW (row);
    }
  return NULL;
}

/* Puts the row into the middle, as far as there is something below it. */
static void
centre_row (DeskTimelineView *self, guint position, double share, gboolean flash)
{
  DeskTimelineModel *model = desk_timeline_loader_get_model (self->loader);
  g_autoptr (DeskTimelineEntry) entry = g_list_model_get_item (G_LIST_MODEL (model), position);
  DeskMessageRow *row = entry != NULL ? find_row (self, entry) : NULL;
  GtkAdjustment *adjustment = get_adjustment (self);
  graphene_point_t at;
  if (row == NULL
      || !gtk_widget_compute_point (GTK_WIDGET (row), GTK_WIDGET (self->scrolled),
                                    &GRAPHENE_POINT_INIT (0, 0), &at))
    return;
  gtk_adjustment_set_value (adjustment, gtk_adjustment_get_value (adjustment) + at.y
                                            - share * gtk_adjustment_get_page_size (adjustment));
  if (flash)
    desk_message_row_flash (row);
}

static guint
settle_position (DeskTimelineView *self)
{
  DeskTimelineModel *model = desk_timeline_loader_get_model (self->loader);
  if (self->target_id != NULL || self->target_key > 0)
    return desk_timeline_model_find_message (model, self->target_id, self->target_key);
  return desk_timeline_model_find_unread (model);
}

static void
end_settling (DeskTimelineView *self)
{
  gboolean newest = settle_position (self) == G_MAXUINT;
  g_clear_pointer (&self->target_id, g_free);
  self->target_key = 0;
  self->settle_frames = 0;
  self->settle_tick = 0;
  remember_value (self);
  /* Rows may still be measured: whoever was led to the end stays there. */
  self->sticky = newest ? !desk_timeline_loader_has_newer (self->loader) : at_end (self);
  if (self->sticky)
    on_size_changed (self);
  gtk_widget_set_opacity (GTK_WIDGET (self->list), 1);
  check_edges (self);
  update_jump_button (self);
  desk_timeline_view_check_read (self);
  g_signal_emit (self, signals[SIGNAL_LOADED], 0);
}

static gboolean
on_settle_frame (GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
  DeskTimelineView *self = DESK_TIMELINE_VIEW (widget);
  GListModel *model = G_LIST_MODEL (desk_timeline_loader_get_model (self->loader));
  gboolean jumping = self->target_id != NULL || self->target_key > 0;
  guint n = g_list_model_get_n_items (model), position = settle_position (self);

  self->settle_frames--;
  if (n > 0 && position == G_MAXUINT)
    scroll_to (self, n - 1);
  else if (n > 0 && self->settle_frames > 2)
    scroll_to (self, jumping ? position : n - 1);
  else if (n > 0 && jumping)
    centre_row (self, position, 0.4, self->settle_frames == 0);
  else if (n > 0)
    scroll_to (self, position); /* the unread line: no further up than needed */
  if (self->settle_frames > 0)
    return G_SOURCE_CONTINUE;
  end_settling (self);
  return G_SOURCE_REMOVE;
}

static void
settle (DeskTimelineView *self)
{
  self->sticky = FALSE;
  self->settle_frames = SETTLE_FRAMES;
  if (self->settle_tick == 0)
    self->settle_tick
        = gtk_widget_add_tick_callback (GTK_WIDGET (self), on_settle_frame, NULL, NULL);
}

void
desk_timeline_view_stick (DeskTimelineView *self)
{
  if (self->loader != NULL && desk_timeline_loader_has_newer (self->loader))
    desk_timeline_view_jump_newest (self);
  self->sticky = TRUE;
  on_size_changed (self);
}

void
desk_timeline_view_jump_newest (DeskTimelineView *self)
{
  if (self->loader == NULL)
    return;
  desk_timeline_model_set_read_key (desk_timeline_loader_get_model (self->loader), -1);
  if (desk_timeline_loader_has_newer (self->loader))
    desk_timeline_loader_jump_newest (self->loader);
  else
    {
      self->sticky = TRUE;
      on_size_changed (self);
    }
}

void
desk_timeline_view_jump (DeskTimelineView *self, const char *id, gint64 order_key)
{
  if (self->loader == NULL)
    return;
  g_free (self->target_id);
  self->target_id = g_strdup (id);
  self->target_key = order_key;
  if (desk_timeline_model_find_message (desk_timeline_loader_get_model (self->loader), id,
                                        order_key)
      != G_MAXUINT)
    settle (self);
  else
    desk_timeline_loader_jump (self->loader, id, order_key);
}

/* ── The chat ───────────────────────────────────────────────────────────────────────────────── */

static void
on_loaded (DeskTimelineView *self, gboolean first)
{
  if (gtk_list_view_get_model (self->list) == NULL)
    {
      GListModel *model = G_LIST_MODEL (desk_timeline_loader_get_model (self->loader));
      g_autoptr (GtkNoSelection) selection = gtk_no_selection_new (g_object_ref (model));
      gtk_list_view_set_model (self->list, GTK_SELECTION_MODEL (selection));
    }
  if (first && desk_timeline_loader_is_jumping (self->loader))
    return; /* the window that was asked for comes next */
  if (self->measure_frames == 0)
    gtk_widget_add_tick_callback (GTK_WIDGET (self), on_measure_frame, NULL, NULL);
  self->measure_frames = MEASURE_FRAMES;
  if (first)
    settle (self);
  else
    {
      update_jump_button (self);
      desk_timeline_view_check_read (self);
      if (self->settle_frames == 0)
        g_signal_emit (self, signals[SIGNAL_LOADED], 0);
    }
}

static void
on_busy_changed (DeskTimelineView *self)
{
  gboolean busy = self->loader != NULL && desk_timeline_loader_is_fetching (self->loader);
  gtk_widget_set_visible (GTK_WIDGET (self->spinner), busy);
  gtk_spinner_set_spinning (self->spinner, busy);
}

static void
drop_chat (DeskTimelineView *self)
{
  if (self->settle_tick != 0)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->settle_tick);
  self->settle_tick = 0;
  self->settle_frames = 0;
  if (self->loader != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->loader, self);
      desk_timeline_loader_stop (self->loader);
    }
  if (self->list != NULL)
    gtk_list_view_set_model (self->list, NULL);
  g_clear_object (&self->loader);
  g_clear_object (&self->item);
  g_clear_pointer (&self->target_id, g_free);
  self->target_key = self->told_read = 0;
}

void
desk_timeline_view_set_chat (DeskTimelineView *self, DeskInbox *inbox, DeskChatItem *item)
{
  drop_chat (self);
  if (item == NULL)
    return;
  const DeskChat *chat = desk_chat_item_get_chat (item);
  g_set_object (&self->inbox, inbox);
  self->context.inbox = inbox;
  self->item = g_object_ref (item);
  g_free (self->context.customer);
  self->context.customer = g_strdup (desk_chat_item_get_name (item));
  g_free (self->context.me);
  self->context.me = g_strdup (desk_inbox_get_me (inbox));
  self->context.many_writers = chat->is_level2 && chat->type == DESK_CHAT_TYPE_GROUP;
  gtk_widget_set_opacity (GTK_WIDGET (self->list), 0); /* until the place is found */
  self->loader = desk_timeline_loader_new (inbox, chat->platform, chat->user_id);
  g_signal_connect_object (self->loader, "loaded", G_CALLBACK (on_loaded), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->loader, "busy-changed", G_CALLBACK (on_busy_changed), self,
                           G_CONNECT_SWAPPED);
  desk_timeline_loader_open (self->loader, desk_chat_item_get_row (item)->unread > 0);
  on_busy_changed (self);
}

void
desk_timeline_view_refresh (DeskTimelineView *self)
{
  if (self->loader != NULL)
    desk_timeline_loader_refresh (self->loader);
}

GPtrArray *
desk_timeline_view_get_core (DeskTimelineView *self)
{
  return self->loader != NULL
             ? desk_timeline_model_get_core (desk_timeline_loader_get_model (self->loader))
             : NULL;
}

DeskTimelineEntry *
desk_timeline_view_find_entry (DeskTimelineView *self, const char *id)
{
  return desk_timeline_find_entry (desk_timeline_view_get_core (self), id);
}

DeskTimelineEntry *
desk_timeline_view_find_pending (DeskTimelineView *self, gint64 local_id)
{
  return desk_timeline_find_pending (desk_timeline_view_get_core (self), local_id);
}

gboolean
desk_timeline_view_find_conflict (DeskTimelineView *self, gint64 *out_stale, const char **out_answer)
{
  GPtrArray *core = desk_timeline_view_get_core (self);
  return desk_timeline_find_conflict (core, self->context.me, out_stale, out_answer);
}

DeskTimelineEntry *
desk_timeline_view_get_current (DeskTimelineView *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;
  GtkWidget *row = focus != NULL ? gtk_widget_get_ancestor (focus, DESK_TYPE_MESSAGE_ROW) : NULL;
  if (row == NULL && focus != NULL && gtk_widget_get_parent (focus) == GTK_WIDGET (self->list))
    row = gtk_widget_get_first_child (focus);
  if (DESK_IS_MESSAGE_ROW (row) && desk_message_row_get_entry (DESK_MESSAGE_ROW (row)) != NULL
      && desk_timeline_entry_get_message (desk_message_row_get_entry (DESK_MESSAGE_ROW (row)))
             != NULL)
    return desk_message_row_get_entry (DESK_MESSAGE_ROW (row));
  return desk_timeline_view_find_entry (self, NULL);
}

/* ── The context menu ───────────────────────────────────────────────────────────────────────── */

static void
on_secondary_pressed (GtkGestureClick *gesture, int n_press, double x, double y, gpointer data)
{
  DeskTimelineView *self = data;
  GtkWidget *at = gtk_widget_pick (GTK_WIDGET (self), x, y, GTK_PICK_DEFAULT);
  GtkWidget *row = at != NULL ? gtk_widget_get_ancestor (at, DESK_TYPE_MESSAGE_ROW) : NULL;
  if (row == NULL || desk_message_row_get_entry (DESK_MESSAGE_ROW (row)) == NULL)
    return;
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  desk_timeline_menu_show (GTK_WIDGET (self), &self->menu,
                           desk_message_row_get_entry (DESK_MESSAGE_ROW (row)), x, y);
}

static gboolean
on_menu_key (GtkWidget *widget, GVariant *args, gpointer data)
{
  DeskTimelineView *self = DESK_TIMELINE_VIEW (widget);
  DeskTimelineEntry *entry = desk_timeline_view_get_current (self);
  DeskMessageRow *row = entry != NULL ? find_row (self, entry) : NULL;
  graphene_point_t at;
  if (row == NULL
      || !gtk_widget_compute_point (GTK_WIDGET (row), widget, &GRAPHENE_POINT_INIT (24, 24), &at))
    return FALSE;
  desk_timeline_menu_show (widget, &self->menu, entry, at.x, at.y);
  return TRUE;
}

/* ── The widget ─────────────────────────────────────────────────────────────────────────────── */

static void
on_setup (GtkSignalListItemFactory *factory, GtkListItem *list_item, gpointer data)
{
  DeskTimelineView *self = data;
  gtk_list_item_set_activatable (list_item, FALSE);
  gtk_list_item_set_child (list_item, desk_message_row_new (&self->context));
}

static void
on_bind (GtkSignalListItemFactory *factory, GtkListItem *list_item, gpointer data)
{
  desk_message_row_set_entry (DESK_MESSAGE_ROW (gtk_list_item_get_child (list_item)),
                              gtk_list_item_get_item (list_item));
}

static void
on_unbind (GtkSignalListItemFactory *factory, GtkListItem *list_item, gpointer data)
{
  desk_message_row_set_entry (DESK_MESSAGE_ROW (gtk_list_item_get_child (list_item)), NULL);
}

static gboolean
on_hand (GtkEventControllerLegacy *controller, GdkEvent *event, gpointer data)
{
  DeskTimelineView *self = data;
  GdkEventType type = gdk_event_get_event_type (event);
  if (type == GDK_SCROLL || type == GDK_BUTTON_PRESS || type == GDK_KEY_PRESS
      || type == GDK_TOUCH_BEGIN || type == GDK_TOUCH_UPDATE
      || (type == GDK_MOTION_NOTIFY && (gdk_event_get_modifier_state (event) & GDK_BUTTON1_MASK)))
    self->hand_us = g_get_monotonic_time ();
  return GDK_EVENT_PROPAGATE;
}

static void
desk_timeline_view_dispose (GObject *object)
{
  DeskTimelineView *self = DESK_TIMELINE_VIEW (object);
  if (self->overlay != NULL)
    drop_chat (self);
  g_clear_handle_id (&self->stick_source, g_source_remove);
  g_clear_pointer (&self->menu, gtk_widget_unparent);
  g_clear_pointer (&self->overlay, gtk_widget_unparent);
  self->list = NULL;
  g_clear_object (&self->inbox);
  g_clear_pointer (&self->context.customer, g_free);
  g_clear_pointer (&self->context.me, g_free);
  G_OBJECT_CLASS (desk_timeline_view_parent_class)->dispose (object);
}

static void
desk_timeline_view_class_init (DeskTimelineViewClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  GType type = G_TYPE_FROM_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_timeline_view_dispose;
  signals[SIGNAL_READ_TO] = g_signal_new ("read-to", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 1, G_TYPE_INT64);
  signals[SIGNAL_LOADED]
      = g_signal_new ("loaded", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/frontdesk/Frontdesk/ui/desk-timeline-view.ui");
  gtk_widget_class_bind_template_child (widget_class, DeskTimelineView, overlay);
  gtk_widget_class_bind_template_child (widget_class, DeskTimelineView, scrolled);
  gtk_widget_class_bind_template_child (widget_class, DeskTimelineView, list);
  gtk_widget_class_bind_template_child (widget_class, DeskTimelineView, jump_revealer);
  gtk_widget_class_bind_template_child (widget_class, DeskTimelineView, jump_count);
  gtk_widget_class_bind_template_child (widget_class, DeskTimelineView, spinner);
  gtk_widget_class_bind_template_callback (widget_class, desk_timeline_view_jump_newest);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_F10, GDK_SHIFT_MASK, on_menu_key, NULL);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Menu, 0, on_menu_key, NULL);
}

static void
desk_timeline_view_init (DeskTimelineView *self)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  GtkGesture *click = gtk_gesture_click_new ();
  GtkEventController *hand = gtk_event_controller_legacy_new ();
  GtkAdjustment *adjustment;

  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_object (factory, "setup", G_CALLBACK (on_setup), self, 0);
  g_signal_connect (factory, "bind", G_CALLBACK (on_bind), NULL);
  g_signal_connect (factory, "unbind", G_CALLBACK (on_unbind), NULL);
  gtk_list_view_set_factory (self->list, factory);
  g_object_unref (factory);

  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (click), GDK_BUTTON_SECONDARY);
  gtk_event_controller_set_propagation_phase (GTK_EVENT_CONTROLLER (click), GTK_PHASE_CAPTURE);
  g_signal_connect_object (click, "pressed", G_CALLBACK (on_secondary_pressed), self, 0);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (click));

  gtk_event_controller_set_propagation_phase (hand, GTK_PHASE_CAPTURE);
  g_signal_connect_object (hand, "event", G_CALLBACK (on_hand), self, 0);
  gtk_widget_add_controller (GTK_WIDGET (self), hand);

  adjustment = get_adjustment (self);
  g_signal_connect_object (adjustment, "notify::upper", G_CALLBACK (on_size_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (adjustment, "notify::page-size", G_CALLBACK (on_size_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (adjustment, "value-changed", G_CALLBACK (on_value_changed), self,
                           G_CONNECT_SWAPPED);
}
