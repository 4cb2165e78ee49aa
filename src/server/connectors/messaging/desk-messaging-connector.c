/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* The connection to a page (Messenger) or a professional account (Instagram):
 *
 *   IDENTIFY → SUBSCRIPTION → (SUBSCRIBE) → IDENTIFY after a while ⟲
 *
 * Invariants: one request of the chain at a time; a failed step is repeated later and never at
 * once; a token of another account never turns the connection green; what is authentic is
 * confirmed; tokens are never logged. */

#include "server/connectors/messaging/desk-messaging-connector.h"

#include <string.h>

#include "common/desk-backoff.h"
#include "server/connectors/messaging/desk-messaging-ask.h"
#include "server/connectors/messaging/desk-messaging-send.h"
#include "server/connectors/messaging/desk-messaging-typing.h"
#include "server/connectors/messaging/desk-messaging-webhook.h"
#include "server/connectors/meta/desk-meta-fetch.h"

#define CALL_TIMEOUT_S  30
#define WATCH_MS        (15 * 60 * 1000) /* between two looks at a token that is good */
#define REFUSED_MS      (5 * 60 * 1000)  /* before a refused connection is asked about again */
#define BACKOFF_BASE_MS 1000
#define BACKOFF_CAP_MS  60000
#define MAX_FILE        (100 * 1024 * 1024) /* bytes of a file that is fetched */

typedef enum
{
  STEP_IDENTIFY,
  STEP_SUBSCRIPTION,
  STEP_SUBSCRIBE,
} Step;

struct _DeskMessagingConnector
{
  DeskConnector parent_instance;

  const DeskMessagingFlavour *flavour;
  DeskMetaGraph *graph;
  DeskMessagingSender sender;
  DeskMetaFetcher *fetcher; /* NULL while stopped */
  DeskPlatform *platform;
  DeskMessagingKeeper keeper;
  char *own_host;
  char *warning; /* nullable */
  DeskMessagingTyping *typing;

  Step step;
  GCancellable *cancellable; /* NULL while stopped */
  guint timer;
  guint failures; /* in a row, for the backoff */
  gboolean usable; /* replies go out */
  char *told;      /* nullable: the last report of health */
  guint token_no; /* answers to an older token's questions say nothing */
};

G_DEFINE_FINAL_TYPE (DeskMessagingConnector, desk_messaging_connector, DESK_TYPE_CONNECTOR)

static void run_step (DeskMessagingConnector *self);

static const DeskPlatform *
get_platform (DeskConnector *connector)
{
  return DESK_MESSAGING_CONNECTOR (connector)->platform;
}

/* What has not changed is not told again. */
static void
report (DeskMessagingConnector *self, DeskHealth health, DeskTrouble trouble, const char *reason)
{
  g_autofree char *now
      = g_strdup_printf ("%d %d %s", health, trouble, reason != NULL ? reason : "");

  if (g_strcmp0 (now, self->told) == 0)
    return;
  g_free (self->told);
  self->told = g_steal_pointer (&now);
  desk_connector_report_health (DESK_CONNECTOR (self), health, trouble, reason);
}

static void
report_unusable (DeskMessagingConnector *self,
                 DeskHealth health,
                 DeskTrouble trouble,
                 const char *reason)
{
  self->usable = FALSE;
  report (self, health, trouble, reason);
}

/* Replies go out; what waited for that goes on at "ok", whatever else is to be told. */
static void
report_usable (DeskMessagingConnector *self, DeskTrouble trouble, const char *reason)
{
  if (!self->usable || trouble == DESK_TROUBLE_NONE)
    report (self, DESK_HEALTH_OK, DESK_TROUBLE_NONE, NULL);
  self->usable = TRUE;
  if (trouble != DESK_TROUBLE_NONE)
    report (self, DESK_HEALTH_DEGRADED, trouble, reason);
}

/* ── The chain of steps ─────────────────────────────────────────────────────────────────────── */
static gboolean
on_timer (gpointer data)
{
  DeskMessagingConnector *self = data;

  self->timer = 0;
  run_step (self);
  return G_SOURCE_REMOVE;
}

static void
schedule (DeskMessagingConnector *self, Step step, gint64 wait_ms)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  self->step = step;
  self->timer = g_timeout_add ((guint)CLAMP (wait_ms, 0, G_MAXINT32), on_timer, self);
}

