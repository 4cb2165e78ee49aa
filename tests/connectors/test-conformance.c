/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* The rules that every connector keeps, whatever its platform: each test runs once for each entry
 * of platforms[], and a connector of the registry that has no entry fails the suite.
 * What a platform's payloads mean exactly is the business of its own tests. */

#include <string.h>

#include "desk-conformance.h"
#include "desk-test-host.h"
#include "desk-test-items.h"
#include "server/connectors/desk-connectors.h"

#define NOW_MS      G_GINT64_CONSTANT (1790000000000)
#define CLOSED_PORT "http://127.0.0.1:1"
#define N_THREADS   4
#define N_ROUNDS    40
#define N_HOSTILE   3000

static const DeskConformance *const platforms[] = {
  &desk_conformance_demo,
  &desk_conformance_instagram,
  &desk_conformance_messenger,
  &desk_conformance_partner,
  &desk_conformance_telegram,
  &desk_conformance_whatsapp,
};

/* ── Everything that is logged ──────────────────────────────────────────────────────────────── */
static GMutex log_lock;
static GString *log_text;
static gboolean log_is_quiet; /* only remembered */

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  g_mutex_lock (&log_lock);
  for (gsize i = 0; i < n; i++)
    if (g_str_equal (fields[i].key, "MESSAGE"))
      g_string_append_printf (log_text, "%s\n", (const char *)fields[i].value);
  g_mutex_unlock (&log_lock);
  return log_is_quiet || (level & (G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO)) != 0
             ? G_LOG_WRITER_HANDLED
             : g_log_writer_default (level, fields, n, data);
}

/* A payload that cannot be read is worth a warning. Where there are thousands of them it is neither
 * shown nor fatal. */
static void
expect_warnings (gboolean expected)
{
  static GLogLevelFlags fatal;

  if (expected)
    fatal = g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  else
    g_log_set_always_fatal (fatal);
  log_is_quiet = expected;
}

static void
assert_tells_no_secret (const DeskConnection *connection, const char *text)
{
  const char *const secrets[] = { connection->token, connection->webhook_secret,
                                  connection->app_secret, connection->verify_token };

  for (guint i = 0; text != NULL && i < G_N_ELEMENTS (secrets); i++)
    if (secrets[i] != NULL)
      g_assert_null (strstr (text, secrets[i]));
  if (text == NULL || connection->options == NULL)
    return;
  GHashTableIter iter;
  gpointer key, value;
  g_hash_table_iter_init (&iter, connection->options);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (g_str_has_prefix (key, "header."))
      g_assert_null (strstr (text, value));
}

/* ── A connector and its peer ───────────────────────────────────────────────────────────────── */
typedef struct
{
  const DeskConformance *platform;
  gpointer server;
  DeskClock *clock;
  DeskTestHost *host;
  DeskConnection connection;
  DeskConnector *connector;
} Fixture;

