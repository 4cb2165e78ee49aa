/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-http"

#include "config.h"

/* Files on their way in (multipart/form-data, RFC 7578) and out.
 *
 * Invariants: bytes of a file go to the disk piece by piece as they come and are never held
 * whole; what was written for a request that is refused or breaks off is removed with it; a file
 * goes out as a download, in a type that its own bytes told, and nothing in it may run. */

#include "server/http/desk-http-private.h"

#include <string.h>
#include <unistd.h>

#define PARSER_BYTES 16384
#define MAX_VALUE    (DESK_WIRE_MAX_TEXT + 1) /* of a text field; one more, so that it is refused */
#define MAX_FIELDS   64                       /* of one form, known or not */

struct _DeskHttpForm
{
  DeskHttpRequest *request;
  struct MHD_PostProcessor *parser;
  DeskSendRequest *send;
  GPtrArray *uploads; /* of DeskFileUpload; the last is being written */
  GString *value;     /* of the field that is being read */
  char *field;        /* its name; NULL between fields and in files */
  char *begun;        /* number, key and name of a part of which nothing came yet; NULL else */
  char *mark;         /* "\r\n--BOUNDARY", which ends a part */
  gsize matched;      /* of mark, by the last bytes */
  guint n_marks;      /* that are complete */
  guint n_fields;
};

static DeskFileStore *
files_of (DeskHttpRequest *request)
{
  return desk_service_get_files (request->server->options.service);
}

void
desk_http_form_free (DeskHttpForm *self)
{
  if (self == NULL)
    return;
  if (self->parser != NULL)
    MHD_destroy_post_processor (self->parser);
  desk_send_request_free (self->send);
  g_clear_pointer (&self->uploads, g_ptr_array_unref);
  g_string_free (self->value, TRUE);
  g_free (self->field);
  g_free (self->begun);
  g_free (self->mark);
  g_free (self);
}

static void
fail_too_large (DeskHttpRequest *request)
{
  g_autofree char *details = g_strdup_printf ("{\"limit\":%" G_GINT64_FORMAT ",\"unit\":\"bytes\"}",
                                              request->server->options.max_file_bytes);

  desk_http_request_reply (request,
                           desk_reply_new_failure (DESK_CODE_TOO_LARGE, "A file is too large",
                                                   details, -1, ""));
}

static void
fail_file (DeskHttpRequest *request, const GError *error)
{
  if (g_error_matches (error, DESK_FILE_STORE_ERROR, DESK_FILE_STORE_ERROR_TOO_LARGE))
    fail_too_large (request);
  else if (g_error_matches (error, DESK_FILE_STORE_ERROR, DESK_FILE_STORE_ERROR_FULL))
    desk_http_request_reply (
        request,
        desk_reply_new_failure (DESK_CODE_STORAGE_FULL,
                                "The backend has no space left; nothing was stored", NULL, 30, ""));
  else
    {
      g_message ("a file could not be taken: %s", error->message);
      desk_http_request_fail (request, DESK_CODE_UNAVAILABLE, "Files cannot be stored now");
    }
}

/* The field that was being read is complete. */
static gboolean
end_field (DeskHttpForm *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *field = g_steal_pointer (&self->field);

  if (field != NULL
      && !desk_wire_take_send_field (self->send, field, self->value->str, self->value->len, &error))
    desk_http_request_fail_json (self->request, error);
  g_string_truncate (self->value, 0);
  return self->request->reply == NULL;
}

static gboolean
begin_file (DeskHttpForm *self, const char *filename)
{
  const DeskHttpOptions *options = &self->request->server->options;
  DeskFileStore *files = files_of (self->request);
  g_autoptr (GError) error = NULL;

  if (self->uploads->len >= options->max_files)
    {
      g_autofree char *message
          = g_strdup_printf ("A message takes at most %u files", options->max_files);
      desk_http_request_fail_field (self->request, DESK_WIRE_FIELD_FILES, message);
      return FALSE;
    }
  DeskFileUpload *upload = files->ops->begin (files, filename, options->max_file_bytes, &error);
  if (upload == NULL)
    {
      fail_file (self->request, error);
      return FALSE;
    }
  g_ptr_array_add (self->uploads, upload);
  return TRUE;
}

static gboolean
take_file (DeskHttpForm *self, const char *data, gsize size)
{
  DeskFileUpload *upload = g_ptr_array_index (self->uploads, self->uploads->len - 1);
  g_autoptr (GError) error = NULL;

  if (size == 0 || upload->ops->append (upload, data, size, &error))
    return TRUE;
  fail_file (self->request, error);
  /* at once, and not only with the request: what comes now is read and dropped */
  g_ptr_array_set_size (self->uploads, 0);
  return FALSE;
}

static gboolean
begin_part (DeskHttpForm *self, const char *key, const char *filename)
{
  if (!end_field (self))
    return FALSE;
  if (++self->n_fields > MAX_FIELDS)
    {
      desk_http_request_fail (self->request, DESK_CODE_BAD_REQUEST, "The form has too many fields");
      return FALSE;
    }
  if (strcmp (key, DESK_WIRE_FIELD_FILES) == 0)
    return begin_file (self, filename);
  self->field = g_strdup (key);
  return TRUE;
}

