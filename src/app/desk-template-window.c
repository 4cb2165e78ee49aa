/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Sending an approved text where the platform takes no free replies any more. The templates are those that came with the
 * refusal, or are asked for. Nothing is sent before every variable has a value. */

#include "app/desk-template-window.h"

#include <glib/gi18n.h>

#include "common/desk-uuid.h"
#include "protocol/desk-wire-change.h"
#include "sync/desk-templates.h"

struct _DeskTemplateWindow
{
  AdwWindow parent_instance;

  GtkStack *stack;
  AdwStatusPage *problem;
  AdwComboRow *choice;
  GtkStringList *names;
  AdwPreferencesGroup *variables_group;
  GtkLabel *preview;
  GtkButton *send_button;

  DeskInbox *inbox;
  char *platform;
  char *user_id;
  char *customer;
  gint64 local_id; /* of the refused reply; 0: a new message */
  GPtrArray *templates; /* of DeskTemplate */
  GPtrArray *entries;   /* of AdwEntryRow, in variables_group */
  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (DeskTemplateWindow, desk_template_window, ADW_TYPE_WINDOW)

static const DeskTemplate *
get_chosen (DeskTemplateWindow *self)
{
  guint at = adw_combo_row_get_selected (self->choice);
  return self->templates != NULL && at < self->templates->len ? g_ptr_array_index (self->templates, at) : NULL;
}

static char **
get_variables (DeskTemplateWindow *self, gboolean *out_complete)
{
  GStrvBuilder *builder = g_strv_builder_new ();
  char **variables;
  *out_complete = TRUE;
  for (guint i = 0; i < self->entries->len; i++)
    {
      const char *text = gtk_editable_get_text (g_ptr_array_index (self->entries, i));
      *out_complete &= *text != '\0';
      g_strv_builder_add (builder, text);
    }
  variables = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);
  return variables;
}

static void
update_preview (DeskTemplateWindow *self)
{
  const DeskTemplate *template = get_chosen (self);
  gboolean complete = FALSE;
  if (template != NULL)
    {
      g_auto (GStrv) variables = get_variables (self, &complete);
      g_autofree char *text = desk_template_fill (template, variables);
      gtk_label_set_text (self->preview, text);
    }
  gtk_widget_set_sensitive (GTK_WIDGET (self->send_button), complete);
}

static void
on_chosen (DeskTemplateWindow *self)
{
  const DeskTemplate *template = get_chosen (self);
  for (guint i = 0; i < self->entries->len; i++)
    adw_preferences_group_remove (self->variables_group, g_ptr_array_index (self->entries, i));
  g_ptr_array_set_size (self->entries, 0);
  for (guint i = 0; template != NULL && i < template->n_variables; i++)
    {
      GtkWidget *row = adw_entry_row_new ();
      /* Translators: a part of a text that is filled in, by its number. */
      g_autofree char *title = g_strdup_printf (_ ("Variable %u"), i + 1);
      adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
      g_ptr_array_add (self->entries, row);
      adw_preferences_group_add (self->variables_group, row);
      if (i == 0 && self->customer != NULL)
        gtk_editable_set_text (GTK_EDITABLE (row), self->customer);
      g_signal_connect_object (row, "changed", G_CALLBACK (update_preview), self, G_CONNECT_SWAPPED);
    }
  gtk_widget_set_visible (GTK_WIDGET (self->variables_group), self->entries->len > 0);
  update_preview (self);
}

static void
show_problem (DeskTemplateWindow *self, const char *title, const char *text)
{
  adw_status_page_set_title (self->problem, title);
  adw_status_page_set_description (self->problem, text);
  gtk_stack_set_visible_child_name (self->stack, "problem");
}

/* Takes templates. */
static void
show_templates (DeskTemplateWindow *self, GPtrArray *templates)
{
  if (templates->len == 0)
    {
      g_ptr_array_unref (templates);
      show_problem (self, _ ("No Templates"),
                    _ ("No template has been approved for this account. Until the customer writes again, no "
                       "message can be sent."));
      return;
    }
  self->templates = templates;
  for (guint i = 0; i < templates->len; i++)
    {
      const DeskTemplate *template = g_ptr_array_index (templates, i);
      g_autofree char *name = g_strdup_printf ("%s (%s)", template->name, template->language);
      gtk_string_list_append (self->names, name);
    }
  gtk_stack_set_visible_child_name (self->stack, "form");
  on_chosen (self);
}

