/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "app/desk-inbox.h"

G_BEGIN_DECLS

/* Is this a program, a script, or something that starts one? Such a file is saved and never opened. */
gboolean desk_file_is_program (const char *filename, const char *mime_type);
/* Fetches the file and opens it with the program that the desktop has for it; a program is offered to be saved.
 * What fails is told in a dialog. @widget stands in the window. Main thread. */
void desk_file_open (GtkWidget *widget, DeskInbox *inbox, const DeskMessage *message, guint index);
/* Asks for a place and saves the file there. */
void desk_file_save_as (GtkWidget *widget, DeskInbox *inbox, const DeskMessage *message, guint index);
/* Tells that something did not work. */
void desk_file_tell (GtkWidget *widget, const char *heading, const char *reason);

G_END_DECLS
