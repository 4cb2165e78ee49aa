/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "app/desk-inbox.h"

G_BEGIN_DECLS

typedef enum
{
  DESK_EXPORT_HTML, /* a page that needs nothing else, for people and printers */
  DESK_EXPORT_JSON, /* {"chat":…,"messages":[…]} as on the wire, for programs */
} DeskExportFormat;

/**
 * desk_export_chat_async:
 *
 * Writes all that is cached of a chat, oldest first, and names what is missing; internal notes are in it
 * only if asked for. Page by page, so that a long chat neither stops the window nor fills the memory.
 * The file is replaced when everything is written; until then, and after a failure, the old one stands.
 */
void desk_export_chat_async (DeskInbox *inbox, const char *platform, const char *user_id, DeskExportFormat format,
                             gboolean with_notes, GFile *file, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer data);
/* Errors of the store and of G_IO_ERROR. */
gboolean desk_export_chat_finish (DeskInbox *inbox, GAsyncResult *result, guint *out_messages, GError **error);

/* The pieces of a page, for the tests: each appends. */
void desk_export_html_begin (GString *out, const char *title, const char *about);
void desk_export_html_item (GString *out, const DeskTimelineItem *item, const char *customer, const char *me);
void desk_export_html_end (GString *out);

G_END_DECLS
