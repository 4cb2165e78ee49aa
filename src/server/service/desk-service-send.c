/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* A manager's reply or note: idempotency, guards, message, event and delivery job in one
 * transaction.
 *
 * Invariants: the key is looked up before every guard; a refusal writes nothing; the answer is
 * given after the commit. Two requests with one key cannot be under way at once here: the writer
 * takes them one after the other, so the second finds what the first stored (IN_FLIGHT is for
 * stores with several writers). */

#include "server/service/desk-fault.h"
#include "server/service/desk-service-action.h"

#include <string.h>

#include "common/desk-crypto.h"

#define MAX_STALE 50 /* messages that a refusal shows */

typedef struct
{
  DeskWork work;
  DeskIdentity *who;
  char *platform;
  char *user_id;
  DeskSendRequest request;
  char *fingerprint;
  DeskReply *reply;
  DeskReplyDone done;
  gpointer data;
  gboolean refused;
  GPtrArray *uploads; /* of DeskFileUpload, until they are kept */
  GPtrArray *files;   /* of DeskStoredFile; empty for a text */
} DeskSend;

static void
add_part (GString *text, const char *part)
{
  if (part == NULL)
    part = "";
  g_string_append_printf (text, "%" G_GSIZE_FORMAT ":%s", strlen (part), part);
}

/* Parts with their lengths before them: no two requests run together into one text. */
static char *
make_fingerprint (const DeskSend *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  add_part (text, self->platform);
  add_part (text, self->user_id);
  add_part (text, self->request.text);
  add_part (text, self->request.reply_to);
  add_part (text, self->request.is_private ? "1" : "0");
  for (guint i = 0; i < self->files->len; i++)
    add_part (text, ((const DeskStoredFile *)self->files->pdata[i])->hash);
  const DeskTemplateUse *template = self->request.template;
  if (template != NULL)
    {
      add_part (text, template->name);
      add_part (text, template->language);
      for (gsize i = 0; template->variables[i] != NULL; i++)
        add_part (text, template->variables[i]);
    }
  return desk_sha256_hex (text->str, text->len);
}

static gboolean
refuse (DeskSend *self, DeskReply *reply)
{
  self->refused = TRUE;
  g_clear_pointer (&self->reply, desk_reply_free);
  self->reply = reply;
  return TRUE;
}

static DeskReply *
new_answer (DeskSend *self, const DeskMessage *message, gboolean duplicate)
{
  g_autoptr (DeskMessage) told = desk_service_copy_signed (self->work.service, message);
  DeskReply *reply = desk_reply_new_ok ();
  DeskJsonWriter w;
  reply->status = duplicate ? 200 : 201;
  desk_reply_begin (reply, &w);
  desk_wire_write_send_answer (&w, told, duplicate);
  desk_reply_end (reply, &w, NULL);
  return reply;
}

/* ── Guards: each sets self->reply where it refuses; FALSE only for a failing store ─────────── */

static gboolean
answer_from_key (DeskSend *self, DeskServerKey *key, GError **error)
{
  if (strcmp (key->fingerprint, self->fingerprint) != 0)
    return refuse (self,
                   desk_reply_new_failure (DESK_CODE_IDEMPOTENCY_MISMATCH,
                                           "This client_message_id was used for another message",
                                           NULL, -1, ""));
  g_autoptr (DeskServerMessage) stored = NULL;
  if (!self->work.tx->ops->message_by_seq (self->work.tx, key->chat_row, key->chat_seq, &stored,
                                           error))
    return FALSE;
  const char *body = stored != NULL ? stored->body : key->body;
  g_autoptr (DeskMessage) message = body != NULL ? desk_service_parse_body (body, error) : NULL;
  if (message == NULL)
    {
      if (body == NULL)
        g_set_error (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_FAILED,
                     "the message of a key is gone");
      return FALSE;
    }
  g_clear_pointer (&self->reply, desk_reply_free);
  self->reply = new_answer (self, message, TRUE);
  return TRUE;
}

typedef struct
{
  DeskService *service;
  DeskJsonWriter w;
  guint n;
} DeskStaleList;

