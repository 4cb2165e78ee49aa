/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* Canned replies of the team.
 * Invariants: a shortcut is unique without regard to case; every change is one canned_updated; what
 * changes nothing is no change. */

#include "server/service/desk-service-action.h"

#include <string.h>

#include "common/desk-uuid.h"

static gboolean
refuse_role (DeskAction *self)
{
  if (self->who->role != DESK_ROLE_BOT)
    return FALSE;
  return desk_action_refuse (self, DESK_CODE_FORBIDDEN, "Canned replies are written by managers");
}

static gboolean
emit_canned (DeskAction *self, const char *id, const DeskCanned *canned, GError **error)
{
  g_autofree char *data = desk_wire_canned_event_text (id, canned);
  DeskEvent event = { .type = DESK_EVENT_CANNED_UPDATED, .data = data };
  return desk_work_emit (&self->work, &event, error);
}

static gboolean
has_same_content (const DeskCanned *a, const DeskCanned *b)
{
  return strcmp (a->shortcut, b->shortcut) == 0 && g_strcmp0 (a->title, b->title) == 0
         && strcmp (a->text, b->text) == 0;
}

static gboolean
store_canned (DeskAction *self, guint status, DeskCanned *canned, GError **error)
{
  canned->rev++;
  canned->updated_at_ms = self->work.now_ms;
  return self->work.tx->ops->canned_put (self->work.tx, canned, error)
         && emit_canned (self, canned->id, canned, error)
         && desk_action_answer_canned (self, status, canned);
}

/* Answers if another one has the shortcut. */
static gboolean
check_shortcut (DeskAction *self, const char *id, const char *shortcut, GError **error)
{
  g_autoptr (DeskCanned) other = NULL;
  if (!self->work.tx->ops->canned_find_shortcut (self->work.tx, shortcut, &other, error))
    return FALSE;
  if (other != NULL && strcmp (other->id, id) != 0)
    desk_action_answer (
        self, desk_reply_new_invalid ("shortcut", "Another canned reply has this shortcut"));
  return TRUE;
}

static gboolean
check_room (DeskAction *self, GError **error)
{
  g_autoptr (GPtrArray) all = NULL;
  if (!self->work.tx->ops->canned_list (self->work.tx, &all, error))
    return FALSE;
  if (all->len >= DESK_SERVICE_MAX_CANNED)
    desk_action_answer (self,
                        desk_reply_new_invalid ("shortcut", "There are too many canned replies"));
  return TRUE;
}

static gboolean
add_canned (DeskAction *self, GError **error)
{
  const DeskCanned *asked = self->request;
  g_autoptr (DeskCanned) present = NULL;
  g_autoptr (DeskCanned) canned = desk_canned_copy (asked);
  if (refuse_role (self))
    return TRUE;
  if (canned->id == NULL)
    canned->id = desk_uuid7_new (self->work.service->clock, self->work.service->random);
  if (!self->work.tx->ops->canned_find (self->work.tx, canned->id, &present, error))
    return FALSE;
  if (present != NULL && has_same_content (present, asked)) /* asked twice */
    return desk_action_answer_canned (self, 200, present);
  if (present != NULL)
    return desk_action_refuse (self, DESK_CODE_IDEMPOTENCY_MISMATCH,
                               "This id was used for another canned reply");
  if (!check_shortcut (self, canned->id, canned->shortcut, error)
      || (self->reply == NULL && !check_room (self, error)))
    return FALSE;
  canned->rev = 0;
  return self->reply != NULL || store_canned (self, 201, canned, error);
}

static gboolean
refuse_conflict (DeskAction *self, const DeskCanned *canned)
{
  g_autoptr (GString) details = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, details);
  desk_wire_write_canned (&w, canned);
  return desk_action_conflict (self, details->str);
}

static gboolean
change_canned (DeskAction *self, GError **error)
{
  const DeskCanned *asked = self->request;
  g_autoptr (DeskCanned) present = NULL;
  if (refuse_role (self))
    return TRUE;
  if (!self->work.tx->ops->canned_find (self->work.tx, self->id, &present, error))
    return FALSE;
  if (present == NULL)
    return desk_action_refuse (self, DESK_CODE_NOT_FOUND, "There is no such canned reply");
  if (has_same_content (present, asked))
    return desk_action_answer_canned (self, 200, present);
  if (self->number >= 0 && self->number < present->rev)
    return refuse_conflict (self, present);
  if (!check_shortcut (self, self->id, asked->shortcut, error))
    return FALSE;
  if (self->reply != NULL)
    return TRUE;
  g_autoptr (DeskCanned) canned = desk_canned_copy (asked);
  g_free (canned->id);
  canned->id = g_strdup (self->id);
  canned->rev = present->rev;
  return store_canned (self, 200, canned, error);
}

/* What is gone is deleted: the same request again is answered alike. */
static gboolean
delete_canned (DeskAction *self, GError **error)
{
  g_autoptr (DeskCanned) present = NULL;
  if (refuse_role (self))
    return TRUE;
  if (!self->work.tx->ops->canned_find (self->work.tx, self->id, &present, error))
    return FALSE;
  if (present != NULL
      && (!self->work.tx->ops->canned_delete (self->work.tx, self->id, error)
          || !emit_canned (self, self->id, NULL, error)))
    return FALSE;
  return desk_action_answer (self, desk_reply_new_empty ());
}

void
desk_service_add_canned (DeskService *self,
                         DeskIdentity *who,
                         const DeskCanned *canned,
                         DeskReplyDone done,
                         gpointer data)
{
  g_return_if_fail (self != NULL && who != NULL && canned != NULL && done != NULL);
  DeskAction *action = desk_action_new (self, add_canned, who, done, data);
  action->request = desk_canned_copy (canned);
  action->free_request = (GDestroyNotify)desk_canned_free;
  desk_action_submit (action);
}

void
desk_service_change_canned (DeskService *self,
                            DeskIdentity *who,
                            const char *id,
                            const DeskCanned *canned,
                            gint64 base_rev,
                            DeskReplyDone done,
                            gpointer data)
{
  g_return_if_fail (self != NULL && who != NULL && id != NULL && canned != NULL && done != NULL);
  DeskAction *action = desk_action_new (self, change_canned, who, done, data);
  action->id = g_strdup (id);
  action->number = base_rev;
  action->request = desk_canned_copy (canned);
  action->free_request = (GDestroyNotify)desk_canned_free;
  desk_action_submit (action);
}

void
desk_service_delete_canned (DeskService *self,
                            DeskIdentity *who,
                            const char *id,
                            DeskReplyDone done,
                            gpointer data)
{
  g_return_if_fail (self != NULL && who != NULL && id != NULL && done != NULL);
  DeskAction *action = desk_action_new (self, delete_canned, who, done, data);
  action->id = g_strdup (id);
  desk_action_submit (action);
}

DeskReply *
desk_service_get_canned (DeskService *self, const DeskIdentity *who)
{
  g_return_val_if_fail (self != NULL && who != NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) all = NULL;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, &error);
  gboolean ok = tx != NULL && tx->ops->canned_list (tx, &all, &error);
  if (tx != NULL)
    tx->ops->end_read (tx);
  if (!ok)
    return desk_reply_new_store_failure (error);
  DeskReply *reply = desk_reply_new_ok ();
  DeskJsonWriter w;
  desk_reply_begin (reply, &w);
  desk_json_writer_begin_array (&w);
  for (guint i = 0; i < all->len; i++)
    desk_wire_write_canned (&w, all->pdata[i]);
  desk_json_writer_end_array (&w);
  desk_reply_end (reply, &w, NULL);
  return reply;
}
