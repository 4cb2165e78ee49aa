/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* One line of the chat list, painted by one widget (see desk-chat-row-paint.c). Rows are recycled:
 * whatever is shown follows from the item. The texts are laid out when they are painted first and
 * again when the item, the fonts or the width change; their layouts are dropped until then. */

#include "app/desk-chat-list-row.h"

#include <glib/gi18n.h>

#include "app/desk-chat-row-paint.h"
#include "app/desk-delivery.h"
#include "app/desk-format.h"
#include "app/desk-inbox.h"
#include "app/desk-row-accessible.h"
#include "common/desk-text.h"

/* Below this a customer does not wait yet, from here it is too long. */
#define WAITING_FROM_MS (2 * 60 * 1000)
#define WAITING_LONG_MS (30 * 60 * 1000)

/* Sizes of text, of the size of the font. */
#define CAPTION_SCALE .9
#define PILL_SCALE    .8
/* Opacity of what is less important. */
#define DIM .7f
/* Pixels. */
#define AVATAR_GAP         12
#define GAP                6
#define LINE_GAP           3
#define PILL_PADDING       6
#define PILL_MIN_WIDTH     22
#define BADGE_SIZE         18
#define BADGE_ICON         12
#define MUTED_ICON         12
#define STATE_ICON         14
#define ATTENTION_ICON     16
#define MIN_TEXT_WIDTH     120
#define NATURAL_TEXT_WIDTH 240

typedef enum
{
  TEXT_INITIALS,
  TEXT_NAME,
  TEXT_TIME,
  TEXT_PREVIEW,
  TEXT_WAITING,
  TEXT_UNREAD,
  N_TEXTS
} Text;

/* What explains itself under the pointer: from where to where it reaches. */
typedef enum
{
  SPOT_MUTED,
  SPOT_STATE,
  SPOT_WAITING,
  SPOT_ATTENTION,
  N_SPOTS
} Spot;

struct _DeskChatListRow
{
  GtkWidget parent_instance;

  DeskChatItem *item;
  gulong changed_handler;
  PangoLayout *texts[N_TEXTS];    /* NULL: not laid out, or nothing to show */
  guint serial;                   /* of the Pango context they were made with */
  gint64 waited_ms;               /* when they were made; below WAITING_FROM_MS: not shown */
  graphene_rect_t spots[N_SPOTS]; /* empty: not shown */
};

G_DEFINE_FINAL_TYPE (DeskChatListRow, desk_chat_list_row, GTK_TYPE_WIDGET)

/* ── The second line ────────────────────────────────────────────────────────────────────────── */

typedef enum
{
  PREVIEW_PLAIN,
  PREVIEW_DRAFT,
  PREVIEW_NOTE,
  PREVIEW_TYPING,
  PREVIEW_EMPTY,
} PreviewStyle;

static char *
make_preview (DeskChatItem *item, PreviewStyle *style)
{
  const DeskChatRow *row = desk_chat_item_get_row (item);
  const char *text = row->chat->last_message;

  *style = PREVIEW_PLAIN;
  if (desk_chat_item_get_typing (item))
    {
      *style = PREVIEW_TYPING;
      return g_strdup (_ ("typing…"));
    }
  if (row->pending_text != NULL && row->draft == NULL)
    {
      *style = row->pending_is_private ? PREVIEW_NOTE : PREVIEW_PLAIN;
      return g_strdup_printf (row->pending_is_private ? _ ("Note: %s") : _ ("You: %s"),
                              row->pending_text);
    }
  if (row->draft != NULL)
    {
      *style = PREVIEW_DRAFT;
      /* Translators: the beginning of a reply that was not sent yet. */
      return g_strdup_printf (_ ("Draft: %s"), row->draft);
    }
  if (text == NULL || *text == '\0')
    {
      *style = PREVIEW_EMPTY;
      return g_strdup (row->chat->last_time_ms > 0 ? _ ("Attachment") : _ ("No messages yet"));
    }
  if (row->last_is_private)
    {
      *style = PREVIEW_NOTE;
      /* Translators: an internal note that the customer does not see. */
      return g_strdup_printf (_ ("Note: %s"), text);
    }
  if (row->last_direction == DESK_DIRECTION_OUTGOING && row->chat->last_time_ms > 0)
    /* Translators: the last message of a chat was written by the business. */
    return g_strdup_printf (_ ("You: %s"), text);
  return g_strdup (text);
}

