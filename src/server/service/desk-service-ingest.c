/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* What comes from the platforms: one payload is one transaction, with its deduplication, its raw
 * bytes and the poll position.
 *
 * Invariants: a payload is confirmed only after the commit; one that the rules cannot digest is
 * kept raw and confirmed, so that it never blocks those behind it; an echo of our own reply never
 * becomes a second message. */

#include "protocol/desk-wire-change.h"
#include "server/service/desk-service-action.h"
#include "server/service/desk-service-private.h"

#include <string.h>

#include "common/desk-json.h"
#include "common/desk-text.h"

#define MIRROR_LIMIT                                                                               \
  20 /* mirrored messages of one chat in MIRROR_WINDOW_MS that are still believed */
#define MIRROR_WINDOW_MS 10000
#define BREAKER_MS       60000 /* how long a tripped chat takes no mirrored messages */
#define MAX_NAME         1024
#define MAX_METADATA     65536

typedef struct
{
  DeskWork work;
  DeskInbound *inbound;
  DeskIngestDone done;
  gpointer data;
  guint stored, duplicates;
  char *problem; /* second run: keep the payload raw, touch nothing else */
  gint64 raw_id; /* of a replay; else 0 */
  DeskReplayDone replayed;
} DeskIngest;

/* ── Chats ──────────────────────────────────────────────────────────────────────────────────── */

static char *
clean_name (const char *text)
{
  return text != NULL && text[0] != '\0' ? desk_text_preview (text, 200) : NULL;
}

/* What the chat is about, as the platform tells it: valid JSON of bounded size, or it is left out. */
static gboolean
take_metadata (DeskChat *chat, const char *metadata)
{
  if (metadata == NULL || metadata[0] != '{' || g_strcmp0 (chat->metadata, metadata) == 0
      || !desk_json_scan (metadata, strlen (metadata), MAX_METADATA, NULL))
    return FALSE;
  /* Into what managers and earlier messages told. */
  char *merged = desk_wire_merge_objects (chat->metadata, metadata, NULL);
  if (merged == NULL || g_strcmp0 (chat->metadata, merged) == 0)
    {
      g_free (merged);
      return FALSE;
    }
  g_free (chat->metadata);
  chat->metadata = merged;
  return TRUE;
}

/* A name that a manager wrote or the user service told stays, whatever the platform tells. */
static gboolean
is_typed (DeskIngest *self, const DeskServerChat *chat, DeskProfileField field, GError **error)
{
  g_autofree char *body = NULL;
  gint64 typed = 0;
  if (!self->work.tx->ops->profile_get (self->work.tx, chat->row, &body, &typed, error))
    return FALSE;
  return desk_profile_is_taken (typed, field, DESK_TELLER_PLATFORM);
}

/* Which room of a partner the chat is: whoever told it first is right. */
static gboolean
take_room (DeskChat *chat, const DeskInboundItem *item)
{
  if (item->partner_room_id == NULL || chat->partner_room_id != NULL)
    return FALSE;
  g_free (chat->partner_name);
  chat->partner_name = g_strdup (chat->platform);
  chat->partner_room_id = g_strdup (item->partner_room_id);
  return TRUE;
}

