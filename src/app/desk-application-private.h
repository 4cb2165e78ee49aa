/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "app/desk-application.h"
#include "app/desk-demo.h"
#include "app/desk-notifier.h"
#include "app/desk-window.h"
#include "store/desk-cache-lock.h"
#include "sync/desk-account.h"

/* Shared by desk-application.c and desk-application-actions.c. */

G_BEGIN_DECLS

struct _DeskApplication
{
  AdwApplication parent_instance;

  /* the command line */
  gboolean want_demo;
  char *cache_dir;  /* nullable */
  char *server_url; /* nullable */

  GSettings *settings;
  DeskWindow *window; /* nullable */
  DeskNotifier *notifier;
  DeskDemo *demo; /* nullable */
  DeskCacheLock *lock; /* nullable */
  DeskAccount *account; /* nullable: what is open */
  DeskInbox *first_inbox; /* nullable: being opened before there is a window */
  gboolean refused;       /* what was to be shown first cannot be held; it was said */
  guint term_source, int_source;
  int exit_status;
};

void desk_application_add_actions (DeskApplication *self);

G_END_DECLS
