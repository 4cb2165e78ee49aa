/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* A chat on paper. The text is laid out once the size of the paper is known; a message is split between
 * pages only if it is longer than one. */

#include "app/desk-chat-print.h"

#include <glib/gi18n.h>

#include "app/desk-delivery.h"
#include "app/desk-format.h"

#define PAGE        500
#define MOST        2000
#define PARAGRAPH   6. /* points between messages */
#define LINES_CHUNK 40 /* of a long message that stay together */

typedef struct
{
  GtkWindow *parent;
  DeskInbox *inbox;
  char *platform, *user_id, *title;
  GFile *file;
  DeskPrintDone done;
  gpointer data;

  GPtrArray *texts;   /* of markup, newest first while they are read */
  GPtrArray *layouts; /* of PangoLayout */
  GArray *pages;      /* of guint: the first layout of each page */
  gint64 before_key;
} Print;

static void
print_free (Print *self)
{
  g_clear_object (&self->parent);
  g_clear_object (&self->inbox);
  g_clear_object (&self->file);
  g_clear_pointer (&self->texts, g_ptr_array_unref);
  g_clear_pointer (&self->layouts, g_ptr_array_unref);
  g_clear_pointer (&self->pages, g_array_unref);
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self->title);
  g_free (self);
}

static void
end (Print *self, const char *problem)
{
  self->done (problem, self->data);
  print_free (self);
}

/* ── Pages ──────────────────────────────────────────────────────────────────────────────────── */

static PangoLayout *
new_layout (Print *self, GtkPrintContext *context, const char *markup, gsize len)
{
  PangoLayout *layout = gtk_print_context_create_pango_layout (context);
  g_autoptr (PangoFontDescription) font = pango_font_description_from_string ("Sans 10");
  pango_layout_set_font_description (layout, font);
  pango_layout_set_width (layout, gtk_print_context_get_width (context) * PANGO_SCALE);
  pango_layout_set_wrap (layout, PANGO_WRAP_WORD_CHAR);
  pango_layout_set_markup (layout, markup, len);
  return layout;
}

static double
layout_height (PangoLayout *layout)
{
  int height;
  pango_layout_get_size (layout, NULL, &height);
  return (double)height / PANGO_SCALE;
}

/* A message that is longer than a page is cut into pieces of some lines, as plain text. */
static void
add_pieces (Print *self, GtkPrintContext *context, PangoLayout *whole)
{
  const char *text = pango_layout_get_text (whole);
  GSList *lines = pango_layout_get_lines_readonly (whole);
  while (lines != NULL)
    {
      PangoLayoutLine *first = lines->data, *last = first;
      for (guint i = 0; i < LINES_CHUNK && lines != NULL; i++, lines = lines->next)
        last = lines->data;
      g_autofree char *piece
          = g_markup_escape_text (text + first->start_index, last->start_index + last->length - first->start_index);
      g_ptr_array_add (self->layouts, new_layout (self, context, piece, -1));
    }
}

static void
on_begin_print (GtkPrintOperation *operation, GtkPrintContext *context, gpointer data)
{
  Print *self = data;
  double height = gtk_print_context_get_height (context), used = 0;
  g_autofree char *heading = g_markup_printf_escaped ("<big><b>%s</b></big>", self->title);
  guint first = 0;
  g_ptr_array_set_size (self->layouts, 0);
  g_array_set_size (self->pages, 0);
  g_ptr_array_add (self->layouts, new_layout (self, context, heading, -1));
  for (guint i = self->texts->len; i > 0; i--)
    {
      g_autoptr (PangoLayout) layout
          = new_layout (self, context, g_ptr_array_index (self->texts, i - 1), -1);
      if (layout_height (layout) > height * .8)
        add_pieces (self, context, layout);
      else
        g_ptr_array_add (self->layouts, g_steal_pointer (&layout));
    }
  g_array_append_val (self->pages, first);
  for (guint i = 0; i < self->layouts->len; i++)
    {
      double needed = layout_height (g_ptr_array_index (self->layouts, i)) + PARAGRAPH;
      if (used > 0 && used + needed > height)
        {
          g_array_append_val (self->pages, i);
          used = 0;
        }
      used += needed;
    }
  gtk_print_operation_set_n_pages (operation, self->pages->len);
}

