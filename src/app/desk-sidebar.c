/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The chat list. It is read in two steps, so that the first screen does not wait for ten thousand
 * rows: the first page, then all. Afterwards only the chats that a change names are read again. The
 * open chat stays listed while it is open, even if it does not pass the filter any more. */

#include "app/desk-sidebar.h"

#include <glib/gi18n.h>

#include "app/desk-account-switcher.h"
#include "app/desk-chat-chooser.h"
#include "app/desk-chat-list-model.h"
#include "app/desk-chat-list-row.h"
#include "app/desk-filter-bar.h"
#include "app/desk-search-page.h"
#include "app/desk-state-bar.h"

#define FIRST_PAGE 16
/* With more changed chats than this at once, the whole list is read again. */
#define SINGLE_READS 24

struct _DeskSidebar
{
  GtkBox parent_instance;

  AdwHeaderBar *header;
  GtkToggleButton *search_button;
  GtkLabel *title_label;
  GtkMenuButton *state_button;
  GtkLabel *demo_label;
  GtkMenuButton *menu_button;
  GtkStack *stack;
  GtkBox *list_page;
  DeskFilterBar *filter_bar;
  GtkStack *list_stack;
  GtkListView *list;
  DeskStateBar *state_bar;
  DeskSearchPage *search_page; /* nullable: made when first asked for */
  DeskChatChooser *chooser;    /* nullable: there while chats are chosen */
  GtkListItemFactory *factory; /* of the list as it is without */

  GSettings *settings;
  DeskInbox *inbox;
  DeskChatListModel *model;
  GtkSingleSelection *selection;
  GPtrArray *rows; /* of DeskChatListRow: alive, for the clock */
  guint tick_source;
  guint rest_source; /* the rest of the list is to be read */
  GCancellable *cancellable;
  char *wanted_key; /* to be selected when it comes */
  gboolean loaded, loading, again;
  gboolean complete; /* all rows were read, not the first page only */
};

enum
{
  SIGNAL_CHAT_SELECTED,
  SIGNAL_CHAT_ACTIVATED,
  SIGNAL_HIT_ACTIVATED,
  SIGNAL_READY,
  SIGNAL_CHOOSING_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskSidebar, desk_sidebar, GTK_TYPE_BOX)

static void load (DeskSidebar *self);

/* ── Which page ─────────────────────────────────────────────────────────────────────────────── */

static void
update_page (DeskSidebar *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->model));
  const char *page = "list";
  if (!self->loaded)
    page = "loading";
  else if (n == 0)
    page
        = g_str_equal (desk_filter_bar_get_filter (self->filter_bar), "all") ? "empty" : "no-match";
  gtk_stack_set_visible_child_name (self->list_stack, page);
}

/* ── Reading ────────────────────────────────────────────────────────────────────────────────── */

static void
fill_query (DeskSidebar *self, DeskChatQuery *query)
{
  *query
      = (DeskChatQuery) { .state = -1,
                          .sort = (DeskChatSort)g_settings_get_enum (self->settings, "chat-sort") };
  desk_filter_bar_fill_query (self->filter_bar, desk_inbox_get_me (self->inbox), query);
}

static DeskChatItem *
get_selected (DeskSidebar *self)
{
  return gtk_single_selection_get_selected_item (self->selection);
}

/* The open chat is not in a filtered list that was read anew: it is put back. */
static void
keep_selected (DeskSidebar *self, GPtrArray *rows)
{
  DeskChatItem *item = get_selected (self);
  if (item == NULL)
    return;
  for (guint i = 0; i < rows->len; i++)
    if (((DeskChatRow *)g_ptr_array_index (rows, i))->row_id
        == desk_chat_item_get_row (item)->row_id)
      return;
  g_ptr_array_add (rows, desk_chat_row_copy (desk_chat_item_get_row (item)));
}

static void
select_wanted (DeskSidebar *self)
{
  guint position = self->wanted_key != NULL
                       ? desk_chat_list_model_get_position (self->model, self->wanted_key)
                       : G_MAXUINT;
  if (position == G_MAXUINT)
    return;
  g_clear_pointer (&self->wanted_key, g_free);
  gtk_single_selection_set_selected (self->selection, position);
  gtk_widget_activate_action (GTK_WIDGET (self->list), "list.scroll-to-item", "u", position);
}

