/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* What a manager asks a platform to do with a message, and how that goes on. */

G_BEGIN_DECLS

typedef enum
{
  DESK_OPERATION_SEND,
  DESK_OPERATION_EDIT,
  DESK_OPERATION_DELETE,
  DESK_OPERATION_REACT,
} DeskOperation;

typedef enum
{
  DESK_CHANGE_QUEUED, /* on its way to the platform; the message still shows what was */
  DESK_CHANGE_FAILED, /* the platform refused: code and reason; the message stays as it was */
} DeskChangeState;

/* An edit, deletion or reaction that the platform has not taken (yet). A message has at most one: the newest asked for. It
 * goes away when the platform has done it. */
typedef struct
{
  DeskOperation operation; /* never SEND */
  DeskChangeState state;
  char *text;    /* EDIT: the new text; else NULL */
  char *emoji;   /* REACT: "" takes the reaction back; else NULL */
  char *by;      /* nullable: username */
  char *code;    /* FAILED, nullable */
  char *message; /* FAILED, nullable: the platform's reason */
  gint64 at_ms;  /* asked, or failed */
} DeskChange;

DeskChange *desk_change_new (DeskOperation operation, const char *by, gint64 at_ms);
DeskChange *desk_change_copy (const DeskChange *self);
void desk_change_free (DeskChange *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskChange, desk_change_free)

const char *desk_operation_to_string (DeskOperation value);
gboolean desk_operation_from_string (const char *text, DeskOperation *out);
const char *desk_change_state_to_string (DeskChangeState value);
gboolean desk_change_state_from_string (const char *text, DeskChangeState *out);

G_END_DECLS
