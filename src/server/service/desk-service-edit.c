/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* Edits, deletions and reactions by managers.
 *
 * A note, and a message that has not left yet, change at once. Where the platform has the message,
 * message->change says what was asked, a delivery job of its own takes it there, and the message
 * changes when the platform has done it; a refusal stays on the message until something else is
 * asked. A message has at most one change under way: a newer one replaces one that waits.
 *
 * Invariants: the job of a change exists exactly while message->change is queued; what is asked
 * twice is done once; operations may be repeated after an unknown outcome, since they are told by
 * value. */

#include "server/service/desk-service-action.h"

#include <string.h>

#include "common/desk-backoff.h"
#include "common/desk-text.h"

#define MAX_ATTEMPTS  6
#define RETRY_BASE_MS 1000
#define RETRY_CAP_MS  16000
#define WAIT_CAP_MS   30000

typedef struct
{
  DeskAction *action;
  gint64 chat_row;
  DeskMessage *message;
  const DeskPlatform *platform; /* nullable */
} DeskTarget;

static void
target_clear (DeskTarget *self)
{
  g_clear_pointer (&self->message, desk_message_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DeskTarget, target_clear)

/* message NULL: answered. */
static gboolean
find_target (DeskAction *self, DeskTarget *out, GError **error)
{
  g_autoptr (DeskServerMessage) stored = NULL;
  out->action = self;
  if (!self->work.tx->ops->message_by_id (self->work.tx, self->id, &stored, error))
    return FALSE;
  if (stored == NULL)
    return desk_action_refuse (self, DESK_CODE_NOT_FOUND, "There is no such message");
  out->chat_row = stored->chat_row;
  out->message = desk_service_parse_body (stored->body, error);
  if (out->message == NULL)
    return FALSE;
  out->platform = desk_service_find_platform (self->work.service, out->message->platform);
  return TRUE;
}

static gboolean
is_under_way (const DeskMessage *message, DeskOperation operation, const char *value)
{
  const DeskChange *change = message->change;
  return change != NULL && change->state == DESK_CHANGE_QUEUED && change->operation == operation
         && (operation == DESK_OPERATION_DELETE
             || g_strcmp0 (operation == DESK_OPERATION_EDIT ? change->text : change->emoji, value)
                    == 0);
}

/* ── At once ────────────────────────────────────────────────────────────────────────────────── */

static gboolean
edit_now (DeskTarget *self, const char *text, gboolean was_seen, GError **error)
{
  DeskWork *work = &self->action->work;
  g_free (self->message->text);
  self->message->text = g_strdup (text);
  if (was_seen)
    self->message->edited_at_ms = work->now_ms;
  g_clear_pointer (&self->message->change, desk_change_free);
  return desk_work_change_message (work, self->chat_row, self->message, DESK_EVENT_MESSAGE_UPDATED,
                                   error)
         && desk_action_answer_message (self->action, 200, self->message);
}

static gboolean
delete_now (DeskTarget *self, GError **error)
{
  return desk_work_delete_message (&self->action->work, self->chat_row, self->message, error)
         && desk_action_answer_message (self->action, 200, self->message);
}

/* It will not be sent: the ladder of statuses ends here, so that it may be trimmed. */
static void
cancel_sending (DeskTarget *self)
{
  DeskMessage *message = self->message;
  gint64 now_ms = self->action->work.now_ms;
  if (message->status == DESK_STATUS_QUEUED)
    g_ptr_array_add (message->status_history,
                     desk_status_change_new (DESK_STATUS_FAILED, now_ms, "CANCELLED",
                                             "Taken back before it was sent"));
  message->status = DESK_STATUS_FAILED;
  g_free (message->error.code);
  g_free (message->error.message);
  message->error.code = g_strdup ("CANCELLED");
  message->error.message = g_strdup ("Taken back before it was sent");
  message->error.retryable = FALSE;
}

/* What may be done to a message that has not left: *out_now, or the refusal is answered. */
static gboolean
check_unsent (DeskTarget *self, gboolean *out_now, GError **error)
{
  DeskServerTx *tx = self->action->work.tx;
  g_autoptr (DeskServerJobRow) job = NULL;
  *out_now = FALSE;
  if (self->message->status == DESK_STATUS_FAILED && self->message->external_id == NULL)
    {
      *out_now = TRUE;
      return TRUE;
    }
  if (self->message->status != DESK_STATUS_QUEUED)
    return TRUE;
  if (!tx->ops->job_find (tx, self->chat_row, self->message->chat_seq, FALSE, &job, error))
    return FALSE;
  *out_now = job != NULL && job->state != DESK_SERVER_JOB_BEGUN;
  if (!*out_now)
    return desk_action_refuse (self->action, DESK_CODE_IN_FLIGHT, "The message is being sent");
  desk_service_spoil_job (self->action->work.service, job->id);
  return TRUE;
}

/* ── By the platform ────────────────────────────────────────────────────────────────────────── */

static gboolean
queue_change (DeskTarget *self, DeskChange *change, GError **error)
{
  DeskWork *work = &self->action->work;
  DeskServerTx *tx = work->tx;
  g_autoptr (DeskServerChat) chat = NULL;
  g_autoptr (DeskServerJobRow) present = NULL;
  desk_change_free (self->message->change);
  self->message->change = change;
  if (!tx->ops->chat_find_row (tx, self->chat_row, &chat, error)
      || !tx->ops->job_find (tx, self->chat_row, self->message->chat_seq, TRUE, &present, error))
    return FALSE;
  /* One that is under way comes back and finds the newer change. */
  if (present == NULL || present->state != DESK_SERVER_JOB_BEGUN)
    {
      const char *connection = chat != NULL ? chat->chat->connection : NULL;
      DeskServerJobRow job = { .chat_row = self->chat_row,
                               .chat_seq = self->message->chat_seq,
                               .is_operation = TRUE,
                               .connection = connection != NULL ? (char *)connection : (char *)"",
                               .due_ms = work->now_ms,
                               .created_ms = work->now_ms };
      if (!tx->ops->job_insert (tx, &job, error))
        return FALSE;
      work->wants_delivery = TRUE;
    }
  return desk_work_change_message (work, self->chat_row, self->message, DESK_EVENT_MESSAGE_UPDATED,
                                   error)
         && desk_action_answer_message (self->action, 202, self->message);
}

static gboolean
refuse_unable (DeskTarget *self)
{
  return desk_action_refuse (self->action, DESK_CODE_NOT_SUPPORTED,
                             "This cannot be done to a message on this platform");
}

/* The platform has it under a name that we know. */
static gboolean
is_at_platform (const DeskMessage *message)
{
  return message->external_id != NULL && message->status != DESK_STATUS_QUEUED
         && message->status != DESK_STATUS_UNKNOWN;
}

/* Somebody's own words, or an admin. Answers the refusal. */
static gboolean
refuse_stranger (DeskTarget *self)
{
  const DeskIdentity *who = self->action->who;
  if (self->message->direction != DESK_DIRECTION_OUTGOING)
    {
      refuse_unable (self);
      return TRUE;
    }
  if (who->role == DESK_ROLE_ADMIN || g_strcmp0 (self->message->sender_id, who->username) == 0)
    return FALSE;
  desk_action_refuse (self->action, DESK_CODE_FORBIDDEN,
                      "Only its author or an admin may change a message");
  return TRUE;
}

/* ── Edit ───────────────────────────────────────────────────────────────────────────────────── */

/* rev grows with every delivery mark, too; what is based on an older text is refused. */
static gboolean
refuse_stale (DeskTarget *self)
{
  const DeskMessage *message = self->message;
  gint64 base_rev = self->action->number;
  if (base_rev < 0 || base_rev >= message->rev
      || (message->edited_at_ms == 0 && message->change == NULL))
    return FALSE;
  g_autoptr (DeskMessage) told
      = desk_service_copy_signed (self->action->work.service, message);
  g_autoptr (GString) details = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, details);
  desk_wire_write_message (&w, told);
  return desk_action_conflict (self->action, details->str);
}