static void
add_platforms (DeskSidebar *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->model));
  const char *last = NULL;
  for (guint i = 0; i < MIN (n, 500); i++)
    {
      g_autoptr (DeskChatItem) item = g_list_model_get_item (G_LIST_MODEL (self->model), i);
      const char *platform = desk_chat_item_get_chat (item)->platform;
      if (g_strcmp0 (platform, last) != 0)
        desk_filter_bar_add_platform (self->filter_bar, self->inbox, platform);
      last = platform;
    }
}

/* After the first page was painted. */
static gboolean
on_rest (gpointer data)
{
  DeskSidebar *self = data;
  self->rest_source = 0;
  if (self->inbox != NULL)
    load (self);
  return G_SOURCE_REMOVE;
}

static void
on_chats (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskSidebar) self = data;
  g_autoptr (GError) error = NULL;
  GPtrArray *rows = desk_store_list_chats_finish (DESK_STORE (source), result, &error);
  gboolean first = !self->loaded;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->inbox == NULL)
    {
      g_clear_pointer (&rows, g_ptr_array_unref);
      return;
    }
  self->loading = FALSE;
  if (rows == NULL)
    g_warning ("the chat list could not be read: %s", error->message);
  else
    {
      self->complete = !first || rows->len < FIRST_PAGE;
      self->loaded = TRUE;
      keep_selected (self, rows);
      desk_chat_list_model_set_rows (self->model, rows,
                                     (DeskChatSort)g_settings_get_enum (self->settings,
                                                                        "chat-sort"));
      add_platforms (self);
      select_wanted (self);
      update_page (self);
      if (first)
        g_signal_emit (self, signals[SIGNAL_READY], 0);
    }
  if (self->again || !self->complete)
    {
      self->again = FALSE;
      self->complete = TRUE;
      if (self->rest_source == 0)
        self->rest_source = g_idle_add_full (G_PRIORITY_LOW, on_rest, self, NULL);
    }
}

static void
load (DeskSidebar *self)
{
  DeskChatQuery query;
  if (self->loading)
    {
      self->again = TRUE;
      return;
    }
  fill_query (self, &query);
  query.limit = self->loaded ? 0 : FIRST_PAGE;
  self->loading = TRUE;
  desk_store_list_chats_async (desk_inbox_get_store (self->inbox), &query, self->cancellable,
                               on_chats, g_object_ref (self));
}

typedef struct
{
  DeskSidebar *self;
  char *key;
} OneChat;

static void
on_one_chat (GObject *source, GAsyncResult *result, gpointer data)
{
  OneChat *one = data;
  g_autoptr (DeskSidebar) self = one->self;
  g_autofree char *key = one->key;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskChatRow) row = desk_store_get_chat_finish (DESK_STORE (source), result, &error);
  DeskChatItem *selected;
  DeskChatQuery query;

  g_free (one);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->inbox == NULL)
    return;
  fill_query (self, &query);
  selected = get_selected (self);
  if (row != NULL
      && (desk_chat_query_matches (&query, row)
          || (selected != NULL && g_str_equal (desk_chat_item_get_key (selected), key))))
    {
      desk_filter_bar_add_platform (self->filter_bar, self->inbox, row->chat->platform);
      desk_chat_list_model_update (self->model, g_steal_pointer (&row));
    }
  else if (row != NULL || g_error_matches (error, DESK_STORE_ERROR, DESK_STORE_ERROR_NOT_FOUND))
    desk_chat_list_model_remove (self->model, key);
  select_wanted (self);
  update_page (self);
}

static void
on_changed (DeskSidebar *self, const DeskStoreChange *change)
{
  guint n = change->chats != NULL ? change->chats->len : 0;
  if (change->everything || n > SINGLE_READS || self->loading || !self->loaded)
    {
      if (change->everything || n > 0)
        load (self);
      return;
    }
  for (guint i = 0; i < n; i++)
    {
      OneChat *one = g_new0 (OneChat, 1);
      g_autofree char *platform = NULL, *user_id = NULL;
      one->self = g_object_ref (self);
      one->key = g_strdup (g_ptr_array_index (change->chats, i));
      if (desk_chat_parse_key (one->key, &platform, &user_id))
        desk_store_get_chat_async (desk_inbox_get_store (self->inbox), platform, user_id,
                                   self->cancellable, on_one_chat, one);
      else
        {
          g_object_unref (one->self);
          g_free (one->key);
          g_free (one);
        }
    }
}

