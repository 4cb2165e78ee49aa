/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Writes a chat into a file: a page from the cache, its text, the write, and so on until the newest. */

#include "app/desk-export.h"

#include <glib/gi18n.h>

#include "app/desk-format.h"
#include "protocol/desk-wire.h"

#define PAGE 500

typedef struct
{
  DeskChatRow *row;
  DeskExportFormat format;
  gboolean with_notes;
  GFileOutputStream *stream;
  GString *text; /* of the page that is being written */
  gint64 after_key;
  guint messages;
  gboolean last_page;
  gboolean in_gap; /* a gap may end a page and begin the next */
  char *platform;
  char *user_id;
} Export;

static void
export_free (gpointer data)
{
  Export *self = data;
  g_clear_pointer (&self->row, desk_chat_row_free);
  g_clear_object (&self->stream);
  g_string_free (self->text, TRUE);
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self);
}

static void ask_page (GTask *task);

/* A stream that is closed with a cancelled cancellable leaves the old file alone. */
static void
fail (GTask *task, GError *error)
{
  Export *self = g_task_get_task_data (task);
  if (self->stream != NULL)
    {
      g_autoptr (GCancellable) cancelled = g_cancellable_new ();
      g_cancellable_cancel (cancelled);
      g_output_stream_close (G_OUTPUT_STREAM (self->stream), cancelled, NULL);
    }
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void
on_closed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  if (g_output_stream_close_finish (G_OUTPUT_STREAM (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_written (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Export *self = g_task_get_task_data (task);
  GError *error = NULL;
  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error))
    fail (task, error);
  else if (self->last_page)
    g_output_stream_close_async (G_OUTPUT_STREAM (self->stream), G_PRIORITY_DEFAULT,
                                 g_task_get_cancellable (task), on_closed, task);
  else
    ask_page (task);
}

/* ── Text ───────────────────────────────────────────────────────────────────────────────────── */

static const char *
customer_name (const DeskChat *chat)
{
  return *chat->user_name != '\0' ? chat->user_name : chat->user_id;
}

static void
append_begin (GTask *task)
{
  Export *self = g_task_get_task_data (task);
  const DeskChat *chat = self->row->chat;
  if (self->format == DESK_EXPORT_HTML)
    {
      g_autofree char *now = desk_format_full (g_get_real_time () / 1000);
      g_autofree char *about = g_strdup_printf (
          /* Translators: a platform, a customer's handle or id, the time of the export. */
          _ ("%s · %s · saved %s"),
          desk_inbox_platform_title (g_task_get_source_object (task), chat->platform),
          chat->messenger_name != NULL ? chat->messenger_name : chat->user_id, now);
      desk_export_html_begin (self->text, customer_name (chat), about);
      return;
    }
  DeskJsonWriter w;
  g_string_append (self->text, "{\"chat\":");
  desk_json_writer_init (&w, self->text);
  desk_wire_write_chat (&w, chat);
  g_string_append (self->text, ",\"messages\":[");
}

static void
append_json (Export *self, const DeskTimelineItem *item)
{
  DeskJsonWriter w;
  if (item->type != DESK_ITEM_MESSAGE)
    return; /* chat_seq shows what is missing; what was not sent is no message yet */
  g_string_append (self->text, self->messages > 0 ? ",\n" : "\n");
  desk_json_writer_init (&w, self->text);
  desk_wire_write_message (&w, item->message);
}

static void
append_item (GTask *task, const DeskTimelineItem *item)
{
  Export *self = g_task_get_task_data (task);
  DeskInbox *inbox = g_task_get_source_object (task);
  gboolean is_note = item->type == DESK_ITEM_MESSAGE   ? item->message->is_private
                     : item->type == DESK_ITEM_PENDING ? item->pending->is_private
                                                       : FALSE;
  if ((is_note && !self->with_notes) || (item->type == DESK_ITEM_GAP && self->in_gap))
    return;
  self->in_gap = item->type == DESK_ITEM_GAP;
  if (self->format == DESK_EXPORT_JSON)
    append_json (self, item);
  else
    desk_export_html_item (self->text, item, customer_name (self->row->chat), desk_inbox_get_me (inbox));
  self->messages += item->type == DESK_ITEM_MESSAGE;
}

static void
on_page (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Export *self = g_task_get_task_data (task);
  GError *error = NULL;
  DeskTimelinePage *page = desk_store_list_messages_finish (DESK_STORE (source), result, &error);
  if (page == NULL)
    {
      fail (task, error);
      return;
    }
  for (guint i = 0; i < page->items->len; i++)
    {
      const DeskTimelineItem *item = g_ptr_array_index (page->items, i);
      append_item (task, item);
      if (item->type == DESK_ITEM_MESSAGE)
        self->after_key = item->order_key;
    }
  self->last_page = !page->has_newer || page->items->len == 0;
  if (self->last_page && self->format == DESK_EXPORT_HTML)
    desk_export_html_end (self->text);
  else if (self->last_page)
    g_string_append (self->text, "\n]}\n");
  desk_timeline_page_free (page);
  g_output_stream_write_all_async (G_OUTPUT_STREAM (self->stream), self->text->str, self->text->len,
                                   G_PRIORITY_DEFAULT, g_task_get_cancellable (task), on_written, task);
}

static void
ask_page (GTask *task)
{
  Export *self = g_task_get_task_data (task);
  DeskTimelineQuery query = { .platform = self->platform,
                              .user_id = self->user_id,
                              .anchor = DESK_ANCHOR_AFTER,
                              .order_key = self->after_key,
                              .limit = PAGE };
  DeskStore *store = desk_inbox_get_store (g_task_get_source_object (task));
  if (self->after_key != G_MININT64)
    g_string_truncate (self->text, 0);
  if (store == NULL)
    fail (task, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, _ ("The chats were closed.")));
  else
    desk_store_list_messages_async (store, &query, g_task_get_cancellable (task), on_page, task);
}

static void
on_opened (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Export *self = g_task_get_task_data (task);
  GError *error = NULL;
  self->stream = g_file_replace_finish (G_FILE (source), result, &error);
  if (self->stream == NULL)
    {
      fail (task, error);
      return;
    }
  append_begin (task);
  ask_page (task);
}

static void
on_chat (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Export *self = g_task_get_task_data (task);
  GFile *file = g_object_get_data (G_OBJECT (task), "file");
  GError *error = NULL;
  self->row = desk_store_get_chat_finish (DESK_STORE (source), result, &error);
  if (self->row == NULL)
    fail (task, error);
  else
    g_file_replace_async (file, NULL, FALSE, G_FILE_CREATE_PRIVATE | G_FILE_CREATE_REPLACE_DESTINATION,
                          G_PRIORITY_DEFAULT, g_task_get_cancellable (task), on_opened, task);
}

void
desk_export_chat_async (DeskInbox *inbox, const char *platform, const char *user_id,
                        DeskExportFormat format, gboolean with_notes, GFile *file,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  g_return_if_fail (DESK_IS_INBOX (inbox) && G_IS_FILE (file) && desk_inbox_get_store (inbox) != NULL);
  GTask *task = g_task_new (inbox, cancellable, callback, data);
  Export *self = g_new0 (Export, 1);
  g_task_set_source_tag (task, desk_export_chat_async);
  self->format = format;
  self->with_notes = with_notes;
  self->text = g_string_new (NULL);
  self->after_key = G_MININT64;
  self->platform = g_strdup (platform);
  self->user_id = g_strdup (user_id);
  g_task_set_task_data (task, self, export_free);
  g_object_set_data_full (G_OBJECT (task), "file", g_object_ref (file), g_object_unref);
  desk_store_get_chat_async (desk_inbox_get_store (inbox), platform, user_id, cancellable, on_chat, task);
}

gboolean
desk_export_chat_finish (DeskInbox *inbox, GAsyncResult *result, guint *out_messages, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, inbox), FALSE);
  if (out_messages != NULL)
    *out_messages = ((Export *)g_task_get_task_data (G_TASK (result)))->messages;
  return g_task_propagate_boolean (G_TASK (result), error);
}
