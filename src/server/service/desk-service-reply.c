/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* Answers, and what a write tells after its commit. */

#include "server/service/desk-service-private.h"

#include <string.h>

/* ── Answers ────────────────────────────────────────────────────────────────────────────────── */

DeskReply *
desk_reply_new_ok (void)
{
  DeskReply *self = g_new0 (DeskReply, 1);
  self->status = 200;
  self->code = DESK_CODE_NONE;
  self->body = g_string_sized_new (1024);
  self->retry_after_s = -1;
  return self;
}

DeskReply *
desk_reply_new_failure (DeskCode code,
                        const char *message,
                        const char *details,
                        gint64 retry_after_s,
                        const char *request_id)
{
  DeskReply *self = desk_reply_new_ok ();
  self->status = desk_code_http_status (code);
  self->code = code;
  self->retry_after_s = retry_after_s;
  DeskJsonWriter w;
  desk_json_writer_init (&w, self->body);
  desk_wire_write_failure (&w, code, message, details, retry_after_s,
                           request_id != NULL ? request_id : "");
  return self;
}

void
desk_reply_free (DeskReply *self)
{
  if (self == NULL)
    return;
  g_string_free (self->body, TRUE);
  g_free (self);
}

void
desk_reply_begin (DeskReply *self, DeskJsonWriter *w)
{
  desk_json_writer_init (w, self->body);
  desk_wire_begin_answer (w);
}

void
desk_reply_end (DeskReply *self, DeskJsonWriter *w, const char *next)
{
  desk_wire_end_answer (w, next);
}

DeskReply *
desk_reply_new_empty (void)
{
  DeskReply *self = desk_reply_new_ok ();
  DeskJsonWriter w;
  desk_reply_begin (self, &w);
  desk_json_writer_begin_object (&w);
  desk_json_writer_end_object (&w);
  desk_reply_end (self, &w, NULL);
  return self;
}

DeskReply *
desk_reply_new_store_failure (const GError *error)
{
  if (g_error_matches (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_FULL))
    return desk_reply_new_failure (DESK_CODE_STORAGE_FULL,
                                   "The backend has no space left; nothing was stored", NULL, 30,
                                   "");
  if (g_error_matches (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_FAILED)
      || g_error_matches (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_CONFLICT)
      || error == NULL || error->domain != DESK_SERVER_STORE_ERROR)
    {
      g_warning ("a request failed: %s", error != NULL ? error->message : "no error");
      return desk_reply_new_failure (DESK_CODE_INTERNAL, "The backend failed; nothing was stored",
                                     NULL, -1, "");
    }
  return desk_reply_new_failure (DESK_CODE_UNAVAILABLE,
                                 "The store cannot be used now; nothing was stored", NULL, 5, "");
}

DeskReply *
desk_reply_new_invalid (const char *field, const char *message)
{
  g_autoptr (GString) details = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, details);
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "field", field);
  desk_json_writer_end_object (&w);
  return desk_reply_new_failure (DESK_CODE_INVALID, message, details->str, -1, "");
}

DeskReply *
desk_reply_new_no_chat (void)
{
  return desk_reply_new_failure (DESK_CODE_NOT_FOUND, "There is no such chat", NULL, -1, "");
}

/* ── One write ──────────────────────────────────────────────────────────────────────────────── */

static void
logged_event_free (gpointer data)
{
  DeskLoggedEvent *event = data;
  g_bytes_unref (event->frame);
  g_clear_pointer (&event->frame_level0, g_bytes_unref);
  g_free (event);
}

void
desk_work_init (DeskWork *self, DeskService *service)
{
  memset (self, 0, sizeof *self);
  self->service = service;
  self->events = g_ptr_array_new_with_free_func (logged_event_free);
  self->ephemeral = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_event_free);
  self->fetches = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_message_free);
  self->lookups = g_ptr_array_new_with_free_func (desk_work_wanted_free);
}

void
desk_work_clear (DeskWork *self)
{
  g_ptr_array_unref (self->events);
  g_ptr_array_unref (self->ephemeral);
  g_ptr_array_unref (self->fetches);
  g_ptr_array_unref (self->lookups);
}

void
desk_work_begin (DeskWork *self, DeskServerTx *tx)
{
  g_ptr_array_set_size (self->events, 0);
  g_ptr_array_set_size (self->ephemeral, 0);
  g_ptr_array_set_size (self->fetches, 0);
  g_ptr_array_set_size (self->lookups, 0);
  self->wants_delivery = FALSE;
  self->tx = tx;
  self->now_ms = desk_clock_now_ms (self->service->clock);
}

