/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-users"

#include "config.h"

/* Calls of the user service.
 *
 * Invariants: the token stands in the Authorization header of calls to base_url and nowhere else;
 * no call lasts longer than its timeout; the breaker counts calls that failed and not ids; a batch
 * is halved only for answers that one id may have caused. */

#include <string.h>

#include "common/desk-backoff.h"
#include "common/desk-crypto.h"
#include "server/users/desk-user-private.h"

#define BREAKER_FAILURES 5
#define OPEN_MS          30000
#define OPEN_MAX_MS      300000

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */

DeskUserDirectory *
desk_user_directory_new (const DeskUserDirectoryOptions *options)
{
  g_return_val_if_fail (options != NULL && options->base_url != NULL && options->path != NULL, NULL);
  DeskUserDirectory *self = g_new0 (DeskUserDirectory, 1);

  g_atomic_ref_count_init (&self->refs);
  self->session = soup_session_new_with_options ("max-conns", 4, "max-conns-per-host", 4,
                                                 "idle-timeout", 60, "user-agent", "frontdeskd",
                                                 NULL);
  soup_session_remove_feature_by_type (self->session, SOUP_TYPE_CONTENT_SNIFFER);
  self->url = g_strconcat (options->base_url, options->path, NULL);
  self->token = g_strdup (options->token);
  self->is_plain = g_str_has_prefix (options->base_url, "http:");
  self->batch_size = CLAMP (options->batch_size, 1, DESK_USER_MAX_BATCH);
  self->timeout_ms = MAX (options->timeout_ms, 1);
  self->numbers = options->numbers;
  self->max_picture_bytes = options->max_picture_bytes;
  self->files = options->files;
  self->clock = desk_clock_ref (options->clock);
  self->random = desk_random_ref (options->random);
  self->cancellable = g_cancellable_new ();
  return self;
}

