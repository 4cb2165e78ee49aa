/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "protocol/desk-wire-change.h"
#include "protocol/desk-wire.h"

/* Shared by the files of this folder alone: typed reading of members with the wire's limits.
 * All of them leave the result untouched where the member is absent or null and not required, so a
 * freshly made value keeps its defaults. On failure the error names the member. */

G_BEGIN_DECLS

/* Longest values in bytes, and most elements. What is longer is refused, not cut. */
#define DESK_WIRE_MAX_ID       256
#define DESK_WIRE_MAX_EXTERNAL 1024 /* ids of platforms; Instagram's have some 200 bytes */
#define DESK_WIRE_MAX_WORD     256 /* enum words, codes, MIME types */
#define DESK_WIRE_MAX_NAME     1024
#define DESK_WIRE_MAX_REASON   4096 /* error texts */
#define DESK_WIRE_MAX_LINK     8192 /* links, tokens */
#define DESK_WIRE_MAX_METADATA 65536
#define DESK_WIRE_MAX_CURSOR   65536
#define DESK_WIRE_MAX_ELEMENTS 100
/* The largest integer that every JSON reader keeps exactly: 2^53 - 1. */
#define DESK_WIRE_MAX_INT ((G_GINT64_CONSTANT (1) << 53) - 1)

/* DESK_JSON_ERROR, "NAME: PROBLEM". */
void
desk_wire_set_error (GError **error, DeskJsonError code, const char *name, const char *problem);

/* The node's object (borrowed), or NULL and DESK_JSON_ERROR_TYPE naming `what`. */
JsonObject *desk_wire_get_root (JsonNode *node, const char *what, GError **error);

/* Replaces *out, which is freed, by a copy of the value. */
gboolean desk_wire_take_string (JsonObject *obj,
                                const char *name,
                                gsize max_bytes,
                                gboolean required,
                                char **out,
                                GError **error);
/* As desk_wire_take_string(), and the empty string counts as absent. */
gboolean desk_wire_take_nonempty (JsonObject *obj,
                                  const char *name,
                                  gsize max_bytes,
                                  gboolean required,
                                  char **out,
                                  GError **error);
/* Sequence numbers, revisions, counts: 0 to DESK_WIRE_MAX_INT. */
gboolean desk_wire_get_count (
    JsonObject *obj, const char *name, gboolean required, gint64 *out, GError **error);
/* A time; "" and the year 1, the zero time of some servers, count as absent. */
gboolean desk_wire_get_time (
    JsonObject *obj, const char *name, gboolean required, gint64 *out_ms, GError **error);
/* Replaces *out, which is freed, by the strings of an array. */
gboolean desk_wire_take_strv (
    JsonObject *obj, const char *name, gsize max_bytes, char ***out, GError **error);
/* platform and user_id, both required and valid as a chat's key. Replaces what they held. */
gboolean
desk_wire_take_key (JsonObject *obj, char **out_platform, char **out_user_id, GError **error);

/* Reads one element of an array: a new value, or NULL with the error set. */
typedef gpointer (*DeskWireReadFunc) (JsonNode *node, GError **error);
/* Appends what `read` makes of each element of the array; at most DESK_WIRE_MAX_ELEMENTS. */
gboolean desk_wire_take_elements (
    JsonObject *obj, const char *name, DeskWireReadFunc read, GPtrArray *into, GError **error);
/* A list of objects, of which broken ones are left out; see desk_wire_read_messages(). */
GPtrArray *desk_wire_read_list (JsonNode *node,
                                const char *what,
                                DeskWireReadFunc read,
                                GDestroyNotify free_element,
                                GError **error);

/* The object of a request's body (nullable, of len bytes, at most max_len). *out_root owns it. */
JsonObject *desk_wire_parse_request (
    const char *body, gsize len, gsize max_len, JsonNode **out_root, GError **error);
/* Whether the object tells the member at all, be it null. */
gboolean desk_wire_tells (JsonObject *obj, const char *name);
/* Replaces *out, which is freed, by the compact text of an object (or array), at most DESK_WIRE_MAX_METADATA. */
gboolean desk_wire_take_json (
    JsonObject *obj, const char *name, JsonNodeType type, char **out, GError **error);
/* What a message tells beside the usual; nothing is written where there is nothing. */
gboolean desk_wire_read_template_use (JsonObject *obj, DeskTemplateUse **out, GError **error);
void desk_wire_write_template_use (DeskJsonWriter *w, const DeskTemplateUse *self);
gboolean desk_wire_read_change (JsonObject *obj, DeskChange **out, GError **error);
void desk_wire_write_change (DeskJsonWriter *w, const DeskChange *self);

void desk_wire_write_strv (DeskJsonWriter *w, const char *name, char *const *strings);
/* platform and user_id as members. */
void desk_wire_write_key (DeskJsonWriter *w, const char *platform, const char *user_id);
/* null where value is `unknown`. */
void desk_wire_write_known (DeskJsonWriter *w, const char *name, gint64 value, gint64 unknown);
/* {"PARTITION":SEQ,…} */
void desk_wire_write_head (DeskJsonWriter *w, const char *name, const DeskCursor *head);

G_END_DECLS
