/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* Payloads of Messenger and Instagram → inbound items.
 * Invariants: whatever a payload holds, parsing succeeds; every item carries a chat and a key that
 * is the same when Meta delivers the event again; an event of another account never gets into a
 * chat. Source of the shapes: Messenger Platform, "Webhook Events"; Instagram Platform, "Webhook
 * Notification Examples". */

#include "server/connectors/messaging/desk-messaging-parse.h"

#include <string.h>

#include "common/desk-crypto.h"
#include "common/desk-json-writer.h"
#include "server/connectors/messaging/desk-messaging-content.h"
#include "server/connectors/meta/desk-meta-json.h"
#include "server/connectors/meta/desk-meta-webhook.h"

#define MAX_CUSTOMER_ID 128  /* bytes */
#define MAX_MIDS        1000 /* of one delivery */
#define MAX_KEY         64   /* bytes of anything in a key before it is hashed */
#define MAX_METADATA_ID 128  /* bytes; longest client_message_id */

/* One event and who is who in it. */
typedef struct
{
  const DeskMessagingContext *context;
  JsonObject *object;
  GPtrArray *items;
  const char *customer;
  const char *author; /* id of who caused it */
  gboolean is_own;    /* the business did */
  gint64 at_ms;
  gint64 key_ms; /* as the event tells it, 0 if it does not: the same at every delivery */
} Event;

/* ── Items ──────────────────────────────────────────────────────────────────────────────────── */

/* Long or strange parts of a key as their hash. */
static char *
key_part (const char *text)
{
  if (text == NULL)
    return g_strdup ("");
  return strlen (text) <= MAX_KEY ? g_strdup (text) : desk_sha256_hex (text, strlen (text));
}

/* "LETTER:CUSTOMER:WHEN:WHAT" */
static char *
event_key (const Event *event, char letter, const char *what)
{
  g_autofree char *part = key_part (what);

  return g_strdup_printf ("%c:%s:%" G_GINT64_FORMAT ":%s", letter, event->customer, event->key_ms,
                          part);
}

static char *
mid_key (char letter, const char *mid)
{
  /* never cut, never hashed: it is Meta's own key */
  return g_strdup_printf ("%c:%s", letter, mid);
}

/* key is taken. */
static DeskInboundItem *
add_item (const Event *event, DeskInboundType type, char *key)
{
  g_autofree char *dedup_key = key;
  g_autofree char *user_id = g_strconcat (event->context->chat_prefix, event->customer, NULL);
  DeskInboundItem *item
      = desk_inbound_item_new (type, event->context->platform, user_id, dedup_key);
  DeskMessage *message = item->message;

  message->direction = event->is_own ? DESK_DIRECTION_OUTGOING : DESK_DIRECTION_INCOMING;
  message->sender = event->is_own ? DESK_SENDER_MANAGER : DESK_SENDER_USER;
  message->is_level2 = TRUE;
  message->created_at_ms = event->at_ms;
  message->sender_id = g_strdup (event->author);
  g_ptr_array_add (event->items, item);
  return item;
}

static gboolean
add_system (const Event *event, char letter, const char *what, char *text)
{
  DeskInboundItem *item
      = add_item (event, DESK_INBOUND_MESSAGE, event_key (event, letter, what));

  /* told by the platform, so that it is nobody's reply */
  item->message->direction = DESK_DIRECTION_INCOMING;
  item->message->sender = DESK_SENDER_USER;
  item->message->kind = DESK_KIND_SYSTEM;
  desk_messaging_take_text (item->message, text);
  return TRUE;
}

/* The id of a message, or NULL where it has none that can be kept. */
static const char *
get_mid (JsonObject *object)
{
  const char *mid = desk_meta_string (object, "mid");

  return mid != NULL && strlen (mid) <= DESK_MESSAGING_MAX_MID ? mid : NULL;
}

/* ── Referrals ──────────────────────────────────────────────────────────────────────────────── */

static void
write_text (DeskJsonWriter *w, const char *name, const char *text)
{
  if (text != NULL)
    desk_json_writer_member_string (w, name, text);
}

