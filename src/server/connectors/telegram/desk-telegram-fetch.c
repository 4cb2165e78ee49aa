/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* getFile, the download, and the host's store.
 *
 * Invariants: one file at a time; a file is asked for at most MAX_ATTEMPTS times, and again only
 * where the network or Telegram's limits stood in the way; whatever happens, each ends once,
 * unless the fetcher ends before. */

#include "server/connectors/telegram/desk-telegram-fetch.h"

#include "server/connectors/telegram/desk-telegram-json.h"
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
  guint attempts;
} Fetch;

struct _DeskTelegramFetcher
{
  gatomicrefcount refs; /* the owner's, and one while a call is under way */
  DeskTelegramApi *api;
  DeskConnectorHost *host;
  char *connection;
  GCancellable *cancellable;
  GQueue queue; /* of Fetch; the head is under way */
  DeskFileUpload *upload;
  gboolean busy;
  guint timer;
};

static void ask (DeskTelegramFetcher *self);

static void
fetch_free (gpointer data)
{
  Fetch *fetch = data;

  g_free (fetch->platform);
  g_free (fetch->user_id);
  g_free (fetch->message_id);
  desk_attachment_free (fetch->wanted);
  g_free (fetch);
}

static void
fetcher_unref (DeskTelegramFetcher *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_clear_pointer (&self->upload, desk_file_upload_cancel);
  g_queue_clear_full (&self->queue, fetch_free);
  g_object_unref (self->cancellable);
  g_free (self->connection);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskTelegramFetcher, fetcher_unref)

static DeskTelegramFetcher *
fetcher_ref (DeskTelegramFetcher *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

static gboolean
is_over (DeskTelegramFetcher *self)
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
next (DeskTelegramFetcher *self)
{
  self->busy = FALSE;
  if (!is_over (self) && self->timer == 0 && !g_queue_is_empty (&self->queue))
    ask (self);
}

/* file NULL: failed */
static void
end_fetch (DeskTelegramFetcher *self, const DeskStoredFile *file, const char *reason)
{
  Fetch *fetch = g_queue_pop_head (&self->queue);
  DeskInbound *inbound = desk_inbound_new (self->connection, DESK_SOURCE_POLL, NULL);
  DeskInboundItem *item
      = desk_inbound_item_new (DESK_INBOUND_ATTACHMENT, fetch->platform, fetch->user_id, NULL);
  DeskAttachment *told = file != NULL ? desk_attachment_new_stored (file)
                                      : desk_attachment_copy (fetch->wanted);

  if (file == NULL)
    g_message ("%s: a customer's file could not be fetched: %s", self->connection, reason);
  g_free (told->state);
  told->state = g_strdup (file != NULL ? "ready" : "failed");
  g_free (told->external_id);
  told->external_id = g_strdup (fetch->wanted->external_id);
  told->duration_ms = fetch->wanted->duration_ms;
  if (told->width == 0)
    {
      told->width = fetch->wanted->width;
      told->height = fetch->wanted->height;
    }
  item->message->external_id = g_strdup (fetch->message_id);
  g_ptr_array_add (item->message->attachments, told);
  g_ptr_array_add (inbound->items, item);
  self->host->ingest (self->host, inbound, on_told, NULL);
  fetch_free (fetch);
  next (self);
}

static gboolean
on_timer (gpointer data)
{
  DeskTelegramFetcher *self = data;

  self->timer = 0;
  next (self);
  return G_SOURCE_REMOVE;
}

/* Not Telegram's last word: once more, later. */
static void
fail_for_now (DeskTelegramFetcher *self, gint64 wait_ms, const char *reason)
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

static void
on_finished (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskTelegramFetcher) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskStoredFile) file = g_task_propagate_pointer (G_TASK (result), &error);

  if (is_over (self))
    return;
  if (file != NULL)
    end_fetch (self, file, NULL);
  else
    fail_for_now (self, -1, error->message);
}

static void
on_downloaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskTelegramFetcher) self = data;
  g_autoptr (GError) error = NULL;

  if (desk_telegram_api_download_finish (result, &error) && !is_over (self))
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
  if (g_error_matches (error, DESK_FILE_STORE_ERROR, DESK_FILE_STORE_ERROR_TOO_LARGE))
    end_fetch (self, NULL, error->message);
  else
    fail_for_now (self, -1, error->message);
}

static void
download (DeskTelegramFetcher *self, const char *file_path)
{
  const Fetch *fetch = g_queue_peek_head (&self->queue);
  DeskFileStore *files = self->host->files;
  g_autoptr (GError) error = NULL;

  self->upload = files->ops->begin (files, fetch->wanted->filename, DESK_TELEGRAM_MAX_FILE, &error);
  if (self->upload == NULL)
    fail_for_now (self, -1, error->message);
  else
    desk_telegram_api_download_async (self->api, file_path, self->upload, self->cancellable,
                                      on_downloaded, fetcher_ref (self));
}

static void
on_file (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskTelegramFetcher) self = data;
  g_autoptr (DeskTelegramReply) reply = desk_telegram_api_finish (result);
  JsonObject *file = reply->result != NULL && JSON_NODE_HOLDS_OBJECT (reply->result)
                         ? json_node_get_object (reply->result)
                         : NULL;

  if (is_over (self))
    return;
  if (reply->trouble != NULL || reply->error_code == 429)
    fail_for_now (self, reply->retry_after_ms,
                  reply->trouble != NULL ? reply->trouble : "Telegram asks to slow down");
  else if (!reply->ok || desk_tg_string (file, "file_path") == NULL)
    end_fetch (self, NULL,
               reply->description != NULL ? reply->description : "Telegram does not give it");
  else
    download (self, desk_tg_string (file, "file_path"));
}

static void
ask (DeskTelegramFetcher *self)
{
  Fetch *fetch = g_queue_peek_head (&self->queue);
  g_autofree char *id = g_uri_escape_string (fetch->wanted->external_id, NULL, FALSE);
  g_autofree char *query = g_strconcat ("file_id=", id, NULL);

  self->busy = TRUE;
  fetch->attempts++;
  if (fetch->wanted->size > DESK_TELEGRAM_MAX_FILE)
    end_fetch (self, NULL, "Telegram gives bots no files over 20 MB");
  else
    desk_telegram_api_get_async (self->api, "getFile", query, self->cancellable, on_file,
                                 fetcher_ref (self));
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */
DeskTelegramFetcher *
desk_telegram_fetcher_new (DeskTelegramApi *api, DeskConnectorHost *host, const char *connection)
{
  g_return_val_if_fail (api != NULL && host != NULL && host->files != NULL, NULL);
  DeskTelegramFetcher *self = g_new0 (DeskTelegramFetcher, 1);

  g_atomic_ref_count_init (&self->refs);
  self->api = api;
  self->host = host;
  self->connection = g_strdup (connection);
  self->cancellable = g_cancellable_new ();
  g_queue_init (&self->queue);
  return self;
}

void
desk_telegram_fetcher_free (DeskTelegramFetcher *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->timer, g_source_remove);
  g_cancellable_cancel (self->cancellable);
  fetcher_unref (self);
}

void
desk_telegram_fetcher_add (DeskTelegramFetcher *self, const DeskMessage *message)
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
