/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* What Graph's answers mean for a message and for the connection.
 * Invariants: pure; decided by code and subcode, never by the HTTP status of an envelope or by its
 * words; a message is called unsent only if it surely is. Source of the common codes: Graph API,
 * "Handling errors" and "Rate limiting". */

#include "server/connectors/meta/desk-meta-rules.h"

#define RATE_RETRY_MS   (30 * 1000)
#define CHAT_RETRY_MS   (6 * 1000)
#define DOWN_RETRY_MS   (5 * 60 * 1000)
#define TOKEN_WORDS     "Meta refuses the access token. Make a new one and put it into the configuration"
#define EXPIRED_WORDS   "The access token has expired. Make a new one and put it into the configuration"
#define SIGN_OUT_WORDS  "The access token is void since its owner's password changed. Make a new one"
#define RIGHTS_WORDS    "The access token lacks a permission that this needs"
#define POLICY_WORDS    "Meta has blocked this account for breaking its rules. See its Account Quality page"
#define UNKNOWN_ID      "Meta does not know this id, or the access token may not see it"

static const DeskMetaRule common_rules[] = {
  { 190, 190, 463, DESK_META_CLASS_CONNECTION, 0, EXPIRED_WORDS },
  { 190, 190, 460, DESK_META_CLASS_CONNECTION, 0, SIGN_OUT_WORDS },
  { 190, 190, 0, DESK_META_CLASS_CONNECTION, 0, TOKEN_WORDS },
  { 102, 102, 0, DESK_META_CLASS_CONNECTION, 0, TOKEN_WORDS },
  { 0, 0, 0, DESK_META_CLASS_CONNECTION, 0, TOKEN_WORDS },
  { 1, 2, 0, DESK_META_CLASS_TRANSIENT, 0, "Meta had an internal error" },
  { 4, 4, 0, DESK_META_CLASS_RATE, 60000, "Meta asks to slow down" },
  { 17, 17, 0, DESK_META_CLASS_RATE, 60000, "Meta asks to slow down" },
  { 32, 32, 0, DESK_META_CLASS_RATE, 60000, "Meta asks to slow down" },
  { 613, 613, 0, DESK_META_CLASS_RATE, 60000, "Meta asks to slow down" },
  { 80000, 80014, 0, DESK_META_CLASS_RATE, 60000, "Meta asks to slow down" },
  { 1200, 1200, 0, DESK_META_CLASS_TRANSIENT, 0, "Meta had an internal error" },
  { 3, 3, 0, DESK_META_CLASS_CONNECTION, 0, RIGHTS_WORDS },
  { 10, 10, 0, DESK_META_CLASS_CONNECTION, 0, RIGHTS_WORDS },
  { 200, 299, 0, DESK_META_CLASS_CONNECTION, 0, RIGHTS_WORDS },
  { 368, 368, 0, DESK_META_CLASS_CONNECTION, 0, POLICY_WORDS },
  { 100, 100, 0, DESK_META_CLASS_REFUSED, 0, NULL },
};

static const DeskMetaRule *
find_in (const DeskMetaRule *rules, gsize n_rules, gint64 code, gint64 subcode)
{
  for (gsize i = 0; i < n_rules; i++)
    if (code >= rules[i].first && code <= rules[i].last
        && (rules[i].subcode == 0 || rules[i].subcode == subcode))
      return &rules[i];
  return NULL;
}

const DeskMetaRule *
desk_meta_find_rule (const DeskMetaRule *rules, gsize n_rules, gint64 code, gint64 subcode)
{
  const DeskMetaRule *rule = find_in (rules, n_rules, code, subcode);

  return rule != NULL ? rule
                      : find_in (common_rules, G_N_ELEMENTS (common_rules), code, subcode);
}

/* ── Messages ───────────────────────────────────────────────────────────────────────────────── */
static DeskOutcome *
outcome_of_rule (const DeskMetaReply *reply, const DeskMetaRule *rule, guint attempt)
{
  static const DeskOutcomeType types[] = {
    [DESK_META_CLASS_TRANSIENT] = DESK_OUTCOME_RETRY,
    [DESK_META_CLASS_RATE] = DESK_OUTCOME_RETRY,
    [DESK_META_CLASS_RATE_CHAT] = DESK_OUTCOME_RETRY,
    [DESK_META_CLASS_ONCE] = DESK_OUTCOME_RETRY,
    [DESK_META_CLASS_WINDOW] = DESK_OUTCOME_PERMANENT,
    [DESK_META_CLASS_REFUSED] = DESK_OUTCOME_PERMANENT,
    [DESK_META_CLASS_CONNECTION] = DESK_OUTCOME_CONNECTION,
  };
  const DeskMetaClass class = rule->class;
  const char *words = rule->words != NULL ? rule->words : reply->words;
  g_autofree char *number = g_strdup_printf ("%" G_GINT64_FORMAT, reply->code);
  DeskOutcomeType type = types[class];
  DeskOutcome *outcome;

  if (class == DESK_META_CLASS_ONCE && attempt > 1)
    type = DESK_OUTCOME_PERMANENT;
  outcome = desk_outcome_new (type,
                              class == DESK_META_CLASS_WINDOW ? DESK_META_WINDOW_CLOSED : number,
                              words != NULL ? words : "Meta refused the message");
  if (class == DESK_META_CLASS_RATE || class == DESK_META_CLASS_RATE_CHAT)
    {
      const gint64 usual = rule->wait_ms > 0              ? rule->wait_ms
                           : class == DESK_META_CLASS_RATE ? RATE_RETRY_MS
                                                           : CHAT_RETRY_MS;
      /* Meta tells no time for one person: twice as long each time */
      outcome->retry_after_ms = reply->retry_after_ms > 0 ? reply->retry_after_ms
                                : class == DESK_META_CLASS_RATE_CHAT
                                    ? usual << MIN (MAX (attempt, 1) - 1, 6)
                                    : usual;
      outcome->per_chat = class == DESK_META_CLASS_RATE_CHAT;
    }
  return outcome;
}