/* How the customer came here, as metadata of the chat. */
static char *
format_referral (JsonObject *referral)
{
  JsonObject *ad = desk_meta_object (referral, "ads_context_data");
  g_autoptr (GString) json = g_string_new (NULL);
  DeskJsonWriter w;
  gint64 number;
  g_autofree char *ad_id = desk_meta_string (referral, "ad_id") == NULL
                                   && desk_meta_int (referral, "ad_id", &number)
                               ? g_strdup_printf ("%" G_GINT64_FORMAT, number)
                               : g_strdup (desk_meta_string (referral, "ad_id"));

  desk_json_writer_init (&w, json);
  desk_json_writer_begin_object (&w);
  write_text (&w, "referral_source", desk_meta_string (referral, "source"));
  write_text (&w, "referral_ref", desk_meta_string (referral, "ref"));
  write_text (&w, "ad_id", ad_id);
  write_text (&w, "ad_title", desk_meta_string (ad, "ad_title"));
  write_text (&w, "item_id", desk_meta_string (desk_meta_object (referral, "product"), "id"));
  desk_json_writer_end_object (&w);
  return json->len > strlen ("{}") ? g_string_free (g_steal_pointer (&json), FALSE) : NULL;
}

static char *
referral_text (JsonObject *referral)
{
  const char *title = desk_meta_string (desk_meta_object (referral, "ads_context_data"), "ad_title");
  const char *source = desk_meta_string (referral, "source");
  const char *ref = desk_meta_string (referral, "ref");

  if (title != NULL)
    return g_strdup_printf ("The customer came by an advertisement: %s", title);
  if (g_strcmp0 (source, "ADS") == 0)
    return g_strdup ("The customer came by an advertisement");
  return ref != NULL ? g_strdup_printf ("The customer came by a link: %s", ref)
                     : g_strdup ("The customer came by a link");
}

static gboolean
parse_referral (const Event *event, JsonObject *referral)
{
  add_system (event, 'f', desk_meta_string (referral, "ref"), referral_text (referral));
  ((DeskInboundItem *)g_ptr_array_index (event->items, event->items->len - 1))->metadata
      = format_referral (referral);
  return TRUE;
}

/* ── Messages ───────────────────────────────────────────────────────────────────────────────── */

/* Who sent an echo: our own requests carry our id as metadata; Meta's inboxes are people; other
 * apps are taken for bots. */
static void
fill_echo (const Event *event, JsonObject *message, DeskMessage *out)
{
  const char *metadata = desk_meta_string (message, "metadata");
  gint64 app = desk_meta_int_or (message, "app_id", 0), own = 0;
  const gboolean known = event->context->app_id != NULL
                         && g_ascii_string_to_signed (event->context->app_id, 10, 1, G_MAXINT64,
                                                      &own, NULL);
  const gboolean is_other = app != 0 && known && app != own;

  if (metadata != NULL && strlen (metadata) <= MAX_METADATA_ID && !is_other)
    out->client_message_id = g_strdup (metadata);
  else if (app != 0 && app != own && app != DESK_MESSAGING_PAGE_INBOX
           && app != DESK_MESSAGING_INSTAGRAM_INBOX)
    out->sender = DESK_SENDER_BOT;
  out->status = DESK_STATUS_SENT;
}

static gboolean
parse_message (const Event *event, JsonObject *object)
{
  const char *mid = get_mid (object);
  const char *any = desk_meta_string (object, "mid");
  const gboolean is_deleted = desk_meta_true (object, "is_deleted");
  const char *quoted = get_mid (desk_meta_object (object, "reply_to"));
  DeskInboundItem *item;

  if (is_deleted && mid == NULL)
    return FALSE;
  if (is_deleted)
    {
      item = add_item (event, DESK_INBOUND_DELETE, mid_key ('d', mid));
      item->message->external_id = g_strdup (mid);
      return TRUE;
    }
  item = add_item (event, DESK_INBOUND_MESSAGE,
                   mid != NULL ? mid_key ('m', mid) : event_key (event, 'm', any));
  item->message->external_id = g_strdup (mid);
  item->reply_to_external_id = g_strdup (quoted);
  item->metadata = format_referral (desk_meta_object (object, "referral"));
  if (event->is_own)
    fill_echo (event, object, item->message);
  desk_messaging_fill_content (object, event->context->own_host, item->message);
  return TRUE;
}