static gboolean
refuse_text (DeskTarget *self)
{
  const char *text = self->action->text;
  if (text[strspn (text, " \t\r\n")] == '\0')
    return desk_action_answer (self->action,
                               desk_reply_new_invalid ("text", "text must not be empty"));
  if (self->message->is_private || self->platform == NULL)
    return FALSE;
  gsize length = desk_text_length (text, self->platform->text_unit);
  return length > self->platform->text_limit
         && desk_action_answer (self->action,
                                desk_reply_new_too_long (self->platform->text_limit,
                                                         self->platform->text_unit, length));
}

static gboolean
edit_message (DeskAction *action, GError **error)
{
  g_auto (DeskTarget) self = { 0 };
  gboolean now = FALSE;
  if (!find_target (action, &self, error))
    return FALSE;
  if (self.message == NULL || refuse_stranger (&self))
    return TRUE;
  if (self.message->deleted_at_ms > 0)
    return desk_action_refuse (action, DESK_CODE_NOT_SUPPORTED, "The message was deleted");
  if (is_under_way (self.message, DESK_OPERATION_EDIT, action->text))
    return desk_action_answer_message (action, 202, self.message);
  if (self.message->change == NULL && strcmp (self.message->text, action->text) == 0)
    return desk_action_answer_message (action, 200, self.message);
  if (refuse_stale (&self) || refuse_text (&self))
    return TRUE;
  if (self.message->is_private)
    return edit_now (&self, action->text, TRUE, error);
  if (!check_unsent (&self, &now, error))
    return FALSE;
  if (now)
    return edit_now (&self, action->text, FALSE, error);
  if (action->reply != NULL)
    return TRUE;
  if (!is_at_platform (self.message) || self.message->template != NULL || self.platform == NULL
      || !self.platform->can_edit)
    return refuse_unable (&self);
  DeskChange *change
      = desk_change_new (DESK_OPERATION_EDIT, action->who->username, action->work.now_ms);
  change->text = g_strdup (action->text);
  return queue_change (&self, change, error);
}

