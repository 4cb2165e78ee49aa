/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* How a line of the chat list is painted. A list keeps about two hundred rows, each of which was a
 * dozen widgets; painted, a row costs a tenth of that in time and memory. Everything that rows have
 * in common (the Pango context, heights) is kept once, with the list. */

#include "app/desk-chat-row-paint.h"

#include <math.h>

#define METRICS_KEY "desk-chat-row-metrics"

/* ── What rows share ────────────────────────────────────────────────────────────────────────── */

static GtkWidget *
get_host (GtkWidget *row)
{
  GtkWidget *list = gtk_widget_get_ancestor (row, GTK_TYPE_LIST_VIEW);
  return list != NULL ? list : row;
}

PangoContext *
desk_chat_row_get_context (GtkWidget *row)
{
  return gtk_widget_get_pango_context (get_host (row));
}

static int
measure_height (PangoContext *context, double scale, PangoWeight weight, int *baseline)
{
  g_autoptr (PangoLayout) layout = desk_chat_row_new_layout (context, "X", scale, weight, FALSE);
  int height;
  pango_layout_get_pixel_size (layout, NULL, &height);
  if (baseline != NULL)
    *baseline = PANGO_PIXELS (pango_layout_get_baseline (layout));
  return height;
}

const DeskChatRowMetrics *
desk_chat_row_get_metrics (GtkWidget *row)
{
  GtkWidget *host = get_host (row);
  PangoContext *context = gtk_widget_get_pango_context (host);
  DeskChatRowMetrics *metrics = g_object_get_data (G_OBJECT (host), METRICS_KEY);
  if (metrics == NULL)
    {
      metrics = g_new0 (DeskChatRowMetrics, 1);
      g_object_set_data_full (G_OBJECT (host), METRICS_KEY, metrics, g_free);
    }
  else if (metrics->serial == pango_context_get_serial (context))
    return metrics;
  metrics->serial = pango_context_get_serial (context);
  metrics->text_height = measure_height (context, 1, PANGO_WEIGHT_NORMAL, &metrics->ascent);
  metrics->pill_height = measure_height (context, .8, PANGO_WEIGHT_BOLD, NULL) + 2;
  metrics->first_line
      = MAX (metrics->text_height, measure_height (context, 1, PANGO_WEIGHT_BOLD, NULL));
  metrics->second_line = MAX (MAX (metrics->text_height, metrics->pill_height), 16);
  return metrics;
}

/* ── Text ───────────────────────────────────────────────────────────────────────────────────── */

/* In tenths of a pixel: every other size would be a font of its own, to be sought and loaded, and
 * so 12 px are the 12 px that labels have. */
static int
scale_font (PangoContext *context, double scale)
{
  const PangoFontDescription *font = pango_context_get_font_description (context);
  double size = pango_font_description_get_size (font) * scale / PANGO_SCALE;
  if (!pango_font_description_get_size_is_absolute (font))
    size *= MAX (pango_cairo_context_get_resolution (context), 96) / 72;
  return (int)(round (size * 10) / 10 * PANGO_SCALE);
}

PangoLayout *
desk_chat_row_new_layout (
    PangoContext *context, const char *text, double scale, PangoWeight weight, gboolean numeric)
{
  PangoLayout *layout = pango_layout_new (context);
  g_autoptr (PangoAttrList) attributes = pango_attr_list_new ();
  if (scale != 1)
    pango_attr_list_insert (attributes, pango_attr_size_new_absolute (scale_font (context, scale)));
  if (weight != PANGO_WEIGHT_NORMAL)
    pango_attr_list_insert (attributes, pango_attr_weight_new (weight));
  if (numeric)
    pango_attr_list_insert (attributes, pango_attr_font_features_new ("tnum"));
  pango_layout_set_attributes (layout, attributes);
  pango_layout_set_single_paragraph_mode (layout, TRUE);
  pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_END);
  pango_layout_set_text (layout, text, -1);
  return layout;
}

