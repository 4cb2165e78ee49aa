/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-model"

#include "config.h"

/* The cursor: how far the event log was applied, a sequence number a partition.
 * Invariants: places are sorted by partition, without duplicates, at most MAX_PARTITIONS; seq ≥ 0.
 * Parsing is exact: desk_cursor_format() of what was parsed gives the same bytes again. */

#include "model/desk-cursor.h"

#include <string.h>

#define MAX_PARTITIONS  1024
#define MAX_EPOCH_BYTES 32

typedef struct
{
  guint partition;
  gint64 seq;
} Place;

struct _DeskCursor
{
  char *epoch;
  GArray *places; /* of Place */
};

static gsize
epoch_span (const char *text)
{
  gsize len = 0;
  while (g_ascii_isalnum (text[len]) || text[len] == '_')
    len++;
  return len;
}

gboolean
desk_cursor_epoch_is_valid (const char *epoch)
{
  if (epoch == NULL)
    return FALSE;
  gsize len = epoch_span (epoch);
  return len > 0 && len <= MAX_EPOCH_BYTES && epoch[len] == '\0';
}

DeskCursor *
desk_cursor_new (const char *epoch)
{
  g_return_val_if_fail (desk_cursor_epoch_is_valid (epoch), NULL);
  DeskCursor *self = g_new0 (DeskCursor, 1);
  self->epoch = g_strdup (epoch);
  self->places = g_array_new (FALSE, FALSE, sizeof (Place));
  return self;
}

DeskCursor *
desk_cursor_copy (const DeskCursor *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  DeskCursor *copy = g_new0 (DeskCursor, 1);
  copy->epoch = g_strdup (self->epoch);
  copy->places = g_array_copy (self->places);
  return copy;
}

void
desk_cursor_free (DeskCursor *self)
{
  if (self == NULL)
    return;
  g_free (self->epoch);
  g_array_unref (self->places);
  g_free (self);
}

/* A decimal number without sign, spaces or leading zeros, at most max; moves *text behind it. */
static gboolean
parse_number (const char **text, guint64 max, guint64 *out)
{
  const char *p = *text;
  guint64 value = 0;
  if (!g_ascii_isdigit (*p) || (p[0] == '0' && g_ascii_isdigit (p[1])))
    return FALSE;
  for (; g_ascii_isdigit (*p); p++)
    {
      guint digit = (guint)(*p - '0');
      if (value > (max - digit) / 10)
        return FALSE;
      value = value * 10 + digit;
    }
  *text = p;
  *out = value;
  return TRUE;
}

static gboolean
parse_place (const char **text, Place *out)
{
  guint64 partition, seq;
  if (!parse_number (text, G_MAXUINT32, &partition) || **text != '-')
    return FALSE;
  (*text)++;
  if (!parse_number (text, G_MAXINT64, &seq))
    return FALSE;
  out->partition = (guint)partition;
  out->seq = (gint64)seq;
  return TRUE;
}

static gboolean
parse_places (DeskCursor *self, const char *text)
{
  if (*text == '\0')
    return TRUE;
  for (gint64 last = -1;;)
    {
      Place place;
      if (!parse_place (&text, &place) || (gint64)place.partition <= last
          || self->places->len >= MAX_PARTITIONS)
        return FALSE;
      last = place.partition;
      g_array_append_val (self->places, place);
      if (*text == '\0')
        return TRUE;
      if (*text++ != ',')
        return FALSE;
    }
}

DeskCursor *
desk_cursor_parse (const char *text)
{
  if (text == NULL)
    return NULL;
  gsize len = epoch_span (text);
  if (len == 0 || len > MAX_EPOCH_BYTES || text[len] != ':')
    return NULL;
  g_autofree char *epoch = g_strndup (text, len);
  g_autoptr (DeskCursor) self = desk_cursor_new (epoch);
  if (!parse_places (self, text + len + 1))
    return NULL;
  return g_steal_pointer (&self);
}

char *
desk_cursor_format (const DeskCursor *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  GString *text = g_string_new (self->epoch);
  g_string_append_c (text, ':');
  for (guint i = 0; i < self->places->len; i++)
    {
      const Place *place = &g_array_index (self->places, Place, i);
      g_string_append_printf (text, "%s%u-%" G_GINT64_FORMAT, i > 0 ? "," : "", place->partition,
                              place->seq);
    }
  return g_string_free (text, FALSE);
}

const char *
desk_cursor_get_epoch (const DeskCursor *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->epoch;
}

/* The index of the partition, or where it would be inserted. */
static gboolean
find_place (const DeskCursor *self, guint partition, guint *out_index)
{
  guint low = 0, high = self->places->len;
  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      if (g_array_index (self->places, Place, middle).partition < partition)
        low = middle + 1;
      else
        high = middle;
    }
  *out_index = low;
  return low < self->places->len && g_array_index (self->places, Place, low).partition == partition;
}

gint64
desk_cursor_get (const DeskCursor *self, guint partition)
{
  g_return_val_if_fail (self != NULL, 0);
  guint i;
  return find_place (self, partition, &i) ? g_array_index (self->places, Place, i).seq : 0;
}

void
desk_cursor_set (DeskCursor *self, guint partition, gint64 seq)
{
  g_return_if_fail (self != NULL && seq >= 0);
  guint i;
  if (find_place (self, partition, &i))
    {
      g_array_index (self->places, Place, i).seq = seq;
      return;
    }
  if (self->places->len >= MAX_PARTITIONS)
    return;
  Place place = { .partition = partition, .seq = seq };
  g_array_insert_val (self->places, i, place);
}

guint
desk_cursor_get_n_partitions (const DeskCursor *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->places->len;
}

void
desk_cursor_get_nth (const DeskCursor *self, guint n, guint *out_partition, gint64 *out_seq)
{
  g_return_if_fail (self != NULL && n < self->places->len);
  const Place *place = &g_array_index (self->places, Place, n);
  if (out_partition != NULL)
    *out_partition = place->partition;
  if (out_seq != NULL)
    *out_seq = place->seq;
}

gboolean
desk_cursor_equal (const DeskCursor *a, const DeskCursor *b)
{
  if (a == NULL || b == NULL)
    return a == b;
  if (strcmp (a->epoch, b->epoch) != 0 || a->places->len != b->places->len)
    return FALSE;
  for (guint i = 0; i < a->places->len; i++)
    {
      const Place *x = &g_array_index (a->places, Place, i);
      const Place *y = &g_array_index (b->places, Place, i);
      if (x->partition != y->partition || x->seq != y->seq)
        return FALSE;
    }
  return TRUE;
}
