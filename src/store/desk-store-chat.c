/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include <string.h>

#include "common/desk-text.h"
#include "store/desk-store-private.h"

/* Rows of chat. While a batch is folded each chat that it touches is a DeskFoldChat, read once and
 * written once; until then the state in memory is the truth.
 *
 * Rules: the highest rev decides the shared fields; sequence numbers only grow; the preview is that
 * of the newest message known, from the chat as told or from the message itself. */

#define PREVIEW_CHARS 160

void
desk_fold_chat_free (DeskFoldChat *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->chat, desk_chat_free);
  g_clear_pointer (&self->intervals, g_array_unref);
  g_free (self->told_message);
  g_free (self);
}

/* ── Text forms ─────────────────────────────────────────────────────────────────────────────── */

char *
desk_preview_text (const char *text)
{
  return desk_text_preview (text, PREVIEW_CHARS);
}

char *
desk_message_preview (const DeskMessage *m)
{
  if (m->deleted_at_ms > 0)
    return g_strdup ("");
  if (*m->text == '\0' && m->attachments->len > 0)
    {
      const DeskAttachment *a = g_ptr_array_index (m->attachments, 0);

      return desk_preview_text (a->filename);
    }
  return desk_preview_text (m->text);
}

/* "\nvip\nlate\n": a label is found by instr() between line feeds. */
static char *
join_labels (char **labels)
{
  g_autofree char *middle = NULL;

  if (labels == NULL || labels[0] == NULL)
    return g_strdup ("");
  middle = g_strjoinv ("\n", labels);
  return g_strconcat ("\n", middle, "\n", NULL);
}

static char **
split_labels (const char *text)
{
  g_autofree char *inner = NULL;
  gsize len = text ? strlen (text) : 0;

  if (len < 3)
    return g_new0 (char *, 1);
  inner = g_strndup (text + 1, len - 2);
  return g_strsplit (inner, "\n", -1);
}

static void
replace_text (char **field, const char *text)
{
  char *copy = g_strdup (text); /* text may be *field */

  g_free (*field);
  *field = copy;
}

static const char *
or_empty (const char *text)
{
  return text ? text : "";
}

DeskChat *
desk_chat_from_stmt (DeskStmt *s)
{
  DeskChat *c = desk_chat_new (desk_stmt_column_text (s, 1), desk_stmt_column_text (s, 2));

  replace_text (&c->user_name, or_empty (desk_stmt_column_text (s, 3)));
  replace_text (&c->messenger_name, desk_stmt_column_text (s, 4));
  c->is_level2 = desk_stmt_column_int64 (s, 5) != 0;
  c->type = desk_stmt_column_int64 (s, 6);
  replace_text (&c->partner_name, desk_stmt_column_text (s, 7));
  replace_text (&c->partner_room_id, desk_stmt_column_text (s, 8));
  replace_text (&c->metadata, or_empty (desk_stmt_column_text (s, 9)));
  replace_text (&c->stream_id, desk_stmt_column_text (s, 10));
  c->state = desk_stmt_column_int64 (s, 11);
  c->snoozed_until_ms = desk_stmt_column_int64 (s, 12);
  replace_text (&c->assignee, desk_stmt_column_text (s, 13));
  g_strfreev (c->labels);
  c->labels = split_labels (desk_stmt_column_text (s, 14));
  replace_text (&c->connection, desk_stmt_column_text (s, 15));
  c->first_chat_seq = desk_stmt_column_int64 (s, 16);
  c->last_chat_seq = desk_stmt_column_int64 (s, 17);
  c->last_in_seq = desk_stmt_column_int64 (s, 18);
  c->waiting_since_ms = desk_stmt_column_int64 (s, 19);
  c->window_expires_at_ms = desk_stmt_column_int64 (s, 20);
  c->rev = desk_stmt_column_int64 (s, 21);
  c->has_personal = TRUE;
  c->personal.read_chat_seq = desk_stmt_column_int64 (s, 22);
  c->personal.read_in_seq = desk_stmt_column_int64 (s, 23);
  c->personal.marked_unread = desk_stmt_column_int64 (s, 24) != 0;
  c->personal.muted = desk_stmt_column_int64 (s, 25) != 0;
  c->unread = desk_stmt_column_int64 (s, 26);
  c->has_unread = TRUE;
  replace_text (&c->last_message, or_empty (desk_stmt_column_text (s, 27)));
  c->last_time_ms = desk_stmt_column_int64 (s, 28);
  return c;
}

