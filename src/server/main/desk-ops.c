/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* The operators' commands over the service.
 * Invariants: nothing that is printed tells the text of a message, a token or a phone number; every
 * command ends with one line that says what was done. */

#include "server/main/desk-ops.h"

#include <string.h>

#include "common/desk-json.h"
#include "common/desk-time.h"

#define LIST_LIMIT 1000
#define MAX_LINES  50 /* of payloads that could not be understood */

/* ── Requests ───────────────────────────────────────────────────────────────────────────────── */

static const char *const command_words[] = {
  [DESK_OPS_LETTERS_LIST] = "deadletters list",
  [DESK_OPS_LETTERS_RETRY] = "deadletters retry",
  [DESK_OPS_LETTERS_DISCARD] = "deadletters discard",
  [DESK_OPS_REPLAY] = "replay",
};

void
desk_ops_request_clear (DeskOpsRequest *self)
{
  g_clear_pointer (&self->connection, g_free);
}

char *
desk_ops_request_to_text (const DeskOpsRequest *self)
{
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;

  desk_json_writer_init (&w, text);
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "command", command_words[self->command]);
  if (self->connection != NULL)
    desk_json_writer_member_string (&w, "connection", self->connection);
  desk_json_writer_member_int64 (&w, "id", self->id);
  desk_json_writer_member_int64 (&w, "since_ms", self->since_ms);
  desk_json_writer_member_bool (&w, "problems_only", self->problems_only);
  desk_json_writer_end_object (&w);
  return g_string_free (text, FALSE);
}

gboolean
desk_ops_request_read (DeskOpsRequest *self, const char *text, gsize len, GError **error)
{
  g_autoptr (JsonNode) node = desk_json_parse (text, len, 65536, error);
  const char *word = NULL, *connection = NULL;

  if (node == NULL)
    return FALSE;
  if (!JSON_NODE_HOLDS_OBJECT (node))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "It is not an object");
      return FALSE;
    }
  JsonObject *obj = json_node_get_object (node);
  if (!desk_json_get_string (obj, "command", 64, TRUE, &word, error)
      || !desk_json_get_string (obj, "connection", 64, FALSE, &connection, error)
      || !desk_json_get_int64 (obj, "id", 0, G_MAXINT64, FALSE, &self->id, error)
      || !desk_json_get_int64 (obj, "since_ms", 0, G_MAXINT64, FALSE, &self->since_ms, error)
      || !desk_json_get_bool (obj, "problems_only", FALSE, &self->problems_only, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (command_words); i++)
    if (strcmp (command_words[i], word) == 0)
      {
        self->command = (DeskOpsCommand)i;
        self->connection = g_strdup (connection);
        return TRUE;
      }
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "There is no such command");
  return FALSE;
}

/* ── A run ──────────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskService *service;
  GPtrArray *connectors;
  DeskOpsRequest request;
  GCancellable *cancellable; /* nullable */
  DeskOpsDone done;
  gpointer data;
  GString *text;
  gboolean failed;
  /* of a command on letters */
  guint n;
  /* of a replay */
  gint64 raw_id;
  guint n_payloads, n_stored, n_known, n_items, n_puzzling, n_lines;
} Run;

static gboolean
finish (gpointer data)
{
  Run *run = data;

  run->done (!run->failed, run->text->str, run->data);
  g_string_free (run->text, TRUE);
  g_ptr_array_unref (run->connectors);
  g_clear_object (&run->cancellable);
  desk_ops_request_clear (&run->request);
  g_free (run);
  return G_SOURCE_REMOVE;
}

static void
fail (Run *run, const GError *error)
{
  run->failed = TRUE;
  g_string_append_printf (run->text, "%s\n", error->message);
  finish (run);
}

/* ── Dead letters ───────────────────────────────────────────────────────────────────────────── */

static void
print_letter (GString *out, const DeskDeadLetter *letter)
{
  g_autofree char *failed = desk_time_format_rfc3339 (letter->failed_ms);

  g_string_append_printf (out, "%" G_GINT64_FORMAT "\t%s\t%s\t%s\t%s\t%u attempts\t%s%s%s\n",
                          letter->id, failed, letter->connection, letter->user_id,
                          letter->message_id, letter->attempts,
                          letter->code != NULL ? letter->code : "",
                          letter->code != NULL ? ": " : "",
                          letter->reason != NULL ? letter->reason : "");
}

static void
list_letters (Run *run)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) letters = desk_service_list_dead_letters (
      run->service, run->request.connection, LIST_LIMIT, &error);

  if (letters == NULL)
    {
      fail (run, error);
      return;
    }
  for (guint i = 0; i < letters->len; i++)
    print_letter (run->text, letters->pdata[i]);
  g_string_append_printf (run->text, "%u dead letters%s\n", letters->len,
                          letters->len >= LIST_LIMIT ? " or more" : "");
  finish (run);
}