static void
create (Fixture *self)
{
  g_autoptr (GError) error = NULL;

  self->connector = desk_connectors_create (&self->connection, &self->host->host, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *self, gconstpointer data)
{
  self->platform = data;
  self->clock = desk_clock_manual_new (NOW_MS);
  self->host = desk_test_host_new (self->clock, 1);
  self->connection = (DeskConnection) {
    .name = (char *)"shop",
    .platform = (char *)self->platform->name,
    .mode = (char *)(self->platform->payloads != NULL ? "webhook" : "poll"),
    .chat_prefix = (char *)"",
    .public_url = (char *)"https://desk.example.org",
  };
  self->server = self->platform->begin (&self->connection);
  create (self);
}

static void
release (Fixture *self)
{
  desk_connector_stop (self->connector);
  g_object_add_weak_pointer (G_OBJECT (self->connector), (gpointer *)&self->connector);
  g_object_unref (self->connector);
  desk_test_wait_for (self->connector == NULL); /* no reference is left behind */
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  release (self);
  if (self->platform->end != NULL)
    self->platform->end (self->server);
  assert_tells_no_secret (&self->connection, self->host->reason);
  g_mutex_lock (&log_lock);
  assert_tells_no_secret (&self->connection, log_text->str);
  g_string_truncate (log_text, 0);
  g_mutex_unlock (&log_lock);
  g_clear_pointer (&self->connection.options, g_hash_table_unref);
  desk_test_host_free (self->host);
  desk_clock_unref (self->clock);
}

/* ── In ─────────────────────────────────────────────────────────────────────────────────────── */
static const char *
get_header (gpointer request, const char *name)
{
  return g_hash_table_lookup (request, name);
}

static GHashTable *
headers_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

static DeskWebhookResult *
parse_with (Fixture *self, GBytes *body, GHashTable *headers)
{
  g_autoptr (GHashTable) query = g_hash_table_new (g_str_hash, g_str_equal);
  DeskWebhookRequest request = { "POST", query, get_header, headers, body };
  DeskWebhookResult *result = desk_connector_parse_webhook (self->connector, &request);

  g_assert_nonnull (result);
  return result;
}

static DeskWebhookResult *
parse (Fixture *self, GBytes *body)
{
  g_autoptr (GHashTable) headers = headers_new ();

  self->platform->sign (&self->connection, body, headers);
  return parse_with (self, body, headers);
}

static void
check_item (Fixture *self, const DeskInboundItem *item)
{
  const DeskMessage *message = item->message;

  g_assert_cmpstr (message->platform, ==, desk_connector_get_platform (self->connector)->name);
  g_assert_true (desk_chat_key_is_valid (message->platform, message->user_id));
  g_assert_true (message->text != NULL && g_utf8_validate (message->text, -1, NULL));
  g_assert_null (message->id);
  g_assert_cmpint (message->chat_seq, ==, 0);
  if (item->type == DESK_INBOUND_TYPING)
    return;
  g_assert_true (item->dedup_key != NULL && *item->dedup_key != '\0');
  if (item->type != DESK_INBOUND_MESSAGE)
    return;
  g_assert_cmpint (message->created_at_ms, >, 0);
  g_assert_true (message->text[0] != '\0' || message->attachments->len > 0
                 || message->kind != DESK_KIND_TEXT);
  for (guint i = 0; i < message->attachments->len; i++)
    {
      const DeskAttachment *attachment = message->attachments->pdata[i];
      g_assert_cmpint (attachment->size, >=, -1);
      g_assert_nonnull (attachment->state);
    }
}

static char *
describe_result (Fixture *self, const DeskWebhookResult *result)
{
  g_autoptr (JsonNode) items = NULL;

  g_assert_cmpuint (result->status, ==, 200);
  g_assert_nonnull (result->inbound);
  g_assert_cmpstr (result->inbound->connection, ==, self->connection.name);
  for (guint i = 0; i < result->inbound->items->len; i++)
    check_item (self, result->inbound->items->pdata[i]);
  items = desk_test_items_to_json (result->inbound->items);
  return json_to_string (items, FALSE);
}

static GBytes *
nth_payload (Fixture *self, guint n)
{
  const char *text = self->platform->payloads[n];

  return g_bytes_new_static (text, strlen (text));
}

/* A payload that comes again means the same, with the same keys; no two events share a key. */
static void
test_duplicates (Fixture *self, gconstpointer data)
{
  g_autoptr (GHashTable) keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint n = 0; self->platform->payloads[n] != NULL; n++)
    {
      g_autoptr (GBytes) body = nth_payload (self, n);
      g_autoptr (DeskWebhookResult) first = parse (self, body);
      g_autofree char *once = describe_result (self, first);
      g_autofree char *again = NULL;

      g_assert_cmpuint (first->inbound->items->len, >, 0);
      g_assert_nonnull (first->inbound->raw);
      for (guint i = 0; i < first->inbound->items->len; i++)
        {
          const DeskInboundItem *item = first->inbound->items->pdata[i];
          if (item->dedup_key != NULL)
            g_assert_true (g_hash_table_add (keys, g_strdup (item->dedup_key)));
        }
      desk_clock_manual_advance_ms (self->clock, 60000);
      g_autoptr (DeskWebhookResult) second = parse (self, body);
      for (guint i = 0; i < first->inbound->items->len; i++)
        {
          const DeskInboundItem *a = first->inbound->items->pdata[i];
          const DeskInboundItem *b = second->inbound->items->pdata[i];
          g_assert_cmpstr (a->dedup_key, ==, b->dedup_key);
        }
      desk_clock_manual_set_wall_ms (self->clock, NOW_MS);
      g_clear_pointer (&second, desk_webhook_result_free);
      second = parse (self, body);
      again = describe_result (self, second);
      g_assert_cmpstr (once, ==, again);
    }
}