/* off is 0 at the beginning of each part; and once more where what came so far ended right there, between the part's
 * head and its first byte. Which of the two it is tells the number of marks before. */
static gboolean
is_beginning (DeskHttpForm *self, const char *key, const char *filename, uint64_t off, size_t size)
{
  g_autofree char *name
      = g_strdup_printf ("%u\n%s\n%s", self->n_marks, key, filename != NULL ? filename : "");
  g_autofree char *begun = g_steal_pointer (&self->begun);

  if (off != 0)
    return FALSE;
  if (size == 0)
    self->begun = g_strdup (name);
  return size == 0 || begun == NULL || strcmp (begun, name) != 0;
}

static enum MHD_Result
on_part (void *cls,
         enum MHD_ValueKind kind,
         const char *key,
         const char *filename,
         const char *content_type,
         const char *transfer_encoding,
         const char *data,
         uint64_t off,
         size_t size)
{
  DeskHttpForm *self = cls;

  if (self->request->reply != NULL)
    return MHD_NO;
  if (key == NULL)
    key = "";
  if (is_beginning (self, key, filename, off, size) && !begin_part (self, key, filename))
    return MHD_NO;
  if (strcmp (key, DESK_WIRE_FIELD_FILES) == 0)
    return self->uploads->len > 0 && take_file (self, data, size) ? MHD_YES : MHD_NO;
  if (self->value->len < MAX_VALUE)
    g_string_append_len (self->value, data, (gssize)MIN (size, MAX_VALUE - self->value->len));
  return MHD_YES;
}

/* As libmicrohttpd reads it. */
static char *
read_mark (const char *type)
{
  const char *start = strcasestr (type, "boundary=");
  const char *text = start != NULL ? start + strlen ("boundary=") : "";
  gsize len = strlen (text);

  if (len > 1 && text[0] == '"' && text[len - 1] == '"')
    {
      text++;
      len -= 2;
    }
  return g_strdup_printf ("\r\n--%.*s", (int)MIN (len, PARSER_BYTES), text);
}

DeskHttpForm *
desk_http_form_new (DeskHttpRequest *request)
{
  const char *type = desk_http_request_get_header (request, "Content-Type");

  if (type == NULL || g_ascii_strncasecmp (type, "multipart/form-data", 19) != 0)
    {
      desk_http_request_fail (request, DESK_CODE_UNSUPPORTED_MEDIA_TYPE,
                              "The body must be multipart/form-data");
      return NULL;
    }
  if (files_of (request) == NULL)
    {
      desk_http_request_fail (request, DESK_CODE_NOT_SUPPORTED, "This backend keeps no files");
      return NULL;
    }
  DeskHttpForm *self = g_new0 (DeskHttpForm, 1);
  self->request = request;
  self->value = g_string_new (NULL);
  self->uploads = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_file_upload_cancel);
  self->send = g_new0 (DeskSendRequest, 1);
  self->send->seen_seq = -1;
  self->mark = read_mark (type);
  self->matched = 2; /* the first stands at the very beginning */
  self->parser = MHD_create_post_processor (request->connection, PARSER_BYTES, on_part, self);
  if (self->parser == NULL)
    {
      desk_http_request_fail (request, DESK_CODE_BAD_REQUEST, "The form names no boundary");
      g_clear_pointer (&self, desk_http_form_free);
    }
  return self;
}

/* How many bytes of data there are up to the end of the next mark; all, if it does not end there. A carriage return
 * stands nowhere but at the beginning of a mark. */
static gsize
find_mark (DeskHttpForm *self, const char *data, gsize len, gboolean *out_found)
{
  for (gsize i = 0; i < len; i++)
    {
      if (self->matched == 0)
        {
          const char *next = memchr (data + i, '\r', len - i);
          if (next == NULL)
            break;
          i = (gsize)(next - data);
        }
      if (data[i] != self->mark[self->matched])
        self->matched = 0;
      if (data[i] == self->mark[self->matched])
        self->matched++;
      if (self->mark[self->matched] == '\0')
        {
          self->matched = 0;
          *out_found = TRUE;
          return i + 1;
        }
    }
  *out_found = FALSE;
  return len;
}

/* The parser sees the end of each mark as the end of a piece: what it says in the next one is of another part. */
void
desk_http_form_take (DeskHttpForm *self, const char *data, gsize len)
{
  while (len > 0 && self->request->reply == NULL)
    {
      gboolean found;
      const gsize n = find_mark (self, data, len, &found);
      if (MHD_post_process (self->parser, data, n) != MHD_YES && self->request->reply == NULL)
        desk_http_request_fail (self->request, DESK_CODE_BAD_REQUEST, "The form cannot be read");
      self->n_marks += found ? 1 : 0;
      data += n;
      len -= n;
    }
  if (self->request->reply != NULL)
    g_ptr_array_set_size (self->uploads, 0);
}

