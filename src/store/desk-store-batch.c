/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "store/desk-store-private.h"

/* A batch: an ordered list of changes, filled on any thread, folded on the writer's. It owns copies of
 * all it was given, so the giver may go on using its values. Also the notices that come out of it. */

static void
desk_op_free (gpointer data)
{
  DeskOp *op = data;

  g_clear_pointer (&op->event, desk_event_free);
  g_clear_pointer (&op->chat, desk_chat_free);
  g_clear_pointer (&op->message, desk_message_free);
  g_clear_pointer (&op->messages, g_ptr_array_unref);
  g_clear_pointer (&op->entry, desk_outbox_entry_free);
  g_clear_pointer (&op->draft, desk_draft_free);
  g_clear_pointer (&op->values, g_ptr_array_unref);
  g_clear_pointer (&op->profile, desk_profile_free);
  g_clear_pointer (&op->use, desk_template_use_free);
  g_free (op->platform);
  g_free (op->user_id);
  g_free (op->a);
  g_free (op->b);
  g_free (op);
}

DeskOp *
desk_batch_add_op (DeskBatch *self, DeskOpType type)
{
  DeskOp *op = g_new0 (DeskOp, 1);

  op->type = type;
  g_ptr_array_add (self->ops, op);
  return op;
}

static gpointer
copy_message (gconstpointer message, gpointer data)
{
  return desk_message_copy (message);
}

static GPtrArray *
copy_messages (GPtrArray *messages)
{
  GPtrArray *copy = g_ptr_array_copy (messages, copy_message, NULL);

  g_ptr_array_set_free_func (copy, (GDestroyNotify) desk_message_free);
  return copy;
}

DeskBatch *
desk_batch_new (void)
{
  DeskBatch *self = g_new0 (DeskBatch, 1);

  self->ops = g_ptr_array_new_with_free_func (desk_op_free);
  return self;
}

void
desk_batch_free (DeskBatch *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->ops);
  g_free (self);
}

guint
desk_batch_get_size (const DeskBatch *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->ops->len;
}

void
desk_batch_event (DeskBatch *self, const DeskEvent *event, const char *my_username)
{
  DeskOp *op;

  g_return_if_fail (self != NULL && event != NULL);
  op = desk_batch_add_op (self, DESK_OP_EVENT);
  op->event = desk_event_copy (event);
  op->a = g_strdup (my_username);
}

void
desk_batch_chat (DeskBatch *self, const DeskChat *chat)
{
  g_return_if_fail (self != NULL && chat != NULL);
  desk_batch_add_op (self, DESK_OP_CHAT)->chat = desk_chat_copy (chat);
}

void
desk_batch_page (DeskBatch *self,
                 const char *platform,
                 const char *user_id,
                 GPtrArray *messages,
                 gboolean reached_start,
                 gboolean reached_end)
{
  DeskOp *op;

  g_return_if_fail (self != NULL && platform != NULL && user_id != NULL && messages != NULL);
  op = desk_batch_add_op (self, DESK_OP_PAGE);
  op->platform = g_strdup (platform);
  op->user_id = g_strdup (user_id);
  op->messages = copy_messages (messages);
  op->reached_start = reached_start;
  op->reached_end = reached_end;
}

void
desk_batch_cover (DeskBatch *self,
                  const char *platform,
                  const char *user_id,
                  gint64 first,
                  gint64 last)
{
  DeskOp *op;

  g_return_if_fail (self != NULL && platform != NULL && user_id != NULL);
  op = desk_batch_add_op (self, DESK_OP_COVER);
  op->platform = g_strdup (platform);
  op->user_id = g_strdup (user_id);
  op->first = first;
  op->last = last;
}

void
desk_batch_messages (DeskBatch *self, GPtrArray *messages)
{
  g_return_if_fail (self != NULL && messages != NULL);
  desk_batch_add_op (self, DESK_OP_MESSAGES)->messages = copy_messages (messages);
}

void
desk_batch_page_level0 (DeskBatch *self,
                        const char *platform,
                        const char *user_id,
                        GPtrArray *messages,
                        guint offset,
                        gboolean last_page)
{
  DeskOp *op;

  g_return_if_fail (self != NULL && platform != NULL && user_id != NULL && messages != NULL);
  op = desk_batch_add_op (self, DESK_OP_PAGE_LEVEL0);
  op->platform = g_strdup (platform);
  op->user_id = g_strdup (user_id);
  op->messages = copy_messages (messages);
  op->offset = offset;
  op->reached_end = last_page;
}

void
desk_batch_hint (DeskBatch *self, const DeskMessage *message)
{
  g_return_if_fail (self != NULL && message != NULL);
  desk_batch_add_op (self, DESK_OP_HINT)->message = desk_message_copy (message);
}

void
desk_batch_uncover (DeskBatch *self)
{
  g_return_if_fail (self != NULL && self->ops->len == 0);
  desk_batch_add_op (self, DESK_OP_UNCOVER);
}

