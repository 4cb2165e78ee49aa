/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "common/desk-backoff.h"
#include "sync/desk-sync-private.h"

/* Downloads, on the sync thread: at most RUNNING at once, each resumed where it broke, its link renewed when it
 * expired. A download that waits for its next attempt holds no place.
 *
 * Invariants: a partial file has one writer; it either becomes the cached file, by way of
 * desk_store_adopt_file_async(), or is removed. Whoever will call back holds a reference of its load, and a
 * load one of the loader. */

#define RUNNING 4
#define MAX_FAILURES 5 /* in a row, without a byte more */
#define MAX_RENEWALS 2
#define RETRY_BASE_MS 1000
#define RETRY_CAP_MS 30000
#define STALL_MS 30000
#define ASK_TIMEOUT_MS 20000
#define TELL_EVERY_US (100 * 1000)
#define PAGE0_LIMIT 50
#define PAGE0_LAST 1000 /* level 0: how far back a message is looked for */

typedef struct
{
  int refs;
  DeskLoader *loader;
  DeskWish *wish;
  GCancellable *cancellable;
  GSource *timer;
  int fd;
  char *partial;
  char *etag;
  gint64 received;
  gint64 told_us;
  guint failures;
  guint renewals;
  gboolean token_renewed;
  guint offset; /* level 0: of the page in which the message is looked for */
  gboolean running;
  gboolean ended;
} Load;

void
desk_wish_free (DeskWish *wish)
{
  if (wish == NULL)
    return;
  g_free (wish->key);
  g_clear_pointer (&wish->message, desk_message_free);
  g_clear_pointer (&wish->attachment, desk_attachment_free);
  g_free (wish);
}

static Load *
load_ref (Load *load)
{
  load->refs++;
  load->loader->out++;
  return load;
}

static void
load_unref (Load *load)
{
  if (--load->refs > 0)
    return;
  if (load->fd >= 0)
    close (load->fd);
  if (load->partial != NULL)
    g_unlink (load->partial);
  g_free (load->partial);
  g_free (load->etag);
  g_clear_object (&load->cancellable);
  desk_wish_free (load->wish);
  desk_loader_unref (load->loader);
  g_free (load);
}

/* What load_ref() gave to a call comes back. */
static void
load_back (Load *load)
{
  load->loader->out--;
  load_unref (load);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Load, load_back)

static void
clear_timer (Load *load)
{
  if (load->timer == NULL)
    return;
  g_source_destroy (load->timer);
  g_clear_pointer (&load->timer, g_source_unref);
}

/* ── Telling ────────────────────────────────────────────────────────────────────────────────── */

static DeskFileNews *
news_of (const Load *load, DeskFilePhase phase)
{
  DeskFileNews *news = g_new0 (DeskFileNews, 1);

  news->key = g_strdup (load->wish->key);
  news->phase = phase;
  news->done = load->received;
  news->total = load->wish->attachment->size;
  return news;
}

static void pump (DeskLoader *self);

static void
end (Load *load, DeskFileNews *news)
{
  DeskLoader *self = load->loader;

  if (load->ended)
    {
      desk_file_news_free (news);
      return;
    }
  load->ended = TRUE;
  clear_timer (load);
  if (load->running)
    self->running--;
  load->running = FALSE;
  g_queue_remove (self->queue, load);
  desk_files_link_tell (self->link, news);
  desk_loader_ref (self);
  if (g_hash_table_lookup (self->loads, load->wish->key) == load)
    g_hash_table_remove (self->loads, load->wish->key); /* may free it */
  pump (self);
  desk_loader_unref (self);
}

static void
fail (Load *load, DeskFilePhase phase, int code, const char *text)
{
  DeskFileNews *news = news_of (load, phase);

  news->code = code;
  news->error = g_strdup (text);
  end (load, news);
}

static void
on_progress (gint64 done, gint64 total, gpointer data)
{
  Load *load = data;
  gint64 now_us = g_get_monotonic_time ();
  DeskFileNews *news;

  load->failures = 0;
  load->received = done;
  if (load->ended || (now_us - load->told_us < TELL_EVERY_US && done < total))
    return;
  load->told_us = now_us;
  news = news_of (load, DESK_FILE_FETCHING);
  if (total >= 0)
    news->total = total;
  desk_files_link_tell (load->loader->link, news);
}

/* ── One attempt ────────────────────────────────────────────────────────────────────────────── */

static void attempt (Load *load);

static gboolean
on_due (gpointer data)
{
  Load *load = data;
  DeskLoader *self = load->loader;

  g_clear_pointer (&load->timer, g_source_unref);
  g_queue_push_tail (self->queue, load);
  pump (self);
  return G_SOURCE_REMOVE;
}