/* ── Reading states ─────────────────────────────────────────────────────────────────────────── */

static DeskFoldChat *
state_from_stmt (DeskStmt *s)
{
  DeskFoldChat *state = g_new0 (DeskFoldChat, 1);
  const void *told;
  gsize told_len;

  state->row = desk_stmt_column_int64 (s, 0);
  state->chat = desk_chat_from_stmt (s);
  state->unread = desk_stmt_column_int64 (s, 26);
  state->last_direction = desk_stmt_column_int64 (s, 29);
  state->last_status = desk_stmt_column_int64 (s, 30);
  state->last_is_private = desk_stmt_column_int64 (s, 31) != 0;
  state->activity_ms = desk_stmt_column_int64 (s, 32);
  state->pending = desk_stmt_column_int64 (s, 33);
  state->attention = desk_stmt_column_int64 (s, 34);
  state->server_unread = desk_stmt_column_int64 (s, DESK_CHAT_N_COLUMNS);
  state->server_counts = desk_stmt_column_int64 (s, DESK_CHAT_N_COLUMNS + 1) != 0;
  state->in_step = desk_stmt_column_int64 (s, DESK_CHAT_N_COLUMNS + 2) != 0;
  state->told_time_ms = desk_stmt_column_int64 (s, DESK_CHAT_N_COLUMNS + 3);
  state->told_message = g_strdup (or_empty (desk_stmt_column_text (s, DESK_CHAT_N_COLUMNS + 4)));
  state->last_key = desk_stmt_column_int64 (s, DESK_CHAT_N_COLUMNS + 5);
  state->gaps = desk_stmt_column_int64 (s, DESK_CHAT_N_COLUMNS + 6);
  state->cut_seq = desk_stmt_column_int64 (s, DESK_CHAT_N_COLUMNS + 7);
  told = desk_stmt_column_blob (s, DESK_CHAT_N_COLUMNS + 8, &told_len);
  desk_told_unpack (told, told_len, state->chat);
  return state;
}

#define STATE_COLUMNS                                                                              \
  DESK_CHAT_COLUMNS ",c.server_unread,c.server_counts,c.in_step,c.told_time_ms,c.told_message,"    \
                    "c.last_key,c.gaps,c.cut_seq,c.told"

/* Reads the one row of s, keeps the state under its key. NULL without error: no row. */
static DeskFoldChat *
read_state (DeskFold *self, DeskStmt *s, GError **error)
{
  DeskFoldChat *state, *known;
  g_autofree char *key = NULL;

  if (desk_stmt_step (s, error) != DESK_STEP_ROW)
    return NULL;
  state = state_from_stmt (s);
  desk_stmt_reset (s);
  key = desk_chat_format_key (state->chat->platform, state->chat->user_id);
  known = g_hash_table_lookup (self->chats, key);
  if (known != NULL)
    {
      desk_fold_chat_free (state);
      return known;
    }
  g_hash_table_insert (self->chats, g_steal_pointer (&key), state);
  return state;
}

