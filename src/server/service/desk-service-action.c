/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* The way of every change by a manager: submitted, run in a transaction, published and answered
 * after the commit. */

#include "server/service/desk-service-action.h"

DeskAction *
desk_action_new (DeskService *service,
                 DeskActionFunc run,
                 DeskIdentity *who,
                 DeskReplyDone done,
                 gpointer data)
{
  DeskAction *self = g_new0 (DeskAction, 1);
  desk_work_init (&self->work, service);
  self->run = run;
  self->who = who != NULL ? desk_identity_ref (who) : NULL;
  self->done = done;
  self->data = data;
  return self;
}

static void
action_free (DeskAction *self)
{
  desk_work_clear (&self->work);
  g_clear_pointer (&self->who, desk_identity_unref);
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self->id);
  g_free (self->text);
  if (self->request != NULL && self->free_request != NULL)
    self->free_request (self->request);
  g_clear_pointer (&self->reply, desk_reply_free);
  g_free (self);
}

static gboolean
action_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskAction *self = data;
  desk_work_begin (&self->work, tx);
  g_clear_pointer (&self->reply, desk_reply_free);
  return self->run (self, error);
}

static void
action_done (const GError *error, gpointer data)
{
  DeskAction *self = data;
  desk_service_note_commit (self->work.service, error);
  if (error == NULL)
    {
      desk_work_publish (&self->work);
      desk_work_tell_lookups (&self->work);
    }
  else
    desk_action_answer (self, desk_reply_new_store_failure (error));
  self->done (g_steal_pointer (&self->reply), self->data);
  action_free (self);
}

void
desk_action_submit (DeskAction *self)
{
  DeskServerStore *store = self->work.service->store;
  store->ops->submit (store, action_job, action_done, self);
}

gboolean
desk_action_answer (DeskAction *self, DeskReply *reply)
{
  g_clear_pointer (&self->reply, desk_reply_free);
  self->reply = reply;
  return TRUE;
}

gboolean
desk_action_refuse (DeskAction *self, DeskCode code, const char *message)
{
  return desk_action_answer (self, desk_reply_new_failure (code, message, NULL, -1, ""));
}

gboolean
desk_action_conflict (DeskAction *self, const char *details)
{
  return desk_action_answer (
      self, desk_reply_new_failure (DESK_CODE_CONFLICT, "Somebody has changed it in the meantime",
                                    details, -1, ""));
}

static DeskReply *
begin_answer (guint status, DeskJsonWriter *w)
{
  DeskReply *reply = desk_reply_new_ok ();
  reply->status = status;
  desk_reply_begin (reply, w);
  return reply;
}

static gboolean
end_answer (DeskAction *self, DeskReply *reply, DeskJsonWriter *w)
{
  desk_reply_end (reply, w, NULL);
  return desk_action_answer (self, reply);
}

gboolean
desk_action_answer_chat (DeskAction *self, guint status, const DeskChat *chat)
{
  DeskJsonWriter w;
  DeskReply *reply = begin_answer (status, &w);
  desk_wire_write_chat (&w, chat);
  return end_answer (self, reply, &w);
}

gboolean
desk_action_answer_message (DeskAction *self, guint status, const DeskMessage *message)
{
  g_autoptr (DeskMessage) told = desk_service_copy_signed (self->work.service, message);
  DeskJsonWriter w;
  DeskReply *reply = begin_answer (status, &w);
  desk_wire_write_message (&w, told);
  return end_answer (self, reply, &w);
}

gboolean
desk_action_answer_canned (DeskAction *self, guint status, const DeskCanned *canned)
{
  DeskJsonWriter w;
  DeskReply *reply = begin_answer (status, &w);
  desk_wire_write_canned (&w, canned);
  return end_answer (self, reply, &w);
}

gboolean
desk_action_answer_profile (DeskAction *self, guint status, const DeskProfile *profile)
{
  DeskJsonWriter w;
  DeskReply *reply = begin_answer (status, &w);
  g_autofree char *text = desk_service_profile_text (self->work.service, profile);
  desk_json_writer_raw (&w, text);
  return end_answer (self, reply, &w);
}