static gboolean
add_stale (const char *body, gsize len, const char *id, gpointer data)
{
  DeskStaleList *list = data;
  desk_service_write_stored (list->service, &list->w, body, len);
  list->n++;
  return TRUE;
}

static gboolean
check_stale (DeskSend *self, const DeskServerChat *chat, GError **error)
{
  if (self->request.is_private || self->request.force || self->request.seen_seq < 0
      || chat->last_reply_seq <= self->request.seen_seq)
    return TRUE;
  g_autoptr (GString) details = g_string_new (NULL);
  DeskStaleList list = { .service = self->work.service };
  desk_json_writer_init (&list.w, details);
  desk_json_writer_begin_object (&list.w);
  desk_json_writer_key (&list.w, "messages");
  desk_json_writer_begin_array (&list.w);
  if (!self->work.tx->ops->messages_replies_after (self->work.tx, chat->row, self->request.seen_seq,
                                                   self->who->username, MAX_STALE, add_stale, &list,
                                                   error))
    return FALSE;
  desk_json_writer_end_array (&list.w);
  desk_json_writer_end_object (&list.w);
  if (list.n > 0)
    refuse (self, desk_reply_new_failure (DESK_CODE_STALE_REPLY,
                                          "A colleague has replied in the meantime", details->str,
                                          -1, ""));
  return TRUE;
}

static void
check_window (DeskSend *self, const DeskServerChat *chat, const DeskPlatform *platform)
{
  gint64 closed = chat->chat->window_expires_at_ms;
  if (self->request.is_private || self->request.template != NULL || platform == NULL
      || platform->window_hours == 0 || self->work.now_ms <= closed)
    return;
  g_autoptr (GPtrArray) templates
      = desk_service_copy_templates (self->work.service, chat->chat->connection);
  g_autoptr (GString) details = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, details);
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_time_ms (&w, "closed_at", closed);
  desk_json_writer_key (&w, "templates");
  desk_wire_write_templates (&w, templates);
  desk_json_writer_end_object (&w);
  refuse (self, desk_reply_new_failure (
                    DESK_CODE_WINDOW_CLOSED,
                    "The platform accepts free replies only for some time after the customer's "
                    "last message",
                    details->str, -1, ""));
}

static const DeskTemplate *
find_template (GPtrArray *templates, const DeskTemplateUse *use)
{
  for (guint i = 0; i < templates->len; i++)
    {
      const DeskTemplate *template = templates->pdata[i];
      if (strcmp (template->name, use->name) == 0
          && strcmp (template->language, use->language) == 0)
        return template;
    }
  return NULL;
}

/* A template's text is the platform's: what is stored is what the customer will read. */
static void
check_template (DeskSend *self, const DeskServerChat *chat)
{
  const DeskTemplateUse *use = self->request.template;
  if (use == NULL)
    return;
  g_autoptr (GPtrArray) templates
      = desk_service_copy_templates (self->work.service, chat->chat->connection);
  const DeskTemplate *template = find_template (templates, use);
  if (templates->len == 0)
    refuse (self, desk_reply_new_failure (DESK_CODE_NOT_SUPPORTED,
                                          "There are no templates for this chat", NULL, -1, ""));
  else if (self->request.is_private)
    refuse (self, desk_reply_new_invalid ("template", "A note is not sent as a template"));
  else if (template == NULL)
    refuse (self, desk_reply_new_invalid ("template", "There is no such template"));
  else if (g_strv_length (use->variables) != template->n_variables)
    refuse (self, desk_reply_new_invalid ("template",
                                          "template has another number of variables"));
  else
    {
      g_free (self->request.text);
      self->request.text = desk_template_fill (template, use->variables);
    }
}

DeskReply *
desk_reply_new_too_long (guint limit, DeskTextUnit unit, gsize length)
{
  static const char *const units[] = { "chars", "utf16", "bytes" };
  g_autoptr (GString) details = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, details);
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_int64 (&w, "limit", limit);
  desk_json_writer_member_string (&w, "unit", units[unit]);
  desk_json_writer_member_int64 (&w, "length", (gint64)length);
  desk_json_writer_end_object (&w);
  return desk_reply_new_failure (DESK_CODE_TEXT_TOO_LONG,
                                 "The text is longer than the platform takes", details->str, -1,
                                 "");
}