typedef struct
{
  Fixture *fixture;
  GPtrArray *wanted; /* of char*, by payload */
} Threads;

static gpointer
parse_in_thread (gpointer data)
{
  const Threads *threads = data;

  for (guint round = 0; round < N_ROUNDS; round++)
    for (guint n = 0; n < threads->wanted->len; n++)
      {
        g_autoptr (GBytes) body = nth_payload (threads->fixture, n);
        g_autoptr (DeskWebhookResult) result = parse (threads->fixture, body);
        g_autofree char *got = describe_result (threads->fixture, result);
        g_assert_cmpstr (got, ==, threads->wanted->pdata[n]);
      }
  return NULL;
}

static void
test_threads (Fixture *self, gconstpointer data)
{
  g_autoptr (GPtrArray) wanted = g_ptr_array_new_with_free_func (g_free);
  Threads threads = { self, wanted };
  GThread *running[N_THREADS];

  for (guint n = 0; self->platform->payloads[n] != NULL; n++)
    {
      g_autoptr (GBytes) body = nth_payload (self, n);
      g_autoptr (DeskWebhookResult) result = parse (self, body);
      g_ptr_array_add (wanted, describe_result (self, result));
    }
  for (guint i = 0; i < N_THREADS; i++)
    running[i] = g_thread_new ("parse", parse_in_thread, &threads);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (running[i]);
  desk_test_run_for_ms (20); /* what they left to the main thread */
}

/* Bytes changed, left out, doubled; signed all the same, since a platform's own bugs are, too. */
static GBytes *
damage (GRand *rand, GBytes *body)
{
  static const guint8 favourites[] = "\"{}[]:,\\-09.eEtfnu\0\x80\xc3\xed\xff";
  gsize len;
  const guint8 *bytes = g_bytes_get_data (body, &len);
  g_autoptr (GByteArray) out = g_byte_array_new ();

  g_byte_array_append (out, bytes, (guint)len);
  for (gint i = g_rand_int_range (rand, 1, 5); i > 0 && out->len > 2; i--)
    {
      guint at = (guint)g_rand_int_range (rand, 0, (gint32)out->len - 1);
      guint want = (guint)g_rand_int_range (rand, 1, 40);
      guint n = MIN (want, out->len - at);
      switch (g_rand_int_range (rand, 0, 4))
        {
        case 0:
          out->data[at] = favourites[g_rand_int_range (rand, 0, sizeof favourites)];
          break;
        case 1:
          g_byte_array_remove_range (out, at, n);
          break;
        case 2:
          {
            g_autofree guint8 *copy = g_memdup2 (out->data + at, n);
            g_byte_array_append (out, copy, n);
            break;
          }
        default:
          out->data[at] ^= (guint8)(1 << g_rand_int_range (rand, 0, 8));
        }
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&out));
}

