/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "store/desk-store-private.h"

/* Intents that change something which the server has: a chat, a message, a profile. What is shown is the server's value
 * with the waiting ones on top, in the order in which they were made; one that was refused for good or discarded is no
 * longer among them, so that the server's value shows again by itself.
 *
 * Invariants: a chat has at most one QUEUED intent of CHAT and of PROFILE, a message at most one QUEUED of each of
 * EDIT, DELETE, REACT and RETRY. What is SENDING is left alone: a request with it may be on its way. */

/* ── Adding ─────────────────────────────────────────────────────────────────────────────────── */

static gboolean
run_on_chat (DeskFold *self, const char *sql, gint64 chat, const DeskOutboxEntry *e, GError **error)
{
  DeskStmt *s = desk_db_prepare (self->db, sql, error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, chat);
  desk_stmt_bind_int64 (s, 2, e->intent);
  desk_stmt_bind_text (s, 3, e->message_id);
  return desk_stmt_run (s, error);
}

/* The queued entry of the chat with the same intent (and message); NULL without error if there is none. */
static DeskOutboxEntry *
find_queued (DeskFold *self, gint64 chat, const DeskOutboxEntry *e, GError **error)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (self->db,
                                            "SELECT " DESK_OUTBOX_COLUMNS " FROM outbox o WHERE chat=?1"
                                            " AND intent=?2 AND message_id IS ?3 AND state=0 LIMIT 1",
                                            error);

  G_STATIC_ASSERT (DESK_OUTBOX_QUEUED == 0);
  if (s == NULL)
    return NULL;
  desk_stmt_bind_int64 (s, 1, chat);
  desk_stmt_bind_int64 (s, 2, e->intent);
  desk_stmt_bind_text (s, 3, e->message_id);
  if (desk_stmt_step (s, error) != DESK_STEP_ROW)
    return NULL;
  return desk_outbox_from_stmt (s, e->platform, e->user_id);
}

static gboolean
covers (const DeskChatChange *newer, const DeskChatChange *old)
{
  return old != NULL && (old->fields & ~newer->fields) == 0 && old->add_labels[0] == NULL
         && old->remove_labels[0] == NULL;
}

/* The failed changes of the chat of which nothing is left to do. */
static gboolean
drop_covered (DeskFold *self, gint64 chat, const DeskChatChange *change, GError **error)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  DeskStep step;
  DeskStmt *s = desk_db_prepare (
      self->db, "SELECT local_id,change FROM outbox WHERE chat=?1 AND intent=3 AND state=3", error);

  G_STATIC_ASSERT (DESK_INTENT_CHAT == 3 && DESK_OUTBOX_FAILED == 3);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, chat);
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    {
      gsize len;
      const void *data = desk_stmt_column_blob (s, 1, &len);
      g_autoptr (DeskChatChange) old = desk_chat_change_unpack (data, len);
      gint64 id = desk_stmt_column_int64 (s, 0);

      if (covers (change, old))
        g_array_append_val (ids, id);
    }
  if (step == DESK_STEP_ERROR)
    return FALSE;
  for (guint i = 0; i < ids->len; i++)
    if (!desk_fold_outbox_delete (self, g_array_index (ids, gint64, i), error))
      return FALSE;
  return TRUE;
}

static gboolean
merge_chat (DeskFold *self, DeskFoldChat *state, DeskOutboxEntry *e, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (DeskOutboxEntry) queued = NULL;
  g_autoptr (DeskChat) shown = NULL;

  if (e->change == NULL)
    e->change = desk_chat_change_new ();
  if (!drop_covered (self, state->row, e->change, error))
    return FALSE;
  shown = desk_fold_shown_chat (self, state, NULL, error);
  if (shown == NULL)
    return FALSE;
  g_clear_pointer (&e->seen, desk_chat_change_free);
  e->seen = desk_chat_change_snapshot (e->change, shown);
  e->base_rev = state->chat->rev;
  queued = find_queued (self, state->row, e, &local);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (queued == NULL || queued->change == NULL)
    return TRUE;
  /* What was seen first is what counts: the later look saw our own change. */
  desk_chat_change_merge (queued->change, e->change);
  if (queued->seen != NULL)
    desk_chat_change_merge (e->seen, queued->seen);
  desk_chat_change_free (e->change);
  e->change = g_steal_pointer (&queued->change);
  e->base_rev = MIN (e->base_rev, queued->base_rev);
  return desk_fold_outbox_delete (self, queued->local_id, error);
}

static gboolean
merge_profile (DeskFold *self, DeskFoldChat *state, DeskOutboxEntry *e, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (DeskOutboxEntry) queued = find_queued (self, state->row, e, &local);

  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (e->profile == NULL)
    e->profile = desk_profile_change_new ();
  self->notice->change.profiles = TRUE;
  if (queued == NULL || queued->profile == NULL)
    return TRUE;
  desk_profile_change_merge (queued->profile, e->profile);
  desk_profile_change_free (e->profile);
  e->profile = g_steal_pointer (&queued->profile);
  return desk_fold_outbox_delete (self, queued->local_id, error);
}

