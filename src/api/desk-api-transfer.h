/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "api/desk-api.h"

/* Files over HTTP, streamed from and to the disk. */

G_BEGIN_DECLS

/* Called on the api's thread, with every piece; total -1: not known. */
typedef void (*DeskTransferProgress) (gint64 done, gint64 total, gpointer data);

typedef struct
{
  char *path;
  char *filename;
  char *mime_type;
  gint64 size; /* the file is sent only if it still has it */
} DeskUploadPart;
void desk_upload_part_free (DeskUploadPart *self);

/**
 * desk_api_upload_async:
 * @path: of the endpoint
 * @fields: the form's text fields
 * @parts: (element-type DeskUploadPart): its files
 * @stall_ms: the longest time without a byte of progress, and for the answer after the last byte
 *
 * Sends a form (multipart/form-data, RFC 7578), answered by desk_api_request_finish(). A form that was not written
 * to its end is worth nothing to any server, so until then a break is NOT_SENT; after that LOST.
 */
void desk_api_upload_async (DeskApi *self, const char *path, const DeskSendRequest *fields, GPtrArray *parts,
                            guint stall_ms, DeskTransferProgress progress, gpointer progress_data,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);

typedef enum
{
  DESK_DOWNLOAD_DONE,
  DESK_DOWNLOAD_BROKEN,    /* came in part or not at all: may be resumed at received */
  DESK_DOWNLOAD_REFUSED,   /* status tells why */
  DESK_DOWNLOAD_TOO_LARGE, /* over the limit: nothing more is read */
  DESK_DOWNLOAD_BAD,       /* redirected elsewhere, or an answer that makes no sense */
  DESK_DOWNLOAD_DISK,      /* could not be written: see error */
  DESK_DOWNLOAD_CANCELLED,
} DeskDownloadOutcome;

typedef struct
{
  DeskDownloadOutcome outcome;
  guint status;
  gint64 received; /* bytes in the file now */
  gint64 retry_after_ms; /* -1 not told */
  char *etag;      /* nullable: for the resumption */
  GError *error;   /* BROKEN, DISK */
} DeskDownload;
void desk_download_free (DeskDownload *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskDownload, desk_download_free)

/* TRUE if a link leads to the server itself: relative to /api/v1, or absolute with its scheme, host and port. */
gboolean desk_api_is_own_link (DeskApi *self, const char *link);

/**
 * desk_api_download_async:
 * @link: relative to /api/v1, or absolute; to another host than the server https only, and without the token
 * @fd: open for writing; not closed
 * @offset: bytes that it holds already: asked for from there (Range, RFC 9110 section 14); a server that cannot
 *   begins anew, and so does the file
 * @etag: (nullable): what an earlier part told (If-Range)
 * @max_bytes: the file is never larger
 * @stall_ms: the longest silence
 *
 * Redirections are followed within the server only, at most three.
 */
void desk_api_download_async (DeskApi *self, const char *link, int fd, gint64 offset, const char *etag, gint64 max_bytes,
                              guint stall_ms, DeskTransferProgress progress, gpointer progress_data,
                              GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
DeskDownload *desk_api_download_finish (DeskApi *self, GAsyncResult *result); /* never NULL */

G_END_DECLS
