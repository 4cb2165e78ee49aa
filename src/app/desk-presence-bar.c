/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* A line of text that is hidden while nobody is there. Who types is not told as looking, too. The engine tells when
 * presence ends; typing has an end of its own, for which a timer is kept. */

#include "app/desk-presence-bar.h"

#include <glib/gi18n.h>

struct _DeskPresenceBar
{
  GtkBox parent_instance;

  GtkImage *image;
  GtkLabel *label;
  DeskInbox *inbox;
  DeskSync *sync; /* whose signal is connected */
  DeskChatItem *item;
  guint end_source;
};

G_DEFINE_FINAL_TYPE (DeskPresenceBar, desk_presence_bar, GTK_TYPE_BOX)

static gboolean
is_among (GPtrArray *list, const char *username)
{
  for (guint i = 0; i < list->len; i++)
    if (g_strcmp0 (((DeskPresence *)g_ptr_array_index (list, i))->username, username) == 0)
      return TRUE;
  return FALSE;
}

/* "maria", "maria and petro", "maria and 2 others". */
static char *
join_names (GPtrArray *names)
{
  const char *first = g_ptr_array_index (names, 0);
  if (names->len == 1)
    return g_strdup (first);
  if (names->len == 2)
    /* Translators: two names. */
    return g_strdup_printf (_ ("%s and %s"), first, (char *)g_ptr_array_index (names, 1));
  return g_strdup_printf (ngettext ("%s and %u other", "%s and %u others", names->len - 1), first, names->len - 1);
}

static void
append_sentence (GString *text, GPtrArray *names, gboolean typing)
{
  if (names->len == 0)
    return;
  g_autofree char *who = join_names (names);
  if (text->len > 0)
    g_string_append (text, " · ");
  if (typing)
    g_string_append_printf (text, ngettext ("%s is typing…", "%s are typing…", names->len), who);
  else
    g_string_append_printf (text, ngettext ("%s is viewing", "%s are viewing", names->len), who);
}

static void update (DeskPresenceBar *self);

static gboolean
on_end (gpointer data)
{
  DeskPresenceBar *self = data;
  self->end_source = 0;
  update (self);
  return G_SOURCE_REMOVE;
}

/* Of typing: what is over does not count any more, and the next end is waited for. */
static GPtrArray *
collect (DeskPresenceBar *self, GPtrArray *typing)
{
  GPtrArray *names = g_ptr_array_new ();
  gint64 now_us = g_get_monotonic_time (), next_us = G_MAXINT64;
  for (guint i = 0; i < typing->len; i++)
    {
      const DeskPresence *presence = g_ptr_array_index (typing, i);
      if (presence->until_us > 0 && presence->until_us <= now_us)
        continue;
      if (presence->until_us > 0)
        next_us = MIN (next_us, presence->until_us);
      g_ptr_array_add (names, presence->username != NULL ? presence->username
                                                         : (char *)desk_chat_item_get_name (self->item));
    }
  g_clear_handle_id (&self->end_source, g_source_remove);
  if (next_us != G_MAXINT64)
    self->end_source = g_timeout_add ((guint)CLAMP ((next_us - now_us) / 1000 + 20, 20, 60000), on_end, self);
  return names;
}

static void
update (DeskPresenceBar *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  DeskSync *sync = self->inbox != NULL ? desk_inbox_get_sync (self->inbox) : NULL;
  if (sync != NULL && self->item != NULL)
    {
      const DeskChat *chat = desk_chat_item_get_chat (self->item);
      g_autoptr (GPtrArray) typing = desk_sync_list_typing (sync, chat->platform, chat->user_id);
      g_autoptr (GPtrArray) viewing = desk_sync_list_viewing (sync, chat->platform, chat->user_id);
      g_autoptr (GPtrArray) writers = collect (self, typing);
      g_autoptr (GPtrArray) watchers = g_ptr_array_new ();
      for (guint i = 0; i < viewing->len; i++)
        {
          const DeskPresence *presence = g_ptr_array_index (viewing, i);
          if (presence->username != NULL && !is_among (typing, presence->username))
            g_ptr_array_add (watchers, presence->username);
        }
      append_sentence (text, writers, TRUE);
      append_sentence (text, watchers, FALSE);
    }
  gtk_label_set_text (self->label, text->str);
  gtk_widget_set_visible (GTK_WIDGET (self), text->len > 0);
}

static void
on_sync_maybe_changed (DeskPresenceBar *self)
{
  DeskSync *sync = self->inbox != NULL ? desk_inbox_get_sync (self->inbox) : NULL;
  if (sync != self->sync)
    {
      if (self->sync != NULL)
        g_signal_handlers_disconnect_by_data (self->sync, self);
      g_set_object (&self->sync, sync);
      if (sync != NULL)
        g_signal_connect_object (sync, "presence-changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
    }
  update (self);
}

void
desk_presence_bar_set_chat (DeskPresenceBar *self, DeskInbox *inbox, DeskChatItem *item)
{
  if (self->inbox != inbox)
    {
      if (self->inbox != NULL)
        g_signal_handlers_disconnect_by_data (self->inbox, self);
      g_set_object (&self->inbox, inbox);
      if (inbox != NULL)
        g_signal_connect_object (inbox, "state-changed", G_CALLBACK (on_sync_maybe_changed), self, G_CONNECT_SWAPPED);
    }
  g_set_object (&self->item, item);
  on_sync_maybe_changed (self);
}

static void
desk_presence_bar_dispose (GObject *object)
{
  DeskPresenceBar *self = DESK_PRESENCE_BAR (object);
  g_clear_handle_id (&self->end_source, g_source_remove);
  g_clear_object (&self->sync);
  g_clear_object (&self->item);
  g_clear_object (&self->inbox);
  G_OBJECT_CLASS (desk_presence_bar_parent_class)->dispose (object);
}

static void
desk_presence_bar_class_init (DeskPresenceBarClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = desk_presence_bar_dispose;
}

static void
desk_presence_bar_init (DeskPresenceBar *self)
{
  self->image = GTK_IMAGE (gtk_image_new_from_icon_name ("avatar-default-symbolic"));
  self->label = GTK_LABEL (gtk_label_new (NULL));
  gtk_label_set_xalign (self->label, 0);
  gtk_label_set_ellipsize (self->label, PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (GTK_WIDGET (self->label), "caption");
  gtk_box_set_spacing (GTK_BOX (self), 6);
  gtk_widget_add_css_class (GTK_WIDGET (self), "presence-bar");
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
  gtk_box_append (GTK_BOX (self), GTK_WIDGET (self->image));
  gtk_box_append (GTK_BOX (self), GTK_WIDGET (self->label));
}
