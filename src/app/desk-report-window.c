/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The reports. A choice of another period cancels the count before; an old answer is never shown.
 * Every figure that is drawn can be read as well: the plots have labels that say the essence, and the
 * whole report can be saved as a table. */

#include "app/desk-report-window.h"

#include <glib/gi18n.h>

#include "app/desk-format.h"
#include "app/desk-report-plot.h"
#include "app/desk-report-table.h"

#define MINUTE_MS (60 * 1000.)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

struct _DeskReportWindow
{
  AdwWindow parent_instance;

  AdwToastOverlay *toasts;
  GtkDropDown *period;
  GtkButton *save_button;
  GtkStack *stack;
  GtkSpinner *spinner;
  AdwStatusPage *problem_page;
  GtkFlowBox *figures;
  AdwPreferencesGroup *volume_group;
  AdwPreferencesGroup *reply_group;
  AdwPreferencesGroup *manager_group;

  DeskInbox *inbox;
  DeskReport *report;
  GCancellable *cancellable;
  GPtrArray *added; /* of GtkWidget and its group by turns: goes with the next report; borrowed */
};

G_DEFINE_FINAL_TYPE (DeskReportWindow, desk_report_window, ADW_TYPE_WINDOW)

/* ── Spans ──────────────────────────────────────────────────────────────────────────────────── */

static const struct
{
  guint spans, days; /* so many spans of so many days; the last one is today's */
} periods[] = { { 7, 1 }, { 30, 1 }, { 12, 7 } };

/* Local midnights: days of 23 and 25 hours are days. */
static gint64 *
make_edges (guint period, guint *n_edges)
{
  guint spans = periods[period].spans, days = periods[period].days;
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autoptr (GDateTime) today
      = g_date_time_new_local (g_date_time_get_year (now), g_date_time_get_month (now),
                               g_date_time_get_day_of_month (now), 0, 0, 0);
  gint64 *edges = g_new (gint64, spans + 1);
  for (guint i = 0; i <= spans; i++)
    {
      g_autoptr (GDateTime) edge
          = g_date_time_add_days (today, 1 - (gint)((spans - i) * days));
      edges[i] = g_date_time_to_unix (edge) * 1000;
    }
  *n_edges = spans + 1;
  return edges;
}

static char **
make_labels (const DeskReport *report)
{
  char **labels = g_new0 (char *, report->n_spans + 1);
  for (guint i = 0; i < report->n_spans; i++)
    {
      g_autoptr (GDateTime) day = g_date_time_new_from_unix_local (report->edges[i] / 1000);
      /* Translators: a day under a bar of a plot, as short as possible: see g_date_time_format(). */
      labels[i] = g_date_time_format (day, report->n_spans <= 7 ? "%a" : _ ("%-d %b"));
    }
  return labels;
}

/* ── Widgets ────────────────────────────────────────────────────────────────────────────────── */

static void
add_to (DeskReportWindow *self, AdwPreferencesGroup *group, GtkWidget *widget)
{
  adw_preferences_group_add (group, widget);
  g_ptr_array_add (self->added, widget);
  g_ptr_array_add (self->added, group);
}

static void
add_figure (DeskReportWindow *self, const char *value, const char *name)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  GtkWidget *number = gtk_label_new (value), *label = gtk_label_new (name);
  GtkWidget *child = gtk_flow_box_child_new ();
  g_autofree char *said = g_strdup_printf ("%s: %s", name, value);
  gtk_widget_add_css_class (number, "title-1");
  gtk_widget_add_css_class (number, "numeric");
  gtk_widget_add_css_class (label, "caption");
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_justify (GTK_LABEL (label), GTK_JUSTIFY_CENTER);
  gtk_box_append (GTK_BOX (box), number);
  gtk_box_append (GTK_BOX (box), label);
  gtk_widget_add_css_class (box, "card");
  gtk_widget_add_css_class (box, "report-figure");
  gtk_flow_box_child_set_child (GTK_FLOW_BOX_CHILD (child), box);
  gtk_accessible_update_property (GTK_ACCESSIBLE (child), GTK_ACCESSIBLE_PROPERTY_LABEL, said, -1);
  gtk_widget_set_focusable (child, FALSE);
  gtk_flow_box_append (self->figures, child);
}

