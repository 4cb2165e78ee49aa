/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* What customers offer, asked of their platform while a request waits.
 * Invariant: every question is answered once, also where the platform never answers. */

#include "server/main/desk-daemon-host.h"

#include <string.h>

#include "server/service/desk-service-products.h"

#define PATIENCE_S 20 /* shorter than a client's */

typedef struct
{
  DeskHost *host;
  char *platform;
  char *user_id;
  guint page;
  DeskReplyDone done;
  gpointer data;
  GCancellable *cancellable;
  guint timer;
} Question;

static void
question_end (Question *self, DeskReply *reply)
{
  self->done (reply, self->data);
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_object (&self->cancellable);
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self);
}

static void
on_products (GObject *source, GAsyncResult *result, gpointer data)
{
  Question *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskProductPage) found
      = desk_connector_list_products_finish (DESK_CONNECTOR (source), result, &error);

  question_end (self, desk_service_answer_products (desk_host_get_service (self->host),
                                                    self->platform, self->user_id, self->page,
                                                    found, error));
}

static gboolean
on_patience (gpointer data)
{
  Question *self = data;

  self->timer = 0;
  g_cancellable_cancel (self->cancellable);
  return G_SOURCE_REMOVE;
}

static DeskConnector *
find_connection (DeskHost *host, const char *name)
{
  GPtrArray *connectors = desk_host_get_connectors (host);

  for (guint i = 0; i < connectors->len; i++)
    if (strcmp (desk_connector_get_connection (connectors->pdata[i])->name, name) == 0)
      return connectors->pdata[i];
  return NULL;
}

static gboolean
ask (gpointer data)
{
  Question *self = data;
  g_autofree char *connection = NULL;
  g_autofree char *customer = NULL;
  DeskReply *refusal = desk_service_find_customer (desk_host_get_service (self->host),
                                                   self->platform, self->user_id, &connection,
                                                   &customer);
  DeskConnector *connector = refusal == NULL ? find_connection (self->host, connection) : NULL;

  if (refusal == NULL && connector == NULL)
    refusal = desk_reply_new_failure (DESK_CODE_CHANNEL_DOWN,
                                      "The connection of this chat is not configured any more",
                                      NULL, -1, "");
  if (refusal != NULL)
    {
      question_end (self, refusal);
      return G_SOURCE_REMOVE;
    }
  self->cancellable = g_cancellable_new ();
  self->timer = g_timeout_add_seconds (PATIENCE_S, on_patience, self);
  desk_connector_list_products_async (connector, self->user_id, customer, self->page,
                                      self->cancellable, on_products, self);
  return G_SOURCE_REMOVE;
}

void
desk_host_list_products (DeskHost *host,
                         const char *platform,
                         const char *user_id,
                         guint page,
                         DeskReplyDone done,
                         gpointer data)
{
  g_return_if_fail (host != NULL && done != NULL);
  Question *self = g_new0 (Question, 1);

  self->host = host;
  self->platform = g_strdup (platform);
  self->user_id = g_strdup (user_id);
  self->page = page;
  self->done = done;
  self->data = data;
  g_idle_add (ask, self);
}
