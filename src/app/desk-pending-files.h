/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "app/desk-inbox.h"

G_BEGIN_DECLS

/* The files of a reply that is on its way, how far the upload is, and a button that stops it. NULL if the
 * entry (nullable) has no files. A new widget. */
GtkWidget *desk_pending_files_new (DeskInbox *inbox, const DeskOutboxEntry *entry);

G_END_DECLS
