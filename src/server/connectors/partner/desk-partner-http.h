/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/partner/desk-partner-options.h"

G_BEGIN_DECLS

#define DESK_PARTNER_MAX_ANSWER (8 * 1024 * 1024)

/**
 * DeskPartnerReply:
 * @begun: whether any byte of the request may have left this machine
 * @cancelled: whether the caller gave up
 * @trouble: (nullable): why there is no complete HTTP answer
 * @status: 0 without an answer
 * @body_len: bytes of the answer
 * @root: (nullable): the answer if it is JSON
 * @code: the answer's own code where it tells one, else @status
 * @words: (nullable): the answer's own reason, without the connection's secrets
 * @retry_after_ms: -1 if not told
 */
typedef struct
{
  gboolean begun;
  gboolean cancelled;
  char *trouble;
  guint status;
  gsize body_len;
  JsonNode *root;
  gint64 code;
  char *words;
  gint64 retry_after_ms;
} DeskPartnerReply;
void desk_partner_reply_free (DeskPartnerReply *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskPartnerReply, desk_partner_reply_free)

/* Reads root, code and words out of the body of an answer with @status. For the client and tests. */
void desk_partner_reply_read (DeskPartnerReply *self,
                              const DeskConnection *connection,
                              const void *body,
                              gsize len);
/* An answer with JSON that says it went well. */
gboolean desk_partner_reply_is_good (const DeskPartnerReply *self);
/* What became of a message. Pure; transfer full. */
DeskOutcome *desk_partner_outcome (const DeskPartnerReply *reply, const DeskConnection *connection);

typedef struct _DeskPartnerHttp DeskPartnerHttp;
/* connection must live as long. Main thread. */
DeskPartnerHttp *desk_partner_http_new (const DeskConnection *connection);
void desk_partner_http_free (DeskPartnerHttp *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskPartnerHttp, desk_partner_http_free)

/**
 * desk_partner_http_call_async:
 * @path: from desk_partner_expand_path()
 * @json: (nullable): body of a POST, which is sent on a connection of its own and never repeated by
 *   the HTTP library; %NULL: a GET
 *
 * With the configured headers and, if there is one, the token.
 */
void desk_partner_http_call_async (DeskPartnerHttp *self,
                                   const char *path,
                                   const char *json,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer data);
/* Never fails: what went wrong stands in the reply. */
DeskPartnerReply *desk_partner_http_call_finish (GAsyncResult *result);

G_END_DECLS
