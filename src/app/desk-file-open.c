/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Files of messages leave the cache here: to a place the manager chooses, or to the program that
 * the desktop has for them.
 * Invariants: nothing is executed, and what could be is not handed on; a copy that is opened lies
 * in the session's own runtime folder under the name that the customer gave it. */

#include "app/desk-file-open.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <string.h>

typedef struct
{
  GtkWidget *widget;
  DeskInbox *inbox;
  DeskMessage *message;
  guint index;
  GFile *target;
} Task;

static void
task_free (Task *task)
{
  g_clear_object (&task->widget);
  g_clear_object (&task->inbox);
  g_clear_pointer (&task->message, desk_message_free);
  g_clear_object (&task->target);
  g_free (task);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Task, task_free)

static Task *
task_new (GtkWidget *widget, DeskInbox *inbox, const DeskMessage *message, guint index)
{
  Task *task = g_new0 (Task, 1);
  task->widget = g_object_ref (widget);
  task->inbox = g_object_ref (inbox);
  task->message = desk_message_copy (message);
  task->index = index;
  return task;
}

static const DeskAttachment *
get_attachment (const Task *task)
{
  return g_ptr_array_index (task->message->attachments, task->index);
}

static GtkWindow *
get_window (GtkWidget *widget)
{
  GtkRoot *root = gtk_widget_get_root (widget);
  return GTK_IS_WINDOW (root) ? GTK_WINDOW (root) : NULL;
}

/* Names come from strangers. */
static char *
safe_name (const DeskAttachment *attachment)
{
  const char *given = attachment->filename;
  g_autofree char *name = g_strdup (given != NULL && *given != '\0' ? given : _ ("file"));
  for (char *at = name; *at != '\0'; at++)
    if (*at == '/' || *at == '\\' || (guchar)*at < 0x20 || *at == 0x7f)
      *at = '_';
  if (*name == '.')
    *name = '_';
  return g_steal_pointer (&name);
}

gboolean
desk_file_is_program (const char *filename, const char *mime_type)
{
  static const char *const kinds[] = {
    "application/x-executable",
    "application/x-sharedlib",
    "application/x-desktop",
    "application/x-shellscript",
    "application/x-ms-dos-executable",
    "application/x-msdownload",
    "application/vnd.microsoft.portable-executable",
    "application/x-java-archive",
    "application/java-archive",
    "application/vnd.appimage",
    "application/x-iso9660-appimage",
    "application/x-perl",
    "application/x-ruby",
    "application/javascript",
    "text/javascript",
    "text/x-python",
    "text/x-python3",
    "application/x-bat",
    "application/x-ms-shortcut",
    "application/vnd.debian.binary-package",
    "application/x-deb",
    "application/x-rpm",
    "application/vnd.flatpak",
    "application/vnd.flatpak.ref",
    "application/x-msi",
  };
  g_autofree char *guessed
      = filename != NULL ? g_content_type_guess (filename, NULL, 0, NULL) : NULL;
  g_autofree char *told = mime_type != NULL ? g_content_type_from_mime_type (mime_type) : NULL;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if ((guessed != NULL && g_content_type_is_a (guessed, kinds[i]))
        || (told != NULL && g_content_type_is_a (told, kinds[i])))
      return TRUE;
  return FALSE;
}

void
desk_file_tell (GtkWidget *widget, const char *heading, const char *reason)
{
  GtkWidget *dialog = adw_message_dialog_new (get_window (widget), heading, reason);
  adw_message_dialog_add_response (ADW_MESSAGE_DIALOG (dialog), "close", _ ("_Close"));
  gtk_window_present (GTK_WINDOW (dialog));
}

/* ── Save as ────────────────────────────────────────────────────────────────────────────────── */

static void
on_saved (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Task) task = data;
  g_autoptr (GError) error = NULL;
  if (!desk_files_save_finish (DESK_FILES (source), result, &error)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    desk_file_tell (task->widget, _ ("The file was not saved"), error->message);
}