static const char *
state_icon (const DeskChatRow *row)
{
  if (row->draft != NULL)
    return NULL;
  if (row->pending > 0)
    return "desk-queued-symbolic";
  if (row->chat->last_time_ms == 0)
    return NULL;
  if (row->last_is_private)
    return "desk-note-symbolic";
  return row->last_direction == DESK_DIRECTION_OUTGOING ? desk_delivery_icon (row->last_status)
                                                        : NULL;
}

char *
desk_chat_list_row_describe (DeskChatItem *item, gint64 now_ms)
{
  const DeskChatRow *row = desk_chat_item_get_row (item);
  PreviewStyle style;
  g_autofree char *preview = make_preview (item, &style);
  g_autofree char *line = desk_text_preview (preview, 120);
  g_autofree char *when
      = row->activity_ms > 0 ? desk_format_when (row->activity_ms, now_ms) : g_strdup ("");
  /* Translators: what a screen reader says of a chat: name, platform, time, last message. */
  GString *text = g_string_new (NULL);
  g_string_append_printf (text, _ ("%s, %s, %s: %s"), desk_chat_item_get_name (item),
                          row->chat->platform, when, line);
  if (row->unread > 0)
    g_string_append_printf (text,
                            ngettext (", %d unread message", ", %d unread messages",
                                      (gulong)row->unread),
                            (int)row->unread);
  if (row->attention > 0)
    g_string_append (text, _ (", a reply needs your attention"));
  return g_string_free (text, FALSE);
}

static const char *
state_text (const DeskChatRow *row)
{
  if (row->pending > 0)
    return _ ("Waiting to be sent");
  return row->last_is_private ? _ ("Internal note") : desk_delivery_text (row->last_status);
}

static gboolean
is_muted (const DeskChatRow *row)
{
  return row->chat->has_personal && row->chat->personal.muted;
}

/* ── The texts ──────────────────────────────────────────────────────────────────────────────── */

static void
drop_texts (DeskChatListRow *self)
{
  for (guint i = 0; i < N_TEXTS; i++)
    g_clear_object (&self->texts[i]);
}

static PangoLayout *
make_preview_layout (DeskChatListRow *self, PangoContext *context)
{
  PreviewStyle style;
  g_autofree char *preview = make_preview (self->item, &style);
  g_autofree char *line = desk_text_preview (preview, 120);
  PangoLayout *layout = desk_chat_row_new_layout (context, line, 1, PANGO_WEIGHT_NORMAL, FALSE);
  if (style == PREVIEW_EMPTY)
    pango_attr_list_insert (pango_layout_get_attributes (layout),
                            pango_attr_style_new (PANGO_STYLE_ITALIC));
  return layout;
}

static void
make_texts (DeskChatListRow *self)
{
  PangoContext *context = desk_chat_row_get_context (GTK_WIDGET (self));
  const DeskChatRow *row = desk_chat_item_get_row (self->item);
  const char *name = desk_chat_item_get_name (self->item);
  PangoWeight name_weight = row->unread > 0 ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL;
  gint64 now_ms = g_get_real_time () / 1000;

  if (self->texts[TEXT_NAME] != NULL && self->serial == pango_context_get_serial (context))
    return;
  drop_texts (self);
  self->serial = pango_context_get_serial (context);
  self->texts[TEXT_INITIALS] = desk_chat_row_new_initials (context, name);
  self->texts[TEXT_NAME] = desk_chat_row_new_layout (context, name, 1, name_weight, FALSE);
  self->texts[TEXT_PREVIEW] = make_preview_layout (self, context);
  g_autofree char *when
      = row->activity_ms > 0 ? desk_format_when (row->activity_ms, now_ms) : g_strdup ("");
  self->texts[TEXT_TIME]
      = desk_chat_row_new_layout (context, when, CAPTION_SCALE, PANGO_WEIGHT_NORMAL, TRUE);
  self->waited_ms = row->chat->waiting_since_ms > 0 ? now_ms - row->chat->waiting_since_ms : 0;
  if (self->waited_ms >= WAITING_FROM_MS)
    {
      g_autofree char *span = desk_format_span (self->waited_ms);
      self->texts[TEXT_WAITING]
          = desk_chat_row_new_layout (context, span, PILL_SCALE, PANGO_WEIGHT_NORMAL, TRUE);
    }
  if (row->unread > 0)
    {
      g_autofree char *count
          = row->unread > 99 ? g_strdup ("99+") : g_strdup_printf ("%d", (int)row->unread);
      self->texts[TEXT_UNREAD]
          = desk_chat_row_new_layout (context, count, PILL_SCALE, PANGO_WEIGHT_BOLD, TRUE);
    }
}

/* ── Painting ───────────────────────────────────────────────────────────────────────────────── */

