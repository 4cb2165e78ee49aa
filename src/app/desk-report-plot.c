/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* A plot of bars, drawn with render nodes: it follows style, scale and direction of the window by itself. */

#include "app/desk-report-plot.h"

#include <math.h>

#define HEIGHT    168
#define LABEL_GAP 6
#define LINES     4 /* of the scale */
#define MOST_BAR  48

typedef struct
{
  char *name;
  double *values;
} Series;

struct _DeskReportPlot
{
  GtkWidget parent_instance;

  char **labels;
  guint n_bars;
  GPtrArray *series; /* of Series */
  double top;        /* of the scale */
  DeskPlotFormat format;
};

G_DEFINE_FINAL_TYPE (DeskReportPlot, desk_report_plot, GTK_TYPE_WIDGET)

static void
series_free (gpointer data)
{
  Series *self = data;
  g_free (self->name);
  g_free (self->values);
  g_free (self);
}

GdkRGBA
desk_report_plot_get_color (guint series)
{
  /* GNOME's palette; neighbours differ in lightness, too. */
  static const char *const colors[]
      = { "#3584e4", "#33d17a", "#9141ac", "#ff7800", "#986a44", "#f6d32d", "#c01c28", "#77767b" };
  GdkRGBA color;
  gdk_rgba_parse (&color, colors[series % G_N_ELEMENTS (colors)]);
  return color;
}

static double
bar_total (DeskReportPlot *self, guint bar)
{
  double total = 0;
  for (guint i = 0; i < self->series->len; i++)
    total += MAX (((Series *) g_ptr_array_index (self->series, i))->values[bar], 0);
  return total;
}

/* The smallest round number that is not below and has a whole quarter: for a line of the scale. */
static double
round_top (double most)
{
  static const double factors[] = { 1, 1.2, 1.6, 2, 2.4, 2.8, 3.2, 4, 4.8, 6, 8, 10, 12 };
  double unit = pow (10, floor (log10 (MAX (most, LINES))));
  for (guint i = 0; i < G_N_ELEMENTS (factors); i++)
    if (factors[i] * unit >= most && fmod (factors[i] * unit, LINES) == 0)
      return factors[i] * unit;
  return most;
}

static double
find_top (DeskReportPlot *self, const double *steps)
{
  double most = 0;
  for (guint i = 0; i < self->n_bars; i++)
    most = MAX (most, bar_total (self, i));
  for (; steps != NULL && *steps > 0; steps++)
    if (*steps >= most)
      return *steps;
  return round_top (most);
}

/* ── Drawing ────────────────────────────────────────────────────────────────────────────────── */

static void
draw_text (DeskReportPlot *self, GtkSnapshot *snapshot, const char *text, float x, float y, float align)
{
  g_autoptr (PangoLayout) layout = gtk_widget_create_pango_layout (GTK_WIDGET (self), text);
  GdkRGBA color;
  int width, height;
  gtk_style_context_get_color (gtk_widget_get_style_context (GTK_WIDGET (self)), &color);
  color.alpha *= .7f;
  pango_layout_get_pixel_size (layout, &width, &height);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT (x - width * align, y));
  gtk_snapshot_append_layout (snapshot, layout, &color);
  gtk_snapshot_restore (snapshot);
}

static int
text_width (DeskReportPlot *self, const char *text, int *height)
{
  g_autoptr (PangoLayout) layout = gtk_widget_create_pango_layout (GTK_WIDGET (self), text);
  int width;
  pango_layout_get_pixel_size (layout, &width, height);
  return width;
}

typedef struct
{
  float left, width; /* of the bars */
  float height;
  float slot;
  int line; /* height of a line of text */
} Frame;

static Frame
get_frame (DeskReportPlot *self)
{
  Frame frame = { 0 };
  int scale = 0;
  for (int i = 1; i <= LINES; i++)
    {
      g_autofree char *text = self->format (self->top * i / LINES);
      scale = MAX (scale, text_width (self, text, &frame.line));
    }
  frame.left = scale + LABEL_GAP;
  frame.width = MAX (gtk_widget_get_width (GTK_WIDGET (self)) - frame.left, 1);
  frame.height = MAX (gtk_widget_get_height (GTK_WIDGET (self)) - frame.line * 1.5f - LABEL_GAP, 1);
  frame.slot = frame.width / MAX (self->n_bars, 1);
  if (gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL)
    frame.left = 0;
  return frame;
}

/* Where a bar's slot begins: time runs with the reading direction. */
static float
slot_x (DeskReportPlot *self, const Frame *frame, guint bar)
{
  if (gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL)
    bar = self->n_bars - 1 - bar;
  return frame->left + bar * frame->slot;
}

static void
draw_scale (DeskReportPlot *self, GtkSnapshot *snapshot, const Frame *frame)
{
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  GdkRGBA color;
  gtk_style_context_get_color (gtk_widget_get_style_context (GTK_WIDGET (self)), &color);
  color.alpha *= .15f;
  for (int i = 0; i <= LINES; i++)
    {
      g_autofree char *text = self->format (self->top * i / LINES);
      float y = roundf (frame->line * .5f + frame->height * (1 - (float) i / LINES));
      gtk_snapshot_append_color (snapshot, &color, &GRAPHENE_RECT_INIT (frame->left, y, frame->width, 1));
      if (i == 0)
        continue;
      if (rtl)
        draw_text (self, snapshot, text, frame->width + LABEL_GAP, y - frame->line * .5f, 0);
      else
        draw_text (self, snapshot, text, frame->left - LABEL_GAP, y - frame->line * .5f, 1);
    }
}