static void
on_save_response (GtkNativeDialog *dialog, int response, gpointer data)
{
  g_autoptr (Task) task = data;
  DeskSync *sync = desk_inbox_get_sync (task->inbox);
  if (response == GTK_RESPONSE_ACCEPT && sync != NULL)
    {
      g_autoptr (GFile) target = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
      Task *going = g_steal_pointer (&task);
      desk_files_save_async (desk_sync_get_files (sync), going->message, get_attachment (going),
                             target, NULL, on_saved, going);
    }
  g_object_unref (dialog);
}

void
desk_file_save_as (GtkWidget *widget, DeskInbox *inbox, const DeskMessage *message, guint index)
{
  g_return_if_fail (index < message->attachments->len);
  Task *task = task_new (widget, inbox, message, index);
  g_autofree char *name = safe_name (get_attachment (task));
  GtkFileChooserNative *dialog
      = gtk_file_chooser_native_new (_ ("Save File"), get_window (widget),
                                     GTK_FILE_CHOOSER_ACTION_SAVE, _ ("_Save"), _ ("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (dialog), name);
  g_signal_connect (dialog, "response", G_CALLBACK (on_save_response), task);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

/* ── Open ───────────────────────────────────────────────────────────────────────────────────── */

static void
on_launched (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Task) task = data;
  g_autoptr (GError) error = NULL;
  if (!g_app_info_launch_default_for_uri_finish (result, &error))
    desk_file_tell (task->widget, _ ("No program opened the file"),
                    _ ("Save it, and open it from there."));
}

static void
on_copied (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Task) task = data;
  g_autoptr (GError) error = NULL;
  if (desk_files_save_finish (DESK_FILES (source), result, &error))
    {
      g_autofree char *uri = g_file_get_uri (task->target);
      GdkDisplay *display = gtk_widget_get_display (task->widget);
      g_autoptr (GdkAppLaunchContext) context = gdk_display_get_app_launch_context (display);
      g_app_info_launch_default_for_uri_async (uri, G_APP_LAUNCH_CONTEXT (context), NULL,
                                               on_launched, g_steal_pointer (&task));
    }
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    desk_file_tell (task->widget, _ ("The file could not be fetched"), error->message);
}

static void
on_program_response (AdwMessageDialog *dialog, const char *response, gpointer data)
{
  g_autoptr (Task) task = data;
  if (g_str_equal (response, "save"))
    desk_file_save_as (task->widget, task->inbox, task->message, task->index);
}

static void
offer_to_save (Task *task)
{
  GtkWidget *dialog = adw_message_dialog_new (
      get_window (task->widget), _ ("This file is a program"),
      _ ("Files that can run are not opened from here. Save it only if you trust the sender."));
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _ ("_Cancel"), "save",
                                    _ ("_Save As…"), NULL);
  g_signal_connect (dialog, "response", G_CALLBACK (on_program_response), task);
  gtk_window_present (GTK_WINDOW (dialog));
}

void
desk_file_open (GtkWidget *widget, DeskInbox *inbox, const DeskMessage *message, guint index)
{
  g_return_if_fail (index < message->attachments->len);
  DeskSync *sync = desk_inbox_get_sync (inbox);
  g_autoptr (Task) task = task_new (widget, inbox, message, index);
  const DeskAttachment *attachment = get_attachment (task);
  g_autofree char *name = safe_name (attachment);
  g_autofree char *key = desk_attachment_cache_key (attachment);

  if (sync == NULL)
    return;
  if (desk_file_is_program (attachment->filename, attachment->mime_type))
    {
      offer_to_save (g_steal_pointer (&task));
      return;
    }
  g_autofree char *hash
      = g_compute_checksum_for_string (G_CHECKSUM_SHA256, key != NULL ? key : "", -1);
  hash[16] = '\0';
  g_autofree char *folder
      = g_build_filename (g_get_user_runtime_dir (), "frontdesk", "open", hash, NULL);
  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      desk_file_tell (widget, _ ("The file could not be opened"), g_strerror (errno));
      return;
    }
  g_autofree char *path = g_build_filename (folder, name, NULL);
  task->target = g_file_new_for_path (path);
  desk_files_save_async (desk_sync_get_files (sync), task->message, attachment, task->target, NULL,
                         on_copied, task);
  g_steal_pointer (&task);
}