DeskUserDirectory *
desk_user_directory_ref (DeskUserDirectory *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
desk_user_directory_unref (DeskUserDirectory *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_object_unref (self->session);
  g_free (self->url);
  desk_secure_clear (self->token);
  g_free (self->token);
  desk_clock_unref (self->clock);
  desk_random_unref (self->random);
  g_object_unref (self->cancellable);
  g_free (self);
}

void
desk_user_directory_free (DeskUserDirectory *self)
{
  if (self == NULL)
    return;
  g_cancellable_cancel (self->cancellable);
  desk_user_directory_unref (self);
}

guint
desk_user_directory_get_batch_size (DeskUserDirectory *self)
{
  return self->batch_size;
}

/* ── The breaker ────────────────────────────────────────────────────────────────────────────── */

gboolean
desk_user_directory_may_ask (DeskUserDirectory *self)
{
  return self->open_until_us <= desk_clock_monotonic_us (self->clock);
}

static void
note_success (DeskUserDirectory *self)
{
  if (self->opened > 0)
    g_message ("the user service works again");
  self->failures = self->opened = 0;
  self->open_until_us = 0;
}

static void
note_failure (DeskUserDirectory *self, const char *reason, gint64 wait_ms)
{
  self->failures++;
  if (self->failures < BREAKER_FAILURES && self->opened == 0 && wait_ms <= 0)
    return;
  wait_ms = MAX (wait_ms, desk_backoff_equal_jitter_ms (self->opened, OPEN_MS, OPEN_MAX_MS,
                                                        self->random));
  wait_ms = MIN (wait_ms, 2 * OPEN_MAX_MS);
  if (self->opened == 0)
    g_message ("the user service is left alone for a while: %s", reason);
  self->opened++;
  self->failures = 0;
  self->open_until_us = desk_clock_monotonic_us (self->clock) + wait_ms * 1000;
}

/* ── One question: several calls if the batch must be halved ────────────────────────────────── */

typedef struct
{
  DeskUserDirectory *owner;
  GPtrArray *parts;  /* of GStrv: still to be asked, the next last */
  GHashTable *known; /* id → DeskKnownUser */
  GHashTable *failed;
  gboolean any; /* some call was answered */
  char *reason; /* why the last call failed */

  SoupMessage *message;
  GCancellable *timer; /* of the call */
  guint timeout;
  gulong outer, end;
  char **ids;
} Question;

static void
question_free (gpointer data)
{
  Question *self = data;

  g_ptr_array_unref (self->parts);
  g_clear_pointer (&self->known, g_hash_table_unref);
  g_clear_pointer (&self->failed, g_hash_table_unref);
  g_clear_object (&self->message);
  g_clear_object (&self->timer);
  g_strfreev (self->ids);
  g_free (self->reason);
  desk_user_directory_unref (self->owner);
  g_free (self);
}

static void ask_next (GTask *task);

static void
mark_failed (Question *self, const char *reason)
{
  for (guint i = 0; self->ids[i] != NULL; i++)
    g_hash_table_add (self->failed, g_strdup (self->ids[i]));
  g_free (self->reason);
  self->reason = g_strdup (reason);
}

static char **
copy_range (char **ids, guint from, guint to)
{
  char **copy = g_new0 (char *, to - from + 1);

  for (guint i = from; i < to; i++)
    copy[i - from] = g_strdup (ids[i]);
  return copy;
}

/* Perhaps one of them is to blame. */
static gboolean
halve (Question *self, guint status)
{
  const guint n = g_strv_length (self->ids);

  if (n < 2 || (status != 400 && status != 413 && status != 422 && status != 500))
    return FALSE;
  g_ptr_array_add (self->parts, copy_range (self->ids, n / 2, n));
  g_ptr_array_add (self->parts, copy_range (self->ids, 0, n / 2));
  return TRUE;
}

static gint64
read_wait_ms (SoupMessage *message)
{
  const char *text
      = soup_message_headers_get_one (soup_message_get_response_headers (message), "Retry-After");
  guint64 seconds;

  return text != NULL && g_ascii_string_to_unsigned (text, 10, 1, 3600, &seconds, NULL)
             ? (gint64)seconds * 1000
             : 0;
}

static void
take_failure (Question *self, guint status, const char *reason)
{
  /* of a batch that is halved the halves count */
  if (halve (self, status))
    return;
  note_failure (self->owner, reason, status == 429 || status == 503 ? read_wait_ms (self->message) : 0);
  mark_failed (self, reason);
}

static void
take_answer (Question *self, const char *text, gsize len)
{
  g_autoptr (GHashTable) asked = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GError) error = NULL;
  guint broken;

  for (guint i = 0; self->ids[i] != NULL; i++)
    g_hash_table_add (asked, self->ids[i]);
  g_autoptr (GHashTable) users = desk_user_read_answer (text, len, asked, &broken, &error);
  if (users == NULL)
    {
      take_failure (self, 0, error->message);
      return;
    }
  if (broken > 0)
    g_message ("%u entries of the user service's answer could not be used", broken);
  note_success (self->owner);
  self->any = TRUE;
  GHashTableIter iter;
  gpointer user;
  g_hash_table_iter_init (&iter, users);
  while (g_hash_table_iter_next (&iter, NULL, &user))
    {
      g_hash_table_iter_steal (&iter);
      g_hash_table_replace (self->known, ((DeskKnownUser *)user)->id, user);
    }
}

/* ── One call ───────────────────────────────────────────────────────────────────────────────── */

static void
end_call (GTask *task)
{
  Question *self = g_task_get_task_data (task);

  if (self->timeout != 0)
    g_source_remove (self->timeout);
  self->timeout = 0;
  g_cancellable_disconnect (g_task_get_cancellable (task), self->outer);
  g_cancellable_disconnect (self->owner->cancellable, self->end);
  self->outer = self->end = 0;
  ask_next (task);
  g_object_unref (task);
}

static void
on_read (GObject *object, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Question *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  const gssize n = g_output_stream_splice_finish (G_OUTPUT_STREAM (object), result, &error);
  const guint status = soup_message_get_status (self->message);

  if (n < 0)
    take_failure (self, 0, error->message);
  else if (status != 200)
    {
      g_autofree char *reason = g_strdup_printf ("it answers with HTTP status %u", status);
      take_failure (self, status, reason);
    }
  else
    {
      GMemoryOutputStream *memory = G_MEMORY_OUTPUT_STREAM (object);
      take_answer (self, g_memory_output_stream_get_data (memory),
                   g_memory_output_stream_get_data_size (memory));
    }
  end_call (task);
}

/* A stream that takes no more than an answer may have. */
static gpointer
grow (gpointer data, gsize size)
{
  return size <= 2 * DESK_USER_MAX_ANSWER ? g_try_realloc (data, size) : NULL;
}

