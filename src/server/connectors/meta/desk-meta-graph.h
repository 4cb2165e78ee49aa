/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "server/service/desk-file-store.h"

G_BEGIN_DECLS

/* Longest answer that is read. */
#define DESK_META_MAX_ANSWER (4 * 1024 * 1024)

typedef struct _DeskMetaGraph DeskMetaGraph;

/**
 * DeskMetaReply:
 * @begun: the request began to leave: perhaps the platform acted on it
 * @cancelled: the caller gave up
 * @trouble: (nullable): why there is no complete HTTP answer
 * @http_status: 0 without an answer
 * @root: (nullable): the answer if it is JSON
 * @object: (nullable) (transfer none): the answer if it is a JSON object
 * @has_error: the answer is Graph's envelope of an error
 * @code: its "code"
 * @subcode: its "error_subcode", 0 without one
 * @is_transient: its "is_transient"
 * @words: (nullable): what it says, without the token
 * @retry_after_ms: how long to wait (Retry-After, estimated_time_to_regain_access), -1 if not told
 * @load_percent: the highest percentage of X-App-Usage and X-Business-Use-Case-Usage, 0 untold
 *
 * What came of one call.
 */
typedef struct
{
  gboolean begun;
  gboolean cancelled;
  char *trouble;
  guint http_status;
  JsonNode *root;
  JsonObject *object;
  gboolean has_error;
  gint64 code;
  gint64 subcode;
  gboolean is_transient;
  char *words;
  gint64 retry_after_ms;
  guint load_percent;
} DeskMetaReply;

DeskMetaReply *desk_meta_reply_new (void);
void desk_meta_reply_free (DeskMetaReply *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskMetaReply, desk_meta_reply_free)

/* Neither trouble nor an error: HTTP 2xx with a JSON object. */
gboolean desk_meta_reply_is_ok (const DeskMetaReply *self);

/**
 * desk_meta_reply_read:
 * @self: a reply with http_status
 * @text: the body
 * @len: its bytes
 * @token: (nullable): never to be seen in words
 *
 * Reads the body into @self. For the client itself and for tests.
 */
void desk_meta_reply_read (DeskMetaReply *self, const char *text, gsize len, const char *token);

/**
 * desk_meta_reply_read_load:
 * @self: a reply
 * @header: (nullable): value of X-App-Usage or of X-Business-Use-Case-Usage
 *
 * Adds what the header says of the load. Source: Graph API, "Rate limiting".
 */
void desk_meta_reply_read_load (DeskMetaReply *self, const char *header);

/**
 * desk_meta_graph_new:
 * @base_url: for example "https://graph.facebook.com"
 * @version: (nullable): for example "v23.0"
 * @token: the secret; a copy is kept, and cleared when freed
 * @timeout_s: longest silence of the server
 *
 * A client of the Graph API on the main thread. The token goes into the Authorization header and
 * nowhere else; redirects are not followed; TLS certificates are verified.
 */
DeskMetaGraph *
desk_meta_graph_new (const char *base_url, const char *version, const char *token, guint timeout_s);
void desk_meta_graph_free (DeskMetaGraph *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskMetaGraph, desk_meta_graph_free)

/* The next calls bear this token. */
void desk_meta_graph_set_token (DeskMetaGraph *self, const char *token);

/**
 * desk_meta_graph_get_wait_ms:
 *
 * How long Meta wants to be spared, from the load headers of the last answers: 0 if it does not.
 * Callers that can wait do. Monotonic clock.
 */
gint64 desk_meta_graph_get_wait_ms (const DeskMetaGraph *self);

/**
 * desk_meta_graph_get_async:
 * @path: below the version, encoded, with its query if there is one: "123/messages?limit=3"
 *
 * Asks for something that may be asked twice: libsoup may repeat it on another connection.
 */
void desk_meta_graph_get_async (DeskMetaGraph *self,
                                const char *path,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer data);

/**
 * desk_meta_graph_post_async:
 * @path: below the version, encoded
 * @json: the body
 *
 * Does something that must not happen twice: on a connection of its own, never repeated by itself.
 */
void desk_meta_graph_post_async (DeskMetaGraph *self,
                                 const char *path,
                                 const char *json,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer data);

/* As desk_meta_graph_post_async(), with the method DELETE and no body. */
void desk_meta_graph_delete_async (DeskMetaGraph *self,
                                   const char *path,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer data);

/* A file of a form; borrowed for the call alone. */
typedef struct
{
  const char *field;    /* "file", "filedata" */
  const char *filename; /* UTF-8 */
  const char *mime_type;
  GBytes *bytes;
} DeskMetaFile;

/**
 * desk_meta_graph_upload_async:
 * @fields: (array zero-terminated): names and values in turn
 *
 * As desk_meta_graph_post_async(), as multipart/form-data.
 */
void desk_meta_graph_upload_async (DeskMetaGraph *self,
                                   const char *path,
                                   const char *const *fields,
                                   const DeskMetaFile *file,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer data);

/* Of all calls above. Never fails: what went wrong stands in the reply. */
DeskMetaReply *desk_meta_graph_finish (GAsyncResult *result);

/**
 * desk_meta_graph_download_async:
 * @url: absolute, as Meta told it; https, except where @self's base_url is http
 * @with_token: whether the server wants the Authorization header; redirects are followed without it
 * @upload: where to; borrowed, must live until @callback was called
 *
 * Fetches a file piece by piece.
 */
void desk_meta_graph_download_async (DeskMetaGraph *self,
                                     const char *url,
                                     gboolean with_token,
                                     DeskFileUpload *upload,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer data);

/* Whether upload holds the whole file. Errors are of G_IO_ERROR and DESK_FILE_STORE_ERROR;
 * G_IO_ERROR_NOT_FOUND if the address is no longer good (HTTP 4xx). */
gboolean desk_meta_graph_download_finish (GAsyncResult *result, GError **error);

G_END_DECLS