static void
on_typing_changed (DeskSidebar *self, const char *key)
{
  DeskChatItem *item = desk_chat_list_model_find (self->model, key);
  if (item != NULL)
    desk_chat_item_set_typing (item, desk_inbox_is_typing (self->inbox, key));
}

void
desk_sidebar_set_inbox (DeskSidebar *self, DeskInbox *inbox)
{
  if (self->inbox != NULL)
    g_signal_handlers_disconnect_by_data (self->inbox, self);
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  self->loaded = self->loading = self->again = FALSE;
  g_set_object (&self->inbox, inbox);
  desk_chat_list_model_set_rows (self->model, g_ptr_array_new (), DESK_CHAT_SORT_RECENT);
  desk_sidebar_end_search (self);
  desk_sidebar_end_choosing (self);
  desk_state_bar_set_inbox (self->state_bar, inbox);
  gtk_widget_set_visible (GTK_WIDGET (self->demo_label), inbox != NULL && desk_inbox_is_demo (inbox));
  if (inbox == NULL)
    return;
  g_signal_connect_object (inbox, "changed", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (inbox, "typing-changed", G_CALLBACK (on_typing_changed), self,
                           G_CONNECT_SWAPPED);
  load (self);
}

/* ── Choosing ───────────────────────────────────────────────────────────────────────────────── */

static void
on_selected (DeskSidebar *self)
{
  g_signal_emit (self, signals[SIGNAL_CHAT_SELECTED], 0, get_selected (self));
}

static void
on_activate (DeskSidebar *self, guint position)
{
  gtk_single_selection_set_selected (self->selection, position);
  g_signal_emit (self, signals[SIGNAL_CHAT_ACTIVATED], 0);
}

void
desk_sidebar_select (DeskSidebar *self, const char *key)
{
  g_free (self->wanted_key);
  self->wanted_key = g_strdup (key);
  select_wanted (self);
  if (self->wanted_key != NULL && self->loaded)
    desk_filter_bar_from_text (self->filter_bar, "all state:any");
}

void
desk_sidebar_unselect (DeskSidebar *self)
{
  gtk_single_selection_set_selected (self->selection, GTK_INVALID_LIST_POSITION);
}

void
desk_sidebar_select_neighbour (DeskSidebar *self, int step, gboolean unread_only)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->model));
  guint position = gtk_single_selection_get_selected (self->selection);
  gint64 at
      = position == GTK_INVALID_LIST_POSITION ? (step > 0 ? -1 : (gint64)n) : (gint64)position;

  for (guint tried = 0; tried < n; tried++)
    {
      at += step;
      if (unread_only)
        at = (at + n) % n;
      else if (at < 0 || at >= (gint64)n)
        return;
      g_autoptr (DeskChatItem) item = g_list_model_get_item (G_LIST_MODEL (self->model), (guint)at);
      if (unread_only && desk_chat_item_get_row (item)->unread == 0)
        continue;
      gtk_single_selection_set_selected (self->selection, (guint)at);
      gtk_widget_activate_action (GTK_WIDGET (self->list), "list.scroll-to-item", "u", (guint)at);
      return;
    }
}

void
desk_sidebar_choose_filter (DeskSidebar *self, guint n)
{
  desk_sidebar_end_search (self);
  desk_filter_bar_choose (self->filter_bar, n);
}

void
desk_sidebar_choose_state (DeskSidebar *self, const char *state)
{
  desk_sidebar_end_search (self);
  desk_filter_bar_set_state (self->filter_bar, state);
}

void
desk_sidebar_choose_label (DeskSidebar *self, const char *label)
{
  desk_sidebar_end_search (self);
  desk_filter_bar_set_label (self->filter_bar, label);
}

