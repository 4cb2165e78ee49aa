/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define DESK_TYPE_REPORT_PLOT (desk_report_plot_get_type ())
G_DECLARE_FINAL_TYPE (DeskReportPlot, desk_report_plot, DESK, REPORT_PLOT, GtkWidget)

/* Upright bars, one series upon the other, over a scale that begins at nought. What a bar stands for is
 * told by its tooltip; a screen reader gets the plot's label and the figures beside it. */

typedef char *(*DeskPlotFormat) (double value); /* of the scale and the tooltips; transfer full */

typedef struct
{
  const char *name;
  const double *values; /* one for each bar; negative: no bar */
} DeskPlotSeries;

GtkWidget *desk_report_plot_new (void);
/* Takes copies. @labels: what stands under each bar; those that do not fit are left out.
 * @steps: (nullable) (array zero-terminated): where the scale may end; NULL: round decimal numbers */
void desk_report_plot_set (DeskReportPlot *self, const char *const *labels, guint n_bars,
                           const DeskPlotSeries *series, guint n_series, const double *steps,
                           DeskPlotFormat format);
/* The colour of a series, for a legend. */
GdkRGBA desk_report_plot_get_color (guint series);

G_END_DECLS
