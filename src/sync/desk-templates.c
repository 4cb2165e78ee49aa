/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "sync/desk-templates.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "common/desk-json-writer.h"
#include "common/desk-json.h"
#include "sync/desk-sync-private.h"

/* The templates of a chat's connection: asked of the server when somebody wants to choose one, and kept in the cache
 * among the settings, one list for each connection: "MILLISECONDS\n[…]". The list is small and changes seldom, and a manager
 * without a network can still queue a template. */

#define FRESH_MS (10 * 60 * 1000)
#define TIMEOUT_MS 15000
#define MAX_BYTES (1024 * 1024)

typedef struct
{
  char *platform;
  char *user_id;
  DeskStore *store;
  gint64 now_ms;
  char *setting;     /* where the list is kept */
  gboolean asked;
  gboolean answered;
  GPtrArray *cached; /* nullable: as it was told last */
  gint64 told_ms;
} Want;

static void
want_free (Want *want)
{
  g_free (want->platform);
  g_free (want->user_id);
  g_free (want->setting);
  g_object_unref (want->store);
  g_clear_pointer (&want->cached, g_ptr_array_unref);
  g_free (want);
}

static void
take_cached (Want *want, const char *text)
{
  const char *list = text ? strchr (text, '\n') : NULL;
  g_autoptr (JsonNode) node = list ? desk_json_parse (list + 1, strlen (list + 1), MAX_BYTES, NULL) : NULL;

  want->cached = node ? desk_wire_read_templates (node, NULL) : NULL;
  want->told_ms = want->cached ? g_ascii_strtoll (text, NULL, 10) : 0;
}

static char *
format_list (GPtrArray *templates, gint64 told_ms)
{
  GString *text = g_string_new (NULL);
  DeskJsonWriter writer;

  g_string_append_printf (text, "%" G_GINT64_FORMAT "\n", told_ms);
  desk_json_writer_init (&writer, text);
  desk_wire_write_templates (&writer, templates);
  return g_string_free (text, FALSE);
}

/* ── The answer, on the sync thread ─────────────────────────────────────────────────────────── */

static void
give (GTask *task, GPtrArray *templates)
{
  Want *want = g_task_get_task_data (task);

  want->answered = TRUE;
  g_task_return_pointer (task, g_ptr_array_ref (templates), (GDestroyNotify) g_ptr_array_unref);
}

static void
refuse (GTask *task, GIOErrorEnum code, const char *text)
{
  Want *want = g_task_get_task_data (task);

  want->answered = TRUE;
  g_task_return_new_error (task, G_IO_ERROR, (int) code, "%s", text);
}

static void
fail (GTask *task, const DeskRestAnswer *answer)
{
  if (answer->outcome != DESK_REST_REFUSED)
    refuse (task, G_IO_ERROR_NOT_CONNECTED, _("The server cannot be reached."));
  else if (answer->status == 401)
    refuse (task, G_IO_ERROR_PERMISSION_DENIED, _("The sign-in is not accepted any more. Sign in again."));
  else if (answer->status == 404 && answer->failure->code != DESK_CODE_NOT_FOUND)
    refuse (task, G_IO_ERROR_NOT_SUPPORTED, _("This server knows no templates."));
  else
    refuse (task, answer->status == 404 ? G_IO_ERROR_NOT_FOUND : G_IO_ERROR_FAILED, answer->failure->message);
}

static void
on_kept (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskBatchResult) kept = desk_store_apply_finish (DESK_STORE (source), result, &error);

  if (kept == NULL)
    g_info ("templates could not be kept: %s", error->message);
}

static void
keep (const Want *want, GPtrArray *templates)
{
  g_autofree char *text = format_list (templates, want->now_ms);
  DeskBatch *batch = desk_batch_new ();

  desk_batch_setting (batch, want->setting, text);
  desk_store_apply_async (want->store, batch, NULL, on_kept, NULL);
}

static void
on_answer (const DeskRestAnswer *answer, gpointer data)
{
  GTask *task = data;
  Want *want = g_task_get_task_data (task);
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GPtrArray) templates = NULL;
  gsize len;
  const char *body;

  if (answer->outcome != DESK_REST_OK)
    {
      /* Only what the server says of this chat counts more than what it said before. */
      if (want->cached != NULL
          && (answer->outcome != DESK_REST_REFUSED || answer->status >= 500 || answer->status == 429))
        give (task, want->cached);
      else
        fail (task, answer);
      return;
    }
  body = g_bytes_get_data (answer->body, &len);
  node = desk_wire_read_answer (body, len, NULL, NULL);
  templates = node ? desk_wire_read_templates (node, NULL) : NULL;
  if (templates == NULL)
    {
      refuse (task, G_IO_ERROR_FAILED, _("The server's answer cannot be understood."));
      return;
    }
  keep (want, templates);
  give (task, templates);
}