static GBytes *
take_bytes (GString *text)
{
  return g_string_free_to_bytes (text);
}

static void
mark_links (const DeskEvent *event, GString *text)
{
  if (event->message != NULL && event->message->attachments->len > 0)
    g_string_append_c (text, DESK_LINKS_MARK);
  if (event->profile != NULL && event->profile->avatar != NULL
      && g_str_has_prefix (event->profile->avatar, DESK_LINK_FILES))
    g_string_append_c (text, DESK_AVATAR_MARK);
}

static GBytes *
level0_frame (const DeskEvent *event)
{
  GString *text = g_string_sized_new (512);
  DeskJsonWriter w;
  mark_links (event, text);
  desk_json_writer_init (&w, text);
  if (desk_wire_write_event_level0 (&w, event))
    return take_bytes (text);
  g_string_free (text, TRUE);
  return NULL;
}

static GBytes *
level2_frame (const DeskEvent *event)
{
  GString *text = g_string_sized_new (1024);
  DeskJsonWriter w;
  mark_links (event, text);
  desk_json_writer_init (&w, text);
  desk_wire_write_event (&w, event);
  return take_bytes (text);
}

gboolean
desk_work_emit (DeskWork *self, DeskEvent *event, GError **error)
{
  event->sequenced = TRUE;
  event->partition = 0;
  event->seq = self->tx->ops->event_next_seq (self->tx);
  g_autoptr (GBytes) frame = level2_frame (event);
  gsize len;
  const char *text = g_bytes_get_data (frame, &len);
  if (!self->tx->ops->event_append (self->tx, event->seq, self->now_ms, text, len, error))
    return FALSE;
  DeskLoggedEvent *logged = g_new0 (DeskLoggedEvent, 1);
  logged->seq = event->seq;
  logged->is_private = event->message != NULL && event->message->is_private;
  logged->frame = g_steal_pointer (&frame);
  logged->frame_level0 = level0_frame (event);
  g_ptr_array_add (self->events, logged);
  return TRUE;
}

gboolean
desk_work_emit_message (DeskWork *self, DeskEventType type, DeskMessage *message, GError **error)
{
  DeskEvent event = { .type = type, .message = message };
  return desk_work_emit (self, &event, error);
}

gboolean
desk_work_emit_chat (DeskWork *self, DeskServerChat *chat, GError **error)
{
  DeskEvent event = { .type = DESK_EVENT_CHAT_UPDATED, .chat = chat->chat };
  gboolean had_personal = chat->chat->has_personal, had_unread = chat->chat->has_unread;
  chat->chat->rev++;
  chat->chat->has_personal = FALSE; /* everyone gets the same frame */
  chat->chat->has_unread = FALSE;
  gboolean ok = desk_work_emit (self, &event, error);
  chat->chat->has_personal = had_personal;
  chat->chat->has_unread = had_unread;
  return ok;
}

void
desk_work_want_files (DeskWork *self, const DeskMessage *message)
{
  if (desk_service_has_pending_files (message))
    g_ptr_array_add (self->fetches, desk_message_copy (message));
}

void
desk_work_add_ephemeral (DeskWork *self, DeskEvent *event)
{
  g_ptr_array_add (self->ephemeral, event);
}

void
desk_work_publish (DeskWork *self)
{
  const DeskServiceSink *sink = &self->service->options.sink;
  for (guint i = 0; i < self->events->len; i++)
    {
      DeskLoggedEvent *event = self->events->pdata[i];
      event->frame = desk_service_sign_frame (self->service, event->frame);
      event->frame_level0 = desk_service_sign_frame (self->service, event->frame_level0);
    }
  if (self->events->len > 0 && sink->published != NULL)
    sink->published (sink->data, (const DeskLoggedEvent *const *)self->events->pdata,
                     self->events->len);
  for (guint i = 0; i < self->ephemeral->len && sink->ephemeral != NULL; i++)
    {
      g_autoptr (GBytes) frame = level2_frame (self->ephemeral->pdata[i]);
      g_autoptr (GBytes) frame0 = level0_frame (self->ephemeral->pdata[i]);
      sink->ephemeral (sink->data, frame, frame0);
    }
  if (self->wants_delivery && sink->delivery_wanted != NULL)
    sink->delivery_wanted (sink->data);
}