static gboolean
insert_chat (DeskFold *self, const char *platform, const char *user_id, GError **error)
{
  DeskStmt *s
      = desk_db_prepare (self->db, "INSERT INTO chat(platform,user_id) VALUES(?1,?2)", error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_text (s, 1, platform);
  desk_stmt_bind_text (s, 2, user_id);
  return desk_stmt_run (s, error);
}

DeskFoldChat *
desk_fold_get_chat (DeskFold *self,
                    const char *platform,
                    const char *user_id,
                    gboolean create,
                    GError **error)
{
  DeskStmt *s;
  g_autofree char *key = NULL;
  g_autoptr (GError) local = NULL;

  if (self->recent != NULL && strcmp (self->recent->chat->user_id, user_id) == 0
      && strcmp (self->recent->chat->platform, platform) == 0)
    return self->recent;
  key = desk_chat_format_key (platform, user_id);
  self->recent = g_hash_table_lookup (self->chats, key);
  if (self->recent != NULL)
    return self->recent;
  s = desk_db_prepare (self->db,
                       "SELECT " STATE_COLUMNS " FROM chat c WHERE platform=?1 AND user_id=?2",
                       error);
  if (s == NULL)
    return NULL;
  desk_stmt_bind_text (s, 1, platform);
  desk_stmt_bind_text (s, 2, user_id);
  self->recent = read_state (self, s, &local);
  if (self->recent == NULL && local == NULL && create
      && insert_chat (self, platform, user_id, &local))
    {
      self->recent = read_state (self, s, &local);
      if (self->recent != NULL)
        desk_fold_touch (self, self->recent);
    }
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  return self->recent;
}

DeskFoldChat *
desk_fold_get_chat_by_row (DeskFold *self, gint64 row, GError **error)
{
  DeskStmt *s;
  DeskFoldChat *state;
  g_autoptr (GError) local = NULL;

  s = desk_db_prepare (self->db, "SELECT " STATE_COLUMNS " FROM chat c WHERE chat=?1", error);
  if (s == NULL)
    return NULL;
  desk_stmt_bind_int64 (s, 1, row);
  state = read_state (self, s, &local);
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else if (state == NULL)
    g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_CORRUPT, "A row refers to no chat");
  return state;
}

void
desk_fold_tell (DeskFold *self, DeskFoldChat *state)
{
  if (!state->told)
    desk_notice_add_chat (self->notice, state->chat->platform, state->chat->user_id);
  state->told = TRUE;
}

void
desk_fold_touch (DeskFold *self, DeskFoldChat *state)
{
  desk_fold_tell (self, state);
  state->dirty = TRUE;
}

/* ── Folding ────────────────────────────────────────────────────────────────────────────────── */

void
desk_fold_chat_see (DeskFoldChat *self, const DeskMessage *m, gint64 order_key)
{
  if (order_key < self->last_key)
    return;
  self->last_key = order_key;
  g_free (self->chat->last_message);
  self->chat->last_message = desk_message_preview (m);
  self->chat->last_time_ms = m->created_at_ms;
  self->last_direction = m->direction;
  self->last_status = m->status;
  self->last_is_private = m->is_private;
}

static void
take_shared (DeskChat *to, const DeskChat *from)
{
  to->type = from->type;
  replace_text (&to->partner_name, from->partner_name);
  replace_text (&to->partner_room_id, from->partner_room_id);
  replace_text (&to->metadata, from->metadata ? from->metadata : "{}");
  replace_text (&to->stream_id, from->stream_id);
  to->state = from->state;
  to->snoozed_until_ms = from->snoozed_until_ms;
  replace_text (&to->assignee, from->assignee);
  g_strfreev (to->labels);
  to->labels = g_strdupv (from->labels);
  replace_text (&to->connection, from->connection);
  to->rev = from->rev;
}

static void
take_names (DeskChat *to, const DeskChat *from)
{
  if (from->user_name != NULL && *from->user_name != '\0')
    replace_text (&to->user_name, from->user_name);
  if (from->messenger_name != NULL)
    replace_text (&to->messenger_name, from->messenger_name);
}

/* The preview as told stands until a message at least as new is known. */
static void
take_preview (DeskFoldChat *state, const DeskChat *told, gint64 key)
{
  if (key <= state->last_key)
    return;
  state->last_key = key;
  g_free (state->chat->last_message);
  state->chat->last_message = desk_preview_text (told->last_message);
  state->chat->last_time_ms = told->last_time_ms;
  state->last_direction = DESK_DIRECTION_INCOMING;
  state->last_status = DESK_STATUS_NONE;
  state->last_is_private = FALSE;
}

