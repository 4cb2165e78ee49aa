/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* One row of the timeline. About 200 of them are alive at once and they are recycled, so a row is
 * built in code, has the fewest widgets a plain message needs, and makes the rest (quote, card,
 * reactions, problem) only for messages that have it. */

#include "app/desk-message-row-parts.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/desk-delivery.h"
#include "app/desk-format.h"
#include "app/desk-message-card.h"
#include "app/desk-pending-files.h"
#include "app/desk-row-accessible.h"
#include "common/desk-text.h"

/* Up to this many characters the time stands beside the text and not below it. */
#define SHORT_TEXT 36
#define FLASH_MS   1200

struct _DeskMessageRow
{
  GtkWidget parent_instance;

  const DeskMessageRowContext *context;
  DeskTimelineEntry *entry;
  gulong changed_id;
  guint flash_source;

  GtkWidget *column;
  GtkWidget *separator; /* GtkLabel: a day, the unread line, a gap, a system message */
  GtkWidget *bubble;
  GtkWidget *sender;    /* GtkLabel */
  GtkWidget *quote;     /* nullable */
  GtkWidget *card;      /* nullable */
  GtkWidget *body;      /* GtkBox: text and meta */
  GtkWidget *text;      /* GtkLabel */
  GtkWidget *meta;      /* GtkBox */
  GtkWidget *edited;    /* GtkLabel */
  GtkWidget *time;      /* GtkLabel */
  GtkWidget *state;     /* GtkImage */
  GtkWidget *reactions; /* nullable */
  GtkWidget *problem;   /* nullable */
};

G_DEFINE_FINAL_TYPE (DeskMessageRow, desk_message_row, GTK_TYPE_WIDGET)

static void
set_css_class (GtkWidget *widget, const char *name, gboolean on)
{
  if (on)
    gtk_widget_add_css_class (widget, name);
  else
    gtk_widget_remove_css_class (widget, name);
}

/* ── Building ───────────────────────────────────────────────────────────────────────────────── */

static gboolean
on_activate_link (GtkLabel *label, const char *uri)
{
  /* desk_format_markup() makes no other links; this is the second lock on the same door. */
  return !g_str_has_prefix (uri, "https://") && !g_str_has_prefix (uri, "mailto:")
         && g_ascii_strncasecmp (uri, "https://", 8) != 0
         && g_ascii_strncasecmp (uri, "mailto:", 7) != 0;
}

static void
build_separator (DeskMessageRow *self)
{
  self->separator = gtk_label_new (NULL);
  gtk_label_set_wrap (GTK_LABEL (self->separator), TRUE);
  gtk_label_set_justify (GTK_LABEL (self->separator), GTK_JUSTIFY_CENTER);
  gtk_widget_add_css_class (self->separator, "separator-label");
  gtk_widget_set_halign (self->separator, GTK_ALIGN_CENTER);
  gtk_box_prepend (GTK_BOX (self->column), self->separator);
}

static void
build_meta (DeskMessageRow *self)
{
  self->meta = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 4);
  self->edited = gtk_label_new (_ ("edited"));
  self->time = gtk_label_new (NULL);
  self->state = gtk_image_new ();
  gtk_image_set_pixel_size (GTK_IMAGE (self->state), 14);
  gtk_widget_add_css_class (self->meta, "meta");
  gtk_widget_add_css_class (self->time, "numeric");
  gtk_widget_set_halign (self->meta, GTK_ALIGN_END);
  gtk_widget_set_valign (self->meta, GTK_ALIGN_END);
  gtk_box_append (GTK_BOX (self->meta), self->edited);
  gtk_box_append (GTK_BOX (self->meta), self->time);
  gtk_box_append (GTK_BOX (self->meta), self->state);
}

