/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "bench"

#include "config.h"

#include "bench-raw-send.h"

#include <string.h>

static gboolean
insert_all (DeskServerTx *tx,
            const RawSend *self,
            DeskServerChat *chat,
            const char *client,
            const char *id,
            GError **error)
{
  const gint64 seq = ++chat->chat->last_chat_seq;
  gsize len = strlen (self->body);
  gint64 key_row;
  DeskMessage message = { .id = (char *)id,
                          .chat_seq = seq,
                          .direction = DESK_DIRECTION_OUTGOING,
                          .sender = DESK_SENDER_MANAGER,
                          .sender_id = (char *)"anna",
                          .status = DESK_STATUS_QUEUED,
                          .created_at_ms = 1795000000000 };
  DeskServerJobRow job = {
    .chat_row = chat->row, .chat_seq = seq, .connection = (char *)"main", .created_ms = 1
  };

  return tx->ops->key_insert (tx, "anna", client,
                              "0000000000000000000000000000000000000000000000000000000000000000",
                              chat->row, seq, 1, &key_row, error)
         && tx->ops->message_insert (tx, chat->row, &message, self->body, len, 1, key_row, error)
         && tx->ops->event_append (tx, tx->ops->event_next_seq (tx), 1, self->body, len, error)
         && tx->ops->chat_update (tx, chat, error) && tx->ops->job_insert (tx, &job, error);
}

gboolean
raw_send_run (DeskServerTx *tx, const RawSend *self, GError **error)
{
  g_autoptr (DeskServerKey) key = NULL;
  g_autoptr (DeskServerChat) chat = NULL;
  char id[40], client[40];

  g_snprintf (id, sizeof id, "f19aa000-0000-7000-8000-%012" G_GINT64_FORMAT, self->number);
  g_snprintf (client, sizeof client, "raw-%012" G_GINT64_FORMAT, self->number);
  if (!tx->ops->key_find (tx, "anna", client, &key, error)
      || !tx->ops->chat_find (tx, self->platform, self->user_id, NULL, &chat, error))
    return FALSE;
  g_return_val_if_fail (chat != NULL, FALSE);
  return insert_all (tx, self, chat, client, id, error);
}
