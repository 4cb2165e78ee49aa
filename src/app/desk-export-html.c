/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* A chat as a page. Everything that came from outside is escaped, and the page may load nothing: it has no
 * scripts, no links but those that a reader sees, and a policy that forbids the rest. */

#include <glib/gi18n.h>
#include <gtk/gtk.h>

#include "app/desk-delivery.h"
#include "app/desk-export.h"
#include "app/desk-format.h"

static const char style[]
    = "body{font:15px/1.45 system-ui,sans-serif;max-width:46em;margin:2em auto;padding:0 1em;color:#222;background:#fff}"
      "h1{font-size:1.5em;margin-bottom:0}.about{color:#666;margin-top:.3em}"
      ".m{margin:.5em 0;padding:.5em .8em;border-radius:.8em;max-width:80%;width:fit-content;background:#eee;"
      "break-inside:avoid;overflow-wrap:anywhere}.out{margin-inline-start:auto;background:#d6e6fa}"
      ".note{margin-inline-start:auto;background:#fdf3d0;border:1px dashed #c9a227}"
      ".gap{text-align:center;color:#666;margin:1em 0}.head{font-size:.8em;color:#555}.text{white-space:pre-wrap}"
      ".gone{font-style:italic;color:#666}blockquote{margin:.2em 0;padding-inline-start:.6em;"
      "border-inline-start:3px solid #888;color:#555}.bad{color:#b00020}";

static void
append_escaped (GString *out, const char *text)
{
  g_autofree char *escaped = g_markup_escape_text (text != NULL ? text : "", -1);
  g_string_append (out, escaped);
}

void
desk_export_html_begin (GString *out, const char *title, const char *about)
{
  g_string_append_printf (out,
                          "<!DOCTYPE html>\n<html lang=\"%s\" dir=\"%s\"><head><meta charset=\"utf-8\">\n"
                          "<meta http-equiv=\"Content-Security-Policy\" "
                          "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>",
                          pango_language_to_string (pango_language_get_default ()),
                          gtk_get_locale_direction () == GTK_TEXT_DIR_RTL ? "rtl" : "ltr");
  append_escaped (out, title);
  g_string_append_printf (out, "</title>\n<style>%s</style></head><body>\n<h1>", style);
  append_escaped (out, title);
  g_string_append (out, "</h1>\n<p class=\"about\">");
  append_escaped (out, about);
  g_string_append (out, "</p>\n");
}

static void
append_head (GString *out, const char *writer, gint64 at_ms, const char *state)
{
  g_autofree char *when = desk_format_full (at_ms);
  g_string_append (out, "<div class=\"head\"><b>");
  append_escaped (out, writer);
  g_string_append (out, "</b> · ");
  append_escaped (out, when);
  if (state != NULL)
    {
      g_string_append (out, " · ");
      append_escaped (out, state);
    }
  g_string_append (out, "</div>");
}

static void
append_text (GString *out, const char *text)
{
  if (text == NULL || *text == '\0')
    return;
  g_string_append (out, "<div class=\"text\" dir=\"auto\">");
  append_escaped (out, text);
  g_string_append (out, "</div>");
}

static void
append_attachments (GString *out, const DeskMessage *message)
{
  for (guint i = 0; i < message->attachments->len; i++)
    {
      const DeskAttachment *attachment = g_ptr_array_index (message->attachments, i);
      g_autofree char *size = attachment->size >= 0 ? g_format_size (attachment->size) : NULL;
      g_string_append (out, "<div>📎 ");
      append_escaped (out, attachment->filename != NULL && *attachment->filename != '\0'
                               ? attachment->filename
                               : desk_kind_text (message->kind));
      if (size != NULL)
        g_string_append_printf (out, " (%s)", size);
      g_string_append (out, "</div>");
    }
  if (message->attachments->len == 0 && message->kind != DESK_KIND_TEXT && *message->text == '\0')
    {
      g_string_append (out, "<div class=\"gone\">");
      append_escaped (out, desk_kind_text (message->kind));
      g_string_append (out, "</div>");
    }
}

static void
append_message (GString *out, const DeskMessage *message, const char *customer, const char *me)
{
  g_autofree char *writer = desk_message_writer (message, customer, me);
  const char *css = message->is_private ? "m note" : message->direction == DESK_DIRECTION_OUTGOING ? "m out" : "m";
  g_string_append_printf (out, "<div class=\"%s\">", css);
  append_head (out, writer, message->created_at_ms,
               message->is_private ? _ ("Internal note") : desk_delivery_text (message->status));
  if (message->reply_to != NULL)
    {
      g_string_append (out, "<blockquote dir=\"auto\">");
      append_escaped (out, message->reply_to->text);
      g_string_append (out, "</blockquote>");
    }
  if (message->deleted_at_ms > 0)
    {
      g_string_append (out, "<div class=\"gone\">");
      append_escaped (out, _ ("This message was deleted."));
      g_string_append (out, "</div>");
    }
  else
    {
      append_text (out, message->text);
      append_attachments (out, message);
    }
  for (guint i = 0; i < message->reactions->len; i++)
    append_escaped (out, ((DeskReaction *)g_ptr_array_index (message->reactions, i))->emoji);
  if (message->status == DESK_STATUS_FAILED)
    {
      g_string_append (out, "<div class=\"bad\">");
      append_escaped (out, desk_error_text (message->error.code, message->error.message));
      g_string_append (out, "</div>");
    }
  g_string_append (out, "</div>\n");
}

void
desk_export_html_item (GString *out, const DeskTimelineItem *item, const char *customer, const char *me)
{
  switch (item->type)
    {
    case DESK_ITEM_MESSAGE:
      append_message (out, item->message, customer, me);
      break;
    case DESK_ITEM_GAP:
      g_string_append (out, "<div class=\"gap\">");
      append_escaped (out, _ ("Some messages are missing here: they are not on this computer."));
      g_string_append (out, "</div>\n");
      break;
    case DESK_ITEM_PENDING:
      g_string_append_printf (out, "<div class=\"m %s\">", item->pending->is_private ? "note" : "out");
      append_head (out, _ ("You"), item->pending->created_at_ms, desk_outbox_text (item->pending->state));
      append_text (out, item->pending->text);
      g_string_append (out, "</div>\n");
      break;
    default:
      break;
    }
}

void
desk_export_html_end (GString *out)
{
  g_string_append (out, "</body></html>\n");
}
