/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-cli"

#include "config.h"

#include <glib/gi18n.h>
#include <inttypes.h> /* PRId64: gettext knows it, G_GINT64_FORMAT would cut the text */
#include <stdio.h>

#include "cli/desk-cli.h"

/* Output: a line a thing, either for people or as one JSON object with the wire's names. What a customer wrote may
 * hold control characters that a terminal would obey, and marks of direction that would turn our own words around; they
 * are shown as spaces. */

/* The marks of Unicode's bidirectional algorithm (UAX 9, 2): but for these, right-to-left text needs none. */
static gboolean
is_direction_mark (gunichar c)
{
  return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static void
put_line (GString *line)
{
  g_string_append_c (line, '\n');
  fwrite (line->str, 1, line->len, stdout);
  fflush (stdout);
}

char *
desk_cli_one_line (const char *text)
{
  GString *out = g_string_new (NULL);

  for (const char *p = text ? text : ""; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      g_string_append_unichar (out, g_unichar_iscntrl (c) || is_direction_mark (c) ? ' ' : c);
    }
  return g_string_free (out, FALSE);
}

static char *
local_time (gint64 ms)
{
  g_autoptr (GDateTime) time = ms > 0 ? g_date_time_new_from_unix_local (ms / 1000) : NULL;

  return time ? g_date_time_format (time, "%Y-%m-%d %H:%M:%S") : g_strdup ("-");
}

void
desk_cli_print_chat (DeskCli *cli, const DeskChatRow *row)
{
  g_autoptr (GString) line = g_string_new (NULL);

  if (cli->json)
    {
      DeskJsonWriter writer;

      desk_json_writer_init (&writer, line);
      desk_wire_write_chat (&writer, row->chat);
    }
  else
    {
      g_autofree char *name = desk_cli_one_line (row->chat->user_name);
      g_autofree char *last = desk_cli_one_line (row->chat->last_message);
      g_autofree char *time = local_time (row->chat->last_time_ms);

      g_string_append_printf (line, "%s/%s  %s  ", row->chat->platform, row->chat->user_id, name);
      if (row->unread > 0)
        g_string_append_printf (line, _("%" PRId64 " unread  "), row->unread);
      if (row->pending > 0)
        g_string_append_printf (line, _("%u to be sent  "), row->pending);
      if (row->attention > 0)
        g_string_append_printf (line, _("%u need you  "), row->attention);
      g_string_append_printf (line, "%s  %s", time, last);
    }
  put_line (line);
}

static const char *
who (const DeskMessage *message)
{
  if (message->sender_name != NULL && *message->sender_name != '\0')
    return message->sender_name;
  if (message->user_name != NULL && message->sender == DESK_SENDER_USER && *message->user_name != '\0')
    return message->user_name;
  return desk_sender_to_string (message->sender);
}

static void
append_message (GString *line, const DeskMessage *message)
{
  g_autofree char *text = desk_cli_one_line (message->text);
  g_autofree char *time = local_time (message->created_at_ms);
  g_autofree char *name = desk_cli_one_line (who (message));
  const char *status = desk_status_to_string (message->status);

  if (message->chat_seq > 0)
    g_string_append_printf (line, "#%" G_GINT64_FORMAT "  ", message->chat_seq);
  g_string_append_printf (line, "%s  %s", time, name);
  if (message->is_private)
    g_string_append (line, _(" (note)"));
  g_string_append (line, ": ");
  if (message->deleted_at_ms > 0)
    g_string_append (line, _("[deleted]"));
  else
    {
      if (message->kind != DESK_KIND_TEXT)
        g_string_append_printf (line, "[%s] ", desk_kind_to_string (message->kind));
      g_string_append (line, text);
    }
  if (message->direction == DESK_DIRECTION_OUTGOING && status != NULL)
    g_string_append_printf (line, "  (%s)", status);
}

void
desk_cli_print_message (DeskCli *cli, const DeskMessage *message, gboolean with_chat)
{
  g_autoptr (GString) line = g_string_new (NULL);

  if (cli->json)
    {
      DeskJsonWriter writer;

      desk_json_writer_init (&writer, line);
      desk_wire_write_message (&writer, message);
    }
  else
    {
      if (with_chat)
        g_string_append_printf (line, "%s/%s  ", message->platform, message->user_id);
      append_message (line, message);
    }
  put_line (line);
}

void
desk_cli_print_entry (DeskCli *cli, const DeskOutboxEntry *entry)
{
  g_autoptr (GString) line = g_string_new (NULL);

  if (cli->json)
    {
      DeskJsonWriter writer;

      desk_json_writer_init (&writer, line);
      desk_json_writer_begin_object (&writer);
      desk_json_writer_member_int64 (&writer, "local_id", entry->local_id);
      desk_json_writer_member_string (&writer, "client_message_id", entry->client_message_id);
      desk_json_writer_member_string (&writer, "platform", entry->platform);
      desk_json_writer_member_string (&writer, "user_id", entry->user_id);
      desk_json_writer_member_string (&writer, "intent", desk_intent_to_string (entry->intent));
      desk_json_writer_member_string (&writer, "message_id", entry->message_id);
      desk_json_writer_member_string (&writer, "text", entry->text);
      desk_json_writer_member_string (&writer, "error_code", entry->error_code);
      desk_json_writer_member_string (&writer, "state", desk_outbox_state_to_string (entry->state));
      desk_json_writer_member_int64 (&writer, "files", entry->files ? entry->files->len : 0);
      desk_json_writer_member_int64 (&writer, "attempts", entry->attempts);
      desk_json_writer_member_string (&writer, "error", entry->error);
      desk_json_writer_end_object (&writer);
    }
  else
    {
      g_autofree char *text = desk_cli_one_line (entry->text);

      g_string_append_printf (line, "%" G_GINT64_FORMAT "  %s/%s  %s  %s", entry->local_id, entry->platform,
                              entry->user_id, desk_outbox_state_to_string (entry->state), text);
      if (entry->intent != DESK_INTENT_SEND)
        g_string_append_printf (line, "  <%s>", desk_intent_to_string (entry->intent));
      for (guint i = 0; entry->files != NULL && i < entry->files->len; i++)
        g_string_append_printf (line, "  [%s]", ((DeskStagedFile *) g_ptr_array_index (entry->files, i))->filename);
      if (entry->error != NULL)
        g_string_append_printf (line, "  (%s)", entry->error);
    }
  put_line (line);
}

void
desk_cli_print_event (DeskCli *cli, const DeskEvent *event)
{
  g_autoptr (GString) line = g_string_new (NULL);

  if (cli->json)
    {
      DeskJsonWriter writer;

      desk_json_writer_init (&writer, line);
      desk_wire_write_event (&writer, event);
    }
  else
    {
      const char *platform = event->message ? event->message->platform : event->chat ? event->chat->platform : event->platform;
      const char *user_id = event->message ? event->message->user_id : event->chat ? event->chat->user_id : event->user_id;

      g_string_append (line, desk_event_type_to_string (event->type));
      if (platform != NULL)
        g_string_append_printf (line, "  %s/%s", platform, user_id);
      if (event->message != NULL)
        {
          g_string_append (line, "  ");
          append_message (line, event->message);
        }
    }
  put_line (line);
}