static gboolean
fold_level2 (DeskFold *self, DeskFoldChat *state, const DeskChat *told, GError **error)
{
  DeskChat *chat = state->chat;
  gboolean newer;
  int own_intent = 0;

  if (!desk_fold_leave_level0 (self, state, error))
    return FALSE;
  newer = told->rev > chat->rev;
  if (told->rev >= chat->rev)
    {
      take_names (chat, told);
      take_shared (chat, told);
      if (!desk_fold_waiting (self, state, told, error))
        return FALSE;
    }
  if (told->last_chat_seq >= chat->last_chat_seq && told->last_time_ms > 0)
    take_preview (state, told, told->last_chat_seq);
  if (newer && told->last_chat_seq == state->last_key && !state->last_is_private)
    { /* the newest message was edited, and that event may never have come */
      g_free (chat->last_message);
      chat->last_message = desk_preview_text (told->last_message);
    }
  chat->first_chat_seq = MAX (chat->first_chat_seq, told->first_chat_seq);
  chat->last_chat_seq = MAX (chat->last_chat_seq, told->last_chat_seq);
  chat->last_in_seq = MAX (chat->last_in_seq, told->last_in_seq);
  state->gaps_dirty = TRUE;
  state->unread_dirty = TRUE;
  if (!told->has_personal)
    return TRUE;
  if (!desk_fold_has_marker_intent (self, state, &own_intent, error))
    return FALSE;
  desk_fold_personal (state, told, own_intent);
  return TRUE;
}

/* TRUE in *out if the newest confirmed message cached is the one that the summary shows. */
static gboolean
has_newest (DeskFold *self, DeskFoldChat *state, const DeskChat *told, gboolean *out, GError **error)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (self->db,
                                            "SELECT created_at_ms,text FROM message"
                                            " WHERE chat=?1 AND provisional=0"
                                            " ORDER BY order_key DESC LIMIT 1",
                                            error);
  DeskStep step;

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, state->row);
  step = desk_stmt_step (s, error);
  if (step == DESK_STEP_ERROR)
    return FALSE;
  if (step == DESK_STEP_DONE)
    *out = told->last_time_ms == 0;
  else
    *out = desk_stmt_column_int64 (s, 0) == told->last_time_ms
           && g_strcmp0 (desk_stmt_column_text (s, 1), told->last_message) == 0;
  return TRUE;
}

/* Level 0 tells a summary. A chat has moved if the summary does not show the newest cached message,
 * unless the newest page was fetched since and the summary is still the same: then the server
 * writes it differently, and fetching again would give nothing. */
static gboolean
fold_level0 (DeskFold *self, DeskFoldChat *state, const DeskChat *told, gboolean new, GError **error)
{
  gboolean newest;
  gboolean same = state->told_time_ms == told->last_time_ms
                  && g_strcmp0 (state->told_message, told->last_message) == 0;
  gint64 start = desk_order_key_level0 (MAX (told->last_time_ms, 0), 0);

  take_names (state->chat, told);
  if (!has_newest (self, state, told, &newest, error))
    return FALSE;
  state->in_step = newest || (same && state->in_step);
  state->told_time_ms = told->last_time_ms;
  replace_text (&state->told_message, or_empty (told->last_message));
  if (!state->in_step)
    g_ptr_array_add (self->result->moved,
                     desk_chat_format_key (told->platform, told->user_id));
  if (told->last_time_ms > 0)
    take_preview (state, told, start);
  if (told->has_unread)
    {
      state->server_unread = MAX (told->unread, 0);
      state->server_counts |= told->unread > 0;
    }
  if (new)
    { /* what was there before the cache is read, but for what the server counts */
      g_autoptr (DeskStmt) s = desk_db_prepare (
          self->db, "SELECT 1 FROM setting WHERE key='complete_to_ms'", error);
      DeskStep step = s ? desk_stmt_step (s, error) : DESK_STEP_ERROR;

      if (step == DESK_STEP_ERROR)
        return FALSE;
      if (step == DESK_STEP_DONE)
        state->chat->personal.read_chat_seq = start + 1023;
      state->gaps = told->last_time_ms > 0 ? 1 : 0;
    }
  state->unread_dirty = TRUE;
  return TRUE;
}

