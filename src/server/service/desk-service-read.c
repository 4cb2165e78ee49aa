/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* Reads: complete answers, on the calling thread, from one state of the store each. Bodies of
 * messages are copied as they are stored, but for links to files. */

#include "server/service/desk-service-private.h"

#include <string.h>

#define MAX_LIMIT  1000
#define BODY_BYTES 768 /* of a usual message */

static DeskServerTx *
begin (DeskService *self, DeskReply **out_failure)
{
  g_autoptr (GError) error = NULL;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, &error);
  if (tx == NULL)
    *out_failure = desk_reply_new_store_failure (error);
  return tx;
}

/* Ends the read; keeps reply, or replaces it by the failure. */
static DeskReply *
finish (DeskServerTx *tx, DeskReply *reply, gboolean ok, GError *error)
{
  tx->ops->end_read (tx);
  if (ok)
    return reply;
  g_autoptr (GError) owned = error;
  desk_reply_free (reply);
  return desk_reply_new_store_failure (owned);
}

DeskReply *
desk_service_get_capabilities (DeskService *self, const DeskIdentity *who)
{
  static const char *const features[] = { "notes", "read_markers", "changes", "stale_guard",
                                         "change_chat", "edit", "canned", "profiles", "templates",
                                         "presence", NULL };
  g_autoptr (DeskCapabilities) capabilities = g_new0 (DeskCapabilities, 1);
  capabilities->level = 2;
  capabilities->features = g_strdupv ((char **)features);
  capabilities->platforms = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_platform_free);
  for (guint i = 0; i < self->platform_order->len; i++)
    g_ptr_array_add (capabilities->platforms, desk_platform_copy (self->platform_order->pdata[i]));
  capabilities->me = desk_manager_new (who->username, who->display_name, who->role);
  capabilities->server_time_ms = desk_clock_now_ms (self->clock);
  DeskReply *reply = desk_reply_new_ok ();
  DeskJsonWriter w;
  desk_reply_begin (reply, &w);
  desk_wire_write_capabilities (&w, capabilities);
  desk_reply_end (reply, &w, NULL);
  return reply;
}

/* ── Chats ──────────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskJsonWriter w;
  guint limit;
  guint n;
  gint64 last_time_ms;
  gint64 last_row;
  gboolean more;
} DeskChatList;

static gboolean
add_chat (DeskServerChat *chat, gpointer data)
{
  DeskChatList *list = data;
  if (list->limit > 0 && list->n == list->limit)
    {
      list->more = TRUE;
      return FALSE;
    }
  desk_wire_write_chat (&list->w, chat->chat);
  list->n++;
  list->last_time_ms = chat->chat->last_time_ms;
  list->last_row = chat->row;
  return TRUE;
}

/* A page token: the place of the last chat, "TIME-ROW". */
static gboolean
parse_page (const char *page, gint64 *out_time, gint64 *out_row)
{
  *out_time = *out_row = G_MAXINT64;
  if (page == NULL)
    return TRUE;
  g_auto (GStrv) parts = g_strsplit (page, "-", 2);
  return g_strv_length (parts) == 2
         && g_ascii_string_to_signed (parts[0], 10, 0, G_MAXINT64, out_time, NULL)
         && g_ascii_string_to_signed (parts[1], 10, 0, G_MAXINT64, out_row, NULL);
}

DeskReply *
desk_service_get_chats (DeskService *self, const DeskIdentity *who, const DeskChatsFilter *filter)
{
  GError *error = NULL;
  DeskReply *reply = NULL;
  DeskServerChatsQuery query = { .username = who->username,
                                 .platform = filter->platform,
                                 .state = filter->state,
                                 .assignee = filter->assignee,
                                 .label = filter->label,
                                 .unread_only = filter->unread_only };
  if (!parse_page (filter->page, &query.before_time_ms, &query.before_row))
    return desk_reply_new_invalid ("page", "page is not one of ours");
  DeskChatList list = { .limit = MIN (filter->limit, MAX_LIMIT) };
  query.limit = list.limit > 0 ? list.limit + 1 : 0;
  DeskServerTx *tx = begin (self, &reply);
  if (tx == NULL)
    return reply;
  reply = desk_reply_new_ok ();
  desk_reply_begin (reply, &list.w);
  desk_json_writer_begin_array (&list.w);
  gboolean ok = tx->ops->chats_list (tx, &query, add_chat, &list, &error);
  desk_json_writer_end_array (&list.w);
  g_autofree char *next = list.more ? g_strdup_printf ("%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT,
                                                       list.last_time_ms, list.last_row)
                                    : NULL;
  desk_reply_end (reply, &list.w, next);
  return finish (tx, reply, ok, error);
}

DeskReply *
desk_service_get_chat (DeskService *self,
                       const DeskIdentity *who,
                       const char *platform,
                       const char *user_id)
{
  GError *error = NULL;
  DeskReply *reply = NULL;
  g_autoptr (DeskServerChat) chat = NULL;
  DeskServerTx *tx = begin (self, &reply);
  if (tx == NULL)
    return reply;
  gboolean ok = tx->ops->chat_find (tx, platform, user_id, who->username, &chat, &error);
  if (chat != NULL)
    {
      DeskJsonWriter w;
      reply = desk_reply_new_ok ();
      desk_reply_begin (reply, &w);
      desk_wire_write_chat (&w, chat->chat);
      desk_reply_end (reply, &w, NULL);
    }
  else
    reply = desk_reply_new_no_chat ();
  return finish (tx, reply, ok, error);
}

