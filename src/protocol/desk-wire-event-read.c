/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* Events read: websocket frames and pages of /changes. An event is sequenced when it has both p and
 * seq. See the header for what becomes of unknown types and broken data. */

#include "protocol/desk-wire-private.h"

#include <string.h>

#define MAX_PARTITIONS       1024
#define MAX_HEARTBEAT_S      3600
#define DEFAULT_HEARTBEAT_MS 30000
#define MAX_CHANGES_EVENTS   10000

static gboolean
parse_partition (const char *text, guint *out)
{
  guint64 value;
  if (text[0] == '0' && text[1] != '\0')
    return FALSE;
  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32, &value, NULL))
    return FALSE;
  *out = (guint)value;
  return TRUE;
}

/* {"PARTITION":SEQ,…} */
static DeskCursor *
read_head (JsonObject *obj, const char *epoch, GError **error)
{
  g_autoptr (DeskCursor) head = desk_cursor_new (epoch);
  JsonObjectIter iter;
  const char *name;
  if (json_object_get_size (obj) > MAX_PARTITIONS)
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, "head", "has too many partitions");
      return NULL;
    }
  json_object_iter_init (&iter, obj);
  while (json_object_iter_next (&iter, &name, NULL))
    {
      guint partition;
      gint64 seq;
      if (!parse_partition (name, &partition))
        {
          desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, "head", "a partition is no number");
          return NULL;
        }
      if (!desk_wire_get_count (obj, name, TRUE, &seq, error))
        {
          g_prefix_error (error, "head: ");
          return NULL;
        }
      desk_cursor_set (head, partition, seq);
    }
  return g_steal_pointer (&head);
}

static gboolean
read_hello (JsonObject *data, DeskEvent *event, GError **error)
{
  const char *epoch = NULL, *resume = NULL;
  JsonObject *head = NULL;
  gint64 heartbeat_s = DEFAULT_HEARTBEAT_MS / 1000;
  DeskHello *hello = event->hello = g_new0 (DeskHello, 1);
  if (!desk_json_get_string (data, "epoch", DESK_WIRE_MAX_WORD, TRUE, &epoch, error)
      || !desk_json_get_string (data, "resume", DESK_WIRE_MAX_WORD, TRUE, &resume, error)
      || !desk_json_get_object (data, "head", TRUE, &head, error)
      || !desk_wire_get_time (data, "server_time", FALSE, &hello->server_time_ms, error)
      || !desk_json_get_int64 (data, "heartbeat_s", 1, MAX_HEARTBEAT_S, FALSE, &heartbeat_s, error))
    return FALSE;
  if (!desk_cursor_epoch_is_valid (epoch))
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, "epoch", "is not valid");
      return FALSE;
    }
  hello->epoch = g_strdup (epoch);
  hello->reset = strcmp (resume, "ok") != 0; /* a snapshot is right whatever the word means */
  hello->heartbeat_ms = heartbeat_s * 1000;
  hello->head = read_head (head, epoch, error);
  return hello->head != NULL;
}

static gboolean
take_username (JsonObject *data, gboolean required, DeskEvent *event, GError **error)
{
  return desk_wire_take_nonempty (data, "username", DESK_WIRE_MAX_ID, required, &event->username,
                                  error);
}

static gboolean
take_key (JsonObject *data, DeskEvent *event, GError **error)
{
  return desk_wire_take_key (data, &event->platform, &event->user_id, error);
}

static gboolean
read_typing (JsonObject *data, DeskEvent *event, GError **error)
{
  const char *who = NULL;
  if (!take_key (data, event, error)
      || !desk_json_get_string (data, "who", DESK_WIRE_MAX_WORD, FALSE, &who, error)
      || !take_username (data, FALSE, event, error))
    return FALSE;
  event->by_customer = who == NULL || strcmp (who, "customer") == 0;
  return TRUE;
}

static gboolean
read_presence (JsonObject *data, DeskEvent *event, GError **error)
{
  JsonObject *viewing = NULL;
  if (!take_username (data, TRUE, event, error)
      || !desk_wire_take_nonempty (data, "status", DESK_WIRE_MAX_WORD, TRUE, &event->presence,
                                   error)
      || !desk_json_get_object (data, "viewing", FALSE, &viewing, error))
    return FALSE;
  return viewing == NULL || take_key (viewing, event, error);
}

