/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The row of filters above the chat list. */

#include "app/desk-filter-bar.h"

#include <glib/gi18n.h>
#include <string.h>

#define PLATFORM_PREFIX "platform:"

struct _DeskFilterBar
{
  GtkBox parent_instance;

  GtkToggleButton *all_button;
  GtkToggleButton *unread_button;
  GtkToggleButton *mine_button;
  GtkButton *label_button; /* shows the label that is chosen, and takes it away */
  char *filter;
  char *state; /* "open" … */
  char *label; /* nullable */
};

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskFilterBar, desk_filter_bar, GTK_TYPE_BOX)

static void
on_toggled (DeskFilterBar *self, GtkToggleButton *button)
{
  const char *filter = g_object_get_data (G_OBJECT (button), "filter");
  if (!gtk_toggle_button_get_active (button) || g_strcmp0 (filter, self->filter) == 0)
    return;
  g_free (self->filter);
  self->filter = g_strdup (filter);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static GtkToggleButton *
add_button (
    DeskFilterBar *self, const char *filter, const char *label, const char *icon, GtkWidget *after)
{
  GtkWidget *button = gtk_toggle_button_new ();
  if (icon != NULL)
    gtk_button_set_icon_name (GTK_BUTTON (button), icon);
  else
    gtk_button_set_label (GTK_BUTTON (button), label);
  gtk_widget_set_tooltip_text (button, icon != NULL ? label : NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  -1);
  gtk_widget_add_css_class (button, "filter");
  g_object_set_data_full (G_OBJECT (button), "filter", g_strdup (filter), g_free);
  gtk_toggle_button_set_group (GTK_TOGGLE_BUTTON (button), self->all_button);
  g_signal_connect_object (button, "toggled", G_CALLBACK (on_toggled), self, G_CONNECT_SWAPPED);
  gtk_box_insert_child_after (GTK_BOX (self), button, after);
  return GTK_TOGGLE_BUTTON (button);
}

static GtkToggleButton *
find_button (DeskFilterBar *self, const char *filter)
{
  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self)); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    if (g_strcmp0 (g_object_get_data (G_OBJECT (child), "filter"), filter) == 0)
      return GTK_TOGGLE_BUTTON (child);
  return NULL;
}

void
desk_filter_bar_add_platform (DeskFilterBar *self, DeskInbox *inbox, const char *platform)
{
  g_autofree char *filter = g_strconcat (PLATFORM_PREFIX, platform, NULL);
  if (find_button (self, filter) != NULL)
    return;
  GtkToggleButton *button = add_button (self, filter, desk_inbox_platform_title (inbox, platform),
                                        desk_inbox_platform_icon (platform),
                                        gtk_widget_get_last_child (GTK_WIDGET (self)));
  gtk_toggle_button_set_active (button, g_strcmp0 (self->filter, filter) == 0);
}

const char *
desk_filter_bar_get_filter (DeskFilterBar *self)
{
  return self->filter;
}

void
desk_filter_bar_set_filter (DeskFilterBar *self, const char *filter)
{
  GtkToggleButton *button = find_button (self, filter);
  if (button != NULL)
    gtk_toggle_button_set_active (button, TRUE);
  else if (g_str_has_prefix (filter, PLATFORM_PREFIX))
    {
      g_free (self->filter); /* its button comes with the platform */
      self->filter = g_strdup (filter);
    }
}

void
desk_filter_bar_choose (DeskFilterBar *self, guint n)
{
  GtkWidget *child = GTK_WIDGET (self->all_button);
  if (n == 0 && gtk_toggle_button_get_active (self->all_button))
    {
      desk_filter_bar_set_label (self, NULL); /* All once more: really all */
      desk_filter_bar_set_state (self, "any");
      return;
    }
  while (child != NULL && n-- > 0)
    child = gtk_widget_get_next_sibling (child);
  if (child != NULL)
    gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (child), TRUE);
}

void
desk_filter_bar_fill_query (DeskFilterBar *self, const char *me, DeskChatQuery *query)
{
  DeskChatState state;
  query->state = desk_chat_state_from_string (self->state, &state) ? (int)state : -1;
  query->label = self->label;
  if (g_str_has_prefix (self->filter, PLATFORM_PREFIX))
    query->platform = self->filter + strlen (PLATFORM_PREFIX);
  else if (g_str_equal (self->filter, "unread"))
    query->unread_only = TRUE;
  else if (g_str_equal (self->filter, "mine"))
    query->assignee = me != NULL && *me != '\0' ? me : "\001"; /* nobody */
  else if (g_str_equal (self->filter, "unassigned"))
    query->assignee = "";
}