void
desk_service_edit_message (DeskService *self,
                           DeskIdentity *who,
                           const char *id,
                           const char *text,
                           gint64 base_rev,
                           DeskReplyDone done,
                           gpointer data)
{
  g_return_if_fail (self != NULL && who != NULL && id != NULL && text != NULL && done != NULL);
  DeskAction *action = desk_action_new (self, edit_message, who, done, data);
  action->id = g_strdup (id);
  action->text = g_strdup (text);
  action->number = base_rev;
  desk_action_submit (action);
}

/* ── Delete ─────────────────────────────────────────────────────────────────────────────────── */

static gboolean
delete_message (DeskAction *action, GError **error)
{
  g_auto (DeskTarget) self = { 0 };
  gboolean now = FALSE;
  if (!find_target (action, &self, error))
    return FALSE;
  if (self.message == NULL || refuse_stranger (&self))
    return TRUE;
  if (self.message->deleted_at_ms > 0) /* asked twice */
    return desk_action_answer_message (action, 200, self.message);
  if (is_under_way (self.message, DESK_OPERATION_DELETE, NULL))
    return desk_action_answer_message (action, 202, self.message);
  if (self.message->is_private)
    return delete_now (&self, error);
  if (!check_unsent (&self, &now, error))
    return FALSE;
  if (now)
    {
      cancel_sending (&self);
      return action->work.tx->ops->job_delete (action->work.tx, self.chat_row,
                                               self.message->chat_seq, error)
             && delete_now (&self, error);
    }
  if (action->reply != NULL)
    return TRUE;
  if (!is_at_platform (self.message) || self.platform == NULL || !self.platform->can_delete)
    return refuse_unable (&self);
  return queue_change (
      &self, desk_change_new (DESK_OPERATION_DELETE, action->who->username, action->work.now_ms),
      error);
}

void
desk_service_delete_message (
    DeskService *self, DeskIdentity *who, const char *id, DeskReplyDone done, gpointer data)
{
  g_return_if_fail (self != NULL && who != NULL && id != NULL && done != NULL);
  DeskAction *action = desk_action_new (self, delete_message, who, done, data);
  action->id = g_strdup (id);
  desk_action_submit (action);
}

