/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "store/desk-store.h"

/* Files beside the cache's database, all 0600 below the account's 0700 folder:
 *
 *   outbox/NAME/FILENAME   what the manager attaches: ours from the moment it was staged, so that the
 *                          original may be moved or changed. Goes with the last draft or outbox
 *                          entry that names it.
 *   files/ab/abcdef…       downloads, named by their SHA-256; the least recently used go when they
 *                          take more than the setting "cache_files_max_bytes".
 *   files/partial/NAME     downloads under way; cleaned at the start of the engine. */

G_BEGIN_DECLS

#define DESK_STORE_OUTBOX_DIR "outbox"
#define DESK_STORE_FILES_DIR "files"
#define DESK_STORE_PARTIAL_DIR "files/partial"

/* Settings, as decimal numbers of bytes; see desk_store_get_file_settings(). */
#define DESK_SETTING_FILES_MAX "cache_files_max_bytes"  /* all downloads together */
#define DESK_SETTING_DOWNLOAD_MAX "download_max_bytes"  /* one download, asked for by hand */
#define DESK_SETTING_DOWNLOAD_AUTO "download_auto_bytes" /* one picture or voice message, fetched when shown; 0: none */
#define DESK_FILES_MAX_BYTES (G_GINT64_CONSTANT (1) << 30)
#define DESK_DOWNLOAD_MAX_BYTES (G_GINT64_CONSTANT (256) << 20)
#define DESK_DOWNLOAD_AUTO_BYTES (G_GINT64_CONSTANT (1) << 20)
#define DESK_STAGE_MAX_BYTES (G_GINT64_CONSTANT (2) << 30) /* one attachment of ours */

/* DeskOutboxEntry.error_code of an upload that the manager stopped. */
#define DESK_ERROR_STOPPED "STOPPED"

/* ── What the manager attaches ──────────────────────────────────────────────────────────────── */

/**
 * desk_store_stage_file_async:
 * @path: (nullable): a file of the manager's; NULL: take @bytes
 * @bytes: (nullable): contents, as of a pasted picture
 * @name: (nullable): the name that the customer sees; NULL: that of @path. Separators and control
 *   characters in it are replaced.
 *
 * Copies a file into the account's outbox (a reflink where the file system has them), on a thread of
 * its own, and learns size, type and SHA-256. Call it at the moment of paste, drop or choice, then put
 * the result into a draft (desk_staged_files_to_json()) or an outbox entry (DeskOutboxEntry.files).
 * What is in neither within a day is cleaned up.
 *
 * Errors: DESK_STORE_ERROR_ACCESS (cannot be read, or no ordinary file), _FULL (disk full, or over
 * %DESK_STAGE_MAX_BYTES); nothing is left behind then. Any thread; calls back on its thread-default
 * context.
 */
void desk_store_stage_file_async (DeskStore *self, const char *path, GBytes *bytes, const char *name,
                                  GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
DeskStagedFile *desk_store_stage_file_finish (DeskStore *self, GAsyncResult *result, GError **error);
/* The same, blocking: not on a thread that draws. */
DeskStagedFile *desk_store_stage_file (DeskStore *self, const char *path, GBytes *bytes, const char *name,
                                       GCancellable *cancellable, GError **error);
/* Removes a staged file that was put into no draft and no entry (the manager took it off again before the
 * draft was stored). One that is named somewhere stays. Returns at once. */
void desk_store_unstage_file (DeskStore *self, const DeskStagedFile *file);
/* Absolute path of a staged file: for its thumbnail, and for the upload. */
char *desk_store_staged_path (DeskStore *self, const DeskStagedFile *file);

/* DeskDraft.attachments ↔ staged files. What cannot be read is left out; the array is never NULL. */
char *desk_staged_files_to_json (GPtrArray *files);
GPtrArray *desk_staged_files_from_json (const char *text);

/* ── Downloads ──────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  char *path; /* absolute */
  char *sha256;
  gint64 size;
  gint64 used_at_ms;
} DeskCachedFile;
void desk_cached_file_free (DeskCachedFile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskCachedFile, desk_cached_file_free)

/* Under which name an attachment is looked up: its file id, or its link without the signature. NULL if it
 * has neither. */
char *desk_attachment_cache_key (const DeskAttachment *attachment);

/* The downloaded file with that key, or NULL without error. A file that vanished from the disk or has
 * another size counts as not there. */
DeskCachedFile *desk_store_find_file (DeskStore *self, const char *key, GError **error);
void desk_store_find_file_async (DeskStore *self, const char *key, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer data);
DeskCachedFile *desk_store_find_file_finish (DeskStore *self, GAsyncResult *result, GError **error);

/* A new empty file for a download, open for writing and locked against cleaning; its name in *out_path. -1
 * with error. Quick. */
int desk_store_open_partial (DeskStore *self, char **out_path, GError **error);
/* Takes a finished download in: checks it against sha256 (nullable) and size (-1 unknown), moves it to its
 * place and evicts what is too much. Removes the partial file when it is wrong (DESK_STORE_ERROR_CORRUPT). */
void desk_store_adopt_file_async (DeskStore *self, const char *partial, const char *key, const char *sha256, gint64 size,
                                  GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
DeskCachedFile *desk_store_adopt_file_finish (DeskStore *self, GAsyncResult *result, GError **error);
/* It was looked at: it goes last. */
void desk_batch_file_used (DeskBatch *self, const char *sha256);
/* A file at files/ab/SHA256 belongs to key; evicts the least recently used until all take at most max_bytes
 * (the new one stays in any case). */
void desk_batch_file_add (DeskBatch *self, const char *key, const char *sha256, gint64 size, gint64 max_bytes);

typedef struct
{
  gint64 files_max_bytes;
  gint64 download_max_bytes;
  gint64 download_auto_bytes;
} DeskFileSettings;
/* Blocking, on the reader's thread. Defaults where nothing is set. */
void desk_store_get_file_settings (DeskStore *self, DeskFileSettings *out);
void desk_store_get_file_settings_async (DeskStore *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
gboolean desk_store_get_file_settings_finish (DeskStore *self, GAsyncResult *result, DeskFileSettings *out, GError **error);

/* Removes partial downloads, downloads without a row and rows without a file, and staged files that nothing
 * names for a day. Who holds the cache calls it once, at the start. Never blocks the caller. */
void desk_store_sweep_files_async (DeskStore *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
gboolean desk_store_sweep_files_finish (DeskStore *self, GAsyncResult *result, GError **error);

G_END_DECLS
