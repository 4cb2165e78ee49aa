/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* What managers change of a chat: who has it, its state, labels and metadata, and, each for
 * themselves, whether it is muted. And the end of a snooze.
 *
 * Invariants: one chat_updated a change, only if something changed; rev does not move for muted; a
 * chat that is not snoozed has no snoozed_until. */

#include "server/service/desk-service-action.h"

#include <string.h>

#define MAX_WAKES 100 /* chats opened in one transaction */

/* ── Applying a patch to a chat ─────────────────────────────────────────────────────────────── */

static gboolean
apply_assignee (DeskAction *self, const DeskChatPatch *patch, DeskChat *chat, GError **error)
{
  g_autoptr (DeskServerUser) user = NULL;
  if (!patch->has_assignee || g_strcmp0 (patch->assignee, chat->assignee) == 0)
    return TRUE;
  if (patch->assignee != NULL)
    {
      if (!self->work.tx->ops->user_find (self->work.tx, patch->assignee, &user, error))
        return FALSE;
      if (user == NULL)
        return desk_action_answer (
            self, desk_reply_new_invalid ("assignee", "There is no manager of this name"));
    }
  g_free (chat->assignee);
  chat->assignee = g_strdup (patch->assignee);
  return TRUE;
}

/* A time that has passed opens the chat at once: what was asked offline may arrive late. */
static void
apply_state (DeskAction *self, const DeskChatPatch *patch, DeskChat *chat)
{
  gint64 until = patch->has_snoozed_until ? patch->snoozed_until_ms : chat->snoozed_until_ms;
  DeskChatState state = chat->state;
  if (patch->has_state)
    state = patch->state;
  else if (patch->has_snoozed_until && until > 0)
    state = DESK_CHAT_STATE_SNOOZED;
  if (patch->has_state && !patch->has_snoozed_until && chat->state != DESK_CHAT_STATE_SNOOZED)
    until = 0; /* until the customer writes */
  if (state == DESK_CHAT_STATE_SNOOZED && until > 0 && until <= self->work.now_ms)
    state = DESK_CHAT_STATE_OPEN;
  chat->state = state;
  chat->snoozed_until_ms = state == DESK_CHAT_STATE_SNOOZED ? until : 0;
}

static void
apply_labels (const DeskChatPatch *patch, DeskChat *chat)
{
  g_autoptr (GPtrArray) labels = g_ptr_array_new ();
  for (gsize i = 0; chat->labels[i] != NULL; i++)
    if (chat->labels[i][0] != '\0'
        && !g_strv_contains ((const char *const *)patch->remove_labels, chat->labels[i]))
      g_ptr_array_add (labels, g_strdup (chat->labels[i]));
  for (gsize i = 0; patch->add_labels[i] != NULL; i++)
    if (!g_ptr_array_find_with_equal_func (labels, patch->add_labels[i], g_str_equal, NULL))
      g_ptr_array_add (labels, g_strdup (patch->add_labels[i]));
  g_ptr_array_add (labels, NULL);
  g_strfreev (chat->labels);
  chat->labels = (char **)g_ptr_array_free (g_steal_pointer (&labels), FALSE);
}

static gboolean
apply_metadata (DeskAction *self, const DeskChatPatch *patch, DeskChat *chat)
{
  if (patch->metadata == NULL)
    return TRUE;
  char *merged = desk_wire_merge_objects (chat->metadata, patch->metadata, NULL);
  if (merged == NULL)
    return desk_action_answer (self, desk_reply_new_invalid ("metadata", "metadata is too long"));
  g_free (chat->metadata);
  chat->metadata = merged;
  return TRUE;
}

static gboolean
is_same (const DeskChat *a, const DeskChat *b)
{
  return g_strcmp0 (a->assignee, b->assignee) == 0 && a->state == b->state
         && a->snoozed_until_ms == b->snoozed_until_ms
         && g_strv_equal ((const char *const *)a->labels, (const char *const *)b->labels)
         && g_strcmp0 (a->metadata, b->metadata) == 0;
}

/* self->reply is set where something is refused. */
static gboolean
apply_patch (DeskAction *self, const DeskChatPatch *patch, DeskChat *chat, GError **error)
{
  if (!apply_assignee (self, patch, chat, error))
    return FALSE;
  apply_state (self, patch, chat);
  apply_labels (patch, chat);
  if (self->reply == NULL && g_strv_length (chat->labels) > DESK_WIRE_MAX_LABELS)
    desk_action_answer (self, desk_reply_new_invalid ("add_labels", "A chat has at most 50 labels"));
  return self->reply != NULL || apply_metadata (self, patch, chat);
}

/* ── The change ─────────────────────────────────────────────────────────────────────────────── */

