/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* Probes and counters: does the store take writes, how are the connections, and the numbers that
 * Prometheus collects. */

#include "server/service/desk-service-private.h"

#include <string.h>

/* ── The store ──────────────────────────────────────────────────────────────────────────────── */

static gboolean
probe_job (DeskServerTx *tx, gpointer data, GError **error)
{
  return tx->ops->checkpoint_set (tx, "", "probe", error);
}

static void
probe_done (const GError *error, gpointer data)
{
  desk_service_note_commit (data, error);
}

void
desk_service_note_commit (DeskService *self, const GError *error)
{
  gint failing = 0;
  if (g_error_matches (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_FULL))
    failing = DESK_CODE_STORAGE_FULL;
  else if (error != NULL
           && !g_error_matches (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_FAILED)
           && !g_error_matches (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_CONFLICT))
    failing = DESK_CODE_UNAVAILABLE;
  gint before = g_atomic_int_get (&self->storage_failing);
  if (failing == before)
    return;
  g_atomic_int_set (&self->storage_failing, failing);
  if (failing != 0)
    g_message ("the store takes no writes: %s", error->message);
  else
    g_message ("the store takes writes again");
}

static const char *
store_state (DeskService *self)
{
  g_autoptr (GError) error = NULL;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, &error);
  if (tx == NULL)
    return "unreadable";
  tx->ops->end_read (tx);
  gint failing = g_atomic_int_get (&self->storage_failing);
  if (failing == 0)
    return "ok";
  /* With no traffic nobody would notice that there is space again. */
  self->store->ops->submit (self->store, probe_job, probe_done, self);
  return failing == DESK_CODE_STORAGE_FULL ? "full" : "unavailable";
}

/* ── Probes ─────────────────────────────────────────────────────────────────────────────────── */

static void
write_check (DeskJsonWriter *w, const char *name, gboolean well, const char *message)
{
  desk_json_writer_key_text (w, name);
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "status", well ? "ok" : "failing");
  if (message != NULL)
    desk_json_writer_member_string (w, "message", message);
  desk_json_writer_end_object (w);
}

static void
write_connection_check (DeskJsonWriter *w, const DeskConnectionInfo *info)
{
  /* A connection may be called as one of our own checks, too. */
  const gboolean taken
      = strcmp (info->name, "store") == 0 || strcmp (info->name, "dead_letters") == 0;
  g_autofree char *name = taken ? g_strconcat ("connection ", info->name, NULL) : NULL;

  desk_json_writer_key_text (w, name != NULL ? name : info->name);
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "status",
                                  desk_connection_info_is_failing (info) ? "failing" : "ok");
  desk_json_writer_member_string (w, "message", info->reason != NULL ? info->reason : info->state);
  desk_json_writer_member_string (w, "state", info->state);
  if (info->reason != NULL)
    desk_json_writer_member_string (w, "reason", info->reason);
  if (info->advice != NULL)
    desk_json_writer_member_string (w, "advice", info->advice);
  if (info->since_ms > 0)
    desk_json_writer_member_time_ms (w, "since", info->since_ms);
  desk_json_writer_end_object (w);
}

static gint64
count_jobs (DeskService *self, DeskServerJobState state)
{
  gint64 n = 0;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, NULL);
  if (tx == NULL)
    return 0;
  if (!tx->ops->jobs_count (tx, state, &n, NULL))
    n = 0;
  tx->ops->end_read (tx);
  return n;
}

static void
write_dead_letters (DeskService *self, DeskJsonWriter *w)
{
  const gint64 dead = count_jobs (self, DESK_SERVER_JOB_DEAD);
  g_autofree char *hint
      = g_strdup_printf ("%" G_GINT64_FORMAT
                         " messages could not be delivered: see frontdeskd deadletters list",
                         dead);
  if (dead > 0)
    write_check (w, "dead_letters", TRUE, hint);
}

/* A connection that is down does not make the backend unready: what managers write waits for it. */
DeskReply *
desk_service_get_ready (DeskService *self)
{
  const char *store = store_state (self);
  gboolean ready = strcmp (store, "ok") == 0;
  DeskJsonWriter w;
  g_autoptr (GString) details = g_string_new (NULL);
  g_autoptr (GPtrArray) connections = desk_service_list_connections (self);
  desk_json_writer_init (&w, details);
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "status", ready ? "ok" : "failing");
  desk_json_writer_key (&w, "checks");
  desk_json_writer_begin_object (&w);
  write_check (&w, "store", ready, ready ? NULL : store);
  write_dead_letters (self, &w);
  for (guint i = 0; i < connections->len; i++)
    write_connection_check (&w, connections->pdata[i]);
  desk_json_writer_end_object (&w);
  desk_json_writer_end_object (&w);
  if (!ready)
    return desk_reply_new_failure (strcmp (store, "full") == 0 ? DESK_CODE_STORAGE_FULL
                                                               : DESK_CODE_UNAVAILABLE,
                                   "The backend cannot store anything", details->str, -1, "");
  DeskReply *reply = desk_reply_new_ok ();
  desk_reply_begin (reply, &w);
  desk_json_writer_raw_len (&w, details->str, details->len);
  desk_reply_end (reply, &w, NULL);
  return reply;
}

