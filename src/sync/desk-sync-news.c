/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "sync/desk-sync-private.h"

/* What the driver tells the owner, as a value that crosses threads. */

static void
fetched_clear (DeskFetched *fetched)
{
  g_free (fetched->text);
}

DeskNews *
desk_news_new (void)
{
  DeskNews *news = g_new0 (DeskNews, 1);

  news->events = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_event_free);
  news->ephemeral = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_event_free);
  news->fetched = g_array_new (FALSE, FALSE, sizeof (DeskFetched));
  g_array_set_clear_func (news->fetched, (GDestroyNotify) fetched_clear);
  return news;
}

void
desk_news_free (DeskNews *news)
{
  g_clear_pointer (&news->state, desk_sync_state_free);
  g_clear_pointer (&news->capabilities, desk_capabilities_free);
  g_clear_pointer (&news->presence, g_ptr_array_unref);
  g_ptr_array_unref (news->events);
  g_ptr_array_unref (news->ephemeral);
  g_array_unref (news->fetched);
  g_free (news);
}

static void
merge_array (GPtrArray *into, GPtrArray *from)
{
  for (guint i = 0; i < from->len; i++)
    g_ptr_array_add (into, g_ptr_array_index (from, i));
  g_ptr_array_set_free_func (from, NULL);
  g_ptr_array_set_size (from, 0);
}

void
desk_news_merge (DeskNews *into, DeskNews *from)
{
  if (from->state != NULL)
    {
      g_clear_pointer (&into->state, desk_sync_state_free);
      into->state = g_steal_pointer (&from->state);
    }
  if (from->capabilities != NULL)
    {
      g_clear_pointer (&into->capabilities, desk_capabilities_free);
      into->capabilities = g_steal_pointer (&from->capabilities);
    }
  if (from->presence != NULL)
    {
      g_clear_pointer (&into->presence, g_ptr_array_unref);
      into->presence = g_steal_pointer (&from->presence);
    }
  into->settled = from->settled;
  into->nudges = from->nudges;
  merge_array (into->events, from->events);
  merge_array (into->ephemeral, from->ephemeral);
  for (guint i = 0; i < from->fetched->len; i++)
    g_array_append_val (into->fetched, g_array_index (from->fetched, DeskFetched, i));
  g_array_set_clear_func (from->fetched, NULL);
  desk_news_free (from);
}