/* Later, from where it broke; or that was enough. */
static void
put_off (Load *load, gint64 delay_ms)
{
  DeskLoader *self = load->loader;

  if (++load->failures > MAX_FAILURES)
    {
      fail (load, DESK_FILE_FAILED, G_IO_ERROR_NOT_CONNECTED, _("The server cannot be reached. Try again later."));
      return;
    }
  if (delay_ms < 0)
    delay_ms = RETRY_BASE_MS / 2 + desk_backoff_full_jitter_ms (load->failures - 1, RETRY_BASE_MS, RETRY_CAP_MS, self->random);
  if (load->running)
    self->running--;
  load->running = FALSE;
  load->timer = g_timeout_source_new ((guint) MIN (delay_ms, 600000));
  g_source_set_callback (load->timer, on_due, load, NULL);
  g_source_attach (load->timer, g_main_context_get_thread_default ());
  desk_files_link_tell (self->link, news_of (load, DESK_FILE_WAITING));
  pump (self);
}

static void
on_adopted (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Load) load = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskCachedFile) file = desk_store_adopt_file_finish (DESK_STORE (source), result, &error);
  DeskFileNews *news;

  if (file == NULL)
    {
      fail (load, DESK_FILE_FAILED,
            g_error_matches (error, DESK_STORE_ERROR, DESK_STORE_ERROR_CORRUPT) ? G_IO_ERROR_INVALID_DATA
            : g_error_matches (error, DESK_STORE_ERROR, DESK_STORE_ERROR_FULL)  ? G_IO_ERROR_NO_SPACE
                                                                                : G_IO_ERROR_FAILED,
            error->message);
      return;
    }
  news = news_of (load, DESK_FILE_READY);
  news->path = g_strdup (file->path);
  news->sha256 = g_strdup (file->sha256);
  news->done = news->total = file->size;
  end (load, news);
}

/* Level 0 tells sizes that need not be exact; what has a checksum is known exactly. */
static void
adopt (Load *load)
{
  const DeskAttachment *a = load->wish->attachment;
  g_autofree char *partial = g_steal_pointer (&load->partial);

  if (fsync (load->fd) != 0)
    g_info ("a download may not survive a power cut");
  close (load->fd);
  load->fd = -1;
  desk_store_adopt_file_async (load->loader->store, partial, load->wish->key, a->sha256, a->sha256 ? a->size : -1, NULL,
                               on_adopted, load_ref (load));
}

static void
take_disk_error (Load *load, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
    fail (load, DESK_FILE_FAILED, G_IO_ERROR_NO_SPACE, _("The disk is full. The file was not kept."));
  else
    {
      g_autofree char *text = g_strdup_printf (_("The file cannot be kept: %s"), error->message);

      fail (load, DESK_FILE_FAILED, G_IO_ERROR_FAILED, text);
    }
}

static void renew (Load *load);

static void
on_token (DeskTokenResult result, gpointer data)
{
  g_autoptr (Load) load = data;

  if (load->ended)
    return;
  if (result == DESK_TOKEN_RENEWED)
    attempt (load);
  else if (result == DESK_TOKEN_FAILED)
    put_off (load, -1);
  else
    fail (load, DESK_FILE_FAILED, G_IO_ERROR_PERMISSION_DENIED,
          _("The sign-in is not accepted any more. Sign in again."));
}

/* A 401, once: whoever fetches files alone has no engine beside it that would renew the token. */
static gboolean
renew_token (Load *load)
{
  if (load->token_renewed)
    return FALSE;
  load->token_renewed = TRUE;
  desk_token_keeper_renew (load->loader->keeper, on_token, load_ref (load));
  return TRUE;
}

static void
take_refusal (Load *load, const DeskDownload *download)
{
  guint status = download->status;

  if (status == 401 && renew_token (load))
    return;
  if ((status == 403 || status == 401) && load->wish->message != NULL && load->renewals < MAX_RENEWALS)
    {
      load->renewals++;
      load->offset = 0;
      renew (load);
    }
  else if (status == 404 || status == 410)
    fail (load, DESK_FILE_GONE, G_IO_ERROR_NOT_FOUND, _("The server does not keep this file any more."));
  else if (status == 416 && load->received > 0)
    {
      load->received = 0; /* what we have does not belong to what is there now */
      put_off (load, -1);
    }
  else if (status >= 500 || status == 429 || status == 408)
    put_off (load, download->retry_after_ms);
  else
    fail (load, DESK_FILE_FAILED, G_IO_ERROR_PERMISSION_DENIED, _("The server does not give this file."));
}

