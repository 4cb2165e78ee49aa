/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "sync/desk-files-private.h"

/* The way of news from the sync thread to the owner's. Invariant: func runs on the owner's context only, and not any
 * more after the cut, which happens there too; so nothing but the count of references needs care. */

struct _DeskFilesLink
{
  gatomicrefcount refs;
  GMainContext *context;
  DeskFileNewsFunc func; /* NULL: cut */
  gpointer data;
};

typedef struct
{
  DeskFilesLink *link;
  DeskFileNews *news;
} Telling;

void
desk_file_news_free (DeskFileNews *news)
{
  if (news == NULL)
    return;
  g_free (news->key);
  g_free (news->path);
  g_free (news->sha256);
  g_free (news->error);
  g_free (news);
}

DeskFilesLink *
desk_files_link_new (GMainContext *context, DeskFileNewsFunc func, gpointer data)
{
  DeskFilesLink *self = g_new0 (DeskFilesLink, 1);

  g_atomic_ref_count_init (&self->refs);
  self->context = g_main_context_ref (context);
  self->func = func;
  self->data = data;
  return self;
}

DeskFilesLink *
desk_files_link_ref (DeskFilesLink *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
desk_files_link_unref (DeskFilesLink *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_main_context_unref (self->context);
  g_free (self);
}

void
desk_files_link_cut (DeskFilesLink *self)
{
  self->func = NULL;
}

static void
telling_free (gpointer data)
{
  Telling *telling = data;

  desk_file_news_free (telling->news);
  desk_files_link_unref (telling->link);
  g_free (telling);
}

static gboolean
tell (gpointer data)
{
  Telling *telling = data;

  if (telling->link->func != NULL)
    telling->link->func (telling->news, telling->link->data);
  return G_SOURCE_REMOVE;
}

void
desk_files_link_tell (DeskFilesLink *self, DeskFileNews *news)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  g_autoptr (GMainContext) context = g_main_context_ref (self->context);
  Telling *telling = g_new0 (Telling, 1);

  telling->link = desk_files_link_ref (self);
  telling->news = news;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[frontdesk] file news");
  g_source_set_callback (source, tell, telling, telling_free);
  g_source_attach (source, context);
}