/* The message as the server has it: what the manager saw. */
static gboolean
look_at_message (DeskFold *self, DeskOutboxEntry *e, GError **error)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (self->db, "SELECT rev,text FROM message WHERE id=?1", error);
  DeskStep step;

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_text (s, 1, e->message_id);
  step = desk_stmt_step (s, error);
  if (step == DESK_STEP_ROW)
    {
      e->base_rev = desk_stmt_column_int64 (s, 0);
      g_free (e->seen_text);
      e->seen_text = g_strdup (desk_stmt_column_text (s, 1));
    }
  return step != DESK_STEP_ERROR;
}

static gboolean
replace_of_message (DeskFold *self, DeskFoldChat *state, DeskOutboxEntry *e, GError **error)
{
  /* 3 FAILED goes as well: the new one says what is wanted now. A deletion makes all of it pointless. */
  static const char *const same = "DELETE FROM outbox WHERE chat=?1 AND intent=?2 AND message_id=?3 AND state IN (0,3)";
  static const char *const all = "DELETE FROM outbox WHERE chat=?1 AND (intent=?2 OR intent IN (4,5,6,8))"
                                 " AND message_id=?3 AND state IN (0,3)";

  G_STATIC_ASSERT (DESK_INTENT_EDIT == 4 && DESK_INTENT_DELETE == 5 && DESK_INTENT_REACT == 6
                   && DESK_INTENT_RETRY == 8);
  if (e->message_id == NULL)
    {
      g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_STATE, "The intent names no message");
      return FALSE;
    }
  return run_on_chat (self, e->intent == DESK_INTENT_DELETE ? all : same, state->row, e, error)
         && look_at_message (self, e, error);
}

gboolean
desk_fold_merge_intent (DeskFold *self, DeskFoldChat *state, DeskOutboxEntry *e, GError **error)
{
  switch (e->intent)
    {
    case DESK_INTENT_CHAT:
      return merge_chat (self, state, e, error);
    case DESK_INTENT_PROFILE:
      return merge_profile (self, state, e, error);
    case DESK_INTENT_EDIT:
    case DESK_INTENT_DELETE:
    case DESK_INTENT_REACT:
    case DESK_INTENT_RETRY:
      return replace_of_message (self, state, e, error);
    case DESK_INTENT_SEND:
    case DESK_INTENT_READ:
    case DESK_INTENT_UNREAD:
    case DESK_N_INTENTS:
      break;
    }
  return TRUE;
}

/* ── What is shown of a chat ────────────────────────────────────────────────────────────────── */

DeskChat *
desk_fold_shown_chat (DeskFold *self, DeskFoldChat *state, gboolean *out_differs, GError **error)
{
  g_autoptr (DeskChat) shown = desk_chat_copy (state->chat);
  DeskStep step;
  DeskStmt *s;

  if (out_differs != NULL)
    *out_differs = FALSE;
  if (!self->has_outbox)
    return g_steal_pointer (&shown);
  s = desk_db_prepare (self->db,
                       "SELECT change FROM outbox WHERE chat=?1 AND intent=3 AND state IN (0,1) ORDER BY local_id",
                       error);
  G_STATIC_ASSERT (DESK_INTENT_CHAT == 3 && DESK_OUTBOX_QUEUED == 0 && DESK_OUTBOX_SENDING == 1);
  if (s == NULL)
    return NULL;
  desk_stmt_bind_int64 (s, 1, state->row);
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    {
      gsize len;
      const void *data = desk_stmt_column_blob (s, 0, &len);
      g_autoptr (DeskChatChange) change = desk_chat_change_unpack (data, len);

      if (change != NULL)
        desk_chat_change_apply (change, shown);
      if (out_differs != NULL)
        *out_differs = TRUE;
    }
  return step == DESK_STEP_ERROR ? NULL : g_steal_pointer (&shown);
}

#define PACKED_TOLD "(ixmsassb)"

GBytes *
desk_told_pack (const DeskChat *chat)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (
      g_variant_new ("(ixms^assb)", (int) chat->state, chat->snoozed_until_ms, chat->assignee, chat->labels,
                     chat->metadata ? chat->metadata : "{}", chat->personal.muted != FALSE));

  return g_variant_get_data_as_bytes (value);
}

void
desk_told_unpack (const void *data, gsize len, DeskChat *chat)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GVariant) value = NULL;
  int state;

  if (data == NULL || len == 0)
    return;
  bytes = g_bytes_new (data, len);
  value = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (PACKED_TOLD), bytes, FALSE));
  if (!g_variant_is_normal_form (value))
    return;
  g_clear_pointer (&chat->assignee, g_free);
  g_clear_pointer (&chat->labels, g_strfreev);
  g_clear_pointer (&chat->metadata, g_free);
  g_variant_get (value, "(ixms^assb)", &state, &chat->snoozed_until_ms, &chat->assignee, &chat->labels,
                 &chat->metadata, &chat->personal.muted);
  chat->state = (DeskChatState) state;
}

