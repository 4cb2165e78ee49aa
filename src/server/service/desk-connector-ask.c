/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* What a connector can be asked beside receiving and sending: its health in words, a look at the
 * platform, a customer's profile, and the meaning of a payload that came earlier.
 * Invariant: a connector that leaves a function out gets an honest answer in its place. */

#include "server/service/desk-connector.h"

/* ── Trouble ────────────────────────────────────────────────────────────────────────────────── */

static const struct
{
  const char *word;
  const char *advice;
} troubles[] = {
  [DESK_TROUBLE_NONE] = { "", "" },
  [DESK_TROUBLE_TOKEN]
  = { "token", "Make a new token on the platform, put it into the configuration and restart" },
  [DESK_TROUBLE_PERMISSION]
  = { "permission", "Give the missing permission to this account on the platform" },
  [DESK_TROUBLE_UNREACHABLE]
  = { "unreachable", "Check this machine's network; it goes on by itself" },
  [DESK_TROUBLE_PLATFORM] = { "platform", "Nothing; it goes on when the platform works again" },
  [DESK_TROUBLE_BUSY] = { "busy", "Nothing; it goes on by itself" },
  [DESK_TROUBLE_CONFLICT]
  = { "conflict", "Stop the other program that uses the same account, or give it one of its own" },
  [DESK_TROUBLE_WEBHOOK]
  = { "webhook", "Check that the public address of this server can be reached from outside" },
  [DESK_TROUBLE_CONFIG] = { "config", "Complete the configuration and restart" },
  [DESK_TROUBLE_STORAGE] = { "storage", "Make space on this machine's disk" },
};

const char *
desk_trouble_to_string (DeskTrouble trouble)
{
  g_return_val_if_fail ((guint)trouble < G_N_ELEMENTS (troubles), "");
  return troubles[trouble].word;
}

const char *
desk_trouble_get_advice (DeskTrouble trouble)
{
  g_return_val_if_fail ((guint)trouble < G_N_ELEMENTS (troubles), "");
  return troubles[trouble].advice;
}

void
desk_connector_report_health (DeskConnector *self,
                              DeskHealth health,
                              DeskTrouble trouble,
                              const char *reason)
{
  g_return_if_fail (DESK_IS_CONNECTOR (self));
  DeskConnectorHost *host = desk_connector_get_host (self);
  const char *name = desk_connector_get_connection (self)->name;

  if (host->set_trouble != NULL)
    host->set_trouble (host, name, health, trouble, reason);
  else
    host->set_health (host, name, health, reason);
}

/* ── Replay ─────────────────────────────────────────────────────────────────────────────────── */

DeskInbound *
desk_connector_parse_raw (DeskConnector *self, GBytes *raw, GError **error)
{
  g_return_val_if_fail (DESK_IS_CONNECTOR (self) && raw != NULL, NULL);
  DeskConnectorClass *klass = DESK_CONNECTOR_GET_CLASS (self);

  if (klass->parse_raw == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                           "This platform's payloads cannot be replayed");
      return NULL;
    }
  DeskInbound *inbound = klass->parse_raw (self, raw, error);
  if (inbound == NULL)
    return NULL;
  inbound->is_replay = TRUE;
  g_clear_pointer (&inbound->raw, g_bytes_unref);
  g_clear_pointer (&inbound->checkpoint, g_free); /* the poll position must not go back */
  return inbound;
}

/* ── Reports ────────────────────────────────────────────────────────────────────────────────── */

static void
finding_free (gpointer data)
{
  DeskFinding *finding = data;

  g_free (finding->text);
  g_free (finding->advice);
  g_free (finding);
}

DeskConnectionReport *
desk_connection_report_new (void)
{
  DeskConnectionReport *self = g_new0 (DeskConnectionReport, 1);

  self->findings = g_ptr_array_new_with_free_func (finding_free);
  return self;
}

void
desk_connection_report_free (DeskConnectionReport *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->findings);
  g_free (self);
}

void
desk_connection_report_add (DeskConnectionReport *self,
                            DeskFindingLevel level,
                            const char *advice,
                            const char *format,
                            ...)
{
  DeskFinding *finding = g_new0 (DeskFinding, 1);
  va_list args;

  va_start (args, format);
  finding->text = g_strdup_vprintf (format, args);
  va_end (args);
  finding->level = level;
  finding->advice = g_strdup (advice);
  g_ptr_array_add (self->findings, finding);
}

gboolean
desk_connection_report_is_good (const DeskConnectionReport *self)
{
  for (guint i = 0; i < self->findings->len; i++)
    if (((const DeskFinding *)self->findings->pdata[i])->level == DESK_FINDING_PROBLEM)
      return FALSE;
  return TRUE;
}