/* wait_ms -1: by growing steps */
static void
retry_later (DeskMessagingConnector *self, gint64 wait_ms)
{
  DeskConnectorHost *host = desk_connector_get_host (DESK_CONNECTOR (self));

  if (wait_ms < 0)
    wait_ms = desk_backoff_equal_jitter_ms (self->failures, BACKOFF_BASE_MS, BACKOFF_CAP_MS,
                                            host->random);
  self->failures++;
  schedule (self, STEP_IDENTIFY, wait_ms);
}

static void
settle (DeskMessagingConnector *self)
{
  self->failures = 0;
  report_usable (self, self->warning != NULL ? DESK_TROUBLE_TOKEN : DESK_TROUBLE_NONE,
                 self->warning);
  schedule (self, STEP_IDENTIFY, WATCH_MS);
}

void
desk_messaging_connector_set_warning (DeskMessagingConnector *self, const char *warning)
{
  g_return_if_fail (DESK_IS_MESSAGING_CONNECTOR (self));
  if (g_strcmp0 (self->warning, warning) == 0)
    return;
  g_free (self->warning);
  self->warning = g_strdup (warning);
  if (self->cancellable != NULL && self->usable)
    report_usable (self, warning != NULL ? DESK_TROUBLE_TOKEN : DESK_TROUBLE_NONE, warning);
}

void
desk_messaging_connector_set_token (DeskMessagingConnector *self, const char *token)
{
  g_return_if_fail (DESK_IS_MESSAGING_CONNECTOR (self) && token != NULL);
  desk_meta_graph_set_token (self->graph, token);
  self->token_no++;
  if (self->cancellable != NULL)
    schedule (self, STEP_IDENTIFY, 0);
}

static void
handle_account (DeskMessagingConnector *self, JsonObject *answer)
{
  const DeskConnection *connection = desk_connector_get_connection (DESK_CONNECTOR (self));
  g_autofree char *id = desk_messaging_account_id (self->flavour, answer);

  if (id != NULL && (connection->account_id == NULL || strcmp (connection->account_id, id) == 0))
    {
      schedule (self, STEP_SUBSCRIPTION, 0);
      return;
    }
  g_autofree char *reason
      = id != NULL ? g_strdup_printf ("The token belongs to the account %s, not to account_id %s of "
                                      "the configuration",
                                      id, connection->account_id)
                   : g_strdup_printf ("The token belongs to no account of %s",
                                      self->flavour->api_title);
  report_unusable (self, DESK_HEALTH_DOWN, DESK_TROUBLE_CONFIG, reason);
  retry_later (self, REFUSED_MS);
}

/* Without the subscription nothing arrives: the connection is not green, but replies go out. */
static void
handle_no_subscription (DeskMessagingConnector *self, const char *words)
{
  g_autofree char *reason = g_strdup_printf ("%s does not deliver messages to this app: %s",
                                             self->flavour->api_title, words);

  self->failures++;
  report_usable (self, DESK_TROUBLE_WEBHOOK, reason);
  schedule (self, STEP_IDENTIFY, REFUSED_MS);
}

static void
handle_success (DeskMessagingConnector *self, const DeskMetaReply *reply)
{
  g_autofree char *missing = NULL;

  switch (self->step)
    {
    case STEP_IDENTIFY:
      handle_account (self, reply->object);
      break;
    case STEP_SUBSCRIPTION:
      missing = desk_messaging_missing_fields (self->flavour, reply->object);
      if (missing != NULL)
        schedule (self, STEP_SUBSCRIBE, 0);
      else
        settle (self);
      break;
    case STEP_SUBSCRIBE:
      settle (self);
      break;
    }
}

typedef struct
{
  DeskMessagingConnector *self;
  GCancellable *run;
  guint token_no;
} StepCall;

static void
on_step_reply (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree StepCall *call = data;
  g_autoptr (DeskMessagingConnector) self = call->self;
  g_autoptr (GCancellable) run = call->run;
  g_autoptr (DeskMetaReply) reply = desk_meta_graph_finish (result);
  g_auto (DeskMetaVerdict) verdict = { 0 };

  if (self->cancellable != run || self->token_no != call->token_no)
    return; /* stopped meanwhile, or asked again with another token */
  desk_meta_judge (reply, self->flavour->rules, self->flavour->n_rules, &verdict);
  if (verdict.ok)
    handle_success (self, reply);
  else if (self->step != STEP_IDENTIFY && reply->has_error
           && desk_messaging_trouble_of (reply) != DESK_TROUBLE_TOKEN)
    handle_no_subscription (self, verdict.reason);
  else
    {
      report_unusable (self, verdict.health, desk_messaging_trouble_of (reply), verdict.reason);
      retry_later (self, verdict.wait_ms);
    }
}