void
desk_batch_cursor (DeskBatch *self, const DeskCursor *cursor)
{
  g_return_if_fail (self != NULL);
  desk_batch_add_op (self, DESK_OP_CURSOR)->b = cursor ? desk_cursor_format (cursor) : NULL;
}

void
desk_batch_setting (DeskBatch *self, const char *key, const char *value)
{
  DeskOp *op;

  g_return_if_fail (self != NULL && key != NULL);
  op = desk_batch_add_op (self, DESK_OP_SETTING);
  op->a = g_strdup (key);
  op->b = g_strdup (value);
}

void
desk_batch_outbox_add (DeskBatch *self, const DeskOutboxEntry *entry, gboolean clear_draft)
{
  DeskOp *op;

  g_return_if_fail (self != NULL && entry != NULL);
  op = desk_batch_add_op (self, DESK_OP_OUTBOX_ADD);
  op->entry = desk_outbox_entry_copy (entry);
  op->flag = clear_draft;
}

void
desk_batch_outbox_state (DeskBatch *self,
                         gint64 local_id,
                         DeskOutboxState state,
                         const char *error_code,
                         const char *error)
{
  DeskOp *op;

  g_return_if_fail (self != NULL);
  op = desk_batch_add_op (self, DESK_OP_OUTBOX_STATE);
  op->local_id = local_id;
  op->state = state;
  op->a = g_strdup (error_code);
  op->b = g_strdup (error);
}

void
desk_batch_outbox_attempt (DeskBatch *self, gint64 local_id)
{
  g_return_if_fail (self != NULL);
  desk_batch_add_op (self, DESK_OP_OUTBOX_ATTEMPT)->local_id = local_id;
}

void
desk_batch_outbox_done (DeskBatch *self, gint64 local_id, const DeskMessage *message)
{
  DeskOp *op;

  g_return_if_fail (self != NULL);
  op = desk_batch_add_op (self, DESK_OP_OUTBOX_DONE);
  op->local_id = local_id;
  op->message = message ? desk_message_copy (message) : NULL;
}

void
desk_batch_outbox_retry (DeskBatch *self,
                         gint64 local_id,
                         gboolean force,
                         const char *new_client_message_id)
{
  DeskOp *op;

  g_return_if_fail (self != NULL);
  op = desk_batch_add_op (self, DESK_OP_OUTBOX_RETRY);
  op->local_id = local_id;
  op->flag = force;
  op->a = g_strdup (new_client_message_id);
}

void
desk_batch_outbox_discard (DeskBatch *self, gint64 local_id)
{
  g_return_if_fail (self != NULL);
  desk_batch_add_op (self, DESK_OP_OUTBOX_DISCARD)->local_id = local_id;
}

void
desk_batch_draft (DeskBatch *self, const DeskDraft *draft)
{
  g_return_if_fail (self != NULL && draft != NULL);
  desk_batch_add_op (self, DESK_OP_DRAFT)->draft = desk_draft_copy (draft);
}

void
desk_batch_outbox_done_chat (DeskBatch *self, gint64 local_id, const DeskChat *chat)
{
  DeskOp *op;

  g_return_if_fail (self != NULL && chat != NULL);
  op = desk_batch_add_op (self, DESK_OP_OUTBOX_DONE);
  op->local_id = local_id;
  op->chat = desk_chat_copy (chat);
}

void
desk_batch_outbox_done_profile (DeskBatch *self, gint64 local_id, const DeskProfile *profile, gint64 fetched_at_ms)
{
  DeskOp *op;

  g_return_if_fail (self != NULL && profile != NULL);
  op = desk_batch_add_op (self, DESK_OP_OUTBOX_DONE);
  op->local_id = local_id;
  op->profile = desk_profile_copy (profile);
  op->first = fetched_at_ms;
}

void
desk_batch_outbox_rebase (DeskBatch *self, gint64 local_id, gint64 base_rev)
{
  DeskOp *op;

  g_return_if_fail (self != NULL);
  op = desk_batch_add_op (self, DESK_OP_OUTBOX_REBASE);
  op->local_id = local_id;
  op->first = base_rev;
}

void
desk_batch_outbox_details (DeskBatch *self, gint64 local_id, const char *details)
{
  DeskOp *op;

  g_return_if_fail (self != NULL);
  op = desk_batch_add_op (self, DESK_OP_OUTBOX_DETAILS);
  op->local_id = local_id;
  op->a = g_strdup (details);
}

void
desk_batch_outbox_edit (DeskBatch *self, gint64 local_id, const char *text)
{
  desk_batch_outbox_template (self, local_id, NULL, text);
}

void
desk_batch_outbox_template (DeskBatch *self, gint64 local_id, const DeskTemplateUse *use, const char *text)
{
  DeskOp *op;

  g_return_if_fail (self != NULL);
  op = desk_batch_add_op (self, DESK_OP_OUTBOX_EDIT);
  op->local_id = local_id;
  op->use = use ? desk_template_use_copy (use) : NULL;
  op->a = g_strdup (text);
}

