/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* What a partner's JSON means. Most partners give a message neither an id nor a receipt, so that
 * the name under which it is known here is made of what it says.
 * Invariants: pure, any thread; nothing in a payload can make it fail; what cannot be shown is a
 * visible placeholder; the same row always gets the same key. */

#include "server/connectors/partner/desk-partner-parse.h"

#include <string.h>

#include "common/desk-crypto.h"

#define MAX_ROOM   200 /* bytes: with the prefix it must remain a valid user_id */
#define MAX_ID     200
#define HASH_CHARS 24

void
desk_partner_room_free (DeskPartnerRoom *self)
{
  if (self == NULL)
    return;
  g_free (self->id);
  g_free (self->user);
  g_free (self->name);
  g_free (self->metadata);
  g_free (self);
}

void
desk_partner_row_free (DeskPartnerRow *self)
{
  if (self == NULL)
    return;
  g_free (self->room);
  g_free (self->sender);
  g_free (self->name);
  g_free (self->text);
  g_free (self->type);
  g_free (self->id);
  g_free (self->client_id);
  g_free (self->link);
  g_free (self);
}

static char *
take (const DeskConnection *connection, JsonNode *node, DeskPartnerOption option)
{
  return desk_partner_find_text (node, desk_partner_option (connection, option));
}

static char *
take_or_empty (const DeskConnection *connection, JsonNode *node, DeskPartnerOption option)
{
  char *text = take (connection, node, option);

  return text != NULL ? text : g_strdup ("");
}

static gboolean
is_us (const DeskConnection *connection, const char *person)
{
  return person != NULL && g_strcmp0 (connection->account_id, person) == 0;
}

/* ── Rooms ──────────────────────────────────────────────────────────────────────────────────── */
static DeskPartnerRoom *
parse_room (const DeskConnection *connection, JsonNode *node)
{
  g_autofree char *id = take (connection, node, DESK_PARTNER_ROOM_ID);
  DeskPartnerRoom *room;

  if (id == NULL || strlen (id) > MAX_ROOM)
    return NULL;
  room = g_new0 (DeskPartnerRoom, 1);
  room->id = g_steal_pointer (&id);
  desk_partner_find_time_ms (node, desk_partner_option (connection, DESK_PARTNER_ROOM_TIME),
                             &room->time_ms);
  room->user = take (connection, node, DESK_PARTNER_ROOM_USER);
  room->name = take (connection, node, DESK_PARTNER_ROOM_NAME);
  room->metadata
      = desk_partner_pick (node, desk_partner_option (connection, DESK_PARTNER_ROOM_METADATA));
  return room;
}

GPtrArray *
desk_partner_parse_rooms (const DeskConnection *connection, JsonNode *root)
{
  GPtrArray *rooms = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_partner_room_free);
  g_autoptr (GHashTable) places = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) list
      = desk_partner_find_list (root, desk_partner_option (connection, DESK_PARTNER_ROOMS));

  for (guint i = 0; i < list->len; i++)
    {
      DeskPartnerRoom *room = parse_room (connection, list->pdata[i]);
      gpointer place;

      if (room == NULL)
        continue;
      if (!g_hash_table_lookup_extended (places, room->id, NULL, &place))
        {
          g_ptr_array_add (rooms, room);
          g_hash_table_insert (places, room->id, GUINT_TO_POINTER (rooms->len - 1));
          continue;
        }
      DeskPartnerRoom *first = rooms->pdata[GPOINTER_TO_UINT (place)];
      if (!is_us (connection, first->user))
        {
          desk_partner_room_free (room);
          continue;
        }
      room->time_ms = MAX (room->time_ms, first->time_ms);
      rooms->pdata[GPOINTER_TO_UINT (place)] = room;
      g_hash_table_replace (places, room->id, place);
      desk_partner_room_free (first);
    }
  return rooms;
}

/* ── Messages ───────────────────────────────────────────────────────────────────────────────── */
static DeskPartnerRow *
parse_row (const DeskConnection *connection, JsonNode *node)
{
  DeskPartnerRow *row = g_new0 (DeskPartnerRow, 1);
  g_autofree char *edited = take (connection, node, DESK_PARTNER_MESSAGE_EDITED);

  row->room = take (connection, node, DESK_PARTNER_MESSAGE_ROOM);
  desk_partner_find_time_ms (node, desk_partner_option (connection, DESK_PARTNER_MESSAGE_TIME),
                             &row->time_ms);
  row->sender = take_or_empty (connection, node, DESK_PARTNER_MESSAGE_SENDER);
  row->name = take (connection, node, DESK_PARTNER_MESSAGE_NAME);
  row->text = take_or_empty (connection, node, DESK_PARTNER_MESSAGE_TEXT);
  row->type = take_or_empty (connection, node, DESK_PARTNER_MESSAGE_TYPE);
  row->id = take (connection, node, DESK_PARTNER_MESSAGE_ID);
  row->client_id = take (connection, node, DESK_PARTNER_MESSAGE_CLIENT_ID);
  row->link = take (connection, node, DESK_PARTNER_MESSAGE_LINK);
  row->edited = g_strcmp0 (edited, "true") == 0 || g_strcmp0 (edited, "1") == 0;
  return row;
}

