/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* Connections of the backend and notices about them. */

#include "protocol/desk-wire-private.h"

#include <string.h>

/* ── Connections ────────────────────────────────────────────────────────────────────────────── */

static void
write_nullable (DeskJsonWriter *w, const char *name, const char *text)
{
  if (text != NULL)
    desk_json_writer_member_string (w, name, text);
  else
    desk_json_writer_member_null (w, name);
}

static void
write_time (DeskJsonWriter *w, const char *name, gint64 ms)
{
  if (ms > 0)
    desk_json_writer_member_time_ms (w, name, ms);
  else
    desk_json_writer_member_null (w, name);
}

void
desk_wire_write_connection (DeskJsonWriter *w, const DeskConnectionInfo *info)
{
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "name", info->name);
  desk_json_writer_member_string (w, "platform", info->platform);
  desk_json_writer_member_string (w, "title", info->title);
  desk_json_writer_member_string (w, "state", info->state);
  write_nullable (w, "trouble", info->trouble);
  write_nullable (w, "reason", info->reason);
  write_nullable (w, "advice", info->advice);
  write_time (w, "since", info->since_ms);
  desk_json_writer_end_object (w);
}

DeskConnectionInfo *
desk_wire_read_connection (JsonNode *node, GError **error)
{
  g_autoptr (DeskConnectionInfo) info = desk_connection_info_new ();
  JsonObject *obj = desk_wire_get_root (node, "connection", error);

  if (obj == NULL
      || !desk_wire_take_nonempty (obj, "name", DESK_WIRE_MAX_ID, TRUE, &info->name, error)
      || !desk_wire_take_nonempty (obj, "platform", DESK_WIRE_MAX_ID, TRUE, &info->platform, error)
      || !desk_wire_take_string (obj, "title", DESK_WIRE_MAX_NAME, FALSE, &info->title, error)
      || !desk_wire_take_nonempty (obj, "state", DESK_WIRE_MAX_WORD, TRUE, &info->state, error)
      || !desk_wire_take_nonempty (obj, "trouble", DESK_WIRE_MAX_WORD, FALSE, &info->trouble, error)
      || !desk_wire_take_nonempty (obj, "reason", DESK_WIRE_MAX_REASON, FALSE, &info->reason, error)
      || !desk_wire_take_nonempty (obj, "advice", DESK_WIRE_MAX_REASON, FALSE, &info->advice, error)
      || !desk_wire_get_time (obj, "since", FALSE, &info->since_ms, error))
    return NULL;
  if (info->title == NULL)
    info->title = g_strdup (info->platform);
  return g_steal_pointer (&info);
}

static gpointer
read_connection_element (JsonNode *node, GError **error)
{
  return desk_wire_read_connection (node, error);
}

GPtrArray *
desk_wire_read_connections (JsonNode *data, GError **error)
{
  return desk_wire_read_list (data, "connections", read_connection_element,
                              (GDestroyNotify)desk_connection_info_free, error);
}

/* ── Notices ────────────────────────────────────────────────────────────────────────────────── */

void
desk_wire_write_notification (DeskJsonWriter *w, const DeskNotification *notification)
{
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "id", notification->id);
  desk_json_writer_member_string (w, "kind", notification->kind);
  desk_json_writer_member_string (w, "title", notification->title);
  desk_json_writer_member_string (w, "text", notification->text);
  write_nullable (w, "platform", notification->platform);
  write_nullable (w, "user_id", notification->user_id);
  write_nullable (w, "connection", notification->connection);
  write_nullable (w, "trouble", notification->trouble);
  write_nullable (w, "advice", notification->advice);
  write_time (w, "since", notification->since_ms);
  desk_json_writer_member_time_ms (w, "created_at", notification->created_at_ms);
  desk_json_writer_end_object (w);
}

DeskNotification *
desk_wire_read_notification (const char *data, GError **error)
{
  g_autoptr (DeskNotification) self = desk_notification_new ();
  const char *text = data != NULL ? data : "";
  g_autoptr (JsonNode) node = desk_json_parse (text, strlen (text), DESK_WIRE_MAX_FRAME, error);
  JsonObject *obj = node != NULL ? desk_wire_get_root (node, "notification", error) : NULL;

  if (obj == NULL || !desk_wire_take_string (obj, "id", DESK_WIRE_MAX_ID, FALSE, &self->id, error)
      || !desk_wire_take_nonempty (obj, "kind", DESK_WIRE_MAX_WORD, TRUE, &self->kind, error)
      || !desk_wire_take_string (obj, "title", DESK_WIRE_MAX_NAME, FALSE, &self->title, error)
      || !desk_wire_take_string (obj, "text", DESK_WIRE_MAX_REASON, FALSE, &self->text, error)
      || !desk_wire_take_nonempty (obj, "platform", DESK_WIRE_MAX_ID, FALSE, &self->platform, error)
      || !desk_wire_take_nonempty (obj, "user_id", DESK_WIRE_MAX_ID, FALSE, &self->user_id, error)
      || !desk_wire_take_nonempty (obj, "connection", DESK_WIRE_MAX_ID, FALSE, &self->connection,
                                   error)
      || !desk_wire_take_nonempty (obj, "trouble", DESK_WIRE_MAX_WORD, FALSE, &self->trouble, error)
      || !desk_wire_take_nonempty (obj, "advice", DESK_WIRE_MAX_REASON, FALSE, &self->advice, error)
      || !desk_wire_get_time (obj, "since", FALSE, &self->since_ms, error)
      || !desk_wire_get_time (obj, "created_at", FALSE, &self->created_at_ms, error))
    return NULL;
  return g_steal_pointer (&self);
}