static gboolean
read_marker (JsonObject *data, DeskEvent *event, GError **error)
{
  return take_username (data, TRUE, event, error) && take_key (data, event, error)
         && desk_wire_get_count (data, "up_to_chat_seq", TRUE, &event->up_to_chat_seq, error)
         && desk_wire_get_count (data, "up_to_in_seq", TRUE, &event->up_to_in_seq, error)
         && desk_json_get_bool (data, "marked_unread", FALSE, &event->marked_unread, error);
}

/* The types whose data must be an object. */
static gboolean
read_object_data (JsonObject *data, DeskEvent *event, GError **error)
{
  switch (event->type)
    {
    case DESK_EVENT_HELLO:
      return read_hello (data, event, error);
    case DESK_EVENT_TYPING:
      return read_typing (data, event, error);
    case DESK_EVENT_PRESENCE:
      return read_presence (data, event, error);
    case DESK_EVENT_READ:
      return read_marker (data, event, error);
    case DESK_EVENT_HEAD:
      event->head = read_head (data, "_", error);
      return event->head != NULL;
    case DESK_EVENT_CHAT_ERASED:
      return take_key (data, event, error);
    case DESK_EVENT_CHAT_MUTED:
      return take_username (data, TRUE, event, error) && take_key (data, event, error)
             && desk_json_get_bool (data, "muted", TRUE, &event->muted, error);
    case DESK_EVENT_READ_RECEIPT:
      return take_key (data, event, error) && take_username (data, FALSE, event, error);
    case DESK_EVENT_CHAT_TRIMMED:
      return take_key (data, event, error)
             && desk_wire_get_count (data, "first_chat_seq", TRUE, &event->first_chat_seq, error);
    default:
      g_return_val_if_reached (FALSE);
    }
}

static gboolean
read_data (JsonObject *frame, DeskEvent *event, GError **error)
{
  JsonNode *node = json_object_get_member (frame, "data");
  JsonObject *data;
  switch (event->type)
    {
    case DESK_EVENT_HIDDEN:
    case DESK_EVENT_UNKNOWN:
      return TRUE;
    case DESK_EVENT_NEW_MESSAGE:
    case DESK_EVENT_MESSAGE_STATUS:
    case DESK_EVENT_MESSAGE_UPDATED:
    case DESK_EVENT_MESSAGE_DELETED:
      event->message = desk_wire_read_message (node, error);
      return event->message != NULL;
    case DESK_EVENT_CHAT_UPDATED:
      event->chat = desk_wire_read_chat (node, error);
      return event->chat != NULL;
    case DESK_EVENT_PROFILE_UPDATED:
      if (desk_wire_get_root (node, "data", error) == NULL)
        return FALSE;
      event->profile = desk_wire_read_profile (node, error);
      return event->profile != NULL;
    case DESK_EVENT_CANNED_UPDATED:
    case DESK_EVENT_NOTIFICATION:
      event->data = desk_json_to_text (node);
      return TRUE;
    default:
      data = desk_wire_get_root (node, "data", error);
      return data != NULL && read_object_data (data, event, error);
    }
}

/* p and seq, both or none. */
static gboolean
read_place (JsonObject *frame, DeskEvent *event, GError **error)
{
  gint64 partition = -1, seq = -1;
  if (!desk_json_get_int64 (frame, "p", 0, G_MAXUINT32, FALSE, &partition, error)
      || !desk_json_get_int64 (frame, "seq", 1, DESK_WIRE_MAX_INT, FALSE, &seq, error))
    return FALSE;
  if ((partition < 0) != (seq < 0))
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_MISSING, partition < 0 ? "p" : "seq",
                           "p and seq go together");
      return FALSE;
    }
  event->sequenced = seq > 0;
  event->partition = event->sequenced ? (guint)partition : 0;
  event->seq = event->sequenced ? seq : 0;
  return TRUE;
}

