/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DESK_HTTP_MAX_ARGS 2

/**
 * DeskHttpRoute:
 * @method: "GET" (which also serves HEAD), "POST", "PUT", …
 * @pattern: path of segments; "{…}" takes any one segment
 * @data: what the caller keeps for the route
 */
typedef struct
{
  const char *method;
  const char *pattern;
  gconstpointer data;
} DeskHttpRoute;

typedef enum
{
  DESK_HTTP_MATCH_FOUND,
  DESK_HTTP_MATCH_NOT_FOUND, /* no pattern fits: 404 */
  DESK_HTTP_MATCH_METHOD,    /* a pattern fits, not the method: 405 */
  DESK_HTTP_MATCH_BAD_PATH,  /* percent-encoding that means nothing: 400 */
} DeskHttpMatchResult;

/**
 * DeskHttpMatch:
 * @route: (nullable): the route found
 * @args: the decoded {…} segments, %NULL beyond the last; cleared by desk_http_match_clear()
 * @allow: (nullable): on %DESK_HTTP_MATCH_METHOD the value of Allow
 */
typedef struct
{
  const DeskHttpRoute *route;
  char *args[DESK_HTTP_MAX_ARGS];
  char *allow;
} DeskHttpMatch;

void desk_http_match_clear (DeskHttpMatch *match);

/**
 * desk_http_router_match:
 * @routes: (array length=n_routes): tried in order; a literal segment before a {…} in its place
 * @n_routes: their number
 * @method: method of the request
 * @path: path as it came, without the query, still percent-encoded
 * @out_match: (out caller-allocates): to be cleared by desk_http_match_clear()
 *
 * Splits @path at its slashes and only then decodes each segment, once: "%2F" never makes a
 * segment, "%2541" is the text "%41". A {…} segment is opaque: 1 to 256 characters of UTF-8
 * without slash and NUL (PROTOCOL: `[^/]{1,256}`). Pure, any thread.
 */
DeskHttpMatchResult desk_http_router_match (const DeskHttpRoute *routes,
                                            gsize n_routes,
                                            const char *method,
                                            const char *path,
                                            DeskHttpMatch *out_match);

/**
 * desk_http_percent_decode:
 * @text: bytes
 * @len: their number
 *
 * Returns: (transfer full) (nullable): @text decoded once; %NULL for a broken escape, for NUL and
 *   for what is not UTF-8 after decoding
 */
char *desk_http_percent_decode (const char *text, gsize len);

G_END_DECLS
