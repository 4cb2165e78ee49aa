/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include <string.h>

#include "common/desk-json.h"
#include "store/desk-store-change.h"

/* Changes of a chat as values: merging, applying, comparing. Nothing here touches SQL.
 *
 * Invariant: no label stands in both lists. */

#define PACKED_TYPE "(umsixbsasas)"
#define MAX_JSON (256 * 1024)

DeskChatChange *
desk_chat_change_new (void)
{
  DeskChatChange *self = g_new0 (DeskChatChange, 1);

  self->add_labels = g_new0 (char *, 1);
  self->remove_labels = g_new0 (char *, 1);
  return self;
}

DeskChatChange *
desk_chat_change_copy (const DeskChatChange *self)
{
  DeskChatChange *copy;

  g_return_val_if_fail (self != NULL, NULL);
  copy = g_memdup2 (self, sizeof *self);
  copy->assignee = g_strdup (self->assignee);
  copy->metadata = g_strdup (self->metadata);
  copy->add_labels = g_strdupv (self->add_labels);
  copy->remove_labels = g_strdupv (self->remove_labels);
  return copy;
}

void
desk_chat_change_free (DeskChatChange *self)
{
  if (self == NULL)
    return;
  g_free (self->assignee);
  g_free (self->metadata);
  g_strfreev (self->add_labels);
  g_strfreev (self->remove_labels);
  g_free (self);
}

void
desk_chat_change_set_assignee (DeskChatChange *self, const char *username)
{
  char *copy = username != NULL && *username != '\0' ? g_strdup (username) : NULL;

  self->fields |= DESK_CHAT_CHANGE_ASSIGNEE;
  g_free (self->assignee);
  self->assignee = copy;
}

void
desk_chat_change_set_state (DeskChatChange *self, DeskChatState state, gint64 snoozed_until_ms)
{
  self->fields |= DESK_CHAT_CHANGE_STATE;
  self->state = state;
  self->snoozed_until_ms = state == DESK_CHAT_STATE_SNOOZED ? MAX (snoozed_until_ms, 0) : 0;
}

void
desk_chat_change_set_muted (DeskChatChange *self, gboolean muted)
{
  self->fields |= DESK_CHAT_CHANGE_MUTED;
  self->muted = muted != FALSE;
}

void
desk_chat_change_set_metadata (DeskChatChange *self, const char *json)
{
  char *copy = g_strdup (json ? json : "{}");

  self->fields |= DESK_CHAT_CHANGE_METADATA;
  g_free (self->metadata);
  self->metadata = copy;
}

/* ── Sets of labels ─────────────────────────────────────────────────────────────────────────── */

static void
set_add (char ***set, const char *label)
{
  guint n;

  if (g_strv_contains ((const char *const *) *set, label))
    return;
  n = g_strv_length (*set);
  *set = g_renew (char *, *set, n + 2);
  (*set)[n] = g_strdup (label);
  (*set)[n + 1] = NULL;
}

static void
set_remove (char **set, const char *label)
{
  guint to = 0;

  for (guint from = 0; set[from] != NULL; from++)
    if (g_str_equal (set[from], label))
      g_free (set[from]);
    else
      set[to++] = set[from];
  set[to] = NULL;
}

void
desk_chat_change_add_label (DeskChatChange *self, const char *label)
{
  g_return_if_fail (self != NULL && label != NULL && *label != '\0');
  set_remove (self->remove_labels, label);
  set_add (&self->add_labels, label);
}

void
desk_chat_change_remove_label (DeskChatChange *self, const char *label)
{
  g_return_if_fail (self != NULL && label != NULL && *label != '\0');
  set_remove (self->add_labels, label);
  set_add (&self->remove_labels, label);
}

gboolean
desk_chat_change_is_empty (const DeskChatChange *self)
{
  return self->fields == 0 && self->add_labels[0] == NULL && self->remove_labels[0] == NULL;
}

/* ── JSON objects ───────────────────────────────────────────────────────────────────────────── */

