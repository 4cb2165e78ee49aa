/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* The templates that the platforms have approved, by connection. Connectors bring them at every
 * start and now and then; until they have, those of the last time are good. */

#include "server/service/desk-service-action.h"

#include <string.h>

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

/* ── Kept over a restart ────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskService *service;
  char *connection;
  char *body;
} Keep;

static gboolean
keep_job (DeskServerTx *tx, gpointer data, GError **error)
{
  const Keep *keep = data;
  return tx->ops->templates_set (tx, keep->connection, keep->body,
                                 desk_clock_now_ms (keep->service->clock), error);
}

static void
keep_done (const GError *error, gpointer data)
{
  Keep *keep = data;
  desk_service_note_commit (keep->service, error);
  if (error != NULL)
    g_message ("the templates of %s are not kept: %s", keep->connection, error->message);
  g_free (keep->connection);
  g_free (keep->body);
  g_free (keep);
}

static char *
list_text (const GPtrArray *templates)
{
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, text);
  desk_wire_write_templates (&w, templates);
  return g_string_free (text, FALSE);
}

void
desk_service_recall_templates (DeskService *self, const char *connection)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *body = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GPtrArray) templates = NULL;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, &error);
  if (tx != NULL)
    {
      tx->ops->templates_get (tx, connection, &body, &error);
      tx->ops->end_read (tx);
    }
  if (body != NULL)
    node = desk_json_parse (body, strlen (body), DESK_WIRE_MAX_BODY, &error);
  if (node != NULL)
    templates = desk_wire_read_templates (node, &error);
  if (error != NULL)
    g_message ("the templates of %s cannot be recalled: %s", connection, error->message);
  if (templates == NULL)
    return;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  g_hash_table_insert (self->templates, g_strdup (connection), g_steal_pointer (&templates));
}

void
desk_service_set_templates (DeskService *self, const char *connection, GPtrArray *templates)
{
  g_return_if_fail (self != NULL && connection != NULL);
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  const GPtrArray *list = templates != NULL ? templates : none;
  g_autofree char *body = list_text (list);
  g_mutex_lock (&self->mutex);
  GPtrArray *known = g_hash_table_lookup (self->templates, connection);
  g_autofree char *before = list_text (known != NULL ? known : none);
  if (templates == NULL)
    g_hash_table_remove (self->templates, connection);
  else
    g_hash_table_insert (self->templates, g_strdup (connection), copy_list (templates));
  g_mutex_unlock (&self->mutex);
  if (strcmp (before, body) == 0)
    return;
  Keep *keep = g_new0 (Keep, 1);
  keep->service = self;
  keep->connection = g_strdup (connection);
  keep->body = g_steal_pointer (&body);
  self->store->ops->submit (self->store, keep_job, keep_done, keep);
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