DeskEvent *
desk_wire_read_event_node (JsonNode *node, GError **error)
{
  const char *type = NULL;
  JsonObject *frame = desk_wire_get_root (node, "event", error);
  if (frame == NULL
      || !desk_json_get_string (frame, "type", DESK_WIRE_MAX_WORD, TRUE, &type, error))
    return NULL;
  g_autoptr (DeskEvent) event = desk_event_new (desk_event_type_from_string (type));
  if (!read_place (frame, event, error))
    return NULL;
  if (!read_data (frame, event, error))
    {
      g_prefix_error (error, "%s: ", desk_event_type_to_string (event->type));
      return NULL;
    }
  return g_steal_pointer (&event);
}

DeskEvent *
desk_wire_read_event (const char *frame, gsize len, GError **error)
{
  g_return_val_if_fail (frame != NULL || len == 0, NULL);
  g_autoptr (JsonNode) root
      = desk_json_parse (len > 0 ? frame : "", len, DESK_WIRE_MAX_FRAME, error);
  return root != NULL ? desk_wire_read_event_node (root, error) : NULL;
}

static DeskEvent *
read_log_event_node (JsonNode *node, GError **error)
{
  g_autoptr (GError) broken = NULL;
  DeskEvent *event = desk_wire_read_event_node (node, &broken);
  guint partition;
  gint64 seq;
  if (event != NULL)
    return event;
  if (!desk_wire_read_event_place (node, &partition, &seq))
    {
      g_propagate_error (error, g_steal_pointer (&broken));
      return NULL;
    }
  g_warning ("event %u-%" G_GINT64_FORMAT " is broken and passed over: %s", partition, seq, broken->message);
  event = desk_event_new (DESK_EVENT_UNKNOWN);
  event->sequenced = TRUE;
  event->partition = partition;
  event->seq = seq;
  return event;
}

DeskEvent *
desk_wire_read_log_event (const char *frame, gsize len, GError **error)
{
  g_return_val_if_fail (frame != NULL || len == 0, NULL);
  g_autoptr (JsonNode) root
      = desk_json_parse (len > 0 ? frame : "", len, DESK_WIRE_MAX_FRAME, error);
  return root != NULL ? read_log_event_node (root, error) : NULL;
}

gboolean
desk_wire_read_event_place (JsonNode *node, guint *out_partition, gint64 *out_seq)
{
  DeskEvent event = { 0 };
  JsonObject *frame = desk_wire_get_root (node, "event", NULL);
  if (frame == NULL || !read_place (frame, &event, NULL) || !event.sequenced)
    return FALSE;
  *out_partition = event.partition;
  *out_seq = event.seq;
  return TRUE;
}

void
desk_changes_free (DeskChanges *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->events, g_ptr_array_unref);
  g_free (self->cursor);
  g_free (self);
}

static gboolean
read_changes_events (JsonObject *obj, GPtrArray *events, GError **error)
{
  JsonArray *array = NULL;
  if (!desk_json_get_array (obj, "events", TRUE, &array, error))
    return FALSE;
  guint n = json_array_get_length (array);
  if (n > MAX_CHANGES_EVENTS)
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, "events", "has too many elements");
      return FALSE;
    }
  for (guint i = 0; i < n; i++)
    {
      DeskEvent *event = read_log_event_node (json_array_get_element (array, i), error);
      if (event == NULL)
        {
          g_prefix_error (error, "events[%u]: ", i);
          return FALSE;
        }
      g_ptr_array_add (events, event);
    }
  return TRUE;
}

DeskChanges *
desk_wire_read_changes (JsonNode *data, GError **error)
{
  JsonObject *obj = desk_wire_get_root (data, "changes", error);
  if (obj == NULL)
    return NULL;
  g_autoptr (DeskChanges) self = g_new0 (DeskChanges, 1);
  self->events = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_event_free);
  if (!read_changes_events (obj, self->events, error)
      || !desk_wire_take_string (obj, "cursor", DESK_WIRE_MAX_CURSOR, TRUE, &self->cursor, error)
      || !desk_json_get_bool (obj, "has_more", FALSE, &self->has_more, error))
    return NULL;
  g_autoptr (DeskCursor) cursor = desk_cursor_parse (self->cursor);
  if (cursor == NULL)
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, "cursor", "is not a cursor");
      return NULL;
    }
  return g_steal_pointer (&self);
}