static void
on_templates (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskTemplateWindow) self = data;
  g_autoptr (GError) error = NULL;
  GPtrArray *templates = desk_sync_list_templates_finish (DESK_SYNC (source), result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (templates != NULL)
    show_templates (self, templates);
  else
    show_problem (self, _ ("The Templates Cannot Be Fetched"), error->message);
}

static void
on_send_clicked (DeskTemplateWindow *self)
{
  const DeskTemplate *template = get_chosen (self);
  gboolean complete;
  g_auto (GStrv) variables = get_variables (self, &complete);
  if (template == NULL || !complete || desk_inbox_get_store (self->inbox) == NULL)
    return;
  g_autofree char *text = desk_template_fill (template, variables);
  g_autoptr (DeskTemplateUse) use = desk_template_use_new (template->name, template->language, variables);
  DeskBatch *batch = desk_batch_new ();
  if (self->local_id > 0)
    desk_batch_outbox_template (batch, self->local_id, use, text);
  else
    {
      g_autoptr (DeskOutboxEntry) entry = desk_outbox_entry_new (DESK_INTENT_SEND, self->platform, self->user_id);
      g_free (entry->text);
      entry->text = g_strdup (text);
      g_free (entry->client_message_id);
      entry->client_message_id = desk_uuid7_new (desk_clock_system (), desk_random_system ());
      entry->seen_seq = -2;
      entry->template_use = g_steal_pointer (&use);
      entry->created_at_ms = g_get_real_time () / 1000;
      desk_batch_outbox_add (batch, entry, FALSE);
    }
  desk_inbox_apply (self->inbox, batch);
  gtk_window_close (GTK_WINDOW (self));
}

static void
desk_template_window_dispose (GObject *object)
{
  DeskTemplateWindow *self = DESK_TEMPLATE_WINDOW (object);
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->inbox);
  G_OBJECT_CLASS (desk_template_window_parent_class)->dispose (object);
}

static void
desk_template_window_finalize (GObject *object)
{
  DeskTemplateWindow *self = DESK_TEMPLATE_WINDOW (object);
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self->customer);
  g_clear_pointer (&self->templates, g_ptr_array_unref);
  g_ptr_array_unref (self->entries);
  G_OBJECT_CLASS (desk_template_window_parent_class)->finalize (object);
}

static void
desk_template_window_class_init (DeskTemplateWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_template_window_dispose;
  G_OBJECT_CLASS (klass)->finalize = desk_template_window_finalize;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/frontdesk/Frontdesk/ui/desk-template-window.ui");
  gtk_widget_class_bind_template_child (widget_class, DeskTemplateWindow, stack);
  gtk_widget_class_bind_template_child (widget_class, DeskTemplateWindow, problem);
  gtk_widget_class_bind_template_child (widget_class, DeskTemplateWindow, choice);
  gtk_widget_class_bind_template_child (widget_class, DeskTemplateWindow, names);
  gtk_widget_class_bind_template_child (widget_class, DeskTemplateWindow, variables_group);
  gtk_widget_class_bind_template_child (widget_class, DeskTemplateWindow, preview);
  gtk_widget_class_bind_template_child (widget_class, DeskTemplateWindow, send_button);
  gtk_widget_class_bind_template_callback (widget_class, on_chosen);
  gtk_widget_class_bind_template_callback (widget_class, on_send_clicked);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
desk_template_window_init (DeskTemplateWindow *self)
{
  self->entries = g_ptr_array_new ();
  self->cancellable = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
desk_template_window_new (GtkWindow *parent,
                          DeskInbox *inbox,
                          const char *platform,
                          const char *user_id,
                          const char *customer,
                          const DeskOutboxEntry *entry)
{
  DeskTemplateWindow *self = g_object_new (DESK_TYPE_TEMPLATE_WINDOW, "transient-for", parent, NULL);
  DeskSync *sync = desk_inbox_get_sync (inbox);
  GPtrArray *templates = NULL;
  self->inbox = g_object_ref (inbox);
  self->platform = g_strdup (platform);
  self->user_id = g_strdup (user_id);
  self->customer = g_strdup (customer);
  self->local_id = entry != NULL ? entry->local_id : 0;
  if (entry != NULL && entry->details != NULL
      && desk_wire_read_window_closed (entry->details, NULL, &templates, NULL) && templates->len > 0)
    show_templates (self, templates);
  else if (sync != NULL)
    {
      g_clear_pointer (&templates, g_ptr_array_unref);
      desk_sync_list_templates_async (sync, platform, user_id, self->cancellable, on_templates, g_object_ref (self));
    }
  else
    show_problem (self, _ ("Not Connected"), _ ("The templates are fetched from the server. Try again once online."));
  return GTK_WIDGET (self);
}