/* A line of the row: what is still free of it, as if it ran from left to right. */
typedef struct
{
  DeskChatListRow *row;
  GtkSnapshot *snapshot;
  float width; /* of the row */
  float left, right;
  float y, height;
} Line;

/* Takes @width from one end of the line; returns where that is on the screen. */
static float
take (Line *line, float width, gboolean from_end)
{
  float x = from_end ? line->right - width : line->left;
  if (from_end)
    line->right = x - GAP;
  else
    line->left = x + width + GAP;
  return gtk_widget_get_direction (GTK_WIDGET (line->row)) == GTK_TEXT_DIR_RTL
             ? line->width - x - width
             : x;
}

static void
paint_icon (Line *line, const char *name, GdkRGBA colour, int size, gboolean at_end, Spot spot)
{
  float x = take (line, (float)size, at_end);
  float y = line->y + (float)((int)(line->height - (float)size) / 2);
  line->row->spots[spot] = GRAPHENE_RECT_INIT (x, line->y, (float)size, line->height);
  desk_chat_row_paint_icon (line->snapshot, GTK_WIDGET (line->row), name, &colour, size, x, y);
}

static void
paint_end_text (Line *line, PangoLayout *layout, GdkRGBA colour)
{
  int width, height;
  pango_layout_get_pixel_size (layout, &width, &height);
  desk_chat_row_paint_layout (line->snapshot, layout, &colour, take (line, (float)width, TRUE),
                              line->y + (float)((int)(line->height - (float)height) / 2));
}

static graphene_rect_t
paint_pill (Line *line, PangoLayout *layout, GdkRGBA ground, GdkRGBA colour)
{
  int text_width, text_height;
  pango_layout_get_pixel_size (layout, &text_width, &text_height);
  float width = (float)MAX (text_width + 2 * PILL_PADDING, PILL_MIN_WIDTH);
  float height = (float)text_height + 2;
  float x = take (line, width, TRUE);
  float y = line->y + (float)((int)(line->height - height) / 2);
  graphene_rect_t area = GRAPHENE_RECT_INIT (x, y, width, height);

  desk_chat_row_paint_round (line->snapshot, &ground, &area);
  desk_chat_row_paint_layout (line->snapshot, layout, &colour,
                              x + (float)((int)(width - (float)text_width) / 2), y + 1);
  return area;
}

/* In what is left of the line; the baseline is that of the font whatever other fonts are in it. */
static void
paint_rest_text (Line *line, PangoLayout *layout, GdkRGBA colour)
{
  const DeskChatRowMetrics *metrics = desk_chat_row_get_metrics (GTK_WIDGET (line->row));
  float room = MAX (line->right - line->left, 0);
  PangoRectangle extents;
  float x, y;

  pango_layout_set_width (layout, (int)room * PANGO_SCALE);
  pango_layout_get_pixel_extents (layout, NULL, &extents);
  x = take (line, (float)extents.width, FALSE);
  y = line->y
      + (float)((int)(line->height - (float)metrics->text_height) / 2 + metrics->ascent
                - PANGO_PIXELS (pango_layout_get_baseline (layout)));
  desk_chat_row_paint_layout (line->snapshot, layout, &colour, x - (float)extents.x, y);
}

static void
paint_avatar (Line *line)
{
  GtkWidget *widget = GTK_WIDGET (line->row);
  const char *name = desk_chat_item_get_name (line->row->item);
  const char *icon = desk_inbox_platform_icon (desk_chat_item_get_chat (line->row->item)->platform);
  GdkRGBA ground = desk_chat_row_colour (widget, "window_bg_color", 1);
  GdkRGBA colour = desk_chat_row_colour (widget, NULL, 1);
  float y = line->y + (float)((int)(line->height - DESK_AVATAR_SIZE) / 2);
  float x = take (line, DESK_AVATAR_SIZE, FALSE);
  gboolean mirrored = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
  graphene_rect_t badge
      = GRAPHENE_RECT_INIT (mirrored ? x - 3 : x + DESK_AVATAR_SIZE - BADGE_SIZE + 3,
                            y + DESK_AVATAR_SIZE - BADGE_SIZE + 3, BADGE_SIZE, BADGE_SIZE);

  desk_chat_row_paint_avatar (line->snapshot, line->row->texts[TEXT_INITIALS], name, x, y);
  desk_chat_row_paint_round (line->snapshot, &ground, &badge);
  desk_chat_row_paint_icon (line->snapshot, widget, icon, &colour, BADGE_ICON, badge.origin.x + 3,
                            badge.origin.y + 3);
}