static void
on_downloaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Load) load = data;
  g_autoptr (DeskDownload) download = desk_api_download_finish (DESK_API (source), result);

  if (load->ended)
    return;
  load->received = download->received;
  g_free (load->etag);
  load->etag = g_strdup (download->etag);
  switch (download->outcome)
    {
    case DESK_DOWNLOAD_DONE:
      adopt (load);
      break;
    case DESK_DOWNLOAD_BROKEN:
      put_off (load, -1);
      break;
    case DESK_DOWNLOAD_REFUSED:
      take_refusal (load, download);
      break;
    case DESK_DOWNLOAD_TOO_LARGE:
      fail (load, DESK_FILE_FAILED, G_IO_ERROR_MESSAGE_TOO_LARGE, _("The file is larger than the settings allow."));
      break;
    case DESK_DOWNLOAD_BAD:
      fail (load, DESK_FILE_FAILED, G_IO_ERROR_INVALID_DATA, _("The server's answer for this file cannot be used."));
      break;
    case DESK_DOWNLOAD_DISK:
      take_disk_error (load, download->error);
      break;
    case DESK_DOWNLOAD_CANCELLED:
      fail (load, DESK_FILE_REMOTE, G_IO_ERROR_CANCELLED, NULL);
      break;
    }
}

static void
attempt (Load *load)
{
  const DeskAttachment *a = load->wish->attachment;
  g_autoptr (GError) error = NULL;
  gint64 limit = load->wish->max_bytes;

  if (load->fd < 0)
    load->fd = desk_store_open_partial (load->loader->store, &load->partial, &error);
  if (load->fd < 0)
    {
      fail (load, DESK_FILE_FAILED,
            g_error_matches (error, DESK_STORE_ERROR, DESK_STORE_ERROR_FULL) ? G_IO_ERROR_NO_SPACE : G_IO_ERROR_FAILED,
            error->message);
      return;
    }
  if (a->url == NULL)
    {
      load->renewals++;
      renew (load);
      return;
    }
  if (a->sha256 != NULL && a->size >= 0)
    limit = MIN (limit, a->size);
  desk_api_download_async (load->loader->api, a->url, load->fd, load->received, load->etag, limit, STALL_MS, on_progress,
                           load, load->cancellable, on_downloaded, load_ref (load));
}

/* ── A new link: the message is asked for again ────────────────────────────────────────────── */

static const DeskAttachment *
find_attachment (const DeskMessage *message, const DeskMessage *old_message, const DeskAttachment *old)
{
  for (guint i = 0; i < message->attachments->len; i++)
    {
      const DeskAttachment *a = g_ptr_array_index (message->attachments, i);

      if (*old->file_id != '\0' && g_strcmp0 (a->file_id, old->file_id) == 0)
        return a;
    }
  /* a file that was pending gets its id with its bytes: then its place counts */
  for (guint i = 0; i < MIN (message->attachments->len, old_message->attachments->len); i++)
    {
      const DeskAttachment *a = g_ptr_array_index (message->attachments, i);
      const DeskAttachment *was = g_ptr_array_index (old_message->attachments, i);

      if (g_strcmp0 (was->file_id, old->file_id) == 0 && g_strcmp0 (a->filename, old->filename) == 0)
        return a;
    }
  return NULL;
}

static void
take_renewed (Load *load, const DeskMessage *message)
{
  const DeskAttachment *a = find_attachment (message, load->wish->message, load->wish->attachment);

  if (a == NULL || g_strcmp0 (a->state, "gone") == 0)
    fail (load, DESK_FILE_GONE, G_IO_ERROR_NOT_FOUND, _("The server does not keep this file any more."));
  else if (a->url == NULL)
    fail (load, DESK_FILE_FAILED, G_IO_ERROR_NOT_FOUND, _("The server does not have this file yet. Try again later."));
  else
    {
      DeskAttachment *copy = desk_attachment_copy (a);

      desk_attachment_free (load->wish->attachment);
      load->wish->attachment = copy;
      attempt (load);
    }
}

static const DeskMessage *
find_message (GPtrArray *messages, const char *id)
{
  for (guint i = 0; messages != NULL && i < messages->len; i++)
    {
      const DeskMessage *message = g_ptr_array_index (messages, i);

      if (message->id != NULL && g_strcmp0 (message->id, id) == 0)
        return message;
    }
  return NULL;
}

static DeskRequest *
renewal_request (const Load *load)
{
  const DeskMessage *message = load->wish->message;
  DeskRequest *request = desk_request_new (message->is_level2 ? DESK_REQUEST_MESSAGES : DESK_REQUEST_PAGE0, 0);

  request->platform = g_strdup (message->platform);
  request->user_id = g_strdup (message->user_id);
  request->limit = message->is_level2 ? 1 : PAGE0_LIMIT;
  request->seq = message->chat_seq + 1;
  request->offset = load->offset;
  return request;
}