/* A pressed button says what is written on it. */
static gboolean
parse_postback (const Event *event, JsonObject *object)
{
  const char *mid = get_mid (object);
  const char *title = desk_meta_string (object, "title");
  const char *payload = desk_meta_string (object, "payload");
  DeskInboundItem *item
      = add_item (event, DESK_INBOUND_MESSAGE,
                  mid != NULL ? mid_key ('m', mid) : event_key (event, 'p', payload));

  item->message->external_id = g_strdup (mid);
  item->message->kind = title != NULL || payload != NULL ? DESK_KIND_TEXT : DESK_KIND_UNSUPPORTED;
  desk_messaging_take_text (item->message, g_strdup (title != NULL     ? title
                                                     : payload != NULL ? payload
                                                                       : "Button"));
  item->metadata = format_referral (desk_meta_object (object, "referral"));
  return TRUE;
}

/* "message_edit" with num_edit 0 and a text has been seen instead of the message itself: then it is
 * one; without a text it is nothing. */
static gboolean
parse_edit (const Event *event, JsonObject *object)
{
  const char *mid = get_mid (object);
  const char *text = desk_meta_string (object, "text");
  const gint64 n = desk_meta_int_or (object, "num_edit", 1);
  g_autofree char *what = NULL;
  DeskInboundItem *item;

  if (mid == NULL || text == NULL)
    return FALSE;
  if (n == 0)
    return parse_message (event, object);
  what = g_strdup_printf ("%" G_GINT64_FORMAT ":%s", n, mid);
  item = add_item (event, DESK_INBOUND_EDIT, event_key (event, 'e', what));
  item->message->external_id = g_strdup (mid);
  item->message->edited_at_ms = event->at_ms;
  item->message->kind = DESK_KIND_TEXT;
  desk_messaging_take_text (item->message, g_strdup (text));
  return TRUE;
}

/* ── Reactions, receipts ────────────────────────────────────────────────────────────────────── */

static const char *
reaction_emoji (JsonObject *reaction)
{
  static const struct
  {
    const char *name;
    const char *emoji;
  } names[] = { { "love", "❤️" },  { "like", "👍" },  { "dislike", "👎" }, { "haha", "😆" },
                { "smile", "😆" }, { "laugh", "😆" }, { "wow", "😮" },     { "sad", "😢" },
                { "angry", "😠" } };
  const char *emoji = desk_meta_string (reaction, "emoji");
  const char *name = desk_meta_string (reaction, "reaction");

  if (emoji != NULL)
    return emoji;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_strcmp0 (names[i].name, name) == 0)
      return names[i].emoji;
  /* some send the emoji itself under this name */
  return name != NULL && (guchar)name[0] >= 0x80 ? name : "❔";
}

static gboolean
parse_reaction (const Event *event, JsonObject *object)
{
  const char *mid = get_mid (object);
  const gboolean is_taken_back = g_strcmp0 (desk_meta_string (object, "action"), "unreact") == 0;
  g_autofree char *what = NULL;
  DeskInboundItem *item;

  if (mid == NULL)
    return FALSE;
  what = g_strconcat (is_taken_back ? "-" : reaction_emoji (object), ":", mid, NULL);
  item = add_item (event, DESK_INBOUND_REACTION, event_key (event, 'r', what));
  item->message->external_id = g_strdup (mid);
  if (!is_taken_back)
    g_ptr_array_add (item->message->reactions,
                     desk_reaction_new (reaction_emoji (object), event->author));
  return TRUE;
}

/* Everything that we sent at or before the watermark. */
static gboolean
add_watermark (const Event *event, JsonObject *object, char letter, DeskStatus status)
{
  gint64 watermark = desk_meta_int_or (object, "watermark", 0);
  const gint64 until_ms = desk_meta_time_ms (watermark, 0);
  g_autofree char *key = NULL;

  if (until_ms <= 0)
    return FALSE;
  key = g_strdup_printf ("%c:%s:%" G_GINT64_FORMAT, letter, event->customer, until_ms);
  DeskInboundItem *item = add_item (event, DESK_INBOUND_READ_UP_TO, g_steal_pointer (&key));
  item->message->created_at_ms = until_ms;
  item->message->status = status;
  return TRUE;
}