static gboolean
ensure_chat (DeskIngest *self,
             const DeskInboundItem *item,
             const DeskMessage *message, /* the item's, made readable */
             DeskServerChat **out,
             gboolean *out_changed,
             GError **error)
{
  DeskServerTx *tx = self->work.tx;
  g_autofree char *name = NULL, *handle = clean_name (message->messenger_name);
  /* What an echo says of names may be the business's own. */
  if (message->direction == DESK_DIRECTION_INCOMING)
    name = clean_name (message->user_name);
  *out_changed = FALSE;
  if (!tx->ops->chat_find (tx, message->platform, message->user_id, NULL, out, error))
    return FALSE;
  if (*out != NULL)
    {
      DeskChat *chat = (*out)->chat;
      if (name != NULL && g_strcmp0 (chat->user_name, name) != 0
          && !is_typed (self, *out, DESK_PROFILE_NAME, NULL))
        {
          g_free (chat->user_name);
          chat->user_name = g_steal_pointer (&name);
          *out_changed = TRUE;
        }
      if (handle != NULL && message->direction == DESK_DIRECTION_INCOMING
          && g_strcmp0 (chat->messenger_name, handle) != 0
          && !is_typed (self, *out, DESK_PROFILE_HANDLE, NULL))
        {
          g_free (chat->messenger_name);
          chat->messenger_name = g_steal_pointer (&handle);
          *out_changed = TRUE;
        }
      if (take_metadata (chat, item->metadata))
        *out_changed = TRUE;
      if (take_room (chat, item))
        *out_changed = TRUE;
      return TRUE;
    }
  DeskChat *chat = desk_chat_new (message->platform, message->user_id);
  chat->is_level2 = TRUE;
  g_free (chat->user_name);
  chat->user_name = name != NULL ? g_steal_pointer (&name)
                    : message->user_name != NULL && message->user_name[0] != '\0'
                        ? desk_text_preview (message->user_name, 200)
                        : g_strdup (message->user_id);
  chat->messenger_name = g_steal_pointer (&handle);
  g_free (chat->stream_id);
  chat->stream_id = desk_chat_stream_id (message->platform, message->user_id);
  chat->connection = g_strdup (self->inbound->connection);
  chat->first_chat_seq = 1;
  chat->type = item->chat_type;
  take_metadata (chat, item->metadata);
  take_room (chat, item);
  *out = desk_server_chat_new (chat);
  *out_changed = TRUE;
  return tx->ops->chat_insert (tx, *out, error);
}

/* ── Messages ───────────────────────────────────────────────────────────────────────────────── */

static gboolean
resolve_quote (DeskIngest *self, gint64 chat_row, DeskInboundItem *item, GError **error)
{
  g_autoptr (DeskServerMessage) stored = NULL;
  if (item->reply_to_external_id == NULL || item->message->reply_to != NULL)
    return TRUE;
  if (!self->work.tx->ops->message_by_external (self->work.tx, chat_row, item->reply_to_external_id,
                                                &stored, error))
    return FALSE;
  g_autoptr (DeskMessage) quoted
      = stored != NULL ? desk_service_parse_body (stored->body, error) : NULL;
  if (stored != NULL && quoted == NULL)
    return FALSE;
  if (quoted == NULL
      && !desk_work_find_part (&self->work, chat_row, item->reply_to_external_id, &quoted, NULL,
                               error))
    return FALSE;
  if (quoted == NULL)
    return TRUE;
  g_autofree char *preview = item->quote != NULL ? desk_text_preview (item->quote, 200)
                                                 : desk_service_preview (quoted);
  item->message->reply_to
      = desk_reply_to_new (quoted->id, quoted->chat_seq,
                           quoted->sender_name != NULL ? quoted->sender_name
                                                       : desk_sender_to_string (quoted->sender),
                           preview);
  return TRUE;
}

/* An echo may arrive before the answer to our own request, and some platforms tell no id in that
 * answer: then the reply has no external id yet and is known by its text. */