static gint
compare_time (gconstpointer a, gconstpointer b)
{
  const DeskPartnerRow *one = *(DeskPartnerRow *const *)a, *other = *(DeskPartnerRow *const *)b;

  return one->time_ms < other->time_ms ? -1 : one->time_ms > other->time_ms;
}

GPtrArray *
desk_partner_parse_rows (const DeskConnection *connection, JsonNode *root, DeskPartnerOption pointer)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_partner_row_free);
  g_autoptr (GPtrArray) list
      = desk_partner_find_list (root, desk_partner_option (connection, pointer));
  gboolean is_falling = FALSE;

  for (guint i = 0; i < list->len; i++)
    if (JSON_NODE_HOLDS_OBJECT ((JsonNode *)list->pdata[i]))
      g_ptr_array_add (rows, parse_row (connection, list->pdata[i]));
  if (rows->len > 1)
    is_falling = compare_time (&rows->pdata[0], &rows->pdata[rows->len - 1]) > 0;
  for (guint i = 0; is_falling && i < rows->len / 2; i++)
    {
      gpointer swap = rows->pdata[i];
      rows->pdata[i] = rows->pdata[rows->len - 1 - i];
      rows->pdata[rows->len - 1 - i] = swap;
    }
  g_ptr_array_sort (rows, compare_time); /* stable */
  return rows;
}

/* Each part with its length, so that no two lists of parts give the same text. What may change
 * later (the text, by an edit) takes part only where nothing else tells two messages apart. */
static char *
fingerprint (const DeskPartnerRow *row, const char *room_id)
{
  g_autoptr (GString) all = g_string_new (NULL);
  g_autofree char *time = g_strdup_printf ("%" G_GINT64_FORMAT, row->time_ms);
  const gboolean has_client_id = row->client_id != NULL;
  const char *const parts[] = { room_id, row->sender, time, has_client_id ? row->client_id : row->text,
                                has_client_id ? "c" : row->type, has_client_id ? "" : row->link };
  g_autofree char *hash = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      const char *part = parts[i] != NULL ? parts[i] : "";
      g_string_append_printf (all, "%" G_GSIZE_FORMAT ":%s", strlen (part), part);
    }
  hash = desk_sha256_hex (all->str, all->len);
  return g_strndup (hash, HASH_CHARS);
}

/* counts: how often each fingerprint was seen among these rows */
static char *
derive_id (const DeskPartnerRow *row, const char *room_id, GHashTable *counts)
{
  char *print = fingerprint (row, room_id);
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (counts, print));

  /* a client's id names one message, however often it is told */
  g_hash_table_insert (counts, g_strdup (print), GUINT_TO_POINTER (n + 1));
  if (n == 0 || row->client_id != NULL)
    return print;
  char *id = g_strdup_printf ("%s-%u", print, n);
  g_free (print);
  return id;
}

static const struct
{
  const char *word;
  DeskKind kind;
} kinds[] = {
  { "", DESK_KIND_TEXT },           { "text", DESK_KIND_TEXT },       { "message", DESK_KIND_TEXT },
  { "image", DESK_KIND_IMAGE },     { "photo", DESK_KIND_IMAGE },     { "video", DESK_KIND_VIDEO },
  { "audio", DESK_KIND_AUDIO },     { "voice", DESK_KIND_VOICE },     { "file", DESK_KIND_FILE },
  { "sticker", DESK_KIND_STICKER }, { "location", DESK_KIND_LOCATION }, { "system", DESK_KIND_SYSTEM },
};

/* Files stay with the partner: their link is shown in the text, nothing is fetched from an address
 * that a stranger chose. */
static void
fill_content (const DeskPartnerRow *row, DeskMessage *message)
{
  g_autofree char *word = g_ascii_strdown (row->type, -1);

  message->kind = DESK_KIND_UNSUPPORTED;
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (kinds[i].word, word) == 0)
      message->kind = kinds[i].kind;
  if (message->kind == DESK_KIND_TEXT && *row->text == '\0')
    message->kind = DESK_KIND_UNSUPPORTED;
  g_free (message->text);
  if (row->link != NULL)
    message->text = g_strconcat (row->text, *row->text != '\0' ? "\n" : "", row->link, NULL);
  else if (*row->text != '\0')
    message->text = g_strdup (row->text);
  else
    message->text = g_utf8_substring (row->type, 0, MIN (g_utf8_strlen (row->type, -1), 64));
}