static GtkWidget *
new_legend (DeskReportWindow *self)
{
  GtkWidget *legend = gtk_flow_box_new ();
  gtk_flow_box_set_selection_mode (GTK_FLOW_BOX (legend), GTK_SELECTION_NONE);
  gtk_flow_box_set_max_children_per_line (GTK_FLOW_BOX (legend), 6);
  for (guint i = 0; i < self->report->platforms->len; i++)
    {
      const DeskReportPlatform *platform = g_ptr_array_index (self->report->platforms, i);
      GdkRGBA color = desk_report_plot_get_color (i);
      /* Pango knows no rgb(…). */
      g_autofree char *code
          = g_strdup_printf ("#%02x%02x%02x", (guint)(color.red * 255 + .5f),
                             (guint)(color.green * 255 + .5f), (guint)(color.blue * 255 + .5f));
      g_autofree char *markup = g_markup_printf_escaped (
          "<span foreground=\"%s\">■</span> %s: %u", code,
          desk_inbox_platform_title (self->inbox, platform->platform), platform->total.incoming);
      GtkWidget *label = gtk_label_new (NULL);
      gtk_label_set_markup (GTK_LABEL (label), markup);
      gtk_widget_add_css_class (label, "caption");
      gtk_flow_box_append (GTK_FLOW_BOX (legend), label);
      gtk_widget_set_focusable (gtk_widget_get_parent (label), FALSE);
    }
  return legend;
}

static GtkWidget *
new_plot_card (GtkWidget *plot, GtkWidget *legend, const char *said)
{
  GtkWidget *card = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  gtk_widget_add_css_class (card, "card");
  gtk_widget_add_css_class (card, "report-plot");
  gtk_box_append (GTK_BOX (card), plot);
  if (legend != NULL)
    gtk_box_append (GTK_BOX (card), legend);
  gtk_accessible_update_property (GTK_ACCESSIBLE (plot), GTK_ACCESSIBLE_PROPERTY_LABEL, said, -1);
  return card;
}

static char *
format_count (double value)
{
  return g_strdup_printf ("%'.0f", value);
}

static char *
format_wait (double ms)
{
  return ms < MINUTE_MS ? g_strdup_printf (_ ("%d s"), (int)(ms / 1000)) : desk_format_span ((gint64)ms);
}

/* ── The report ─────────────────────────────────────────────────────────────────────────────── */

static void
show_figures (DeskReportWindow *self)
{
  const DeskReport *report = self->report;
  gint64 median = desk_report_quantile (report->first_replies, .5);
  gint64 most = desk_report_quantile (report->first_replies, .9);
  g_autofree char *incoming = format_count (report->total.incoming);
  g_autofree char *replies = format_count (report->total.replies);
  g_autofree char *chats = format_count (report->chats);
  g_autofree char *half = median >= 0 ? format_wait (median) : g_strdup ("–");
  g_autofree char *nine = most >= 0 ? format_wait (most) : g_strdup ("–");
  g_autofree char *waiting = format_count (report->waiting);
  gint64 waited = desk_inbox_now_ms (self->inbox) - report->waiting_since_ms;
  g_autofree char *span = desk_format_span (waited);
  g_autofree char *longest = report->waiting_since_ms > 0
                                 /* Translators: the longest wait of a customer, such as "2 h". */
                                 ? g_strdup_printf (_ ("Waiting Now, Longest for %s"), span)
                                 : g_strdup (_ ("Waiting Now"));
  GtkWidget *child;
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->figures))) != NULL)
    gtk_flow_box_remove (self->figures, child);
  add_figure (self, chats, _ ("Chats"));
  add_figure (self, incoming, _ ("Messages from Customers"));
  add_figure (self, replies, _ ("Replies of Managers"));
  add_figure (self, half, _ ("First Response, Median"));
  add_figure (self, nine, _ ("First Response, 9 of 10"));
  add_figure (self, waiting, longest);
}

static void
show_volume (DeskReportWindow *self, char **labels)
{
  const DeskReport *report = self->report;
  guint n = report->platforms->len;
  GtkWidget *plot = desk_report_plot_new ();
  g_autofree DeskPlotSeries *series = g_new0 (DeskPlotSeries, n + 1);
  g_autofree char *said = g_strdup_printf (
      ngettext ("%u message from customers", "%u messages from customers", report->total.incoming),
      report->total.incoming);
  for (guint i = 0; i < n; i++)
    {
      const DeskReportPlatform *platform = g_ptr_array_index (report->platforms, i);
      double *values = g_new (double, report->n_spans);
      for (guint j = 0; j < report->n_spans; j++)
        values[j] = platform->spans[j].incoming;
      series[i].name = desk_inbox_platform_title (self->inbox, platform->platform);
      series[i].values = values;
    }
  desk_report_plot_set (DESK_REPORT_PLOT (plot), (const char *const *)labels, report->n_spans, series,
                        n, NULL, format_count);
  for (guint i = 0; i < n; i++)
    g_free ((double *)series[i].values);
  add_to (self, self->volume_group, new_plot_card (plot, new_legend (self), said));
}

