/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "app/desk-application.h"
#include "app/desk-demo.h"
#include "app/desk-notifier.h"
#include "app/desk-session.h"
#include "app/desk-window.h"

/* Shared by desk-application.c, desk-application-accounts.c and desk-application-actions.c. */

G_BEGIN_DECLS

struct _DeskApplication
{
  AdwApplication parent_instance;

  /* the command line */
  gboolean want_demo;
  gboolean want_background; /* start without a window */
  char *cache_dir;  /* nullable */
  char *server_url; /* nullable */

  GSettings *settings;
  DeskWindow *window; /* nullable */
  DeskNotifier *notifier;
  DeskDemo *demo; /* nullable */
  GListStore *sessions; /* of DeskSession: every account that is open */
  DeskSession *shown;   /* nullable: the one in the window; of sessions */
  DeskSession *first;   /* nullable: opened before there is a window; of sessions */
  gboolean refused;     /* what was to be shown first cannot be held; it was said */
  gboolean held;        /* kept alive without a window */
  guint term_source, int_source;
  guint disturb_source; /* the end of "do not disturb until" */
  guint others_source;  /* the other accounts are to be opened */
  int exit_status;
};

/* Sessions: desk-application-accounts.c */

/* Holds the cache and adds the account (taken, nullable) to the list; NULL if it cannot be held, and it was said. Borrowed. */
DeskSession *desk_application_add_session (DeskApplication *self, DeskAccount *account, const DeskInboxOptions *options);
/* The options for an account, which they borrow from. */
DeskInboxOptions desk_application_account_options (DeskApplication *self, const DeskAccount *account);
/* Into the window, which must be there. */
void desk_application_show_session (DeskApplication *self, DeskSession *session);
/* By the folder of its cache; NULL if it is not open. Borrowed. */
DeskSession *desk_application_find_session (DeskApplication *self, const char *dir);
/* Opens every account of the list that is not open yet, without a window. */
void desk_application_open_others (DeskApplication *self);
/* Answers what the window asks for: the demo, signing in and out. */
void desk_application_connect_window (DeskApplication *self);
void desk_application_start_demo (DeskApplication *self);

void desk_application_add_actions (DeskApplication *self);
/* Ends "do not disturb" when its time has come. */
void desk_application_watch_disturb (DeskApplication *self);

G_END_DECLS