static void
update_state_button (DeskSidebar *self)
{
  const char *state = desk_filter_bar_get_state (self->filter_bar);
  gtk_menu_button_set_label (self->state_button, g_str_equal (state, "open")       ? _ ("Open")
                                                 : g_str_equal (state, "snoozed")  ? _ ("Snoozed")
                                                 : g_str_equal (state, "resolved") ? _ ("Resolved")
                                                                                   : _ ("All States"));
}

static void
on_filter_changed (DeskSidebar *self)
{
  g_autofree char *text = desk_filter_bar_to_text (self->filter_bar);
  update_state_button (self);
  g_settings_set_string (self->settings, "chat-filter", text);
  if (self->inbox != NULL)
    load (self);
}

static void
on_sort_changed (DeskSidebar *self)
{
  if (self->inbox != NULL)
    load (self);
}

void
desk_sidebar_set_account_title (DeskSidebar *self, const char *title)
{
  gtk_label_set_text (self->title_label, title != NULL ? title : _ ("Frontdesk"));
}

void
desk_sidebar_set_folded (DeskSidebar *self, gboolean folded)
{
  adw_header_bar_set_show_end_title_buttons (self->header, folded);
}

/* ── Search ─────────────────────────────────────────────────────────────────────────────────── */

static void
on_hit_activated (
    DeskSidebar *self, const char *platform, const char *user_id, const char *id, gint64 order_key)
{
  g_signal_emit (self, signals[SIGNAL_HIT_ACTIVATED], 0, platform, user_id, id, order_key);
}

static void
on_search_ended (DeskSidebar *self)
{
  desk_sidebar_end_search (self);
}

void
desk_sidebar_start_search (DeskSidebar *self, gboolean chats_only)
{
  if (self->inbox == NULL)
    return;
  if (self->search_page == NULL)
    {
      self->search_page = g_object_new (DESK_TYPE_SEARCH_PAGE, NULL);
      gtk_stack_add_named (self->stack, GTK_WIDGET (self->search_page), "search");
      g_signal_connect_object (self->search_page, "hit-activated", G_CALLBACK (on_hit_activated),
                               self, G_CONNECT_SWAPPED);
      g_signal_connect_object (self->search_page, "ended", G_CALLBACK (on_search_ended), self,
                               G_CONNECT_SWAPPED);
    }
  gtk_stack_set_visible_child (self->stack, GTK_WIDGET (self->search_page));
  gtk_toggle_button_set_active (self->search_button, TRUE);
  desk_search_page_start (self->search_page, self->inbox, G_LIST_MODEL (self->model), chats_only);
}

gboolean
desk_sidebar_end_search (DeskSidebar *self)
{
  gboolean open = gtk_stack_get_visible_child (self->stack) != GTK_WIDGET (self->list_page);
  gtk_stack_set_visible_child (self->stack, GTK_WIDGET (self->list_page));
  gtk_toggle_button_set_active (self->search_button, FALSE);
  return open;
}

static void
on_search_toggled (DeskSidebar *self)
{
  gboolean open = gtk_stack_get_visible_child (self->stack) != GTK_WIDGET (self->list_page);
  gboolean wanted = gtk_toggle_button_get_active (self->search_button);
  if (wanted && !open)
    desk_sidebar_start_search (self, FALSE);
  else if (!wanted && open)
    desk_sidebar_end_search (self);
}

/* ── Choosing many ──────────────────────────────────────────────────────────────────────────── */

void
desk_sidebar_begin_choosing (DeskSidebar *self)
{
  g_autoptr (GtkListItemFactory) factory = NULL;
  desk_sidebar_end_search (self);
  if (self->chooser != NULL || self->inbox == NULL)
    return;
  self->chooser = DESK_CHAT_CHOOSER (desk_chat_chooser_new ());
  g_signal_connect_object (self->chooser, "ended", G_CALLBACK (desk_sidebar_end_choosing), self, G_CONNECT_SWAPPED);
  gtk_box_insert_child_after (self->list_page, GTK_WIDGET (self->chooser), GTK_WIDGET (self->list_stack));
  factory = desk_chat_chooser_make_factory (self->chooser);
  gtk_list_view_set_factory (self->list, factory);
  g_signal_emit (self, signals[SIGNAL_CHOOSING_CHANGED], 0);
}