static void
show_replies (DeskReportWindow *self, char **labels)
{
  static const double steps[]
      = { MINUTE_MS,    4 * MINUTE_MS, 12 * MINUTE_MS, 20 * MINUTE_MS, 60 * MINUTE_MS, 4 * HOUR_MS,
          8 * HOUR_MS,  24 * HOUR_MS,  4 * DAY_MS,     8 * DAY_MS,     28 * DAY_MS,    0 };
  const DeskReport *report = self->report;
  g_autofree double *values = g_new (double, report->n_spans);
  DeskPlotSeries series = { _ ("First Response, Median"), values };
  gint64 median = desk_report_quantile (report->first_replies, .5);
  g_autofree char *half = median >= 0 ? format_wait (median) : g_strdup ("–");
  g_autofree char *said = g_strdup_printf ("%s: %s", series.name, half);
  GtkWidget *plot = desk_report_plot_new ();
  for (guint i = 0; i < report->n_spans; i++)
    values[i] = desk_report_quantile (report->span_replies[i], .5);
  desk_report_plot_set (DESK_REPORT_PLOT (plot), (const char *const *)labels, report->n_spans,
                        &series, 1, steps, format_wait);
  add_to (self, self->reply_group, new_plot_card (plot, NULL, said));
}

static void
show_managers (DeskReportWindow *self)
{
  for (guint i = 0; i < self->report->managers->len; i++)
    {
      const DeskReportManager *manager = g_ptr_array_index (self->report->managers, i);
      const char *name = manager->name != NULL ? manager->name : manager->username;
      gint64 median = desk_report_quantile (manager->first_replies, .5);
      g_autofree char *half = median >= 0 ? format_wait (median) : NULL;
      g_autofree char *replies = g_strdup_printf (
          ngettext ("%u reply", "%u replies", manager->replies), manager->replies);
      g_autofree char *chats
          = g_strdup_printf (ngettext ("in %u chat", "in %u chats", manager->chats), manager->chats);
      g_autofree char *line = g_strdup_printf ("%s %s", replies, chats);
      GtkWidget *row = adw_action_row_new ();
      adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
      adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row),
                                     name != NULL ? name : _ ("All managers"));
      adw_action_row_set_subtitle (ADW_ACTION_ROW (row), line);
      if (half != NULL)
        {
          GtkWidget *label = gtk_label_new (half);
          gtk_widget_add_css_class (label, "numeric");
          gtk_widget_set_tooltip_text (label, _ ("First Response, Median"));
          adw_action_row_add_suffix (ADW_ACTION_ROW (row), label);
        }
      add_to (self, self->manager_group, row);
    }
  gtk_widget_set_visible (GTK_WIDGET (self->manager_group), self->report->managers->len > 0);
}

static void
clear_report (DeskReportWindow *self)
{
  for (guint i = 0; i + 1 < self->added->len; i += 2)
    adw_preferences_group_remove (g_ptr_array_index (self->added, i + 1),
                                  g_ptr_array_index (self->added, i));
  g_ptr_array_set_size (self->added, 0);
  g_clear_pointer (&self->report, desk_report_free);
}

static void
show_page (DeskReportWindow *self, const char *page)
{
  gtk_stack_set_visible_child_name (self->stack, page);
  gtk_spinner_set_spinning (self->spinner, g_str_equal (page, "counting"));
  gtk_widget_set_sensitive (GTK_WIDGET (self->save_button), g_str_equal (page, "report"));
}

static void
on_report (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskReportWindow) self = data;
  g_autoptr (GError) error = NULL;
  DeskReport *report = desk_store_report_finish (DESK_STORE (source), result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->inbox == NULL)
    {
      g_clear_pointer (&report, desk_report_free);
      return;
    }
  clear_report (self);
  self->report = report;
  if (report == NULL)
    {
      adw_status_page_set_description (self->problem_page, error->message);
      show_page (self, "problem");
      return;
    }
  if (report->chats == 0)
    {
      show_page (self, "empty");
      return;
    }
  g_auto (GStrv) labels = make_labels (report);
  show_figures (self);
  show_volume (self, labels);
  show_replies (self, labels);
  show_managers (self);
  show_page (self, "report");
}

