/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The demo's backend as a child process. Its first line on stdout says where it listens; the token
 * is handed over in a file of its private folder, never on a command line. */

#include "app/desk-demo.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#define LISTENING "listening on "

struct _DeskDemo
{
  GObject parent_instance;

  GSubprocess *process;
  char *dir;
  char *cache_dir;
  char *url;
  char *token;
};

G_DEFINE_FINAL_TYPE (DeskDemo, desk_demo, G_TYPE_OBJECT)

/* The environment's word, the build tree's, the installed one. */
static char *
find_server (void)
{
  const char *named = g_getenv ("FRONTDESK_FRONTDESKD");
  g_autofree char *self_path = g_file_read_link ("/proc/self/exe", NULL);
  if (named != NULL && *named != '\0')
    return g_strdup (named);
  if (self_path != NULL)
    {
      g_autofree char *here = g_path_get_dirname (self_path);
      g_autofree char *built = g_build_filename (here, "..", "server", "main", "frontdeskd", NULL);
      if (g_file_test (built, G_FILE_TEST_IS_EXECUTABLE))
        return g_steal_pointer (&built);
    }
  return g_build_filename (BINDIR, "frontdeskd", NULL);
}

/* In the child, between fork and exec: it shall not outlive us. */
static void
on_child_setup (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGTERM);
}

static gboolean
read_token (DeskDemo *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->dir, "demo-token", NULL);
  if (!g_file_get_contents (path, &self->token, NULL, error))
    return FALSE;
  g_strstrip (self->token);
  return TRUE;
}

static void
on_first_line (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  DeskDemo *self = g_task_get_source_object (task);
  GError *error = NULL;
  g_autofree char *line = g_data_input_stream_read_line_finish_utf8 (G_DATA_INPUT_STREAM (source),
                                                                     result, NULL, &error);
  const char *url = line != NULL ? strstr (line, LISTENING) : NULL;

  if (error == NULL && url == NULL)
    error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED,
                                 _ ("The demo's server did not start"));
  if (error == NULL)
    self->url = g_strstrip (g_strdup (url + strlen (LISTENING)));
  if (error == NULL && read_token (self, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
desk_demo_start_async (DeskDemo *self,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autofree char *server = find_server ();
  g_autoptr (GDataInputStream) lines = NULL;
  GError *error = NULL;

  g_task_set_source_tag (task, desk_demo_start_async);
  g_subprocess_launcher_set_child_setup (launcher, on_child_setup, NULL, NULL);
  self->dir = g_dir_make_tmp ("frontdesk-demo-XXXXXX", &error);
  if (self->dir != NULL)
    self->process = g_subprocess_launcher_spawn (launcher, &error, server, "--demo", "--listen",
                                                 "127.0.0.1:0", "--data", self->dir, NULL);
  if (self->process == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  self->cache_dir = g_build_filename (self->dir, "cache", NULL);
  lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->process));
  g_data_input_stream_read_line_async (lines, G_PRIORITY_DEFAULT, cancellable, on_first_line,
                                       g_steal_pointer (&task));
}

gboolean
desk_demo_start_finish (DeskDemo *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

const char *
desk_demo_get_url (DeskDemo *self)
{
  return self->url;
}

const char *
desk_demo_get_token (DeskDemo *self)
{
  return self->token;
}

const char *
desk_demo_get_cache_dir (DeskDemo *self)
{
  return self->cache_dir;
}

static void
remove_tree (const char *path)
{
  if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    {
      g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
      const char *name;
      while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
        {
          g_autofree char *child = g_build_filename (path, name, NULL);
          remove_tree (child);
        }
    }
  g_remove (path);
}

void
desk_demo_stop (DeskDemo *self)
{
  if (self->process != NULL)
    {
      g_subprocess_send_signal (self->process, SIGTERM);
      g_subprocess_wait (self->process, NULL, NULL);
      g_clear_object (&self->process);
    }
  if (self->dir != NULL)
    remove_tree (self->dir);
  g_clear_pointer (&self->dir, g_free);
}

static void
desk_demo_finalize (GObject *object)
{
  DeskDemo *self = DESK_DEMO (object);
  desk_demo_stop (self);
  g_free (self->cache_dir);
  g_free (self->url);
  g_free (self->token);
  G_OBJECT_CLASS (desk_demo_parent_class)->finalize (object);
}

static void
desk_demo_class_init (DeskDemoClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = desk_demo_finalize;
}

static void
desk_demo_init (DeskDemo *self)
{
}

DeskDemo *
desk_demo_new (void)
{
  return g_object_new (DESK_TYPE_DEMO, NULL);
}