gboolean
desk_fold_chat (DeskFold *self, const DeskChat *told, GError **error)
{
  gboolean new = FALSE;
  g_autoptr (GError) local = NULL;
  DeskFoldChat *state = desk_fold_get_chat (self, told->platform, told->user_id, FALSE, &local);

  if (state == NULL && local == NULL)
    {
      new = TRUE;
      state = desk_fold_get_chat (self, told->platform, told->user_id, TRUE, &local);
    }
  if (state == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  desk_fold_touch (self, state);
  if (told->is_level2)
    return fold_level2 (self, state, told, error);
  if (state->chat->is_level2)
    return TRUE; /* a server that was level 2 tells nothing new at level 0 */
  return fold_level0 (self, state, told, new, error);
}

gboolean
desk_fold_erase_chat (DeskFold *self, DeskFoldChat *state, GError **error)
{
  static const char *const statements[] = {
    "INSERT INTO message_text(message_text,rowid,text)"
    " SELECT 'delete',message,text FROM message WHERE chat=?1 ORDER BY message",
    "DELETE FROM message WHERE chat=?1",
    "DELETE FROM covered WHERE chat=?1",
    "DELETE FROM outbox WHERE chat=?1",
    "DELETE FROM draft WHERE chat=?1",
    "DELETE FROM profile WHERE chat=?1",
    "DELETE FROM chat WHERE chat=?1",
  };

  if (!desk_fold_flush_texts (self, error)) /* the index must know what is deleted now */
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (statements); i++)
    {
      DeskStmt *s = desk_db_prepare (self->db, statements[i], error);

      if (s == NULL)
        return FALSE;
      desk_stmt_bind_int64 (s, 1, state->row);
      if (!desk_stmt_run (s, error))
        return FALSE;
    }
  desk_notice_add_chat (self->notice, state->chat->platform, state->chat->user_id);
  self->notice->change.outbox = TRUE;
  self->recent = NULL;
  {
    g_autofree char *key = desk_chat_format_key (state->chat->platform, state->chat->user_id);

    g_hash_table_remove (self->chats, key);
  }
  return TRUE;
}

/* ── Writing ────────────────────────────────────────────────────────────────────────────────── */

static void
bind_shared (DeskStmt *s, const DeskChat *c)
{
  g_autofree char *labels = join_labels (c->labels);

  desk_stmt_bind_text (s, 1, c->user_name);
  desk_stmt_bind_text (s, 2, c->messenger_name);
  desk_stmt_bind_int64 (s, 3, c->is_level2 != FALSE);
  desk_stmt_bind_int64 (s, 4, c->type);
  desk_stmt_bind_text (s, 5, c->partner_name);
  desk_stmt_bind_text (s, 6, c->partner_room_id);
  desk_stmt_bind_text (s, 7, c->metadata);
  desk_stmt_bind_text (s, 8, c->stream_id);
  desk_stmt_bind_int64 (s, 9, c->state);
  desk_stmt_bind_int64 (s, 10, c->snoozed_until_ms);
  desk_stmt_bind_text (s, 11, c->assignee);
  desk_stmt_bind_text (s, 12, labels);
  desk_stmt_bind_text (s, 13, c->connection);
  desk_stmt_bind_int64 (s, 14, c->first_chat_seq);
  desk_stmt_bind_int64 (s, 15, c->last_chat_seq);
  desk_stmt_bind_int64 (s, 16, c->last_in_seq);
  desk_stmt_bind_int64 (s, 17, c->waiting_since_ms);
  desk_stmt_bind_int64 (s, 18, c->window_expires_at_ms);
  desk_stmt_bind_int64 (s, 19, c->rev);
  desk_stmt_bind_int64 (s, 20, c->personal.read_chat_seq);
  desk_stmt_bind_int64 (s, 21, c->personal.read_in_seq);
  desk_stmt_bind_int64 (s, 22, c->personal.marked_unread != FALSE);
  desk_stmt_bind_int64 (s, 23, c->personal.muted != FALSE);
}

