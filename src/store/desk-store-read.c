/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "store/desk-store-private.h"

/* The public reads: each packs its parameters, runs a desk_query_…() on the reader's thread and gives the
 * value to the caller. Blocking forms pass the caller's own parameters, asynchronous ones a copy. */

typedef struct
{
  char *a; /* platform, key */
  char *b; /* user_id */
  guint limit;
} Words;

static Words *
words_new (const char *a, const char *b)
{
  Words *self = g_new0 (Words, 1);

  self->a = g_strdup (a);
  self->b = g_strdup (b);
  return self;
}

static void
words_free (gpointer data)
{
  Words *self = data;

  g_free (self->a);
  g_free (self->b);
  g_free (self);
}

/* Finishing is the same everywhere: the task holds the value. */
static gpointer
finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
unref_array (gpointer array)
{
  g_ptr_array_unref (array);
}

/* ── Chats ──────────────────────────────────────────────────────────────────────────────────── */

static gpointer
read_chats (DeskDb *db, gconstpointer params, GError **error)
{
  return desk_query_chats (db, params, error);
}

static DeskChatQuery *
chat_query_copy (const DeskChatQuery *q)
{
  DeskChatQuery *copy = g_memdup2 (q, sizeof *q);

  copy->platform = g_strdup (q->platform);
  copy->assignee = g_strdup (q->assignee);
  copy->label = g_strdup (q->label);
  return copy;
}

static void
chat_query_free (gpointer data)
{
  DeskChatQuery *q = data;

  g_free ((char *) q->platform);
  g_free ((char *) q->assignee);
  g_free ((char *) q->label);
  g_free (q);
}

GPtrArray *
desk_store_list_chats (DeskStore *self, const DeskChatQuery *query, GError **error)
{
  g_return_val_if_fail (DESK_IS_STORE (self) && query != NULL, NULL);
  return desk_store_read (self, read_chats, query, error);
}

void
desk_store_list_chats_async (DeskStore *self,
                             const DeskChatQuery *query,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer data)
{
  g_return_if_fail (DESK_IS_STORE (self) && query != NULL);
  desk_store_read_async (self, read_chats, chat_query_copy (query), chat_query_free, unref_array,
                         desk_store_list_chats_async, cancellable, callback, data);
}

GPtrArray *
desk_store_list_chats_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  return finish (self, result, error);
}

static gpointer
read_chat (DeskDb *db, gconstpointer params, GError **error)
{
  const Words *words = params;

  return desk_query_chat (db, words->a, words->b, error);
}

DeskChatRow *
desk_store_get_chat (DeskStore *self, const char *platform, const char *user_id, GError **error)
{
  Words words = { (char *) platform, (char *) user_id };

  g_return_val_if_fail (DESK_IS_STORE (self) && platform != NULL && user_id != NULL, NULL);
  return desk_store_read (self, read_chat, &words, error);
}

void
desk_store_get_chat_async (DeskStore *self,
                           const char *platform,
                           const char *user_id,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer data)
{
  g_return_if_fail (DESK_IS_STORE (self) && platform != NULL && user_id != NULL);
  desk_store_read_async (self, read_chat, words_new (platform, user_id), words_free,
                         (GDestroyNotify) desk_chat_row_free, desk_store_get_chat_async, cancellable,
                         callback, data);
}

DeskChatRow *
desk_store_get_chat_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  return finish (self, result, error);
}

/* ── Messages ───────────────────────────────────────────────────────────────────────────────── */

static gpointer
read_messages (DeskDb *db, gconstpointer params, GError **error)
{
  return desk_query_timeline (db, params, error);
}

static DeskTimelineQuery *
timeline_query_copy (const DeskTimelineQuery *q)
{
  DeskTimelineQuery *copy = g_memdup2 (q, sizeof *q);

  copy->platform = g_strdup (q->platform);
  copy->user_id = g_strdup (q->user_id);
  copy->message_id = g_strdup (q->message_id);
  return copy;
}

static void
timeline_query_free (gpointer data)
{
  DeskTimelineQuery *q = data;

  g_free ((char *) q->platform);
  g_free ((char *) q->user_id);
  g_free ((char *) q->message_id);
  g_free (q);
}

static gboolean
timeline_query_is_valid (const DeskTimelineQuery *q)
{
  return q != NULL && q->platform != NULL && q->user_id != NULL
         && (q->anchor != DESK_ANCHOR_MESSAGE_ID || q->message_id != NULL);
}

DeskTimelinePage *
desk_store_list_messages (DeskStore *self, const DeskTimelineQuery *query, GError **error)
{
  g_return_val_if_fail (DESK_IS_STORE (self) && timeline_query_is_valid (query), NULL);
  return desk_store_read (self, read_messages, query, error);
}

