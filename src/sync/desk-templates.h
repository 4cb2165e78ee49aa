/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/desk-template.h"
#include "sync/desk-sync.h"

G_BEGIN_DECLS

/**
 * desk_sync_list_templates_async:
 * @platform: with @user_id: the chat in which one is to be sent
 * @cancellable: (nullable): gives up; nothing is called then but the callback
 *
 * Which templates the platform has approved for the connection of this chat. What was told within
 * the last ten minutes is not asked again; without an answer of the server what was told last serves. Works with a
 * DeskSync that was made for files only, too. A plain backend has none: G_IO_ERROR_NOT_SUPPORTED.
 *
 * On the thread that made the object.
 */
void desk_sync_list_templates_async (DeskSync *self, const char *platform, const char *user_id,
                                     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
/* Returns: (transfer full) (element-type DeskTemplate): maybe empty. Errors, each with a text for people:
 * G_IO_ERROR_NOT_CONNECTED, _PERMISSION_DENIED, _NOT_FOUND (no such chat), _NOT_SUPPORTED, _FAILED, _CANCELLED. */
GPtrArray *desk_sync_list_templates_finish (DeskSync *self, GAsyncResult *result, GError **error);

/* The one with that name, in that language (NULL: the first one); NULL if there is none. Borrowed. */
const DeskTemplate *desk_templates_find (GPtrArray *templates, const char *name, const char *language);

G_END_DECLS
