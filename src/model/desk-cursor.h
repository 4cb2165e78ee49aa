/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* How far the event log was applied: an epoch and a sequence number for each log partition. Text
 * form "EPOCH:p-seq,p-seq,…", partitions ascending. The epoch is 1 to 32 of [A-Za-z0-9_]. */

G_BEGIN_DECLS

typedef struct _DeskCursor DeskCursor;

/* 1 to 32 of [A-Za-z0-9_]: what desk_cursor_new() takes. */
gboolean desk_cursor_epoch_is_valid (const char *epoch);
DeskCursor *desk_cursor_new (const char *epoch);
DeskCursor *desk_cursor_copy (const DeskCursor *self);
void desk_cursor_free (DeskCursor *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskCursor, desk_cursor_free)

/* NULL for anything not exactly of the form: partitions ascending, no leading zeros. "EPOCH:" alone is
 * a cursor that knows no partition (at most 1024 partitions, no duplicates, 0 ≤ seq). */
DeskCursor *desk_cursor_parse (const char *text);
char *desk_cursor_format (const DeskCursor *self);

const char *desk_cursor_get_epoch (const DeskCursor *self);
gint64 desk_cursor_get (const DeskCursor *self, guint partition); /* 0 if unknown */
/* Beyond 1024 partitions a new one is ignored. */
void desk_cursor_set (DeskCursor *self, guint partition, gint64 seq);
guint desk_cursor_get_n_partitions (const DeskCursor *self);
void desk_cursor_get_nth (const DeskCursor *self, guint n, guint *out_partition, gint64 *out_seq);
gboolean desk_cursor_equal (const DeskCursor *a, const DeskCursor *b);

G_END_DECLS