static gboolean
find_own (
    DeskIngest *self, gint64 chat_row, const DeskMessage *echo, DeskMessage **out, GError **error)
{
  DeskServerTx *tx = self->work.tx;
  g_autoptr (DeskServerMessage) stored = NULL;
  g_autoptr (GPtrArray) open = NULL;
  *out = NULL;
  if (echo->client_message_id != NULL
      && !tx->ops->key_find_message (tx, echo->client_message_id, chat_row, &stored, error))
    return FALSE;
  if (stored != NULL)
    return (*out = desk_service_parse_body (stored->body, error)) != NULL;
  if (!tx->ops->messages_with_status (tx, chat_row,
                                      1u << DESK_STATUS_QUEUED | 1u << DESK_STATUS_UNKNOWN
                                          | 1u << DESK_STATUS_SENT,
                                      G_MAXINT64, &open, error))
    return FALSE;
  for (guint i = 0; i < open->len && *out == NULL; i++)
    {
      const DeskServerMessage *candidate = open->pdata[i];
      g_autoptr (DeskServerJobRow) job = NULL;
      if (strstr (candidate->body, "\"external_id\":\"") != NULL)
        continue; /* the platform's name for it is known; spares reading most of them */
      g_autoptr (DeskMessage) message = desk_service_parse_body (candidate->body, error);
      if (message == NULL)
        return FALSE;
      if (message->external_id != NULL || message->is_private
          || strcmp (message->text, echo->text) != 0
          || (message->status == DESK_STATUS_SENT
              && message->created_at_ms < self->work.now_ms - DAY_MS))
        continue;
      if (message->status == DESK_STATUS_QUEUED)
        {
          /* Only one whose request is on its way. */
          if (!tx->ops->job_get (tx, candidate->chat_row << 31 | candidate->chat_seq, &job, error))
            return FALSE;
          if (job == NULL || job->state != DESK_SERVER_JOB_BEGUN)
            continue;
        }
      *out = g_steal_pointer (&message);
    }
  return TRUE;
}

static gboolean
adopt_echo (
    DeskIngest *self, gint64 chat_row, DeskMessage *own, const DeskMessage *echo, GError **error)
{
  gboolean changed;
  if (own->external_id == NULL)
    own->external_id = g_strdup (echo->external_id);
  if (!desk_work_set_status (&self->work, chat_row, own, DESK_STATUS_SENT, self->work.now_ms, NULL,
                             NULL, FALSE, &changed, error))
    return FALSE;
  if (!changed
      && !desk_work_change_message (&self->work, chat_row, own, DESK_EVENT_MESSAGE_UPDATED, error))
    return FALSE;
  return self->work.tx->ops->job_delete (self->work.tx, chat_row, own->chat_seq, error);
}

static gboolean
trip_breaker (DeskIngest *self, DeskServerChat *chat, GError **error)
{
  g_autoptr (DeskNotification) notice = desk_service_new_notice (self->work.service, "loop");

  chat->breaker_until_ms = self->work.now_ms + BREAKER_MS;
  notice->title = g_strdup ("Messages go round in a loop");
  notice->text = g_strdup ("Messages of this chat come back from the platform again and again; "
                           "mirroring is paused for a minute");
  notice->platform = g_strdup (chat->chat->platform);
  notice->user_id = g_strdup (chat->chat->user_id);
  notice->connection = g_strdup (self->inbound->connection);
  notice->advice = g_strdup ("Look whether another program mirrors this chat, and stop it");
  g_message ("a chat's loop breaker has tripped");
  return desk_work_emit_notice (&self->work, notice, error)
         && self->work.tx->ops->chat_update (self->work.tx, chat, error);
}

/* Is this outgoing message to be stored? Not where it is ours, and not in a loop. */
static gboolean
admit_mirrored (DeskIngest *self,
                DeskServerChat *chat,
                const DeskMessage *message,
                gboolean *out_admit,
                GError **error)
{
  g_autoptr (DeskMessage) own = NULL;
  gint64 recent = 0;
  *out_admit = FALSE;
  if (!find_own (self, chat->row, message, &own, error))
    return FALSE;
  if (own != NULL)
    return adopt_echo (self, chat->row, own, message, error);
  if (chat->breaker_until_ms > self->work.now_ms)
    return TRUE;
  if (!self->work.tx->ops->messages_count_mirrored (self->work.tx, chat->row,
                                                    self->work.now_ms - MIRROR_WINDOW_MS, &recent,
                                                    error))
    return FALSE;
  if (recent >= MIRROR_LIMIT)
    return trip_breaker (self, chat, error);
  *out_admit = TRUE;
  return TRUE;
}

