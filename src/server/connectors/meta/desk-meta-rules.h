/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/meta/desk-meta-graph.h"
#include "server/service/desk-connector.h"

G_BEGIN_DECLS

/* The code of an outcome where the platform takes no free replies any more. */
#define DESK_META_WINDOW_CLOSED "WINDOW_CLOSED"

/* What an error code means for a message. */
typedef enum
{
  DESK_META_CLASS_TRANSIENT,  /* Meta's trouble; surely not sent: again */
  DESK_META_CLASS_RATE,       /* too many calls: the connection waits */
  DESK_META_CLASS_RATE_CHAT,  /* too many to this person: the chat waits */
  DESK_META_CLASS_ONCE,       /* once more, then refused */
  DESK_META_CLASS_WINDOW,     /* the window for free replies is closed */
  DESK_META_CLASS_REFUSED,    /* for good */
  DESK_META_CLASS_CONNECTION, /* the token, a permission or the account: nothing goes out */
} DeskMetaClass;

/**
 * DeskMetaRule:
 * @first: lowest code
 * @last: highest code
 * @subcode: 0 for any
 * @class: what it means
 * @wait_ms: of RATE and RATE_CHAT, where Meta does not tell; 0 for the default
 * @words: (nullable): for people; %NULL takes Meta's own
 *
 * A row of a platform's table of errors. The first row that fits counts; so rows with a subcode
 * stand before those without.
 */
typedef struct
{
  gint64 first, last;
  gint64 subcode;
  DeskMetaClass class;
  gint64 wait_ms;
  const char *words;
} DeskMetaRule;

/**
 * desk_meta_find_rule:
 * @rules: (nullable) (array length=n_rules): the platform's own rows; Meta's common ones follow
 *
 * Returns: (nullable): the row
 */
const DeskMetaRule *
desk_meta_find_rule (const DeskMetaRule *rules, gsize n_rules, gint64 code, gint64 subcode);

/**
 * desk_meta_outcome:
 * @reply: the answer to a send
 * @attempt: 1 for the first: a row of class ONCE is retried after that alone
 *
 * What an answer without an error means is for the platform to say: call this for every other one.
 * A request that left and has no readable answer is UNKNOWN, whatever its HTTP status. Pure.
 *
 * Returns: (transfer full): the outcome, %NULL if desk_meta_reply_is_ok()
 */
DeskOutcome *desk_meta_outcome (const DeskMetaReply *reply,
                                const DeskMetaRule *rules,
                                gsize n_rules,
                                guint attempt);

/**
 * DeskMetaVerdict:
 * @ok: the call succeeded
 * @health: of the connection, if not
 * @trouble: its kind
 * @reason: (nullable): what is wrong and what to do
 * @wait_ms: until the next try; -1: by growing steps
 */
typedef struct
{
  gboolean ok;
  DeskHealth health;
  DeskTrouble trouble;
  char *reason;
  gint64 wait_ms;
} DeskMetaVerdict;
void desk_meta_verdict_clear (DeskMetaVerdict *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DeskMetaVerdict, desk_meta_verdict_clear)

/* What the answer to a question about the account itself means for the connection. Pure. */
void desk_meta_judge (const DeskMetaReply *reply,
                      const DeskMetaRule *rules,
                      gsize n_rules,
                      DeskMetaVerdict *out);

G_END_DECLS
