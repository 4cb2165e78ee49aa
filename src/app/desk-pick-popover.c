/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* A searchable list in a popover. Rows are compared without regard to case and accents; the row that
 * makes something new stands last and only while nothing has exactly that name. */

#include "app/desk-pick-popover.h"

#include <glib/gi18n.h>
#include <string.h>

#define LONGEST_NEW 64 /* characters */

struct _DeskPickPopover
{
  GtkPopover parent_instance;

  GtkSearchEntry *entry;
  GtkListBox *list;
  GtkWidget *new_row; /* nullable */
  GtkLabel *new_label;
  char *new_format;
};

enum
{
  SIGNAL_PICKED,
  SIGNAL_CREATED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskPickPopover, desk_pick_popover, GTK_TYPE_POPOVER)

static char *
fold (const char *text)
{
  g_autofree char *plain = g_utf8_normalize (text, -1, G_NORMALIZE_ALL);
  return g_utf8_casefold (plain != NULL ? plain : text, -1);
}

static char *
get_words (DeskPickPopover *self)
{
  return g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->entry))));
}

static gboolean
passes (GtkListBoxRow *row, gpointer data)
{
  DeskPickPopover *self = data;
  const char *key = g_object_get_data (G_OBJECT (row), "key");
  g_autofree char *words = get_words (self);
  g_autofree char *wanted = fold (words);
  if (key == NULL)
    return *words != '\0' && g_object_get_data (G_OBJECT (row), "exists") == NULL;
  return strstr (key, wanted) != NULL;
}

/* The first row that is shown is the one that Enter takes. */
static void
on_search_changed (DeskPickPopover *self)
{
  g_autofree char *words = get_words (self);
  g_autofree char *wanted = fold (words);
  gboolean exists = FALSE;
  GtkListBoxRow *first = NULL, *row;

  for (int i = 0; (row = gtk_list_box_get_row_at_index (self->list, i)) != NULL; i++)
    exists |= g_strcmp0 (g_object_get_data (G_OBJECT (row), "title"), wanted) == 0;
  if (self->new_row != NULL)
    {
      g_autofree char *text = g_strdup_printf (self->new_format, words);
      gtk_label_set_text (self->new_label, text);
      gtk_accessible_update_property (GTK_ACCESSIBLE (self->new_row), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                      text, -1);
      g_object_set_data (G_OBJECT (self->new_row), "exists", exists ? self : NULL);
    }
  gtk_list_box_invalidate_filter (self->list);
  for (int i = 0; first == NULL && (row = gtk_list_box_get_row_at_index (self->list, i)) != NULL; i++)
    if (passes (row, self))
      first = row;
  gtk_list_box_select_row (self->list, first);
}

static void
take_row (DeskPickPopover *self, GtkListBoxRow *row)
{
  g_autoptr (DeskPickPopover) keep = g_object_ref (self);
  g_autofree char *id = g_strdup (g_object_get_data (G_OBJECT (row), "id"));
  g_autofree char *words = get_words (self);
  gboolean is_new = GTK_WIDGET (row) == self->new_row;
  gtk_popover_popdown (GTK_POPOVER (self));
  if (is_new)
    {
      g_autofree char *cut = g_utf8_substring (words, 0, MIN (g_utf8_strlen (words, -1), LONGEST_NEW));
      g_signal_emit (self, signals[SIGNAL_CREATED], 0, cut);
    }
  else
    g_signal_emit (self, signals[SIGNAL_PICKED], 0, id);
}

static void
on_entry_activate (DeskPickPopover *self)
{
  GtkListBoxRow *row = gtk_list_box_get_selected_row (self->list);
  if (row != NULL)
    take_row (self, row);
}

/* The arrows walk through the list while the focus stays in the entry. */
static gboolean
on_key_pressed (GtkEventControllerKey *controller,
                guint keyval,
                guint keycode,
                GdkModifierType state,
                gpointer data)
{
  DeskPickPopover *self = data;
  GtkListBoxRow *row = gtk_list_box_get_selected_row (self->list);
  int step = keyval == GDK_KEY_Down ? 1 : keyval == GDK_KEY_Up ? -1 : 0;
  int at = row != NULL ? gtk_list_box_row_get_index (row) : -1;
  if (step == 0)
    return FALSE;
  do
    {
      at += step;
      row = at >= 0 ? gtk_list_box_get_row_at_index (self->list, at) : NULL;
    }
  while (row != NULL && !passes (row, self));
  if (row != NULL)
    gtk_list_box_select_row (self->list, row);
  return TRUE;
}

static GtkWidget *
make_row (const char *title, const char *subtitle, const char *icon, gboolean ticked, GtkLabel **out_label)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9);
  GtkWidget *texts = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *label = gtk_label_new (title);
  if (icon != NULL)
    gtk_box_append (GTK_BOX (box), gtk_image_new_from_icon_name (icon));
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_box_append (GTK_BOX (texts), label);
  gtk_widget_set_hexpand (texts, TRUE);
  gtk_widget_set_valign (texts, GTK_ALIGN_CENTER);
  if (subtitle != NULL)
    {
      GtkWidget *second = gtk_label_new (subtitle);
      gtk_label_set_xalign (GTK_LABEL (second), 0);
      gtk_label_set_ellipsize (GTK_LABEL (second), PANGO_ELLIPSIZE_END);
      gtk_widget_add_css_class (second, "caption");
      gtk_widget_add_css_class (second, "dim-label");
      gtk_box_append (GTK_BOX (texts), second);
    }
  gtk_box_append (GTK_BOX (box), texts);
  if (ticked)
    gtk_box_append (GTK_BOX (box), gtk_image_new_from_icon_name ("object-select-symbolic"));
  *out_label = GTK_LABEL (label);
  GtkWidget *row = gtk_list_box_row_new ();
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  return row;
}

