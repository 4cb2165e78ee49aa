/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-http"

#include "config.h"

/* Finds the route of a path.
 * Invariants: a path is split before it is decoded, and decoded once; no result depends on the
 * order of routes with different patterns except that a literal segment beats a {…}. */

#include "server/http/desk-http-router.h"

#include <string.h>

#define MAX_SEGMENTS  12
#define MAX_ARG_CHARS 256

typedef struct
{
  const char *start;
  gsize len;
} Segment;

void
desk_http_match_clear (DeskHttpMatch *match)
{
  for (guint i = 0; i < DESK_HTTP_MAX_ARGS; i++)
    g_clear_pointer (&match->args[i], g_free);
  g_clear_pointer (&match->allow, g_free);
  match->route = NULL;
}

char *
desk_http_percent_decode (const char *text, gsize len)
{
  g_autofree char *out = g_malloc (len + 1);
  gsize n = 0;

  for (gsize i = 0; i < len; i++)
    {
      if (text[i] != '%')
        {
          out[n++] = text[i];
          continue;
        }
      int high = len - i > 2 ? g_ascii_xdigit_value (text[i + 1]) : -1;
      int low = len - i > 2 ? g_ascii_xdigit_value (text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return NULL;
      out[n++] = (char)(high * 16 + low);
      i += 2;
    }
  out[n] = '\0';
  if (memchr (out, '\0', n) != NULL || !g_utf8_validate (out, (gssize)n, NULL))
    return NULL;
  return g_steal_pointer (&out);
}

/* FALSE if path is not absolute or has too many segments to be one of ours */
static gboolean
split (const char *path, Segment *segments, gsize *out_n)
{
  gsize n = 0;

  if (*path != '/')
    return FALSE;
  while (*path == '/')
    {
      const char *end = strchrnul (path + 1, '/');
      if (n == MAX_SEGMENTS)
        return FALSE;
      segments[n].start = path + 1;
      segments[n].len = (gsize)(end - path - 1);
      n++;
      path = end;
    }
  *out_n = n;
  return TRUE;
}

static gboolean
literal_fits (const Segment *wanted, const Segment *got)
{
  if (wanted->len == got->len && memcmp (wanted->start, got->start, got->len) == 0)
    return TRUE;
  if (memchr (got->start, '%', got->len) == NULL)
    return FALSE;
  g_autofree char *decoded = desk_http_percent_decode (got->start, got->len);
  return decoded != NULL && strlen (decoded) == wanted->len
         && memcmp (decoded, wanted->start, wanted->len) == 0;
}

static gboolean
pattern_fits (const char *pattern, const Segment *segments, gsize n)
{
  Segment wanted[MAX_SEGMENTS];
  gsize n_wanted;

  if (!split (pattern, wanted, &n_wanted) || n_wanted != n)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    {
      if (wanted[i].start[0] == '{')
        {
          if (segments[i].len == 0)
            return FALSE;
        }
      else if (!literal_fits (&wanted[i], &segments[i]))
        return FALSE;
    }
  return TRUE;
}

static gboolean
take_args (const DeskHttpRoute *route, const Segment *segments, DeskHttpMatch *match)
{
  Segment wanted[MAX_SEGMENTS];
  gsize n;
  guint arg = 0;

  if (!split (route->pattern, wanted, &n))
    return FALSE;
  for (gsize i = 0; i < n && arg < DESK_HTTP_MAX_ARGS; i++)
    {
      if (wanted[i].start[0] != '{')
        continue;
      match->args[arg] = desk_http_percent_decode (segments[i].start, segments[i].len);
      if (match->args[arg] == NULL || strchr (match->args[arg], '/') != NULL
          || g_utf8_strlen (match->args[arg], -1) > MAX_ARG_CHARS)
        return FALSE;
      arg++;
    }
  return TRUE;
}

static void
add_allowed (GString *allow, const char *method)
{
  if (allow->len > 0)
    g_string_append (allow, ", ");
  g_string_append (allow, method);
  if (strcmp (method, "GET") == 0)
    g_string_append (allow, ", HEAD");
}

DeskHttpMatchResult
desk_http_router_match (const DeskHttpRoute *routes,
                        gsize n_routes,
                        const char *method,
                        const char *path,
                        DeskHttpMatch *out_match)
{
  const char *wanted = strcmp (method, "HEAD") == 0 ? "GET" : method;
  Segment segments[MAX_SEGMENTS];
  gsize n;
  GString *allow = NULL;

  memset (out_match, 0, sizeof *out_match);
  if (!split (path, segments, &n))
    return DESK_HTTP_MATCH_NOT_FOUND;
  for (gsize i = 0; i < n_routes; i++)
    {
      if (!pattern_fits (routes[i].pattern, segments, n))
        continue;
      if (strcmp (routes[i].method, wanted) == 0)
        {
          if (allow != NULL)
            g_string_free (allow, TRUE);
          if (!take_args (&routes[i], segments, out_match))
            return DESK_HTTP_MATCH_BAD_PATH;
          out_match->route = &routes[i];
          return DESK_HTTP_MATCH_FOUND;
        }
      if (allow == NULL)
        allow = g_string_new (NULL);
      add_allowed (allow, routes[i].method);
    }
  if (allow == NULL)
    return DESK_HTTP_MATCH_NOT_FOUND;
  out_match->allow = g_string_free (allow, FALSE);
  return DESK_HTTP_MATCH_METHOD;
}
