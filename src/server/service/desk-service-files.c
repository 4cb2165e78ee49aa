/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* Files of messages: signed links, reading by them, and what nobody refers to any more.
 *
 * A stored message names a file by its hash alone ("url":"/crm/files/HASH"); what is told to
 * somebody carries a link that is signed at that moment. So that pages of messages stay copies of
 * what is stored, JSON with attachments begins with a space (service-private: DESK_LINKS_MARK):
 * one look at the first byte tells whether links are to be signed.
 *
 * Invariants: no signature is ever stored; links are signed in what begins with the mark and
 * nowhere else, so that nothing a platform sends can get a link of its own. */

#include "server/service/desk-service-private.h"

#include <string.h>
#include <unistd.h>

#include "common/desk-crypto.h"
#include "common/desk-uuid.h"

#define LINK_KEY   "\"url\":\"" DESK_LINK_FILES
#define AVATAR_KEY "\"avatar\":\"" DESK_LINK_FILES
#define HASH_LEN   64
#define SWEEP_MS   DAY_MS /* younger files may belong to a message that is being stored */
#define SWEEP_PAGE 1000
#define RESUME_MESSAGES 1000 /* the newest, in which files may still be wanted after a start */

/* ── Links ──────────────────────────────────────────────────────────────────────────────────── */
static char *
make_link (DeskService *self, const char *hash)
{
  return desk_file_store_sign_link (self->files, hash, desk_clock_now_ms (self->clock));
}

void
desk_service_sign_json (DeskService *self, const char *json, gsize len, GString *out)
{
  const char *end = json + len;

  while (self->files != NULL)
    {
      const char *place = memmem (json, (gsize)(end - json), LINK_KEY, strlen (LINK_KEY));
      const char *hash = place != NULL ? place + strlen (LINK_KEY) : NULL;
      const char *close = hash != NULL ? memchr (hash, '"', (gsize)(end - hash)) : NULL;
      if (close == NULL || close - hash < HASH_LEN)
        break;
      g_autofree char *id = g_strndup (hash, HASH_LEN);
      g_autofree char *link = make_link (self, id);
      g_string_append_len (out, json, hash - (gssize)strlen (DESK_LINK_FILES) - json);
      g_string_append (out, link);
      json = close;
    }
  g_string_append_len (out, json, end - json);
}

void
desk_service_write_stored (DeskService *self, DeskJsonWriter *w, const char *body, gsize len)
{
  if (G_LIKELY (len == 0 || body[0] != DESK_LINKS_MARK))
    {
      desk_json_writer_raw_len (w, body, len);
      return;
    }
  g_autoptr (GString) text = g_string_sized_new (len + 256);
  desk_service_sign_json (self, body, len, text);
  desk_json_writer_raw_len (w, text->str, text->len);
}

/* Of a profile, which has its picture before all that is free text of others: the first is the one. */
static void
sign_avatar (DeskService *self, const char *json, gsize len, GString *out)
{
  const char *place = memmem (json, len, AVATAR_KEY, strlen (AVATAR_KEY));
  const char *hash = place != NULL ? place + strlen (AVATAR_KEY) : NULL;

  if (self->files != NULL && hash != NULL && (gsize)(json + len - hash) > HASH_LEN)
    {
      g_autofree char *id = g_strndup (hash, HASH_LEN);
      g_autofree char *link = desk_file_hash_is_valid (id) ? make_link (self, id) : NULL;
      if (link != NULL && hash[HASH_LEN] == '"')
        {
          g_string_append_len (out, json, hash - (gssize)strlen (DESK_LINK_FILES) - json);
          g_string_append (out, link);
          len -= (gsize)(hash + HASH_LEN - json);
          json = hash + HASH_LEN;
        }
    }
  g_string_append_len (out, json, (gssize)len);
}