static void
test_hostile (Fixture *self, gconstpointer data)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (4);
  const guint n_payloads = g_strv_length ((char **)self->platform->payloads);
  guint n_read = 0;

  expect_warnings (TRUE);
  for (guint i = 0; i < N_HOSTILE; i++)
    {
      g_autoptr (GBytes) body = nth_payload (self, i % n_payloads);
      g_autoptr (GBytes) damaged = damage (rand, body);
      g_autoptr (DeskWebhookResult) result = parse (self, damaged);
      /* authentic: confirmed, since refusing would make the platform repeat it for ever */
      g_assert_cmpuint (result->status, ==, 200);
      for (guint n = 0; result->inbound != NULL && n < result->inbound->items->len; n++, n_read++)
        check_item (self, result->inbound->items->pdata[n]);
    }
  g_assert_cmpuint (n_read, >, N_HOSTILE / 20);
  expect_warnings (FALSE);
  desk_test_run_for_ms (20);
}

static void
test_empty_bodies (Fixture *self, gconstpointer data)
{
  static const char *const bodies[] = { "", "null", "[]", "{}", "7", "\"x\"", "{\"entry\":7}" };

  expect_warnings (TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (bodies); i++)
    {
      g_autoptr (GBytes) body = g_bytes_new_static (bodies[i], strlen (bodies[i]));
      g_autoptr (DeskWebhookResult) result = parse (self, body);
      g_assert_cmpuint (result->status, ==, 200);
      g_assert_true (result->inbound == NULL || result->inbound->items->len == 0);
    }
  expect_warnings (FALSE);
}

static void
assert_refused (Fixture *self, GBytes *body, GHashTable *headers)
{
  g_autoptr (DeskWebhookResult) result = parse_with (self, body, headers);

  g_assert_cmpuint (result->status, ==, 403);
  g_assert_null (result->inbound);
}

static void
test_signature (Fixture *self, gconstpointer data)
{
  g_autoptr (GBytes) body = nth_payload (self, 0);
  g_autoptr (GBytes) other = nth_payload (self, 1);
  g_autoptr (GHashTable) none = headers_new ();
  g_autoptr (GHashTable) right = headers_new ();
  g_autoptr (GHashTable) of_other = headers_new ();
  GHashTableIter iter;
  gpointer name, value;
  gboolean over_body = FALSE;

  assert_refused (self, body, none);
  self->platform->sign (&self->connection, body, right);
  self->platform->sign (&self->connection, other, of_other);
  g_hash_table_iter_init (&iter, right);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      g_autoptr (GHashTable) wrong = headers_new ();
      char *text = g_strdup (value);
      gsize len = strlen (text);

      over_body |= g_strcmp0 (value, g_hash_table_lookup (of_other, name)) != 0;
      /* the last character, one too few, one too many, nothing */
      text[len - 1] = text[len - 1] == '0' ? '1' : '0';
      g_hash_table_replace (wrong, g_strdup (name), text);
      assert_refused (self, body, wrong);
      g_hash_table_replace (wrong, g_strdup (name), g_strndup (value, len - 1));
      assert_refused (self, body, wrong);
      g_hash_table_replace (wrong, g_strdup (name), g_strconcat (value, "0", NULL));
      assert_refused (self, body, wrong);
      g_hash_table_replace (wrong, g_strdup (name), g_strdup (""));
      assert_refused (self, body, wrong);
    }
  if (over_body)
    assert_refused (self, body, of_other);
  g_autoptr (DeskWebhookResult) result = parse_with (self, body, right);
  g_assert_cmpuint (result->status, ==, 200);
}

static void
test_unknown_kind (Fixture *self, gconstpointer data)
{
  const char *text = self->platform->unknown;
  g_autoptr (GBytes) body = g_bytes_new_static (text, strlen (text));
  g_autoptr (DeskWebhookResult) result = parse (self, body);
  g_autofree char *described = describe_result (self, result);
  const DeskInboundItem *item;

  g_assert_cmpuint (result->inbound->items->len, ==, 1);
  item = result->inbound->items->pdata[0];
  g_assert_cmpint (item->type, ==, DESK_INBOUND_MESSAGE);
  g_assert_cmpint (item->message->kind, ==, DESK_KIND_UNSUPPORTED);
  g_assert_cmpstr (item->message->user_id, ==, self->platform->user_id);
}