static void
on_draw_page (GtkPrintOperation *operation, GtkPrintContext *context, int page, gpointer data)
{
  Print *self = data;
  cairo_t *cr = gtk_print_context_get_cairo_context (context);
  guint begin = g_array_index (self->pages, guint, page);
  guint after = (guint)page + 1 < self->pages->len ? g_array_index (self->pages, guint, page + 1)
                                                   : self->layouts->len;
  double y = 0;
  for (guint i = begin; i < after; i++)
    {
      PangoLayout *layout = g_ptr_array_index (self->layouts, i);
      cairo_move_to (cr, 0, y);
      pango_cairo_show_layout (cr, layout);
      y += layout_height (layout) + PARAGRAPH;
    }
}

static void
run (Print *self)
{
  g_autoptr (GtkPrintOperation) operation = gtk_print_operation_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *path = self->file != NULL ? g_file_get_path (self->file) : NULL;
  GtkPrintOperationResult result;
  gtk_print_operation_set_unit (operation, GTK_UNIT_POINTS);
  gtk_print_operation_set_job_name (operation, self->title);
  gtk_print_operation_set_embed_page_setup (operation, TRUE);
  g_signal_connect (operation, "begin-print", G_CALLBACK (on_begin_print), self);
  g_signal_connect (operation, "draw-page", G_CALLBACK (on_draw_page), self);
  if (path != NULL)
    gtk_print_operation_set_export_filename (operation, path);
  result = gtk_print_operation_run (
      operation,
      path != NULL ? GTK_PRINT_OPERATION_ACTION_EXPORT : GTK_PRINT_OPERATION_ACTION_PRINT_DIALOG,
      self->parent, &error);
  end (self, result == GTK_PRINT_OPERATION_RESULT_ERROR ? error->message : NULL);
}

/* ── Reading ────────────────────────────────────────────────────────────────────────────────── */

static char *
message_markup (Print *self, const DeskMessage *message)
{
  g_autofree char *writer = desk_message_writer (message, self->title, desk_inbox_get_me (self->inbox));
  g_autofree char *when = desk_format_full (message->created_at_ms);
  g_autofree char *summary
      = message->deleted_at_ms == 0 && *message->text != '\0' && message->attachments->len == 0
            ? g_strdup (message->text)
            : desk_message_summary (message, G_MAXSIZE);
  return g_markup_printf_escaped ("<b>%s</b>  <small>%s</small>\n%s", writer, when, summary);
}

static void ask_page (Print *self);

static void
on_page (GObject *source, GAsyncResult *result, gpointer data)
{
  Print *self = data;
  g_autoptr (GError) error = NULL;
  DeskTimelinePage *page = desk_store_list_messages_finish (DESK_STORE (source), result, &error);
  if (page == NULL)
    {
      end (self, error->message);
      return;
    }
  gboolean more = page->has_older && self->texts->len < MOST;
  for (guint i = page->items->len; i > 0; i--)
    {
      const DeskTimelineItem *item = g_ptr_array_index (page->items, i - 1);
      if (item->type != DESK_ITEM_MESSAGE)
        continue;
      self->before_key = item->order_key;
      if (!item->message->is_private)
        g_ptr_array_add (self->texts, message_markup (self, item->message));
    }
  desk_timeline_page_free (page);
  if (more)
    ask_page (self);
  else
    run (self);
}

static void
ask_page (Print *self)
{
  DeskStore *store = desk_inbox_get_store (self->inbox);
  DeskTimelineQuery query = { .platform = self->platform,
                              .user_id = self->user_id,
                              .anchor = self->before_key == G_MAXINT64 ? DESK_ANCHOR_NEWEST : DESK_ANCHOR_BEFORE,
                              .order_key = self->before_key,
                              .limit = PAGE };
  if (store == NULL)
    end (self, _ ("The chats were closed."));
  else
    desk_store_list_messages_async (store, &query, NULL, on_page, self);
}

void
desk_chat_print (GtkWindow *parent, DeskInbox *inbox, const char *platform, const char *user_id,
                 const char *title, GFile *file, DeskPrintDone done, gpointer data)
{
  g_return_if_fail (DESK_IS_INBOX (inbox) && done != NULL);
  Print *self = g_new0 (Print, 1);
  self->parent = parent != NULL ? g_object_ref (parent) : NULL;
  self->inbox = g_object_ref (inbox);
  self->platform = g_strdup (platform);
  self->user_id = g_strdup (user_id);
  self->title = g_strdup (title);
  self->file = file != NULL ? g_object_ref (file) : NULL;
  self->done = done;
  self->data = data;
  self->texts = g_ptr_array_new_with_free_func (g_free);
  self->layouts = g_ptr_array_new_with_free_func (g_object_unref);
  self->pages = g_array_new (FALSE, FALSE, sizeof (guint));
  self->before_key = G_MAXINT64;
  ask_page (self);
}
