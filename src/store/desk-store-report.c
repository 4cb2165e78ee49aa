/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "store/desk-store-report.h"

#include <math.h>

#include "store/desk-store-private.h"

/* Reports read every message of their time once, in the order of its row number, which is that of
 * created_at. There is one reader for everything, so a report asks for a slice at a time and counts it
 * on the caller's thread before it asks for the next: a search that is typed meanwhile waits for one
 * slice at most (4,000 rows: some milliseconds).
 *
 * Order by a clock is good enough here: it measures spans of time and orders nothing on the screen. */

#define SLICE_ROWS 4000

typedef struct
{
  gint64 row;
  gint64 chat;
  gint64 at_ms;
  gboolean incoming;
  DeskSender sender;
  char *platform;
  char *sender_id;
  char *sender_name;
} ReportRow;

typedef struct
{
  GArray *rows; /* of ReportRow */
  gint64 waiting, waiting_since_ms;
} Slice;

typedef struct
{
  gint64 after_row, end_row;
} SliceQuery;

/* What is known of a chat while its messages go by. */
typedef struct
{
  gint64 since_ms; /* the first message without an answer; 0 none */
  GHashTable *managers; /* set of DeskReportManager who answered */
} Wait;

typedef struct
{
  DeskReport *report;
  SliceQuery next;
  GHashTable *platforms; /* name → DeskReportPlatform, borrowed from the report */
  GHashTable *managers;  /* key → DeskReportManager, likewise */
  GHashTable *waits;     /* chat → Wait */
} Counting;

static void
clear_row (gpointer data)
{
  ReportRow *row = data;

  g_free (row->platform);
  g_free (row->sender_id);
  g_free (row->sender_name);
}

static void
slice_free (gpointer data)
{
  Slice *slice = data;

  g_array_unref (slice->rows);
  g_free (slice);
}

static void
platform_free (gpointer data)
{
  DeskReportPlatform *self = data;

  g_free (self->platform);
  g_free (self->spans);
  g_free (self);
}

static void
manager_free (gpointer data)
{
  DeskReportManager *self = data;

  g_free (self->username);
  g_free (self->name);
  g_array_unref (self->first_replies);
  g_free (self);
}

static void
wait_free (gpointer data)
{
  Wait *self = data;

  g_hash_table_unref (self->managers);
  g_free (self);
}

void
desk_report_free (DeskReport *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n_spans; i++)
    g_array_unref (self->span_replies[i]);
  g_free (self->span_replies);
  g_array_unref (self->first_replies);
  g_ptr_array_unref (self->platforms);
  g_ptr_array_unref (self->managers);
  g_free (self->edges);
  g_free (self);
}

static void
counting_free (gpointer data)
{
  Counting *self = data;

  g_clear_pointer (&self->report, desk_report_free);
  g_hash_table_unref (self->platforms);
  g_hash_table_unref (self->managers);
  g_hash_table_unref (self->waits);
  g_free (self);
}

gint64
desk_report_quantile (const GArray *sorted, double q)
{
  guint rank;

  if (sorted->len == 0)
    return -1;
  rank = (guint) ceil (CLAMP (q, 0, 1) * sorted->len);
  return g_array_index (sorted, gint64, MAX (rank, 1) - 1);
}

/* ── Reading ────────────────────────────────────────────────────────────────────────────────── */

static gboolean
read_waiting (DeskDb *db, Slice *slice, GError **error)
{
  DeskStmt *s = desk_db_prepare (
      db, "SELECT count(*),coalesce(min(waiting_since_ms),0) FROM chat WHERE waiting_since_ms>0 AND state<>?1", error);
  DeskStep step;

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, DESK_CHAT_STATE_RESOLVED);
  step = desk_stmt_step (s, error);
  if (step == DESK_STEP_ROW)
    {
      slice->waiting = desk_stmt_column_int64 (s, 0);
      slice->waiting_since_ms = desk_stmt_column_int64 (s, 1);
    }
  desk_stmt_reset (s);
  return step == DESK_STEP_ROW;
}

static void
add_row (Slice *slice, DeskStmt *s)
{
  ReportRow row = {
    .row = desk_stmt_column_int64 (s, 0),
    .chat = desk_stmt_column_int64 (s, 1),
    .platform = g_strdup (desk_stmt_column_text (s, 2)),
    .at_ms = desk_stmt_column_int64 (s, 3),
    .incoming = desk_stmt_column_int64 (s, 4) == DESK_DIRECTION_INCOMING,
    .sender = desk_stmt_column_int64 (s, 5),
    .sender_id = g_strdup (desk_stmt_column_text (s, 6)),
    .sender_name = g_strdup (desk_stmt_column_text (s, 7)),
  };

  g_array_append_val (slice->rows, row);
}

