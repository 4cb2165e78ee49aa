/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Cards for what is not text: files (desk-media-view.c), places, people, and what cannot be shown.
 * Places and people come as lines of text, because every platform has other fields: the connectors
 * write a title, an address and at the end "LATITUDE, LONGITUDE", or a name and telephone numbers.
 */

#include "app/desk-message-card.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/desk-delivery.h"
#include "app/desk-media-view.h"
#include "app/desk-picture-frame.h"

#define SHOWN_KEY "desk-shown"

static GtkWidget *
new_line (const char *text, const char *css_class)
{
  GtkWidget *label = gtk_label_new (text);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 32);
  gtk_widget_add_css_class (label, css_class);
  return label;
}

static GtkWidget *
new_card (const char *icon_name, const char *title, const char *details)
{
  GtkWidget *card = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *lines = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *icon = gtk_image_new_from_icon_name (icon_name);

  gtk_widget_add_css_class (icon, "card-icon");
  gtk_widget_set_valign (icon, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (lines, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (card, "message-card");
  gtk_box_append (GTK_BOX (lines), new_line (title, "card-title"));
  if (details != NULL && *details != '\0')
    gtk_box_append (GTK_BOX (lines), new_line (details, "caption"));
  gtk_box_append (GTK_BOX (card), icon);
  gtk_box_append (GTK_BOX (card), lines);
  return card;
}

static GtkWidget *
add_button (GtkWidget *card, const char *label, const char *action, const char *target)
{
  GtkWidget *button = gtk_button_new_with_label (label);
  gtk_widget_add_css_class (button, "pill-small");
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "s", target);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  gtk_box_append (GTK_BOX (card), button);
  return button;
}

/* Takes the numbers out of the text, so that a link is made of nothing else. Nullable, transfer
 * full. */
static char *
make_map_link (const char *text)
{
  static const char pattern[] = "(-?\\d{1,2}(?:\\.\\d+)?), ?(-?\\d{1,3}(?:\\.\\d+)?)\\s*$";
  g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  if (!g_regex_match (regex, text, 0, &match))
    return NULL;
  g_autofree char *latitude = g_match_info_fetch (match, 1);
  g_autofree char *longitude = g_match_info_fetch (match, 2);
  if (ABS (g_ascii_strtod (latitude, NULL)) > 90 || ABS (g_ascii_strtod (longitude, NULL)) > 180)
    return NULL;
  return g_strdup_printf ("https://www.openstreetmap.org/?mlat=%s&mlon=%s#map=16/%s/%s", latitude,
                          longitude, latitude, longitude);
}

static GtkWidget *
new_location (const DeskMessage *message)
{
  g_autofree char *link = make_map_link (message->text);
  GtkWidget *card = new_card (desk_kind_icon (message->kind), desk_kind_text (message->kind), NULL);
  if (link != NULL)
    gtk_widget_set_tooltip_text (add_button (card, _ ("Open Map"), "message-file.open-link", link),
                                 link);
  return card;
}

/* The first run of at least five digits, as it is written. Nullable, transfer full. */
static char *
find_number (const char *text)
{
  g_autoptr (GRegex) regex = g_regex_new ("\\+?\\d[\\d ()./-]{3,22}\\d", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  return g_regex_match (regex, text, 0, &match) ? g_match_info_fetch (match, 0) : NULL;
}

static GtkWidget *
new_contact (const DeskMessage *message)
{
  g_autofree char *number = find_number (message->text);
  GtkWidget *card = new_card (desk_kind_icon (message->kind), desk_kind_text (message->kind), NULL);
  if (number != NULL)
    gtk_widget_set_tooltip_text (add_button (card, _ ("Copy Number"), "message-file.copy-text",
                                             number),
                                 number);
  return card;
}

static GtkWidget *
new_without_file (const DeskMessage *message)
{
  switch (message->kind)
    {
    case DESK_KIND_TEXT:
    case DESK_KIND_SYSTEM:
      return NULL;
    case DESK_KIND_LOCATION:
      return new_location (message);
    case DESK_KIND_CONTACT:
      return new_contact (message);
    case DESK_KIND_UNSUPPORTED:
      return new_card (desk_kind_icon (message->kind), desk_kind_text (message->kind),
                       _ ("Look at it on the platform itself"));
    default:
      return new_card (desk_kind_icon (message->kind), desk_kind_text (message->kind), NULL);
    }
}

static char *
make_fingerprint (const DeskMessage *message)
{
  GString *out = g_string_new (message->id);
  g_string_append_printf (out, "\n%d\n%d\n%" G_GINT64_FORMAT "\n%s", message->kind,
                          message->deleted_at_ms > 0, message->created_at_ms,
                          message->attachments->len == 0 ? message->text : "");
  for (guint i = 0; i < message->attachments->len; i++)
    {
      const DeskAttachment *attachment = g_ptr_array_index (message->attachments, i);
      g_autofree char *key = desk_attachment_cache_key (attachment);
      g_string_append_printf (out, "\n%s\n%s\n%s", key != NULL ? key : "",
                              attachment->state != NULL ? attachment->state : "",
                              attachment->filename != NULL ? attachment->filename : "");
    }
  return g_string_free (out, FALSE);
}

gboolean
desk_message_card_shows (GtkWidget *card, const DeskMessage *message)
{
  g_autofree char *fingerprint = make_fingerprint (message);
  return card != NULL
         && g_strcmp0 (g_object_get_data (G_OBJECT (card), SHOWN_KEY), fingerprint) == 0;
}

GtkWidget *
desk_message_card_new (DeskInbox *inbox, const DeskMessage *message)
{
  GtkWidget *card;
  if (message->deleted_at_ms > 0)
    return NULL;
  if (message->attachments->len == 0)
    card = new_without_file (message);
  else
    {
      card = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
      for (guint i = 0; i < message->attachments->len; i++)
        gtk_box_append (GTK_BOX (card), desk_media_view_new (inbox, message, i));
    }
  if (card != NULL)
    g_object_set_data_full (G_OBJECT (card), SHOWN_KEY, make_fingerprint (message), g_free);
  return card;
}
