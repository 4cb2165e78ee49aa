/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* Reading a partner's rooms, again and again:
 *
 *   ROOMS → for each room with news: PAGE ⟲ (backwards, until what is known) → ROOM → ingest → …
 *
 * A partner tells no position to go on from, so that each room has a mark: the time of the newest
 * message that is stored. Everything younger than the mark less a window is read again, because
 * clocks differ and messages may show up late; the keys stop what is known.
 *
 * Invariants: one request at a time; a room's mark moves in the transaction that stores its
 * messages; a room that cannot be read does not hold up the others; a partner that is down is asked
 * more and more seldom. */

#include "server/connectors/partner/desk-partner-sync.h"

#include "common/desk-backoff.h"
#include "server/connectors/partner/desk-partner-parse.h"
#include "server/connectors/partner/desk-partner-state.h"

#define PAGE            100
#define MAX_PAGES       20
#define DAY_MS          G_GINT64_CONSTANT (86400000)
#define BACKOFF_BASE_MS 2000
#define BACKOFF_CAP_MS  60000
#define TOKEN_RETRY_MS  (5 * 60 * 1000)
#define TOUCH_MS        1000
#define MAX_FAILED      3 /* rooms of one round that may fail before the partner counts as down */

struct _DeskPartnerSync
{
  gatomicrefcount refs; /* the owner's, and one while a call is under way */
  DeskConnector *owner; /* not to be used once it is over */
  const DeskConnection *connection;
  DeskConnectorHost *host;
  DeskPartnerHttp *http;
  gboolean polls;

  GCancellable *cancellable;
  guint timer;
  gboolean busy;
  guint failures;
  guint n_failed; /* rooms of this round */
  gboolean settled;

  DeskPartnerState *state;
  GHashTable *touched;   /* rooms to be read whatever the list says */
  GHashTable *described; /* room → DeskPartnerRoom, asked for in this run */
  GQueue wishes;         /* char*: rooms to be described alone */
  GQueue queue;          /* of DeskPartnerRoom: to be read in this round */

  /* the room that is being read */
  DeskPartnerRoom *room;
  DeskPartnerMark mark;
  GPtrArray *rows; /* of DeskPartnerRow, oldest first */
  guint n_pages;
  gint64 before_ms;
};

static void next_room (DeskPartnerSync *self);
static void schedule (DeskPartnerSync *self, gint64 wait_ms);

static void
sync_unref (DeskPartnerSync *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  desk_partner_state_free (self->state);
  g_hash_table_unref (self->touched);
  g_hash_table_unref (self->described);
  g_queue_clear_full (&self->wishes, g_free);
  g_queue_clear_full (&self->queue, (GDestroyNotify)desk_partner_room_free);
  g_clear_pointer (&self->room, desk_partner_room_free);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_object_unref (self->cancellable);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskPartnerSync, sync_unref)