/* Rows that count nowhere are read all the same: the slice must say where it ended. */
static gpointer
read_slice (DeskDb *db, gconstpointer params, GError **error)
{
  const SliceQuery *q = params;
  Slice *slice = g_new0 (Slice, 1);
  DeskStep step = DESK_STEP_ERROR;
  DeskStmt *s;

  slice->rows = g_array_new (FALSE, FALSE, sizeof (ReportRow));
  g_array_set_clear_func (slice->rows, clear_row);
  s = desk_db_prepare (db,
                       "SELECT m.message,m.chat,c.platform,m.created_at_ms,m.direction,m.sender,m.sender_id,"
                       "m.sender_name FROM message m JOIN chat c ON c.chat=m.chat"
                       " WHERE m.message>?1 AND m.message<?2 AND m.is_private=0 AND m.deleted_at_ms=0 AND m.kind<>?3"
                       " ORDER BY m.message LIMIT ?4",
                       error);
  if (s != NULL)
    {
      desk_stmt_bind_int64 (s, 1, q->after_row);
      desk_stmt_bind_int64 (s, 2, q->end_row);
      desk_stmt_bind_int64 (s, 3, DESK_KIND_SYSTEM);
      desk_stmt_bind_int64 (s, 4, SLICE_ROWS);
      while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
        add_row (slice, s);
    }
  /* The figures of now belong to the end of the report. */
  if (step == DESK_STEP_ERROR || (slice->rows->len < SLICE_ROWS && !read_waiting (db, slice, error)))
    g_clear_pointer (&slice, slice_free);
  return slice;
}

/* ── Counting ───────────────────────────────────────────────────────────────────────────────── */

static DeskReportPlatform *
get_platform (Counting *self, const char *name)
{
  DeskReportPlatform *platform = g_hash_table_lookup (self->platforms, name);

  if (platform == NULL)
    {
      platform = g_new0 (DeskReportPlatform, 1);
      platform->platform = g_strdup (name);
      platform->spans = g_new0 (DeskReportCount, self->report->n_spans);
      g_ptr_array_add (self->report->platforms, platform);
      g_hash_table_insert (self->platforms, platform->platform, platform);
    }
  return platform;
}

static DeskReportManager *
get_manager (Counting *self, const ReportRow *row)
{
  const char *key = row->sender_id ? row->sender_id : "";
  DeskReportManager *manager = g_hash_table_lookup (self->managers, key);

  if (manager == NULL)
    {
      manager = g_new0 (DeskReportManager, 1);
      manager->username = g_strdup (row->sender_id);
      manager->first_replies = g_array_new (FALSE, FALSE, sizeof (gint64));
      g_ptr_array_add (self->report->managers, manager);
      g_hash_table_insert (self->managers, g_strdup (key), manager);
    }
  if (row->sender_name != NULL && *row->sender_name != '\0')
    {
      g_free (manager->name); /* the newest name counts */
      manager->name = g_strdup (row->sender_name);
    }
  return manager;
}

static Wait *
get_wait (Counting *self, gint64 chat)
{
  Wait *wait = g_hash_table_lookup (self->waits, &chat);

  if (wait == NULL)
    {
      wait = g_new0 (Wait, 1);
      wait->managers = g_hash_table_new (NULL, NULL);
      g_hash_table_insert (self->waits, g_memdup2 (&chat, sizeof chat), wait);
      self->report->chats++;
    }
  return wait;
}

static guint
find_span (const DeskReport *report, gint64 at_ms)
{
  guint low = 0, high = report->n_spans;

  while (high - low > 1)
    {
      guint middle = (low + high) / 2;

      if (report->edges[middle] <= at_ms)
        low = middle;
      else
        high = middle;
    }
  return low;
}

static void
count_reply (Counting *self, const ReportRow *row, Wait *wait)
{
  DeskReportManager *manager = get_manager (self, row);

  manager->replies++;
  if (g_hash_table_add (wait->managers, manager))
    manager->chats++;
  if (wait->since_ms > 0)
    {
      gint64 waited_ms = MAX (row->at_ms - wait->since_ms, 0);
      guint span = find_span (self->report, wait->since_ms);

      g_array_append_val (manager->first_replies, waited_ms);
      g_array_append_val (self->report->first_replies, waited_ms);
      g_array_append_val (self->report->span_replies[span], waited_ms);
      wait->since_ms = 0;
    }
}

static void
count_row (Counting *self, const ReportRow *row)
{
  DeskReportPlatform *platform = get_platform (self, row->platform);
  DeskReportCount *span = &platform->spans[find_span (self->report, row->at_ms)];
  Wait *wait = get_wait (self, row->chat);

  if (row->incoming)
    {
      span->incoming++;
      if (wait->since_ms == 0)
        wait->since_ms = row->at_ms;
    }
  else if (row->sender == DESK_SENDER_BOT)
    span->bots++;
  else
    {
      span->replies++;
      count_reply (self, row, wait);
    }
}

