/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "model/desk-attachment.h"

G_BEGIN_DECLS

/* A frame of the size that the picture will have, around @content. @attachment (nullable) tells the size. */
GtkWidget *desk_picture_frame_new (GtkWidget *content, const DeskAttachment *attachment, gboolean sticker);

G_END_DECLS
