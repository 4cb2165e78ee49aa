/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The window over one chat: keyset pages of 50, at most 400 items, the far end trimmed. One query
 * is under way at a time; what is wanted meanwhile is remembered and done after it. The rows that
 * are loaded (items) are copies of nothing: each page's items move into the model, and are read
 * again from its entries when pages are joined. */

#include "app/desk-timeline-loader.h"

#define PAGE   50
#define WINDOW 400

typedef enum
{
  LOAD_NONE,
  LOAD_REFRESH,
  LOAD_OLDER,
  LOAD_NEWER,
  LOAD_NEWEST,
  LOAD_AROUND,
} LoadKind; /* in order of importance */

struct _DeskTimelineLoader
{
  GObject parent_instance;

  DeskInbox *inbox;
  char *platform;
  char *user_id;
  DeskTimelineModel *model;
  GCancellable *cancellable;

  LoadKind running;
  LoadKind wanted;
  char *jump_id;
  gint64 jump_key;
  gboolean opened;
  gboolean want_unread_line;
  gboolean has_older, has_newer, server_has_older;
  gboolean fetching;
  gint64 fetched_before; /* the server had nothing before this one */
};

enum
{
  SIGNAL_LOADED,
  SIGNAL_BUSY_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskTimelineLoader, desk_timeline_loader, G_TYPE_OBJECT)

static void start (DeskTimelineLoader *self, LoadKind kind);

static void
desk_timeline_loader_finalize (GObject *object)
{
  DeskTimelineLoader *self = DESK_TIMELINE_LOADER (object);
  g_clear_object (&self->inbox);
  g_clear_object (&self->model);
  g_clear_object (&self->cancellable);
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self->jump_id);
  G_OBJECT_CLASS (desk_timeline_loader_parent_class)->finalize (object);
}

static void
desk_timeline_loader_class_init (DeskTimelineLoaderClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = desk_timeline_loader_finalize;
  signals[SIGNAL_LOADED] = g_signal_new ("loaded", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                         G_TYPE_NONE, 1, G_TYPE_BOOLEAN);
  signals[SIGNAL_BUSY_CHANGED]
      = g_signal_new ("busy-changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
desk_timeline_loader_init (DeskTimelineLoader *self)
{
  self->model = desk_timeline_model_new ();
  self->cancellable = g_cancellable_new ();
  self->fetched_before = -1;
}

DeskTimelineLoader *
desk_timeline_loader_new (DeskInbox *inbox, const char *platform, const char *user_id)
{
  DeskTimelineLoader *self = g_object_new (DESK_TYPE_TIMELINE_LOADER, NULL);
  self->inbox = g_object_ref (inbox);
  self->platform = g_strdup (platform);
  self->user_id = g_strdup (user_id);
  return self;
}

void
desk_timeline_loader_stop (DeskTimelineLoader *self)
{
  g_cancellable_cancel (self->cancellable);
}

DeskTimelineModel *
desk_timeline_loader_get_model (DeskTimelineLoader *self)
{
  return self->model;
}

/* ── Joining a page to the window ───────────────────────────────────────────────────────────── */

static DeskTimelineItem *
copy_item (const DeskTimelineItem *item)
{
  DeskTimelineItem *copy = g_new0 (DeskTimelineItem, 1);
  *copy = *item;
  copy->message = item->message != NULL ? desk_message_copy (item->message) : NULL;
  copy->pending = item->pending != NULL ? desk_outbox_entry_copy (item->pending) : NULL;
  return copy;
}

static void
append_window (DeskTimelineLoader *self, GPtrArray *items)
{
  GPtrArray *core = desk_timeline_model_get_core (self->model);
  for (guint i = 0; i < core->len; i++)
    g_ptr_array_add (items, copy_item (desk_timeline_entry_get_item (g_ptr_array_index (core, i))));
}

static void
move_items (GPtrArray *from, GPtrArray *to)
{
  g_ptr_array_set_free_func (from, NULL);
  for (guint i = 0; i < from->len; i++)
    g_ptr_array_add (to, g_ptr_array_index (from, i));
  g_ptr_array_set_size (from, 0);
}

/* Pending rows belong to the newest end: they go when it is trimmed, and come back with it. */
static void
trim (DeskTimelineLoader *self, GPtrArray *items, gboolean newest_end)
{
  if (items->len <= WINDOW)
    return;
  guint surplus = items->len - WINDOW;
  if (newest_end)
    {
      g_ptr_array_remove_range (items, items->len - surplus, surplus);
      self->has_newer = TRUE;
    }
  else
    {
      g_ptr_array_remove_range (items, 0, surplus);
      self->has_older = TRUE;
    }
}

static void
take_page (DeskTimelineLoader *self, LoadKind kind, DeskTimelinePage *page)
{
  GPtrArray *items = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_timeline_item_free);

  if (kind == LOAD_NEWER)
    append_window (self, items);
  move_items (page->items, items);
  if (kind == LOAD_OLDER)
    append_window (self, items);

  if (kind != LOAD_NEWER)
    {
      self->has_older = page->has_older;
      self->server_has_older = page->server_has_older;
    }
  if (kind != LOAD_OLDER)
    self->has_newer = page->has_newer;
  trim (self, items, kind == LOAD_OLDER);
  if (!self->opened)
    desk_timeline_model_set_read_key (self->model, self->want_unread_line ? page->read_key : -1);
  self->opened = TRUE;
  desk_timeline_model_set_items (self->model, items);
}

/* ── Queries ────────────────────────────────────────────────────────────────────────────────── */

static void
on_page (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskTimelineLoader) self = data;
  g_autoptr (GError) error = NULL;
  DeskTimelinePage *page = desk_store_list_messages_finish (DESK_STORE (source), result, &error);
  LoadKind kind = self->running, next;

  self->running = LOAD_NONE;
  if (g_cancellable_is_cancelled (self->cancellable))
    {
      g_clear_pointer (&page, desk_timeline_page_free);
      return;
    }
  if (page == NULL)
    g_warning ("the timeline could not be read: %s", error->message);
  else
    {
      take_page (self, kind, page);
      desk_timeline_page_free (page);
      g_signal_emit (self, signals[SIGNAL_LOADED], 0, kind == LOAD_NEWEST || kind == LOAD_AROUND);
    }
  next = self->wanted;
  self->wanted = LOAD_NONE;
  if (next != LOAD_NONE)
    start (self, next);
}