static DeskOutcome *
outcome_of_envelope (const DeskMetaReply *reply,
                     const DeskMetaRule *rules,
                     gsize n_rules,
                     guint attempt)
{
  const DeskMetaRule *rule = desk_meta_find_rule (rules, n_rules, reply->code, reply->subcode);
  const DeskMetaRule transient = { .class = DESK_META_CLASS_TRANSIENT };
  const DeskMetaRule rate = { .class = DESK_META_CLASS_RATE };
  const DeskMetaRule refused = { .class = DESK_META_CLASS_REFUSED };

  if (rule != NULL && !(reply->is_transient && rule->class == DESK_META_CLASS_REFUSED))
    return outcome_of_rule (reply, rule, attempt);
  if (reply->is_transient)
    return outcome_of_rule (reply, &transient, attempt);
  if (reply->http_status == 429)
    return outcome_of_rule (reply, &rate, attempt);
  if (reply->http_status < 500)
    return outcome_of_rule (reply, &refused, attempt);
  /* an error that we do not know, of a server in trouble: nobody can tell what it did before */
  return desk_outcome_new (DESK_OUTCOME_UNKNOWN, NULL,
                           reply->words != NULL ? reply->words : "Meta had an internal error");
}

DeskOutcome *
desk_meta_outcome (const DeskMetaReply *reply,
                   const DeskMetaRule *rules,
                   gsize n_rules,
                   guint attempt)
{
  g_autofree char *status = g_strdup_printf ("%u", reply->http_status);

  if (reply->trouble != NULL)
    return desk_outcome_new (reply->begun ? DESK_OUTCOME_UNKNOWN : DESK_OUTCOME_NOT_CONNECTED, NULL,
                             reply->trouble);
  if (reply->has_error)
    return outcome_of_envelope (reply, rules, n_rules, attempt);
  if (desk_meta_reply_is_ok (reply))
    return NULL;
  if (reply->http_status == 429)
    {
      DeskOutcome *outcome
          = desk_outcome_new (DESK_OUTCOME_RETRY, status, "Meta asks to slow down");
      outcome->retry_after_ms
          = reply->retry_after_ms > 0 ? reply->retry_after_ms : RATE_RETRY_MS;
      return outcome;
    }
  return desk_outcome_new (DESK_OUTCOME_UNKNOWN, status, "Meta's answer cannot be read");
}

/* ── The connection ─────────────────────────────────────────────────────────────────────────── */
void
desk_meta_verdict_clear (DeskMetaVerdict *self)
{
  g_clear_pointer (&self->reason, g_free);
}

static void
go_down (DeskMetaVerdict *out, DeskTrouble trouble, const char *reason)
{
  out->health = DESK_HEALTH_DOWN;
  out->trouble = trouble;
  out->wait_ms = DOWN_RETRY_MS;
  out->reason = g_strdup (reason);
}

static gboolean
is_about_token (gint64 code)
{
  return code == 190 || code == 102 || code == 0;
}

void
desk_meta_judge (const DeskMetaReply *reply,
                 const DeskMetaRule *rules,
                 gsize n_rules,
                 DeskMetaVerdict *out)
{
  const DeskMetaRule *rule
      = reply->has_error ? desk_meta_find_rule (rules, n_rules, reply->code, reply->subcode) : NULL;

  *out = (DeskMetaVerdict) { .health = DESK_HEALTH_DEGRADED,
                             .trouble = DESK_TROUBLE_PLATFORM,
                             .wait_ms = -1 };
  if (reply->trouble != NULL)
    {
      out->trouble = DESK_TROUBLE_UNREACHABLE;
      out->reason = g_strdup_printf ("No connection to Meta: %s", reply->trouble);
    }
  else if (desk_meta_reply_is_ok (reply))
    {
      out->ok = TRUE;
      out->health = DESK_HEALTH_OK;
      out->trouble = DESK_TROUBLE_NONE;
      out->wait_ms = 0;
    }
  else if (rule != NULL && rule->class == DESK_META_CLASS_CONNECTION)
    go_down (out, is_about_token (reply->code) ? DESK_TROUBLE_TOKEN : DESK_TROUBLE_PERMISSION,
             rule->words != NULL ? rule->words : reply->words);
  else if (reply->has_error && reply->code == 100)
    go_down (out, DESK_TROUBLE_CONFIG, UNKNOWN_ID);
  else if (reply->http_status == 429 || (rule != NULL && rule->class == DESK_META_CLASS_RATE))
    {
      out->trouble = DESK_TROUBLE_BUSY;
      out->wait_ms = reply->retry_after_ms > 0 ? reply->retry_after_ms : RATE_RETRY_MS;
      out->reason = g_strdup ("Meta asks to slow down");
    }
  else
    out->reason = g_strdup_printf ("Meta answers HTTP %u: %s", reply->http_status,
                                   reply->words != NULL ? reply->words : "no reason told");
}