static void
on_asked (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Load) load = data;
  g_autoptr (DeskRestAnswer) answer = desk_api_request_finish (DESK_API (source), result);
  g_autoptr (DeskSyncReply) reply = NULL;
  const DeskMessage *message;
  DeskRequest *request;
  gsize len;
  const char *body;

  if (load->ended)
    return;
  if (answer->outcome != DESK_REST_OK)
    {
      if (answer->status == 401 && renew_token (load))
        return;
      if (answer->outcome == DESK_REST_REFUSED && (answer->status == 404 || answer->status == 403))
        fail (load, DESK_FILE_GONE, G_IO_ERROR_NOT_FOUND, _("The server does not keep this file any more."));
      else
        put_off (load, answer->failure ? answer->failure->retry_after_ms : -1);
      return;
    }
  request = renewal_request (load);
  body = g_bytes_get_data (answer->body, &len);
  reply = desk_sync_reply_read (request, body, len);
  desk_request_free (request);
  message = find_message (reply->messages, load->wish->message->id);
  if (message != NULL)
    take_renewed (load, message);
  else if (!load->wish->message->is_level2 && reply->messages != NULL && reply->messages->len > 0
           && load->offset + reply->messages->len < PAGE0_LAST)
    {
      load->offset += reply->messages->len;
      renew (load);
    }
  else
    fail (load, DESK_FILE_GONE, G_IO_ERROR_NOT_FOUND, _("The server does not keep this file any more."));
}

static void
renew (Load *load)
{
  DeskRequest *request;
  g_autofree char *path = NULL;

  if (load->wish->message == NULL)
    {
      fail (load, DESK_FILE_GONE, G_IO_ERROR_NOT_FOUND, _("The server does not keep this file any more."));
      return;
    }
  request = renewal_request (load);
  path = desk_request_path (request);
  desk_api_request_async (load->loader->api, "GET", path, NULL, ASK_TIMEOUT_MS, load->cancellable, on_asked,
                          load_ref (load));
  desk_request_free (request);
}

/* ── The queue ──────────────────────────────────────────────────────────────────────────────── */

static void
pump (DeskLoader *self)
{
  while (!self->stopped && self->running < RUNNING && !g_queue_is_empty (self->queue))
    {
      Load *load = g_queue_pop_head (self->queue);

      load->running = TRUE;
      self->running++;
      load->told_us = 0;
      desk_files_link_tell (self->link, news_of (load, DESK_FILE_FETCHING));
      attempt (load);
    }
}

void
desk_loader_fetch (DeskLoader *self, DeskWish *wish)
{
  Load *load;

  if (self->stopped || g_hash_table_contains (self->loads, wish->key))
    {
      desk_wish_free (wish);
      return;
    }
  load = g_new0 (Load, 1);
  load->refs = 1;
  load->fd = -1;
  load->loader = desk_loader_ref (self);
  load->wish = wish;
  load->cancellable = g_cancellable_new ();
  g_hash_table_insert (self->loads, g_strdup (wish->key), load);
  g_queue_push_tail (self->queue, load);
  pump (self);
}

void
desk_loader_cancel (DeskLoader *self, const char *key)
{
  Load *load = g_hash_table_lookup (self->loads, key);

  if (load == NULL)
    return;
  g_cancellable_cancel (load->cancellable);
  fail (load, DESK_FILE_REMOTE, G_IO_ERROR_CANCELLED, NULL);
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */

DeskLoader *
desk_loader_new (DeskApi *api, DeskTokenKeeper *keeper, DeskStore *store, DeskRandom *random, DeskFilesLink *link)
{
  DeskLoader *self = g_new0 (DeskLoader, 1);

  self->refs = 1;
  self->api = g_object_ref (api);
  self->keeper = keeper;
  self->store = g_object_ref (store);
  self->random = random;
  self->link = desk_files_link_ref (link);
  self->loads = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) load_unref);
  self->queue = g_queue_new ();
  self->uploads = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_object_unref);
  return self;
}

DeskLoader *
desk_loader_ref (DeskLoader *self)
{
  self->refs++;
  return self;
}

void
desk_loader_unref (DeskLoader *self)
{
  if (--self->refs > 0)
    return;
  g_hash_table_unref (self->loads);
  g_hash_table_unref (self->uploads);
  g_queue_free (self->queue);
  desk_files_link_unref (self->link);
  g_object_unref (self->store);
  g_object_unref (self->api);
  g_free (self);
}

void
desk_loader_stop (DeskLoader *self)
{
  g_autoptr (GList) keys = g_hash_table_get_keys (self->loads);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  self->stopped = TRUE;
  for (GList *l = keys; l != NULL; l = l->next)
    g_ptr_array_add (names, g_strdup (l->data));
  for (guint i = 0; i < names->len; i++)
    desk_loader_cancel (self, g_ptr_array_index (names, i));
}

gboolean
desk_loader_is_busy (DeskLoader *self)
{
  return self->out > 0;
}