static void
replace_text (char **text, gsize max_bytes)
{
  if (*text == NULL)
    return;
  gsize len = strlen (*text);
  if (len > max_bytes)
    {
      len = max_bytes;
      while (len > 0 && ((guchar)(*text)[len] & 0xc0) == 0x80)
        len--;
    }
  char *clean = desk_text_sanitize_utf8 (*text, (gssize)len);
  g_free (*text);
  *text = clean;
}

/* Connectors are ours, what they pass on is not: everything gets a limit. */
static void
normalize (DeskIngest *self, DeskMessage *message)
{
  gint64 now_ms = self->work.now_ms;
  if (message->text == NULL)
    message->text = g_strdup ("");
  replace_text (&message->text, DESK_WIRE_MAX_TEXT);
  replace_text (&message->user_name, MAX_NAME);
  replace_text (&message->messenger_name, MAX_NAME);
  replace_text (&message->sender_name, MAX_NAME);
  replace_text (&message->sender_id, 256);
  if (message->created_at_ms <= 0 || message->created_at_ms > now_ms + DAY_MS)
    message->created_at_ms = now_ms;
  if (message->chat_id == NULL)
    message->chat_id = g_strdup (message->user_id);
  if (message->direction == DESK_DIRECTION_OUTGOING)
    {
      message->source = DESK_SOURCE_ECHO;
      if (message->sender == DESK_SENDER_USER)
        message->sender = DESK_SENDER_MANAGER;
      if (message->status == DESK_STATUS_NONE)
        message->status = DESK_STATUS_SENT;
    }
  else
    {
      message->sender = DESK_SENDER_USER;
      message->status = DESK_STATUS_NONE;
      message->source = self->inbound->source;
    }
  message->is_private = FALSE;
  desk_service_name_files (self->work.service, message);
}

/* What nobody could read becomes a visible placeholder; the raw payload keeps the rest. */
static void
make_readable (DeskMessage *message)
{
  if (desk_service_is_readable (message))
    return;
  g_message ("a message that is over the limits becomes a placeholder");
  message->kind = DESK_KIND_UNSUPPORTED;
  g_ptr_array_set_size (message->attachments, 0);
  g_ptr_array_set_size (message->reactions, 0);
  g_clear_pointer (&message->external_id, g_free);
  g_clear_pointer (&message->client_message_id, g_free);
  g_clear_pointer (&message->sender_id, g_free);
  g_clear_pointer (&message->reply_to, desk_reply_to_free);
}

/* Is it there already, as a message or as part of one; or does it join the album that it belongs to? */
static gboolean
find_place (DeskIngest *self,
            const DeskInboundItem *item,
            const DeskMessage *message, /* the item's, made readable */
            gint64 chat_row,
            gboolean *out_done,
            GError **error)
{
  g_autoptr (DeskServerMessage) known = NULL;
  g_autoptr (DeskMessage) whole = NULL;
  *out_done = FALSE;
  if (message->external_id == NULL)
    return TRUE;
  if (!self->work.tx->ops->message_by_external (self->work.tx, chat_row, message->external_id,
                                                &known, error)
      || (known == NULL
          && !desk_work_find_part (&self->work, chat_row, message->external_id, &whole, NULL,
                                   error)))
    return FALSE;
  *out_done = known != NULL || whole != NULL;
  if (*out_done)
    {
      self->duplicates++;
      return TRUE;
    }
  return item->album == NULL
         || desk_work_join_album (&self->work, chat_row, item->album, message, out_done, error);
}

