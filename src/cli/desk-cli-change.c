/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-cli"

#include "config.h"

#include <glib/gi18n.h>
#include <stdio.h>

#include "cli/desk-cli.h"
#include "common/desk-time.h"

/* Commands that change a chat, a message or a profile. As with replies, the intent is in the outbox before anything else
 * happens; --wait says how long to wait for the backend's word. */


/* Puts the entry into the outbox and waits as asked. Takes entry. */
static int
submit (DeskCli *cli, DeskOutboxEntry *entry, int wait)
{
  g_autoptr (DeskBatchResult) result = NULL;
  DeskBatch *batch = desk_batch_new ();

  desk_batch_outbox_add (batch, entry, FALSE);
  desk_outbox_entry_free (entry);
  if (!desk_cli_apply (cli, batch, &result))
    return DESK_EXIT_FAILED;
  if (wait < 0)
    return DESK_EXIT_DONE;
  return desk_cli_run_engine (cli, FALSE, g_array_index (result->added_local_ids, gint64, 0),
                              MAX ((gint64) wait * 1000, 1));
}

/* Opens the cache and makes an intent for the chat that text names; NULL: said, *code is the exit code. */
static DeskOutboxEntry *
begin_chat (DeskCli *cli, DeskIntent intent, const char *text, int *code)
{
  g_autofree char *platform = NULL;
  g_autofree char *user_id = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskChatRow) row = NULL;
  DeskOutboxEntry *entry;

  *code = DESK_EXIT_USAGE;
  if (!desk_cli_key (text, &platform, &user_id))
    return NULL;
  if ((*code = desk_cli_open (cli)) != 0)
    return NULL;
  *code = DESK_EXIT_FAILED;
  row = desk_store_get_chat (cli->store, platform, user_id, &error);
  if (row == NULL)
    {
      desk_cli_fail (0, "%s", error->message);
      return NULL;
    }
  entry = desk_outbox_entry_new (intent, platform, user_id);
  if (intent == DESK_INTENT_CHAT)
    entry->change = desk_chat_change_new ();
  else if (intent == DESK_INTENT_PROFILE)
    entry->profile = desk_profile_change_new ();
  return entry;
}

int
desk_cli_assign (DeskCli *cli, int argc, char **argv)
{
  int wait = -1, code;
  gboolean none = FALSE;
  const GOptionEntry options[] = {
    { "none", 0, 0, G_OPTION_ARG_NONE, &none, N_ ("Nobody is to answer this chat"), NULL },
    { "wait", 0, 0, G_OPTION_ARG_INT, &wait, N_ ("Wait so long for the backend to acknowledge"), "SECONDS" },
    { NULL },
  };
  DeskOutboxEntry *entry;

  if (!desk_cli_parse (options, "assign P/U USER", &argc, &argv))
    return DESK_EXIT_USAGE;
  if (argc != (none ? 2 : 3) || wait < -1 || (!none && !desk_username_is_valid (argv[2])))
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: assign P/U USER | assign P/U --none"));
  entry = begin_chat (cli, DESK_INTENT_CHAT, argv[1], &code);
  if (entry == NULL)
    return code;
  desk_chat_change_set_assignee (entry->change, none ? NULL : argv[2]);
  return submit (cli, entry, wait);
}

int
desk_cli_state (DeskCli *cli, int argc, char **argv)
{
  int wait = -1, code;
  g_autofree char *until = NULL;
  const GOptionEntry options[] = {
    { "until", 0, 0, G_OPTION_ARG_STRING, &until, N_ ("When a snoozed chat comes back, as 2026-11-20T09:00:00Z"), "TIME" },
    { "wait", 0, 0, G_OPTION_ARG_INT, &wait, N_ ("Wait so long for the backend to acknowledge"), "SECONDS" },
    { NULL },
  };
  DeskChatState state = DESK_CHAT_STATE_OPEN;
  gint64 until_ms = 0;
  DeskOutboxEntry *entry;

  if (!desk_cli_parse (options, "state P/U STATE", &argc, &argv))
    return DESK_EXIT_USAGE;
  if (argc != 3 || wait < -1 || !desk_chat_state_from_string (argv[2], &state)
      || (state == DESK_CHAT_STATE_SNOOZED) != (until != NULL)
      || (until != NULL && !desk_time_parse_rfc3339 (until, &until_ms, NULL)))
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: state P/U open | resolved | snoozed --until TIME"));
  entry = begin_chat (cli, DESK_INTENT_CHAT, argv[1], &code);
  if (entry == NULL)
    return code;
  desk_chat_change_set_state (entry->change, state, until_ms);
  return submit (cli, entry, wait);
}

