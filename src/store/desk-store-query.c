/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "store/desk-store-private.h"

/* Reads of everything but messages: lists of chats, outbox, drafts, settings, counts, what to fetch. Each
 * works from columns that the fold keeps; none looks at all messages. */

static DeskChatRow *
row_from_stmt (DeskStmt *s)
{
  DeskChatRow *row = g_new0 (DeskChatRow, 1);
  const char *draft = desk_stmt_column_text (s, DESK_CHAT_N_COLUMNS);
  const char *pending = desk_stmt_column_text (s, DESK_CHAT_N_COLUMNS + 1);

  row->chat = desk_chat_from_stmt (s);
  row->row_id = desk_stmt_column_int64 (s, 0);
  row->unread = desk_stmt_column_int64 (s, 26);
  row->last_direction = desk_stmt_column_int64 (s, 29);
  row->last_status = desk_stmt_column_int64 (s, 30);
  row->last_is_private = desk_stmt_column_int64 (s, 31) != 0;
  row->activity_ms = desk_stmt_column_int64 (s, 32);
  row->pending = (guint) desk_stmt_column_int64 (s, 33);
  row->attention = (guint) desk_stmt_column_int64 (s, 34);
  row->draft = draft ? desk_preview_text (draft) : NULL;
  row->pending_is_private = pending != NULL && *pending == '1';
  row->pending_text = pending != NULL && *pending != '\0' ? desk_preview_text (pending + 1) : NULL;
  return row;
}

/* The outbox is looked into for the few rows that have something in it only. The first character
 * of what it gives says whether it is a note: one look for both. */
#define ROW_QUERY                                                                                  \
  "SELECT " DESK_CHAT_COLUMNS ",d.text,CASE WHEN c.pending>0 THEN"                                 \
  " (SELECT o.is_private||o.text FROM outbox o WHERE o.chat=c.chat AND o.intent=0"                 \
  " AND o.state IN (0,1) ORDER BY o.local_id DESC LIMIT 1) END"                                    \
  " FROM chat c LEFT JOIN draft d USING (chat)"

/* The text of a list query depends on which filters there are, never on their values: a few dozen
 * statements at most stay in the cache. */
static char *
build_list_sql (const DeskChatQuery *q)
{
  GString *sql = g_string_new (ROW_QUERY " WHERE 1");

  if (q->platform != NULL)
    g_string_append (sql, " AND c.platform=?1");
  if (q->unread_only)
    g_string_append (sql, " AND c.unread>0");
  if (q->assignee != NULL)
    g_string_append (sql, *q->assignee != '\0' ? " AND c.assignee=?2"
                                               : " AND coalesce(c.assignee,'')=''");
  if (q->state >= 0)
    g_string_append (sql, " AND c.state=?3");
  if (q->label != NULL)
    g_string_append (sql, " AND instr(c.labels,char(10)||?4||char(10))>0");
  if (q->attention_only)
    g_string_append (sql, " AND c.attention>0");
  g_string_append (sql, q->sort == DESK_CHAT_SORT_WAITING
                            ? " ORDER BY c.waiting_since_ms=0,c.waiting_since_ms,c.activity_ms DESC,"
                              "c.chat DESC"
                            : " ORDER BY c.activity_ms DESC,c.chat DESC");
  g_string_append (sql, " LIMIT ?5 OFFSET ?6");
  return g_string_free (sql, FALSE);
}

