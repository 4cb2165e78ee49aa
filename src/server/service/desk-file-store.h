/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* What the rules need of a store of files; implemented by server/files. A file is known by the
 * SHA-256 of its bytes, so the same bytes are kept once. Nothing here knows of messages: the
 * service tells which files are still wanted. Any thread. */

G_BEGIN_DECLS

#define DESK_FILE_STORE_ERROR (desk_file_store_error_quark ())

typedef enum
{
  DESK_FILE_STORE_ERROR_FAILED,    /* input/output error, no permission */
  DESK_FILE_STORE_ERROR_FULL,      /* no space; works again as soon as there is some */
  DESK_FILE_STORE_ERROR_TOO_LARGE, /* more bytes than were allowed at begin */
  DESK_FILE_STORE_ERROR_NOT_FOUND, /* no such file (any more) */
} DeskFileStoreError;

GQuark desk_file_store_error_quark (void);

#define DESK_FILE_KEY_BYTES 32
#define DESK_LINK_LIFE_MS   (15 * 60 * G_GINT64_CONSTANT (1000)) /* of a signed link */

/* A file that is kept. */
typedef struct
{
  char *hash; /* SHA-256, 64 lower-case hex digits */
  char *filename;
  char *mime_type; /* told by its bytes, never by who brought it */
  gint64 size;
  gint64 width, height; /* pixels of a picture; 0 unknown */
} DeskStoredFile;
void desk_stored_file_free (DeskStoredFile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskStoredFile, desk_stored_file_free)

typedef struct _DeskFileStoreClass DeskFileStoreClass;

typedef struct
{
  const DeskFileStoreClass *ops;
} DeskFileStore;

/* A file on its way in; one thread at a time. */
typedef struct
{
  const DeskFileStoreClass *ops;
  char *filename; /* as desk_file_name_clean() gave it */
} DeskFileUpload;
/* Ends it without keeping anything. */
void desk_file_upload_cancel (DeskFileUpload *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskFileUpload, desk_file_upload_cancel)

struct _DeskFileStoreClass
{
  const char *name;

  /* Opens a temporary file that takes at most max_bytes. filename is whatever somebody claims. */
  DeskFileUpload *(*begin) (DeskFileStore *store,
                            const char *filename,
                            gint64 max_bytes,
                            GError **error);
  gboolean (*append) (DeskFileUpload *upload, const void *data, gsize len, GError **error);
  /* Makes it durable under its hash. Blocks for the disk. Frees upload, whatever comes of it. */
  DeskStoredFile *(*finish) (DeskFileUpload *upload, GError **error);
  void (*cancel) (DeskFileUpload *upload);

  /* A descriptor for reading, -1 on error; the caller closes it. */
  int (*open) (
      DeskFileStore *store, const char *hash, gint64 *out_size, char **out_mime_type, GError **error);
  /* DESK_FILE_KEY_BYTES of a secret that lives as long as the store, for signatures. */
  const guint8 *(*get_key) (DeskFileStore *store);

  /* Hashes of what was last brought in before the time; of char. */
  GPtrArray *(*list_before) (DeskFileStore *store, gint64 before_ms, GError **error);
  /* Removes it unless it was brought in once more since. Returns whether it is gone. */
  gboolean (*remove_before) (DeskFileStore *store, const char *hash, gint64 before_ms);

  void (*close) (DeskFileStore *store);
};

/**
 * desk_file_name_clean:
 * @name: (nullable): what somebody calls a file; any bytes
 *
 * Returns: (transfer full): the last component, in valid UTF-8, without control and direction
 *   characters and leading dots, of at most 200 bytes with its extension kept; "file" if nothing
 *   is left
 */
char *desk_file_name_clean (const char *name);

/**
 * desk_file_store_sign_link:
 * @hash: of a file
 * @now_ms: the time; the link is good for %DESK_LINK_LIFE_MS more
 *
 * Returns: (transfer full): the link by which anybody can read the file for a while, relative to
 *   the address of the interface
 */
char *desk_file_store_sign_link (DeskFileStore *store, const char *hash, gint64 now_ms);
/* The signature of a link. Transfer full. */
char *desk_file_store_make_signature (DeskFileStore *store, const char *hash, const char *expires);

/* Whether text is what open() takes: 64 lower-case hex digits. */
gboolean desk_file_hash_is_valid (const char *text);

G_END_DECLS
