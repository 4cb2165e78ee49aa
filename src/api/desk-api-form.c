/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-api"

#include "config.h"

#include "api/desk-api-form.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "common/desk-random.h"
#include "common/desk-uuid.h"

/* See the header. A form is a list of pieces, each either text or a file of known length. Invariant: exactly as
 * many bytes come out as were told; a file that became shorter meanwhile is an error. */

typedef struct
{
  GBytes *text; /* or */
  char *path;
  gint64 size;
} Piece;

struct _DeskForm
{
  GInputStream parent_instance;

  GPtrArray *pieces; /* of Piece */
  char *boundary;
  gint64 size;
  guint at;       /* piece */
  gint64 offset;  /* within it */
  int fd;         /* of the piece, if it is a file; -1 */
};

static void desk_form_seekable_init (GSeekableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (DeskForm, desk_form, G_TYPE_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_SEEKABLE, desk_form_seekable_init))

static void
piece_free (gpointer data)
{
  Piece *piece = data;

  g_clear_pointer (&piece->text, g_bytes_unref);
  g_free (piece->path);
  g_free (piece);
}

static void
close_file (DeskForm *self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}

static gssize
read_file (DeskForm *self, const Piece *piece, void *buffer, gsize count, GError **error)
{
  gssize n;

  if (self->fd < 0)
    self->fd = g_open (piece->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
  do
    n = self->fd >= 0 ? pread (self->fd, buffer, count, self->offset) : -1;
  while (n < 0 && self->fd >= 0 && errno == EINTR);
  if (n > 0)
    return n;
  g_set_error (error, G_IO_ERROR, n < 0 ? g_io_error_from_errno (errno) : G_IO_ERROR_PARTIAL_INPUT,
               "a file to be sent cannot be read: %s", n < 0 ? g_strerror (errno) : "it became shorter");
  return -1;
}

static gssize
desk_form_read (GInputStream *stream, void *buffer, gsize count, GCancellable *cancellable, GError **error)
{
  DeskForm *self = DESK_FORM (stream);
  const Piece *piece = NULL;
  gssize n;

  while (self->at < self->pieces->len)
    {
      piece = g_ptr_array_index (self->pieces, self->at);
      if (self->offset < piece->size)
        break;
      close_file (self);
      self->at++;
      self->offset = 0;
    }
  if (self->at == self->pieces->len)
    return 0;
  count = MIN (count, (gsize) (piece->size - self->offset));
  if (piece->text != NULL)
    {
      memcpy (buffer, (const char *) g_bytes_get_data (piece->text, NULL) + self->offset, count);
      n = (gssize) count;
    }
  else
    n = read_file (self, piece, buffer, count, error);
  if (n > 0)
    self->offset += n;
  return n;
}

/* ── Back to the beginning: libsoup does that when it has to begin a request anew ──────────── */

static goffset
desk_form_tell (GSeekable *seekable)
{
  DeskForm *self = DESK_FORM (seekable);
  goffset place = self->offset;

  for (guint i = 0; i < self->at; i++)
    place += ((Piece *) g_ptr_array_index (self->pieces, i))->size;
  return place;
}

static gboolean
desk_form_can (GSeekable *seekable)
{
  return TRUE;
}

static gboolean
desk_form_cannot (GSeekable *seekable)
{
  return FALSE;
}

static gboolean
desk_form_seek (GSeekable *seekable, goffset offset, GSeekType type, GCancellable *cancellable, GError **error)
{
  DeskForm *self = DESK_FORM (seekable);

  if (type != G_SEEK_SET || offset != 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "a form can only be read anew");
      return FALSE;
    }
  close_file (self);
  self->at = 0;
  self->offset = 0;
  return TRUE;
}

static gboolean
desk_form_truncate (GSeekable *seekable, goffset offset, GCancellable *cancellable, GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "a form cannot be cut");
  return FALSE;
}

static void
desk_form_seekable_init (GSeekableIface *iface)
{
  iface->tell = desk_form_tell;
  iface->can_seek = desk_form_can;
  iface->seek = desk_form_seek;
  iface->can_truncate = desk_form_cannot;
  iface->truncate_fn = desk_form_truncate;
}

/* ── Making it ──────────────────────────────────────────────────────────────────────────────── */