GPtrArray *
desk_query_chats (DeskDb *db, const DeskChatQuery *q, GError **error)
{
  g_autoptr (GPtrArray) list
      = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_chat_row_free);
  g_autofree char *sql = build_list_sql (q);
  DeskStmt *s = desk_db_prepare (db, sql, error);
  DeskStep step;

  if (s == NULL)
    return NULL;
  if (q->platform != NULL)
    desk_stmt_bind_text (s, 1, q->platform);
  if (q->assignee != NULL && *q->assignee != '\0')
    desk_stmt_bind_text (s, 2, q->assignee);
  if (q->state >= 0)
    desk_stmt_bind_int64 (s, 3, q->state);
  if (q->label != NULL)
    desk_stmt_bind_text (s, 4, q->label);
  desk_stmt_bind_int64 (s, 5, q->limit > 0 ? (gint64) q->limit : -1);
  desk_stmt_bind_int64 (s, 6, q->offset);
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    g_ptr_array_add (list, row_from_stmt (s));
  return step == DESK_STEP_ERROR ? NULL : g_steal_pointer (&list);
}

DeskChatRow *
desk_query_chat (DeskDb *db, const char *platform, const char *user_id, GError **error)
{
  g_autoptr (DeskStmt) s
      = desk_db_prepare (db, ROW_QUERY " WHERE c.platform=?1 AND c.user_id=?2", error);

  if (s == NULL)
    return NULL;
  desk_stmt_bind_text (s, 1, platform);
  desk_stmt_bind_text (s, 2, user_id);
  switch (desk_stmt_step (s, error))
    {
    case DESK_STEP_ROW:
      return row_from_stmt (s);
    case DESK_STEP_DONE:
      g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_NOT_FOUND, "The chat is not cached");
      return NULL;
    case DESK_STEP_ERROR:
    default:
      return NULL;
    }
}

static GPtrArray *
query_outbox (DeskDb *db, const char *sql, GError **error)
{
  g_autoptr (GPtrArray) list
      = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_outbox_entry_free);
  DeskStep step;
  DeskStmt *s = desk_db_prepare (db, sql, error);

  if (s == NULL)
    return NULL;
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    g_ptr_array_add (list, desk_outbox_from_stmt (s, desk_stmt_column_text (s, DESK_OUTBOX_N_COLUMNS),
                                                  desk_stmt_column_text (s, DESK_OUTBOX_N_COLUMNS + 1)));
  return step == DESK_STEP_ERROR ? NULL : g_steal_pointer (&list);
}

#define OUTBOX_FROM ",c.platform,c.user_id FROM outbox o JOIN chat c USING (chat) ORDER BY o.local_id"

GPtrArray *
desk_query_outbox (DeskDb *db, GError **error)
{
  return query_outbox (db, "SELECT " DESK_OUTBOX_COLUMNS OUTBOX_FROM, error);
}

GPtrArray *
desk_query_old_outbox (DeskDb *db, int version, GError **error)
{
  if (version < 2)
    return query_outbox (db, "SELECT " DESK_OUTBOX_COLUMNS_1 ",NULL" DESK_OUTBOX_NOTHING_OF_3 OUTBOX_FROM, error);
  if (version < 3)
    return query_outbox (db, "SELECT " DESK_OUTBOX_COLUMNS_1 "," DESK_OUTBOX_FILES DESK_OUTBOX_NOTHING_OF_3 OUTBOX_FROM,
                         error);
  return desk_query_outbox (db, error);
}

#define DRAFT_QUERY                                                                                \
  "SELECT c.platform,c.user_id,d.text,d.reply_to,d.is_private,d.attachments,d.updated_at_ms"       \
  " FROM draft d JOIN chat c USING (chat)"

static DeskDraft *
draft_from_stmt (DeskStmt *s)
{
  DeskDraft *d = desk_draft_new (desk_stmt_column_text (s, 0), desk_stmt_column_text (s, 1));

  g_free (d->text);
  d->text = g_strdup (desk_stmt_column_text (s, 2));
  d->reply_to = g_strdup (desk_stmt_column_text (s, 3));
  d->is_private = desk_stmt_column_int64 (s, 4) != 0;
  g_free (d->attachments);
  d->attachments = g_strdup (desk_stmt_column_text (s, 5));
  d->updated_at_ms = desk_stmt_column_int64 (s, 6);
  return d;
}