static void
add_count (DeskReportCount *to, const DeskReportCount *from)
{
  to->incoming += from->incoming;
  to->replies += from->replies;
  to->bots += from->bots;
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return (x > y) - (x < y);
}

static int
compare_platforms (gconstpointer a, gconstpointer b)
{
  const DeskReportPlatform *x = *(DeskReportPlatform *const *) a, *y = *(DeskReportPlatform *const *) b;
  guint n = x->total.incoming + x->total.replies + x->total.bots;
  guint m = y->total.incoming + y->total.replies + y->total.bots;

  return n != m ? (n < m ? 1 : -1) : g_strcmp0 (x->platform, y->platform);
}

static int
compare_managers (gconstpointer a, gconstpointer b)
{
  const DeskReportManager *x = *(DeskReportManager *const *) a, *y = *(DeskReportManager *const *) b;

  return x->replies != y->replies ? (x->replies < y->replies ? 1 : -1) : g_strcmp0 (x->username, y->username);
}

static void
finish_counting (Counting *self, const Slice *last)
{
  DeskReport *report = self->report;

  for (guint i = 0; i < report->platforms->len; i++)
    {
      DeskReportPlatform *platform = g_ptr_array_index (report->platforms, i);

      for (guint j = 0; j < report->n_spans; j++)
        add_count (&platform->total, &platform->spans[j]);
      add_count (&report->total, &platform->total);
    }
  for (guint i = 0; i < report->managers->len; i++)
    g_array_sort (((DeskReportManager *) g_ptr_array_index (report->managers, i))->first_replies, compare_times);
  for (guint i = 0; i < report->n_spans; i++)
    g_array_sort (report->span_replies[i], compare_times);
  g_array_sort (report->first_replies, compare_times);
  g_ptr_array_sort (report->platforms, compare_platforms);
  g_ptr_array_sort (report->managers, compare_managers);
  report->waiting = last->waiting;
  report->waiting_since_ms = last->waiting_since_ms;
}

/* ── The calls ──────────────────────────────────────────────────────────────────────────────── */

static void on_slice (GObject *source, GAsyncResult *result, gpointer data);

static void
ask_slice (GTask *task)
{
  DeskStore *store = g_task_get_source_object (task);
  Counting *counting = g_task_get_task_data (task);

  desk_store_read_async (store, read_slice, g_memdup2 (&counting->next, sizeof counting->next), g_free,
                         slice_free, ask_slice, g_task_get_cancellable (task), on_slice, task);
}

static void
on_slice (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Counting *counting = g_task_get_task_data (task);
  GError *error = NULL;
  Slice *slice = g_task_propagate_pointer (G_TASK (result), &error);

  if (slice == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  for (guint i = 0; i < slice->rows->len; i++)
    count_row (counting, &g_array_index (slice->rows, ReportRow, i));
  if (slice->rows->len == SLICE_ROWS)
    {
      counting->next.after_row = g_array_index (slice->rows, ReportRow, SLICE_ROWS - 1).row;
      ask_slice (g_steal_pointer (&task));
    }
  else
    {
      finish_counting (counting, slice);
      g_task_return_pointer (task, g_steal_pointer (&counting->report), (GDestroyNotify) desk_report_free);
    }
  slice_free (slice);
}

static DeskReport *
report_new (const gint64 *edges, guint n_edges)
{
  DeskReport *report = g_new0 (DeskReport, 1);

  report->edges = g_memdup2 (edges, n_edges * sizeof *edges);
  report->n_spans = n_edges - 1;
  report->platforms = g_ptr_array_new_with_free_func (platform_free);
  report->managers = g_ptr_array_new_with_free_func (manager_free);
  report->first_replies = g_array_new (FALSE, FALSE, sizeof (gint64));
  report->span_replies = g_new0 (GArray *, report->n_spans);
  for (guint i = 0; i < report->n_spans; i++)
    report->span_replies[i] = g_array_new (FALSE, FALSE, sizeof (gint64));
  return report;
}

void
desk_store_report_async (DeskStore *self, const gint64 *edges, guint n_edges, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer data)
{
  GTask *task;
  Counting *counting;

  g_return_if_fail (DESK_IS_STORE (self) && edges != NULL && n_edges >= 2);
  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, desk_store_report_async);
  counting = g_new0 (Counting, 1);
  counting->report = report_new (edges, n_edges);
  counting->next.after_row = desk_order_key_level0 (edges[0], 0) - 1;
  counting->next.end_row = desk_order_key_level0 (edges[n_edges - 1], 0);
  counting->platforms = g_hash_table_new (g_str_hash, g_str_equal);
  counting->managers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  counting->waits = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, wait_free);
  g_task_set_task_data (task, counting, counting_free);
  ask_slice (task);
}

DeskReport *
desk_store_report_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
