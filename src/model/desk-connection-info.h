/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the backend tells of one of its connections to a platform. Words stay words: a client must
 * show also those that it does not know. */
typedef struct
{
  char *name;
  char *platform;
  char *title;     /* of the platform, for people */
  char *state;     /* "starting", "ok", "degraded" or "down" */
  char *trouble;   /* nullable: what kind: "token", "unreachable", … */
  char *reason;    /* nullable: in plain words */
  char *advice;    /* nullable: what to do */
  gint64 since_ms; /* UTC: since when it is in this state, or in trouble */
} DeskConnectionInfo;

DeskConnectionInfo *desk_connection_info_new (void);
void desk_connection_info_free (DeskConnectionInfo *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskConnectionInfo, desk_connection_info_free)
/* Whether somebody should look at it: its state is neither "ok" nor "starting". */
gboolean desk_connection_info_is_failing (const DeskConnectionInfo *self);

/* A notice for all managers, kept in the log of events. */
typedef struct
{
  char *id;
  char *kind; /* "loop", "connection_failed", "connection_recovered", …: the key of a client's own text */
  char *title;
  char *text;
  char *platform; /* nullable, as the following */
  char *user_id;
  char *connection;
  char *trouble;
  char *advice;
  gint64 since_ms; /* 0: not told */
  gint64 created_at_ms;
} DeskNotification;

DeskNotification *desk_notification_new (void);
void desk_notification_free (DeskNotification *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskNotification, desk_notification_free)

G_END_DECLS