/* ── Reactions ──────────────────────────────────────────────────────────────────────────────── */

/* On a note each manager has one; on the platform the business has one, whoever set it. */
static gboolean
set_reaction (DeskWork *work, DeskMessage *message, const char *emoji, const char *by, GError **error)
{
  for (guint i = message->reactions->len; i > 0; i--)
    {
      const DeskReaction *reaction = message->reactions->pdata[i - 1];
      g_autoptr (DeskServerUser) user = NULL;
      if (!message->is_private && reaction->by != NULL
          && !work->tx->ops->user_find (work->tx, reaction->by, &user, error))
        return FALSE;
      if (user != NULL || g_strcmp0 (reaction->by, by) == 0)
        g_ptr_array_remove_index (message->reactions, i - 1);
    }
  if (emoji != NULL && emoji[0] != '\0' && message->reactions->len < 100)
    g_ptr_array_add (message->reactions, desk_reaction_new (emoji, by));
  return TRUE;
}

static gboolean
has_reaction (const DeskMessage *message, const char *emoji, const char *by)
{
  for (guint i = 0; i < message->reactions->len; i++)
    {
      const DeskReaction *reaction = message->reactions->pdata[i];
      if (g_strcmp0 (reaction->by, by) == 0)
        return strcmp (reaction->emoji, emoji) == 0;
    }
  return emoji[0] == '\0';
}

static gboolean
react (DeskAction *action, GError **error)
{
  g_auto (DeskTarget) self = { 0 };
  const char *who = action->who->username;
  if (!find_target (action, &self, error))
    return FALSE;
  if (self.message == NULL)
    return TRUE;
  if (self.message->deleted_at_ms > 0)
    return desk_action_refuse (action, DESK_CODE_NOT_SUPPORTED, "The message was deleted");
  if (is_under_way (self.message, DESK_OPERATION_REACT, action->text))
    return desk_action_answer_message (action, 202, self.message);
  if (self.message->change == NULL && action->text[0] != '\0'
      && has_reaction (self.message, action->text, who))
    return desk_action_answer_message (action, 200, self.message);
  if (self.message->is_private)
    {
      if (has_reaction (self.message, action->text, who))
        return desk_action_answer_message (action, 200, self.message);
      return set_reaction (&action->work, self.message, action->text, who, error)
             && desk_work_change_message (&action->work, self.chat_row, self.message,
                                          DESK_EVENT_MESSAGE_UPDATED, error)
             && desk_action_answer_message (action, 200, self.message);
    }
  gboolean is_there = self.message->direction == DESK_DIRECTION_INCOMING
                          ? self.message->external_id != NULL
                          : is_at_platform (self.message);
  if (!is_there || self.platform == NULL || !self.platform->can_react)
    return refuse_unable (&self);
  DeskChange *change = desk_change_new (DESK_OPERATION_REACT, who, action->work.now_ms);
  change->emoji = g_strdup (action->text);
  return queue_change (&self, change, error);
}

void
desk_service_react (DeskService *self,
                    DeskIdentity *who,
                    const char *id,
                    const char *emoji,
                    DeskReplyDone done,
                    gpointer data)
{
  g_return_if_fail (self != NULL && who != NULL && id != NULL && emoji != NULL && done != NULL);
  DeskAction *action = desk_action_new (self, react, who, done, data);
  action->id = g_strdup (id);
  action->text = g_strdup (emoji);
  desk_action_submit (action);
}

/* ── What the platform made of it ───────────────────────────────────────────────────────────── */

static gboolean
is_same_change (const DeskChange *a, const DeskChange *b)
{
  return a != NULL && b != NULL && a->operation == b->operation && g_strcmp0 (a->text, b->text) == 0
         && g_strcmp0 (a->emoji, b->emoji) == 0;
}