/* ── Messages ───────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskService *service;
  DeskJsonWriter w;
  guint limit;
  guint n;
  char last_id[64];
  gboolean more;
} DeskBodyList;

static gboolean
add_body (const char *body, gsize len, const char *id, gpointer data)
{
  DeskBodyList *list = data;
  if (list->n == list->limit)
    {
      list->more = TRUE;
      return FALSE;
    }
  desk_service_write_stored (list->service, &list->w, body, len);
  list->n++;
  if (id != NULL && list->n == list->limit)
    g_strlcpy (list->last_id, id, sizeof list->last_id);
  return TRUE;
}

DeskReply *
desk_service_get_messages (DeskService *self,
                           const DeskIdentity *who,
                           const char *platform,
                           const char *user_id,
                           guint limit,
                           guint offset,
                           gint64 before_seq,
                           gint64 after_seq)
{
  GError *error = NULL;
  DeskReply *reply = NULL;
  gint64 chat_row = 0;
  DeskServerTx *tx = begin (self, &reply);
  if (tx == NULL)
    return reply;
  gboolean ok = tx->ops->chat_get_row (tx, platform, user_id, &chat_row, &error);
  if (!ok || chat_row == 0)
    return finish (tx, desk_reply_new_no_chat (), ok, error);
  DeskBodyList list = { .service = self, .limit = CLAMP (limit, 1, MAX_LIMIT) };
  DeskServerMessagesQuery query = { .chat_row = chat_row,
                                    .before_seq = before_seq,
                                    .after_seq = after_seq,
                                    .offset = offset,
                                    .limit = list.limit,
                                    .public_only = before_seq < 0 && after_seq < 0 };
  reply = desk_reply_new_ok ();
  g_string_set_size (reply->body,
                     list.limit * BODY_BYTES); /* room at once, instead of growing and copying */
  g_string_truncate (reply->body, 0);
  desk_reply_begin (reply, &list.w);
  desk_json_writer_begin_array (&list.w);
  ok = tx->ops->messages_page (tx, &query, add_body, &list, &error);
  desk_json_writer_end_array (&list.w);
  desk_reply_end (reply, &list.w, NULL);
  return finish (tx, reply, ok, error);
}

/* The page token is the id of the last message: ids grow in the order of storing. */
DeskReply *
desk_service_get_all_messages (DeskService *self,
                               const DeskIdentity *who,
                               guint limit,
                               const char *page)
{
  GError *error = NULL;
  DeskReply *reply = NULL;
  if (page != NULL && strlen (page) >= 64)
    return desk_reply_new_invalid ("page", "page is not one of ours");
  DeskServerTx *tx = begin (self, &reply);
  if (tx == NULL)
    return reply;
  DeskBodyList list = { .service = self, .limit = limit > 0 ? MIN (limit, MAX_LIMIT) : MAX_LIMIT };
  reply = desk_reply_new_ok ();
  desk_reply_begin (reply, &list.w);
  desk_json_writer_begin_array (&list.w);
  gboolean ok = tx->ops->messages_all (tx, page, list.limit + 1, add_body, &list, &error);
  desk_json_writer_end_array (&list.w);
  desk_reply_end (reply, &list.w, list.more ? list.last_id : NULL);
  return finish (tx, reply, ok, error);
}

/* ── People ─────────────────────────────────────────────────────────────────────────────────── */

DeskReply *
desk_service_get_managers (DeskService *self, const DeskIdentity *who)
{
  GError *error = NULL;
  DeskReply *reply = NULL;
  g_autoptr (GPtrArray) users = NULL;
  DeskServerTx *tx = begin (self, &reply);
  if (tx == NULL)
    return reply;
  DeskJsonWriter w;
  gboolean ok = tx->ops->users_list (tx, &users, &error);
  reply = desk_reply_new_ok ();
  desk_reply_begin (reply, &w);
  desk_json_writer_begin_array (&w);
  for (guint i = 0; users != NULL && i < users->len; i++)
    {
      const DeskServerUser *user = users->pdata[i];
      desk_json_writer_begin_object (&w);
      desk_json_writer_member_string (&w, "username", user->username);
      desk_json_writer_member_string (&w, "display_name", user->display_name);
      desk_json_writer_member_string (&w, "role", desk_role_to_string (user->role));
      desk_json_writer_end_object (&w);
    }
  desk_json_writer_end_array (&w);
  desk_reply_end (reply, &w, NULL);
  return finish (tx, reply, ok, error);
}

char *
desk_service_get_checkpoint (DeskService *self, const char *connection)
{
  g_autoptr (GError) error = NULL;
  char *value = NULL;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, &error);
  if (tx != NULL)
    {
      tx->ops->checkpoint_get (tx, connection, &value, &error);
      tx->ops->end_read (tx);
    }
  if (error != NULL)
    g_warning ("the poll position of %s could not be read: %s", connection, error->message);
  return value;
}

