/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "server/service/desk-file-store.h"

G_BEGIN_DECLS

/* Longest answer that is read; 100 updates stay far below. */
#define DESK_TELEGRAM_MAX_ANSWER (16 * 1024 * 1024)

typedef struct _DeskTelegramApi DeskTelegramApi;

/**
 * DeskTelegramReply:
 * @begun: whether any byte of the request may have left this machine
 * @cancelled: whether the caller gave up
 * @trouble: (nullable): why there is no complete HTTP answer, in words without the URL
 * @http_status: 0 without an answer
 * @body: (nullable): the answer as it came; cut at %DESK_TELEGRAM_MAX_ANSWER
 * @root: (nullable): the answer if it is an envelope of the Bot API, that is an object with "ok"
 * @ok: what the envelope says
 * @result: (nullable) (transfer none): its "result", %NULL for null
 * @error_code: its "error_code", the HTTP status where it has none
 * @description: (nullable): its "description", without the token
 * @retry_after_ms: how long to wait, -1 if not told
 * @migrate_to_chat_id: (nullable): where a group moved to
 */
typedef struct
{
  gboolean begun;
  gboolean cancelled;
  char *trouble;
  guint http_status;
  GBytes *body;
  JsonNode *root;
  gboolean ok;
  JsonNode *result;
  gint64 error_code;
  char *description;
  gint64 retry_after_ms;
  char *migrate_to_chat_id;
} DeskTelegramReply;

void desk_telegram_reply_free (DeskTelegramReply *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskTelegramReply, desk_telegram_reply_free)

/**
 * desk_telegram_reply_read:
 * @self: a reply with http_status and body
 * @token: (nullable): never to be seen in a description
 *
 * Reads the envelope out of the body. For the client itself and for tests.
 */
void desk_telegram_reply_read (DeskTelegramReply *self, const char *token);

/**
 * desk_telegram_api_new:
 * @base_url: for example "https://api.telegram.org"
 * @token: the bot's secret; a copy is kept, and cleared when freed
 * @poll_timeout_s: longest time that getUpdates will be asked to wait; the socket waits 15 s more
 * @call_timeout_s: longest silence of the server in every other call
 *
 * A client of the Bot API on the main thread. TLS certificates are verified. It never logs and
 * never tells an URL, since each holds the token.
 */
DeskTelegramApi *desk_telegram_api_new (const char *base_url,
                                        const char *token,
                                        guint poll_timeout_s,
                                        guint call_timeout_s);
void desk_telegram_api_free (DeskTelegramApi *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskTelegramApi, desk_telegram_api_free)

/**
 * desk_telegram_api_get_async:
 * @self: the client
 * @method: for example "getUpdates"
 * @query: (nullable): an encoded query
 * @cancellable: (nullable): to give up
 * @callback: called on the main thread
 * @data: for @callback
 *
 * Asks for something that may be asked twice: an idle connection is used again, and the HTTP
 * library repeats the request by itself if that connection turns out to be dead.
 */
void desk_telegram_api_get_async (DeskTelegramApi *self,
                                  const char *method,
                                  const char *query,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer data);

/**
 * desk_telegram_api_post_async:
 * @self: the client
 * @method: for example "sendMessage"
 * @json: the parameters
 * @cancellable: (nullable): to give up
 * @callback: called on the main thread
 * @data: for @callback
 *
 * Does something that must not happen twice: always on a connection of its own and never repeated
 * by the HTTP library, no redirect is followed.
 */
void desk_telegram_api_post_async (DeskTelegramApi *self,
                                   const char *method,
                                   const char *json,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer data);

/* A file of a form. */
typedef struct
{
  const char *field;    /* for example "photo" */
  const char *filename; /* UTF-8 */
  const char *mime_type;
  GBytes *bytes;
} DeskTelegramUpload;

/**
 * desk_telegram_api_upload_async:
 * @method: for example "sendPhoto"
 * @fields: (array zero-terminated): names and values in turn
 * @files: (array length=n_files): borrowed for the call alone
 * @n_files: at least 1
 *
 * As desk_telegram_api_post_async(), as multipart/form-data.
 */
void desk_telegram_api_upload_async (DeskTelegramApi *self,
                                     const char *method,
                                     const char *const *fields,
                                     const DeskTelegramUpload *files,
                                     guint n_files,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer data);

/**
 * desk_telegram_api_download_async:
 * @file_path: as getFile told it
 * @upload: where to; borrowed, must live until @callback was called
 *
 * Fetches a file piece by piece.
 */
void desk_telegram_api_download_async (DeskTelegramApi *self,
                                       const char *file_path,
                                       DeskFileUpload *upload,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer data);
/* Whether upload holds the whole file. Errors are of G_IO_ERROR and DESK_FILE_STORE_ERROR; none tells the token. */
gboolean desk_telegram_api_download_finish (GAsyncResult *result, GError **error);

/* Never fails: what went wrong stands in the reply. */
DeskTelegramReply *desk_telegram_api_finish (GAsyncResult *result);

G_END_DECLS