static gboolean
apply_done (
    DeskWork *work, gint64 chat_row, DeskMessage *message, const DeskChange *done, GError **error)
{
  if (message->deleted_at_ms > 0) /* the platform told it first */
    return TRUE;
  if (done->operation == DESK_OPERATION_DELETE)
    return desk_work_delete_message (work, chat_row, message, error);
  if (done->operation == DESK_OPERATION_EDIT)
    {
      g_free (message->text);
      message->text = g_strdup (done->text != NULL ? done->text : "");
      message->edited_at_ms = work->now_ms;
    }
  else if (!set_reaction (work, message, done->emoji, done->by, error))
    return FALSE;
  return desk_work_change_message (work, chat_row, message, DESK_EVENT_MESSAGE_UPDATED, error);
}

gboolean
desk_work_fail_operation (DeskWork *work,
                          DeskServerJobRow *job,
                          DeskMessage *message,
                          const char *code,
                          const char *reason,
                          GError **error)
{
  DeskChange *change = message->change;
  if (!work->tx->ops->job_delete_id (work->tx, job->id, error))
    return FALSE;
  if (change == NULL || change->state == DESK_CHANGE_FAILED)
    return TRUE;
  change->state = DESK_CHANGE_FAILED;
  change->at_ms = work->now_ms;
  g_free (change->code);
  g_free (change->message);
  change->code = g_strdup (code != NULL ? code : "FAILED");
  change->message = g_strdup (reason != NULL ? reason : "The platform refused it");
  return desk_work_change_message (work, job->chat_row, message, DESK_EVENT_MESSAGE_UPDATED, error);
}

static gboolean
again (DeskWork *work, DeskServerJobRow *job, gint64 wait_ms, GError **error)
{
  job->state = DESK_SERVER_JOB_WAITING;
  job->due_ms = work->now_ms + wait_ms;
  work->wants_delivery = TRUE;
  return work->tx->ops->job_update (work->tx, job, error);
}

static gboolean
finish_again (DeskWork *work,
              DeskServerJobRow *job,
              DeskMessage *message,
              const DeskOutcome *outcome,
              GError **error)
{
  gboolean spends
      = outcome->type == DESK_OUTCOME_RETRY || outcome->type == DESK_OUTCOME_UNKNOWN;
  if (work->now_ms - job->created_ms >= DAY_MS || (spends && job->attempts >= MAX_ATTEMPTS))
    return desk_work_fail_operation (work, job, message, outcome->code,
                                     outcome->message != NULL ? outcome->message
                                                              : "The platform did not take it",
                                     error);
  guint n = spends ? job->attempts - 1 : MIN (job->waits, 10);
  if (!spends)
    {
      job->attempts -= job->attempts > 0 ? 1 : 0;
      job->waits++;
    }
  gint64 wait = outcome->type == DESK_OUTCOME_CONNECTION
                    ? 0
                    : desk_backoff_equal_jitter_ms (n, RETRY_BASE_MS,
                                                    spends ? RETRY_CAP_MS : WAIT_CAP_MS,
                                                    work->service->random);
  return again (work, job, MAX (wait, outcome->retry_after_ms), error);
}

gboolean
desk_work_finish_operation (DeskWork *work,
                            DeskServerJobRow *job,
                            DeskMessage *message,
                            const DeskChange *attempted,
                            const DeskOutcome *outcome,
                            GError **error)
{
  gboolean is_newest = is_same_change (message->change, attempted);
  if (outcome->type != DESK_OUTCOME_SENT && outcome->type != DESK_OUTCOME_PERMANENT)
    return finish_again (work, job, message, outcome, error);
  if (outcome->type == DESK_OUTCOME_PERMANENT && is_newest)
    return desk_work_fail_operation (work, job, message, outcome->code, outcome->message, error);
  if (is_newest)
    g_clear_pointer (&message->change, desk_change_free);
  if (is_newest ? !work->tx->ops->job_delete_id (work->tx, job->id, error)
                : !again (work, job, 0, error))
    return FALSE;
  return outcome->type != DESK_OUTCOME_SENT || attempted == NULL
         || apply_done (work, job->chat_row, message, attempted, error);
}