static gboolean
ingest_message (DeskIngest *self, DeskInboundItem *item, GError **error)
{
  g_autoptr (DeskServerChat) chat = NULL;
  g_autoptr (DeskMessage) message = desk_message_copy (item->message);
  gboolean changed, done, admit = TRUE;
  normalize (self, message);
  make_readable (message);
  if (!ensure_chat (self, item, message, &chat, &changed, error))
    return FALSE;
  if (!find_place (self, item, message, chat->row, &done, error))
    return FALSE;
  if (done)
    return TRUE;
  if (message->direction == DESK_DIRECTION_OUTGOING
      && !admit_mirrored (self, chat, message, &admit, error))
    return FALSE;
  if (!admit)
    return TRUE;
  DeskInboundItem resolved = *item;
  resolved.message = message;
  if (!resolve_quote (self, chat->row, &resolved, error))
    return FALSE;
  self->stored++;
  if (message->direction == DESK_DIRECTION_INCOMING)
    desk_work_want_profile (&self->work, chat);
  if (!desk_work_store_message (&self->work, chat, message, NULL, NULL, NULL, changed, error)
      || (item->album != NULL
          && !desk_work_begin_album (&self->work, chat->row, message, item->album, error)))
    return FALSE;
  desk_work_want_files (&self->work, message);
  return TRUE;
}

/* ── Items ──────────────────────────────────────────────────────────────────────────────────── */

static void
ingest_typing (DeskIngest *self, const DeskInboundItem *item)
{
  DeskEvent *event = desk_event_new (DESK_EVENT_TYPING);
  event->platform = g_strdup (item->message->platform);
  event->user_id = g_strdup (item->message->user_id);
  event->by_customer = TRUE;
  desk_work_add_ephemeral (&self->work, event);
}

/* What the platform tells of a chat by itself: it never makes one. */
static gboolean
ingest_chat (DeskIngest *self, const DeskInboundItem *item, GError **error)
{
  DeskServerTx *tx = self->work.tx;
  g_autoptr (DeskServerChat) known = NULL;
  g_autoptr (DeskServerChat) chat = NULL;
  g_autoptr (DeskMessage) message = desk_message_copy (item->message);
  gboolean changed;
  if (!tx->ops->chat_find (tx, message->platform, message->user_id, NULL, &known, error))
    return FALSE;
  if (known == NULL)
    return TRUE;
  normalize (self, message);
  message->direction = DESK_DIRECTION_INCOMING;
  if (!ensure_chat (self, item, message, &chat, &changed, error))
    return FALSE;
  return !changed
         || (desk_work_emit_chat (&self->work, chat, error)
             && tx->ops->chat_update (tx, chat, error));
}

static gboolean
ingest_item (DeskIngest *self, DeskInboundItem *item, GError **error)
{
  g_autoptr (DeskServerChat) chat = NULL;
  const DeskMessage *message = item->message;
  gboolean is_new = TRUE;
  if (message == NULL || !desk_chat_key_is_valid (message->platform, message->user_id))
    {
      g_message ("an item of %s names no chat and was passed over", self->inbound->connection);
      return TRUE;
    }
  if (item->type == DESK_INBOUND_TYPING)
    {
      ingest_typing (self, item);
      return TRUE;
    }
  if (item->type == DESK_INBOUND_CHAT)
    return ingest_chat (self, item, error);
  if (item->dedup_key != NULL
      && !self->work.tx->ops->dedup_insert (self->work.tx, self->inbound->connection,
                                            item->dedup_key, self->work.now_ms, &is_new, error))
    return FALSE;
  if (!is_new)
    {
      self->duplicates++;
      return TRUE;
    }
  if (item->type == DESK_INBOUND_MESSAGE)
    return ingest_message (self, item, error);
  if (!self->work.tx->ops->chat_find (self->work.tx, message->platform, message->user_id, NULL,
                                      &chat, error))
    return FALSE;
  return chat == NULL || desk_work_apply_change (&self->work, self->inbound, item, chat, error);
}