DeskDraft *
desk_query_draft (DeskDb *db, const char *platform, const char *user_id, GError **error)
{
  g_autoptr (DeskStmt) s
      = desk_db_prepare (db, DRAFT_QUERY " WHERE c.platform=?1 AND c.user_id=?2", error);

  if (s == NULL)
    return NULL;
  desk_stmt_bind_text (s, 1, platform);
  desk_stmt_bind_text (s, 2, user_id);
  return desk_stmt_step (s, error) == DESK_STEP_ROW ? draft_from_stmt (s) : NULL;
}

GPtrArray *
desk_query_drafts (DeskDb *db, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_draft_free);
  DeskStep step;
  DeskStmt *s = desk_db_prepare (db, DRAFT_QUERY " ORDER BY d.updated_at_ms", error);

  if (s == NULL)
    return NULL;
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    g_ptr_array_add (list, draft_from_stmt (s));
  return step == DESK_STEP_ERROR ? NULL : g_steal_pointer (&list);
}

char *
desk_query_setting (DeskDb *db, const char *key, GError **error)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (db, "SELECT value FROM setting WHERE key=?1", error);

  if (s == NULL)
    return NULL;
  desk_stmt_bind_text (s, 1, key);
  return desk_stmt_step (s, error) == DESK_STEP_ROW ? g_strdup (desk_stmt_column_text (s, 0)) : NULL;
}

DeskStoreCounts *
desk_query_counts (DeskDb *db, GError **error)
{
  g_autofree DeskStoreCounts *c = g_new0 (DeskStoreCounts, 1);
  gint64 pages = 0, unused = 0, page_size = 0;
  g_autoptr (DeskStmt) s = desk_db_prepare (
      db,
      "SELECT count(*),coalesce(sum(unread>0),0),coalesce(sum(unread),0),coalesce(sum(pending),0),"
      "coalesce(sum(attention),0),coalesce(sum(gaps),0) FROM chat",
      error);

  if (s == NULL || desk_stmt_step (s, error) != DESK_STEP_ROW)
    return NULL;
  c->chats = desk_stmt_column_int64 (s, 0);
  c->unread_chats = desk_stmt_column_int64 (s, 1);
  c->unread = desk_stmt_column_int64 (s, 2);
  c->pending = desk_stmt_column_int64 (s, 3);
  c->attention = desk_stmt_column_int64 (s, 4);
  c->gaps = desk_stmt_column_int64 (s, 5);
  if (!desk_db_query_int64 (db, "SELECT count(*) FROM message", &c->messages, error)
      || !desk_db_query_int64 (db, "SELECT count(*) FROM draft", &c->drafts, error)
      || !desk_db_query_int64 (db, "PRAGMA page_count", &pages, error)
      || !desk_db_query_int64 (db, "PRAGMA freelist_count", &unused, error)
      || !desk_db_query_int64 (db, "PRAGMA page_size", &page_size, error))
    return NULL;
  c->bytes = pages * page_size;
  c->used_bytes = (pages - unused) * page_size;
  return g_steal_pointer (&c);
}

/* ── What to fetch ──────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  gint64 chat;
  gboolean is_level2;
  gint64 first_seq;
  gint64 last_seq;
  gint64 cut_seq;
  char *platform;
  char *user_id;
} Candidate;

static void
candidate_free (gpointer data)
{
  Candidate *self = data;

  g_free (self->platform);
  g_free (self->user_id);
  g_free (self);
}

/* Level 0: the messages from the newest gap on. FALSE without error: the gap that is left is where the manager's limit
 * of history cut, and is not filled unasked. */