static void
append_upper (GString *initials, const char *letter)
{
  g_autofree char *upper = g_utf8_strup (letter, g_utf8_next_char (letter) - letter);
  g_string_append (initials, upper);
}

/* The first letters of the first and the last word, as AdwAvatar has them. */
static char *
make_initials (const char *name)
{
  g_autofree char *composed = g_utf8_normalize (name, -1, G_NORMALIZE_DEFAULT_COMPOSE);
  GString *initials = g_string_new (NULL);
  const char *last;

  if (composed == NULL || *g_strstrip (composed) == '\0')
    return g_string_free (initials, FALSE);
  append_upper (initials, composed);
  last = g_utf8_strrchr (composed, -1, ' ');
  if (last != NULL)
    append_upper (initials, last + 1);
  return g_string_free (initials, FALSE);
}

PangoLayout *
desk_chat_row_new_initials (PangoContext *context, const char *name)
{
  g_autofree char *initials = make_initials (name);
  return desk_chat_row_new_layout (context, initials, 1, PANGO_WEIGHT_BOLD, FALSE);
}

/* ── Painting ───────────────────────────────────────────────────────────────────────────────── */

#define HEX(rgb)                                                                                   \
  {                                                                                                \
    (float)((rgb) >> 16 & 255) / 255.f, (float)((rgb) >> 8 & 255) / 255.f,                         \
        (float)((rgb)&255) / 255.f, 1.f                                                            \
  }

/* Top, bottom and letters: the palette of libadwaita's avatars, in its order. */
static const GdkRGBA avatar_colours[][3] = {
  { HEX (0x83b6ec), HEX (0x337fdc), HEX (0xcfe1f5) },
  { HEX (0x7ad9f1), HEX (0x0f9ac8), HEX (0xcaeaf2) },
  { HEX (0x8de6b1), HEX (0x29ae74), HEX (0xcef8d8) },
  { HEX (0xb5e98a), HEX (0x6ab85b), HEX (0xe6f9d7) },
  { HEX (0xf8e359), HEX (0xd29d09), HEX (0xf9f4e1) },
  { HEX (0xffcb62), HEX (0xd68400), HEX (0xffead1) },
  { HEX (0xffa95a), HEX (0xed5b00), HEX (0xffe5c5) },
  { HEX (0xf78773), HEX (0xe62d42), HEX (0xf8d2ce) },
  { HEX (0xe973ab), HEX (0xe33b6a), HEX (0xfac7de) },
  { HEX (0xcb78d4), HEX (0x9945b5), HEX (0xe7c2e8) },
  { HEX (0x9e91e8), HEX (0x7a59ca), HEX (0xd5d2f5) },
  { HEX (0xe3cf9c), HEX (0xb08952), HEX (0xf2eade) },
  { HEX (0xbe916d), HEX (0x785336), HEX (0xe5d6ca) },
  { HEX (0xc0bfbc), HEX (0x6e6d71), HEX (0xd8d7d3) },
};

/* As large as AdwAvatar has them: the square inside of the circle, less some space. The font of the
 * names is enlarged, for fonts of five sizes would have to be sought and loaded. */
static void
paint_initials (GtkSnapshot *snapshot, PangoLayout *layout, const GdkRGBA *colour, float x, float y)
{
  double room = DESK_AVATAR_SIZE / G_SQRT2 - (DESK_AVATAR_SIZE * .4 - 5);
  const PangoFontDescription *font
      = pango_context_get_font_description (pango_layout_get_context (layout));
  double font_size = pango_font_description_get_size (font) / (double)PANGO_SCALE;
  int width, height;

  pango_layout_get_pixel_size (layout, &width, &height);
  if (width <= 0 || font_size <= 0)
    return;
  float scale = (float)(MIN (height * room / width, room) / font_size);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT (x + DESK_AVATAR_SIZE / 2.f,
                                                          y + DESK_AVATAR_SIZE / 2.f));
  gtk_snapshot_scale (snapshot, scale, scale);
  desk_chat_row_paint_layout (snapshot, layout, colour, (float)-width / 2, (float)-height / 2);
  gtk_snapshot_restore (snapshot);
}