static void
paint_first_line (Line *line)
{
  DeskChatListRow *self = line->row;
  GtkWidget *widget = GTK_WIDGET (self);
  paint_end_text (line, self->texts[TEXT_TIME], desk_chat_row_colour (widget, NULL, DIM));
  if (is_muted (desk_chat_item_get_row (self->item)))
    paint_icon (line, "notifications-disabled-symbolic", desk_chat_row_colour (widget, NULL, .55f),
                MUTED_ICON, TRUE, SPOT_MUTED);
  paint_rest_text (line, self->texts[TEXT_NAME], desk_chat_row_colour (widget, NULL, 1));
}

static void
paint_waiting (Line *line)
{
  GtkWidget *widget = GTK_WIDGET (line->row);
  gboolean is_long = line->row->waited_ms > WAITING_LONG_MS;
  GdkRGBA ground = is_long ? desk_chat_row_colour (widget, "error_bg_color", .15f)
                           : desk_chat_row_colour (widget, "warning_bg_color", .25f);
  GdkRGBA warning = desk_chat_row_colour (widget, "warning_color", 1);
  GdkRGBA plain = desk_chat_row_colour (widget, "window_fg_color", 1);
  GdkRGBA colour = is_long ? desk_chat_row_colour (widget, "error_color", 1)
                           : desk_chat_row_mix (&warning, &plain, .3f);
  line->row->spots[SPOT_WAITING]
      = paint_pill (line, line->row->texts[TEXT_WAITING], ground, colour);
}

static void
paint_state (Line *line)
{
  GtkWidget *widget = GTK_WIDGET (line->row);
  const DeskChatRow *row = desk_chat_item_get_row (line->row->item);
  const char *icon = desk_chat_item_get_typing (line->row->item) ? NULL : state_icon (row);
  GdkRGBA colour = desk_chat_row_colour (widget, NULL, DIM);
  if (icon == NULL)
    return;
  if (row->pending == 0 && row->last_status == DESK_STATUS_FAILED)
    colour = desk_chat_row_colour (widget, "error_color", 1);
  else if (row->pending == 0 && row->last_status == DESK_STATUS_READ)
    colour = desk_chat_row_colour (widget, "accent_color", 1);
  paint_icon (line, icon, colour, STATE_ICON, FALSE, SPOT_STATE);
}

static GdkRGBA
preview_colour (DeskChatListRow *self)
{
  const DeskChatRow *row = desk_chat_item_get_row (self->item);
  if (desk_chat_item_get_typing (self->item))
    return desk_chat_row_colour (GTK_WIDGET (self), "accent_color", 1);
  if (row->draft != NULL)
    return desk_chat_row_colour (GTK_WIDGET (self), "error_color", 1);
  return desk_chat_row_colour (GTK_WIDGET (self), NULL, row->unread > 0 ? .85f : DIM);
}

static void
paint_second_line (Line *line)
{
  DeskChatListRow *self = line->row;
  GtkWidget *widget = GTK_WIDGET (self);
  const DeskChatRow *row = desk_chat_item_get_row (self->item);
  gboolean muted = is_muted (row);

  if (self->texts[TEXT_UNREAD] != NULL)
    paint_pill (line, self->texts[TEXT_UNREAD],
                muted ? desk_chat_row_colour (widget, NULL, .25f)
                      : desk_chat_row_colour (widget, "accent_bg_color", 1),
                desk_chat_row_colour (widget, muted ? NULL : "accent_fg_color", 1));
  if (row->attention > 0)
    paint_icon (line, "desk-failed-symbolic", desk_chat_row_colour (widget, "error_color", 1),
                ATTENTION_ICON, TRUE, SPOT_ATTENTION);
  if (self->texts[TEXT_WAITING] != NULL)
    paint_waiting (line);
  paint_state (line);
  paint_rest_text (line, self->texts[TEXT_PREVIEW], preview_colour (self));
}

static void
desk_chat_list_row_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  DeskChatListRow *self = DESK_CHAT_LIST_ROW (widget);
  const DeskChatRowMetrics *metrics = desk_chat_row_get_metrics (widget);
  float width = (float)gtk_widget_get_width (widget);
  float height = (float)gtk_widget_get_height (widget);
  int texts_height = metrics->first_line + LINE_GAP + metrics->second_line;
  Line line = { self, snapshot, width, 0, width, 0, height };

  memset (self->spots, 0, sizeof self->spots);
  if (self->item == NULL)
    return;
  make_texts (self);
  paint_avatar (&line);
  line.left = DESK_AVATAR_SIZE + AVATAR_GAP;
  line.y = (float)(((int)height - texts_height) / 2);
  line.height = (float)metrics->first_line;
  float left = line.left;
  paint_first_line (&line);
  line.left = left;
  line.right = width;
  line.y += line.height + LINE_GAP;
  line.height = (float)metrics->second_line;
  paint_second_line (&line);
}