/* Messenger tells a watermark, Instagram the newest message that was seen. */
static gboolean
parse_read (const Event *event, JsonObject *object)
{
  const char *mid = get_mid (object);

  if (mid != NULL)
    {
      DeskInboundItem *item = add_item (event, DESK_INBOUND_READ_UP_TO, mid_key ('s', mid));
      item->message->external_id = g_strdup (mid);
      item->message->status = DESK_STATUS_READ;
      return TRUE;
    }
  return add_watermark (event, object, 's', DESK_STATUS_READ);
}

static gboolean
parse_delivery (const Event *event, JsonObject *object)
{
  JsonArray *mids = desk_meta_array (object, "mids");
  gboolean any = FALSE;

  for (guint i = 0; i < MIN (desk_meta_length (mids), MAX_MIDS); i++)
    {
      JsonNode *node = json_array_get_element (mids, i);
      const char *mid = JSON_NODE_HOLDS_VALUE (node)
                                && json_node_get_value_type (node) == G_TYPE_STRING
                            ? json_node_get_string (node)
                            : "";
      if (*mid == '\0' || strlen (mid) > DESK_MESSAGING_MAX_MID)
        continue;
      DeskInboundItem *item = add_item (event, DESK_INBOUND_STATUS, mid_key ('v', mid));
      item->message->external_id = g_strdup (mid);
      item->message->status = DESK_STATUS_DELIVERED;
      any = TRUE;
    }
  return add_watermark (event, object, 'w', DESK_STATUS_DELIVERED) || any;
}

/* ── What happened around the chat ──────────────────────────────────────────────────────────── */

static gboolean
parse_optin (const Event *event, JsonObject *object)
{
  const char *title = desk_meta_string (object, "title");
  const char *ref = desk_meta_string (object, "ref");
  const char *what = title != NULL ? title : ref;

  return add_system (event, 'o', what,
                     what != NULL ? g_strdup_printf ("The customer agreed to get messages: %s", what)
                                  : g_strdup ("The customer agreed to get messages"));
}

static gboolean
parse_pass (const Event *event, JsonObject *object)
{
  return add_system (event, 'h', "pass", g_strdup ("Another app handed this chat over"));
}

static gboolean
parse_take (const Event *event, JsonObject *object)
{
  return add_system (event, 'h', "take",
                     g_strdup ("Another app took this chat over; replies may be refused until it "
                               "hands the chat back"));
}

static gboolean
parse_request (const Event *event, JsonObject *object)
{
  return add_system (event, 'h', "request", g_strdup ("Another app asks for this chat"));
}

static gboolean
parse_linking (const Event *event, JsonObject *object)
{
  const gboolean is_linked = g_strcmp0 (desk_meta_string (object, "status"), "unlinked") != 0;

  return add_system (event, 'l', is_linked ? "linked" : "unlinked",
                     g_strdup (is_linked ? "The customer linked an account"
                                         : "The customer unlinked an account"));
}

/* A kind from the future: if it is about a message somebody should see that there was one. */
static gboolean
parse_unknown (const Event *event)
{
  g_autoptr (GList) names = json_object_get_members (event->object);

  for (GList *l = names; l != NULL; l = l->next)
    {
      JsonObject *object = desk_meta_object (event->object, l->data);
      const char *mid = get_mid (object);
      g_autofree char *hint = NULL;
      if (mid == NULL || g_str_equal (l->data, "response_feedback"))
        continue;
      DeskInboundItem *item = add_item (event, DESK_INBOUND_MESSAGE, mid_key ('u', mid));
      hint = g_utf8_substring (l->data, 0, MIN (g_utf8_strlen (l->data, -1), 64));
      g_strdelimit (hint, "_", ' ');
      item->message->kind = DESK_KIND_UNSUPPORTED;
      hint[0] = g_ascii_toupper (hint[0]);
      desk_messaging_take_text (item->message, g_steal_pointer (&hint));
      return TRUE;
    }
  return FALSE;
}

static const struct
{
  const char *member;
  gboolean (*parse) (const Event *event, JsonObject *object);
} kinds[] = {
  { "message", parse_message },
  { "postback", parse_postback },
  { "message_edit", parse_edit },
  { "reaction", parse_reaction },
  { "read", parse_read },
  { "delivery", parse_delivery },
  { "referral", parse_referral },
  { "optin", parse_optin },
  { "pass_thread_control", parse_pass },
  { "take_thread_control", parse_take },
  { "request_thread_control", parse_request },
  { "account_linking", parse_linking },
};