static void
add_text (DeskForm *self, char *text)
{
  Piece *last = self->pieces->len > 0 ? g_ptr_array_index (self->pieces, self->pieces->len - 1) : NULL;
  Piece *piece;

  self->size += (gint64) strlen (text);
  if (last != NULL && last->text != NULL)
    {
      /* One write for all of it. */
      char *joined = g_strconcat (g_bytes_get_data (last->text, NULL), text, NULL);

      g_bytes_unref (last->text);
      g_free (text);
      last->size = (gint64) strlen (joined);
      last->text = g_bytes_new_take (joined, (gsize) last->size);
      return;
    }
  piece = g_new0 (Piece, 1);
  piece->size = (gint64) strlen (text);
  piece->text = g_bytes_new_take (text, (gsize) piece->size);
  g_ptr_array_add (self->pieces, piece);
}

static void
add_field (DeskForm *self, const char *name, const char *value)
{
  add_text (self, g_strdup_printf ("--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", self->boundary,
                                   name, value));
}

/* As browsers write it: quotes and line ends percent-encoded (WHATWG HTML, "multipart form data"). */
static char *
quote_filename (const char *filename)
{
  GString *out = g_string_new (NULL);

  for (const char *p = filename; *p != '\0'; p++)
    if (*p == '"' || *p == '\r' || *p == '\n')
      g_string_append_printf (out, "%%%02X", *p);
    else
      g_string_append_c (out, *p);
  return g_string_free (out, FALSE);
}

static gboolean
add_file (DeskForm *self, const DeskUploadPart *part, GError **error)
{
  g_autofree char *filename = quote_filename (part->filename);
  const char *type = strpbrk (part->mime_type, "\r\n") == NULL ? part->mime_type : "application/octet-stream";
  struct stat st;
  Piece *piece;

  if (stat (part->path, &st) != 0 || !S_ISREG (st.st_mode) || st.st_size != part->size)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "a file to be sent is not there any more");
      return FALSE;
    }
  add_text (self, g_strdup_printf ("--%s\r\nContent-Disposition: form-data; name=\"" DESK_WIRE_FIELD_FILES
                                   "\"; filename=\"%s\"\r\nContent-Type: %s\r\n\r\n",
                                   self->boundary, filename, type));
  piece = g_new0 (Piece, 1);
  piece->path = g_strdup (part->path);
  piece->size = part->size;
  self->size += piece->size;
  g_ptr_array_add (self->pieces, piece);
  add_text (self, g_strdup ("\r\n"));
  return TRUE;
}

GInputStream *
desk_form_new (const DeskSendRequest *fields, GPtrArray *parts, GError **error)
{
  g_autoptr (DeskForm) self = g_object_new (DESK_TYPE_FORM, NULL);
  g_autoptr (GPtrArray) texts = desk_wire_send_fields (fields);

  for (guint i = 0; i + 1 < texts->len; i += 2)
    add_field (self, g_ptr_array_index (texts, i), g_ptr_array_index (texts, i + 1));
  for (guint i = 0; i < parts->len; i++)
    if (!add_file (self, g_ptr_array_index (parts, i), error))
      return NULL;
  add_text (self, g_strdup_printf ("--%s--\r\n", self->boundary));
  return G_INPUT_STREAM (g_steal_pointer (&self));
}

gint64
desk_form_get_size (DeskForm *self)
{
  return self->size;
}

const char *
desk_form_get_boundary (DeskForm *self)
{
  return self->boundary;
}

static void
desk_form_finalize (GObject *object)
{
  DeskForm *self = DESK_FORM (object);

  close_file (self);
  g_ptr_array_unref (self->pieces);
  g_free (self->boundary);
  G_OBJECT_CLASS (desk_form_parent_class)->finalize (object);
}

static void
desk_form_class_init (DeskFormClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = desk_form_finalize;
  G_INPUT_STREAM_CLASS (klass)->read_fn = desk_form_read;
}

static void
desk_form_init (DeskForm *self)
{
  g_autofree char *uuid = desk_uuid7_new (desk_clock_system (), desk_random_system ());

  self->pieces = g_ptr_array_new_with_free_func (piece_free);
  self->boundary = g_strconcat ("frontdesk-", uuid, NULL); /* random: no file holds it but by intent of its author */
  self->fd = -1;
}
