/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "store/desk-store-private.h"

/* A window of a chat's history, by place and never by offset, so any chat opens in the same time however
 * long it is. Gaps stand between the messages they separate; a gap before the oldest cached message
 * is no item but server_has_older, one after the newest is an item. Pending replies follow only where
 * the window includes the newest end. The limit counts messages. */

#define MAX_LIMIT 1000

typedef struct
{
  DeskDb *db;
  gint64 chat;
  gboolean is_level2;
  const char *platform;
  const char *user_id;
  gint64 first_seq;
  gint64 last_seq;
  gint64 read_key;
  gint64 gaps;
  gint64 previous; /* place of the cached message before the window; 0 if none */
} Window;

static DeskTimelineItem *
item_from_stmt (const Window *w, DeskStmt *s, int *gap_before)
{
  DeskTimelineItem *item = g_new0 (DeskTimelineItem, 1);
  DeskMessageRowInfo info;

  desk_message_info_from_stmt (s, &info);
  item->type = DESK_ITEM_MESSAGE;
  item->order_key = info.order_key;
  item->provisional = info.provisional;
  item->message = desk_message_from_stmt (s, w->platform, w->user_id);
  *gap_before = info.gap_before;
  return item;
}

/* Messages of one side, nearest first; a gap of level 0 is put on the item for the time being. */
static gboolean
load_side (Window *w,
           gboolean older,
           gint64 key,
           guint limit,
           GPtrArray *out,
           gboolean *more,
           GError **error)
{
  DeskStep step;
  guint n = 0;
  DeskStmt *s = older ? desk_db_prepare (w->db,
                                         "SELECT " DESK_MESSAGE_COLUMNS " FROM message m"
                                         " WHERE chat=?1 AND order_key<?2"
                                         " ORDER BY order_key DESC LIMIT ?3",
                                         error)
                      : desk_db_prepare (w->db,
                                         "SELECT " DESK_MESSAGE_COLUMNS " FROM message m"
                                         " WHERE chat=?1 AND order_key>=?2"
                                         " ORDER BY order_key LIMIT ?3",
                                         error);

  *more = FALSE;
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, w->chat);
  desk_stmt_bind_int64 (s, 2, key);
  desk_stmt_bind_int64 (s, 3, (gint64) limit + 1);
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    {
      DeskTimelineItem *item;
      int gap;

      if (n++ == limit)
        {
          *more = TRUE;
          if (older)
            w->previous = desk_stmt_column_int64 (s, 1);
          desk_stmt_reset (s);
          break;
        }
      item = item_from_stmt (w, s, &gap);
      item->gap_first = gap;
      g_ptr_array_add (out, item);
    }
  return step != DESK_STEP_ERROR;
}

static void
add_gap (GPtrArray *items, gint64 order_key, gint64 first, gint64 last)
{
  DeskTimelineItem *gap = g_new0 (DeskTimelineItem, 1);

  gap->type = DESK_ITEM_GAP;
  gap->order_key = order_key;
  gap->gap_first = first;
  gap->gap_last = last;
  g_ptr_array_add (items, gap);
}

/* The unknown part between two places, if there is one. */
static gboolean
find_gap (const Window *w, GArray *covered, gint64 after, gint64 before, DeskInterval *out)
{
  g_autoptr (GArray) holes = NULL;

  if (before - after < 2)
    return FALSE;
  holes = desk_ranges_uncovered (covered, MAX (after + 1, w->first_seq), before - 1);
  if (holes->len == 0)
    return FALSE;
  out->first = g_array_index (holes, DeskInterval, 0).first;
  out->last = g_array_index (holes, DeskInterval, holes->len - 1).last;
  return TRUE;
}

/* Puts the gaps between the messages of list (ascending). A gap belongs to the message after it, so the
 * window of a message shows the gap before it, whether the message before is in the window or not. */