static void
check_text (DeskSend *self, const DeskPlatform *platform)
{
  const char *text = self->request.text;
  if (self->files->len == 0 && (text == NULL || text[strspn (text, " \t\r\n")] == '\0'))
    {
      refuse (self, desk_reply_new_invalid ("text", "text must not be empty"));
      return;
    }
  gsize bytes = text != NULL ? strlen (text) : 0;
  if (bytes > DESK_WIRE_MAX_TEXT)
    {
      refuse (self, desk_reply_new_too_long (DESK_WIRE_MAX_TEXT, DESK_TEXT_BYTES, bytes));
      return;
    }
  if (platform == NULL || self->request.is_private || bytes == 0)
    return;
  gsize length = desk_text_length (text, platform->text_unit);
  if (length > platform->text_limit)
    refuse (self, desk_reply_new_too_long (platform->text_limit, platform->text_unit, length));
}

/* A note stays here, so no platform's limit concerns it. */
static void
check_files (DeskSend *self, const DeskPlatform *platform)
{
  if (self->files->len == 0 || platform == NULL || self->request.is_private)
    return;
  if (platform->attachment_limit == 0)
    {
      refuse (self, desk_reply_new_failure (DESK_CODE_NOT_SUPPORTED,
                                            "Files cannot be sent to this platform", NULL, -1, ""));
      return;
    }
  for (guint i = 0; i < self->files->len; i++)
    {
      const DeskStoredFile *file = self->files->pdata[i];
      if (file->size <= platform->attachment_limit)
        continue;
      g_autofree char *details = g_strdup_printf (
          "{\"limit\":%" G_GINT64_FORMAT ",\"unit\":\"bytes\"}", platform->attachment_limit);
      refuse (self, desk_reply_new_failure (DESK_CODE_TOO_LARGE,
                                            "A file is larger than the platform takes", details, -1,
                                            ""));
      return;
    }
}

static gboolean
resolve_reply_to (DeskSend *self, const DeskServerChat *chat, DeskMessage *message, GError **error)
{
  g_autoptr (DeskServerMessage) stored = NULL;
  if (self->request.reply_to == NULL)
    return TRUE;
  if (!self->work.tx->ops->message_by_id (self->work.tx, self->request.reply_to, &stored, error))
    return FALSE;
  if (stored == NULL || stored->chat_row != chat->row)
    return refuse (self,
                   desk_reply_new_invalid ("reply_to", "reply_to names no message of this chat"));
  g_autoptr (DeskMessage) quoted = desk_service_parse_body (stored->body, error);
  if (quoted == NULL)
    return FALSE;
  g_autofree char *preview = desk_service_preview (quoted);
  message->reply_to
      = desk_reply_to_new (quoted->id, quoted->chat_seq,
                           quoted->sender_name != NULL ? quoted->sender_name
                                                       : desk_sender_to_string (quoted->sender),
                           preview);
  return TRUE;
}

/* ── The job ────────────────────────────────────────────────────────────────────────────────── */