static void
run_step (DeskMessagingConnector *self)
{
  g_autofree char *text = NULL;
  StepCall *call = g_new0 (StepCall, 1);

  call->self = g_object_ref (self);
  call->run = g_object_ref (self->cancellable);
  call->token_no = self->token_no;
  switch (self->step)
    {
    case STEP_IDENTIFY:
      text = g_strconcat ("me?fields=", self->flavour->identify_fields, NULL);
      desk_meta_graph_get_async (self->graph, text, call->run, on_step_reply, call);
      break;
    case STEP_SUBSCRIPTION:
      desk_meta_graph_get_async (self->graph, "me/subscribed_apps", call->run, on_step_reply, call);
      break;
    case STEP_SUBSCRIBE:
      text = desk_messaging_format_subscription (self->flavour);
      desk_meta_graph_post_async (self->graph, "me/subscribed_apps", text, call->run, on_step_reply,
                                  call);
      break;
    }
}

static void
start (DeskConnector *connector)
{
  DeskMessagingConnector *self = DESK_MESSAGING_CONNECTOR (connector);
  DeskConnectorHost *host = desk_connector_get_host (connector);

  if (self->cancellable != NULL)
    return;
  self->cancellable = g_cancellable_new ();
  if (host->files != NULL)
    self->fetcher
        = desk_meta_fetcher_new (self->graph, host, desk_connector_get_connection (connector)->name,
                                 DESK_META_FETCH_BY_URL, MAX_FILE);
  self->failures = 0;
  report_unusable (self, DESK_HEALTH_STARTING, DESK_TROUBLE_NONE, NULL);
  schedule (self, STEP_IDENTIFY, 0);
  if (self->keeper.start != NULL)
    self->keeper.start (self->keeper.data);
}

static void
stop (DeskConnector *connector)
{
  DeskMessagingConnector *self = DESK_MESSAGING_CONNECTOR (connector);
  g_autoptr (GCancellable) run = g_steal_pointer (&self->cancellable);

  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_pointer (&self->fetcher, desk_meta_fetcher_free);
  if (self->keeper.stop != NULL)
    self->keeper.stop (self->keeper.data);
  if (run != NULL)
    g_cancellable_cancel (run);
}

/* ── Webhook requests, on an HTTP thread ────────────────────────────────────────────────────── */
static DeskMessagingReader
get_reader (DeskConnector *connector)
{
  DeskMessagingConnector *self = DESK_MESSAGING_CONNECTOR (connector);

  return (DeskMessagingReader) {
    .connection = desk_connector_get_connection (connector),
    .flavour = self->flavour,
    .own_host = self->own_host,
    .clock = desk_connector_get_host (connector)->clock,
  };
}

static DeskWebhookResult *
parse_webhook (DeskConnector *connector, const DeskWebhookRequest *request)
{
  const DeskMessagingReader reader = get_reader (connector);

  return desk_messaging_read_webhook (&reader, request);
}

static DeskInbound *
parse_raw (DeskConnector *connector, GBytes *raw, GError **error)
{
  const DeskMessagingReader reader = get_reader (connector);

  return desk_messaging_read_raw (&reader, raw, error);
}

/* ── Out ────────────────────────────────────────────────────────────────────────────────────── */

/* The token or a permission is gone: say so now, and look again later. */
static void
note_refusal (DeskMessagingConnector *self, const DeskOutcome *outcome)
{
  const gint64 code = outcome->code != NULL ? g_ascii_strtoll (outcome->code, NULL, 10) : -1;

  if (outcome->type != DESK_OUTCOME_CONNECTION || self->cancellable == NULL)
    return;
  report_unusable (self, DESK_HEALTH_DOWN,
                   code == 190 || code == 102 || code == 0 ? DESK_TROUBLE_TOKEN
                   : code == 368                           ? DESK_TROUBLE_PLATFORM
                                                           : DESK_TROUBLE_PERMISSION,
                   outcome->message);
  schedule (self, STEP_IDENTIFY, REFUSED_MS);
}