static DeskPartnerSync *
sync_ref (DeskPartnerSync *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

static gboolean
is_over (DeskPartnerSync *self)
{
  return g_cancellable_is_cancelled (self->cancellable);
}

static void
get (DeskPartnerSync *self,
     DeskPartnerOption path,
     const DeskPartnerValues *values,
     GAsyncReadyCallback callback)
{
  g_autofree char *expanded
      = desk_partner_expand_path (desk_partner_option (self->connection, path), values);

  desk_partner_http_call_async (self->http, expanded, NULL, self->cancellable, callback,
                                sync_ref (self));
}

/* ── Health ─────────────────────────────────────────────────────────────────────────────────── */
static void
succeed (DeskPartnerSync *self)
{
  self->failures = 0;
  if (!self->settled)
    desk_connector_report_health (self->owner, DESK_HEALTH_OK, DESK_TROUBLE_NONE, NULL);
  self->settled = TRUE;
}

static void
report (DeskPartnerSync *self, const DeskPartnerReply *reply)
{
  g_autofree char *reason = NULL;

  self->settled = FALSE;
  if (reply->trouble != NULL)
    {
      reason = g_strdup_printf ("No connection to the partner: %s", reply->trouble);
      desk_connector_report_health (self->owner, DESK_HEALTH_DEGRADED, DESK_TROUBLE_UNREACHABLE,
                                    reason);
    }
  else if (reply->code == 401)
    desk_connector_report_health (self->owner, DESK_HEALTH_DOWN, DESK_TROUBLE_TOKEN,
                                  "The partner refuses the token");
  else if (reply->code == 403)
    desk_connector_report_health (self->owner, DESK_HEALTH_DOWN, DESK_TROUBLE_PERMISSION,
                                  "The partner does not let this account read its rooms");
  else if (reply->code == 429)
    desk_connector_report_health (self->owner, DESK_HEALTH_DEGRADED, DESK_TROUBLE_BUSY,
                                  "The partner asks to slow down");
  else
    {
      reason = g_strdup_printf ("The partner's answer (%" G_GINT64_FORMAT ") cannot be used%s%s",
                                reply->code, reply->words != NULL ? ": " : "",
                                reply->words != NULL ? reply->words : "");
      desk_connector_report_health (self->owner, DESK_HEALTH_DEGRADED, DESK_TROUBLE_PLATFORM,
                                    reason);
    }
}

/* Ends the round; the rooms that were not read yet are found again by their marks. */
static void
retry_later (DeskPartnerSync *self, gint64 wait_ms)
{
  g_queue_clear_full (&self->queue, (GDestroyNotify)desk_partner_room_free);
  g_clear_pointer (&self->room, desk_partner_room_free);
  self->busy = FALSE;
  self->settled = FALSE;
  if (wait_ms < 0)
    wait_ms = desk_backoff_equal_jitter_ms (self->failures, BACKOFF_BASE_MS, BACKOFF_CAP_MS,
                                            self->host->random);
  self->failures++;
  schedule (self, wait_ms);
}

static void
fail (DeskPartnerSync *self, const DeskPartnerReply *reply)
{
  report (self, reply);
  retry_later (self, reply->trouble == NULL && (reply->code == 401 || reply->code == 403)
                         ? TOKEN_RETRY_MS
                         : reply->retry_after_ms);
}

/* Of one room: what only this room is refused for. */
static gboolean
concerns_room_alone (const DeskPartnerReply *reply)
{
  return reply->trouble == NULL && reply->code >= 400 && reply->code < 500 && reply->code != 401
         && reply->code != 408 && reply->code != 429;
}

/* ── One room ───────────────────────────────────────────────────────────────────────────────── */
static void
on_ingested (gboolean stored, const GError *error, gpointer data)
{
  g_autoptr (DeskPartnerSync) self = data;

  if (is_over (self))
    return;
  if (stored)
    {
      desk_partner_state_set (self->state, self->room->id, self->mark);
      next_room (self);
      return;
    }
  desk_connector_report_health (self->owner, DESK_HEALTH_DEGRADED, DESK_TROUBLE_STORAGE,
                                "Received messages could not be stored; trying again");
  retry_later (self, -1);
}

static void
store_room (DeskPartnerSync *self)
{
  DeskInbound *inbound = desk_inbound_new (self->connection->name, DESK_SOURCE_POLL, NULL);
  const DeskPartnerRow *last = self->rows->len > 0 ? self->rows->pdata[self->rows->len - 1] : NULL;

  desk_partner_rows_to_items (self->connection, self->rows, self->room->id, self->room,
                              desk_clock_now_ms (self->host->clock), inbound->items);
  g_ptr_array_add (inbound->items, desk_partner_room_to_item (self->connection, self->room));
  /* a clock that runs ahead must not hide what comes next */
  if (last != NULL)
    self->mark.newest_ms = MAX (self->mark.newest_ms,
                                MIN (last->time_ms, desk_clock_now_ms (self->host->clock)));
  self->mark.listed_ms = self->room->time_ms;
  inbound->checkpoint = desk_partner_state_format_with (self->state, self->room->id, self->mark);
  self->host->ingest (self->host, inbound, on_ingested, sync_ref (self));
}

/* What the room's own answer tells stands in for what the list left out. */
static void
complete_room (DeskPartnerRoom *room, const DeskPartnerRoom *told)
{
  if (room->metadata == NULL)
    room->metadata = g_strdup (told->metadata);
  if (room->name == NULL)
    room->name = g_strdup (told->name);
}

/* The one that this answer describes, or NULL. */
static DeskPartnerRoom *
find_description (DeskPartnerSync *self, const DeskPartnerReply *reply, const char *id)
{
  g_autoptr (GPtrArray) rooms = desk_partner_parse_rooms (self->connection, reply->root);

  for (guint i = 0; i < rooms->len; i++)
    if (g_str_equal (((DeskPartnerRoom *)rooms->pdata[i])->id, id))
      return g_ptr_array_steal_index (rooms, i);
  return NULL;
}

static void
on_room (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskPartnerSync) self = data;
  g_autoptr (DeskPartnerReply) reply = desk_partner_http_call_finish (result);
  DeskPartnerRoom *told;

  if (is_over (self))
    return;
  told = desk_partner_reply_is_good (reply) ? find_description (self, reply, self->room->id) : NULL;
  if (told != NULL)
    {
      g_hash_table_replace (self->described, g_strdup (self->room->id), told);
      complete_room (self->room, told);
    }
  store_room (self); /* the messages matter more than what they are about */
}