static gboolean
count_above_gap (DeskDb *db, const Candidate *c, guint *out, GError **error)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (
      db,
      "SELECT count(*) FROM message WHERE chat=?1 AND provisional=0 AND order_key>="
      "(SELECT max(order_key) FROM message WHERE chat=?1 AND gap_before=1 AND NOT " DESK_LEVEL0_IS_CUT ("?2") ")",
      error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, c->chat);
  desk_stmt_bind_int64 (s, 2, c->cut_seq);
  if (desk_stmt_step (s, error) != DESK_STEP_ROW)
    return FALSE;
  *out = (guint) desk_stmt_column_int64 (s, 0);
  return *out > 0;
}

/* The newest hole of a chat; NULL without error if it has none after all. */
static DeskHistoryWant *
want_from_candidate (DeskDb *db, const Candidate *c, GError **error)
{
  g_autoptr (GArray) covered = NULL;
  g_autoptr (GArray) holes = NULL;
  const DeskInterval *hole;
  DeskHistoryWant *want;

  covered = desk_ranges_load (db, c->chat, error);
  if (covered == NULL)
    return NULL;
  holes = desk_ranges_uncovered (covered, c->first_seq, c->last_seq);
  if (c->is_level2 && holes->len == 0)
    return NULL;
  want = g_new0 (DeskHistoryWant, 1);
  want->platform = g_strdup (c->platform);
  want->user_id = g_strdup (c->user_id);
  if (!c->is_level2)
    {
      want->nothing_cached = c->last_seq == 0;
      if (want->nothing_cached || count_above_gap (db, c, &want->offset, error))
        return want;
      desk_history_want_free (want);
      return NULL;
    }
  hole = &g_array_index (holes, DeskInterval, holes->len - 1);
  want->before_seq = hole->last == c->last_seq ? 0 : hole->last + 1;
  want->down_to_seq = hole->first <= MAX (c->first_seq, 1) ? 0 : hole->first - 1;
  want->nothing_cached = covered->len == 0;
  return want;
}

static GPtrArray *
list_candidates (DeskDb *db, guint limit, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (candidate_free);
  DeskStep step;
  DeskStmt *s = desk_db_prepare (
      db,
      "SELECT chat,is_level2,max(first_chat_seq,CASE WHEN is_level2 THEN cut_seq ELSE 0 END),CASE WHEN is_level2 THEN last_chat_seq ELSE"
      " EXISTS(SELECT 1 FROM message m WHERE m.chat=chat.chat) END,platform,user_id,cut_seq"
      " FROM chat WHERE gaps>0 ORDER BY activity_ms DESC,chat DESC LIMIT ?1",
      error);

  if (s == NULL)
    return NULL;
  desk_stmt_bind_int64 (s, 1, limit);
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    {
      Candidate *c = g_new0 (Candidate, 1);

      c->chat = desk_stmt_column_int64 (s, 0);
      c->is_level2 = desk_stmt_column_int64 (s, 1) != 0;
      c->first_seq = desk_stmt_column_int64 (s, 2);
      c->last_seq = desk_stmt_column_int64 (s, 3);
      c->platform = g_strdup (desk_stmt_column_text (s, 4));
      c->user_id = g_strdup (desk_stmt_column_text (s, 5));
      c->cut_seq = desk_stmt_column_int64 (s, 6);
      g_ptr_array_add (list, c);
    }
  return step == DESK_STEP_ERROR ? NULL : g_steal_pointer (&list);
}

GPtrArray *
desk_query_wanted (DeskDb *db, guint limit, GError **error)
{
  g_autoptr (GPtrArray) list
      = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_history_want_free);
  g_autoptr (GPtrArray) candidates = list_candidates (db, limit, error);

  if (candidates == NULL)
    return NULL;
  for (guint i = 0; i < candidates->len; i++)
    {
      g_autoptr (GError) local = NULL;
      DeskHistoryWant *want
          = want_from_candidate (db, g_ptr_array_index (candidates, i), &local);

      if (local != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return NULL;
        }
      if (want != NULL)
        g_ptr_array_add (list, want);
    }
  return g_steal_pointer (&list);
}