void
desk_batch_outbox_withdraw (DeskBatch *self, gint64 local_id)
{
  g_return_if_fail (self != NULL);
  desk_batch_add_op (self, DESK_OP_OUTBOX_WITHDRAW)->local_id = local_id;
}

static gpointer
copy_canned (gconstpointer canned, gpointer data)
{
  return desk_canned_copy (canned);
}

void
desk_batch_canned (DeskBatch *self, GPtrArray *canned)
{
  GPtrArray *copy;

  g_return_if_fail (self != NULL && canned != NULL);
  copy = g_ptr_array_copy (canned, copy_canned, NULL);
  g_ptr_array_set_free_func (copy, (GDestroyNotify) desk_canned_free);
  desk_batch_add_op (self, DESK_OP_CANNED)->values = copy;
}

static gpointer
copy_manager (gconstpointer manager, gpointer data)
{
  return desk_manager_copy (manager);
}

void
desk_batch_managers (DeskBatch *self, GPtrArray *managers)
{
  GPtrArray *copy;

  g_return_if_fail (self != NULL && managers != NULL);
  copy = g_ptr_array_copy (managers, copy_manager, NULL);
  g_ptr_array_set_free_func (copy, (GDestroyNotify) desk_manager_free);
  desk_batch_add_op (self, DESK_OP_MANAGERS)->values = copy;
}

void
desk_batch_profile (DeskBatch *self, const DeskProfile *profile, gint64 fetched_at_ms)
{
  DeskOp *op;

  g_return_if_fail (self != NULL && profile != NULL);
  op = desk_batch_add_op (self, DESK_OP_PROFILE);
  op->profile = desk_profile_copy (profile);
  op->first = fetched_at_ms;
}

void
desk_batch_trim (DeskBatch *self, gint64 from_row, gint64 before_ms, guint limit)
{
  DeskOp *op;

  g_return_if_fail (self != NULL && limit > 0);
  op = desk_batch_add_op (self, DESK_OP_TRIM);
  op->first = from_row;
  op->last = before_ms;
  op->offset = limit;
}

DeskBatchResult *
desk_batch_result_new (void)
{
  DeskBatchResult *self = g_new0 (DeskBatchResult, 1);

  self->added_local_ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->moved = g_ptr_array_new_with_free_func (g_free);
  self->fresh = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_message_free);
  return self;
}

void
desk_batch_result_free (DeskBatchResult *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->added_local_ids);
  g_ptr_array_unref (self->moved);
  g_ptr_array_unref (self->fresh);
  g_free (self);
}

/* ── Notices ────────────────────────────────────────────────────────────────────────────────── */

/* More chats than this are "everything": a list then reads anew, which is cheaper than by name. */
#define MAX_NAMED_CHATS 500

DeskNotice *
desk_notice_new (void)
{
  DeskNotice *self = g_new0 (DeskNotice, 1);

  g_atomic_ref_count_init (&self->refs);
  self->change.chats = g_ptr_array_new_with_free_func (g_free);
  self->change.new_incoming = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_message_free);
  self->keys = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

DeskNotice *
desk_notice_ref (DeskNotice *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
desk_notice_unref (DeskNotice *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->refs))
    return;
  g_hash_table_unref (self->keys);
  g_ptr_array_unref (self->change.chats);
  g_ptr_array_unref (self->change.new_incoming);
  g_free (self);
}

static void
add_key (DeskNotice *self, const char *key)
{
  char *copy;

  if (self->change.everything || g_hash_table_contains (self->keys, key))
    return;
  if (self->change.chats->len >= MAX_NAMED_CHATS)
    {
      self->change.everything = TRUE;
      g_hash_table_remove_all (self->keys);
      g_ptr_array_set_size (self->change.chats, 0);
      return;
    }
  copy = g_strdup (key);
  g_ptr_array_add (self->change.chats, copy);
  g_hash_table_add (self->keys, copy);
}

void
desk_notice_add_chat (DeskNotice *self, const char *platform, const char *user_id)
{
  g_autofree char *key = NULL;

  if (self->change.everything)
    return;
  key = desk_chat_format_key (platform, user_id);
  add_key (self, key);
}

void
desk_notice_merge (DeskNotice *self, const DeskNotice *other)
{
  if (other->change.everything)
    {
      g_hash_table_remove_all (self->keys);
      g_ptr_array_set_size (self->change.chats, 0);
    }
  self->change.everything |= other->change.everything;
  self->change.outbox |= other->change.outbox;
  self->change.settings |= other->change.settings;
  self->change.profiles |= other->change.profiles;
  for (guint i = 0; i < other->change.chats->len; i++)
    add_key (self, g_ptr_array_index (other->change.chats, i));
  for (guint i = 0; i < other->change.new_incoming->len; i++)
    g_ptr_array_add (self->change.new_incoming,
                     desk_message_copy (g_ptr_array_index (other->change.new_incoming, i)));
}

gboolean
desk_notice_is_empty (const DeskNotice *self)
{
  const DeskStoreChange *change = &self->change;

  return !change->everything && !change->outbox && !change->settings && !change->profiles && change->chats->len == 0
         && change->new_incoming->len == 0;
}
