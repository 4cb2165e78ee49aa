/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "app/desk-inbox.h"

G_BEGIN_DECLS

/* Told once, with NULL when it was printed or the manager cancelled; else why not, for people. */
typedef void (*DeskPrintDone) (const char *problem, gpointer data);

/**
 * desk_chat_print:
 * @file: (nullable): a PDF to write without asking; NULL opens the print dialog
 *
 * Prints the newest messages of a chat (at most 2,000) without internal notes.
 */
void desk_chat_print (GtkWindow *parent, DeskInbox *inbox, const char *platform, const char *user_id,
                      const char *title, GFile *file, DeskPrintDone done, gpointer data);

G_END_DECLS