/* Is everything there? */
static gboolean
end_form (DeskHttpForm *self)
{
  if (MHD_destroy_post_processor (g_steal_pointer (&self->parser)) != MHD_YES
      && self->request->reply == NULL)
    desk_http_request_fail (self->request, DESK_CODE_BAD_REQUEST, "The form breaks off");
  if (self->request->reply != NULL || !end_field (self))
    return FALSE;
  if (self->uploads->len > 0)
    return TRUE;
  desk_http_request_fail_field (self->request, DESK_WIRE_FIELD_FILES,
                                "files must hold at least one file");
  return FALSE;
}

void
desk_http_handle_send_file (DeskHttpRequest *request)
{
  DeskHttpForm *form = request->form;

  if (form == NULL)
    {
      desk_http_request_fail (request, DESK_CODE_BAD_REQUEST, "The request needs a form");
      return;
    }
  if (!end_form (form))
    return;
  if (form->send->text == NULL)
    form->send->text = g_strdup ("");
  DeskHttpWait *wait = desk_http_wait_begin (request);
  if (wait != NULL)
    desk_service_send_files (request->server->options.service, request->who, request->match.args[0],
                             request->match.args[1], form->send, g_steal_pointer (&form->uploads),
                             desk_http_wait_done, wait);
}

/* ── Out ────────────────────────────────────────────────────────────────────────────────────── */
/* The part that a broken download still needs: "bytes=FIRST-" or "bytes=FIRST-LAST" (RFC 9110, section 14.1.2). Any
 * other form, and a part that is not there, is passed over, as the section allows, and all is sent. */
static void
read_range (const char *text, gint64 size, gint64 *out_first, gint64 *out_last)
{
  guint64 first = 0, last = G_MAXUINT64;

  if (text == NULL || g_ascii_strncasecmp (text, "bytes=", 6) != 0)
    return;
  const char *dash = strchr (text + 6, '-');
  if (dash == NULL)
    return;
  g_autofree char *before = g_strndup (text + 6, (gsize)(dash - text - 6));
  if (!g_ascii_string_to_unsigned (before, 10, 0, G_MAXUINT64, &first, NULL)
      || (dash[1] != '\0'
          && !g_ascii_string_to_unsigned (dash + 1, 10, first, G_MAXUINT64, &last, NULL))
      || first >= (guint64)size)
    return;
  *out_first = (gint64)first;
  *out_last = (gint64)MIN (last, (guint64)size - 1);
}

static guint
add_range_headers (struct MHD_Response *response, gint64 size, gint64 first, gint64 last)
{
  MHD_add_response_header (response, "Accept-Ranges", "bytes");
  if (first == 0 && last == size - 1)
    return MHD_HTTP_OK;
  g_autofree char *range = g_strdup_printf ("bytes %" G_GINT64_FORMAT "-%" G_GINT64_FORMAT
                                            "/%" G_GINT64_FORMAT,
                                            first, last, size);
  MHD_add_response_header (response, "Content-Range", range);
  return MHD_HTTP_PARTIAL_CONTENT;
}

/* A file is named by its hash and never changes, so that a part of it always fits the others. */
static void
queue_file (DeskHttpRequest *request, int fd, gint64 size, const char *mime_type)
{
  gint64 first = 0, last = size - 1;
  g_autofree char *etag = g_strdup_printf ("\"%s\"", request->match.args[0]);
  const char *condition = desk_http_request_get_header (request, "If-Range");
  const char *range = desk_http_request_get_header (request, "Range");

  if (condition == NULL || strcmp (condition, etag) == 0)
    read_range (range, size, &first, &last);
  struct MHD_Response *response
      = MHD_create_response_from_fd_at_offset64 ((uint64_t)(last - first + 1), fd, (uint64_t)first);

  if (response == NULL)
    {
      close (fd);
      desk_http_request_fail (request, DESK_CODE_UNAVAILABLE, "The file cannot be sent now");
      return;
    }
  MHD_add_response_header (response, "Content-Type", mime_type);
  MHD_add_response_header (response, "Content-Disposition", "attachment");
  MHD_add_response_header (response, "Content-Security-Policy", "default-src 'none'; sandbox");
  MHD_add_response_header (response, "ETag", etag);
  const guint status = add_range_headers (response, size, first, last);
  desk_http_reply_add_headers (response, request);
  __atomic_add_fetch (&request->server->n_answers[2], 1, __ATOMIC_RELAXED);
  request->answered = MHD_queue_response (request->connection, status, response) == MHD_YES;
  MHD_destroy_response (response);
}

/* The signature stands for a token: whoever holds a fresh link may read that one file. */
void
desk_http_handle_file (DeskHttpRequest *request)
{
  g_autofree char *expires = NULL;
  g_autofree char *signature = NULL;
  g_autofree char *mime_type = NULL;
  gint64 size = 0;
  int fd = -1;

  if (!desk_http_request_query (request, "expires", &expires)
      || !desk_http_request_query (request, "sig", &signature))
    return;
  DeskReply *refusal
      = desk_service_open_file (request->server->options.service, request->match.args[0], expires,
                                signature, &fd, &size, &mime_type);
  if (refusal != NULL)
    desk_http_request_reply (request, refusal);
  else
    queue_file (request, fd, size, mime_type);
}
