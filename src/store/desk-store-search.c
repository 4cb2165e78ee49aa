/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include <string.h>

#include "store/desk-store-private.h"

/* Full-text search over everything cached, newest first.
 *
 * What was typed is never FTS5 syntax: it is cut into words, each becomes a quoted string with a star
 * (a prefix), "a b" in quotes becomes a phrase; all must occur. Order is the row number, which
 * follows created_at: FTS5 walks its lists backwards and stops at the limit, which is what keeps a
 * search of a million messages within milliseconds, where ranking would read every hit.
 *
 * The tokenizer (unicode61) folds case and diacritics. It takes a run of Chinese, Japanese or Thai text
 * without spaces for one word: there a search finds only what begins such a run. */

#define MAX_WORDS 16
#define MAX_LIMIT 1000

static gboolean
has_token (const char *word)
{
  for (const char *p = word; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (g_unichar_isalnum (c) || g_unichar_type (c) == G_UNICODE_PRIVATE_USE
          || g_unichar_ismark (c))
        return TRUE;
    }
  return FALSE;
}

static void
append_word (GString *out, const char *word, gsize len, gboolean prefix, guint *n)
{
  g_autofree char *copy = g_strndup (word, len);

  if (*n >= MAX_WORDS || !has_token (copy))
    return;
  /* No quote can be inside: words are cut at them. */
  g_string_append_printf (out, "%s\"%s\"%s", *n > 0 ? " " : "", copy, prefix ? " *" : "");
  (*n)++;
}

static gboolean
is_separator (const char *p)
{
  gunichar c = g_utf8_get_char (p);

  return g_unichar_isspace (c) || g_unichar_iscntrl (c);
}

char *
desk_search_expression (const char *words)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *valid = g_utf8_make_valid (words ? words : "", -1);
  const char *p = valid;
  guint n = 0;

  while (*p != '\0')
    {
      const char *start;

      if (is_separator (p))
        {
          p = g_utf8_next_char (p);
          continue;
        }
      if (*p == '"')
        {
          const char *end = strchr (p + 1, '"');

          start = p + 1;
          p = end ? end + 1 : start + strlen (start);
          append_word (out, start, (end ? end : p) - start, end == NULL, &n);
          continue;
        }
      start = p;
      while (*p != '\0' && *p != '"' && !is_separator (p))
        p = g_utf8_next_char (p);
      append_word (out, start, p - start, TRUE, &n);
    }
  return n > 0 ? g_string_free (g_steal_pointer (&out), FALSE) : NULL;
}

static DeskSearchHit *
hit_from_stmt (DeskStmt *s)
{
  DeskSearchHit *hit = g_new0 (DeskSearchHit, 1);
  const char *platform = desk_stmt_column_text (s, DESK_MESSAGE_N_COLUMNS);
  const char *user_id = desk_stmt_column_text (s, DESK_MESSAGE_N_COLUMNS + 1);
  const char *name = desk_stmt_column_text (s, DESK_MESSAGE_N_COLUMNS + 2);

  hit->message = desk_message_from_stmt (s, platform, user_id);
  hit->order_key = desk_stmt_column_int64 (s, 1);
  hit->chat_name = g_strdup (name != NULL && *name != '\0' ? name : user_id);
  hit->snippet = g_strdup (desk_stmt_column_text (s, DESK_MESSAGE_N_COLUMNS + 3));
  if (hit->snippet == NULL)
    hit->snippet = g_strdup ("");
  return hit;
}

/* Hits are found and limited inside, the rest is read for those few only. Time bounds are bounds of the
 * row number, so they cut the walk short. */
#define SEARCH(filter)                                                                             \
  "SELECT " DESK_MESSAGE_COLUMNS ",c.platform,c.user_id,coalesce(nullif(c.user_name,''),"          \
  "c.messenger_name),snippet(message_text,0,char(2),char(3),'…',24)"                               \
  " FROM message_text f JOIN message m ON m.message=f.rowid JOIN chat c ON c.chat=m.chat"          \
  " WHERE message_text MATCH ?1 AND f.rowid>=?2 AND f.rowid<?3" filter                             \
  " ORDER BY f.rowid DESC LIMIT ?4"

GPtrArray *
desk_query_search (DeskDb *db, const DeskSearchQuery *q, GError **error)
{
  g_autoptr (GPtrArray) list
      = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_search_hit_free);
  g_autofree char *expression = desk_search_expression (q->words);
  DeskStep step;
  DeskStmt *s;

  if (expression == NULL)
    return g_steal_pointer (&list);
  if (q->platform == NULL)
    s = desk_db_prepare (db, SEARCH (""), error);
  else if (q->user_id == NULL)
    s = desk_db_prepare (db, SEARCH (" AND c.platform=?5"), error);
  else
    s = desk_db_prepare (db, SEARCH (" AND c.platform=?5 AND c.user_id=?6"), error);
  if (s == NULL)
    return NULL;
  desk_stmt_bind_text (s, 1, expression);
  desk_stmt_bind_int64 (s, 2, q->from_ms > 0 ? desk_order_key_level0 (q->from_ms, 0) : G_MININT64);
  desk_stmt_bind_int64 (s, 3, q->to_ms > 0 ? desk_order_key_level0 (q->to_ms, 0) : G_MAXINT64);
  desk_stmt_bind_int64 (s, 4, CLAMP (q->limit, 1, MAX_LIMIT));
  if (q->platform != NULL)
    desk_stmt_bind_text (s, 5, q->platform);
  if (q->platform != NULL && q->user_id != NULL)
    desk_stmt_bind_text (s, 6, q->user_id);
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    g_ptr_array_add (list, hit_from_stmt (s));
  return step == DESK_STEP_ERROR ? NULL : g_steal_pointer (&list);
}
