/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "model/desk-message.h"
#include "store/desk-store-files.h"

/* Files of messages as the screen sees them: where each stands, fetching, and the progress of uploads. One
 * object per DeskSync (desk_sync_get_files()). Nothing here blocks; all functions are called on the thread that
 * made the DeskSync, signals are emitted there.
 *
 * To show an attachment: desk_files_look() for its state, connect to "changed", and call
 * desk_files_show() when its row becomes visible (fetches small pictures and voice messages by itself). On a
 * click: desk_files_get_async(), then open the path, or desk_files_save_async().
 *
 * To attach: desk_store_stage_file_async(); keep the DeskStagedFile in the draft; on Send put the staged files into
 * DeskOutboxEntry.files and add the entry with clear_draft as for a text (its text is the caption). The
 * pending row of the timeline has them in item->pending->files; upload progress by "upload-changed". */

G_BEGIN_DECLS

typedef enum
{
  DESK_FILE_REMOTE,   /* on the server only, as far as is known */
  DESK_FILE_WAITING,  /* asked for, not begun: its turn has not come, or the server cannot be reached */
  DESK_FILE_FETCHING, /* done of total bytes */
  DESK_FILE_READY,    /* path */
  DESK_FILE_FAILED,   /* error; may be asked for again */
  DESK_FILE_GONE,     /* error; the server does not have it any more */
} DeskFilePhase;

typedef struct
{
  DeskFilePhase phase;
  gint64 done;
  gint64 total; /* -1 not known */
  char *path;   /* READY */
  char *error;  /* FAILED, GONE: for people */
} DeskFileState;

#define DESK_TYPE_FILES (desk_files_get_type ())
G_DECLARE_FINAL_TYPE (DeskFiles, desk_files, DESK, FILES, GObject)

/* Signals:
 *  "changed" (const char *key)        the state of the file with this key (desk_attachment_cache_key()) changed
 *  "upload-changed" (gint64 local_id) see desk_files_get_upload()
 */

/**
 * desk_files_look:
 * @attachment: of a message, or made of an avatar's link
 *
 * Where the file stands. What is not known yet is told as %DESK_FILE_REMOTE and asked of the cache;
 * "changed" follows if it is there.
 *
 * Returns: (transfer none): until the main loop runs again
 */
const DeskFileState *desk_files_look (DeskFiles *self, const DeskAttachment *attachment);

/* The attachment is on the screen: fetches it if it is a picture, sticker or voice message of the server's own and
 * not over the setting "download_auto_bytes". A failure is not repeated by showing it again. */
void desk_files_show (DeskFiles *self, const DeskMessage *message, const DeskAttachment *attachment);

/**
 * desk_files_get_async:
 * @message: whose file it is; its link is renewed by asking for the message again
 * @attachment: one of @message's
 *
 * Gives a local path, fetching the file if need be. Several callers share one download; it goes on if one of them
 * is cancelled, and stops with the last. Errors, each with a text for people: G_IO_ERROR_NOT_FOUND (gone),
 * _NOT_CONNECTED, _NO_SPACE, _INVALID_DATA (wrong checksum), _MESSAGE_TOO_LARGE, _CANCELLED, _FAILED.
 */
void desk_files_get_async (DeskFiles *self, const DeskMessage *message, const DeskAttachment *attachment,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
char *desk_files_get_finish (DeskFiles *self, GAsyncResult *result, GError **error);
/* A picture by link (https, or of the server itself, "/crm/files/…"): at most 4 MiB, never with the token to another
 * host. */
void desk_files_get_avatar_async (DeskFiles *self, const char *url, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer data);
char *desk_files_get_avatar_finish (DeskFiles *self, GAsyncResult *result, GError **error);
/* Stops a download, whoever asked for it. */
void desk_files_cancel (DeskFiles *self, const DeskAttachment *attachment);
/* As get, then copies the file to target, replacing what is there only when all is written. */
void desk_files_save_async (DeskFiles *self, const DeskMessage *message, const DeskAttachment *attachment, GFile *target,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
gboolean desk_files_save_finish (DeskFiles *self, GAsyncResult *result, GError **error);

/* The limits among the settings (desk-store-files.h) were changed. */
void desk_files_reload_settings (DeskFiles *self);

/* FALSE: this entry of the outbox is not being uploaded now. */
gboolean desk_files_get_upload (DeskFiles *self, gint64 local_id, gint64 *done, gint64 *total);
/* Stops an upload that is not complete: nothing was sent, the entry becomes FAILED and can be retried or
 * discarded. What was written completely is sent and cannot be stopped. A queued entry is simply discarded
 * (desk_batch_outbox_discard()). */
void desk_files_cancel_upload (DeskFiles *self, gint64 local_id);

G_END_DECLS