static JsonNode *
parse_object (const char *text)
{
  JsonNode *node = text ? desk_json_parse (text, strlen (text), MAX_JSON, NULL) : NULL;

  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    return node;
  g_clear_pointer (&node, json_node_unref);
  node = json_node_new (JSON_NODE_OBJECT);
  json_node_take_object (node, json_object_new ());
  return node;
}

char *
desk_json_text_merge (const char *base, const char *patch, gboolean keep_nulls)
{
  g_autoptr (JsonNode) to = parse_object (base);
  g_autoptr (JsonNode) from = parse_object (patch);
  JsonObject *object = json_node_get_object (to);
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init (&iter, json_node_get_object (from));
  while (json_object_iter_next (&iter, &name, &value))
    if (JSON_NODE_HOLDS_NULL (value) && !keep_nulls)
      json_object_remove_member (object, name);
    else
      json_object_set_member (object, name, json_node_copy (value));
  return desk_json_to_text (to);
}

static gboolean
same_json (const char *a, const char *b)
{
  g_autoptr (JsonNode) x = parse_object (a);
  g_autoptr (JsonNode) y = parse_object (b);

  return json_node_equal (x, y);
}

/* ── Merging, applying, comparing ───────────────────────────────────────────────────────────── */

static void
take_fields (DeskChatChange *self, const DeskChatChange *newer)
{
  if (newer->fields & DESK_CHAT_CHANGE_ASSIGNEE)
    desk_chat_change_set_assignee (self, newer->assignee);
  if (newer->fields & DESK_CHAT_CHANGE_STATE)
    desk_chat_change_set_state (self, newer->state, newer->snoozed_until_ms);
  if (newer->fields & DESK_CHAT_CHANGE_MUTED)
    desk_chat_change_set_muted (self, newer->muted);
  if (newer->fields & DESK_CHAT_CHANGE_METADATA)
    {
      g_autofree char *merged = desk_json_text_merge (
          self->fields & DESK_CHAT_CHANGE_METADATA ? self->metadata : NULL, newer->metadata, TRUE);

      desk_chat_change_set_metadata (self, merged);
    }
}

void
desk_chat_change_merge (DeskChatChange *self, const DeskChatChange *newer)
{
  g_return_if_fail (self != NULL && newer != NULL);
  take_fields (self, newer);
  for (guint i = 0; newer->add_labels[i] != NULL; i++)
    desk_chat_change_add_label (self, newer->add_labels[i]);
  for (guint i = 0; newer->remove_labels[i] != NULL; i++)
    desk_chat_change_remove_label (self, newer->remove_labels[i]);
}

void
desk_chat_change_apply (const DeskChatChange *self, DeskChat *chat)
{
  g_return_if_fail (self != NULL && chat != NULL);
  if (self->fields & DESK_CHAT_CHANGE_ASSIGNEE)
    {
      g_free (chat->assignee);
      chat->assignee = g_strdup (self->assignee);
    }
  if (self->fields & DESK_CHAT_CHANGE_STATE)
    {
      chat->state = self->state;
      chat->snoozed_until_ms = self->snoozed_until_ms;
    }
  if (self->fields & DESK_CHAT_CHANGE_MUTED)
    chat->personal.muted = self->muted;
  if (self->fields & DESK_CHAT_CHANGE_METADATA)
    {
      char *merged = desk_json_text_merge (chat->metadata, self->metadata, FALSE);

      g_free (chat->metadata);
      chat->metadata = merged;
    }
  for (guint i = 0; self->add_labels[i] != NULL; i++)
    set_add (&chat->labels, self->add_labels[i]);
  for (guint i = 0; self->remove_labels[i] != NULL; i++)
    set_remove (chat->labels, self->remove_labels[i]);
}

DeskChatChange *
desk_chat_change_snapshot (const DeskChatChange *self, const DeskChat *chat)
{
  DeskChatChange *seen = desk_chat_change_new ();

  if (self->fields & DESK_CHAT_CHANGE_ASSIGNEE)
    desk_chat_change_set_assignee (seen, chat->assignee);
  if (self->fields & DESK_CHAT_CHANGE_STATE)
    desk_chat_change_set_state (seen, chat->state, chat->snoozed_until_ms);
  if (self->fields & DESK_CHAT_CHANGE_MUTED)
    desk_chat_change_set_muted (seen, chat->personal.muted);
  if (self->fields & DESK_CHAT_CHANGE_METADATA)
    desk_chat_change_set_metadata (seen, chat->metadata);
  return seen;
}