/* "+a -b": the minus would be taken for an option, so this command has none but --wait, at the end. */
int
desk_cli_label (DeskCli *cli, int argc, char **argv)
{
  int wait = -1, code;
  DeskOutboxEntry *entry;

  if (argc >= 4 && g_str_equal (argv[argc - 2], "--wait"))
    {
      wait = (int) CLAMP (g_ascii_strtoll (argv[argc - 1], NULL, 10), 0, 86400);
      argc -= 2;
    }
  for (int i = 2; i < argc; i++)
    if ((argv[i][0] != '+' && argv[i][0] != '-') || argv[i][1] == '\0' || strchr (argv[i], '\n') != NULL
        || strlen (argv[i]) > DESK_WIRE_MAX_LABEL + 1 || !g_utf8_validate (argv[i], -1, NULL))
      argc = 0;
  if (argc < 3)
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: label P/U +LABEL -LABEL … [--wait SECONDS]"));
  entry = begin_chat (cli, DESK_INTENT_CHAT, argv[1], &code);
  if (entry == NULL)
    return code;
  for (int i = 2; i < argc; i++)
    if (argv[i][0] == '+')
      desk_chat_change_add_label (entry->change, argv[i] + 1);
    else
      desk_chat_change_remove_label (entry->change, argv[i] + 1);
  return submit (cli, entry, wait);
}

int
desk_cli_mute (DeskCli *cli, int argc, char **argv)
{
  int wait = -1, code;
  gboolean off = FALSE;
  const GOptionEntry options[] = {
    { "off", 0, 0, G_OPTION_ARG_NONE, &off, N_ ("Notify again"), NULL },
    { "wait", 0, 0, G_OPTION_ARG_INT, &wait, N_ ("Wait so long for the backend to acknowledge"), "SECONDS" },
    { NULL },
  };
  DeskOutboxEntry *entry;

  if (!desk_cli_parse (options, "mute P/U", &argc, &argv))
    return DESK_EXIT_USAGE;
  if (argc != 2 || wait < -1)
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: mute P/U [--off]"));
  entry = begin_chat (cli, DESK_INTENT_CHAT, argv[1], &code);
  if (entry == NULL)
    return code;
  desk_chat_change_set_muted (entry->change, !off);
  return submit (cli, entry, wait);
}

/* ── Messages ───────────────────────────────────────────────────────────────────────────────── */

/* edit ID TEXT, delete ID, react ID EMOJI, retry ID: with_text says whether there is a second word. */
static int
change_message (DeskCli *cli, DeskIntent intent, gboolean with_text, const char *usage, int argc, char **argv)
{
  int wait = -1, code;
  const GOptionEntry options[] = {
    { "wait", 0, 0, G_OPTION_ARG_INT, &wait, N_ ("Wait so long for the backend to acknowledge"), "SECONDS" },
    { NULL },
  };
  g_autoptr (DeskMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  DeskOutboxEntry *entry;

  if (!desk_cli_parse (options, usage, &argc, &argv))
    return DESK_EXIT_USAGE;
  if (argc != (with_text ? 3 : 2) || wait < -1)
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: %s"), usage);
  if (with_text && (!g_utf8_validate (argv[2], -1, NULL) || strlen (argv[2]) > DESK_WIRE_MAX_TEXT
                    || (intent == DESK_INTENT_EDIT && *argv[2] == '\0')))
    return desk_cli_fail (DESK_EXIT_USAGE, _("The text is empty, too long or not UTF-8."));
  if ((code = desk_cli_open (cli)) != 0)
    return code;
  message = desk_store_get_message (cli->store, argv[1], &error);
  if (message == NULL)
    return desk_cli_fail (DESK_EXIT_FAILED, "%s", error->message);
  entry = desk_outbox_entry_new (intent, message->platform, message->user_id);
  entry->message_id = g_strdup (message->id);
  if (with_text)
    {
      g_free (entry->text);
      entry->text = g_strdup (argv[2]);
    }
  return submit (cli, entry, wait);
}

int
desk_cli_edit (DeskCli *cli, int argc, char **argv)
{
  return change_message (cli, DESK_INTENT_EDIT, TRUE, "edit ID TEXT", argc, argv);
}

int
desk_cli_delete (DeskCli *cli, int argc, char **argv)
{
  return change_message (cli, DESK_INTENT_DELETE, FALSE, "delete ID", argc, argv);
}

int
desk_cli_react (DeskCli *cli, int argc, char **argv)
{
  return change_message (cli, DESK_INTENT_REACT, TRUE, "react ID EMOJI", argc, argv);
}

int
desk_cli_retry (DeskCli *cli, int argc, char **argv)
{
  return change_message (cli, DESK_INTENT_RETRY, FALSE, "retry ID", argc, argv);
}

/* ── Canned replies, profiles ───────────────────────────────────────────────────────────────── */

int
desk_cli_canned (DeskCli *cli, int argc, char **argv)
{
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GError) error = NULL;
  int code;

  if (argc != 1)
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: canned"));
  if ((code = desk_cli_open (cli)) != 0)
    return code;
  list = desk_store_list_canned (cli->store, &error);
  if (list == NULL)
    return desk_cli_fail (DESK_EXIT_FAILED, "%s", error->message);
  for (guint i = 0; i < list->len; i++)
    {
      const DeskCanned *canned = g_ptr_array_index (list, i);
      g_autoptr (GString) line = g_string_new (NULL);
      DeskJsonWriter writer;

      if (cli->json)
        {
          desk_json_writer_init (&writer, line);
          desk_wire_write_canned (&writer, canned);
        }
      else
        g_string_printf (line, "/%s  %s", canned->shortcut, canned->text);
      g_print ("%s\n", line->str);
    }
  return DESK_EXIT_DONE;
}

