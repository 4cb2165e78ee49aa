/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

/* Requests whose answer somebody waits for: changes of canned replies. They go beside the engine, which hears of their
 * effect by the log of events like everybody else. The task is made on the owner's thread and answered on the sync
 * thread; GTask brings the answer back. */

#include <glib/gi18n-lib.h>

#include "protocol/desk-wire-change.h"
#include "sync/desk-sync-private.h"

#define TIMEOUT_MS 20000

typedef struct
{
  GTask *task;
  const char *method;
  char *path;
  char *body;
} Ask;

static void
ask_free (gpointer data)
{
  Ask *ask = data;

  if (ask->task != NULL)
    {
      g_task_return_new_error (ask->task, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, "%s", _("The server cannot be reached."));
      g_object_unref (ask->task);
    }
  g_free (ask->path);
  g_free (ask->body);
  g_free (ask);
}

static GIOErrorEnum
error_of (const DeskFailure *failure)
{
  switch (failure->http_status)
    {
    case 401:
    case 403:
      return G_IO_ERROR_PERMISSION_DENIED;
    case 404:
      return G_IO_ERROR_NOT_FOUND;
    case 409:
      return G_IO_ERROR_EXISTS;
    default:
      return G_IO_ERROR_FAILED;
    }
}

/* On the sync thread. */
static void
on_answer (const DeskRestAnswer *answer, gpointer data)
{
  Ask *ask = data;
  g_autoptr (GTask) task = g_steal_pointer (&ask->task);

  if (answer->outcome == DESK_REST_OK)
    g_task_return_boolean (task, TRUE);
  else if (answer->outcome == DESK_REST_REFUSED && answer->failure != NULL)
    g_task_return_new_error (task, G_IO_ERROR, error_of (answer->failure), "%s", answer->failure->message);
  else if (answer->outcome == DESK_REST_REFUSED)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "%s", _("Sign in again."));
  else
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, "%s",
                             answer->error != NULL ? answer->error : _("The server cannot be reached."));
}

static void
run_ask (DeskDriver *driver, gpointer data)
{
  Ask **place = data;
  Ask *ask = g_steal_pointer (place);

  desk_driver_ask (driver, ask->method, ask->path, ask->body, TIMEOUT_MS, on_answer, ask, ask_free);
}

/* Not run: the thread ends, or there is none. */
static void
place_free (gpointer data)
{
  Ask **place = data;

  g_clear_pointer (place, ask_free);
  g_free (place);
}

/* Takes path and body. */
static void
ask (DeskSync *self, GTask *task, const char *method, char *path, char *body)
{
  Ask **place = g_new (Ask *, 1);

  *place = g_new0 (Ask, 1);
  **place = (Ask){ task, method, path, body };
  desk_sync_post (self, run_ask, place, place_free);
}

void
desk_sync_save_canned_async (DeskSync *self, const DeskCanned *canned, gint64 base_rev, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer data)
{
  GTask *task;
  gboolean is_new = base_rev < 0;

  g_return_if_fail (DESK_IS_SYNC (self) && canned != NULL);
  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, desk_sync_save_canned_async);
  ask (self, task, is_new ? "POST" : "PUT", desk_path_canned (is_new ? NULL : canned->id),
       desk_wire_canned_request_text (canned, base_rev));
}

gboolean
desk_sync_save_canned_finish (DeskSync *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
desk_sync_delete_canned_async (DeskSync *self, const char *id, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer data)
{
  GTask *task;

  g_return_if_fail (DESK_IS_SYNC (self) && id != NULL);
  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, desk_sync_delete_canned_async);
  ask (self, task, "DELETE", desk_path_canned (id), NULL);
}

gboolean
desk_sync_delete_canned_finish (DeskSync *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
