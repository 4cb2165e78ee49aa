/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-model"

#include "config.h"

/* Operations on messages and their state: plain values. */

#include "model/desk-operation.h"

#include "model/desk-words.h"

static const char *const operation_words[] = {
  [DESK_OPERATION_SEND] = "send",
  [DESK_OPERATION_EDIT] = "edit",
  [DESK_OPERATION_DELETE] = "delete",
  [DESK_OPERATION_REACT] = "react",
};

static const char *const change_state_words[] = {
  [DESK_CHANGE_QUEUED] = "queued",
  [DESK_CHANGE_FAILED] = "failed",
};

DESK_DEFINE_WORDS (DeskOperation, operation, operation_words)
DESK_DEFINE_WORDS (DeskChangeState, change_state, change_state_words)

DeskChange *
desk_change_new (DeskOperation operation, const char *by, gint64 at_ms)
{
  DeskChange *self = g_new0 (DeskChange, 1);
  self->operation = operation;
  self->by = g_strdup (by);
  self->at_ms = at_ms;
  return self;
}

DeskChange *
desk_change_copy (const DeskChange *self)
{
  if (self == NULL)
    return NULL;
  DeskChange *copy = desk_change_new (self->operation, self->by, self->at_ms);
  copy->state = self->state;
  copy->text = g_strdup (self->text);
  copy->emoji = g_strdup (self->emoji);
  copy->code = g_strdup (self->code);
  copy->message = g_strdup (self->message);
  return copy;
}

void
desk_change_free (DeskChange *self)
{
  if (self == NULL)
    return;
  g_free (self->text);
  g_free (self->emoji);
  g_free (self->by);
  g_free (self->code);
  g_free (self->message);
  g_free (self);
}