void
desk_connector_check_async (DeskConnector *self,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer data)
{
  g_return_if_fail (DESK_IS_CONNECTOR (self));
  DeskConnectorClass *klass = DESK_CONNECTOR_GET_CLASS (self);

  if (klass->check_async != NULL)
    {
      klass->check_async (self, cancellable, callback, data);
      return;
    }
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);
  DeskConnectionReport *report = desk_connection_report_new ();
  g_task_set_source_tag (task, desk_connector_check_async);
  desk_connection_report_add (report, DESK_FINDING_NOTE, NULL,
                              "There is nothing to ask %s about: it has no account",
                              desk_connector_get_platform (self)->title);
  g_task_return_pointer (task, report, (GDestroyNotify)desk_connection_report_free);
}

DeskConnectionReport *
desk_connector_check_finish (DeskConnector *self, GAsyncResult *result)
{
  g_return_val_if_fail (DESK_IS_CONNECTOR (self) && G_IS_ASYNC_RESULT (result), NULL);
  DeskConnectorClass *klass = DESK_CONNECTOR_GET_CLASS (self);

  if (klass->check_async != NULL)
    return klass->check_finish (self, result);
  DeskConnectionReport *report = g_task_propagate_pointer (G_TASK (result), NULL);
  if (report == NULL)
    {
      report = desk_connection_report_new ();
      desk_connection_report_add (report, DESK_FINDING_PROBLEM, NULL, "The check was interrupted");
    }
  return report;
}

/* ── Profiles ───────────────────────────────────────────────────────────────────────────────── */

void
desk_found_profile_free (DeskFoundProfile *self)
{
  if (self == NULL)
    return;
  g_free (self->name);
  g_free (self->handle);
  g_free (self->phone);
  g_free (self->language);
  g_clear_pointer (&self->avatar, desk_stored_file_free);
  g_free (self);
}

gboolean
desk_connector_can_get_profile (DeskConnector *self)
{
  g_return_val_if_fail (DESK_IS_CONNECTOR (self), FALSE);
  return DESK_CONNECTOR_GET_CLASS (self)->get_profile_async != NULL;
}

void
desk_connector_get_profile_async (DeskConnector *self,
                                  const char *user_id,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer data)
{
  g_return_if_fail (DESK_IS_CONNECTOR (self) && user_id != NULL);
  DeskConnectorClass *klass = DESK_CONNECTOR_GET_CLASS (self);

  if (klass->get_profile_async != NULL)
    klass->get_profile_async (self, user_id, cancellable, callback, data);
  else
    g_task_report_new_error (self, callback, data, desk_connector_get_profile_async, G_IO_ERROR,
                             G_IO_ERROR_NOT_SUPPORTED, "This platform tells nothing of customers");
}

DeskFoundProfile *
desk_connector_get_profile_finish (DeskConnector *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DESK_IS_CONNECTOR (self) && G_IS_ASYNC_RESULT (result), NULL);
  DeskConnectorClass *klass = DESK_CONNECTOR_GET_CLASS (self);

  if (klass->get_profile_async != NULL)
    return klass->get_profile_finish (self, result, error);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ── Products ───────────────────────────────────────────────────────────────────────────────── */

void
desk_product_page_free (DeskProductPage *self)
{
  if (self == NULL)
    return;
  g_free (self->products);
  g_free (self);
}

void
desk_connector_list_products_async (DeskConnector *self,
                                    const char *user_id,
                                    const char *customer,
                                    guint page,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer data)
{
  g_return_if_fail (DESK_IS_CONNECTOR (self) && user_id != NULL && page > 0);
  DeskConnectorClass *klass = DESK_CONNECTOR_GET_CLASS (self);

  if (klass->list_products_async != NULL)
    klass->list_products_async (self, user_id, customer, page, cancellable, callback, data);
  else
    g_task_report_new_error (self, callback, data, desk_connector_list_products_async, G_IO_ERROR,
                             G_IO_ERROR_NOT_SUPPORTED, "This platform has no products");
}

DeskProductPage *
desk_connector_list_products_finish (DeskConnector *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DESK_IS_CONNECTOR (self) && G_IS_ASYNC_RESULT (result), NULL);
  DeskConnectorClass *klass = DESK_CONNECTOR_GET_CLASS (self);

  if (klass->list_products_async != NULL)
    return klass->list_products_finish (self, result, error);
  return g_task_propagate_pointer (G_TASK (result), error);
}