/* on the writer thread */
static void
on_letters (guint n, const GError *error, gpointer data)
{
  Run *run = data;
  const gboolean retry = run->request.command == DESK_OPS_LETTERS_RETRY;

  if (error != NULL)
    g_string_append_printf (run->text, "%s\n", error->message);
  else if (n == 0 && run->request.id != 0)
    g_string_append_printf (run->text, "There is no dead letter %" G_GINT64_FORMAT "\n",
                            run->request.id);
  else
    g_string_append_printf (run->text, retry ? "%u messages wait for delivery again\n"
                                             : "%u messages were given up\n",
                            n);
  run->failed = error != NULL || (n == 0 && run->request.id != 0);
  g_idle_add (finish, run);
}

/* ── Replay ─────────────────────────────────────────────────────────────────────────────────── */

static gboolean replay_next (gpointer data);

static DeskConnector *
find_connector (Run *run, const char *name)
{
  for (guint i = 0; i < run->connectors->len; i++)
    if (strcmp (desk_connector_get_connection (run->connectors->pdata[i])->name, name) == 0)
      return run->connectors->pdata[i];
  return NULL;
}

static void
puzzle (Run *run, const DeskServerRaw *raw, const char *problem)
{
  g_autofree char *at = desk_time_format_rfc3339 (raw->at_ms);

  run->n_puzzling++;
  if (run->n_lines++ < MAX_LINES)
    g_string_append_printf (run->text, "payload %" G_GINT64_FORMAT " of %s from %s: %s\n", raw->id,
                            raw->connection, at, problem);
}

/* on the writer thread */
static void
on_replayed (const DeskReplayed *replayed, const GError *error, gpointer data)
{
  Run *run = data;

  if (error != NULL)
    {
      run->n_puzzling++;
      if (run->n_lines++ < MAX_LINES)
        g_string_append_printf (run->text, "payload %" G_GINT64_FORMAT ": %s\n", run->raw_id,
                                error->message);
    }
  else
    {
      run->n_stored += replayed->stored;
      run->n_known += replayed->known;
      run->n_items += replayed->items;
    }
  g_idle_add (replay_next, run);
}

static void
end_replay (Run *run)
{
  if (run->n_payloads == 0 && run->request.id != 0)
    {
      run->failed = TRUE;
      g_string_append_printf (run->text, "There is no payload %" G_GINT64_FORMAT "\n",
                              run->request.id);
    }
  else
    g_string_append_printf (run->text,
                            "%u payloads: %u new messages, %u of %u parts known before, "
                            "%u payloads not understood\n",
                            run->n_payloads, run->n_stored, run->n_known, run->n_items,
                            run->n_puzzling);
  finish (run);
}

/* TRUE: the service has it, and will go on. */
static gboolean
replay_one (Run *run, const DeskServerRaw *raw)
{
  DeskConnector *connector = find_connector (run, raw->connection);
  g_autoptr (GError) error = NULL;

  run->n_payloads++;
  if (connector == NULL)
    {
      puzzle (run, raw, "its connection is not configured any more");
      return FALSE;
    }
  DeskInbound *inbound = desk_connector_parse_raw (connector, raw->payload, &error);
  if (inbound == NULL)
    {
      puzzle (run, raw, error->message);
      return FALSE;
    }
  if (inbound->problem != NULL)
    puzzle (run, raw, inbound->problem);
  desk_service_replay (run->service, raw->id, inbound, on_replayed, run);
  return TRUE;
}

static gboolean
replay_next (gpointer data)
{
  Run *run = data;
  const DeskServerRawQuery query = { .connection = run->request.connection,
                                     .since_ms = run->request.since_ms,
                                     .after_id = run->raw_id,
                                     .problems_only = run->request.problems_only };
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskServerRaw) raw = desk_service_next_raw (run->service, &query, &error);

  if (error == NULL)
    g_cancellable_set_error_if_cancelled (run->cancellable, &error);
  if (error != NULL)
    {
      fail (run, error);
      return G_SOURCE_REMOVE;
    }
  if (raw == NULL || (run->request.id != 0 && raw->id != run->request.id))
    {
      end_replay (run);
      return G_SOURCE_REMOVE;
    }
  run->raw_id = raw->id;
  /* once the service has it, on_replayed() may be under way already */
  return replay_one (run, raw) ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

void
desk_ops_run (DeskService *service,
              GPtrArray *connectors,
              const DeskOpsRequest *request,
              GCancellable *cancellable,
              DeskOpsDone done,
              gpointer data)
{
  g_return_if_fail (service != NULL && connectors != NULL && request != NULL && done != NULL);
  Run *run = g_new0 (Run, 1);

  run->service = service;
  run->connectors = g_ptr_array_ref (connectors);
  run->request = *request;
  run->request.connection = g_strdup (request->connection);
  run->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  run->done = done;
  run->data = data;
  run->text = g_string_new (NULL);
  run->raw_id = request->id > 0 ? request->id - 1 : 0;
  switch (request->command)
    {
    case DESK_OPS_LETTERS_LIST:
      list_letters (run);
      break;
    case DESK_OPS_LETTERS_RETRY:
      desk_service_retry_dead_letters (service, request->connection, request->id, on_letters, run);
      break;
    case DESK_OPS_LETTERS_DISCARD:
      desk_service_discard_dead_letters (service, request->connection, request->id, on_letters,
                                         run);
      break;
    case DESK_OPS_REPLAY:
      g_idle_add (replay_next, run);
      break;
    }
}