/* ── Out ────────────────────────────────────────────────────────────────────────────────────── */
static void
on_outcome (GObject *source, GAsyncResult *result, gpointer data)
{
  *(DeskOutcome **)data = desk_connector_send_finish (DESK_CONNECTOR (source), result);
  g_assert_nonnull (*(DeskOutcome **)data);
}

static void
begin_send (Fixture *self, GCancellable *cancellable, DeskOutcome **outcome)
{
  static guint serial;
  DeskOutbound outbound = { .job_id = 1, .attempt = 1, .connection = self->connection.name };
  g_autoptr (DeskMessage) message
      = desk_message_new (desk_connector_get_platform (self->connector)->name,
                          self->platform->user_id);

  g_free (message->text);
  message->text = g_strdup_printf ("Xin chào “%u” 👋", ++serial);
  message->direction = DESK_DIRECTION_OUTGOING;
  message->sender = DESK_SENDER_MANAGER;
  message->client_message_id = g_strdup_printf ("client-%u", serial);
  message->created_at_ms = NOW_MS;
  outbound.message = message;
  *outcome = NULL;
  desk_connector_send_async (self->connector, &outbound, cancellable, on_outcome, outcome);
  /* the request is borrowed for the call alone */
}

static DeskOutcome *
send_one (Fixture *self)
{
  DeskOutcome *outcome;

  begin_send (self, NULL, &outcome);
  desk_test_wait_for (outcome != NULL);
  assert_tells_no_secret (&self->connection, outcome->message);
  if (outcome->type != DESK_OUTCOME_SENT)
    g_assert_true (outcome->message != NULL && *outcome->message != '\0');
  return outcome;
}

static void
test_accepted (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskOutcome) first = NULL;

  self->platform->answer (self->server, DESK_CONFORMANCE_ACCEPTED);
  first = send_one (self);
  g_assert_cmpint (first->type, ==, DESK_OUTCOME_SENT);
  g_assert_true ((first->external_id == NULL) == self->platform->gives_no_ids);
  g_assert_cmpuint (self->platform->count_sends (self->server), ==, 1);
}

/* done: what the platform carried out by then. It must never be more, however long one waits. */
static const struct
{
  const char *name;
  DeskConformanceAnswer answer;
  DeskOutcomeType type;
  guint done;
} answers[] = {
  { "no-answer", DESK_CONFORMANCE_NO_ANSWER, DESK_OUTCOME_UNKNOWN, 1 },
  { "garbage", DESK_CONFORMANCE_GARBAGE, DESK_OUTCOME_UNKNOWN, 1 },
  { "limited", DESK_CONFORMANCE_LIMITED, DESK_OUTCOME_RETRY, 0 },
  { "refused", DESK_CONFORMANCE_REFUSED, DESK_OUTCOME_PERMANENT, 0 },
  { "token", DESK_CONFORMANCE_TOKEN, DESK_OUTCOME_CONNECTION, 0 },
};

static void
test_answers (Fixture *self, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autoptr (DeskOutcome) outcome = NULL;
      guint before = self->platform->count_sends (self->server);

      g_test_message ("%s", answers[i].name);
      self->platform->answer (self->server, answers[i].answer);
      outcome = send_one (self);
      g_assert_cmpint (outcome->type, ==, answers[i].type);
      g_assert_null (outcome->external_id);
      g_assert_cmpuint (self->platform->count_sends (self->server) - before, ==, answers[i].done);
      if (answers[i].answer == DESK_CONFORMANCE_LIMITED && self->platform->retry_after_ms >= 0)
        g_assert_cmpint (outcome->retry_after_ms, >=, self->platform->retry_after_ms);
      /* a connector that waits by itself after a refusal is made anew */
      release (self);
      create (self);
    }
}

