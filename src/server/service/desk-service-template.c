/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* The templates that the platforms have approved, by connection. They are kept in memory alone:
 * connectors bring them at every start. */

#include "server/service/desk-service-action.h"

static gpointer
copy_template (gconstpointer template, gpointer data)
{
  return desk_template_copy (template);
}

static GPtrArray *
copy_list (GPtrArray *templates)
{
  GPtrArray *copy = g_ptr_array_copy (templates, copy_template, NULL);
  g_ptr_array_set_free_func (copy, (GDestroyNotify)desk_template_free);
  return copy;
}

void
desk_service_set_templates (DeskService *self, const char *connection, GPtrArray *templates)
{
  g_return_if_fail (self != NULL && connection != NULL);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  if (templates == NULL)
    g_hash_table_remove (self->templates, connection);
  else
    g_hash_table_insert (self->templates, g_strdup (connection), copy_list (templates));
}

GPtrArray *
desk_service_copy_templates (DeskService *self, const char *connection)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  GPtrArray *known
      = connection != NULL ? g_hash_table_lookup (self->templates, connection) : NULL;
  return known != NULL ? copy_list (known)
                       : g_ptr_array_new_with_free_func ((GDestroyNotify)desk_template_free);
}

DeskReply *
desk_service_get_templates (DeskService *self,
                            const DeskIdentity *who,
                            const char *platform,
                            const char *user_id)
{
  g_return_val_if_fail (self != NULL && who != NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskServerChat) chat = NULL;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, &error);
  gboolean ok = tx != NULL && tx->ops->chat_find (tx, platform, user_id, NULL, &chat, &error);
  if (tx != NULL)
    tx->ops->end_read (tx);
  if (!ok)
    return desk_reply_new_store_failure (error);
  if (chat == NULL)
    return desk_reply_new_no_chat ();
  g_autoptr (GPtrArray) templates = desk_service_copy_templates (self, chat->chat->connection);
  DeskReply *reply = desk_reply_new_ok ();
  DeskJsonWriter w;
  desk_reply_begin (reply, &w);
  desk_wire_write_templates (&w, templates);
  desk_reply_end (reply, &w, NULL);
  return reply;
}