static gboolean
state_collides (const DeskChatChange *self, const DeskChatChange *seen, const DeskChat *chat)
{
  if (chat->state == self->state && chat->snoozed_until_ms == self->snoozed_until_ms)
    return FALSE;
  return chat->state != seen->state || chat->snoozed_until_ms != seen->snoozed_until_ms;
}

/* Only the members that are changed count. */
static gboolean
metadata_collides (const DeskChatChange *self, const DeskChatChange *seen, const DeskChat *chat)
{
  g_autofree char *wanted = desk_json_text_merge (chat->metadata, self->metadata, FALSE);
  g_autofree char *then = NULL;
  g_autofree char *now = NULL;

  if (same_json (wanted, chat->metadata))
    return FALSE;
  then = desk_json_text_merge (seen->metadata, self->metadata, FALSE);
  if (same_json (then, wanted) && same_json (seen->metadata, chat->metadata))
    return FALSE;
  {
    /* What the chat had then in those members, put into what it has now: the same if nobody touched them. */
    g_autoptr (JsonNode) names = parse_object (self->metadata);
    g_autoptr (JsonNode) before = parse_object (seen->metadata);
    g_autoptr (JsonNode) after = parse_object (chat->metadata);
    JsonObjectIter iter;
    const char *name;

    json_object_iter_init (&iter, json_node_get_object (names));
    while (json_object_iter_next (&iter, &name, NULL))
      {
        JsonNode *x = json_object_get_member (json_node_get_object (before), name);
        JsonNode *y = json_object_get_member (json_node_get_object (after), name);

        if ((x == NULL) != (y == NULL) || (x != NULL && !json_node_equal (x, y)))
          return TRUE;
      }
  }
  return FALSE;
}

gboolean
desk_chat_change_collides (const DeskChatChange *self, const DeskChatChange *seen, const DeskChat *chat)
{
  g_return_val_if_fail (self != NULL && chat != NULL, FALSE);
  if (seen == NULL)
    return FALSE;
  if ((self->fields & seen->fields & DESK_CHAT_CHANGE_ASSIGNEE) && g_strcmp0 (chat->assignee, self->assignee) != 0
      && g_strcmp0 (chat->assignee, seen->assignee) != 0)
    return TRUE;
  if ((self->fields & seen->fields & DESK_CHAT_CHANGE_STATE) && state_collides (self, seen, chat))
    return TRUE;
  return (self->fields & seen->fields & DESK_CHAT_CHANGE_METADATA) && metadata_collides (self, seen, chat);
}

/* ── Packing ────────────────────────────────────────────────────────────────────────────────── */

GBytes *
desk_chat_change_pack (const DeskChatChange *self)
{
  g_autoptr (GVariant) value = NULL;

  g_return_val_if_fail (self != NULL, NULL);
  value = g_variant_ref_sink (g_variant_new (
      "(umsixbs^as^as)", self->fields, self->assignee, (int) self->state, self->snoozed_until_ms,
      self->muted != FALSE, self->metadata ? self->metadata : "{}", self->add_labels, self->remove_labels));
  return g_variant_get_data_as_bytes (value);
}

DeskChatChange *
desk_chat_change_unpack (const void *data, gsize len)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GVariant) value = NULL;
  DeskChatChange *self;
  int state;

  if (data == NULL || len == 0)
    return NULL;
  bytes = g_bytes_new (data, len);
  value = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (PACKED_TYPE), bytes, FALSE));
  if (!g_variant_is_normal_form (value))
    return NULL;
  self = g_new0 (DeskChatChange, 1);
  g_variant_get (value, "(umsixbs^as^as)", &self->fields, &self->assignee, &state, &self->snoozed_until_ms,
                 &self->muted, &self->metadata, &self->add_labels, &self->remove_labels);
  self->state = (DeskChatState) state;
  return self;
}