DeskReply *
desk_service_get_connections (DeskService *self)
{
  g_autoptr (GPtrArray) connections = desk_service_list_connections (self);
  DeskReply *reply = desk_reply_new_ok ();
  DeskJsonWriter w;
  desk_reply_begin (reply, &w);
  desk_json_writer_begin_array (&w);
  for (guint i = 0; i < connections->len; i++)
    desk_wire_write_connection (&w, connections->pdata[i]);
  desk_json_writer_end_array (&w);
  desk_reply_end (reply, &w, NULL);
  return reply;
}

/* ── Numbers ────────────────────────────────────────────────────────────────────────────────── */

void
desk_service_count (DeskService *self, DeskCount what, guint64 n)
{
  g_mutex_lock (&self->mutex);
  self->counters[what] += n;
  g_mutex_unlock (&self->mutex);
}

/* A label's value may hold anything but these three. */
static void
append_label (GString *out, const char *text)
{
  for (; *text != '\0'; text++)
    if (*text == '"' || *text == '\\')
      g_string_append_printf (out, "\\%c", *text);
    else if (*text == '\n')
      g_string_append (out, "\\n");
    else
      g_string_append_c (out, *text);
}

static void
write_connection_metrics (DeskService *self, GString *out)
{
  g_autoptr (GPtrArray) connections = desk_service_list_connections (self);

  g_string_append (out, "# HELP frontdesk_connection_up 1 while the connection works.\n"
                        "# TYPE frontdesk_connection_up gauge\n");
  for (guint i = 0; i < connections->len; i++)
    {
      const DeskConnectionInfo *info = connections->pdata[i];
      g_string_append (out, "frontdesk_connection_up{connection=\"");
      append_label (out, info->name);
      g_string_append (out, "\",platform=\"");
      append_label (out, info->platform);
      g_string_append_printf (out, "\"} %d\n", strcmp (info->state, "ok") == 0);
    }
}

static void
write_job_metrics (DeskServerTx *tx, GString *out)
{
  gint64 waiting = 0, begun = 0, dead = 0, problems = 0;
  if (tx->ops->jobs_count (tx, DESK_SERVER_JOB_WAITING, &waiting, NULL)
      && tx->ops->jobs_count (tx, DESK_SERVER_JOB_BEGUN, &begun, NULL)
      && tx->ops->jobs_count (tx, DESK_SERVER_JOB_DEAD, &dead, NULL))
    g_string_append_printf (
        out,
        "# TYPE frontdesk_jobs gauge\nfrontdesk_jobs{state=\"waiting\"} %" G_GINT64_FORMAT
        "\nfrontdesk_jobs{state=\"begun\"} %" G_GINT64_FORMAT
        "\nfrontdesk_jobs{state=\"dead\"} %" G_GINT64_FORMAT "\n",
        waiting, begun, dead);
  if (tx->ops->raw_count_problems (tx, &problems, NULL))
    g_string_append_printf (out,
                            "# HELP frontdesk_raw_problems Payloads that were not understood.\n"
                            "# TYPE frontdesk_raw_problems gauge\n"
                            "frontdesk_raw_problems %" G_GINT64_FORMAT "\n",
                            problems);
}

/* Prometheus text format 0.0.4. */
void
desk_service_write_metrics (DeskService *self, GString *out)
{
  static const char *const names[DESK_COUNT_LAST]
      = { "sends_accepted",  "messages_ingested", "duplicates",   "messages_delivered",
          "messages_failed", "messages_unknown",  "sends_refused" };
  guint64 counters[DESK_COUNT_LAST];
  g_mutex_lock (&self->mutex);
  memcpy (counters, self->counters, sizeof counters);
  g_mutex_unlock (&self->mutex);
  for (guint i = 0; i < DESK_COUNT_LAST; i++)
    g_string_append_printf (
        out, "# TYPE frontdesk_%s_total counter\nfrontdesk_%s_total %" G_GUINT64_FORMAT "\n",
        names[i], names[i], counters[i]);
  g_string_append_printf (out,
                          "# TYPE frontdesk_log_head gauge\nfrontdesk_log_head %" G_GINT64_FORMAT
                          "\n",
                          desk_service_get_head (self, 0));
  write_connection_metrics (self, out);
  DeskServerTx *tx = self->store->ops->begin_read (self->store, NULL);
  if (tx == NULL)
    return;
  write_job_metrics (tx, out);
  tx->ops->end_read (tx);
}