static gboolean
store_muted (DeskAction *self, DeskServerChat *chat, const DeskChatPatch *patch, GError **error)
{
  DeskChatPersonal *personal = &chat->chat->personal;
  if (!patch->has_muted || patch->muted == personal->muted)
    return TRUE;
  personal->muted = patch->muted;
  DeskEvent event = { .type = DESK_EVENT_CHAT_MUTED,
                      .platform = self->platform,
                      .user_id = self->user_id,
                      .username = self->who->username,
                      .muted = patch->muted };
  return self->work.tx->ops->personal_set (self->work.tx, chat->row, self->who->username, personal,
                                           error)
         && desk_work_emit (&self->work, &event, error);
}

static gboolean
store_chat (DeskAction *self, DeskServerChat *chat, GError **error)
{
  return desk_work_emit_chat (&self->work, chat, error)
         && self->work.tx->ops->chat_update (self->work.tx, chat, error);
}

static gboolean
refuse_conflict (DeskAction *self, const DeskChat *chat)
{
  g_autoptr (GString) details = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, details);
  desk_wire_write_chat (&w, chat);
  return desk_action_conflict (self, details->str);
}

static gboolean
change_chat (DeskAction *self, GError **error)
{
  const DeskChatPatch *patch = self->request;
  g_autoptr (DeskServerChat) chat = NULL;
  if (!self->work.tx->ops->chat_find (self->work.tx, self->platform, self->user_id,
                                      self->who->username, &chat, error))
    return FALSE;
  if (chat == NULL)
    return desk_action_answer (self, desk_reply_new_no_chat ());
  g_autoptr (DeskChat) before = desk_chat_copy (chat->chat);
  if (!apply_patch (self, patch, chat->chat, error))
    return FALSE;
  if (self->reply != NULL)
    return TRUE;
  gboolean changed = !is_same (before, chat->chat);
  if (changed && patch->base_rev >= 0 && patch->base_rev < before->rev)
    return refuse_conflict (self, before);
  if ((changed && !store_chat (self, chat, error)) || !store_muted (self, chat, patch, error))
    return FALSE;
  return desk_action_answer_chat (self, 200, chat->chat);
}

void
desk_service_change_chat (DeskService *self,
                          DeskIdentity *who,
                          const char *platform,
                          const char *user_id,
                          const DeskChatPatch *patch,
                          DeskReplyDone done,
                          gpointer data)
{
  g_return_if_fail (self != NULL && who != NULL && patch != NULL && done != NULL);
  DeskAction *action = desk_action_new (self, change_chat, who, done, data);
  action->platform = g_strdup (platform);
  action->user_id = g_strdup (user_id);
  action->request = desk_chat_patch_copy (patch);
  action->free_request = (GDestroyNotify)desk_chat_patch_free;
  desk_action_submit (action);
}

/* ── The end of a snooze ────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskWork work;
  gint64 next_ms;
  void (*done) (gint64 next_ms, gpointer data);
  gpointer data;
} DeskWake;

static gboolean
wake_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskWake *self = data;
  g_autoptr (GArray) rows = NULL;
  desk_work_begin (&self->work, tx);
  self->next_ms = 0;
  if (!tx->ops->chats_snoozed (tx, MAX_WAKES, &rows, &self->next_ms, error))
    return FALSE;
  for (guint i = 0; i < rows->len; i++)
    {
      g_autoptr (DeskServerChat) chat = NULL;
      if (!tx->ops->chat_find_row (tx, g_array_index (rows, gint64, i), &chat, error))
        return FALSE;
      if (chat == NULL)
        continue;
      self->next_ms = chat->chat->snoozed_until_ms;
      if (self->next_ms > self->work.now_ms)
        return TRUE;
      chat->chat->state = DESK_CHAT_STATE_OPEN;
      chat->chat->snoozed_until_ms = 0;
      if (!desk_work_emit_chat (&self->work, chat, error) || !tx->ops->chat_update (tx, chat, error))
        return FALSE;
    }
  if (rows->len < MAX_WAKES)
    self->next_ms = 0;
  return TRUE;
}

static void
wake_done (const GError *error, gpointer data)
{
  DeskWake *self = data;
  desk_service_note_commit (self->work.service, error);
  if (error == NULL)
    desk_work_publish (&self->work);
  if (self->done != NULL)
    self->done (error == NULL ? self->next_ms : self->work.now_ms, self->data);
  desk_work_clear (&self->work);
  g_free (self);
}

void
desk_service_wake_chats (DeskService *self,
                         void (*done) (gint64 next_ms, gpointer data),
                         gpointer data)
{
  g_return_if_fail (self != NULL);
  DeskWake *wake = g_new0 (DeskWake, 1);
  desk_work_init (&wake->work, self);
  wake->done = done;
  wake->data = data;
  self->store->ops->submit (self->store, wake_job, wake_done, wake);
}

gint64
desk_service_next_snooze_ms (DeskService *self)
{
  g_return_val_if_fail (self != NULL, 0);
  g_autoptr (GArray) rows = NULL;
  gint64 first_ms = 0;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, NULL);
  if (tx == NULL)
    return 0;
  if (!tx->ops->chats_snoozed (tx, 1, &rows, &first_ms, NULL))
    first_ms = 0;
  tx->ops->end_read (tx);
  return first_ms;
}