/* ── The log ────────────────────────────────────────────────────────────────────────────────── */

static gboolean
cursor_is_good (
    DeskService *self, DeskServerTx *tx, const DeskCursor *cursor, gint64 *out_seq, GError **error)
{
  gint64 tail, seq = desk_cursor_get (cursor, 0);
  *out_seq = seq;
  if (g_strcmp0 (desk_cursor_get_epoch (cursor), self->store->ops->get_epoch (self->store)) != 0
      || seq > self->store->ops->get_head (self->store))
    return FALSE;
  for (guint i = 0; i < desk_cursor_get_n_partitions (cursor); i++)
    {
      guint partition;
      gint64 other;
      desk_cursor_get_nth (cursor, i, &partition, &other);
      if (partition != 0 && other > 0)
        return FALSE;
    }
  return tx->ops->events_tail (tx, &tail, error) && seq + 1 >= tail;
}

gboolean
desk_service_can_resume (DeskService *self, const DeskCursor *cursor)
{
  g_autoptr (GError) error = NULL;
  gint64 seq;
  if (cursor == NULL)
    return FALSE;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, &error);
  if (tx == NULL)
    return FALSE;
  gboolean good = cursor_is_good (self, tx, cursor, &seq, &error);
  tx->ops->end_read (tx);
  return good;
}

typedef struct
{
  GPtrArray *frames;
  gint64 last_seq;
} DeskFrameList;

static gboolean
add_frame (gint64 seq, const char *frame, gsize len, gpointer data)
{
  DeskFrameList *list = data;
  g_ptr_array_add (list->frames, g_bytes_new (frame, len));
  list->last_seq = seq;
  return TRUE;
}

/* Links in the log are as old as their events. */
static GPtrArray *
sign_frames (DeskService *self, GPtrArray *frames)
{
  for (guint i = 0; i < frames->len; i++)
    frames->pdata[i] = desk_service_sign_frame (self, frames->pdata[i]);
  return frames;
}

GPtrArray *
desk_service_read_log (DeskService *self,
                       guint partition,
                       gint64 after_seq,
                       guint limit,
                       gint64 *out_last_seq,
                       GError **error)
{
  *out_last_seq = after_seq;
  if (self->options.sink.recent != NULL)
    {
      GPtrArray *recent = self->options.sink.recent (self->options.sink.data, partition, after_seq,
                                                     limit, out_last_seq);
      if (recent != NULL)
        return sign_frames (self, recent);
    }
  DeskFrameList list
      = { g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref), after_seq };
  if (partition != 0)
    return list.frames;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, error);
  gboolean ok = tx != NULL && tx->ops->events_read (tx, after_seq, limit, add_frame, &list, error);
  if (tx != NULL)
    tx->ops->end_read (tx);
  if (!ok)
    {
      g_ptr_array_unref (list.frames);
      return NULL;
    }
  *out_last_seq = list.last_seq;
  return sign_frames (self, list.frames);
}

static char *
format_cursor (DeskService *self, gint64 seq)
{
  g_autoptr (DeskCursor) cursor = desk_cursor_new (self->store->ops->get_epoch (self->store));
  desk_cursor_set (cursor, 0, seq);
  return desk_cursor_format (cursor);
}

static DeskReply *
new_changes (DeskService *self, GPtrArray *frames, gint64 seq, gboolean has_more)
{
  g_autofree char *text = format_cursor (self, seq);
  DeskReply *reply = desk_reply_new_ok ();
  DeskJsonWriter w;
  desk_reply_begin (reply, &w);
  desk_wire_begin_changes (&w);
  for (guint i = 0; frames != NULL && i < frames->len; i++)
    {
      gsize len;
      const char *frame = g_bytes_get_data (frames->pdata[i], &len);
      desk_json_writer_raw_len (&w, frame, len);
    }
  desk_wire_end_changes (&w, text, has_more);
  desk_reply_end (reply, &w, NULL);
  return reply;
}

DeskReply *
desk_service_get_changes (DeskService *self,
                          const DeskIdentity *who,
                          const char *cursor,
                          guint limit)
{
  if (cursor == NULL || cursor[0] == '\0')
    return new_changes (self, NULL, desk_service_get_head (self, 0), FALSE);
  g_autoptr (DeskCursor) parsed = desk_cursor_parse (cursor);
  if (parsed == NULL || !desk_service_can_resume (self, parsed))
    return desk_reply_new_failure (DESK_CODE_CURSOR_EXPIRED,
                                   "The cursor does not reach the log; start afresh", NULL, -1, "");
  g_autoptr (GError) error = NULL;
  gint64 last, head = desk_service_get_head (self, 0);
  g_autoptr (GPtrArray) frames
      = desk_service_read_log (self, 0, desk_cursor_get (parsed, 0),
                               limit > 0 ? MIN (limit, MAX_LIMIT) : 500, &last, &error);
  if (frames == NULL)
    return desk_reply_new_store_failure (error);
  return new_changes (self, frames, last, last < head);
}