void
desk_pick_popover_add (DeskPickPopover *self,
                       const char *id,
                       const char *title,
                       const char *subtitle,
                       const char *icon,
                       gboolean ticked)
{
  GtkLabel *label;
  GtkWidget *row = make_row (title, subtitle, icon, ticked, &label);
  g_autofree char *all = g_strconcat (title, " ", subtitle != NULL ? subtitle : "", NULL);
  g_autofree char *spoken = ticked ? g_strdup_printf (_ ("%s, chosen"), title) : g_strdup (title);
  int last = self->new_row != NULL
                 ? gtk_list_box_row_get_index (GTK_LIST_BOX_ROW (self->new_row))
                 : -1;
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
  g_object_set_data_full (G_OBJECT (row), "id", g_strdup (id), g_free);
  g_object_set_data_full (G_OBJECT (row), "key", fold (all), g_free);
  g_object_set_data_full (G_OBJECT (row), "title", fold (title), g_free);
  gtk_list_box_insert (self->list, row, last);
  on_search_changed (self);
}

void
desk_pick_popover_allow_new (DeskPickPopover *self, const char *format)
{
  g_return_if_fail (self->new_row == NULL);
  self->new_format = g_strdup (format);
  self->new_row = make_row ("", NULL, "list-add-symbolic", FALSE, &self->new_label);
  gtk_list_box_append (self->list, self->new_row);
  on_search_changed (self);
}

static gboolean
let_go (gpointer popover)
{
  if (gtk_widget_get_parent (popover) != NULL)
    gtk_widget_unparent (popover);
  return G_SOURCE_REMOVE;
}

/* Not within its own signal. */
static void
on_closed (GtkPopover *popover)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, let_go, g_object_ref (popover), g_object_unref);
}

void
desk_popover_show_at (GtkPopover *popover, GtkWidget *parent, GtkWidget *anchor)
{
  graphene_rect_t bounds;
  gtk_widget_set_parent (GTK_WIDGET (popover), parent);
  if (anchor != NULL && gtk_widget_compute_bounds (anchor, parent, &bounds))
    gtk_popover_set_pointing_to (popover, &(GdkRectangle) { (int)bounds.origin.x, (int)bounds.origin.y,
                                                            (int)bounds.size.width,
                                                            (int)bounds.size.height });
  g_signal_connect (popover, "closed", G_CALLBACK (on_closed), NULL);
  gtk_popover_popup (popover);
}

static void
desk_pick_popover_finalize (GObject *object)
{
  g_free (DESK_PICK_POPOVER (object)->new_format);
  G_OBJECT_CLASS (desk_pick_popover_parent_class)->finalize (object);
}

static void
desk_pick_popover_class_init (DeskPickPopoverClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = desk_pick_popover_finalize;
  signals[SIGNAL_PICKED] = g_signal_new ("picked", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                         G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[SIGNAL_CREATED] = g_signal_new ("created", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
desk_pick_popover_init (DeskPickPopover *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *scroller = gtk_scrolled_window_new ();
  GtkEventController *keys = gtk_event_controller_key_new ();

  self->entry = GTK_SEARCH_ENTRY (gtk_search_entry_new ());
  self->list = GTK_LIST_BOX (gtk_list_box_new ());
  gtk_list_box_set_filter_func (self->list, passes, self, NULL);
  gtk_widget_add_css_class (GTK_WIDGET (self->list), "pick-list");
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scroller), TRUE);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scroller), 300);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), GTK_WIDGET (self->list));
  gtk_widget_set_size_request (box, 240, -1);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->entry));
  gtk_box_append (GTK_BOX (box), scroller);
  gtk_popover_set_child (GTK_POPOVER (self), box);
  g_signal_connect_object (self->entry, "search-changed", G_CALLBACK (on_search_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->entry, "activate", G_CALLBACK (on_entry_activate), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->entry, "stop-search", G_CALLBACK (gtk_popover_popdown), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->list, "row-activated", G_CALLBACK (take_row), self, G_CONNECT_SWAPPED);
  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect_object (keys, "key-pressed", G_CALLBACK (on_key_pressed), self, 0);
  gtk_widget_add_controller (GTK_WIDGET (self->entry), keys);
}

GtkWidget *
desk_pick_popover_new (const char *placeholder)
{
  DeskPickPopover *self = g_object_new (DESK_TYPE_PICK_POPOVER, NULL);
  g_object_set (self->entry, "placeholder-text", placeholder, "search-delay", 0, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->entry), GTK_ACCESSIBLE_PROPERTY_LABEL, placeholder, -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, placeholder, -1);
  return GTK_WIDGET (self);
}
