/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* A process that dies by SIGKILL in the middle of sends: what it acknowledged is there, once, and
 * the log and the chats have no holes. */

#include "service-fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4

typedef struct
{
  Fixture *fixture;
  int fd;
  guint thread;
  guint n;
} Sender;

static void send_next (Sender *sender);

/* On the writer thread: the acknowledgement goes out, then the next message is handed in. */
static void
on_sent (DeskReply *reply, gpointer data)
{
  Sender *sender = data;
  char line[32];
  int len = g_snprintf (line, sizeof line, "%u-%u\n", sender->thread, sender->n);
  if (reply->status != 201 || write (sender->fd, line, (gsize)len) != len)
    _exit (1);
  desk_reply_free (reply);
  sender->n++;
  send_next (sender);
}

static void
send_next (Sender *sender)
{
  g_autofree char *key = g_strdup_printf ("%u-%u", sender->thread, sender->n);
  DeskSendRequest request = { .text = key, .client_message_id = key, .seen_seq = -1 };
  desk_service_send (sender->fixture->service, sender->fixture->anna, "demo",
                     sender->thread % 2 ? "7" : "8", &request, on_sent, sender);
}

G_GNUC_NORETURN static void
child_main (const char *path, int fd)
{
  Fixture fixture = { .path = (char *)path, .clock = desk_clock_system () };
  DeskIdentity *who;
  g_mutex_init (&fixture.mutex);
  fixture.frames = g_ptr_array_new_with_free_func (g_free);
  fixture.frames0 = g_ptr_array_new_with_free_func (g_free);
  fixture.ephemeral = g_ptr_array_new_with_free_func (g_free);
  fixture_open (&fixture);
  g_autofree char *token = desk_service_create_token (fixture.service, "anna", NULL);
  who = fixture.anna = desk_service_authenticate (fixture.service, token);
  if (who == NULL)
    _exit (1);
  for (guint i = 0; i < THREADS; i++)
    {
      Sender *sender = g_new0 (Sender, 1);
      sender->fixture = &fixture;
      sender->fd = fd;
      sender->thread = i;
      send_next (sender);
    }
  for (;;)
    pause ();
}

/* Reads acknowledgements until there are enough, kills, and reads what was still said. */
static GHashTable *
run_child (const char *program, const char *path, guint enough)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GString) said = g_string_new (NULL);
  const char *argv[] = { program, "--child", path, NULL };
  GPid pid;
  int out;
  char buffer[4096];
  gssize n;
  g_spawn_async_with_pipes (NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid,
                            NULL, &out, NULL, &error);
  g_assert_no_error (error);
  guint lines = 0;
  gboolean killed = FALSE;
  while ((n = read (out, buffer, sizeof buffer)) > 0)
    {
      g_string_append_len (said, buffer, n);
      for (gssize i = 0; i < n; i++)
        lines += buffer[i] == '\n';
      if (lines >= enough && !killed)
        {
          kill (pid, SIGKILL);
          killed = TRUE;
        }
    }
  close (out);
  waitpid (pid, NULL, 0);
  g_assert_true (killed);
  GHashTable *acknowledged = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto (GStrv) words = g_strsplit (said->str, "\n", -1);
  for (guint i = 0; words[i] != NULL && words[i + 1] != NULL; i++)
    g_hash_table_add (acknowledged, g_strdup (words[i]));
  return acknowledged;
}

/* Every key once over both chats; chat_seq dense. */
static void
collect_keys (Fixture *self, const char *user_id, GHashTable *found)
{
  gint64 expected = 1, after = 0;
  for (;;)
    {
      g_autoptr (JsonNode) owner
          = take_data (desk_service_get_messages (self->service, self->anna, "demo", user_id, 1000,
                                                  0, -1, after),
                       200);
      JsonArray *page = json_node_get_array (owner);
      if (json_array_get_length (page) == 0)
        return;
      for (guint i = 0; i < json_array_get_length (page); i++)
        {
          JsonObject *message = json_array_get_object_element (page, i);
          after = json_object_get_int_member (message, "chat_seq");
          g_assert_cmpint (after, ==, expected++);
          if (!json_object_get_null_member (message, "client_message_id"))
            g_assert_true (g_hash_table_add (
                found, g_strdup (json_object_get_string_member (message, "client_message_id"))));
        }
    }
}

static const char *program;

static void
test_kill (Fixture *self, gconstpointer data)
{
  g_autoptr (GHashTable) all = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  fixture_incoming (self, "7", "e1", "hello");
  fixture_incoming (self, "8", "e1", "hello");
  fixture_close (self);
  g_autoptr (GHashTable) acknowledged = run_child (program, self->path, 300);
  g_assert_cmpuint (g_hash_table_size (acknowledged), >=, 300);
  fixture_open (self);
  collect_keys (self, "7", all);
  collect_keys (self, "8", all);
  GHashTableIter iter;
  gpointer key;
  g_hash_table_iter_init (&iter, acknowledged);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    g_assert_true (g_hash_table_contains (all, key));

  gint64 seq = 0, head = desk_service_get_head (self->service, 0), last;
  while (seq < head)
    {
      g_autoptr (GPtrArray) frames
          = desk_service_read_log (self->service, 0, seq, 500, &last, NULL);
      g_assert_cmpuint (frames->len, >, 0);
      g_assert_cmpint (last, ==, seq + frames->len); /* dense */
      seq = last;
    }
  g_assert_cmpint (seq, ==, head);
}

int
main (int argc, char **argv)
{
  if (argc == 3 && strcmp (argv[1], "--child") == 0)
    child_main (argv[2], STDOUT_FILENO);
  program = argv[0];
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/service/crash/kill", Fixture, NULL, fixture_setup, test_kill, fixture_teardown);
  return g_test_run ();
}
