/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DeskJsonWriter:
 * @out: where the text is appended; not owned
 *
 * Writes compact JSON (RFC 8259) straight into a buffer, without building a tree. It lives on
 * the stack, owns nothing and needs no cleanup. The caller keeps the grammar: in an object every
 * value has a key before it, and what is begun is ended; at most 64 levels. One thread at a time.
 *
 * |[<!-- language="C" -->
 * DeskJsonWriter w;
 * desk_json_writer_init (&w, out);
 * desk_json_writer_begin_object (&w);
 * desk_json_writer_member_string (&w, "id", id);
 * desk_json_writer_key (&w, "labels");
 * desk_json_writer_begin_array (&w);
 * …
 * desk_json_writer_end_array (&w);
 * desk_json_writer_end_object (&w);
 * ]|
 */
typedef struct
{
  GString *out;
  /*< private >*/
  guint64 has_item; /* bit n: level n already has an item, so that a comma goes before the next */
  guint depth;
  gboolean after_key;
} DeskJsonWriter;

void desk_json_writer_init (DeskJsonWriter *self, GString *out);

void desk_json_writer_begin_object (DeskJsonWriter *self);
void desk_json_writer_end_object (DeskJsonWriter *self);
void desk_json_writer_begin_array (DeskJsonWriter *self);
void desk_json_writer_end_array (DeskJsonWriter *self);

/**
 * desk_json_writer_key:
 * @name: a literal of ours: plain ASCII without quotes, backslashes or controls; not escaped
 */
void desk_json_writer_key (DeskJsonWriter *self, const char *name);

/**
 * desk_json_writer_key_text:
 * @name: any text, for names that come from data; escaped like a string
 */
void desk_json_writer_key_text (DeskJsonWriter *self, const char *name);

/**
 * desk_json_writer_string:
 * @text: (nullable): UTF-8; each invalid byte becomes U+FFFD; %NULL is written as null
 */
void desk_json_writer_string (DeskJsonWriter *self, const char *text);

/**
 * desk_json_writer_string_len:
 * @text: UTF-8, may hold NUL (written as \u0000)
 * @len: bytes
 */
void desk_json_writer_string_len (DeskJsonWriter *self, const char *text, gsize len);

void desk_json_writer_int64 (DeskJsonWriter *self, gint64 value);

/* The shortest of 15 to 17 digits that reads back as @value, always with a point or an exponent;
 * NaN and infinities, which JSON does not know, become null. */
void desk_json_writer_double (DeskJsonWriter *self, double value);

void desk_json_writer_bool (DeskJsonWriter *self, gboolean value);
void desk_json_writer_null (DeskJsonWriter *self);

/* An RFC 3339 string, see desk_time_write_rfc3339(). */
void desk_json_writer_time_ms (DeskJsonWriter *self, gint64 ms);

/**
 * desk_json_writer_raw:
 * @json: one complete, valid JSON value; copied as it is
 */
void desk_json_writer_raw (DeskJsonWriter *self, const char *json);
void desk_json_writer_raw_len (DeskJsonWriter *self, const char *json, gsize len);

/* Key and value at once. @name as for desk_json_writer_key(). */

/* null for NULL */
void desk_json_writer_member_string (DeskJsonWriter *self, const char *name, const char *text);
void desk_json_writer_member_int64 (DeskJsonWriter *self, const char *name, gint64 value);
void desk_json_writer_member_double (DeskJsonWriter *self, const char *name, double value);
void desk_json_writer_member_bool (DeskJsonWriter *self, const char *name, gboolean value);
void desk_json_writer_member_null (DeskJsonWriter *self, const char *name);
/* null for ms <= 0, which stands for "never" */
void desk_json_writer_member_time_ms (DeskJsonWriter *self, const char *name, gint64 ms);
/* null for NULL */
void desk_json_writer_member_raw (DeskJsonWriter *self, const char *name, const char *json);

G_END_DECLS
