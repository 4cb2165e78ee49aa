/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* Read markers: per manager, merged with max, never beyond the last message. */

#include "server/service/desk-service-private.h"

typedef struct
{
  DeskWork work;
  DeskIdentity *who;
  char *platform;
  char *user_id;
  gint64 up_to_chat_seq; /* -1: mark unread */
  char *connection;       /* nullable: of the chat, whose platform is told of external_id */
  char *external_id;      /* nullable: the customer's newest message that was read now */
  DeskReply *reply;
  DeskReplyDone done;
  gpointer data;
} DeskMark;

/* How far back a customer's message is looked for: replies and notes may stand after it. */
#define LOOK_BACK 30

static gboolean
take_customers (const char *body, gsize len, const char *id, gpointer data)
{
  DeskMark *self = data;
  g_autoptr (DeskMessage) message = desk_service_parse_body (body, NULL);

  if (message == NULL || message->direction != DESK_DIRECTION_INCOMING
      || message->external_id == NULL || message->deleted_at_ms > 0)
    return TRUE;
  self->external_id = g_strdup (message->external_id);
  return FALSE;
}

/* Something of the customer's was read: which is the newest of it? */
static gboolean
note_read (DeskMark *self, const DeskServerChat *chat, GError **error)
{
  const DeskServerMessagesQuery query = { .chat_row = chat->row,
                                          .before_seq = chat->chat->personal.read_chat_seq + 1,
                                          .after_seq = -1,
                                          .limit = LOOK_BACK,
                                          .public_only = TRUE };

  if (self->work.service->options.sink.chat_read == NULL || chat->chat->connection == NULL)
    return TRUE;
  self->connection = g_strdup (chat->chat->connection);
  return self->work.tx->ops->messages_page (self->work.tx, &query, take_customers, self, error);
}

static gboolean
move_marker (DeskMark *self, DeskServerChat *chat, gboolean *out_changed, GError **error)
{
  DeskChatPersonal *personal = &chat->chat->personal;
  DeskChatPersonal before = *personal;
  if (self->up_to_chat_seq < 0)
    {
      personal->marked_unread = TRUE;
    }
  else
    {
      gint64 up_to = MIN (self->up_to_chat_seq, chat->chat->last_chat_seq),
             in_seq = chat->chat->last_in_seq;
      if (up_to < chat->chat->last_chat_seq
          && !self->work.tx->ops->message_in_seq (self->work.tx, chat->row, up_to, &in_seq, error))
        return FALSE;
      personal->read_chat_seq = MAX (personal->read_chat_seq, up_to);
      personal->read_in_seq = MAX (personal->read_in_seq, in_seq);
      personal->marked_unread = FALSE;
    }
  *out_changed = before.read_chat_seq != personal->read_chat_seq
                 || before.read_in_seq != personal->read_in_seq
                 || before.marked_unread != personal->marked_unread;
  if (before.read_in_seq < personal->read_in_seq && !note_read (self, chat, error))
    return FALSE;
  return !*out_changed
         || self->work.tx->ops->personal_set (self->work.tx, chat->row, self->who->username,
                                              personal, error);
}

static gboolean
tell_marker (DeskMark *self, const DeskServerChat *chat, GError **error)
{
  const DeskChatPersonal *personal = &chat->chat->personal;
  DeskEvent event = { .type = DESK_EVENT_READ,
                      .platform = self->platform,
                      .user_id = self->user_id,
                      .username = self->who->username,
                      .up_to_chat_seq = personal->read_chat_seq,
                      .up_to_in_seq = personal->read_in_seq,
                      .marked_unread = personal->marked_unread };
  if (!desk_work_emit (&self->work, &event, error))
    return FALSE;
  if (personal->marked_unread)
    return TRUE;
  DeskEvent *receipt = desk_event_new (DESK_EVENT_READ_RECEIPT);
  receipt->platform = g_strdup (self->platform);
  receipt->user_id = g_strdup (self->user_id);
  receipt->username = g_strdup (self->who->username);
  desk_work_add_ephemeral (&self->work, receipt);
  return TRUE;
}