void
desk_sidebar_end_choosing (DeskSidebar *self)
{
  GtkWidget *chooser = GTK_WIDGET (self->chooser);
  if (chooser == NULL)
    return;
  self->chooser = NULL;
  gtk_list_view_set_factory (self->list, self->factory);
  gtk_box_remove (self->list_page, chooser);
  g_signal_emit (self, signals[SIGNAL_CHOOSING_CHANGED], 0);
}

GPtrArray *
desk_sidebar_list_chosen (DeskSidebar *self)
{
  return self->chooser != NULL ? desk_chat_chooser_list (self->chooser) : NULL;
}

GtkWidget *
desk_sidebar_get_chosen_bar (DeskSidebar *self)
{
  return GTK_WIDGET (self->chooser);
}

/* ── The widget ─────────────────────────────────────────────────────────────────────────────── */

static gboolean
on_tick (gpointer data)
{
  DeskSidebar *self = data;
  for (guint i = 0; i < self->rows->len; i++)
    desk_chat_list_row_refresh (g_ptr_array_index (self->rows, i));
  return G_SOURCE_CONTINUE;
}

/* One click opens the chat and its reply field. The list's own single-click-activate is no help: it
 * selects whatever the pointer passes. */
static void
on_row_released (GtkGestureClick *gesture, int n_press, double x, double y, gpointer data)
{
  GtkListItem *list_item = data;
  GtkWidget *row = gtk_event_controller_get_widget (GTK_EVENT_CONTROLLER (gesture));
  GtkWidget *sidebar = gtk_widget_get_ancestor (row, DESK_TYPE_SIDEBAR);
  if (sidebar != NULL && gtk_widget_contains (row, x, y))
    on_activate (DESK_SIDEBAR (sidebar), gtk_list_item_get_position (list_item));
}

static void
on_setup (GtkSignalListItemFactory *factory, GtkListItem *list_item, gpointer data)
{
  DeskSidebar *self = data;
  GtkWidget *row = g_object_new (DESK_TYPE_CHAT_LIST_ROW, NULL);
  GtkGesture *click = gtk_gesture_click_new ();
  g_signal_connect_object (click, "released", G_CALLBACK (on_row_released), list_item, 0);
  gtk_widget_add_controller (row, GTK_EVENT_CONTROLLER (click));
  gtk_list_item_set_child (list_item, row);
  g_ptr_array_add (self->rows, row);
}

static void
on_teardown (GtkSignalListItemFactory *factory, GtkListItem *list_item, gpointer data)
{
  DeskSidebar *self = data;
  g_ptr_array_remove_fast (self->rows, gtk_list_item_get_child (list_item));
}

static void
on_bind (GtkSignalListItemFactory *factory, GtkListItem *list_item, gpointer data)
{
  desk_chat_list_row_set_item (DESK_CHAT_LIST_ROW (gtk_list_item_get_child (list_item)),
                               gtk_list_item_get_item (list_item));
}

static void
on_unbind (GtkSignalListItemFactory *factory, GtkListItem *list_item, gpointer data)
{
  desk_chat_list_row_set_item (DESK_CHAT_LIST_ROW (gtk_list_item_get_child (list_item)), NULL);
}

static void
desk_sidebar_dispose (GObject *object)
{
  DeskSidebar *self = DESK_SIDEBAR (object);
  g_clear_handle_id (&self->tick_source, g_source_remove);
  g_clear_handle_id (&self->rest_source, g_source_remove);
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  if (self->list != NULL)
    gtk_list_view_set_model (self->list, NULL);
  self->list = NULL;
  self->chooser = NULL;
  g_clear_object (&self->factory);
  g_clear_object (&self->selection);
  g_clear_object (&self->model);
  g_clear_object (&self->inbox);
  g_clear_object (&self->settings);
  g_clear_pointer (&self->wanted_key, g_free);
  G_OBJECT_CLASS (desk_sidebar_parent_class)->dispose (object);
}

static void
desk_sidebar_finalize (GObject *object)
{
  g_ptr_array_unref (DESK_SIDEBAR (object)->rows);
  G_OBJECT_CLASS (desk_sidebar_parent_class)->finalize (object);
}