static gboolean
ingest_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskIngest *self = data;
  const DeskInbound *inbound = self->inbound;
  desk_work_begin (&self->work, tx);
  self->stored = self->duplicates = 0;
  const char *problem = self->problem != NULL ? self->problem : inbound->problem;
  for (guint i = 0; self->problem == NULL && i < inbound->items->len; i++)
    if (!ingest_item (self, inbound->items->pdata[i], error))
      return FALSE;
  if (inbound->raw != NULL && !inbound->is_replay && (inbound->items->len > 0 || problem != NULL)
      && !tx->ops->raw_insert (tx, inbound->connection, self->work.now_ms, inbound->raw, problem,
                               error))
    return FALSE;
  if (self->raw_id != 0
      && !tx->ops->raw_set_problem (tx, self->raw_id, inbound->problem, error))
    return FALSE;
  return inbound->checkpoint == NULL
         || tx->ops->checkpoint_set (tx, inbound->connection, inbound->checkpoint, error);
}

/* Not the storage, but this very payload cannot be stored. */
static gboolean
is_indigestible (const GError *error)
{
  return error != NULL
         && (error->domain != DESK_SERVER_STORE_ERROR
             || error->code == DESK_SERVER_STORE_ERROR_FAILED
             || error->code == DESK_SERVER_STORE_ERROR_CONFLICT);
}

static void
ingest_done (const GError *error, gpointer data)
{
  DeskIngest *self = data;
  DeskService *service = self->work.service;
  desk_service_note_commit (service, error);
  if (is_indigestible (error) && self->problem == NULL && !self->inbound->is_replay)
    {
      g_warning ("a payload of %s could not be stored and is kept raw: %s",
                 self->inbound->connection, error->message);
      self->problem = g_strdup (error->message);
      service->store->ops->submit (service->store, ingest_job, ingest_done, self);
      return;
    }
  if (error == NULL)
    {
      desk_work_publish (&self->work);
      for (guint i = 0; i < self->work.fetches->len && service->options.sink.files_wanted != NULL; i++)
        service->options.sink.files_wanted (service->options.sink.data, self->inbound->connection,
                                            self->work.fetches->pdata[i]);
      desk_work_tell_lookups (&self->work);
      desk_service_count (service, DESK_COUNT_INGESTED, self->stored);
      desk_service_count (service, DESK_COUNT_DUPLICATES, self->duplicates);
    }
  const DeskReplayed replayed
      = { self->stored, self->duplicates, self->inbound->items->len };
  if (self->done != NULL)
    self->done (error == NULL, error, self->data);
  if (self->replayed != NULL)
    self->replayed (&replayed, error, self->data);
  desk_work_clear (&self->work);
  desk_inbound_free (self->inbound);
  g_free (self->problem);
  g_free (self);
}

/**
 * desk_service_ingest:
 * @inbound: (transfer full): a platform's payload
 * @done: (nullable): after the commit or the refusal, on the writer thread
 *
 * Any thread.
 */
void
desk_service_ingest (DeskService *service, DeskInbound *inbound, DeskIngestDone done, gpointer data)
{
  g_return_if_fail (service != NULL && inbound != NULL);
  DeskIngest *self = g_new0 (DeskIngest, 1);
  desk_work_init (&self->work, service);
  self->inbound = inbound;
  self->done = done;
  self->data = data;
  service->store->ops->submit (service->store, ingest_job, ingest_done, self);
}

void
desk_service_replay (DeskService *service,
                     gint64 raw_id,
                     DeskInbound *inbound,
                     DeskReplayDone done,
                     gpointer data)
{
  g_return_if_fail (service != NULL && inbound != NULL && inbound->is_replay);
  DeskIngest *self = g_new0 (DeskIngest, 1);
  desk_work_init (&self->work, service);
  self->inbound = inbound;
  self->raw_id = raw_id;
  self->replayed = done;
  self->data = data;
  service->store->ops->submit (service->store, ingest_job, ingest_done, self);
}

DeskServerRaw *
desk_service_next_raw (DeskService *self, const DeskServerRawQuery *query, GError **error)
{
  g_return_val_if_fail (self != NULL && query != NULL, NULL);
  DeskServerRaw *raw = NULL;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, error);
  if (tx == NULL)
    return NULL;
  if (!tx->ops->raw_next (tx, query, &raw, error))
    raw = NULL;
  tx->ops->end_read (tx);
  return raw;
}
