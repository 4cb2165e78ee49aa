/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Changes of chats as intents. An undo is a change like any other, with the values from before: it is right also when
 * the first change has reached the server meanwhile. */

#include "app/desk-chat-actions.h"

#include <glib/gi18n.h>
#include <string.h>

typedef struct
{
  char *platform;
  char *user_id;
  DeskChatChange *change;
} Step;

struct _DeskChatUndo
{
  GPtrArray *steps; /* of Step */
  char *key;        /* nullable */
};

static void
step_free (gpointer data)
{
  Step *step = data;
  g_free (step->platform);
  g_free (step->user_id);
  desk_chat_change_free (step->change);
  g_free (step);
}

void
desk_chat_undo_free (DeskChatUndo *self)
{
  g_ptr_array_unref (self->steps);
  g_free (self->key);
  g_free (self);
}

const char *
desk_chat_undo_get_key (DeskChatUndo *self)
{
  return self->key;
}

static void
add_intent (DeskBatch *batch, const char *platform, const char *user_id, const DeskChatChange *change)
{
  g_autoptr (DeskOutboxEntry) entry = desk_outbox_entry_new (DESK_INTENT_CHAT, platform, user_id);
  entry->change = desk_chat_change_copy (change);
  entry->created_at_ms = g_get_real_time () / 1000;
  desk_batch_outbox_add (batch, entry, FALSE);
}

void
desk_chat_undo_apply (DeskChatUndo *self, DeskInbox *inbox)
{
  DeskBatch *batch;
  if (desk_inbox_get_store (inbox) == NULL)
    return;
  batch = desk_batch_new ();
  for (guint i = 0; i < self->steps->len; i++)
    {
      const Step *step = g_ptr_array_index (self->steps, i);
      add_intent (batch, step->platform, step->user_id, step->change);
    }
  desk_inbox_apply (inbox, batch);
}

static gboolean
has_label (const DeskChat *chat, const char *label)
{
  return g_strv_contains ((const char *const *)chat->labels, label);
}

/* Only what it really changes is taken back. */
static Step *
make_step (const DeskChatChange *change, const DeskChat *chat)
{
  Step *step = g_new0 (Step, 1);
  step->platform = g_strdup (chat->platform);
  step->user_id = g_strdup (chat->user_id);
  step->change = desk_chat_change_snapshot (change, chat);
  for (guint i = 0; change->add_labels[i] != NULL; i++)
    if (!has_label (chat, change->add_labels[i]))
      desk_chat_change_remove_label (step->change, change->add_labels[i]);
  for (guint i = 0; change->remove_labels[i] != NULL; i++)
    if (has_label (chat, change->remove_labels[i]))
      desk_chat_change_add_label (step->change, change->remove_labels[i]);
  return step;
}

DeskChatUndo *
desk_chat_actions_apply (DeskInbox *inbox, GPtrArray *items, const DeskChatChange *change)
{
  DeskChatUndo *undo = g_new0 (DeskChatUndo, 1);
  DeskBatch *batch = desk_batch_new ();

  undo->steps = g_ptr_array_new_with_free_func (step_free);
  for (guint i = 0; i < items->len; i++)
    {
      DeskChatItem *item = g_ptr_array_index (items, i);
      const DeskChat *chat = desk_chat_item_get_chat (item);
      g_ptr_array_add (undo->steps, make_step (change, chat));
      add_intent (batch, chat->platform, chat->user_id, change);
      if (items->len == 1)
        undo->key = g_strdup (desk_chat_item_get_key (item));
    }
  desk_inbox_apply (inbox, batch);
  return undo;
}

void
desk_chat_actions_mark_read (DeskInbox *inbox, GPtrArray *items)
{
  DeskBatch *batch = desk_batch_new ();
  for (guint i = 0; i < items->len; i++)
    {
      const DeskChat *chat = desk_chat_item_get_chat (g_ptr_array_index (items, i));
      g_autoptr (DeskOutboxEntry) entry
          = desk_outbox_entry_new (DESK_INTENT_READ, chat->platform, chat->user_id);
      entry->up_to_chat_seq = chat->last_chat_seq;
      desk_batch_outbox_add (batch, entry, FALSE);
    }
  desk_inbox_apply (inbox, batch);
}

/* ── In words ───────────────────────────────────────────────────────────────────────────────── */

static char *
describe_state (const DeskChatChange *change, guint n)
{
  if (change->state == DESK_CHAT_STATE_RESOLVED)
    return n == 1 ? g_strdup (_ ("Resolved"))
                  : g_strdup_printf (ngettext ("%u chat resolved", "%u chats resolved", n), n);
  if (change->state == DESK_CHAT_STATE_SNOOZED)
    {
      g_autoptr (GDateTime) until = g_date_time_new_from_unix_local (change->snoozed_until_ms / 1000);
      /* Translators: when a snoozed chat comes back, for example "Mon 3 Jun, 09:00". */
      g_autofree char *when = g_date_time_format (until, _ ("%a %-e %b, %H:%M"));
      return g_strdup_printf (_ ("Snoozed until %s"), when);
    }
  return n == 1 ? g_strdup (_ ("Reopened"))
                : g_strdup_printf (ngettext ("%u chat reopened", "%u chats reopened", n), n);
}

static char *
describe_assignee (const DeskChatChange *change, guint n, const char *me)
{
  if (change->assignee == NULL || *change->assignee == '\0')
    return g_strdup (_ ("Assigned to nobody"));
  if (g_strcmp0 (change->assignee, me) == 0)
    return n == 1 ? g_strdup (_ ("Assigned to you"))
                  : g_strdup_printf (ngettext ("%u chat assigned to you", "%u chats assigned to you", n), n);
  return n == 1 ? g_strdup_printf (_ ("Assigned to %s"), change->assignee)
                : g_strdup_printf (ngettext ("%u chat assigned to %s", "%u chats assigned to %s", n), n,
                                   change->assignee);
}

char *
desk_chat_actions_describe (const DeskChatChange *change, guint n_chats, const char *me)
{
  if (change->fields & DESK_CHAT_CHANGE_STATE)
    return describe_state (change, n_chats);
  if (change->fields & DESK_CHAT_CHANGE_ASSIGNEE)
    return describe_assignee (change, n_chats, me);
  if (change->fields & DESK_CHAT_CHANGE_MUTED)
    return g_strdup (change->muted ? _ ("Muted: no notifications from this chat") : _ ("Not muted any more"));
  if (change->add_labels[0] != NULL)
    return g_strdup_printf (_ ("Label “%s” added"), change->add_labels[0]);
  if (change->remove_labels[0] != NULL)
    return g_strdup_printf (_ ("Label “%s” removed"), change->remove_labels[0]);
  return g_strdup (_ ("Changed"));
}
