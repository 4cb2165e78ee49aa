/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* What a line of the chat list is painted with. Main thread only. */

/* Diameter of a picture of a customer, in pixels. */
#define DESK_AVATAR_SIZE 42

typedef struct
{
  guint serial;    /* of the Pango context it was measured with */
  int ascent;      /* of a line of text, pixels */
  int text_height; /* of a line of text */
  int pill_height;
  int first_line, second_line; /* heights of the two lines */
} DeskChatRowMetrics;

/* The Pango context that all rows of a list share: one a list instead of one a label. Borrowed. */
PangoContext *desk_chat_row_get_context (GtkWidget *row);
/* Borrowed until the fonts change. */
const DeskChatRowMetrics *desk_chat_row_get_metrics (GtkWidget *row);

/* One line of text at @scale times the size of the font; @numeric: digits of one width. */
PangoLayout *desk_chat_row_new_layout (PangoContext *context, const char *text, double scale, PangoWeight weight, gboolean numeric);
/* The initials of a name. */
PangoLayout *desk_chat_row_new_initials (PangoContext *context, const char *name);

void desk_chat_row_paint_avatar (GtkSnapshot *snapshot, PangoLayout *initials, const char *name, float x, float y);
void desk_chat_row_paint_layout (GtkSnapshot *snapshot, PangoLayout *layout, const GdkRGBA *colour, float x, float y);
void desk_chat_row_paint_round (GtkSnapshot *snapshot, const GdkRGBA *colour, const graphene_rect_t *area);
void desk_chat_row_paint_icon (GtkSnapshot *snapshot, GtkWidget *row, const char *name, const GdkRGBA *colour, int size, float x, float y);

/* A named colour of the style with @alpha times its opacity. */
GdkRGBA desk_chat_row_colour (GtkWidget *row, const char *name, float alpha);
GdkRGBA desk_chat_row_mix (const GdkRGBA *a, const GdkRGBA *b, float share_of_b);

G_END_DECLS