static void
end_pages (DeskPartnerSync *self)
{
  const DeskPartnerRoom *told = g_hash_table_lookup (self->described, self->room->id);

  if (told != NULL)
    complete_room (self->room, told);
  if (told == NULL && (self->room->metadata == NULL || self->room->name == NULL)
      && *desk_partner_option (self->connection, DESK_PARTNER_ROOM_PATH) != '\0')
    get (self, DESK_PARTNER_ROOM_PATH,
         &(DeskPartnerValues){ .account = self->connection->account_id, .room = self->room->id },
         on_room);
  else
    store_room (self);
}

/* Puts older rows before those that are there. The page reaches up to the oldest of them, with all
 * messages of its millisecond: those replace what the newer page had of it. Returns whether the
 * page went back in time. */
static gboolean
prepend_page (DeskPartnerSync *self, GPtrArray *page)
{
  g_autoptr (GPtrArray) newer = self->rows;
  const gint64 oldest_ms
      = newer->len > 0 ? ((DeskPartnerRow *)newer->pdata[0])->time_ms : G_MAXINT64;
  const gint64 first_ms = page->len > 0 ? ((DeskPartnerRow *)page->pdata[0])->time_ms : oldest_ms;

  if (newer->len > 0 && self->before_ms > oldest_ms)
    while (newer->len > 0 && ((DeskPartnerRow *)newer->pdata[0])->time_ms == oldest_ms)
      g_ptr_array_remove_index (newer, 0);
  self->rows = g_ptr_array_ref (page);
  for (guint i = page->len; i > 0; i--)
    if (((DeskPartnerRow *)page->pdata[i - 1])->time_ms >= self->before_ms)
      g_ptr_array_remove_index (page, i - 1); /* beyond what was asked for */
  g_ptr_array_extend_and_steal (self->rows, g_steal_pointer (&newer));
  return first_ms < oldest_ms;
}

static void ask_page (DeskPartnerSync *self);

static gboolean
is_enough (DeskPartnerSync *self, guint n_page)
{
  const gint64 first_messages
      = desk_partner_option_number (self->connection, DESK_PARTNER_FIRST_MESSAGES);
  const gint64 window_ms
      = desk_partner_option_number (self->connection, DESK_PARTNER_WINDOW_SECONDS) * 1000;
  const gint64 oldest_ms = self->rows->len > 0 ? ((DeskPartnerRow *)self->rows->pdata[0])->time_ms : 0;

  if (n_page < PAGE || self->rows->len == 0)
    return TRUE;
  if (self->mark.newest_ms == 0)
    return (gint64)self->rows->len >= first_messages;
  return oldest_ms < self->mark.newest_ms - window_ms;
}

/* Of rows that were read before only those in the window; of a new room the newest alone. */
static void
cut_rows (DeskPartnerSync *self)
{
  const gint64 window_ms
      = desk_partner_option_number (self->connection, DESK_PARTNER_WINDOW_SECONDS) * 1000;
  const gint64 first_messages
      = desk_partner_option_number (self->connection, DESK_PARTNER_FIRST_MESSAGES);
  guint n = 0;

  while (n < self->rows->len && self->mark.newest_ms > 0
         && ((DeskPartnerRow *)self->rows->pdata[n])->time_ms < self->mark.newest_ms - window_ms)
    n++;
  if (self->mark.newest_ms == 0 && (gint64)self->rows->len > first_messages)
    n = self->rows->len - (guint)first_messages;
  if (n > 0)
    g_ptr_array_remove_range (self->rows, 0, n);
}

/* A room whose messages do not come. */
static void
pass_over (DeskPartnerSync *self, const DeskPartnerReply *reply)
{
  if (concerns_room_alone (reply))
    {
      self->mark.listed_ms = self->room->time_ms; /* until there is news in it */
      desk_partner_state_set (self->state, self->room->id, self->mark);
    }
  else if (reply->trouble != NULL || reply->code < 500 || ++self->n_failed >= MAX_FAILED)
    {
      fail (self, reply);
      return;
    }
  else
    report (self, reply);
  g_message ("%s: a room cannot be read (%" G_GINT64_FORMAT "); the others go on",
             self->connection->name, reply->code);
  next_room (self);
}