GBytes *
desk_service_sign_frame (DeskService *self, GBytes *frame)
{
  gsize len;
  const char *text = frame != NULL ? g_bytes_get_data (frame, &len) : NULL;

  if (text == NULL || len == 0 || (text[0] != DESK_LINKS_MARK && text[0] != DESK_AVATAR_MARK))
    return frame;
  GString *signed_text = g_string_sized_new (len + 256);
  if (text[0] == DESK_AVATAR_MARK)
    sign_avatar (self, text, len, signed_text);
  else
    desk_service_sign_json (self, text, len, signed_text);
  g_bytes_unref (frame);
  return g_string_free_to_bytes (signed_text);
}

DeskMessage *
desk_service_copy_signed (DeskService *self, const DeskMessage *message)
{
  DeskMessage *copy = desk_message_copy (message);

  for (guint i = 0; i < copy->attachments->len && self->files != NULL; i++)
    {
      DeskAttachment *attachment = copy->attachments->pdata[i];
      if (attachment->url == NULL || !desk_file_hash_is_valid (attachment->file_id))
        continue;
      g_free (attachment->url);
      attachment->url = make_link (self, attachment->file_id);
    }
  return copy;
}

/* ── Reading ────────────────────────────────────────────────────────────────────────────────── */
static gboolean
link_is_good (DeskService *self, const char *id, const char *expires, const char *signature)
{
  gint64 until_s;

  if (expires == NULL || signature == NULL
      || !g_ascii_string_to_signed (expires, 10, 0, G_MAXINT64 / 1000, &until_s, NULL))
    return FALSE;
  g_autofree char *wanted = desk_file_store_make_signature (self->files, id, expires);
  return desk_secure_equal (wanted, strlen (wanted), signature, strlen (signature))
         && desk_clock_now_ms (self->clock) < until_s * 1000;
}

DeskReply *
desk_service_open_file (DeskService *self,
                        const char *id,
                        const char *expires,
                        const char *signature,
                        int *out_fd,
                        gint64 *out_size,
                        char **out_mime_type)
{
  g_autoptr (GError) error = NULL;

  g_return_val_if_fail (self != NULL && id != NULL, NULL);
  if (self->files == NULL || !link_is_good (self, id, expires, signature))
    return desk_reply_new_failure (DESK_CODE_FORBIDDEN,
                                   "This link is not valid, or not any more; ask for the message "
                                   "again to get a new one",
                                   NULL, -1, "");
  *out_fd = self->files->ops->open (self->files, id, out_size, out_mime_type, &error);
  if (*out_fd >= 0)
    return NULL;
  if (g_error_matches (error, DESK_FILE_STORE_ERROR, DESK_FILE_STORE_ERROR_NOT_FOUND))
    return desk_reply_new_failure (DESK_CODE_NOT_FOUND, "This file is not kept any more", NULL, -1,
                                   "");
  return desk_reply_new_file_failure (error);
}

DeskReply *
desk_reply_new_file_failure (const GError *error)
{
  if (g_error_matches (error, DESK_FILE_STORE_ERROR, DESK_FILE_STORE_ERROR_FULL))
    return desk_reply_new_failure (DESK_CODE_STORAGE_FULL,
                                   "The backend has no space left; nothing was stored", NULL, 30,
                                   "");
  if (g_error_matches (error, DESK_FILE_STORE_ERROR, DESK_FILE_STORE_ERROR_TOO_LARGE))
    return desk_reply_new_failure (DESK_CODE_TOO_LARGE, "A file is too large", NULL, -1, "");
  g_message ("a file could not be used: %s", error->message);
  return desk_reply_new_failure (DESK_CODE_UNAVAILABLE, "The files cannot be used now", NULL, 5,
                                 "");
}