static void
build_bubble (DeskMessageRow *self)
{
  self->bubble = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  self->sender = gtk_label_new (NULL);
  self->body = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);
  self->text = gtk_label_new (NULL);
  build_meta (self);
  gtk_label_set_xalign (GTK_LABEL (self->sender), 0);
  gtk_label_set_ellipsize (GTK_LABEL (self->sender), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (self->sender, "sender");
  gtk_label_set_xalign (GTK_LABEL (self->text), 0);
  gtk_label_set_wrap (GTK_LABEL (self->text), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (self->text), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_max_width_chars (GTK_LABEL (self->text), 56);
  gtk_label_set_selectable (GTK_LABEL (self->text), TRUE);
  gtk_widget_set_hexpand (self->text, TRUE);
  g_signal_connect (self->text, "activate-link", G_CALLBACK (on_activate_link), NULL);
  gtk_widget_add_css_class (self->bubble, "bubble");
  /* Not FILL: GTK would then ask for the width that suits the height, and wrap the text early. */
  gtk_widget_set_valign (self->bubble, GTK_ALIGN_START);
  gtk_box_append (GTK_BOX (self->body), self->text);
  gtk_box_append (GTK_BOX (self->body), self->meta);
  gtk_box_append (GTK_BOX (self->bubble), self->sender);
  gtk_box_append (GTK_BOX (self->bubble), self->body);
  gtk_box_append (GTK_BOX (self->column), self->bubble);
}

/* ── What an entry says ─────────────────────────────────────────────────────────────────────── */

static gboolean
is_outgoing (DeskTimelineEntry *entry)
{
  const DeskMessage *message = desk_timeline_entry_get_message (entry);
  return message == NULL || message->direction == DESK_DIRECTION_OUTGOING;
}

static gboolean
is_note (DeskTimelineEntry *entry)
{
  const DeskMessage *message = desk_timeline_entry_get_message (entry);
  const DeskOutboxEntry *pending = desk_timeline_entry_get_pending (entry);
  return message != NULL ? message->is_private : pending != NULL && pending->is_private;
}

static gboolean
is_mine (DeskTimelineEntry *entry, const DeskMessageRowContext *context)
{
  const DeskMessage *message = desk_timeline_entry_get_message (entry);
  return message == NULL
         || (message->direction == DESK_DIRECTION_OUTGOING && message->sender != DESK_SENDER_BOT
             && (message->sender_id == NULL || g_strcmp0 (message->sender_id, context->me) == 0));
}

static const char *
entry_text (DeskTimelineEntry *entry)
{
  const DeskMessage *message = desk_timeline_entry_get_message (entry);
  if (message == NULL)
    return desk_timeline_entry_get_pending (entry)->text;
  return message->deleted_at_ms > 0 ? _ ("Message deleted") : message->text;
}

static const char *
state_text (DeskTimelineEntry *entry)
{
  const DeskMessage *message = desk_timeline_entry_get_message (entry);
  const DeskOutboxEntry *pending = desk_timeline_entry_get_pending (entry);
  if (pending != NULL)
    return desk_outbox_text (pending->state);
  return message != NULL && message->direction == DESK_DIRECTION_OUTGOING && !message->is_private
             ? desk_delivery_text (message->status)
             : NULL;
}

static char *
separator_text (DeskTimelineEntry *entry)
{
  const DeskTimelineItem *item = desk_timeline_entry_get_item (entry);
  gint64 missing;
  switch (desk_timeline_entry_get_entry_type (entry))
    {
    case DESK_ENTRY_DAY:
      return desk_format_day (desk_timeline_entry_get_time_ms (entry), g_get_real_time () / 1000);
    case DESK_ENTRY_UNREAD:
      /* Translators: the line above the messages that were not read yet. */
      return g_strdup (_ ("New"));
    case DESK_ENTRY_GAP:
      missing = item->gap_last - item->gap_first + 1;
      if (item->gap_first > 0 && missing > 0)
        return g_strdup_printf (ngettext ("%d message is not on this computer yet",
                                          "%d messages are not on this computer yet",
                                          (gulong)missing),
                                (int)missing);
      return g_strdup (_ ("Some messages are not on this computer yet"));
    case DESK_ENTRY_MESSAGE:
    case DESK_ENTRY_PENDING:
    default:
      return g_strdup (entry_text (entry));
    }
}

static char *
writer_of (DeskTimelineEntry *entry, const DeskMessageRowContext *context)
{
  const DeskMessage *message = desk_timeline_entry_get_message (entry);
  return message != NULL ? desk_message_writer (message, context->customer, context->me)
                         : g_strdup (_ ("You"));
}

char *
desk_message_row_describe (DeskTimelineEntry *entry, const DeskMessageRowContext *context)
{
  const DeskMessage *message = desk_timeline_entry_get_message (entry);
  if (message == NULL && desk_timeline_entry_get_pending (entry) == NULL)
    return separator_text (entry);
  g_autofree char *writer = writer_of (entry, context);
  g_autofree char *clock = desk_format_clock (desk_timeline_entry_get_time_ms (entry));
  g_autofree char *text = message != NULL ? desk_message_summary (message, 400)
                                          : desk_text_preview (entry_text (entry), 400);
  const char *state = state_text (entry);
  /* Translators: what a screen reader says of a message: who, when, what. */
  GString *out = g_string_new (NULL);
  g_string_append_printf (out, _ ("%s, %s: %s"), writer, clock, text);
  if (is_note (entry))
    g_string_append (out, _ (", internal note"));
  if (state != NULL)
    g_string_append_printf (out, ", %s", state);
  if (desk_timeline_entry_is_unread (entry))
    g_string_append (out, _ (", unread"));
  return g_string_free (out, FALSE);
}

/* ── Showing it ─────────────────────────────────────────────────────────────────────────────── */

static void
show_separator (DeskMessageRow *self)
{
  DeskEntryType type = desk_timeline_entry_get_entry_type (self->entry);
  g_autofree char *text = separator_text (self->entry);
  if (self->separator == NULL)
    build_separator (self);
  gtk_label_set_text (GTK_LABEL (self->separator), text);
  gtk_widget_set_halign (self->separator,
                         type == DESK_ENTRY_UNREAD ? GTK_ALIGN_FILL : GTK_ALIGN_CENTER);
  set_css_class (self->separator, "day", type == DESK_ENTRY_DAY);
  set_css_class (self->separator, "unread-line", type == DESK_ENTRY_UNREAD);
  set_css_class (self->separator, "gap", type == DESK_ENTRY_GAP);
}

static void
show_sender (DeskMessageRow *self)
{
  const DeskMessage *message = desk_timeline_entry_get_message (self->entry);
  gboolean bot = message != NULL && message->sender == DESK_SENDER_BOT;
  gboolean named = is_outgoing (self->entry) ? !is_mine (self->entry, self->context)
                                             : self->context->many_writers;
  gboolean shown = desk_timeline_entry_is_first (self->entry) && (named || is_note (self->entry));

  gtk_widget_set_visible (self->sender, shown);
  set_css_class (self->bubble, "bot", bot && !is_note (self->entry));
  if (!shown)
    return;
  g_autofree char *writer = writer_of (self->entry, self->context);
  /* Translators: who wrote an internal note. */
  g_autofree char *note = g_strdup_printf (_ ("Internal note · %s"), writer);
  gtk_label_set_text (GTK_LABEL (self->sender), is_note (self->entry) ? note : writer);
}

static void
show_text (DeskMessageRow *self)
{
  const char *text = entry_text (self->entry);
  const DeskMessage *message = desk_timeline_entry_get_message (self->entry);
  gboolean deleted = message != NULL && message->deleted_at_ms > 0;
  gboolean emoji = !deleted && desk_format_is_emoji_only (text);
  gboolean is_short = *text != '\0' && !emoji && strchr (text, '\n') == NULL
                      && g_utf8_strlen (text, -1) <= SHORT_TEXT && self->card == NULL;
  g_autofree char *markup = desk_format_markup (text);

  gtk_label_set_markup (GTK_LABEL (self->text), markup);
  gtk_widget_set_visible (self->text, *text != '\0');
  set_css_class (self->text, "emoji-only", emoji);
  set_css_class (self->text, "tombstone", deleted);
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self->body),
                                  is_short ? GTK_ORIENTATION_HORIZONTAL : GTK_ORIENTATION_VERTICAL);
  set_css_class (self->meta, "beside", is_short);
}