void
desk_store_list_messages_async (DeskStore *self,
                                const DeskTimelineQuery *query,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer data)
{
  g_return_if_fail (DESK_IS_STORE (self) && timeline_query_is_valid (query));
  desk_store_read_async (self, read_messages, timeline_query_copy (query), timeline_query_free,
                         (GDestroyNotify) desk_timeline_page_free, desk_store_list_messages_async,
                         cancellable, callback, data);
}

DeskTimelinePage *
desk_store_list_messages_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  return finish (self, result, error);
}

static gpointer
read_message (DeskDb *db, gconstpointer params, GError **error)
{
  return desk_query_message (db, ((const Words *) params)->a, error);
}

DeskMessage *
desk_store_get_message (DeskStore *self, const char *id, GError **error)
{
  Words words = { (char *) id, NULL };

  g_return_val_if_fail (DESK_IS_STORE (self) && id != NULL, NULL);
  return desk_store_read (self, read_message, &words, error);
}

/* ── Search ─────────────────────────────────────────────────────────────────────────────────── */

static gpointer
read_search (DeskDb *db, gconstpointer params, GError **error)
{
  return desk_query_search (db, params, error);
}

static DeskSearchQuery *
search_query_copy (const DeskSearchQuery *q)
{
  DeskSearchQuery *copy = g_memdup2 (q, sizeof *q);

  copy->words = g_strdup (q->words);
  copy->platform = g_strdup (q->platform);
  copy->user_id = g_strdup (q->user_id);
  return copy;
}

static void
search_query_free (gpointer data)
{
  DeskSearchQuery *q = data;

  g_free ((char *) q->words);
  g_free ((char *) q->platform);
  g_free ((char *) q->user_id);
  g_free (q);
}

GPtrArray *
desk_store_search (DeskStore *self, const DeskSearchQuery *query, GError **error)
{
  g_return_val_if_fail (DESK_IS_STORE (self) && query != NULL, NULL);
  return desk_store_read (self, read_search, query, error);
}

void
desk_store_search_async (DeskStore *self,
                         const DeskSearchQuery *query,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer data)
{
  g_return_if_fail (DESK_IS_STORE (self) && query != NULL);
  desk_store_read_async (self, read_search, search_query_copy (query), search_query_free, unref_array,
                         desk_store_search_async, cancellable, callback, data);
}

GPtrArray *
desk_store_search_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  return finish (self, result, error);
}

/* ── Outbox, drafts, settings ───────────────────────────────────────────────────────────────── */

static gpointer
read_outbox (DeskDb *db, gconstpointer params, GError **error)
{
  return desk_query_outbox (db, error);
}

GPtrArray *
desk_store_list_outbox (DeskStore *self, GError **error)
{
  g_return_val_if_fail (DESK_IS_STORE (self), NULL);
  return desk_store_read (self, read_outbox, NULL, error);
}

void
desk_store_list_outbox_async (DeskStore *self,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer data)
{
  g_return_if_fail (DESK_IS_STORE (self));
  desk_store_read_async (self, read_outbox, NULL, NULL, unref_array, desk_store_list_outbox_async,
                         cancellable, callback, data);
}

GPtrArray *
desk_store_list_outbox_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  return finish (self, result, error);
}

static gpointer
read_draft (DeskDb *db, gconstpointer params, GError **error)
{
  const Words *words = params;

  return desk_query_draft (db, words->a, words->b, error);
}

DeskDraft *
desk_store_get_draft (DeskStore *self, const char *platform, const char *user_id, GError **error)
{
  Words words = { (char *) platform, (char *) user_id };

  g_return_val_if_fail (DESK_IS_STORE (self) && platform != NULL && user_id != NULL, NULL);
  return desk_store_read (self, read_draft, &words, error);
}

void
desk_store_get_draft_async (DeskStore *self,
                            const char *platform,
                            const char *user_id,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer data)
{
  g_return_if_fail (DESK_IS_STORE (self) && platform != NULL && user_id != NULL);
  desk_store_read_async (self, read_draft, words_new (platform, user_id), words_free,
                         (GDestroyNotify) desk_draft_free, desk_store_get_draft_async, cancellable,
                         callback, data);
}

DeskDraft *
desk_store_get_draft_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  return finish (self, result, error);
}

static gpointer
read_canned (DeskDb *db, gconstpointer params, GError **error)
{
  return desk_query_canned (db, error);
}

GPtrArray *
desk_store_list_canned (DeskStore *self, GError **error)
{
  g_return_val_if_fail (DESK_IS_STORE (self), NULL);
  return desk_store_read (self, read_canned, NULL, error);
}

void
desk_store_list_canned_async (DeskStore *self,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer data)
{
  g_return_if_fail (DESK_IS_STORE (self));
  desk_store_read_async (self, read_canned, NULL, NULL, unref_array, desk_store_list_canned_async,
                         cancellable, callback, data);
}

GPtrArray *
desk_store_list_canned_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  return finish (self, result, error);
}

static gpointer
read_managers (DeskDb *db, gconstpointer params, GError **error)
{
  return desk_query_managers (db, error);
}

