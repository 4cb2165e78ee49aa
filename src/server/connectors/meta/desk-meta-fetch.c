/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* Where a file is, the download, and the host's store.
 *
 * Invariants: one file at a time; a file is asked for at most MAX_ATTEMPTS times, and again only
 * where the network or Meta's limits stood in the way; what does not match its SHA-256 is never
 * told as ready; whatever happens, each ends once, unless the fetcher ends before. */

#include "server/connectors/meta/desk-meta-fetch.h"

#include <string.h>

#include "server/connectors/meta/desk-meta-json.h"
#include "server/connectors/meta/desk-meta-rules.h"
#include "server/service/desk-service.h"

#define MAX_ATTEMPTS  3
#define RETRY_BASE_MS 2000
#define RETRY_CAP_MS  60000

typedef struct
{
  char *platform;
  char *user_id;
  char *message_id; /* on the platform */
  DeskAttachment *wanted;
  char *told_hash; /* nullable: what GET /{id} says */
  guint attempts;
} Fetch;

struct _DeskMetaFetcher
{
  gatomicrefcount refs; /* the owner's, and one while a call is under way */
  DeskMetaGraph *graph;
  DeskConnectorHost *host;
  char *connection;
  DeskMetaFetchWay way;
  gint64 max_bytes;
  GCancellable *cancellable;
  GQueue queue; /* of Fetch; the head is under way */
  DeskFileUpload *upload;
  gboolean busy;
  guint timer;
};

static void ask (DeskMetaFetcher *self);

static void
fetch_free (gpointer data)
{
  Fetch *fetch = data;

  g_free (fetch->platform);
  g_free (fetch->user_id);
  g_free (fetch->message_id);
  g_free (fetch->told_hash);
  desk_attachment_free (fetch->wanted);
  g_free (fetch);
}

static void
fetcher_unref (DeskMetaFetcher *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_clear_pointer (&self->upload, desk_file_upload_cancel);
  g_queue_clear_full (&self->queue, fetch_free);
  g_object_unref (self->cancellable);
  g_free (self->connection);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskMetaFetcher, fetcher_unref)

static DeskMetaFetcher *
fetcher_ref (DeskMetaFetcher *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

static gboolean
is_over (DeskMetaFetcher *self)
{
  return g_cancellable_is_cancelled (self->cancellable);
}

/* ── The end of one ─────────────────────────────────────────────────────────────────────────── */
static void
on_told (gboolean stored, const GError *error, gpointer data)
{
  if (!stored)
    g_message ("What became of a file could not be stored: %s",
               error != NULL ? error->message : "no reason told");
}

static void
next (DeskMetaFetcher *self)
{
  self->busy = FALSE;
  if (!is_over (self) && self->timer == 0 && !g_queue_is_empty (&self->queue))
    ask (self);
}

static DeskAttachment *
describe (const Fetch *fetch, const DeskStoredFile *file)
{
  DeskAttachment *told = file != NULL ? desk_attachment_new_stored (file)
                                      : desk_attachment_copy (fetch->wanted);

  g_free (told->state);
  told->state = g_strdup (file != NULL ? "ready" : "failed");
  if (file == NULL)
    g_clear_pointer (&told->url, g_free); /* the platform's address is not for clients */
  g_free (told->external_id);
  told->external_id = g_strdup (fetch->wanted->external_id);
  told->duration_ms = fetch->wanted->duration_ms;
  if (told->width == 0)
    {
      told->width = fetch->wanted->width;
      told->height = fetch->wanted->height;
    }
  return told;
}

/* file NULL: failed */
static void
end_fetch (DeskMetaFetcher *self, const DeskStoredFile *file, const char *reason)
{
  Fetch *fetch = g_queue_pop_head (&self->queue);
  DeskInbound *inbound = desk_inbound_new (self->connection, DESK_SOURCE_POLL, NULL);
  DeskInboundItem *item
      = desk_inbound_item_new (DESK_INBOUND_ATTACHMENT, fetch->platform, fetch->user_id, NULL);

  if (file == NULL)
    g_message ("%s: a customer's file could not be fetched: %s", self->connection, reason);
  item->message->external_id = g_strdup (fetch->message_id);
  g_ptr_array_add (item->message->attachments, describe (fetch, file));
  g_ptr_array_add (inbound->items, item);
  self->host->ingest (self->host, inbound, on_told, NULL);
  fetch_free (fetch);
  next (self);
}

static gboolean
on_timer (gpointer data)
{
  DeskMetaFetcher *self = data;

  self->timer = 0;
  next (self);
  return G_SOURCE_REMOVE;
}

/* Not Meta's last word: once more, later. */
static void
fail_for_now (DeskMetaFetcher *self, gint64 wait_ms, const char *reason)
{
  Fetch *fetch = g_queue_peek_head (&self->queue);

  if (fetch->attempts >= MAX_ATTEMPTS)
    {
      end_fetch (self, NULL, reason);
      return;
    }
  if (wait_ms < 0)
    wait_ms = RETRY_BASE_MS << (fetch->attempts - 1);
  self->timer = g_timeout_add ((guint)MIN (wait_ms, RETRY_CAP_MS), on_timer, self);
  self->busy = FALSE;
}

/* ── The course of one ──────────────────────────────────────────────────────────────────────── */
static void
finish_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  DeskFileUpload *upload = data;
  GError *error = NULL;
  DeskStoredFile *file = upload->ops->finish (upload, &error);

  if (file != NULL)
    g_task_return_pointer (task, file, (GDestroyNotify)desk_stored_file_free);
  else
    g_task_return_error (task, error);
}