static const char *
state_icon (DeskTimelineEntry *entry)
{
  const DeskMessage *message = desk_timeline_entry_get_message (entry);
  const DeskOutboxEntry *pending = desk_timeline_entry_get_pending (entry);
  if (pending != NULL)
    return desk_outbox_icon (pending->state);
  if (message->direction == DESK_DIRECTION_INCOMING || message->is_private)
    return NULL;
  return desk_delivery_icon (message->status);
}

static void
show_meta (DeskMessageRow *self)
{
  const DeskMessage *message = desk_timeline_entry_get_message (self->entry);
  gint64 time_ms = desk_timeline_entry_get_time_ms (self->entry);
  g_autofree char *clock = desk_format_clock (time_ms);
  g_autofree char *full = desk_format_full (time_ms);
  const char *icon = state_icon (self->entry), *state = state_text (self->entry);
  gboolean bad = g_strcmp0 (icon, "desk-failed-symbolic") == 0;

  gtk_label_set_text (GTK_LABEL (self->time), clock);
  gtk_widget_set_tooltip_text (self->time, full);
  gtk_widget_set_visible (self->edited, message != NULL && message->edited_at_ms > 0
                                            && message->deleted_at_ms == 0);
  gtk_widget_set_visible (self->state, icon != NULL);
  if (icon != NULL)
    {
      gtk_image_set_from_icon_name (GTK_IMAGE (self->state), icon);
      gtk_widget_set_tooltip_text (self->state, state);
      gtk_accessible_update_property (GTK_ACCESSIBLE (self->state), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                      state != NULL ? state : "", -1);
    }
  set_css_class (self->state, "error", bad);
  set_css_class (self->bubble, "failed", bad);
  set_css_class (self->state, "read", message != NULL && message->status == DESK_STATUS_READ);
}