static guint
window_size (DeskTimelineLoader *self)
{
  return CLAMP (desk_timeline_model_get_core (self->model)->len + 1, PAGE, WINDOW);
}

static void
fill_query (DeskTimelineLoader *self, LoadKind kind, DeskTimelineQuery *query)
{
  query->limit = PAGE;
  switch (kind)
    {
    case LOAD_OLDER:
      query->anchor = DESK_ANCHOR_BEFORE;
      query->order_key = desk_timeline_model_get_first_key (self->model);
      break;
    case LOAD_NEWER:
      query->anchor = DESK_ANCHOR_AFTER;
      query->order_key = desk_timeline_model_get_last_key (self->model);
      break;
    case LOAD_AROUND:
      query->anchor = self->jump_id != NULL ? DESK_ANCHOR_MESSAGE_ID : DESK_ANCHOR_AROUND;
      query->message_id = self->jump_id;
      query->order_key = self->jump_key;
      query->limit = 2 * PAGE;
      break;
    case LOAD_REFRESH:
      query->limit = window_size (self);
      query->anchor = DESK_ANCHOR_NEWEST;
      if (self->has_newer)
        {
          query->anchor = DESK_ANCHOR_AFTER;
          query->order_key = desk_timeline_model_get_first_key (self->model) - 1;
        }
      break;
    case LOAD_NEWEST:
    case LOAD_NONE:
    default:
      query->anchor = DESK_ANCHOR_NEWEST;
      break;
    }
}

static void
start (DeskTimelineLoader *self, LoadKind kind)
{
  DeskStore *store = desk_inbox_get_store (self->inbox);
  DeskTimelineQuery query = { .platform = self->platform, .user_id = self->user_id };

  if (store == NULL || g_cancellable_is_cancelled (self->cancellable))
    return;
  if (self->running != LOAD_NONE)
    {
      self->wanted = MAX (self->wanted, kind);
      return;
    }
  self->running = kind;
  fill_query (self, kind, &query);
  desk_store_list_messages_async (store, &query, self->cancellable, on_page, g_object_ref (self));
}

void
desk_timeline_loader_open (DeskTimelineLoader *self, gboolean unread)
{
  self->want_unread_line = unread;
  start (self, LOAD_NEWEST);
}

void
desk_timeline_loader_jump_newest (DeskTimelineLoader *self)
{
  start (self, LOAD_NEWEST);
}

void
desk_timeline_loader_jump (DeskTimelineLoader *self, const char *id, gint64 order_key)
{
  g_free (self->jump_id);
  self->jump_id = g_strdup (id);
  self->jump_key = order_key;
  start (self, LOAD_AROUND);
}

static void
on_fetched (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskTimelineLoader) self = data;
  g_autoptr (GError) error = NULL;
  gboolean fetched = desk_sync_fetch_older_finish (DESK_SYNC (source), result, &error);

  self->fetching = FALSE;
  if (g_cancellable_is_cancelled (self->cancellable))
    return;
  if (!fetched)
    g_debug ("older messages could not be fetched: %s", error->message);
  g_signal_emit (self, signals[SIGNAL_BUSY_CHANGED], 0);
  if (fetched)
    start (self, LOAD_OLDER);
}

/* Asks once for each first message: an offline server must not be asked with every pixel. */
static void
fetch_from_server (DeskTimelineLoader *self)
{
  DeskSync *sync = desk_inbox_get_sync (self->inbox);
  gint64 first = desk_timeline_model_get_first_key (self->model);
  if (sync == NULL || self->fetching || self->fetched_before == first
      || !desk_inbox_is_online (self->inbox))
    return;
  self->fetching = TRUE;
  self->fetched_before = first;
  desk_sync_fetch_older_async (sync, self->platform, self->user_id, first, self->cancellable,
                               on_fetched, g_object_ref (self));
  g_signal_emit (self, signals[SIGNAL_BUSY_CHANGED], 0);
}

void
desk_timeline_loader_extend_older (DeskTimelineLoader *self)
{
  if (!self->opened || self->running != LOAD_NONE)
    return;
  if (self->has_older)
    start (self, LOAD_OLDER);
  else if (self->server_has_older)
    fetch_from_server (self);
}

void
desk_timeline_loader_extend_newer (DeskTimelineLoader *self)
{
  if (self->opened && self->running == LOAD_NONE && self->has_newer)
    start (self, LOAD_NEWER);
}

void
desk_timeline_loader_refresh (DeskTimelineLoader *self)
{
  start (self, self->opened ? LOAD_REFRESH : LOAD_NEWEST);
}

gboolean
desk_timeline_loader_has_newer (DeskTimelineLoader *self)
{
  return self->has_newer;
}

gboolean
desk_timeline_loader_has_older (DeskTimelineLoader *self)
{
  return self->has_older || self->server_has_older;
}

gboolean
desk_timeline_loader_is_fetching (DeskTimelineLoader *self)
{
  return self->fetching;
}

gboolean
desk_timeline_loader_is_jumping (DeskTimelineLoader *self)
{
  return self->running == LOAD_AROUND || self->wanted == LOAD_AROUND;
}