/* ── What is shown of a message ─────────────────────────────────────────────────────────────── */

/* The newest edit or deletion, as the server would tell it. */
static void
set_change (DeskMessage *m, const DeskOutboxEntry *e, const char *me)
{
  DeskOperation operation = e->intent == DESK_INTENT_EDIT     ? DESK_OPERATION_EDIT
                            : e->intent == DESK_INTENT_DELETE ? DESK_OPERATION_DELETE
                                                              : DESK_OPERATION_REACT;

  g_clear_pointer (&m->change, desk_change_free);
  m->change = desk_change_new (operation, me, e->created_at_ms);
  if (e->intent == DESK_INTENT_EDIT)
    m->change->text = g_strdup (e->text);
  else if (e->intent == DESK_INTENT_REACT)
    m->change->emoji = g_strdup (e->text);
  if (e->state == DESK_OUTBOX_QUEUED || e->state == DESK_OUTBOX_SENDING)
    return;
  m->change->state = DESK_CHANGE_FAILED;
  m->change->code = g_strdup (e->error_code);
  m->change->message = g_strdup (e->error);
}

static void
react (DeskMessage *m, const char *emoji, const char *me)
{
  for (guint i = m->reactions->len; i > 0; i--)
    {
      const DeskReaction *r = g_ptr_array_index (m->reactions, i - 1);

      if (g_strcmp0 (r->by, me) == 0)
        g_ptr_array_remove_index (m->reactions, i - 1);
    }
  if (emoji != NULL && *emoji != '\0')
    g_ptr_array_add (m->reactions, desk_reaction_new (emoji, me ? me : ""));
}

/* What waits shows as if it were done. */
static void
apply_change (DeskMessage *m, const DeskChange *change)
{
  if (change->state != DESK_CHANGE_QUEUED)
    return;
  if (change->operation == DESK_OPERATION_EDIT)
    {
      g_free (m->text);
      m->text = g_strdup (change->text ? change->text : "");
      m->edited_at_ms = MAX (m->edited_at_ms, change->at_ms);
    }
  else if (change->operation == DESK_OPERATION_DELETE)
    m->deleted_at_ms = MAX (change->at_ms, 1);
  else if (change->operation == DESK_OPERATION_REACT)
    react (m, change->emoji, change->by);
}

static void
apply_intent (DeskMessage *m, const DeskOutboxEntry *e, const char *me)
{
  gboolean waits = e->state == DESK_OUTBOX_QUEUED || e->state == DESK_OUTBOX_SENDING;

  if (e->intent == DESK_INTENT_RETRY)
    {
      if (!waits)
        return;
      m->status = DESK_STATUS_QUEUED;
      g_clear_pointer (&m->error.code, g_free);
      return;
    }
  set_change (m, e, me);
  apply_change (m, m->change);
}

/* Of the chat's intents those for messages: message id → GPtrArray of DeskOutboxEntry. */
static GHashTable *
load_changes (DeskDb *db, gint64 chat, const char *platform, const char *user_id, GError **error)
{
  g_autoptr (GHashTable) changes = NULL;
  DeskStep step;
  DeskStmt *s = desk_db_prepare (db,
                                 "SELECT " DESK_OUTBOX_COLUMNS " FROM outbox o WHERE chat=?1"
                                 " AND message_id IS NOT NULL ORDER BY local_id",
                                 error);

  if (s == NULL)
    return NULL;
  changes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  desk_stmt_bind_int64 (s, 1, chat);
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    {
      DeskOutboxEntry *e = desk_outbox_from_stmt (s, platform, user_id);
      GPtrArray *list = g_hash_table_lookup (changes, e->message_id);

      if (list == NULL)
        {
          list = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_outbox_entry_free);
          g_hash_table_insert (changes, g_strdup (e->message_id), list);
        }
      g_ptr_array_add (list, e);
    }
  return step == DESK_STEP_ERROR ? NULL : g_steal_pointer (&changes);
}

gboolean
desk_query_changes (DeskDb *db, gint64 chat, const char *platform, const char *user_id, GPtrArray *items, GError **error)
{
  g_autoptr (GHashTable) changes = load_changes (db, chat, platform, user_id, error);
  g_autofree char *me = NULL;

  if (changes == NULL)
    return FALSE;
  if (g_hash_table_size (changes) > 0)
    me = desk_query_setting (db, "me", NULL);
  for (guint i = 0; i < items->len; i++)
    {
      DeskTimelineItem *item = g_ptr_array_index (items, i);
      GPtrArray *list;

      if (item->type != DESK_ITEM_MESSAGE)
        continue;
      if (item->message->change != NULL)
        apply_change (item->message, item->message->change);
      list = item->message->id ? g_hash_table_lookup (changes, item->message->id) : NULL;
      if (list == NULL)
        continue;
      for (guint k = 0; k < list->len; k++)
        apply_intent (item->message, g_ptr_array_index (list, k), me);
      item->changes = g_ptr_array_ref (list);
    }
  return TRUE;
}
