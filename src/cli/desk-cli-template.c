/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-cli"

#include "config.h"

#include <glib/gi18n.h>

#include "cli/desk-cli.h"
#include "sync/desk-templates.h"

/* Templates: what may be sent when a platform takes no free replies any more. Asked of the backend beside whoever keeps
 * the cache in sync. */

typedef struct
{
  GMainLoop *loop;
  GPtrArray *templates;
  GError *error;
} Wait;

static void
on_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  Wait *wait = data;

  wait->templates = desk_sync_list_templates_finish (NULL, result, &wait->error);
  g_main_loop_quit (wait->loop);
}

static int
exit_code (const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED))
    return DESK_EXIT_NO_CONNECTION;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    return DESK_EXIT_REFUSED;
  return DESK_EXIT_FAILED;
}

/* NULL: said, and the exit code. */
static GPtrArray *
fetch (DeskCli *cli, const char *platform, const char *user_id, int *out_code)
{
  DeskSyncOptions options = {
    .server_url = cli->account->server_url,
    .username = cli->account->username,
    .token = cli->token,
    .files_only = TRUE,
  };
  g_autoptr (DeskSync) sync = desk_sync_new (cli->store, &options);
  Wait wait = { .loop = g_main_loop_new (NULL, FALSE) };

  desk_sync_start (sync);
  desk_sync_list_templates_async (sync, platform, user_id, NULL, on_listed, &wait);
  g_main_loop_run (wait.loop);
  g_main_loop_unref (wait.loop);
  desk_sync_stop (sync);
  if (wait.templates == NULL)
    {
      *out_code = desk_cli_fail (exit_code (wait.error), "%s", wait.error->message);
      g_error_free (wait.error);
    }
  return wait.templates;
}

static void
print_list (DeskCli *cli, GPtrArray *templates)
{
  g_autoptr (GString) json = g_string_new (NULL);
  DeskJsonWriter writer;

  if (cli->json)
    {
      desk_json_writer_init (&writer, json);
      desk_wire_write_templates (&writer, templates);
      g_print ("%s\n", json->str);
      return;
    }
  for (guint i = 0; i < templates->len; i++)
    {
      const DeskTemplate *template = g_ptr_array_index (templates, i);
      g_autofree char *text = desk_cli_one_line (template->text);

      g_print ("%s  %s  %s\n", template->name, template->language, text);
    }
}

int
desk_cli_templates (DeskCli *cli, int argc, char **argv)
{
  g_autofree char *platform = NULL;
  g_autofree char *user_id = NULL;
  g_autoptr (GPtrArray) templates = NULL;
  int code;

  if (argc != 2)
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: templates P/U"));
  if (!desk_cli_key (argv[1], &platform, &user_id))
    return DESK_EXIT_USAGE;
  if ((code = desk_cli_open (cli)) != 0)
    return code;
  templates = fetch (cli, platform, user_id, &code);
  if (templates == NULL)
    return code;
  print_list (cli, templates);
  return DESK_EXIT_DONE;
}

int
desk_cli_use_template (DeskCli *cli, const char *name, const char *language, char *const *variables,
                       DeskOutboxEntry *entry)
{
  static char *const none[] = { NULL };
  g_autoptr (GPtrArray) templates = NULL;
  const DeskTemplate *template;
  guint n;
  int code = DESK_EXIT_FAILED;

  if (variables == NULL)
    variables = none;
  templates = fetch (cli, entry->platform, entry->user_id, &code);
  if (templates == NULL)
    return code;
  template = desk_templates_find (templates, name, language);
  if (template == NULL)
    return desk_cli_fail (DESK_EXIT_FAILED, _("There is no template “%s” for this chat. “templates P/U” lists them."), name);
  n = g_strv_length ((char **) variables);
  if (n != template->n_variables)
    return desk_cli_fail (DESK_EXIT_USAGE, _("The template “%s” has %u variables; --var was given %u times."), name,
                          template->n_variables, n);
  g_free (entry->text);
  entry->text = desk_template_fill (template, variables);
  entry->template_use = desk_template_use_new (template->name, template->language, variables);
  return DESK_EXIT_DONE;
}