static DeskMessage *
new_message (DeskSend *self, const DeskServerChat *chat)
{
  gboolean is_bot = self->who->role == DESK_ROLE_BOT;
  DeskMessage *message = desk_message_new (self->platform, self->user_id);
  message->is_level2 = TRUE;
  message->chat_id = g_strdup (self->user_id);
  message->direction = DESK_DIRECTION_OUTGOING;
  message->sender = is_bot ? DESK_SENDER_BOT : DESK_SENDER_MANAGER;
  message->source = is_bot ? DESK_SOURCE_BOT : DESK_SOURCE_API;
  g_free (message->text);
  message->text = g_strdup (self->request.text);
  message->kind
      = self->files->len > 0 ? desk_service_kind_of_files (self->files) : DESK_KIND_TEXT;
  for (guint i = 0; i < self->files->len; i++)
    g_ptr_array_add (message->attachments, desk_attachment_new_stored (self->files->pdata[i]));
  message->created_at_ms = self->work.now_ms;
  message->user_name = g_strdup (chat->chat->user_name);
  message->messenger_name = g_strdup (chat->chat->messenger_name);
  message->client_message_id = g_strdup (self->request.client_message_id);
  message->sender_id = g_strdup (self->who->username);
  message->sender_name = g_strdup (self->who->display_name);
  message->is_private = self->request.is_private;
  message->template = desk_template_use_copy (self->request.template);
  if (!message->is_private)
    {
      message->status = DESK_STATUS_QUEUED;
      g_ptr_array_add (message->status_history,
                       desk_status_change_new (DESK_STATUS_QUEUED, self->work.now_ms, NULL, NULL));
    }
  return message;
}

static gboolean
store_reply (DeskSend *self, DeskServerChat *chat, DeskMessage *message, GError **error)
{
  if (!desk_work_store_message (&self->work, chat, message, self->who->username,
                                self->request.client_message_id, self->fingerprint, FALSE, error))
    return FALSE;
  if (!message->is_private)
    {
      DeskServerJobRow job
          = { .chat_row = chat->row,
              .chat_seq = message->chat_seq,
              .connection = chat->chat->connection != NULL ? chat->chat->connection : (char *)"",
              .due_ms = self->work.now_ms,
              .created_ms = self->work.now_ms };
      if (!self->work.tx->ops->job_insert (self->work.tx, &job, error))
        return FALSE;
      self->work.wants_delivery = TRUE;
    }
  self->reply = new_answer (self, message, FALSE);
  return TRUE;
}

static gboolean
send_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskSend *self = data;
  g_autoptr (DeskServerChat) chat = NULL;
  g_autoptr (DeskServerKey) key = NULL;
  desk_work_begin (&self->work, tx);
  self->refused = FALSE;
  g_clear_pointer (&self->reply, desk_reply_free);

  if (self->request.client_message_id != NULL
      && !tx->ops->key_find (tx, self->who->username, self->request.client_message_id, &key, error))
    return FALSE;
  if (key != NULL)
    return answer_from_key (self, key, error);
  if (!tx->ops->chat_find (tx, self->platform, self->user_id, NULL, &chat, error))
    return FALSE;
  if (chat == NULL)
    return refuse (self, desk_reply_new_no_chat ());
  const DeskPlatform *platform = desk_service_find_platform (self->work.service, self->platform);
  check_template (self, chat);
  if (!self->refused)
    check_text (self, platform);
  if (!self->refused)
    check_files (self, platform);
  if (!self->refused)
    check_window (self, chat, platform);
  if (!self->refused && !check_stale (self, chat, error))
    return FALSE;
  if (self->refused)
    return TRUE;
  g_autoptr (DeskMessage) message = new_message (self, chat);
  if (!resolve_reply_to (self, chat, message, error))
    return FALSE;
  const gboolean ok = self->refused || store_reply (self, chat, message, error);
  desk_fault_point ("send-uncommitted");
  return ok;
}

static void
send_free (DeskSend *self)
{
  desk_work_clear (&self->work);
  desk_identity_unref (self->who);
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self->request.text);
  g_free (self->request.client_message_id);
  g_free (self->request.reply_to);
  desk_template_use_free (self->request.template);
  g_free (self->fingerprint);
  g_clear_pointer (&self->uploads, g_ptr_array_unref);
  g_ptr_array_unref (self->files);
  g_clear_pointer (&self->reply, desk_reply_free);
  g_free (self);
}

static void
send_done (const GError *error, gpointer data)
{
  DeskSend *self = data;
  desk_service_note_commit (self->work.service, error);
  desk_fault_point ("send-committed");
  if (error != NULL)
    {
      g_clear_pointer (&self->reply, desk_reply_free);
      self->reply = desk_reply_new_store_failure (error);
    }
  else
    {
      desk_work_publish (&self->work);
      desk_service_count (self->work.service,
                          self->refused                ? DESK_COUNT_REFUSED
                          : self->reply->status == 200 ? DESK_COUNT_DUPLICATES
                                                       : DESK_COUNT_SENDS,
                          1);
    }
  self->done (g_steal_pointer (&self->reply), self->data);
  desk_fault_point ("send-answered");
  send_free (self);
}