static void
bind_derived (DeskStmt *s, const DeskFoldChat *state)
{
  desk_stmt_bind_int64 (s, 24, state->server_unread);
  desk_stmt_bind_int64 (s, 25, state->server_counts != FALSE);
  desk_stmt_bind_int64 (s, 26, state->in_step != FALSE);
  desk_stmt_bind_int64 (s, 27, state->told_time_ms);
  desk_stmt_bind_text (s, 28, state->told_message);
  desk_stmt_bind_int64 (s, 29, state->unread);
  desk_stmt_bind_int64 (s, 30, state->last_key);
  desk_stmt_bind_text (s, 31, or_empty (state->chat->last_message));
  desk_stmt_bind_int64 (s, 32, state->chat->last_time_ms);
  desk_stmt_bind_int64 (s, 33, state->last_direction);
  desk_stmt_bind_int64 (s, 34, state->last_status);
  desk_stmt_bind_int64 (s, 35, state->last_is_private != FALSE);
  desk_stmt_bind_int64 (s, 36, state->activity_ms);
  desk_stmt_bind_int64 (s, 37, state->pending);
  desk_stmt_bind_int64 (s, 38, state->attention);
  desk_stmt_bind_int64 (s, 39, state->gaps);
  desk_stmt_bind_int64 (s, 40, state->row);
  desk_stmt_bind_int64 (s, 41, state->cut_seq);
}

/* The row shows the waiting intents; told keeps what the server said meanwhile. */
static gboolean
bind_shown (DeskFold *self, DeskStmt *s, DeskFoldChat *state, GError **error)
{
  gboolean differs;
  g_autoptr (DeskChat) shown = desk_fold_shown_chat (self, state, &differs, error);
  g_autoptr (GBytes) told = NULL;

  if (shown == NULL)
    return FALSE;
  bind_shared (s, shown);
  if (differs)
    told = desk_told_pack (state->chat);
  if (told != NULL)
    desk_stmt_bind_blob (s, 42, g_bytes_get_data (told, NULL), g_bytes_get_size (told));
  else
    desk_stmt_bind_null (s, 42);
  return TRUE;
}

gboolean
desk_fold_flush_chat (DeskFold *self, DeskFoldChat *state, GError **error)
{
  DeskStmt *s;
  gint64 gaps = state->gaps;

  if (!desk_fold_flush_ranges (self, state, error))
    return FALSE;
  if (!state->dirty && state->gaps == gaps)
    return TRUE; /* history far from the newest end changes nothing in the row */
  if (!desk_fold_count_outbox (self, state, error)
      || !desk_fold_count_unread (self, state, error))
    return FALSE;
  s = desk_db_prepare (
      self->db,
      "UPDATE chat SET user_name=?1,messenger_name=?2,is_level2=?3,type=?4,partner_name=?5,"
      "partner_room_id=?6,metadata=?7,stream_id=?8,state=?9,snoozed_until_ms=?10,assignee=?11,"
      "labels=?12,connection=?13,first_chat_seq=?14,last_chat_seq=?15,last_in_seq=?16,"
      "waiting_since_ms=?17,window_expires_at_ms=?18,rev=?19,read_chat_seq=?20,read_in_seq=?21,"
      "marked_unread=?22,muted=?23,server_unread=?24,server_counts=?25,in_step=?26,told_time_ms=?27,"
      "told_message=?28,unread=?29,last_key=?30,last_message=?31,last_time_ms=?32,"
      "last_direction=?33,last_status=?34,last_is_private=?35,activity_ms=?36,pending=?37,"
      "attention=?38,gaps=?39,cut_seq=?41,told=?42 WHERE chat=?40",
      error);
  if (s == NULL)
    return FALSE;
  if (!bind_shown (self, s, state, error))
    return FALSE;
  bind_derived (s, state);
  return desk_stmt_run (s, error);
}