static void
replace_part (GtkWidget **part, GtkWidget *box, GtkWidget *part_new, GtkWidget *after)
{
  if (*part != NULL)
    gtk_box_remove (GTK_BOX (box), *part);
  *part = part_new;
  if (part_new != NULL)
    gtk_box_insert_child_after (GTK_BOX (box), part_new, after);
}

static void
show_bubble (DeskMessageRow *self)
{
  gboolean outgoing = is_outgoing (self->entry), first = desk_timeline_entry_is_first (self->entry);
  const DeskMessage *message = desk_timeline_entry_get_message (self->entry);
  const DeskOutboxEntry *pending = desk_timeline_entry_get_pending (self->entry);
  if (self->bubble == NULL)
    build_bubble (self);
  gtk_widget_set_halign (self->bubble, outgoing ? GTK_ALIGN_END : GTK_ALIGN_START);
  set_css_class (self->bubble, "out", outgoing && !is_note (self->entry));
  set_css_class (self->bubble, "in", !outgoing);
  set_css_class (self->bubble, "note", is_note (self->entry));
  set_css_class (self->bubble, "pending", desk_timeline_entry_get_pending (self->entry) != NULL);
  set_css_class (self->bubble, "colleague", outgoing && !is_mine (self->entry, self->context));
  set_css_class (GTK_WIDGET (self), "first", first);
  set_css_class (GTK_WIDGET (self), "last", desk_timeline_entry_is_last (self->entry));
  show_sender (self);
  replace_part (&self->quote, self->bubble, desk_message_quote_new (self->entry), self->sender);
  if (message == NULL || !desk_message_card_shows (self->card, message))
    replace_part (&self->card, self->bubble,
                  message != NULL ? desk_message_card_new (self->context->inbox, message)
                                  : desk_pending_files_new (self->context->inbox, pending),
                  self->quote != NULL ? self->quote : self->sender);
  show_text (self);
  show_meta (self);
  replace_part (&self->reactions, self->column, desk_message_reactions_new (self->entry),
                self->bubble);
  if (self->reactions != NULL)
    gtk_widget_set_halign (self->reactions, outgoing ? GTK_ALIGN_END : GTK_ALIGN_START);
  replace_part (&self->problem, self->column, desk_message_problem_new (self->entry),
                self->reactions != NULL ? self->reactions : self->bubble);
}

