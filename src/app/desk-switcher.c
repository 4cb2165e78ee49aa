/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The quick switcher. All chats are read once when it opens; each key scores them and shows the best
 * few, so that the work of a key does not grow with what is shown. */

#include "app/desk-switcher.h"

#include <glib/gi18n.h>
#include <stdlib.h>
#include <string.h>

#define MOST_RESULTS 12

typedef struct
{
  const char *title; /* marked for translation */
  const char *action;
  const char *target; /* nullable: as text */
} Command;

static const Command commands[] = {
  { N_ ("Search Everywhere"), "win.search", NULL },
  { N_ ("Next Unread Chat"), "win.next-unread", NULL },
  { N_ ("Reply to the Last Message"), "win.reply", NULL },
  { N_ ("Internal Note"), "win.note", NULL },
  { N_ ("Mark as Unread"), "win.mark-unread", NULL },
  { N_ ("Save the Chat as a File"), "win.save-chat", NULL },
  { N_ ("Print the Chat"), "win.print-chat", NULL },
  { N_ ("Customer Panel"), "win.toggle-panel", NULL },
  { N_ ("Try to Connect Now"), "win.retry-now", NULL },
  { N_ ("Do Not Disturb"), "app.do-not-disturb", NULL },
  { N_ ("Do Not Disturb for 1 Hour"), "app.do-not-disturb-for", "60" },
  { N_ ("Reports"), "app.reports", NULL },
  { N_ ("Preferences"), "app.preferences", NULL },
  { N_ ("Add Account"), "app.add-account", NULL },
  { N_ ("Sign Out"), "win.sign-out", NULL },
  { N_ ("Notification Log"), "app.notification-log", NULL },
  { N_ ("Keyboard Shortcuts"), "app.shortcuts", NULL },
  { N_ ("Help"), "app.help", NULL },
  { N_ ("About Frontdesk"), "app.about", NULL },
};

typedef struct
{
  const DeskChatRow *chat; /* of the list; NULL: a command */
  const Command *command;
  int score;
} Result;

struct _DeskSwitcher
{
  AdwWindow parent_instance;

  GtkSearchEntry *entry;
  GtkListBox *list;
  GtkStack *stack;
  DeskInbox *inbox;
  GPtrArray *chats; /* nullable until read: of DeskChatRow */
  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (DeskSwitcher, desk_switcher, ADW_TYPE_WINDOW)

/* ── Scoring ────────────────────────────────────────────────────────────────────────────────── */

/* Without case and accents. */
static char *
fold (const char *text)
{
  g_autofree char *apart = g_utf8_normalize (text, -1, G_NORMALIZE_ALL);
  g_autofree char *lower = g_utf8_casefold (apart != NULL ? apart : "", -1);
  GString *out = g_string_new (NULL);
  for (const char *p = lower; *p != '\0'; p = g_utf8_next_char (p))
    if (!g_unichar_ismark (g_utf8_get_char (p)))
      g_string_append_unichar (out, g_utf8_get_char (p));
  return g_string_free (out, FALSE);
}

int
desk_switcher_score (const char *name, const char *letters)
{
  g_autofree char *in = fold (name), *wanted = fold (letters);
  const char *whole = strstr (in, wanted), *w = wanted;
  int score = 0, run = 0;
  gboolean word_start = TRUE;

  if (whole != NULL)
    score = whole == in ? 1000 : g_unichar_isalnum (g_utf8_get_char (g_utf8_prev_char (whole))) ? 300 : 600;
  for (const char *p = in; *p != '\0' && *w != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      while (g_unichar_isspace (g_utf8_get_char (w)))
        w = g_utf8_next_char (w);
      if (c == g_utf8_get_char (w))
        {
          score += 5 + 5 * run++ + (word_start ? 20 : 0);
          w = g_utf8_next_char (w);
        }
      else
        run = 0;
      word_start = !g_unichar_isalnum (c);
    }
  while (g_unichar_isspace (g_utf8_get_char (w)))
    w = g_utf8_next_char (w);
  return *w == '\0' ? score : -1;
}

static int
compare_results (gconstpointer a, gconstpointer b)
{
  return ((const Result *)b)->score - ((const Result *)a)->score;
}

/* ── Results ────────────────────────────────────────────────────────────────────────────────── */

static const char *
chat_name (const DeskChatRow *row)
{
  return *row->chat->user_name != '\0' ? row->chat->user_name : row->chat->user_id;
}

static GtkWidget *
new_label (const char *text, const char *css_class, gboolean expand)
{
  GtkWidget *label = gtk_label_new (text);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_widget_set_hexpand (label, expand);
  if (css_class != NULL)
    gtk_widget_add_css_class (label, css_class);
  return label;
}

/* "Ctrl+K", or NULL. */
static char *
dup_key (const char *action)
{
  GtkApplication *application = GTK_APPLICATION (g_application_get_default ());
  g_auto (GStrv) accels = gtk_application_get_accels_for_action (application, action);
  guint key;
  GdkModifierType modifiers;
  if (accels == NULL || accels[0] == NULL || !gtk_accelerator_parse (accels[0], &key, &modifiers))
    return NULL;
  return gtk_accelerator_get_label (key, modifiers);
}

static void
add_row (DeskSwitcher *self, const Result *result)
{
  GtkWidget *row = gtk_list_box_row_new (), *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9);
  const DeskChatRow *chat = result->chat;
  const char *title = chat != NULL ? chat_name (chat) : _ (result->command->title);
  g_autofree char *more
      = chat != NULL ? g_strdup (desk_inbox_platform_title (self->inbox, chat->chat->platform))
                     : dup_key (result->command->action);
  const char *icon = chat != NULL ? desk_inbox_platform_icon (chat->chat->platform)
                                  : "system-run-symbolic";
  g_autofree char *said = more != NULL ? g_strdup_printf ("%s, %s", title, more) : g_strdup (title);