static void
print_field (const char *name, const char *text)
{
  if (text != NULL && *text != '\0')
    g_print ("%-10s %s\n", name, text);
}

static int
show_profile (DeskCli *cli, const char *key)
{
  g_autofree char *platform = NULL;
  g_autofree char *user_id = NULL;
  g_autoptr (DeskProfileRow) row = NULL;
  g_autoptr (GError) error = NULL;
  const DeskProfile *p;
  int code;

  if (!desk_cli_key (key, &platform, &user_id))
    return DESK_EXIT_USAGE;
  if ((code = desk_cli_open (cli)) != 0)
    return code;
  row = desk_store_get_profile (cli->store, platform, user_id, &error);
  if (row == NULL)
    return desk_cli_fail (DESK_EXIT_FAILED, "%s", error ? error->message : _("The profile is not in the cache yet."));
  p = row->profile;
  if (cli->json)
    {
      g_autoptr (GString) line = g_string_new (NULL);
      DeskJsonWriter writer;

      desk_json_writer_init (&writer, line);
      desk_wire_write_profile (&writer, p);
      g_print ("%s\n", line->str);
      return DESK_EXIT_DONE;
    }
  print_field ("name", p->name);
  print_field ("handle", p->handle);
  print_field ("phone", p->phone);
  print_field ("language", p->language);
  print_field ("note", p->note);
  print_field ("attributes", p->attributes);
  print_field ("products", p->products);
  return DESK_EXIT_DONE;
}

/* "note=likes red"; "attributes.size=M" for what managers name themselves. FALSE: not understood. */
static gboolean
set_field (DeskProfileChange *change, const char *text)
{
  const char *value = strchr (text, '=');
  g_autofree char *name = value ? g_strndup (text, (gsize) (value - text)) : NULL;
  const struct
  {
    const char *name;
    char **field;
  } fields[] = { { "name", &change->name },         { "handle", &change->handle }, { "phone", &change->phone },
                 { "language", &change->language }, { "note", &change->note } };

  if (name == NULL || !g_utf8_validate (text, -1, NULL))
    return FALSE;
  value++;
  if (g_str_has_prefix (name, "attributes.") && name[strlen ("attributes.")] != '\0')
    {
      g_autoptr (GString) json = g_string_new (NULL);
      g_autoptr (DeskProfileChange) one = desk_profile_change_new ();
      DeskJsonWriter writer;

      desk_json_writer_init (&writer, json);
      desk_json_writer_begin_object (&writer);
      desk_json_writer_key_text (&writer, name + strlen ("attributes."));
      desk_json_writer_string (&writer, *value != '\0' ? value : NULL);
      desk_json_writer_end_object (&writer);
      one->attributes = g_strdup (json->str);
      desk_profile_change_merge (change, one);
      return TRUE;
    }
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (g_str_equal (name, fields[i].name))
      {
        g_free (*fields[i].field);
        *fields[i].field = g_strdup (value);
        return TRUE;
      }
  return FALSE;
}

int
desk_cli_profile (DeskCli *cli, int argc, char **argv)
{
  int wait = -1, code;
  g_auto (GStrv) set = NULL;
  const GOptionEntry options[] = {
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &set,
      N_ ("name, handle, phone, language, note or attributes.NAME; an empty value takes it away"), "FIELD=VALUE" },
    { "wait", 0, 0, G_OPTION_ARG_INT, &wait, N_ ("Wait so long for the backend to acknowledge"), "SECONDS" },
    { NULL },
  };
  DeskOutboxEntry *entry;

  if (!desk_cli_parse (options, "profile P/U", &argc, &argv))
    return DESK_EXIT_USAGE;
  if (argc != 2 || wait < -1)
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: profile P/U [--set FIELD=VALUE …]"));
  if (set == NULL)
    return show_profile (cli, argv[1]);
  entry = begin_chat (cli, DESK_INTENT_PROFILE, argv[1], &code);
  if (entry == NULL)
    return code;
  for (guint i = 0; set[i] != NULL; i++)
    if (!set_field (entry->profile, set[i]))
      {
        desk_outbox_entry_free (entry);
        return desk_cli_fail (DESK_EXIT_USAGE, _("“%s” is not FIELD=VALUE of a profile."), set[i]);
      }
  return submit (cli, entry, wait);
}