static void
test_not_connected (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskOutcome) outcome = NULL;

  release (self);
  self->connection.base_url = (char *)CLOSED_PORT;
  create (self);
  outcome = send_one (self);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_NOT_CONNECTED);
  g_assert_cmpuint (self->platform->count_sends (self->server), ==, 0);
}

/* Cancelled while the platform has the request: unknown, and never "not sent". */
static void
test_cancel (Fixture *self, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  DeskOutcome *outcome;

  self->platform->answer (self->server, DESK_CONFORMANCE_SILENT);
  begin_send (self, cancellable, &outcome);
  desk_test_wait_for (self->platform->count_sends (self->server) == 1);
  g_assert_null (outcome);
  g_cancellable_cancel (cancellable);
  desk_test_wait_for (outcome != NULL);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_UNKNOWN);
  desk_outcome_free (outcome);
}

/* Stopped while it polls and while a send is under way: the send still gets its outcome. */
static void
test_stop (Fixture *self, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  DeskOutcome *outcome;

  desk_connector_start (self->connector);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health != DESK_HEALTH_STARTING);
  self->platform->answer (self->server, DESK_CONFORMANCE_SILENT);
  begin_send (self, cancellable, &outcome);
  desk_test_wait_for (self->platform->count_sends (self->server) == 1);
  desk_connector_stop (self->connector);
  desk_connector_stop (self->connector);
  g_cancellable_cancel (cancellable);
  desk_test_wait_for (outcome != NULL);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_UNKNOWN);
  desk_outcome_free (outcome);
  desk_connector_start (self->connector);
  desk_test_run_for_ms (50);
}

static void
test_cancelled_before (Fixture *self, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  DeskOutcome *outcome;

  g_cancellable_cancel (cancellable);
  begin_send (self, cancellable, &outcome);
  desk_test_wait_for (outcome != NULL);
  g_assert_cmpint (outcome->type, !=, DESK_OUTCOME_PERMANENT);
  if (outcome->type != DESK_OUTCOME_SENT && outcome->type != DESK_OUTCOME_UNKNOWN)
    g_assert_cmpuint (self->platform->count_sends (self->server), ==, 0);
  desk_outcome_free (outcome);
}

/* An operation that the platform's traits do not have is refused without asking the platform. */
static void
test_operations (Fixture *self, gconstpointer data)
{
  const DeskPlatform *platform = desk_connector_get_platform (self->connector);
  const struct
  {
    DeskOperation operation;
    gboolean can;
  } operations[] = {
    { DESK_OPERATION_EDIT, platform->can_edit },
    { DESK_OPERATION_DELETE, platform->can_delete },
    { DESK_OPERATION_REACT, platform->can_react },
  };

  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    {
      DeskOutbound outbound = { .job_id = 1,
                                .attempt = 1,
                                .connection = self->connection.name,
                                .operation = operations[i].operation,
                                .emoji = (char *)"👍" };
      g_autoptr (DeskMessage) message = desk_message_new (platform->name, self->platform->user_id);
      DeskOutcome *outcome = NULL;

      if (operations[i].can)
        continue;
      message->external_id = g_strdup ("10");
      outbound.message = message;
      desk_connector_send_async (self->connector, &outbound, NULL, on_outcome, &outcome);
      desk_test_wait_for (outcome != NULL);
      g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_PERMANENT);
      g_assert_cmpuint (self->platform->count_sends (self->server), ==, 0);
      desk_outcome_free (outcome);
    }
}