static GPtrArray *
weave_gaps (const Window *w, GArray *covered, GPtrArray *list, gboolean has_older, gboolean newest)
{
  GPtrArray *items
      = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_timeline_item_free);
  gint64 previous = w->previous;
  DeskInterval gap;

  for (guint i = 0; i < list->len; i++)
    {
      DeskTimelineItem *item = g_ptr_array_index (list, i);
      gint64 level0_gap = item->gap_first;

      item->gap_first = 0;
      if (w->is_level2 && (i > 0 || has_older)
          && find_gap (w, covered, MAX (previous, 0), item->order_key, &gap))
        add_gap (items, item->order_key, gap.first, gap.last);
      else if (!w->is_level2 && level0_gap != 0 && (i > 0 || has_older))
        add_gap (items, item->order_key, 0, 0);
      previous = item->order_key;
      g_ptr_array_add (items, item);
    }
  if (newest && w->is_level2 && list->len > 0
      && find_gap (w, covered, MAX (previous, 0), w->last_seq + 1, &gap))
    add_gap (items, gap.last, gap.first, gap.last);
  return items;
}

static gboolean
add_pending (const Window *w, GPtrArray *items, GError **error)
{
  DeskStep step;
  DeskStmt *s = desk_db_prepare (w->db,
                                 "SELECT " DESK_OUTBOX_COLUMNS " FROM outbox o"
                                 " WHERE chat=?1 AND intent=0 ORDER BY local_id",
                                 error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, w->chat);
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    {
      DeskTimelineItem *item = g_new0 (DeskTimelineItem, 1);

      item->type = DESK_ITEM_PENDING;
      item->pending = desk_outbox_from_stmt (s, w->platform, w->user_id);
      item->order_key = item->pending->local_id;
      g_ptr_array_add (items, item);
    }
  return step != DESK_STEP_ERROR;
}

static gboolean
open_window (Window *w, DeskDb *db, const DeskTimelineQuery *q, gboolean *found, GError **error)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (
      db,
      "SELECT chat,is_level2,first_chat_seq,last_chat_seq,read_chat_seq,gaps FROM chat"
      " WHERE platform=?1 AND user_id=?2",
      error);
  DeskStep step;

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_text (s, 1, q->platform);
  desk_stmt_bind_text (s, 2, q->user_id);
  step = desk_stmt_step (s, error);
  *found = step == DESK_STEP_ROW;
  if (step != DESK_STEP_ROW)
    return step == DESK_STEP_DONE;
  w->db = db;
  w->platform = q->platform;
  w->user_id = q->user_id;
  w->chat = desk_stmt_column_int64 (s, 0);
  w->is_level2 = desk_stmt_column_int64 (s, 1) != 0;
  w->first_seq = desk_stmt_column_int64 (s, 2);
  w->last_seq = desk_stmt_column_int64 (s, 3);
  w->read_key = desk_stmt_column_int64 (s, 4);
  w->gaps = desk_stmt_column_int64 (s, 5);
  return TRUE;
}

/* The place that the anchor means. */
static gboolean
resolve_anchor (const Window *w, const DeskTimelineQuery *q, gint64 *key, GError **error)
{
  g_autoptr (DeskStmt) s = NULL;

  *key = q->anchor == DESK_ANCHOR_NEWEST ? G_MAXINT64 : q->order_key;
  if (q->anchor == DESK_ANCHOR_AFTER && *key < G_MAXINT64)
    *key += 1;
  if (q->anchor != DESK_ANCHOR_MESSAGE_ID)
    return TRUE;
  s = desk_db_prepare (w->db, "SELECT order_key FROM message WHERE id=?1 AND chat=?2", error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_text (s, 1, q->message_id);
  desk_stmt_bind_int64 (s, 2, w->chat);
  switch (desk_stmt_step (s, error))
    {
    case DESK_STEP_ROW:
      *key = desk_stmt_column_int64 (s, 0);
      return TRUE;
    case DESK_STEP_DONE:
      g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_NOT_FOUND,
                   "The message is not cached");
      return FALSE;
    case DESK_STEP_ERROR:
    default:
      return FALSE;
    }
}

/* Both sides of the anchor as one ascending list. */
static gboolean
load_window (Window *w,
             const DeskTimelineQuery *q,
             GPtrArray *list,
             DeskTimelinePage *page,
             GError **error)
{
  guint limit = CLAMP (q->limit, 1, MAX_LIMIT);
  gboolean around = q->anchor == DESK_ANCHOR_AROUND || q->anchor == DESK_ANCHOR_MESSAGE_ID;
  guint older = q->anchor == DESK_ANCHOR_AFTER ? 0 : around ? limit / 2 : limit;
  guint newer = q->anchor == DESK_ANCHOR_AFTER ? limit : around ? limit - limit / 2 : 0;
  g_autoptr (GPtrArray) before
      = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_timeline_item_free);
  gint64 key;

  if (!resolve_anchor (w, q, &key, error)
      || !load_side (w, TRUE, key, older, before, &page->has_older, error)
      || !load_side (w, FALSE, key, newer, list, &page->has_newer, error))
    return FALSE;
  while (before->len > 0)
    g_ptr_array_insert (list, 0, g_ptr_array_steal_index (before, 0));
  return TRUE;
}