GPtrArray *
desk_store_list_managers (DeskStore *self, GError **error)
{
  g_return_val_if_fail (DESK_IS_STORE (self), NULL);
  return desk_store_read (self, read_managers, NULL, error);
}

void
desk_store_list_managers_async (DeskStore *self,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer data)
{
  g_return_if_fail (DESK_IS_STORE (self));
  desk_store_read_async (self, read_managers, NULL, NULL, unref_array, desk_store_list_managers_async,
                         cancellable, callback, data);
}

GPtrArray *
desk_store_list_managers_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  return finish (self, result, error);
}

static gpointer
read_labels (DeskDb *db, gconstpointer params, GError **error)
{
  return desk_query_labels (db, error);
}

GPtrArray *
desk_store_list_labels (DeskStore *self, GError **error)
{
  g_return_val_if_fail (DESK_IS_STORE (self), NULL);
  return desk_store_read (self, read_labels, NULL, error);
}

void
desk_store_list_labels_async (DeskStore *self,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer data)
{
  g_return_if_fail (DESK_IS_STORE (self));
  desk_store_read_async (self, read_labels, NULL, NULL, unref_array, desk_store_list_labels_async,
                         cancellable, callback, data);
}

GPtrArray *
desk_store_list_labels_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  return finish (self, result, error);
}

static gpointer
read_profile (DeskDb *db, gconstpointer params, GError **error)
{
  const Words *words = params;

  return desk_query_profile (db, words->a, words->b, error);
}

DeskProfileRow *
desk_store_get_profile (DeskStore *self, const char *platform, const char *user_id, GError **error)
{
  Words words = { (char *) platform, (char *) user_id };

  g_return_val_if_fail (DESK_IS_STORE (self) && platform != NULL && user_id != NULL, NULL);
  return desk_store_read (self, read_profile, &words, error);
}

void
desk_store_get_profile_async (DeskStore *self,
                              const char *platform,
                              const char *user_id,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer data)
{
  g_return_if_fail (DESK_IS_STORE (self) && platform != NULL && user_id != NULL);
  desk_store_read_async (self, read_profile, words_new (platform, user_id), words_free,
                         (GDestroyNotify) desk_profile_row_free, desk_store_get_profile_async, cancellable,
                         callback, data);
}

DeskProfileRow *
desk_store_get_profile_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  return finish (self, result, error);
}

static gpointer
read_setting (DeskDb *db, gconstpointer params, GError **error)
{
  const Words *words = params;

  return desk_query_setting (db, words->a, error);
}

char *
desk_store_get_setting (DeskStore *self, const char *key, GError **error)
{
  Words words = { (char *) key, NULL };

  g_return_val_if_fail (DESK_IS_STORE (self) && key != NULL, NULL);
  return desk_store_read (self, read_setting, &words, error);
}

void
desk_store_get_setting_async (DeskStore *self,
                              const char *key,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer data)
{
  g_return_if_fail (DESK_IS_STORE (self) && key != NULL);
  desk_store_read_async (self, read_setting, words_new (key, NULL), words_free, g_free,
                         desk_store_get_setting_async, cancellable, callback, data);
}

char *
desk_store_get_setting_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  return finish (self, result, error);
}

/* ── Counts and wants ───────────────────────────────────────────────────────────────────────── */

static gpointer
read_counts (DeskDb *db, gconstpointer params, GError **error)
{
  return desk_query_counts (db, error);
}

DeskStoreCounts *
desk_store_get_counts (DeskStore *self, GError **error)
{
  g_return_val_if_fail (DESK_IS_STORE (self), NULL);
  return desk_store_read (self, read_counts, NULL, error);
}

void
desk_store_get_counts_async (DeskStore *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer data)
{
  g_return_if_fail (DESK_IS_STORE (self));
  desk_store_read_async (self, read_counts, NULL, NULL, g_free, desk_store_get_counts_async,
                         cancellable, callback, data);
}

DeskStoreCounts *
desk_store_get_counts_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  return finish (self, result, error);
}

static gpointer
read_wanted (DeskDb *db, gconstpointer params, GError **error)
{
  return desk_query_wanted (db, ((const Words *) params)->limit, error);
}

GPtrArray *
desk_store_list_wanted (DeskStore *self, guint limit, GError **error)
{
  Words words = { .limit = limit };

  g_return_val_if_fail (DESK_IS_STORE (self), NULL);
  return desk_store_read (self, read_wanted, &words, error);
}

void
desk_store_list_wanted_async (DeskStore *self,
                              guint limit,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer data)
{
  Words *words;

  g_return_if_fail (DESK_IS_STORE (self));
  words = words_new (NULL, NULL);
  words->limit = limit;
  desk_store_read_async (self, read_wanted, words, words_free, unref_array,
                         desk_store_list_wanted_async, cancellable, callback, data);
}

GPtrArray *
desk_store_list_wanted_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  return finish (self, result, error);
}