static void
desk_sidebar_class_init (DeskSidebarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  GType type = G_TYPE_FROM_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_sidebar_dispose;
  G_OBJECT_CLASS (klass)->finalize = desk_sidebar_finalize;
  g_type_ensure (DESK_TYPE_STATE_BAR);
  g_type_ensure (DESK_TYPE_FILTER_BAR);
  signals[SIGNAL_CHAT_SELECTED] = g_signal_new ("chat-selected", type, G_SIGNAL_RUN_LAST, 0, NULL,
                                                NULL, NULL, G_TYPE_NONE, 1, DESK_TYPE_CHAT_ITEM);
  signals[SIGNAL_CHAT_ACTIVATED] = g_signal_new ("chat-activated", type, G_SIGNAL_RUN_LAST, 0, NULL,
                                                 NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_HIT_ACTIVATED]
      = g_signal_new ("hit-activated", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 4,
                      G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_INT64);
  signals[SIGNAL_READY]
      = g_signal_new ("ready", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_CHOOSING_CHANGED]
      = g_signal_new ("choosing-changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/frontdesk/Frontdesk/ui/desk-sidebar.ui");
  gtk_widget_class_bind_template_child (widget_class, DeskSidebar, header);
  gtk_widget_class_bind_template_child (widget_class, DeskSidebar, search_button);
  gtk_widget_class_bind_template_child (widget_class, DeskSidebar, demo_label);
  gtk_widget_class_bind_template_child (widget_class, DeskSidebar, title_label);
  gtk_widget_class_bind_template_child (widget_class, DeskSidebar, menu_button);
  gtk_widget_class_bind_template_child (widget_class, DeskSidebar, state_button);
  gtk_widget_class_bind_template_child (widget_class, DeskSidebar, stack);
  gtk_widget_class_bind_template_child (widget_class, DeskSidebar, list_page);
  gtk_widget_class_bind_template_child (widget_class, DeskSidebar, filter_bar);
  gtk_widget_class_bind_template_child (widget_class, DeskSidebar, list_stack);
  gtk_widget_class_bind_template_child (widget_class, DeskSidebar, list);
  gtk_widget_class_bind_template_child (widget_class, DeskSidebar, state_bar);
  gtk_widget_class_bind_template_callback (widget_class, on_activate);
  gtk_widget_class_bind_template_callback (widget_class, on_search_toggled);
  gtk_widget_class_bind_template_callback (widget_class, on_filter_changed);
}

static void
desk_sidebar_init (DeskSidebar *self)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  self->rows = g_ptr_array_new ();
  self->settings = g_settings_new (APPLICATION_ID);
  self->model = desk_chat_list_model_new ();
  gtk_widget_init_template (GTK_WIDGET (self));

  self->selection = gtk_single_selection_new (G_LIST_MODEL (g_object_ref (self->model)));
  gtk_single_selection_set_autoselect (self->selection, FALSE);
  gtk_single_selection_set_can_unselect (self->selection, TRUE);
  g_signal_connect_object (self->selection, "notify::selected-item", G_CALLBACK (on_selected), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (factory, "setup", G_CALLBACK (on_setup), self, 0);
  g_signal_connect_object (factory, "teardown", G_CALLBACK (on_teardown), self, 0);
  g_signal_connect (factory, "bind", G_CALLBACK (on_bind), NULL);
  g_signal_connect (factory, "unbind", G_CALLBACK (on_unbind), NULL);
  gtk_list_view_set_factory (self->list, factory);
  gtk_list_view_set_model (self->list, GTK_SELECTION_MODEL (self->selection));
  self->factory = factory;

  desk_account_switcher_add_to (self->menu_button);
  g_autofree char *filter = g_settings_get_string (self->settings, "chat-filter");
  desk_filter_bar_from_text (self->filter_bar, filter);
  update_state_button (self);
  g_signal_connect_object (self->settings, "changed::chat-sort", G_CALLBACK (on_sort_changed), self,
                           G_CONNECT_SWAPPED);
  self->tick_source = g_timeout_add_seconds (30, on_tick, self);
}