static gboolean
parse_kind (const Event *event)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      JsonObject *object = desk_meta_object (event->object, kinds[i].member);
      if (object != NULL)
        return kinds[i].parse (event, object);
    }
  return parse_unknown (event);
}

/* ── The envelope ───────────────────────────────────────────────────────────────────────────── */

/* Digits as yet; whatever else they become, it stands in an address. */
static gboolean
is_customer_id (const char *id)
{
  if (id == NULL || strcmp (id, "0") == 0 || strlen (id) > MAX_CUSTOMER_ID)
    return FALSE;
  for (const char *p = id; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("-_.:", *p) == NULL)
      return FALSE;
  return TRUE;
}

static gboolean
parse_event (const DeskMessagingContext *context,
             const char *entry_id,
             gint64 entry_ms,
             JsonObject *object,
             GPtrArray *items,
             DeskMessagingLeft *left)
{
  const char *sender = desk_meta_string (desk_meta_object (object, "sender"), "id");
  const char *recipient = desk_meta_string (desk_meta_object (object, "recipient"), "id");
  const char *own = context->account_id != NULL ? context->account_id : entry_id;
  const gboolean is_echo = desk_meta_true (desk_meta_object (object, "message"), "is_echo");
  const gboolean is_own
      = is_echo || (sender != NULL && recipient != NULL && g_strcmp0 (sender, recipient) != 0
                    && (g_strcmp0 (sender, own) == 0 || g_strcmp0 (sender, entry_id) == 0));
  const gint64 told_ms = desk_meta_time_ms (desk_meta_int_or (object, "timestamp", 0), 0);
  const Event event = {
    .context = context,
    .object = object,
    .items = items,
    .customer = is_own ? recipient : sender,
    .author = sender,
    .is_own = is_own,
    .at_ms = told_ms > 0 ? told_ms : entry_ms,
    .key_ms = told_ms,
  };

  if (context->account_id != NULL && g_strcmp0 (entry_id, own) != 0
      && g_strcmp0 (sender, own) != 0 && g_strcmp0 (recipient, own) != 0)
    {
      left->n_foreign++;
      return TRUE;
    }
  return is_customer_id (event.customer) && parse_kind (&event);
}

/* changes[] holds the event as "value"; the dashboard's tests come so, from an account "0". */
static void
parse_entry (const DeskMessagingContext *context,
             JsonObject *entry,
             GPtrArray *items,
             DeskMessagingLeft *left)
{
  static const char *const lists[] = { "messaging", "standby", "changes" };
  const char *id = desk_meta_string (entry, "id");
  const gint64 at_ms = desk_meta_time_ms (desk_meta_int_or (entry, "time", 0), context->now_ms);

  if (g_strcmp0 (id, "0") == 0)
    {
      left->n_ignored++;
      return;
    }
  for (guint n = 0; n < G_N_ELEMENTS (lists); n++)
    {
      JsonArray *list = desk_meta_array (entry, lists[n]);
      for (guint i = 0; i < desk_meta_length (list); i++)
        {
          JsonObject *event = desk_meta_element (list, i);
          if (event != NULL && strcmp (lists[n], "changes") == 0)
            event = desk_meta_object (event, "value");
          if (event == NULL || !parse_event (context, id, at_ms, event, items, left))
            left->n_unknown++;
        }
    }
}

void
desk_messaging_parse (const DeskMessagingContext *context,
                      JsonNode *payload,
                      GPtrArray *items,
                      DeskMessagingLeft *left)
{
  g_return_if_fail (context != NULL && items != NULL && left != NULL);
  JsonArray *entries = desk_meta_array (desk_meta_node_object (payload), "entry");

  *left = (DeskMessagingLeft) { 0 };
  for (guint i = 0; i < desk_meta_length (entries); i++)
    {
      JsonObject *entry = desk_meta_element (entries, i);
      if (entry != NULL)
        parse_entry (context, entry, items, left);
      else
        left->n_unknown++;
    }
  if (desk_meta_length (entries) == 0)
    left->n_unknown++;
}
