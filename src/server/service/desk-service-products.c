/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* What customers offer.
 * Invariant: what a platform tells goes through the limits of a profile before it is kept. */

#include "server/service/desk-service-products.h"

#include <string.h>

#include "server/service/desk-service-change.h"
#include "server/service/desk-service-private.h"

#define LOOK_BACK 50 /* messages among which one of the customer's is looked for */

static gboolean
take_sender (const char *body, gsize len, const char *id, gpointer data)
{
  char **out = data;
  g_autoptr (DeskMessage) message = desk_service_parse_body (body, NULL);

  if (message == NULL || message->direction != DESK_DIRECTION_INCOMING
      || message->sender_id == NULL)
    return TRUE;
  *out = g_strdup (message->sender_id);
  return FALSE;
}

DeskReply *
desk_service_find_customer (DeskService *self,
                            const char *platform,
                            const char *user_id,
                            char **out_connection,
                            char **out_customer)
{
  g_return_val_if_fail (self != NULL && out_connection != NULL && out_customer != NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskServerChat) chat = NULL;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, &error);
  gboolean ok = tx != NULL && tx->ops->chat_find (tx, platform, user_id, NULL, &chat, &error);

  *out_connection = *out_customer = NULL;
  if (chat != NULL)
    {
      const DeskServerMessagesQuery query = {
        .chat_row = chat->row, .before_seq = 0, .after_seq = -1, .limit = LOOK_BACK, .public_only = TRUE
      };
      ok = tx->ops->messages_page (tx, &query, take_sender, out_customer, &error);
      *out_connection = g_strdup (chat->chat->connection);
    }
  if (tx != NULL)
    tx->ops->end_read (tx);
  if (!ok)
    return desk_reply_new_store_failure (error);
  if (chat == NULL)
    return desk_reply_new_no_chat ();
  return *out_connection != NULL
             ? NULL
             : desk_reply_new_failure (DESK_CODE_NOT_SUPPORTED,
                                       "Nobody can be asked about this chat any more", NULL, -1, "");
}

/* Through the reader of requests: nothing longer or stranger than a manager could write. */
static DeskProfilePatch *
read_products (const char *products)
{
  g_autofree char *text = g_strconcat ("{\"products\":", products, "}", NULL);

  return desk_wire_read_profile_patch (text, strlen (text), NULL);
}

static DeskReply *
new_refusal (const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
    return desk_reply_new_failure (DESK_CODE_NOT_SUPPORTED, "This platform tells no products", NULL,
                                   -1, "");
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return desk_reply_new_failure (DESK_CODE_NOT_FOUND, "The platform does not know this customer",
                                   NULL, -1, "");
  return desk_reply_new_failure (DESK_CODE_CHANNEL_DOWN, "The platform could not be asked", NULL, 30,
                                 "");
}

DeskReply *
desk_service_answer_products (DeskService *self,
                              const char *platform,
                              const char *user_id,
                              guint page,
                              const DeskProductPage *found,
                              const GError *error)
{
  g_return_val_if_fail (self != NULL && (found != NULL || error != NULL), NULL);
  g_autoptr (DeskProfilePatch) patch = found != NULL ? read_products (found->products) : NULL;
  g_autofree char *next = NULL;
  DeskJsonWriter w;

  if (found == NULL)
    return new_refusal (error);
  if (patch == NULL)
    return desk_reply_new_failure (DESK_CODE_CHANNEL_DOWN, "The platform's answer cannot be used",
                                   NULL, 30, "");
  if (page == 1)
    desk_service_update_profile (self, platform, user_id, patch, NULL, NULL);
  if (found->next > 0)
    next = g_strdup_printf ("%u", found->next);
  DeskReply *reply = desk_reply_new_ok ();
  desk_reply_begin (reply, &w);
  desk_json_writer_raw (&w, patch->products);
  desk_reply_end (reply, &w, next);
  return reply;
}