/* What was stored although it is not what the customer sent is swept away as nobody's. */
static gboolean
is_what_was_sent (const Fetch *fetch, const DeskStoredFile *file)
{
  return (fetch->wanted->sha256 == NULL || strcmp (fetch->wanted->sha256, file->hash) == 0)
         && (fetch->told_hash == NULL || strcmp (fetch->told_hash, file->hash) == 0);
}

static void
on_finished (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskMetaFetcher) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskStoredFile) file = g_task_propagate_pointer (G_TASK (result), &error);

  if (is_over (self))
    return;
  if (file == NULL)
    fail_for_now (self, -1, error->message);
  else if (!is_what_was_sent (g_queue_peek_head (&self->queue), file))
    fail_for_now (self, -1, "What came is not what the customer sent (SHA-256)");
  else
    end_fetch (self, file, NULL);
}

static void
on_downloaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskMetaFetcher) self = data;
  g_autoptr (GError) error = NULL;

  if (desk_meta_graph_download_finish (result, &error) && !is_over (self))
    {
      /* the disk is waited for elsewhere */
      g_autoptr (GTask) task = g_task_new (NULL, NULL, on_finished, fetcher_ref (self));
      g_task_set_task_data (task, g_steal_pointer (&self->upload), NULL);
      g_task_run_in_thread (task, finish_in_thread);
      return;
    }
  g_clear_pointer (&self->upload, desk_file_upload_cancel);
  if (is_over (self))
    return;
  /* an address that is no longer good can be asked for once more; one that was told cannot */
  if (g_error_matches (error, DESK_FILE_STORE_ERROR, DESK_FILE_STORE_ERROR_TOO_LARGE)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT)
      || (self->way == DESK_META_FETCH_BY_URL
          && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)))
    end_fetch (self, NULL, error->message);
  else
    fail_for_now (self, -1, error->message);
}