/* ── Attachments ────────────────────────────────────────────────────────────────────────────── */
DeskAttachment *
desk_attachment_new_stored (const DeskStoredFile *file)
{
  DeskAttachment *attachment = desk_attachment_new (file->hash);

  g_free (attachment->filename);
  attachment->filename = g_strdup (file->filename);
  g_free (attachment->mime_type);
  attachment->mime_type = g_strdup (file->mime_type);
  attachment->size = file->size;
  attachment->width = file->width;
  attachment->height = file->height;
  attachment->sha256 = g_strdup (file->hash);
  attachment->state = g_strdup ("ready");
  attachment->url = g_strconcat (DESK_LINK_FILES, file->hash, NULL);
  return attachment;
}

static DeskKind
kind_of_type (const char *type)
{
  if (g_str_has_prefix (type, "image/"))
    return DESK_KIND_IMAGE;
  if (g_str_has_prefix (type, "video/"))
    return DESK_KIND_VIDEO;
  return g_str_has_prefix (type, "audio/") ? DESK_KIND_AUDIO : DESK_KIND_FILE;
}

DeskKind
desk_service_kind_of_files (GPtrArray *files)
{
  DeskKind kind = DESK_KIND_FILE;

  for (guint i = 0; i < files->len; i++)
    {
      const DeskStoredFile *file = files->pdata[i];
      const DeskKind own = kind_of_type (file->mime_type);
      if (i > 0 && own != kind)
        return DESK_KIND_FILE;
      kind = own;
    }
  return kind;
}

gboolean
desk_service_has_pending_files (const DeskMessage *message)
{
  for (guint i = 0; i < message->attachments->len; i++)
    {
      const DeskAttachment *attachment = message->attachments->pdata[i];
      if (attachment->external_id != NULL && g_strcmp0 (attachment->state, "pending") == 0
          && message->external_id != NULL)
        return TRUE;
    }
  return FALSE;
}

void
desk_service_name_files (DeskService *self, DeskMessage *message)
{
  for (guint i = 0; i < message->attachments->len; i++)
    {
      DeskAttachment *attachment = message->attachments->pdata[i];
      if (attachment->file_id[0] != '\0')
        continue;
      g_free (attachment->file_id);
      attachment->file_id = desk_uuid7_new (self->clock, self->random);
    }
}

static gboolean
collect_pending (const char *body, gsize len, const char *id, gpointer data)
{
  if (len == 0 || body[0] != DESK_LINKS_MARK)
    return TRUE;
  g_autoptr (DeskMessage) message = desk_service_parse_body (body, NULL);
  if (message != NULL && desk_service_has_pending_files (message))
    g_ptr_array_add (data, g_steal_pointer (&message));
  return TRUE;
}

void
desk_service_resume_files (DeskService *self)
{
  const DeskServiceSink *sink = &self->options.sink;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) messages
      = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_message_free);
  DeskServerTx *tx = self->store->ops->begin_read (self->store, &error);
  gboolean ok = tx != NULL
                && tx->ops->messages_all (tx, NULL, RESUME_MESSAGES, collect_pending, messages,
                                          &error);
  for (guint i = 0; ok && i < messages->len && sink->files_wanted != NULL; i++)
    {
      const DeskMessage *message = messages->pdata[i];
      g_autoptr (DeskServerChat) chat = NULL;
      ok = tx->ops->chat_find (tx, message->platform, message->user_id, NULL, &chat, &error);
      if (chat != NULL && chat->chat->connection != NULL)
        sink->files_wanted (sink->data, chat->chat->connection, message);
    }
  if (tx != NULL)
    tx->ops->end_read (tx);
  if (!ok)
    g_message ("files that are missing could not be looked for: %s", error->message);
}

/* ── What nobody refers to ──────────────────────────────────────────────────────────────────── */
typedef struct
{
  GHashTable *candidates; /* hashes, owned by a list */
  guint n;
  char last_id[64];
} Search;

