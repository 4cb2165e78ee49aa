/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "bench"

#include "config.h"

#include "bench-http-store.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "common/desk-uuid.h"
#include "server/service/desk-service.h"
#include "server/store/sqlite/desk-store-sqlite.h"

#define START_MS   G_GINT64_CONSTANT (1795000000000)
#define MAX_QUEUED 512

static gint n_pending; /* atomic: jobs submitted and not done */

static DeskMessage *
new_message (DeskChat *chat, gint64 seq)
{
  DeskMessage *message = desk_message_new (chat->platform, chat->user_id);
  const gboolean incoming = seq % 2 == 1; /* the last one is a reply */

  message->id = desk_uuid7_new (desk_clock_system (), desk_random_system ());
  message->is_level2 = TRUE;
  message->chat_id = g_strdup (chat->user_id);
  message->chat_seq = seq;
  message->in_seq = incoming ? ++chat->last_in_seq : 0;
  message->direction = incoming ? DESK_DIRECTION_INCOMING : DESK_DIRECTION_OUTGOING;
  message->sender = incoming ? DESK_SENDER_USER : DESK_SENDER_MANAGER;
  message->source = incoming ? DESK_SOURCE_POLL : DESK_SOURCE_API;
  message->status = incoming ? DESK_STATUS_NONE : DESK_STATUS_DELIVERED;
  message->kind = DESK_KIND_TEXT;
  message->created_at_ms = START_MS + seq * 60000;
  message->user_name = g_strdup (chat->user_name);
  message->sender_name = g_strdup (incoming ? chat->user_name : "Anna");
  message->sender_id = g_strdup (incoming ? chat->user_id : "anna");
  message->rev = 1;
  g_free (message->text);
  message->text = g_strdup_printf ("Good morning, number %" G_GINT64_FORMAT
                                   ": is the blue one still there and what would it cost?", seq);
  return message;
}

static gboolean
insert_message (DeskServerTx *tx, DeskServerChat *chat, gint64 seq, GString *text, GError **error)
{
  g_autoptr (DeskMessage) message = new_message (chat->chat, seq);
  DeskJsonWriter w;

  g_string_truncate (text, 0);
  desk_json_writer_init (&w, text);
  desk_wire_write_message (&w, message);
  return tx->ops->message_insert (tx, chat->row, message, text->str, text->len,
                                  message->created_at_ms, 0, error);
}

static gboolean
fill_chat (DeskServerTx *tx, gpointer data, GError **error)
{
  g_autofree char *user_id = g_strdup_printf ("%u", 700000000 + GPOINTER_TO_UINT (data));
  DeskChat *chat = desk_chat_new (STORE_PLATFORM, user_id);
  g_autoptr (DeskServerChat) server_chat = desk_server_chat_new (chat);
  g_autoptr (GString) text = g_string_sized_new (1024);

  g_free (chat->user_name);
  chat->user_name = g_strdup_printf ("Customer %u", GPOINTER_TO_UINT (data));
  chat->is_level2 = TRUE;
  g_free (chat->stream_id);
  chat->stream_id = desk_chat_stream_id (STORE_PLATFORM, user_id);
  chat->first_chat_seq = 1;
  chat->last_chat_seq = STORE_MESSAGES;
  chat->last_time_ms = START_MS + STORE_MESSAGES * 60000;
  chat->rev = 1;
  server_chat->preview_seq = server_chat->last_reply_seq = STORE_MESSAGES;
  if (!tx->ops->chat_insert (tx, server_chat, error))
    return FALSE;
  for (gint64 seq = 1; seq <= STORE_MESSAGES; seq++)
    if (!insert_message (tx, server_chat, seq, text, error))
      return FALSE;
  return tx->ops->chat_update (tx, server_chat, error);
}

static void
on_filled (const GError *error, gpointer data)
{
  if (error != NULL)
    g_error ("The store cannot be filled: %s", error->message);
  g_atomic_int_add (&n_pending, -1);
}

static void
wait_for_pending (gint most)
{
  while (g_atomic_int_get (&n_pending) > most)
    g_usleep (1000);
}

static void
make_token (DeskServerStore *store, const char *token_path)
{
  g_autoptr (GError) error = NULL;
  DeskServiceOptions options = { .store = store };
  DeskService *service = desk_service_new (&options, &error);

  if (service == NULL
      || !desk_service_add_user (service, "anna", "Anna", DESK_ROLE_MANAGER, NULL, &error))
    g_error ("%s", error->message);
  g_autofree char *token = desk_service_create_token (service, "anna", &error);
  if (token == NULL
      || !g_file_set_contents_full (token_path, token, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600,
                                    &error))
    g_error ("%s", error->message);
  desk_service_free (service);
}

void
bench_store_make (const char *path, const char *token_path)
{
  g_autofree char *unfinished = g_strconcat (path, ".new", NULL);
  g_autofree char *epoch = g_strconcat (unfinished, ".epoch", NULL);
  g_autofree char *wal = g_strconcat (unfinished, "-wal", NULL);
  g_autoptr (GError) error = NULL;
  const gint64 start_us = g_get_monotonic_time ();

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return;
  g_unlink (unfinished);
  g_unlink (wal);
  DeskServerStore *store = desk_store_sqlite_open (unfinished, NULL, &error);
  if (store == NULL)
    g_error ("%s", error->message);
  make_token (store, token_path);
  for (guint i = 0; i < STORE_CHATS; i++)
    {
      wait_for_pending (MAX_QUEUED);
      g_atomic_int_inc (&n_pending);
      store->ops->submit (store, fill_chat, on_filled, GUINT_TO_POINTER (i));
    }
  wait_for_pending (0);
  store->ops->close (store); /* the last connection takes the write-ahead log in */
  g_unlink (epoch);
  if (g_rename (unfinished, path) != 0)
    g_error ("%s: %s", path, g_strerror (errno));
  g_print ("%d messages stored in %.1f s\n", STORE_CHATS * STORE_MESSAGES,
           (double)(g_get_monotonic_time () - start_us) / G_USEC_PER_SEC);
}

char *
bench_store_copy (const char *path, const char *folder)
{
  char *copy = g_build_filename (folder, "frontdesk.db", NULL);
  int in = open (path, O_RDONLY | O_CLOEXEC);
  int out = open (copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  gssize got;

  if (in < 0 || out < 0)
    g_error ("%s or %s cannot be opened: %s", path, copy, g_strerror (errno));
  while ((got = copy_file_range (in, NULL, out, NULL, 1 << 30, 0)) > 0)
    ;
  if (got < 0 || fsync (out) != 0)
    g_error ("%s cannot be copied: %s", path, g_strerror (errno));
  close (in);
  close (out);
  return copy;
}
