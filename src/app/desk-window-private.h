/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "app/desk-chat-page.h"
#include "app/desk-customer-panel.h"
#include "app/desk-refusals.h"
#include "app/desk-sidebar.h"
#include "app/desk-welcome-page.h"
#include "app/desk-window.h"

/* Shared by the files of the window. */

G_BEGIN_DECLS

struct _DeskWindow
{
  AdwApplicationWindow parent_instance;

  AdwToastOverlay *toasts;
  GtkStack *stack;
  AdwLeaflet *leaflet;
  AdwClamp *sidebar_clamp;
  DeskSidebar *sidebar;
  AdwFlap *flap;
  GtkStack *chat_stack;
  AdwStatusPage *problem_page;
  GtkButton *problem_button;
  AdwHeaderBar *empty_header;
  DeskWelcomePage *welcome_page;    /* nullable: each of these comes with its first use */
  DeskChatPage *chat_page;          /* nullable */
  DeskCustomerPanel *customer_panel; /* nullable */

  GSettings *settings;
  DeskInbox *inbox;
  char *pending_hit_id; /* where to jump when the chat is open */
  gint64 pending_hit_key;
  gboolean first_frame_done;
  gboolean trace_ready;

  DeskChatItem *watched_item;  /* nullable: the open chat, for what its actions may do */
  GSimpleAction *mute_action;  /* borrowed from the window's actions */
  DeskRefusals *refusals;      /* nullable */
  AdwToast *undo_toast;        /* weak */
};

void desk_window_install_actions (GtkWidgetClass *widget_class);
void desk_window_install_export_actions (GtkWidgetClass *widget_class);
void desk_window_install_chat_actions (GtkWidgetClass *widget_class);
void desk_window_add_chat_actions (DeskWindow *self);
/* Changes @items (of DeskChatItem), at once on the screen, and offers to undo it. */
void desk_window_change_chats (DeskWindow *self, GPtrArray *items, const DeskChatChange *change);
/* The open chat is another one. */
void desk_window_watch_chat (DeskWindow *self);
/* The account is another one. */
void desk_window_watch_refusals (DeskWindow *self);
void desk_window_update_actions (DeskWindow *self);
void desk_window_show_panel (DeskWindow *self, gboolean show);

G_END_DECLS
