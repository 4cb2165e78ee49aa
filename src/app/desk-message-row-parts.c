/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The parts of a bubble that only some messages have: the quote, reactions, and what went wrong. */

#include "app/desk-message-row-parts.h"

#include <glib/gi18n.h>

#include "app/desk-delivery.h"
#include "common/desk-text.h"

static GtkWidget *
new_label (const char *text, const char *css_class)
{
  GtkWidget *label = gtk_label_new (text);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  if (css_class != NULL)
    gtk_widget_add_css_class (label, css_class);
  return label;
}

/* ── The quote ──────────────────────────────────────────────────────────────────────────────── */

GtkWidget *
desk_message_quote_new (DeskTimelineEntry *entry)
{
  const DeskMessage *message = desk_timeline_entry_get_message (entry);
  if (message == NULL || message->reply_to == NULL)
    return NULL;
  const DeskReplyTo *reply = message->reply_to;
  g_autofree char *text = desk_text_preview (reply->text, 140);
  GtkWidget *button = gtk_button_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *line = new_label (*text != '\0' ? text : _ ("Message"), NULL);

  gtk_label_set_ellipsize (GTK_LABEL (line), PANGO_ELLIPSIZE_END);
  gtk_label_set_max_width_chars (GTK_LABEL (line), 44);
  if (reply->sender != NULL && *reply->sender != '\0')
    gtk_box_append (GTK_BOX (box), new_label (reply->sender, "quote-sender"));
  gtk_box_append (GTK_BOX (box), line);
  gtk_button_set_child (GTK_BUTTON (button), box);
  gtk_widget_add_css_class (button, "quote");
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, _ ("Show the quoted message"));
  if (reply->id != NULL)
    {
      gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "s", reply->id);
      gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "message.jump");
    }
  return button;
}

/* ── Reactions ──────────────────────────────────────────────────────────────────────────────── */

GtkWidget *
desk_message_reactions_new (DeskTimelineEntry *entry)
{
  const DeskMessage *message = desk_timeline_entry_get_message (entry);
  if (message == NULL || message->reactions->len == 0 || message->deleted_at_ms > 0)
    return NULL;
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  g_autoptr (GHashTable) counts = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < message->reactions->len; i++)
    {
      const DeskReaction *reaction = g_ptr_array_index (message->reactions, i);
      guint count = GPOINTER_TO_UINT (g_hash_table_lookup (counts, reaction->emoji));
      g_hash_table_insert (counts, reaction->emoji, GUINT_TO_POINTER (count + 1));
    }
  for (guint i = 0; i < message->reactions->len; i++)
    {
      const DeskReaction *reaction = g_ptr_array_index (message->reactions, i);
      guint count = GPOINTER_TO_UINT (g_hash_table_lookup (counts, reaction->emoji));
      if (count == 0)
        continue;
      g_autofree char *text = count > 1 ? g_strdup_printf ("%s %u", reaction->emoji, count)
                                        : g_strdup (reaction->emoji);
      gtk_box_append (GTK_BOX (box), new_label (text, "reaction"));
      g_hash_table_remove (counts, reaction->emoji);
    }
  return box;
}

/* ── What went wrong ────────────────────────────────────────────────────────────────────────── */

static void
add_button (
    GtkWidget *box, const char *label, const char *action, GVariant *target, gboolean suggested)
{
  GtkWidget *button = gtk_button_new_with_label (label);
  gtk_actionable_set_action_target_value (GTK_ACTIONABLE (button), target);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  gtk_widget_add_css_class (button, "pill-small");
  if (suggested)
    gtk_widget_add_css_class (button, "suggested-action");
  gtk_box_append (GTK_BOX (box), button);
}

static const char *
pending_reason (const DeskOutboxEntry *pending)
{
  switch (pending->state)
    {
    case DESK_OUTBOX_UNCONFIRMED:
      return _ ("The connection broke while this was being sent: it may or may not have arrived. "
                "Look before you send it again.");
    case DESK_OUTBOX_STALE:
      return _ ("A colleague has answered meanwhile. This was not sent.");
    case DESK_OUTBOX_NEEDS_TEMPLATE:
      return _ ("The time for free replies is over. Choose a template, or wait until the customer writes again.");
    case DESK_OUTBOX_FAILED:
      return desk_error_text (pending->error_code, pending->error);
    default:
      return NULL;
    }
}

static void
add_pending_buttons (GtkWidget *box, const DeskOutboxEntry *pending)
{
  gint64 id = pending->local_id;
  if (pending->state == DESK_OUTBOX_STALE)
    {
      add_button (box, _ ("Send Anyway"), "message.force", g_variant_new_int64 (id), FALSE);
      add_button (box, _ ("Edit"), "message.edit", g_variant_new_int64 (id), TRUE);
      return;
    }
  if (pending->state == DESK_OUTBOX_NEEDS_TEMPLATE)
    add_button (box, _ ("Choose a Template…"), "message.template", g_variant_new_int64 (id), TRUE);
  else if (pending->state == DESK_OUTBOX_UNCONFIRMED)
    add_button (box, _ ("Send Again"), "message.again", g_variant_new_int64 (id), FALSE);
  else
    add_button (box, _ ("Retry"), "message.retry", g_variant_new_int64 (id), TRUE);
  add_button (box, _ ("Discard"), "message.discard", g_variant_new_int64 (id), FALSE);
}

GtkWidget *
desk_message_problem_new (DeskTimelineEntry *entry)
{
  const DeskOutboxEntry *pending = desk_timeline_entry_get_pending (entry);
  const DeskMessage *message = desk_timeline_entry_get_message (entry);
  const char *reason = pending != NULL ? pending_reason (pending) : NULL;
  gboolean refused
      = message != NULL && message->status == DESK_STATUS_FAILED && message->deleted_at_ms == 0;

  if (refused)
    reason = desk_error_text (message->error.code, message->error.message);
  if (reason == NULL)
    return NULL;
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *buttons = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *label = new_label (reason, "problem-text");
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 44);
  gtk_label_set_xalign (GTK_LABEL (label), 1); /* mirrored by the label itself */
  gtk_label_set_justify (GTK_LABEL (label), GTK_JUSTIFY_RIGHT);
  gtk_widget_set_halign (buttons, GTK_ALIGN_END);
  gtk_widget_set_halign (box, GTK_ALIGN_END);
  gtk_widget_add_css_class (box, "problem");
  if (pending != NULL)
    add_pending_buttons (buttons, pending);
  else if (message->id != NULL && *message->text != '\0')
    add_button (buttons, _ ("Send Again"), "message.resend", g_variant_new_string (message->id),
                FALSE);
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), buttons);
  return box;
}