static void
update (DeskMessageRow *self)
{
  DeskEntryType type = desk_timeline_entry_get_entry_type (self->entry);
  const DeskMessage *message = desk_timeline_entry_get_message (self->entry);
  gboolean separator = (type != DESK_ENTRY_MESSAGE && type != DESK_ENTRY_PENDING)
                       || (message != NULL && message->kind == DESK_KIND_SYSTEM);
  g_autofree char *description = desk_message_row_describe (self->entry, self->context);

  if (separator)
    show_separator (self);
  else
    show_bubble (self);
  if (self->separator != NULL)
    gtk_widget_set_visible (self->separator, separator);
  if (self->bubble != NULL)
    gtk_widget_set_visible (self->bubble, !separator);
  if (separator)
    {
      replace_part (&self->reactions, self->column, NULL, NULL);
      replace_part (&self->problem, self->column, NULL, NULL);
    }
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, description,
                                  -1);
}

/* ── The widget ─────────────────────────────────────────────────────────────────────────────── */

static gboolean
on_flash_over (gpointer data)
{
  DeskMessageRow *self = data;
  self->flash_source = 0;
  gtk_widget_remove_css_class (GTK_WIDGET (self), "flash");
  return G_SOURCE_REMOVE;
}

void
desk_message_row_flash (DeskMessageRow *self)
{
  g_clear_handle_id (&self->flash_source, g_source_remove);
  gtk_widget_add_css_class (GTK_WIDGET (self), "flash");
  self->flash_source = g_timeout_add (FLASH_MS, on_flash_over, self);
}

void
desk_message_row_set_entry (DeskMessageRow *self, DeskTimelineEntry *entry)
{
  if (self->entry == entry)
    return;
  if (self->flash_source != 0)
    {
      g_clear_handle_id (&self->flash_source, g_source_remove);
      gtk_widget_remove_css_class (GTK_WIDGET (self), "flash");
    }
  if (self->entry != NULL)
    g_clear_signal_handler (&self->changed_id, self->entry);
  g_set_object (&self->entry, entry);
  if (entry == NULL)
    return;
  self->changed_id = g_signal_connect_swapped (entry, "changed", G_CALLBACK (update), self);
  update (self);
}

DeskTimelineEntry *
desk_message_row_get_entry (DeskMessageRow *self)
{
  return self->entry;
}

static void
desk_message_row_dispose (GObject *object)
{
  DeskMessageRow *self = DESK_MESSAGE_ROW (object);
  desk_message_row_set_entry (self, NULL);
  g_clear_pointer (&self->column, gtk_widget_unparent);
  G_OBJECT_CLASS (desk_message_row_parent_class)->dispose (object);
}

static void
desk_message_row_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (desk_message_row_parent_class)->map (widget);
  desk_row_show_to_readers (widget);
}

static void
desk_message_row_class_init (DeskMessageRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  GTK_WIDGET_CLASS (klass)->map = desk_message_row_map;
  G_OBJECT_CLASS (klass)->dispose = desk_message_row_dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "messagerow");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
desk_message_row_init (DeskMessageRow *self)
{
  self->column = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  gtk_widget_set_parent (self->column, GTK_WIDGET (self));
}

GtkWidget *
desk_message_row_new (const DeskMessageRowContext *context)
{
  DeskMessageRow *self = g_object_new (DESK_TYPE_MESSAGE_ROW, NULL);
  self->context = context;
  return GTK_WIDGET (self);
}