static gboolean
strike_out (const char *body, gsize len, const char *id, gpointer data)
{
  Search *self = data;

  self->n++;
  g_strlcpy (self->last_id, id, sizeof self->last_id);
  if (len == 0 || body[0] != DESK_LINKS_MARK)
    return TRUE;
  const char *end = body + len;
  const char *place;
  while ((place = memmem (body, (gsize)(end - body), LINK_KEY, strlen (LINK_KEY))) != NULL)
    {
      body = place + strlen (LINK_KEY);
      if (end - body < HASH_LEN)
        break;
      g_autofree char *hash = g_strndup (body, HASH_LEN);
      g_hash_table_remove (self->candidates, hash);
    }
  return TRUE;
}

static gboolean
strike_out_avatar (const char *body, gsize len, const char *id, gpointer data)
{
  Search *self = data;
  const char *place = memmem (body, len, AVATAR_KEY, strlen (AVATAR_KEY));

  self->n++;
  if (place == NULL || (gsize)(body + len - place) < strlen (AVATAR_KEY) + HASH_LEN)
    return TRUE;
  g_autofree char *hash = g_strndup (place + strlen (AVATAR_KEY), HASH_LEN);
  g_hash_table_remove (self->candidates, hash);
  return TRUE;
}

/* Pictures of customers. */
static gboolean
strike_out_avatars (DeskService *self, Search *search)
{
  g_autoptr (GError) error = NULL;
  gint64 row = 0;

  do
    {
      DeskServerTx *tx = self->store->ops->begin_read (self->store, &error);
      search->n = 0;
      gboolean ok = tx != NULL
                    && tx->ops->profiles_list (tx, row, SWEEP_PAGE, strike_out_avatar, search, &row,
                                               &error);
      if (tx != NULL)
        tx->ops->end_read (tx);
      if (!ok)
        {
          g_message ("files are not cleaned up: %s", error->message);
          return FALSE;
        }
    }
  while (search->n == SWEEP_PAGE && !g_atomic_int_get (&self->closing));
  return !g_atomic_int_get (&self->closing);
}

static gboolean
strike_out_used (DeskService *self, Search *search)
{
  g_autoptr (GError) error = NULL;

  do
    {
      g_autofree char *before = search->last_id[0] != '\0' ? g_strdup (search->last_id) : NULL;
      DeskServerTx *tx = self->store->ops->begin_read (self->store, &error);
      search->n = 0;
      gboolean ok = tx != NULL
                    && tx->ops->messages_all (tx, before, SWEEP_PAGE, strike_out, search, &error);
      if (tx != NULL)
        tx->ops->end_read (tx);
      if (!ok)
        {
          g_message ("files are not cleaned up: %s", error->message);
          return FALSE;
        }
    }
  while (search->n == SWEEP_PAGE && g_hash_table_size (search->candidates) > 0
         && !g_atomic_int_get (&self->closing));
  return !g_atomic_int_get (&self->closing);
}

guint
desk_service_sweep_files (DeskService *self)
{
  g_autoptr (GError) error = NULL;
  const gint64 before_ms = desk_clock_now_ms (self->clock) - SWEEP_MS;
  guint removed = 0;

  if (self->files == NULL)
    return 0;
  g_autoptr (GPtrArray) old = self->files->ops->list_before (self->files, before_ms, &error);
  if (old == NULL || old->len == 0)
    return 0;
  g_autoptr (GHashTable) candidates = g_hash_table_new (g_str_hash, g_str_equal);
  Search search = { .candidates = candidates };
  for (guint i = 0; i < old->len; i++)
    g_hash_table_add (candidates, old->pdata[i]);
  if (!strike_out_avatars (self, &search) || !strike_out_used (self, &search))
    return 0;
  GHashTableIter iter;
  gpointer hash;
  g_hash_table_iter_init (&iter, candidates);
  while (g_hash_table_iter_next (&iter, &hash, NULL))
    removed += self->files->ops->remove_before (self->files, hash, before_ms) ? 1 : 0;
  return removed;
}