static void
download (DeskMetaFetcher *self, const char *url)
{
  const Fetch *fetch = g_queue_peek_head (&self->queue);
  DeskFileStore *files = self->host->files;
  g_autoptr (GError) error = NULL;

  self->upload = files->ops->begin (files, fetch->wanted->filename, self->max_bytes, &error);
  if (self->upload == NULL)
    fail_for_now (self, -1, error->message);
  else
    desk_meta_graph_download_async (self->graph, url, self->way == DESK_META_FETCH_BY_ID,
                                    self->upload, self->cancellable, on_downloaded,
                                    fetcher_ref (self));
}

static void
on_address (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskMetaFetcher) self = data;
  g_autoptr (DeskMetaReply) reply = desk_meta_graph_finish (result);
  g_autoptr (DeskOutcome) outcome = NULL;
  Fetch *fetch;

  if (is_over (self))
    return;
  fetch = g_queue_peek_head (&self->queue);
  outcome = desk_meta_outcome (reply, NULL, 0, 1);
  if (outcome != NULL && outcome->type != DESK_OUTCOME_PERMANENT)
    fail_for_now (self, outcome->retry_after_ms, outcome->message);
  else if (outcome != NULL || desk_meta_string (reply->object, "url") == NULL)
    end_fetch (self, NULL, outcome != NULL ? outcome->message : "Meta does not tell where it is");
  else if (desk_meta_int_or (reply->object, "file_size", 0) > self->max_bytes)
    end_fetch (self, NULL, "It is too large");
  else
    {
      g_free (fetch->told_hash);
      fetch->told_hash = desk_meta_sha256_hex (desk_meta_string (reply->object, "sha256"));
      download (self, desk_meta_string (reply->object, "url"));
    }
}

static void
ask (DeskMetaFetcher *self)
{
  Fetch *fetch = g_queue_peek_head (&self->queue);
  g_autofree char *id = NULL;

  self->busy = TRUE;
  fetch->attempts++;
  if (fetch->wanted->size > self->max_bytes)
    end_fetch (self, NULL, "It is too large");
  else if (self->way == DESK_META_FETCH_BY_URL)
    download (self, fetch->wanted->url != NULL ? fetch->wanted->url : "");
  else
    {
      id = g_uri_escape_string (fetch->wanted->external_id, NULL, FALSE);
      desk_meta_graph_get_async (self->graph, id, self->cancellable, on_address,
                                 fetcher_ref (self));
    }
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */
DeskMetaFetcher *
desk_meta_fetcher_new (DeskMetaGraph *graph,
                       DeskConnectorHost *host,
                       const char *connection,
                       DeskMetaFetchWay way,
                       gint64 max_bytes)
{
  g_return_val_if_fail (graph != NULL && host != NULL && host->files != NULL, NULL);
  DeskMetaFetcher *self = g_new0 (DeskMetaFetcher, 1);

  g_atomic_ref_count_init (&self->refs);
  self->graph = graph;
  self->host = host;
  self->connection = g_strdup (connection);
  self->way = way;
  self->max_bytes = max_bytes;
  self->cancellable = g_cancellable_new ();
  g_queue_init (&self->queue);
  return self;
}

void
desk_meta_fetcher_free (DeskMetaFetcher *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->timer, g_source_remove);
  g_cancellable_cancel (self->cancellable);
  fetcher_unref (self);
}

void
desk_meta_fetcher_add (DeskMetaFetcher *self, const DeskMessage *message)
{
  g_return_if_fail (self != NULL && message != NULL);
  for (guint i = 0; i < message->attachments->len; i++)
    {
      const DeskAttachment *wanted = g_ptr_array_index (message->attachments, i);
      if (g_strcmp0 (wanted->state, "pending") != 0 || wanted->external_id == NULL)
        continue;
      Fetch *fetch = g_new0 (Fetch, 1);
      fetch->platform = g_strdup (message->platform);
      fetch->user_id = g_strdup (message->user_id);
      fetch->message_id = g_strdup (message->external_id);
      fetch->wanted = desk_attachment_copy (wanted);
      g_queue_push_tail (&self->queue, fetch);
    }
  if (!self->busy)
    next (self);
}