static void
on_send_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  DeskOutcome *outcome = desk_messaging_send_finish (result);

  note_refusal (g_task_get_source_object (task), outcome);
  g_task_return_pointer (task, outcome, (GDestroyNotify)desk_outcome_free);
}

static void
send_async (DeskConnector *connector,
            const DeskOutbound *outbound,
            GCancellable *cancellable,
            GAsyncReadyCallback callback,
            gpointer data)
{
  GTask *task = g_task_new (connector, cancellable, callback, data);

  g_task_set_source_tag (task, send_async);
  g_task_set_check_cancellable (task, FALSE);
  desk_messaging_send_async (&DESK_MESSAGING_CONNECTOR (connector)->sender, outbound, cancellable,
                             on_send_done, task);
}

static DeskOutcome *
send_finish (DeskConnector *connector, GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

static void
fetch_files (DeskConnector *connector, const DeskMessage *message)
{
  DeskMessagingConnector *self = DESK_MESSAGING_CONNECTOR (connector);

  if (self->fetcher != NULL)
    desk_meta_fetcher_add (self->fetcher, message);
}

static void
typing (DeskConnector *connector, const char *user_id)
{
  DeskMessagingConnector *self = DESK_MESSAGING_CONNECTOR (connector);
  const char *customer = desk_messaging_customer (self->sender.chat_prefix, user_id);

  if (self->cancellable != NULL && customer != NULL)
    desk_messaging_typing_show (self->typing, G_OBJECT (self), customer, self->cancellable);
}

static void
mark_read (DeskConnector *connector, const char *user_id, const char *external_id)
{
  DeskMessagingConnector *self = DESK_MESSAGING_CONNECTOR (connector);
  const char *customer = desk_messaging_customer (self->sender.chat_prefix, user_id);

  if (self->cancellable != NULL && customer != NULL)
    desk_messaging_typing_seen (self->typing, G_OBJECT (self), customer, self->cancellable);
}

/* ── Questions ──────────────────────────────────────────────────────────────────────────────── */
static void
pass_result (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;

  g_task_return_pointer (task, g_object_ref (result), g_object_unref);
}

static GTask *
new_question (DeskConnector *connector,
              GCancellable *cancellable,
              GAsyncReadyCallback callback,
              gpointer data)
{
  GTask *task = g_task_new (connector, cancellable, callback, data);

  g_task_set_source_tag (task, new_question);
  g_task_set_check_cancellable (task, FALSE);
  return task;
}

static void
check_async (DeskConnector *connector,
             GCancellable *cancellable,
             GAsyncReadyCallback callback,
             gpointer data)
{
  DeskMessagingConnector *self = DESK_MESSAGING_CONNECTOR (connector);

  desk_messaging_check_async (self->graph, self->flavour, desk_connector_get_connection (connector),
                              cancellable, pass_result,
                              new_question (connector, cancellable, callback, data));
}

static DeskConnectionReport *
check_finish (DeskConnector *connector, GAsyncResult *result)
{
  g_autoptr (GAsyncResult) inner = g_task_propagate_pointer (G_TASK (result), NULL);

  return desk_messaging_check_finish (inner);
}

static void
get_profile_async (DeskConnector *connector,
                   const char *user_id,
                   GCancellable *cancellable,
                   GAsyncReadyCallback callback,
                   gpointer data)
{
  DeskMessagingConnector *self = DESK_MESSAGING_CONNECTOR (connector);
  const char *customer = desk_messaging_customer (self->sender.chat_prefix, user_id);

  desk_messaging_profile_async (self->graph, self->flavour,
                                desk_connector_get_host (connector)->files, self->own_host,
                                customer != NULL ? customer : "0", cancellable, pass_result,
                                new_question (connector, cancellable, callback, data));
}

static DeskFoundProfile *
get_profile_finish (DeskConnector *connector, GAsyncResult *result, GError **error)
{
  g_autoptr (GAsyncResult) inner = g_task_propagate_pointer (G_TASK (result), NULL);

  return desk_messaging_profile_finish (inner, error);
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */
static void
desk_messaging_connector_dispose (GObject *object)
{
  stop (DESK_CONNECTOR (object));
  G_OBJECT_CLASS (desk_messaging_connector_parent_class)->dispose (object);
}

static void
desk_messaging_connector_finalize (GObject *object)
{
  DeskMessagingConnector *self = DESK_MESSAGING_CONNECTOR (object);

  if (self->keeper.free != NULL)
    self->keeper.free (self->keeper.data);
  g_clear_pointer (&self->typing, desk_messaging_typing_free);
  g_clear_pointer (&self->graph, desk_meta_graph_free);
  g_clear_pointer (&self->platform, desk_platform_free);
  g_clear_pointer (&self->sender.uploads, g_hash_table_unref);
  g_free (self->own_host);
  g_free (self->warning);
  g_free (self->told);
  G_OBJECT_CLASS (desk_messaging_connector_parent_class)->finalize (object);
}

static void
desk_messaging_connector_class_init (DeskMessagingConnectorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  DeskConnectorClass *connector_class = DESK_CONNECTOR_CLASS (klass);

  object_class->dispose = desk_messaging_connector_dispose;
  object_class->finalize = desk_messaging_connector_finalize;
  connector_class->get_platform = get_platform;
  connector_class->start = start;
  connector_class->stop = stop;
  connector_class->parse_webhook = parse_webhook;
  connector_class->parse_raw = parse_raw;
  connector_class->fetch_files = fetch_files;
  connector_class->send_async = send_async;
  connector_class->send_finish = send_finish;
  connector_class->typing = typing;
  connector_class->mark_read = mark_read;
  connector_class->check_async = check_async;
  connector_class->check_finish = check_finish;
  connector_class->get_profile_async = get_profile_async;
  connector_class->get_profile_finish = get_profile_finish;
}

static void
desk_messaging_connector_init (DeskMessagingConnector *self)
{
}

void
desk_messaging_connector_set_keeper (DeskMessagingConnector *self, DeskMessagingKeeper keeper)
{
  g_return_if_fail (DESK_IS_MESSAGING_CONNECTOR (self) && self->keeper.free == NULL);
  self->keeper = keeper;
}

DeskMetaGraph *
desk_messaging_connector_get_graph (DeskMessagingConnector *self)
{
  return self->graph;
}

static gboolean
check_connection (const DeskConnection *connection, const char *url, GError **error)
{
  const char *missing = connection->token == NULL || *connection->token == '\0' ? "an access token"
                        : connection->app_secret == NULL || *connection->app_secret == '\0'
                            ? "the secret of its app"
                            : NULL;

  if (missing != NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "Connection %s needs %s",
                   connection->name, missing);
      return FALSE;
    }
  if (!g_str_has_prefix (url, "https://") && !g_str_has_prefix (url, "http://"))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "base_url of connection %s must begin with https://", connection->name);
      return FALSE;
    }
  return TRUE;
}