  gtk_box_append (GTK_BOX (box), gtk_image_new_from_icon_name (icon));
  gtk_box_append (GTK_BOX (box), new_label (title, NULL, TRUE));
  if (more != NULL)
    gtk_box_append (GTK_BOX (box), new_label (more, "dim-label", FALSE));
  gtk_widget_add_css_class (box, "search-row");
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, said, -1);
  if (chat != NULL)
    g_object_set_data_full (G_OBJECT (row), "key",
                            desk_chat_format_key (chat->chat->platform, chat->chat->user_id), g_free);
  else
    g_object_set_data (G_OBJECT (row), "command", (gpointer)result->command);
  gtk_list_box_append (self->list, row);
}

static void
score_chats (DeskSwitcher *self, const char *letters, GArray *results)
{
  for (guint i = 0; self->chats != NULL && i < self->chats->len; i++)
    {
      const DeskChatRow *row = g_ptr_array_index (self->chats, i);
      const char *handle = row->chat->messenger_name;
      int score = desk_switcher_score (chat_name (row), letters);
      if (handle != NULL)
        score = MAX (score, desk_switcher_score (handle, letters));
      Result result = { row, NULL, score >= 0 ? score * 4 + (row->unread > 0) * 3 : -1 };
      if (score >= 0)
        g_array_append_val (results, result);
    }
}

static void
score_commands (const char *letters, GArray *results)
{
  for (guint i = 0; *letters != '\0' && i < G_N_ELEMENTS (commands); i++)
    {
      Result result = { NULL, &commands[i], desk_switcher_score (_ (commands[i].title), letters) * 4 };
      if (result.score >= 0)
        g_array_append_val (results, result);
    }
}

static void
fill (DeskSwitcher *self)
{
  const char *letters = gtk_editable_get_text (GTK_EDITABLE (self->entry));
  g_autoptr (GArray) results = g_array_new (FALSE, FALSE, sizeof (Result));
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->list))) != NULL)
    gtk_list_box_remove (self->list, child);
  score_chats (self, letters, results);
  score_commands (letters, results);
  g_array_sort (results, compare_results); /* stable for few; the newest chats come first */
  for (guint i = 0; i < MIN (results->len, MOST_RESULTS); i++)
    add_row (self, &g_array_index (results, Result, i));
  gtk_list_box_select_row (self->list, gtk_list_box_get_row_at_index (self->list, 0));
  gtk_stack_set_visible_child_name (self->stack, results->len > 0 ? "results" : "none");
}

/* ── Choosing ───────────────────────────────────────────────────────────────────────────────── */

