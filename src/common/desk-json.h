/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define DESK_JSON_ERROR (desk_json_error_quark ())

/* Deepest nesting that is read: one array or object is depth 1. */
#define DESK_JSON_MAX_DEPTH 64

typedef enum
{
  DESK_JSON_ERROR_SYNTAX,        /* not RFC 8259 */
  DESK_JSON_ERROR_DEPTH,         /* nested deeper than DESK_JSON_MAX_DEPTH */
  DESK_JSON_ERROR_TOO_LARGE,     /* text longer than the caller allows */
  DESK_JSON_ERROR_UTF8,          /* invalid UTF-8, a lone surrogate, or NUL in a string */
  DESK_JSON_ERROR_NUMBER,        /* neither a 64-bit integer nor a finite double */
  DESK_JSON_ERROR_DUPLICATE_KEY, /* one object names a member twice */
  DESK_JSON_ERROR_TYPE,          /* a member is of another type than asked for */
  DESK_JSON_ERROR_MISSING,       /* a required member is absent or null */
  DESK_JSON_ERROR_RANGE,         /* a member's value is too long, too small or too big */
} DeskJsonError;

GQuark desk_json_error_quark (void);

/**
 * desk_json_scan:
 * @text: bytes that should be JSON; need not end in NUL
 * @len: their number
 * @max_len: most bytes that are accepted
 * @error: #DeskJsonError; the message gives the byte offset and never the content
 *
 * Checks untrusted text before json-glib sees it, which recurses and is lax: one pass, constant
 * stack, time linear in @len whatever it holds. Accepts exactly RFC 8259 with the limits of the
 * error codes above. A number without fraction and exponent must fit a gint64. Two spellings of
 * one key ("a" and "\u0061") are duplicates. Any thread.
 *
 * Returns: whether the text may be parsed
 */
gboolean desk_json_scan (const char *text, gsize len, gsize max_len, GError **error);

/**
 * desk_json_parse:
 * @text: bytes that should be JSON
 * @len: their number
 * @max_len: most bytes that are accepted
 * @error: #DeskJsonError
 *
 * desk_json_scan() and then json-glib. Not on the main thread for anything of size.
 *
 * Returns: (transfer full): the root, to be freed with json_node_unref(), or %NULL
 */
JsonNode *desk_json_parse (const char *text, gsize len, gsize max_len, GError **error);

/*
 * Getters. All of them: null counts as absent; an absent member is DESK_JSON_ERROR_MISSING if
 * @required; another type is DESK_JSON_ERROR_TYPE; the message names the member. On failure the
 * result is untouched. When an optional member is absent, they return TRUE and leave a number or
 * a boolean untouched, but set a pointer to NULL.
 */

/**
 * desk_json_get_string:
 * @obj: an object
 * @name: the member
 * @max_bytes: longest value in bytes, 0 for no limit
 * @required: whether absence is an error
 * @out: (out) (transfer none) (nullable): the value, owned by @obj; %NULL when absent or null
 * @error: #DeskJsonError
 */
gboolean desk_json_get_string (JsonObject *obj, const char *name, gsize max_bytes,
                               gboolean required, const char **out, GError **error);

/**
 * desk_json_get_int64:
 * @obj: an object
 * @name: the member
 * @min: smallest accepted value
 * @max: biggest accepted value
 * @required: whether absence is an error
 * @out: (out): the value
 * @error: #DeskJsonError; RANGE for a value outside @min to @max
 *
 * Accepts doubles without a fraction (1.0, 1e3), too.
 */
gboolean desk_json_get_int64 (JsonObject *obj, const char *name, gint64 min, gint64 max,
                              gboolean required, gint64 *out, GError **error);

gboolean desk_json_get_bool (JsonObject *obj, const char *name, gboolean required, gboolean *out,
                             GError **error);

/* Accepts integers, too. */
gboolean desk_json_get_double (JsonObject *obj, const char *name, gboolean required, double *out,
                               GError **error);

/* @out is borrowed from @obj; NULL when absent or null. */
gboolean desk_json_get_object (JsonObject *obj, const char *name, gboolean required,
                               JsonObject **out, GError **error);

/* @out is borrowed from @obj; NULL when absent or null. */
gboolean desk_json_get_array (JsonObject *obj, const char *name, gboolean required,
                              JsonArray **out, GError **error);

/**
 * desk_json_get_time_ms:
 * @obj: an object
 * @name: the member
 * @required: whether absence is an error
 * @out: (out): ms UTC
 * @error: #DeskJsonError; RANGE for a string that is not a time
 *
 * Reads an RFC 3339 string, see desk_time_parse_rfc3339().
 */
gboolean desk_json_get_time_ms (JsonObject *obj, const char *name, gboolean required, gint64 *out,
                                GError **error);

/**
 * desk_json_to_text:
 * @node: (nullable): a tree; %NULL is written as null
 *
 * Returns: (transfer full): compact JSON
 */
char *desk_json_to_text (JsonNode *node);

G_END_DECLS
