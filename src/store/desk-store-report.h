/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "store/desk-store.h"

/* Figures over what is cached: how much was written, by whom, and how long customers waited. */

G_BEGIN_DECLS

/* Messages of one span on one platform, internal notes and tombstones left out. */
typedef struct
{
  guint incoming;
  guint replies; /* of managers */
  guint bots;
} DeskReportCount;

typedef struct
{
  char *platform;
  DeskReportCount total;
  DeskReportCount *spans; /* one for each span of the report */
} DeskReportPlatform;

typedef struct
{
  char *username; /* nullable: a plain backend does not tell who */
  char *name;     /* nullable */
  guint replies;
  guint chats;            /* answered by this manager */
  GArray *first_replies;  /* of gint64: ms from the first unanswered message to the reply */
} DeskReportManager;

typedef struct
{
  gint64 *edges; /* n_spans + 1, ms UTC: span i is [edges[i], edges[i + 1]) */
  guint n_spans;
  guint chats;          /* with any message in the time */
  DeskReportCount total;
  GPtrArray *platforms;  /* of DeskReportPlatform, most messages first */
  GPtrArray *managers;   /* of DeskReportManager, most replies first */
  GArray *first_replies; /* of gint64 ms, ascending: all managers */
  GArray **span_replies; /* n_spans arrays of gint64 ms, ascending, by the time of the question */
  guint waiting;         /* customers without an answer now, in all chats that are not resolved */
  gint64 waiting_since_ms; /* of the longest waiting; 0 none */
} DeskReport;
void desk_report_free (DeskReport *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskReport, desk_report_free)

/**
 * desk_report_quantile:
 * @sorted: (element-type gint64): ascending
 * @q: 0 to 1; 0.5 is the median
 *
 * Returns: the value below which that part of them lies (nearest rank), -1 if there are none
 */
gint64 desk_report_quantile (const GArray *sorted, double q);

/**
 * desk_store_report_async:
 * @edges: (array length=n_edges): ms UTC, ascending; at least two
 *
 * Counts in slices of some thousand rows on the reader's thread, so that reads of the screen are
 * served in between. What is not cached is not counted. A wait begins with the first message after
 * the last reply of a manager, and ends with the next one; bots and notes end none. A wait that
 * began before the first edge is not counted.
 */
void desk_store_report_async (DeskStore *self, const gint64 *edges, guint n_edges, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer data);
/* Returns: (transfer full): or NULL with an error of the store, or G_IO_ERROR_CANCELLED. */
DeskReport *desk_store_report_finish (DeskStore *self, GAsyncResult *result, GError **error);

G_END_DECLS