static void
activate_command (GtkWidget *parent, const Command *command)
{
  GVariant *target
      = command->target != NULL ? g_variant_new_int32 (atoi (command->target)) : NULL;
  gtk_widget_activate_action_variant (parent, command->action, target);
}

static void
on_row_activated (DeskSwitcher *self, GtkListBoxRow *row)
{
  g_autoptr (GtkWidget) parent
      = g_object_ref (GTK_WIDGET (gtk_window_get_transient_for (GTK_WINDOW (self))));
  g_autofree char *key = g_strdup (g_object_get_data (G_OBJECT (row), "key"));
  const Command *command = g_object_get_data (G_OBJECT (row), "command");
  gtk_window_destroy (GTK_WINDOW (self));
  if (key != NULL)
    gtk_widget_activate_action (parent, "win.go-to-chat", "s", key);
  else
    activate_command (parent, command);
}

static void
on_entry_activated (DeskSwitcher *self)
{
  GtkListBoxRow *row = gtk_list_box_get_selected_row (self->list);
  if (row != NULL)
    on_row_activated (self, row);
}

static gboolean
on_key_pressed (GtkEventControllerKey *controller,
                guint keyval,
                guint keycode,
                GdkModifierType state,
                gpointer data)
{
  DeskSwitcher *self = data;
  GtkListBoxRow *row = gtk_list_box_get_selected_row (self->list);
  int step = keyval == GDK_KEY_Down ? 1 : keyval == GDK_KEY_Up ? -1 : 0;
  if (step == 0 || row == NULL)
    return FALSE;
  row = gtk_list_box_get_row_at_index (self->list, gtk_list_box_row_get_index (row) + step);
  if (row != NULL)
    gtk_list_box_select_row (self->list, row);
  return TRUE;
}

static void
on_chats_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskSwitcher) self = data;
  GPtrArray *chats = desk_store_list_chats_finish (DESK_STORE (source), result, NULL);
  if (chats == NULL || self->cancellable == NULL)
    {
      g_clear_pointer (&chats, g_ptr_array_unref);
      return;
    }
  self->chats = chats;
  fill (self);
}

static void
desk_switcher_dispose (GObject *object)
{
  DeskSwitcher *self = DESK_SWITCHER (object);
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->inbox);
  g_clear_pointer (&self->chats, g_ptr_array_unref);
  G_OBJECT_CLASS (desk_switcher_parent_class)->dispose (object);
}

static void
desk_switcher_class_init (DeskSwitcherClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_switcher_dispose;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/frontdesk/Frontdesk/ui/desk-switcher.ui");
  gtk_widget_class_bind_template_child (widget_class, DeskSwitcher, entry);
  gtk_widget_class_bind_template_child (widget_class, DeskSwitcher, list);
  gtk_widget_class_bind_template_child (widget_class, DeskSwitcher, stack);
  gtk_widget_class_bind_template_callback (widget_class, fill);
  gtk_widget_class_bind_template_callback (widget_class, on_row_activated);
  gtk_widget_class_bind_template_callback (widget_class, on_entry_activated);
  gtk_widget_class_bind_template_callback (widget_class, gtk_window_close);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
desk_switcher_init (DeskSwitcher *self)
{
  GtkEventController *keys = gtk_event_controller_key_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect_object (keys, "key-pressed", G_CALLBACK (on_key_pressed), self, 0);
  gtk_widget_add_controller (GTK_WIDGET (self->entry), keys);
  gtk_window_set_focus (GTK_WINDOW (self), GTK_WIDGET (self->entry));
}

GtkWindow *
desk_switcher_new (GtkWindow *parent, DeskInbox *inbox)
{
  DeskSwitcher *self = g_object_new (DESK_TYPE_SWITCHER, "transient-for", parent, NULL);
  DeskChatQuery query = { .state = -1, .sort = DESK_CHAT_SORT_RECENT };
  self->inbox = g_object_ref (inbox);
  if (desk_inbox_get_store (inbox) != NULL)
    desk_store_list_chats_async (desk_inbox_get_store (inbox), &query, self->cancellable,
                                 on_chats_read, g_object_ref (self));
  fill (self);
  return GTK_WINDOW (self);
}