static void
fill_people (const DeskConnection *connection,
             const DeskPartnerRow *row,
             const DeskPartnerRoom *room,
             DeskMessage *message)
{
  if (is_us (connection, row->sender))
    {
      message->direction = DESK_DIRECTION_OUTGOING;
      message->sender = DESK_SENDER_MANAGER;
      message->client_message_id = g_strdup (row->client_id);
    }
  else
    {
      message->direction = DESK_DIRECTION_INCOMING;
      message->sender = DESK_SENDER_USER;
      if (strlen (row->sender) <= MAX_ID && *row->sender != '\0')
        message->sender_id = g_strdup (row->sender);
      message->sender_name = g_strdup (row->name);
    }
  message->user_name = g_strdup (room != NULL && room->name != NULL ? room->name
                                 : message->direction == DESK_DIRECTION_INCOMING ? row->name
                                                                                  : NULL);
}

static DeskInboundItem *
item_new (const DeskConnection *connection,
          DeskInboundType type,
          const char *room_id,
          const DeskPartnerRoom *room,
          char *dedup_key)
{
  g_autofree char *key = dedup_key;
  g_autofree char *user_id
      = g_strconcat (connection->chat_prefix != NULL ? connection->chat_prefix : "", room_id, NULL);
  DeskInboundItem *item
      = desk_inbound_item_new (type, desk_partner_platform_name (connection), user_id, key);

  item->message->is_level2 = TRUE;
  item->chat_type = DESK_CHAT_TYPE_BUSINESS;
  item->partner_room_id = g_strdup (room_id);
  item->metadata = g_strdup (room != NULL ? room->metadata : NULL);
  return item;
}

static void
add_edit (const DeskConnection *connection,
          const DeskPartnerRow *row,
          const char *room_id,
          const char *id,
          const DeskMessage *message,
          GPtrArray *items)
{
  g_autofree char *hash = desk_sha256_hex (row->text, strlen (row->text));
  DeskInboundItem *item
      = item_new (connection, DESK_INBOUND_EDIT, room_id, NULL,
                  g_strdup_printf ("e:%s:%s:%.16s", row->id != NULL ? room_id : "", id, hash));

  g_free (item->message->text);
  item->message->text = g_strdup (message->text);
  item->message->kind = message->kind;
  item->message->direction = message->direction;
  item->message->external_id = g_strdup (id);
  item->message->created_at_ms = message->created_at_ms;
  g_ptr_array_add (items, item);
}

static void
add_row (const DeskConnection *connection,
         const DeskPartnerRow *row,
         const char *room_id,
         const DeskPartnerRoom *room,
         gint64 now_ms,
         GHashTable *counts,
         GPtrArray *items)
{
  const gboolean has_id = row->id != NULL && strlen (row->id) <= MAX_ID;
  g_autofree char *id = has_id ? g_strdup (row->id) : derive_id (row, room_id, counts);
  DeskInboundItem *item = item_new (connection, DESK_INBOUND_MESSAGE, room_id, room,
                                    g_strdup_printf ("m:%s:%s", has_id ? room_id : "", id));

  item->message->external_id = g_strdup (id);
  item->message->created_at_ms = row->time_ms > 0 ? row->time_ms : now_ms;
  fill_people (connection, row, room, item->message);
  fill_content (row, item->message);
  g_ptr_array_add (items, item);
  /* if it is known already its key stops it, and the edit that follows is what is new */
  if (row->edited)
    add_edit (connection, row, room_id, id, item->message, items);
}

void
desk_partner_rows_to_items (const DeskConnection *connection,
                            GPtrArray *rows,
                            const char *room_id,
                            const DeskPartnerRoom *room,
                            gint64 now_ms,
                            GPtrArray *items)
{
  g_autoptr (GHashTable) counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  g_return_if_fail (connection != NULL && rows != NULL && items != NULL);
  for (guint i = 0; i < rows->len; i++)
    {
      const DeskPartnerRow *row = rows->pdata[i];
      const char *where = room_id != NULL ? room_id : row->room;
      if (where != NULL && *where != '\0' && strlen (where) <= MAX_ROOM)
        add_row (connection, row, where, room, now_ms, counts, items);
    }
}

DeskInboundItem *
desk_partner_room_to_item (const DeskConnection *connection, const DeskPartnerRoom *room)
{
  g_return_val_if_fail (connection != NULL && room != NULL, NULL);
  DeskInboundItem *item = item_new (connection, DESK_INBOUND_CHAT, room->id, room, NULL);

  item->message->user_name = g_strdup (room->name);
  return item;
}

char *
desk_partner_parse_products (const DeskConnection *connection, JsonNode *root, guint *out_n)
{
  g_autoptr (GPtrArray) list
      = desk_partner_find_list (root, desk_partner_option (connection, DESK_PARTNER_PRODUCTS));
  const char *fields = desk_partner_option (connection, DESK_PARTNER_PRODUCT_FIELDS);
  GString *json = g_string_new ("[");

  *out_n = 0;
  for (guint i = 0; i < list->len; i++)
    {
      g_autofree char *product = desk_partner_pick (list->pdata[i], fields);
      if (product == NULL)
        continue;
      g_string_append_printf (json, "%s%s", json->len > 1 ? "," : "", product);
      (*out_n)++;
    }
  g_string_append_c (json, ']');
  return g_string_free (json, FALSE);
}
