/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* The bodies of WhatsApp's sends.
 * Invariant: pure. Source: WhatsApp Business Platform, "Messages API". */

#include "server/connectors/whatsapp/desk-whatsapp-format.h"

#include <string.h>

#define MAX_OUR_ID 512

static gboolean
is_number (const char *to)
{
  return *to != '\0' && strspn (to, "0123456789") == strlen (to);
}

/* "US.13491208655302741918": two letters of a country, a point, letters and digits */
static gboolean
is_scoped_id (const char *to)
{
  return g_ascii_isupper (to[0]) && g_ascii_isupper (to[1]) && to[2] == '.';
}

static void
begin (DeskJsonWriter *w, GString *json, const DeskWhatsappHead *head, const char *type)
{
  const gboolean person = is_number (head->to) || is_scoped_id (head->to);

  desk_json_writer_init (w, json);
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "messaging_product", "whatsapp");
  desk_json_writer_member_string (w, "recipient_type", person ? "individual" : "group");
  desk_json_writer_member_string (w, is_scoped_id (head->to) ? "recipient" : "to", head->to);
  if (head->reply_to != NULL)
    {
      desk_json_writer_key (w, "context");
      desk_json_writer_begin_object (w);
      desk_json_writer_member_string (w, "message_id", head->reply_to);
      desk_json_writer_end_object (w);
    }
  if (head->our_id != NULL && strlen (head->our_id) <= MAX_OUR_ID)
    desk_json_writer_member_string (w, "biz_opaque_callback_data", head->our_id);
  desk_json_writer_member_string (w, "type", type);
  desk_json_writer_key (w, type);
}

static char *
end (DeskJsonWriter *w, GString *json)
{
  desk_json_writer_end_object (w);
  return g_string_free (json, FALSE);
}

char *
desk_whatsapp_format_text (const DeskWhatsappHead *head, const char *text)
{
  GString *json = g_string_new (NULL);
  DeskJsonWriter w;

  begin (&w, json, head, "text");
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "body", text);
  if (strstr (text, "https://") != NULL || strstr (text, "http://") != NULL)
    desk_json_writer_member_bool (&w, "preview_url", TRUE);
  desk_json_writer_end_object (&w);
  return end (&w, json);
}

char *
desk_whatsapp_format_media (const DeskWhatsappHead *head,
                            const char *type,
                            const char *media_id,
                            const char *caption,
                            const char *filename)
{
  GString *json = g_string_new (NULL);
  DeskJsonWriter w;

  begin (&w, json, head, type);
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "id", media_id);
  if (caption != NULL)
    desk_json_writer_member_string (&w, "caption", caption);
  if (filename != NULL)
    desk_json_writer_member_string (&w, "filename", filename);
  desk_json_writer_end_object (&w);
  return end (&w, json);
}

char *
desk_whatsapp_format_reaction (const DeskWhatsappHead *head,
                               const char *message_id,
                               const char *emoji)
{
  GString *json = g_string_new (NULL);
  DeskJsonWriter w;

  begin (&w, json, head, "reaction");
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "message_id", message_id);
  desk_json_writer_member_string (&w, "emoji", emoji);
  desk_json_writer_end_object (&w);
  return end (&w, json);
}

char *
desk_whatsapp_format_template (const DeskWhatsappHead *head,
                               const char *name,
                               const char *language,
                               const char *components)
{
  GString *json = g_string_new (NULL);
  DeskJsonWriter w;

  begin (&w, json, head, "template");
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "name", name);
  desk_json_writer_key (&w, "language");
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "code", language);
  desk_json_writer_end_object (&w);
  if (strcmp (components, "[]") != 0)
    desk_json_writer_member_raw (&w, "components", components);
  desk_json_writer_end_object (&w);
  return end (&w, json);
}

char *
desk_whatsapp_format_read (const char *message_id, gboolean typing)
{
  GString *json = g_string_new (NULL);
  DeskJsonWriter w;

  desk_json_writer_init (&w, json);
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "messaging_product", "whatsapp");
  desk_json_writer_member_string (&w, "status", "read");
  desk_json_writer_member_string (&w, "message_id", message_id);
  if (typing)
    {
      desk_json_writer_key (&w, "typing_indicator");
      desk_json_writer_begin_object (&w);
      desk_json_writer_member_string (&w, "type", "text");
      desk_json_writer_end_object (&w);
    }
  desk_json_writer_end_object (&w);
  return g_string_free (json, FALSE);
}
