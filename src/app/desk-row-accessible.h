/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* To be called when a row of a list is mapped. GTK 4.8 keeps a list item that it takes from its pool hidden from the
 * accessibility tree: the screen shows it and a screen reader does not find it. */
void desk_row_show_to_readers (GtkWidget *row);

G_END_DECLS