gboolean
desk_chat_query_matches (const DeskChatQuery *query, const DeskChatRow *row)
{
  const DeskChat *chat = row->chat;
  const char *assignee = chat->assignee != NULL ? chat->assignee : "";
  return (query->platform == NULL || g_strcmp0 (query->platform, chat->platform) == 0)
         && (!query->unread_only || row->unread > 0)
         && (query->assignee == NULL || g_strcmp0 (query->assignee, assignee) == 0)
         && (query->state < 0 || query->state == (int)chat->state)
         && (query->label == NULL
             || g_strv_contains ((const char *const *)chat->labels, query->label));
}

/* ── State and label ────────────────────────────────────────────────────────────────────────── */

void
desk_filter_bar_set_state (DeskFilterBar *self, const char *state)
{
  if (g_str_equal (self->state, state))
    return;
  g_free (self->state);
  self->state = g_strdup (state);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

const char *
desk_filter_bar_get_state (DeskFilterBar *self)
{
  return self->state;
}

void
desk_filter_bar_set_label (DeskFilterBar *self, const char *label)
{
  if (g_strcmp0 (self->label, label) == 0)
    return;
  g_free (self->label);
  self->label = g_strdup (label);
  gtk_widget_set_visible (GTK_WIDGET (self->label_button), label != NULL);
  if (label != NULL)
    {
      /* Translators: only chats with this label are listed. */
      g_autofree char *name = g_strdup_printf (_ ("Label “%s”: show all labels"), label);
      g_autofree char *text = g_strdup_printf ("%s ×", label);
      gtk_button_set_label (self->label_button, text);
      gtk_accessible_update_property (GTK_ACCESSIBLE (self->label_button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
    }
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

const char *
desk_filter_bar_get_label (DeskFilterBar *self)
{
  return self->label;
}

static void
on_label_clicked (DeskFilterBar *self)
{
  desk_filter_bar_set_label (self, NULL);
}

char *
desk_filter_bar_to_text (DeskFilterBar *self)
{
  g_autofree char *label = self->label != NULL ? g_uri_escape_string (self->label, NULL, TRUE) : NULL;
  return g_strdup_printf ("%s state:%s%s%s", self->filter, self->state, label != NULL ? " label:" : "",
                          label != NULL ? label : "");
}

/* The first word is the button; what is missing is as at the beginning. */
void
desk_filter_bar_from_text (DeskFilterBar *self, const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", 8);
  const char *state = "open";
  g_autofree char *label = NULL;
  DeskChatState known;
  for (guint i = 1; words[0] != NULL && words[i] != NULL; i++)
    {
      if (g_str_has_prefix (words[i], "state:") && (g_str_equal (words[i], "state:any")
                                                    || desk_chat_state_from_string (words[i] + 6, &known)))
        state = words[i] + 6;
      else if (g_str_has_prefix (words[i], "label:") && label == NULL)
        label = g_uri_unescape_string (words[i] + 6, NULL);
    }
  desk_filter_bar_set_state (self, state);
  desk_filter_bar_set_label (self, label);
  desk_filter_bar_set_filter (self, words[0] != NULL && *words[0] != '\0' ? words[0] : "all");
}

static void
desk_filter_bar_finalize (GObject *object)
{
  g_free (DESK_FILTER_BAR (object)->filter);
  g_free (DESK_FILTER_BAR (object)->state);
  g_free (DESK_FILTER_BAR (object)->label);
  G_OBJECT_CLASS (desk_filter_bar_parent_class)->finalize (object);
}

static void
desk_filter_bar_class_init (DeskFilterBarClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = desk_filter_bar_finalize;
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
desk_filter_bar_init (DeskFilterBar *self)
{
  self->filter = g_strdup ("all");
  self->state = g_strdup ("open");
  gtk_box_set_spacing (GTK_BOX (self), 3);
  gtk_widget_add_css_class (GTK_WIDGET (self), "filter-bar");
  self->all_button = add_button (self, "all", _ ("All"), NULL, NULL);
  self->unread_button
      = add_button (self, "unread", _ ("Unread"), NULL, GTK_WIDGET (self->all_button));
  self->mine_button = add_button (self, "mine", _ ("Mine"), NULL, GTK_WIDGET (self->unread_button));
  add_button (self, "unassigned", _ ("Unassigned"), NULL, GTK_WIDGET (self->mine_button));
  self->label_button = GTK_BUTTON (gtk_button_new_with_label (""));
  gtk_widget_add_css_class (GTK_WIDGET (self->label_button), "filter");
  gtk_widget_add_css_class (GTK_WIDGET (self->label_button), "label-filter");
  gtk_widget_set_visible (GTK_WIDGET (self->label_button), FALSE);
  g_signal_connect_object (self->label_button, "clicked", G_CALLBACK (on_label_clicked), self, G_CONNECT_SWAPPED);
  gtk_box_prepend (GTK_BOX (self), GTK_WIDGET (self->label_button));
  gtk_toggle_button_set_active (self->all_button, TRUE);
}

GtkWidget *
desk_filter_bar_new (void)
{
  return g_object_new (DESK_TYPE_FILTER_BAR, NULL);
}