DeskConnector *
desk_messaging_connector_new (const DeskConnection *connection,
                              DeskConnectorHost *host,
                              const DeskMessagingFlavour *flavour,
                              const char *default_url,
                              GError **error)
{
  g_return_val_if_fail (connection != NULL && host != NULL && flavour != NULL, NULL);
  const char *url = connection->base_url != NULL && *connection->base_url != '\0'
                        ? connection->base_url
                        : default_url;
  DeskMessagingConnector *self;

  if (!check_connection (connection, url, error))
    return NULL;
  self = g_object_new (DESK_TYPE_MESSAGING_CONNECTOR, "connection", connection, "host", host, NULL);
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  self->own_host = uri != NULL ? g_strdup (g_uri_get_host (uri)) : NULL;
  self->flavour = flavour;
  self->graph = desk_meta_graph_new (url, connection->version, connection->token, CALL_TIMEOUT_S);
  self->platform = desk_platform_copy (flavour->platform_traits ());
  if (connection->human_agent)
    self->platform->window_hours = DESK_MESSAGING_HUMAN_AGENT_HOURS;
  self->typing = desk_messaging_typing_new (self->graph, host->clock);
  self->sender = (DeskMessagingSender) {
    .graph = self->graph,
    .flavour = flavour,
    .files = host->files,
    .clock = host->clock,
    .chat_prefix = connection->chat_prefix != NULL ? connection->chat_prefix : "",
    .public_url = connection->public_url,
    .human_agent = connection->human_agent,
    .uploads = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
  };
  return DESK_CONNECTOR (self);
}