static void
on_page (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskPartnerSync) self = data;
  g_autoptr (DeskPartnerReply) reply = desk_partner_http_call_finish (result);
  g_autoptr (GPtrArray) page = NULL;
  guint n_page;

  if (is_over (self))
    return;
  if (!desk_partner_reply_is_good (reply))
    {
      pass_over (self, reply);
      return;
    }
  page = desk_partner_parse_rows (self->connection, reply->root, DESK_PARTNER_MESSAGES);
  n_page = page->len;
  if (n_page > 0 && ((DeskPartnerRow *)page->pdata[0])->time_ms >= self->before_ms)
    n_page = 0; /* it does not go back any further */
  const gboolean went_back = prepend_page (self, page);
  self->n_pages++;
  if (is_enough (self, n_page) || self->n_pages >= MAX_PAGES)
    {
      if (self->n_pages >= MAX_PAGES)
        g_message ("%s: a room had more news than is read at once; the oldest are left out",
                   self->connection->name);
      cut_rows (self);
      end_pages (self);
      return;
    }
  /* with the oldest millisecond once more, since the page may have cut it; unless that is all that
   * a page holds */
  self->before_ms = ((DeskPartnerRow *)self->rows->pdata[0])->time_ms + (went_back ? 1 : 0);
  ask_page (self);
}

static void
ask_page (DeskPartnerSync *self)
{
  get (self, DESK_PARTNER_MESSAGES_PATH,
       &(DeskPartnerValues){ .account = self->connection->account_id,
                             .room = self->room->id,
                             .user = self->room->user,
                             .limit = PAGE,
                             .before_ms = self->before_ms },
       on_page);
}

/* ── A round ────────────────────────────────────────────────────────────────────────────────── */
static void on_described (GObject *source, GAsyncResult *result, gpointer data);

static void
next_room (DeskPartnerSync *self)
{
  g_clear_pointer (&self->room, desk_partner_room_free);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  self->room = g_queue_pop_head (&self->queue);
  if (self->room == NULL && self->n_failed > 0)
    {
      retry_later (self, -1);
      return;
    }
  if (self->room == NULL)
    {
      succeed (self);
      self->busy = FALSE;
      schedule (self, desk_partner_option_number (self->connection, DESK_PARTNER_POLL_SECONDS)
                          * 1000);
      return;
    }
  g_hash_table_remove (self->touched, self->room->id);
  self->mark = desk_partner_state_get (self->state, self->room->id);
  self->rows = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_partner_row_free);
  self->n_pages = 0;
  self->before_ms = desk_clock_now_ms (self->host->clock) + DAY_MS;
  ask_page (self);
}

static void
on_rooms (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskPartnerSync) self = data;
  g_autoptr (DeskPartnerReply) reply = desk_partner_http_call_finish (result);
  g_autoptr (GPtrArray) rooms = NULL;

  if (is_over (self))
    return;
  if (!desk_partner_reply_is_good (reply))
    {
      fail (self, reply);
      return;
    }
  self->n_failed = 0;
  rooms = desk_partner_parse_rooms (self->connection, reply->root);
  for (guint i = 0; i < rooms->len; i++)
    {
      const DeskPartnerRoom *room = rooms->pdata[i];
      const DeskPartnerMark mark = desk_partner_state_get (self->state, room->id);
      if (room->time_ms == 0 || room->time_ms != mark.listed_ms
          || g_hash_table_contains (self->touched, room->id))
        {
          g_queue_push_tail (&self->queue, rooms->pdata[i]);
          rooms->pdata[i] = NULL;
        }
    }
  next_room (self);
}

/* ── Rooms that a push told of ──────────────────────────────────────────────────────────────── */
static void
on_told (gboolean stored, const GError *error, gpointer data)
{
  g_autoptr (DeskPartnerSync) self = data;

  if (!stored)
    g_message ("What a room is about could not be stored: %s",
               error != NULL ? error->message : "no reason told");
}

static void
describe_next (DeskPartnerSync *self)
{
  const char *room = g_queue_peek_head (&self->wishes);

  self->busy = room != NULL;
  if (room != NULL)
    get (self, DESK_PARTNER_ROOM_PATH,
         &(DeskPartnerValues){ .account = self->connection->account_id, .room = room },
         on_described);
}