static DeskSend *
send_new (DeskService *service,
          DeskIdentity *who,
          const char *platform,
          const char *user_id,
          const DeskSendRequest *request,
          DeskReplyDone done,
          gpointer data)
{
  DeskSend *self = g_new0 (DeskSend, 1);
  desk_work_init (&self->work, service);
  self->who = desk_identity_ref (who);
  self->platform = g_strdup (platform);
  self->user_id = g_strdup (user_id);
  self->request = *request;
  self->request.text = g_strdup (request->text);
  self->request.client_message_id = g_strdup (request->client_message_id);
  self->request.reply_to = g_strdup (request->reply_to);
  self->request.template = desk_template_use_copy (request->template);
  self->files = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_stored_file_free);
  self->done = done;
  self->data = data;
  return self;
}

static void
send_submit (DeskSend *self)
{
  DeskServerStore *store = self->work.service->store;
  self->fingerprint = make_fingerprint (self);
  store->ops->submit (store, send_job, send_done, self);
}

static DeskReply *
check_key (const DeskSendRequest *request)
{
  if (request->client_message_id == NULL
      || (request->client_message_id[0] != '\0'
          && strlen (request->client_message_id) <= DESK_KEY_MAX_BYTES))
    return NULL;
  return desk_reply_new_invalid ("client_message_id",
                                 "client_message_id must have 1 to 128 bytes");
}

/**
 * desk_service_send:
 * @who: the manager
 * @request: copied
 * @done: (scope async): gets 201, 200 for a repetition, or the refusal; on the writer thread
 *
 * Any thread.
 */
void
desk_service_send (DeskService *service,
                   DeskIdentity *who,
                   const char *platform,
                   const char *user_id,
                   const DeskSendRequest *request,
                   DeskReplyDone done,
                   gpointer data)
{
  g_return_if_fail (service != NULL && who != NULL && request != NULL && done != NULL);
  DeskReply *refusal = check_key (request);
  if (refusal != NULL)
    {
      done (refusal, data);
      return;
    }
  send_submit (send_new (service, who, platform, user_id, request, done, data));
}

/* Keeps the files before the message that names them is stored. What a refusal leaves unnamed is
 * removed by the daily cleanup. */
static void
keep_files (DeskService *service, gpointer data)
{
  DeskSend *self = data;
  g_autoptr (GError) error = NULL;
  while (self->uploads->len > 0)
    {
      DeskFileUpload *upload = g_ptr_array_steal_index (self->uploads, 0);
      DeskStoredFile *file = upload->ops->finish (upload, &error);
      if (file == NULL)
        {
          self->done (desk_reply_new_file_failure (error), self->data);
          send_free (self);
          return;
        }
      g_ptr_array_add (self->files, file);
    }
  send_submit (self);
}

/**
 * desk_service_send_files:
 * @request: copied; its text is the caption
 * @uploads: (transfer full) (element-type DeskFileUpload): at least one, complete
 * @done: (scope async): as for desk_service_send(); on any thread
 *
 * Any thread.
 */
void
desk_service_send_files (DeskService *service,
                         DeskIdentity *who,
                         const char *platform,
                         const char *user_id,
                         const DeskSendRequest *request,
                         GPtrArray *uploads,
                         DeskReplyDone done,
                         gpointer data)
{
  g_return_if_fail (service != NULL && who != NULL && request != NULL && done != NULL);
  g_return_if_fail (uploads != NULL && uploads->len > 0);
  DeskReply *refusal = check_key (request);
  if (refusal != NULL)
    {
      g_ptr_array_unref (uploads);
      done (refusal, data);
      return;
    }
  DeskSend *self = send_new (service, who, platform, user_id, request, done, data);
  self->uploads = uploads;
  desk_service_push_file_task (service, keep_files, self);
}