void
desk_chat_row_paint_avatar (
    GtkSnapshot *snapshot, PangoLayout *initials, const char *name, float x, float y)
{
  const GdkRGBA *colours = avatar_colours[g_str_hash (name) % G_N_ELEMENTS (avatar_colours)];
  const GskColorStop stops[] = { { 0, colours[0] }, { 1, colours[1] } };
  graphene_rect_t area = GRAPHENE_RECT_INIT (x, y, DESK_AVATAR_SIZE, DESK_AVATAR_SIZE);
  GskRoundedRect circle;

  gsk_rounded_rect_init_from_rect (&circle, &area, DESK_AVATAR_SIZE / 2.f);
  gtk_snapshot_push_rounded_clip (snapshot, &circle);
  gtk_snapshot_append_linear_gradient (snapshot, &area, &area.origin,
                                       &GRAPHENE_POINT_INIT (x, y + DESK_AVATAR_SIZE), stops,
                                       G_N_ELEMENTS (stops));
  gtk_snapshot_pop (snapshot);
  paint_initials (snapshot, initials, &colours[2], x, y);
}

void
desk_chat_row_paint_layout (
    GtkSnapshot *snapshot, PangoLayout *layout, const GdkRGBA *colour, float x, float y)
{
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT (x, y));
  gtk_snapshot_append_layout (snapshot, layout, colour);
  gtk_snapshot_restore (snapshot);
}

void
desk_chat_row_paint_round (GtkSnapshot *snapshot,
                           const GdkRGBA *colour,
                           const graphene_rect_t *area)
{
  GskRoundedRect round;
  gsk_rounded_rect_init_from_rect (&round, area, MIN (area->size.width, area->size.height) / 2);
  gtk_snapshot_push_rounded_clip (snapshot, &round);
  gtk_snapshot_append_color (snapshot, colour, area);
  gtk_snapshot_pop (snapshot);
}

void
desk_chat_row_paint_icon (GtkSnapshot *snapshot,
                          GtkWidget *row,
                          const char *name,
                          const GdkRGBA *colour,
                          int size,
                          float x,
                          float y)
{
  GtkIconTheme *theme = gtk_icon_theme_get_for_display (gtk_widget_get_display (row));
  /* The theme keeps what it has loaded. */
  g_autoptr (GtkIconPaintable) icon
      = gtk_icon_theme_lookup_icon (theme, name, NULL, size, gtk_widget_get_scale_factor (row),
                                    gtk_widget_get_direction (row), 0);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT (x, y));
  gtk_symbolic_paintable_snapshot_symbolic (GTK_SYMBOLIC_PAINTABLE (icon), snapshot, size, size,
                                            colour, 1);
  gtk_snapshot_restore (snapshot);
}

GdkRGBA
desk_chat_row_colour (GtkWidget *row, const char *name, float alpha)
{
  GtkStyleContext *style = gtk_widget_get_style_context (row);
  GdkRGBA colour;
  if (name == NULL || !gtk_style_context_lookup_color (style, name, &colour))
    gtk_style_context_get_color (style, &colour);
  colour.alpha *= alpha;
  return colour;
}

GdkRGBA
desk_chat_row_mix (const GdkRGBA *a, const GdkRGBA *b, float share_of_b)
{
  float share_of_a = 1 - share_of_b;
  return (GdkRGBA) {
    .red = a->red * share_of_a + b->red * share_of_b,
    .green = a->green * share_of_a + b->green * share_of_b,
    .blue = a->blue * share_of_a + b->blue * share_of_b,
    .alpha = a->alpha * share_of_a + b->alpha * share_of_b,
  };
}