/* The question came to its end; without an answer the driver went, or there is none. */
static void
drop_task (gpointer data)
{
  g_autoptr (GTask) task = data;
  Want *want = g_task_get_task_data (task);

  if (want->answered)
    return;
  if (want->cached != NULL)
    give (task, want->cached);
  else
    refuse (task, G_IO_ERROR_NOT_CONNECTED, _("The server cannot be reached."));
}

static void
ask (DeskDriver *driver, gpointer data)
{
  GTask *task = data;
  Want *want = g_task_get_task_data (task);
  g_autofree char *path = desk_path_templates (want->platform, want->user_id);

  want->asked = TRUE;
  desk_driver_get (driver, path, TIMEOUT_MS, on_answer, g_object_ref (task), drop_task);
}

/* The posted call is over: either the question is on its way, which has a reference of its own, or it never will be. */
static void
drop_call (gpointer data)
{
  g_autoptr (GTask) task = data;
  Want *want = g_task_get_task_data (task);

  if (!want->asked)
    drop_task (g_steal_pointer (&task));
}

/* ── The question, on the owner's thread ────────────────────────────────────────────────────── */

/* A look into the cache on the way. The task has no source object: it ends on the sync thread, where the last reference
 * of a DeskSync must not go. */
typedef struct
{
  DeskSync *sync;
  GTask *task;
} Look;

static void
look_free (Look *look)
{
  g_object_unref (look->task);
  g_object_unref (look->sync);
  g_free (look);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Look, look_free)

static void
on_setting (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Look) look = data;
  Want *want = g_task_get_task_data (look->task);
  g_autofree char *text = desk_store_get_setting_finish (DESK_STORE (source), result, NULL);

  if (g_task_return_error_if_cancelled (look->task))
    return;
  take_cached (want, text);
  if (want->cached != NULL && ABS (want->now_ms - want->told_ms) < FRESH_MS)
    give (look->task, want->cached);
  else
    desk_sync_post (look->sync, ask, g_object_ref (look->task), drop_call);
}

static void
on_chat (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Look) look = data;
  Want *want = g_task_get_task_data (look->task);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskChatRow) row = desk_store_get_chat_finish (DESK_STORE (source), result, &error);

  if (g_task_return_error_if_cancelled (look->task))
    return;
  if (row == NULL)
    {
      refuse (look->task,
              g_error_matches (error, DESK_STORE_ERROR, DESK_STORE_ERROR_NOT_FOUND) ? G_IO_ERROR_NOT_FOUND
                                                                                     : G_IO_ERROR_FAILED,
              error->message);
      return;
    }
  if (!row->chat->is_level2)
    {
      refuse (look->task, G_IO_ERROR_NOT_SUPPORTED, _("This server knows no templates."));
      return;
    }
  want->setting = g_strdup_printf ("templates:%s/%s", want->platform, row->chat->connection ? row->chat->connection : "");
  desk_store_get_setting_async (want->store, want->setting, NULL, on_setting, g_steal_pointer (&look));
}

void
desk_sync_list_templates_async (DeskSync *self, const char *platform, const char *user_id, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer data)
{
  const DeskDriverConfig *config;
  Look *look;
  Want *want;

  g_return_if_fail (DESK_IS_SYNC (self) && platform != NULL && user_id != NULL);

  config = desk_sync_get_config (self);
  want = g_new0 (Want, 1);
  want->platform = g_strdup (platform);
  want->user_id = g_strdup (user_id);
  want->store = g_object_ref (config->store);
  want->now_ms = desk_clock_now_ms (config->clock);
  look = g_new0 (Look, 1);
  look->sync = g_object_ref (self);
  look->task = g_task_new (NULL, cancellable, callback, data);
  g_task_set_source_tag (look->task, desk_sync_list_templates_async);
  g_task_set_task_data (look->task, want, (GDestroyNotify) want_free);
  desk_store_get_chat_async (config->store, platform, user_id, NULL, on_chat, look);
}

GPtrArray *
desk_sync_list_templates_finish (DeskSync *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

const DeskTemplate *
desk_templates_find (GPtrArray *templates, const char *name, const char *language)
{
  for (guint i = 0; i < templates->len; i++)
    {
      const DeskTemplate *template = g_ptr_array_index (templates, i);

      if (g_strcmp0 (template->name, name) == 0 && (language == NULL || g_strcmp0 (template->language, language) == 0))
        return template;
    }
  return NULL;
}
