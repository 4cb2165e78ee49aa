/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

#include <string.h>

#include <glib/gstdio.h>
#include <gtk/gtk.h>
#include <json-glib/json-glib.h>

#include "app/desk-chat-print.h"
#include "app/desk-export.h"

/* A chat of some pages, with a note and a hostile text, saved in each form. */

#define N 1203

typedef struct
{
  char *dir;
  DeskInbox *inbox;
  GFile *file;
  gboolean done;
  guint messages;
} Fixture;

static void
on_opened (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  Fixture *f = data;

  desk_inbox_open_finish (DESK_INBOX (source), result, &error);
  g_assert_no_error (error);
  f->done = TRUE;
}

static void
wait_done (Fixture *f)
{
  while (!f->done)
    g_main_context_iteration (NULL, TRUE);
  f->done = FALSE;
}

static void
fill (const char *dir)
{
  g_autoptr (DeskStore) store = desk_store_open (dir, NULL, NULL);
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_message_free);
  DeskBatch *batch = desk_batch_new ();

  for (gint64 seq = N; seq >= 1; seq--)
    {
      DeskMessage *m = desk_message_new ("telegram", "42");

      m->id = g_strdup_printf ("m%d", (int) seq);
      m->is_level2 = TRUE;
      m->chat_seq = seq;
      m->rev = 1;
      m->created_at_ms = 1700000000000 + seq * 1000;
      m->direction = seq % 2 ? DESK_DIRECTION_INCOMING : DESK_DIRECTION_OUTGOING;
      m->sender = seq % 2 ? DESK_SENDER_USER : DESK_SENDER_MANAGER;
      m->in_seq = seq % 2 ? (seq + 1) / 2 : 0;
      m->is_private = seq == 700;
      g_free (m->text);
      m->text = seq == 1 ? g_strdup ("</div><script>alert(1)</script>") : g_strdup_printf ("text %d.", (int) seq);
      g_ptr_array_add (messages, m);
    }
  desk_batch_page (batch, "telegram", "42", messages, TRUE, TRUE);
  desk_batch_result_free (desk_store_apply (store, batch, NULL));
  desk_store_close (store);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree char *path = NULL;
  DeskInboxOptions options = { 0 };

  f->dir = g_dir_make_tmp ("desk-export-XXXXXX", NULL);
  options.dir = g_build_filename (f->dir, "cache", NULL);
  fill (options.dir);
  f->inbox = desk_inbox_new (&options);
  desk_inbox_open_async (f->inbox, NULL, on_opened, f);
  wait_done (f);
  path = g_build_filename (f->dir, "chat", NULL);
  f->file = g_file_new_for_path (path);
  g_free ((char *) options.dir);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", f->dir);

  desk_inbox_close (f->inbox);
  g_clear_object (&f->inbox);
  g_clear_object (&f->file);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (f->dir);
}

static void
on_exported (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  Fixture *f = data;

  desk_export_chat_finish (DESK_INBOX (source), result, &f->messages, &error);
  g_assert_no_error (error);
  f->done = TRUE;
}

static char *
export (Fixture *f, DeskExportFormat format, gboolean notes)
{
  char *text = NULL;

  desk_export_chat_async (f->inbox, "telegram", "42", format, notes, f->file, NULL, on_exported, f);
  wait_done (f);
  g_assert_true (g_file_load_contents (f->file, NULL, &text, NULL, NULL, NULL));
  return text;
}

static void
test_json (Fixture *f, gconstpointer data)
{
  g_autofree char *text = export (f, DESK_EXPORT_JSON, TRUE);
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *root;
  JsonArray *messages;

  g_assert_true (json_parser_load_from_data (parser, text, -1, NULL));
  root = json_node_get_object (json_parser_get_root (parser));
  g_assert_cmpstr (json_object_get_string_member (json_object_get_object_member (root, "chat"), "user_id"), ==, "42");
  messages = json_object_get_array_member (root, "messages");
  g_assert_cmpuint (json_array_get_length (messages), ==, N);
  g_assert_cmpuint (f->messages, ==, N);
  for (guint i = 0; i < N; i++)
    g_assert_cmpint (json_object_get_int_member (json_array_get_object_element (messages, i), "chat_seq"), ==, i + 1);
}

static void
test_html (Fixture *f, gconstpointer data)
{
  g_autofree char *text = export (f, DESK_EXPORT_HTML, FALSE);

  g_assert_cmpuint (f->messages, ==, N - 1);
  g_assert_null (strstr (text, "<script>"));
  g_assert_nonnull (strstr (text, "&lt;script&gt;"));
  g_assert_null (strstr (text, "text 700."));
  g_assert_nonnull (strstr (text, "text 1203."));
  g_assert_true (strstr (text, "text 2.") < strstr (text, "text 1203."));
  g_assert_true (g_str_has_suffix (text, "</html>\n"));
}

static void
on_refused (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  Fixture *f = data;

  g_assert_false (desk_export_chat_finish (DESK_INBOX (source), result, NULL, &error));
  g_assert_nonnull (error);
  f->done = TRUE;
}

/* A chat that is not there leaves the file that was. */
static void
test_failure (Fixture *f, gconstpointer data)
{
  g_autofree char *text = NULL;

  g_assert_true (g_file_replace_contents (f->file, "old", 3, NULL, FALSE, 0, NULL, NULL, NULL));
  desk_export_chat_async (f->inbox, "telegram", "nobody", DESK_EXPORT_HTML, FALSE, f->file, NULL, on_refused, f);
  wait_done (f);
  g_assert_true (g_file_load_contents (f->file, NULL, &text, NULL, NULL, NULL));
  g_assert_cmpstr (text, ==, "old");
}

static void
on_printed (const char *problem, gpointer data)
{
  g_assert_null (problem);
  ((Fixture *) data)->done = TRUE;
}

static void
test_pdf (Fixture *f, gconstpointer data)
{
  g_autofree char *pdf = NULL;
  gsize len;

  desk_chat_print (NULL, f->inbox, "telegram", "42", "Olena", f->file, on_printed, f);
  wait_done (f);
  g_assert_true (g_file_load_contents (f->file, NULL, &pdf, &len, NULL, NULL));
  g_assert_true (len > 10000 && memcmp (pdf, "%PDF-", 5) == 0);
}

int
main (int argc, char **argv)
{
  gtk_init ();
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/app/export/json", Fixture, NULL, set_up, test_json, tear_down);
  g_test_add ("/app/export/html", Fixture, NULL, set_up, test_html, tear_down);
  g_test_add ("/app/export/failure", Fixture, NULL, set_up, test_failure, tear_down);
  g_test_add ("/app/export/pdf", Fixture, NULL, set_up, test_pdf, tear_down);
  return g_test_run ();
}