static void
on_sent (GObject *object, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Question *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream
      = soup_session_send_finish (SOUP_SESSION (object), result, &error);

  if (stream == NULL)
    {
      take_failure (self, 0, error->message);
      end_call (task);
      return;
    }
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new (NULL, 0, grow, g_free);
  g_output_stream_splice_async (memory, stream,
                                G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE
                                    | G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET,
                                G_PRIORITY_DEFAULT, self->timer, on_read, task);
}

static gboolean
on_timeout (gpointer data)
{
  Question *self = data;

  self->timeout = 0;
  g_cancellable_cancel (self->timer);
  return G_SOURCE_REMOVE;
}

static void
forward_cancel (GCancellable *cancellable, gpointer timer)
{
  g_cancellable_cancel (timer);
}

static void
call (GTask *task)
{
  Question *self = g_task_get_task_data (task);
  DeskUserDirectory *owner = self->owner;
  g_autofree char *body = desk_user_write_request ((const char *const *)self->ids, owner->numbers);
  g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));

  g_set_object (&self->message, NULL);
  self->message = soup_message_new (SOUP_METHOD_POST, owner->url);
  g_set_object (&self->timer, NULL);
  self->timer = g_cancellable_new ();
  soup_message_add_flags (self->message, SOUP_MESSAGE_NO_REDIRECT);
  soup_message_set_request_body_from_bytes (self->message, "application/json", bytes);
  if (owner->token != NULL)
    {
      char *value = g_strconcat ("Bearer ", owner->token, NULL);
      soup_message_headers_replace (soup_message_get_request_headers (self->message),
                                    "Authorization", value);
      desk_secure_clear (value);
      g_free (value);
    }
  self->timeout = g_timeout_add (owner->timeout_ms, on_timeout, self);
  if (g_task_get_cancellable (task) != NULL)
    self->outer = g_cancellable_connect (g_task_get_cancellable (task), G_CALLBACK (forward_cancel),
                                         self->timer, NULL);
  self->end = g_cancellable_connect (owner->cancellable, G_CALLBACK (forward_cancel), self->timer,
                                     NULL);
  soup_session_send_async (owner->session, self->message, G_PRIORITY_DEFAULT, self->timer, on_sent,
                           g_object_ref (task));
}

static void
answer (GTask *task)
{
  Question *self = g_task_get_task_data (task);

  if (g_task_return_error_if_cancelled (task))
    return;
  if (!self->any && g_hash_table_size (self->failed) > 0)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_FAILED,
                             "The user service cannot be asked: %s",
                             self->reason != NULL ? self->reason : "it failed before");
  else
    g_task_return_boolean (task, TRUE);
}

static void
ask_next (GTask *task)
{
  Question *self = g_task_get_task_data (task);
  DeskUserDirectory *owner = self->owner;

  while (self->parts->len > 0)
    {
      g_strfreev (self->ids);
      self->ids = g_ptr_array_steal_index (self->parts, self->parts->len - 1);
      if (!g_cancellable_is_cancelled (owner->cancellable)
          && !g_cancellable_is_cancelled (g_task_get_cancellable (task))
          && desk_user_directory_may_ask (owner))
        {
          call (task);
          return;
        }
      mark_failed (self, "it failed too often and is left alone for a while");
    }
  answer (task);
}

void
desk_user_directory_ask_async (DeskUserDirectory *self,
                               const char *const *ids,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer data)
{
  g_return_if_fail (self != NULL && ids != NULL);
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);
  g_autoptr (GPtrArray) possible = g_ptr_array_new ();
  Question *question = g_new0 (Question, 1);

  g_task_set_source_tag (task, desk_user_directory_ask_async);
  question->owner = desk_user_directory_ref (self);
  question->parts = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  question->known = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                           (GDestroyNotify)desk_known_user_free);
  question->failed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_task_set_task_data (task, question, question_free);
  for (guint i = 0; ids[i] != NULL; i++)
    if (desk_user_id_is_possible (ids[i], self->numbers))
      g_ptr_array_add (possible, (gpointer)ids[i]);
  g_ptr_array_add (possible, NULL);
  if (possible->len > 1)
    g_ptr_array_add (question->parts, g_strdupv ((char **)possible->pdata));
  ask_next (task);
}

GHashTable *
desk_user_directory_ask_finish (DeskUserDirectory *self,
                                GAsyncResult *result,
                                GHashTable **out_failed,
                                GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  Question *question = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  if (out_failed != NULL)
    *out_failed = g_hash_table_ref (question->failed);
  return g_hash_table_ref (question->known);
}