static void
desk_chat_list_row_measure (GtkWidget *widget,
                            GtkOrientation orientation,
                            int for_size,
                            int *minimum,
                            int *natural,
                            int *minimum_baseline,
                            int *natural_baseline)
{
  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      *minimum = DESK_AVATAR_SIZE + AVATAR_GAP + MIN_TEXT_WIDTH;
      *natural = DESK_AVATAR_SIZE + AVATAR_GAP + NATURAL_TEXT_WIDTH;
      return;
    }
  const DeskChatRowMetrics *metrics = desk_chat_row_get_metrics (widget);
  *minimum = *natural
      = MAX (DESK_AVATAR_SIZE, metrics->first_line + LINE_GAP + metrics->second_line);
}

/* ── The pointer ────────────────────────────────────────────────────────────────────────────── */

static char *
explain (DeskChatListRow *self, Spot spot)
{
  switch (spot)
    {
    case SPOT_MUTED:
      return g_strdup (_ ("Muted"));
    case SPOT_STATE:
      return g_strdup (state_text (desk_chat_item_get_row (self->item)));
    case SPOT_WAITING:
      {
        g_autofree char *span = desk_format_span (self->waited_ms);
        /* Translators: how long a customer has waited for an answer. */
        return g_strdup_printf (_ ("Waiting for an answer for %s"), span);
      }
    case SPOT_ATTENTION:
      return g_strdup (_ ("A reply needs your attention"));
    case N_SPOTS:
    default:
      return NULL;
    }
}

/* One question when the pointer rests, in place of a tooltip an icon: setting one asks the display
 * server where the pointer is, each time. */
static gboolean
desk_chat_list_row_query_tooltip (
    GtkWidget *widget, int x, int y, gboolean keyboard, GtkTooltip *tooltip)
{
  DeskChatListRow *self = DESK_CHAT_LIST_ROW (widget);
  for (guint i = 0; self->item != NULL && !keyboard && i < N_SPOTS; i++)
    if (graphene_rect_contains_point (&self->spots[i], &GRAPHENE_POINT_INIT ((float)x, (float)y)))
      {
        g_autofree char *text = explain (self, (Spot)i);
        gtk_tooltip_set_text (tooltip, text);
        return text != NULL;
      }
  return FALSE;
}

/* ── The widget ─────────────────────────────────────────────────────────────────────────────── */

void
desk_chat_list_row_refresh (DeskChatListRow *self)
{
  drop_texts (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
update (DeskChatListRow *self)
{
  desk_chat_list_row_refresh (self);
  if (self->item == NULL)
    return;
  g_autofree char *description
      = desk_chat_list_row_describe (self->item, g_get_real_time () / 1000);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, description,
                                  -1);
}

void
desk_chat_list_row_set_item (DeskChatListRow *self, DeskChatItem *item)
{
  if (self->item == item)
    return;
  if (self->item != NULL)
    g_clear_signal_handler (&self->changed_handler, self->item);
  g_set_object (&self->item, item);
  if (item != NULL)
    self->changed_handler = g_signal_connect_swapped (item, "changed", G_CALLBACK (update), self);
  update (self);
}

static void
desk_chat_list_row_dispose (GObject *object)
{
  DeskChatListRow *self = DESK_CHAT_LIST_ROW (object);
  if (self->item != NULL)
    g_clear_signal_handler (&self->changed_handler, self->item);
  g_clear_object (&self->item);
  drop_texts (self);
  G_OBJECT_CLASS (desk_chat_list_row_parent_class)->dispose (object);
}

static void
desk_chat_list_row_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (desk_chat_list_row_parent_class)->map (widget);
  desk_row_show_to_readers (widget);
}

static void
desk_chat_list_row_class_init (DeskChatListRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_chat_list_row_dispose;
  widget_class->measure = desk_chat_list_row_measure;
  widget_class->snapshot = desk_chat_list_row_snapshot;
  widget_class->query_tooltip = desk_chat_list_row_query_tooltip;
  widget_class->map = desk_chat_list_row_map;
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
desk_chat_list_row_init (DeskChatListRow *self)
{
  gtk_widget_add_css_class (GTK_WIDGET (self), "chat-row");
  gtk_widget_set_has_tooltip (GTK_WIDGET (self), TRUE);
}