/* Where the marker stands now: what the read event tells. */
static DeskReply *
new_answer (DeskMark *self, const DeskChatPersonal *personal)
{
  DeskReply *reply = desk_reply_new_ok ();
  DeskJsonWriter w;
  desk_reply_begin (reply, &w);
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "username", self->who->username);
  desk_json_writer_member_string (&w, "platform", self->platform);
  desk_json_writer_member_string (&w, "user_id", self->user_id);
  desk_json_writer_member_int64 (&w, "up_to_chat_seq", personal->read_chat_seq);
  desk_json_writer_member_int64 (&w, "up_to_in_seq", personal->read_in_seq);
  desk_json_writer_member_bool (&w, "marked_unread", personal->marked_unread);
  desk_json_writer_end_object (&w);
  desk_reply_end (reply, &w, NULL);
  return reply;
}

static gboolean
mark_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskMark *self = data;
  g_autoptr (DeskServerChat) chat = NULL;
  gboolean changed = FALSE;
  desk_work_begin (&self->work, tx);
  g_clear_pointer (&self->reply, desk_reply_free);
  g_clear_pointer (&self->connection, g_free);
  g_clear_pointer (&self->external_id, g_free);
  if (!tx->ops->chat_find (tx, self->platform, self->user_id, self->who->username, &chat, error))
    return FALSE;
  if (chat == NULL)
    {
      self->reply = desk_reply_new_no_chat ();
      return TRUE;
    }
  if (!move_marker (self, chat, &changed, error))
    return FALSE;
  self->reply = new_answer (self, &chat->chat->personal);
  return !changed || tell_marker (self, chat, error);
}

static void
mark_done (const GError *error, gpointer data)
{
  DeskMark *self = data;
  desk_service_note_commit (self->work.service, error);
  if (error == NULL)
    {
      const DeskServiceSink *sink = &self->work.service->options.sink;
      desk_work_publish (&self->work);
      if (self->external_id != NULL)
        sink->chat_read (sink->data, self->connection, self->user_id, self->external_id);
    }
  else
    {
      g_clear_pointer (&self->reply, desk_reply_free);
      self->reply = desk_reply_new_store_failure (error);
    }
  self->done (g_steal_pointer (&self->reply), self->data);
  desk_work_clear (&self->work);
  desk_identity_unref (self->who);
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self->connection);
  g_free (self->external_id);
  g_free (self);
}

static void
submit_mark (DeskService *service,
             DeskIdentity *who,
             const char *platform,
             const char *user_id,
             gint64 up_to,
             DeskReplyDone done,
             gpointer data)
{
  DeskMark *self = g_new0 (DeskMark, 1);
  desk_work_init (&self->work, service);
  self->who = desk_identity_ref (who);
  self->platform = g_strdup (platform);
  self->user_id = g_strdup (user_id);
  self->up_to_chat_seq = up_to;
  self->done = done;
  self->data = data;
  service->store->ops->submit (service->store, mark_job, mark_done, self);
}

void
desk_service_mark_read (DeskService *self,
                        DeskIdentity *who,
                        const char *platform,
                        const char *user_id,
                        gint64 up_to_chat_seq,
                        DeskReplyDone done,
                        gpointer data)
{
  g_return_if_fail (self != NULL && who != NULL && done != NULL);
  submit_mark (self, who, platform, user_id, MAX (up_to_chat_seq, 0), done, data);
}

void
desk_service_mark_unread (DeskService *self,
                          DeskIdentity *who,
                          const char *platform,
                          const char *user_id,
                          DeskReplyDone done,
                          gpointer data)
{
  g_return_if_fail (self != NULL && who != NULL && done != NULL);
  submit_mark (self, who, platform, user_id, -1, done, data);
}
