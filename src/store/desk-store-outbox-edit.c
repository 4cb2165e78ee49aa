/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "store/desk-store-private.h"

/* What the manager does with a reply that waits in the outbox: another text, a template, back into the draft.
 *
 * An attempt with the old text may have got through without an answer. So the entry keeps its client id: the server
 * then says that it has that message already, or the message itself is seen, and the new text is kept as a draft. With a
 * new id the customer would get both. */

static gboolean
load_send (DeskFold *self, gint64 local_id, DeskOutboxEntry **out, DeskFoldChat **state, GError **error)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (
      self->db, "SELECT " DESK_OUTBOX_COLUMNS ",o.chat FROM outbox o WHERE local_id=?1", error);
  g_autoptr (DeskOutboxEntry) entry = NULL;
  gint64 chat;

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, local_id);
  switch (desk_stmt_step (s, error))
    {
    case DESK_STEP_ERROR:
      return FALSE;
    case DESK_STEP_DONE:
      g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_NOT_FOUND,
                   "There is no outbox entry %" G_GINT64_FORMAT, local_id);
      return FALSE;
    case DESK_STEP_ROW:
      break;
    }
  chat = desk_stmt_column_int64 (s, DESK_OUTBOX_N_COLUMNS);
  entry = desk_outbox_from_stmt (s, "-", "-");
  desk_stmt_reset (s);
  if (entry->intent != DESK_INTENT_SEND || entry->state == DESK_OUTBOX_SENDING)
    {
      g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_STATE,
                   entry->intent != DESK_INTENT_SEND ? "The entry is no reply"
                                                     : "The entry is being sent and cannot be changed");
      return FALSE;
    }
  *state = desk_fold_get_chat_by_row (self, chat, error);
  if (*state == NULL)
    return FALSE;
  *out = g_steal_pointer (&entry);
  return TRUE;
}

static void
touch (DeskFold *self, DeskFoldChat *state)
{
  state->counts_dirty = TRUE;
  state->unread_dirty = TRUE;
  self->notice->change.outbox = TRUE;
  desk_fold_touch (self, state);
}

gboolean
desk_fold_outbox_edit (DeskFold *self, gint64 local_id, const char *text, const DeskTemplateUse *use, GError **error)
{
  g_autoptr (DeskOutboxEntry) entry = NULL;
  g_autoptr (GBytes) packed = use ? desk_template_use_pack (use) : NULL;
  DeskFoldChat *state;
  DeskStmt *s;

  if (!load_send (self, local_id, &entry, &state, error))
    return FALSE;
  s = desk_db_prepare (self->db,
                       "UPDATE outbox SET text=?2,template=?3,state=0,edited=edited OR attempts>0,error_code=NULL,"
                       "error=NULL,details=NULL WHERE local_id=?1",
                       error);
  G_STATIC_ASSERT (DESK_OUTBOX_QUEUED == 0);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, local_id);
  desk_stmt_bind_text (s, 2, text ? text : "");
  if (packed != NULL)
    desk_stmt_bind_blob (s, 3, g_bytes_get_data (packed, NULL), g_bytes_get_size (packed));
  else
    desk_stmt_bind_null (s, 3);
  touch (self, state);
  return desk_stmt_run (s, error);
}

/* text comes before what the draft has already. */
gboolean
desk_fold_into_draft (DeskFold *self, DeskFoldChat *state, const DeskOutboxEntry *entry, GError **error)
{
  g_autoptr (DeskDraft) draft = NULL;
  g_autoptr (GError) local = NULL;

  draft = desk_query_draft (self->db, state->chat->platform, state->chat->user_id, &local);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (draft == NULL)
    {
      draft = desk_draft_new (state->chat->platform, state->chat->user_id);
      draft->is_private = entry->is_private;
    }
  if (*draft->text == '\0')
    {
      g_free (draft->text);
      draft->text = g_strdup (entry->text);
      draft->is_private = entry->is_private;
    }
  else if (*entry->text != '\0')
    {
      char *joined = g_strconcat (entry->text, "\n", draft->text, NULL);

      g_free (draft->text);
      draft->text = joined;
      draft->is_private |= entry->is_private; /* a note must not become a reply by itself */
    }
  if (draft->reply_to == NULL)
    draft->reply_to = g_strdup (entry->reply_to);
  draft->updated_at_ms = 0; /* now */
  return desk_fold_draft (self, draft, error);
}

gboolean
desk_fold_outbox_withdraw (DeskFold *self, gint64 local_id, GError **error)
{
  g_autoptr (DeskOutboxEntry) entry = NULL;
  DeskFoldChat *state;

  if (!load_send (self, local_id, &entry, &state, error) || !desk_fold_into_draft (self, state, entry, error))
    return FALSE;
  touch (self, state);
  return desk_fold_outbox_delete (self, local_id, error);
}

/* ── Templates as values ────────────────────────────────────────────────────────────────────── */

#define PACKED_TEMPLATE "(ssas)"

GBytes *
desk_template_use_pack (const DeskTemplateUse *use)
{
  g_autoptr (GVariant) value
      = g_variant_ref_sink (g_variant_new ("(ss^as)", use->name, use->language, use->variables));

  return g_variant_get_data_as_bytes (value);
}

DeskTemplateUse *
desk_template_use_unpack (const void *data, gsize len)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GVariant) value = NULL;
  g_auto (GStrv) variables = NULL;
  const char *name, *language;

  if (data == NULL || len == 0)
    return NULL;
  bytes = g_bytes_new (data, len);
  value = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (PACKED_TEMPLATE), bytes, FALSE));
  if (!g_variant_is_normal_form (value))
    return NULL;
  g_variant_get (value, "(&s&s^as)", &name, &language, &variables);
  return desk_template_use_new (name, language, variables);
}