static void
draw_bar (DeskReportPlot *self, GtkSnapshot *snapshot, const Frame *frame, guint bar)
{
  float width = MIN (MAX (frame->slot * .7f, 1), MOST_BAR);
  float x = slot_x (self, frame, bar) + (frame->slot - width) / 2;
  float bottom = frame->line * .5f + frame->height;
  float total = bar_total (self, bar) / self->top * frame->height;
  GskRoundedRect shape;
  if (total <= 0)
    return;
  gsk_rounded_rect_init_from_rect (
      &shape, &GRAPHENE_RECT_INIT (x, bottom - total, width, total), 0);
  shape.corner[GSK_CORNER_TOP_LEFT] = shape.corner[GSK_CORNER_TOP_RIGHT]
      = GRAPHENE_SIZE_INIT (MIN (width / 3, 4), MIN (total, 4));
  gtk_snapshot_push_rounded_clip (snapshot, &shape);
  for (guint i = 0; i < self->series->len; i++)
    {
      const Series *series = g_ptr_array_index (self->series, i);
      float part = MAX (series->values[bar], 0) / self->top * frame->height;
      GdkRGBA color = desk_report_plot_get_color (i);
      if (part > 0)
        gtk_snapshot_append_color (snapshot, &color,
                                   &GRAPHENE_RECT_INIT (x, bottom - part, width, part));
      bottom -= part;
    }
  gtk_snapshot_pop (snapshot);
}

static void
draw_labels (DeskReportPlot *self, GtkSnapshot *snapshot, const Frame *frame)
{
  int widest = 1, height;
  for (guint i = 0; i < self->n_bars; i++)
    widest = MAX (widest, text_width (self, self->labels[i], &height));
  guint every = ceilf ((widest + 12) / frame->slot);
  for (guint i = 0; i < self->n_bars; i += MAX (every, 1))
    draw_text (self, snapshot, self->labels[i], slot_x (self, frame, i) + frame->slot / 2,
               frame->line * .5f + frame->height + LABEL_GAP, .5f);
}

static void
desk_report_plot_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  DeskReportPlot *self = DESK_REPORT_PLOT (widget);
  if (self->n_bars == 0)
    return;
  Frame frame = get_frame (self);
  draw_scale (self, snapshot, &frame);
  for (guint i = 0; i < self->n_bars; i++)
    draw_bar (self, snapshot, &frame, i);
  draw_labels (self, snapshot, &frame);
}

static void
desk_report_plot_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                          int *natural, int *minimum_baseline, int *natural_baseline)
{
  *minimum = orientation == GTK_ORIENTATION_HORIZONTAL ? 160 : HEIGHT;
  *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? 480 : HEIGHT;
}

static gboolean
on_query_tooltip (DeskReportPlot *self, int x, int y, gboolean keyboard, GtkTooltip *tooltip)
{
  if (self->n_bars == 0 || keyboard)
    return FALSE;
  Frame frame = get_frame (self);
  for (guint bar = 0; bar < self->n_bars; bar++)
    {
      float left = slot_x (self, &frame, bar);
      if (x < left || x >= left + frame.slot)
        continue;
      g_autoptr (GString) text = g_string_new (self->labels[bar]);
      for (guint i = 0; i < self->series->len; i++)
        {
          const Series *series = g_ptr_array_index (self->series, i);
          g_autofree char *value = self->format (MAX (series->values[bar], 0));
          if (series->values[bar] > 0)
            g_string_append_printf (text, "\n%s: %s", series->name, value);
        }
      gtk_tooltip_set_text (tooltip, text->str);
      gtk_tooltip_set_tip_area (tooltip, &(GdkRectangle){ left, 0, MAX (frame.slot, 1),
                                                          gtk_widget_get_height (GTK_WIDGET (self)) });
      return TRUE;
    }
  return FALSE;
}

void
desk_report_plot_set (DeskReportPlot *self, const char *const *labels, guint n_bars,
                      const DeskPlotSeries *series, guint n_series, const double *steps,
                      DeskPlotFormat format)
{
  g_return_if_fail (DESK_IS_REPORT_PLOT (self) && format != NULL);
  g_strfreev (self->labels);
  self->labels = g_new0 (char *, n_bars + 1);
  for (guint i = 0; i < n_bars; i++)
    self->labels[i] = g_strdup (labels[i]);
  self->n_bars = n_bars;
  g_ptr_array_set_size (self->series, 0);
  for (guint i = 0; i < n_series; i++)
    {
      Series *copy = g_new0 (Series, 1);
      copy->name = g_strdup (series[i].name);
      copy->values = g_memdup2 (series[i].values, n_bars * sizeof (double));
      g_ptr_array_add (self->series, copy);
    }
  self->format = format;
  self->top = find_top (self, steps);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
desk_report_plot_finalize (GObject *object)
{
  DeskReportPlot *self = DESK_REPORT_PLOT (object);
  g_strfreev (self->labels);
  g_ptr_array_unref (self->series);
  G_OBJECT_CLASS (desk_report_plot_parent_class)->finalize (object);
}

static void
desk_report_plot_class_init (DeskReportPlotClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = desk_report_plot_finalize;
  widget_class->snapshot = desk_report_plot_snapshot;
  widget_class->measure = desk_report_plot_measure;
  gtk_widget_class_set_css_name (widget_class, "reportplot");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
desk_report_plot_init (DeskReportPlot *self)
{
  self->series = g_ptr_array_new_with_free_func (series_free);
  self->top = LINES;
  gtk_widget_set_has_tooltip (GTK_WIDGET (self), TRUE);
  gtk_widget_set_hexpand (GTK_WIDGET (self), TRUE);
  g_signal_connect (self, "query-tooltip", G_CALLBACK (on_query_tooltip), NULL);
}

GtkWidget *
desk_report_plot_new (void)
{
  return g_object_new (DESK_TYPE_REPORT_PLOT, NULL);
}