static void
on_period_changed (DeskReportWindow *self)
{
  guint n_edges, period = gtk_drop_down_get_selected (self->period);
  DeskStore *store = self->inbox != NULL ? desk_inbox_get_store (self->inbox) : NULL;
  if (store == NULL || period >= G_N_ELEMENTS (periods))
    return;
  g_autofree gint64 *edges = make_edges (period, &n_edges);
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  show_page (self, "counting");
  desk_store_report_async (store, edges, n_edges, self->cancellable, on_report, g_object_ref (self));
}

/* ── Saving ─────────────────────────────────────────────────────────────────────────────────── */

static void
on_saved (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskReportWindow) self = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  if (g_file_replace_contents_finish (G_FILE (source), result, NULL, &error))
    text = g_strdup (_ ("The table was saved"));
  else
    text = g_strdup_printf (_ ("The table could not be saved: %s"), error->message);
  adw_toast_overlay_add_toast (self->toasts, adw_toast_new (text));
}

static void
on_file_chosen (GtkNativeDialog *dialog, int response, gpointer data)
{
  DeskReportWindow *self = data;
  g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
  if (response == GTK_RESPONSE_ACCEPT && file != NULL && self->report != NULL)
    {
      g_autoptr (GBytes) table = desk_report_table_new (self->report);
      g_file_replace_contents_bytes_async (file, table, NULL, FALSE, G_FILE_CREATE_PRIVATE, NULL,
                                           on_saved, g_object_ref (self));
    }
  g_object_unref (dialog);
}

static void
on_save_clicked (DeskReportWindow *self)
{
  GtkFileChooserNative *dialog = gtk_file_chooser_native_new (
      _ ("Save as Table"), GTK_WINDOW (self), GTK_FILE_CHOOSER_ACTION_SAVE, NULL, NULL);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (dialog), _ ("Report.csv"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_file_chosen), self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

/* ── The class ──────────────────────────────────────────────────────────────────────────────── */

static void
desk_report_window_dispose (GObject *object)
{
  DeskReportWindow *self = DESK_REPORT_WINDOW (object);
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->inbox);
  G_OBJECT_CLASS (desk_report_window_parent_class)->dispose (object);
}

static void
desk_report_window_finalize (GObject *object)
{
  DeskReportWindow *self = DESK_REPORT_WINDOW (object);
  g_ptr_array_unref (self->added);
  g_clear_pointer (&self->report, desk_report_free);
  G_OBJECT_CLASS (desk_report_window_parent_class)->finalize (object);
}

static void
desk_report_window_class_init (DeskReportWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_report_window_dispose;
  G_OBJECT_CLASS (klass)->finalize = desk_report_window_finalize;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/frontdesk/Frontdesk/ui/desk-report-window.ui");
  gtk_widget_class_bind_template_child (widget_class, DeskReportWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, DeskReportWindow, period);
  gtk_widget_class_bind_template_child (widget_class, DeskReportWindow, save_button);
  gtk_widget_class_bind_template_child (widget_class, DeskReportWindow, stack);
  gtk_widget_class_bind_template_child (widget_class, DeskReportWindow, spinner);
  gtk_widget_class_bind_template_child (widget_class, DeskReportWindow, problem_page);
  gtk_widget_class_bind_template_child (widget_class, DeskReportWindow, figures);
  gtk_widget_class_bind_template_child (widget_class, DeskReportWindow, volume_group);
  gtk_widget_class_bind_template_child (widget_class, DeskReportWindow, reply_group);
  gtk_widget_class_bind_template_child (widget_class, DeskReportWindow, manager_group);
  gtk_widget_class_bind_template_callback (widget_class, on_period_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_save_clicked);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
desk_report_window_init (DeskReportWindow *self)
{
  self->added = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWindow *
desk_report_window_new (GtkWindow *parent, DeskInbox *inbox)
{
  DeskReportWindow *self = g_object_new (DESK_TYPE_REPORT_WINDOW, "transient-for", parent, NULL);
  self->inbox = g_object_ref (inbox);
  on_period_changed (self);
  return GTK_WINDOW (self);
}