static void
on_described (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskPartnerSync) self = data;
  g_autoptr (DeskPartnerReply) reply = desk_partner_http_call_finish (result);
  g_autofree char *id = NULL;
  DeskPartnerRoom *told;

  if (is_over (self))
    return;
  id = g_queue_pop_head (&self->wishes);
  told = desk_partner_reply_is_good (reply) ? find_description (self, reply, id) : NULL;
  if (told != NULL)
    {
      DeskInbound *inbound = desk_inbound_new (self->connection->name, DESK_SOURCE_WEBHOOK, NULL);
      g_ptr_array_add (inbound->items, desk_partner_room_to_item (self->connection, told));
      g_hash_table_replace (self->described, g_strdup (id), told);
      self->host->ingest (self->host, inbound, on_told, sync_ref (self));
    }
  else
    g_info ("%s: a room was not described (%" G_GINT64_FORMAT ")", self->connection->name,
            reply->code);
  if (reply->trouble != NULL || reply->code == 401 || reply->code >= 500)
    report (self, reply);
  else
    succeed (self);
  describe_next (self);
}

void
desk_partner_sync_describe (DeskPartnerSync *self, const char *room)
{
  g_return_if_fail (self != NULL && room != NULL);

  if (self->polls || g_hash_table_contains (self->described, room)
      || g_queue_find_custom (&self->wishes, room, (GCompareFunc)g_strcmp0) != NULL
      || *desk_partner_option (self->connection, DESK_PARTNER_ROOM_PATH) == '\0')
    return;
  g_queue_push_tail (&self->wishes, g_strdup (room));
  if (!self->busy)
    describe_next (self);
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */
static gboolean
on_timer (gpointer data)
{
  DeskPartnerSync *self = data;

  self->timer = 0;
  self->busy = TRUE;
  get (self, DESK_PARTNER_ROOMS_PATH,
       &(DeskPartnerValues){ .account = self->connection->account_id, .limit = PAGE, .page = 1 },
       on_rooms);
  return G_SOURCE_REMOVE;
}

static void
schedule (DeskPartnerSync *self, gint64 wait_ms)
{
  if (!self->polls || self->timer != 0)
    return;
  self->timer = g_timeout_add ((guint)CLAMP (wait_ms, 0, G_MAXINT32), on_timer, self);
}

void
desk_partner_sync_touch (DeskPartnerSync *self, const char *room)
{
  g_return_if_fail (self != NULL && room != NULL);

  g_hash_table_add (self->touched, g_strdup (room));
  if (self->busy || !self->settled)
    return; /* its turn comes */
  g_clear_handle_id (&self->timer, g_source_remove);
  schedule (self, TOUCH_MS);
}

void
desk_partner_sync_note_outcome (DeskPartnerSync *self, const DeskOutcome *outcome)
{
  g_return_if_fail (self != NULL && outcome != NULL);

  if (self->polls)
    return; /* polling tells sooner */
  self->settled = outcome->type == DESK_OUTCOME_SENT;
  if (outcome->type == DESK_OUTCOME_SENT)
    desk_connector_report_health (self->owner, DESK_HEALTH_OK, DESK_TROUBLE_NONE, NULL);
  else if (outcome->type == DESK_OUTCOME_CONNECTION)
    desk_connector_report_health (self->owner, DESK_HEALTH_DOWN, DESK_TROUBLE_TOKEN,
                                  outcome->message);
  else if (outcome->type == DESK_OUTCOME_NOT_CONNECTED || outcome->type == DESK_OUTCOME_UNKNOWN)
    desk_connector_report_health (self->owner, DESK_HEALTH_DEGRADED, DESK_TROUBLE_UNREACHABLE,
                                  outcome->message);
}

DeskPartnerSync *
desk_partner_sync_new (DeskConnector *owner, DeskPartnerHttp *http)
{
  g_return_val_if_fail (owner != NULL && http != NULL, NULL);
  DeskPartnerSync *self = g_new0 (DeskPartnerSync, 1);
  g_autofree char *checkpoint = NULL;

  g_atomic_ref_count_init (&self->refs);
  self->owner = owner;
  self->connection = desk_connector_get_connection (owner);
  self->host = desk_connector_get_host (owner);
  self->http = http;
  self->polls = g_strcmp0 (self->connection->mode, "poll") == 0;
  self->cancellable = g_cancellable_new ();
  if (self->polls)
    checkpoint = self->host->get_checkpoint (self->host, self->connection->name);
  self->state = desk_partner_state_new (checkpoint);
  self->touched = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->described = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                           (GDestroyNotify)desk_partner_room_free);
  g_queue_init (&self->wishes);
  g_queue_init (&self->queue);
  desk_connector_report_health (owner, DESK_HEALTH_STARTING, DESK_TROUBLE_NONE, NULL);
  if (self->polls)
    schedule (self, 0);
  else
    succeed (self);
  return self;
}

void
desk_partner_sync_free (DeskPartnerSync *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->timer, g_source_remove);
  g_cancellable_cancel (self->cancellable);
  sync_unref (self);
}