/* ── What it says of itself ─────────────────────────────────────────────────────────────────── */
static void
test_traits (Fixture *self, gconstpointer data)
{
  const DeskPlatform *platform = desk_connector_get_platform (self->connector);

  g_assert_true (platform == desk_connector_get_platform (self->connector));
  g_assert_true (desk_chat_key_is_valid (platform->name, self->platform->user_id));
  g_assert_true (platform->title != NULL && *platform->title != '\0');
  g_assert_cmpuint (platform->text_limit, >, 0);
  g_assert_cmpint (platform->attachment_limit, >=, 0);
  g_assert_cmpuint (platform->window_hours, <=, 24 * 30);
  for (char **status = platform->statuses; *status != NULL; status++)
    g_assert_true (g_str_equal (*status, "sent") || g_str_equal (*status, "delivered")
                   || g_str_equal (*status, "read"));
}

/* What is not there is asked for: nothing happens. */
static void
test_courtesies (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskMessage) message
      = desk_message_new (desk_connector_get_platform (self->connector)->name,
                          self->platform->user_id);

  desk_connector_typing (self->connector, self->platform->user_id);
  desk_connector_fetch_files (self->connector, message);
  desk_connector_mark_read (self->connector, self->platform->user_id, "10");
  desk_connector_start (self->connector);
  desk_connector_typing (self->connector, self->platform->user_id);
  desk_connector_typing (self->connector, "nobody that it could know");
  desk_connector_mark_read (self->connector, self->platform->user_id, "10");
  desk_connector_mark_read (self->connector, "nobody that it could know", "?");
  desk_connector_fetch_files (self->connector, message);
  desk_test_run_for_ms (50);
}

/* Every connector is in the suite. */
static void
test_registry (void)
{
  const char *const *names = desk_connectors_list ();

  for (guint n = 0; names[n] != NULL; n++)
    {
      gboolean found = FALSE;
      for (guint i = 0; i < G_N_ELEMENTS (platforms); i++)
        found |= g_str_equal (platforms[i]->name, names[n]);
      if (!found)
        g_test_message ("%s has no entry in the conformance suite", names[n]);
      g_assert_true (found);
      g_assert_true (desk_connectors_knows (names[n]));
    }
  g_assert_false (desk_connectors_knows ("carrier-pigeon"));
}

typedef enum
{
  FOR_ALL,
  WITH_WEBHOOK,
  WITH_NETWORK,
} Which;

static const struct
{
  const char *name;
  Which which;
  void (*test) (Fixture *fixture, gconstpointer data);
} rules[] = {
  { "traits", FOR_ALL, test_traits },
  { "courtesies", FOR_ALL, test_courtesies },
  { "duplicates", WITH_WEBHOOK, test_duplicates },
  { "threads", WITH_WEBHOOK, test_threads },
  { "hostile", WITH_WEBHOOK, test_hostile },
  { "empty-bodies", WITH_WEBHOOK, test_empty_bodies },
  { "signature", WITH_WEBHOOK, test_signature },
  { "unknown-kind", WITH_WEBHOOK, test_unknown_kind },
  { "accepted", WITH_NETWORK, test_accepted },
  { "answers", WITH_NETWORK, test_answers },
  { "not-connected", WITH_NETWORK, test_not_connected },
  { "cancel", WITH_NETWORK, test_cancel },
  { "cancelled-before", WITH_NETWORK, test_cancelled_before },
  { "stop", WITH_NETWORK, test_stop },
  { "operations", WITH_NETWORK, test_operations },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  log_text = g_string_new (NULL);
  g_log_set_writer_func (write_log, NULL, NULL);

  g_test_add_func ("/conformance/registry", test_registry);
  for (guint i = 0; i < G_N_ELEMENTS (platforms); i++)
    for (guint n = 0; n < G_N_ELEMENTS (rules); n++)
      {
        g_autofree char *path
            = g_strdup_printf ("/conformance/%s/%s", platforms[i]->name, rules[n].name);
        if ((rules[n].which == WITH_WEBHOOK && platforms[i]->payloads == NULL)
            || (rules[n].which == WITH_NETWORK && platforms[i]->is_local))
          continue;
        g_test_add (path, Fixture, platforms[i], set_up, rules[n].test, tear_down);
      }

  int result = g_test_run ();
  g_string_free (log_text, TRUE);
  return result;
}