static gboolean
server_has_older (const Window *w, GArray *covered, GPtrArray *list, const DeskTimelinePage *page)
{
  DeskInterval gap;
  const DeskTimelineItem *first;

  if (page->has_older)
    return FALSE;
  if (list->len == 0)
    return w->is_level2 ? find_gap (w, covered, 0, w->last_seq + 1, &gap) : w->gaps > 0;
  first = g_ptr_array_index (list, 0);
  if (!w->is_level2)
    return first->gap_first == 1; /* not woven yet: its gap_before */
  return first->order_key > 0 && find_gap (w, covered, 0, first->order_key, &gap);
}

static gboolean
fill_page (Window *w, const DeskTimelineQuery *q, DeskTimelinePage *page, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new ();
  g_autoptr (GArray) covered = NULL;
  gboolean newest, loaded;

  page->read_key = w->read_key;
  loaded = load_window (w, q, list, page, error);
  covered = loaded ? desk_ranges_load (w->db, w->chat, error) : NULL;
  if (covered == NULL)
    {
      g_ptr_array_set_free_func (list, (GDestroyNotify) desk_timeline_item_free);
      return FALSE;
    }
  newest = !page->has_newer;
  page->server_has_older = server_has_older (w, covered, list, page);
  g_clear_pointer (&page->items, g_ptr_array_unref);
  page->items = weave_gaps (w, covered, list, page->has_older, newest);
  if (!desk_query_changes (w->db, w->chat, w->platform, w->user_id, page->items, error))
    return FALSE;
  return !newest || add_pending (w, page->items, error);
}

DeskTimelinePage *
desk_query_timeline (DeskDb *db, const DeskTimelineQuery *q, GError **error)
{
  Window w = { 0 };
  gboolean found;
  g_autoptr (DeskTimelinePage) page = g_new0 (DeskTimelinePage, 1);

  page->items = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_timeline_item_free);
  /* One state of the file: the ranges must be those of the messages. */
  if (!desk_db_begin_read (db, error))
    return NULL;
  if (!open_window (&w, db, q, &found, error) || (found && !fill_page (&w, q, page, error)))
    {
      desk_db_rollback (db);
      return NULL;
    }
  desk_db_rollback (db);
  return g_steal_pointer (&page);
}

DeskMessage *
desk_query_message (DeskDb *db, const char *id, GError **error)
{
  g_autoptr (DeskTimelinePage) page = NULL;
  g_autofree char *platform = NULL;
  g_autofree char *user_id = NULL;
  DeskStmt *s = desk_db_prepare (
      db, "SELECT c.platform,c.user_id FROM message m JOIN chat c USING (chat) WHERE m.id=?1", error);
  DeskStep step;

  if (s == NULL)
    return NULL;
  desk_stmt_bind_text (s, 1, id);
  step = desk_stmt_step (s, error);
  if (step == DESK_STEP_ERROR)
    return NULL;
  if (step == DESK_STEP_ROW)
    {
      DeskTimelineQuery query = { .anchor = DESK_ANCHOR_MESSAGE_ID, .message_id = id, .limit = 1 };

      query.platform = platform = g_strdup (desk_stmt_column_text (s, 0));
      query.user_id = user_id = g_strdup (desk_stmt_column_text (s, 1));
      desk_stmt_reset (s);
      page = desk_query_timeline (db, &query, error);
      if (page == NULL)
        return NULL;
    }
  for (guint i = 0; page != NULL && i < page->items->len; i++)
    {
      DeskTimelineItem *item = g_ptr_array_index (page->items, i);

      if (item->type == DESK_ITEM_MESSAGE && g_strcmp0 (item->message->id, id) == 0)
        return g_steal_pointer (&item->message);
    }
  g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_NOT_FOUND, "The message is not cached");
  return NULL;
}
