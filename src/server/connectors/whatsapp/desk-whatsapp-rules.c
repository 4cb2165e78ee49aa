/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* WhatsApp's tables: what its errors mean and which files it takes.
 * Invariants: pure; a message is called unsent only if it surely is. Source: WhatsApp Business
 * Platform, "Error codes" and "Media". */

#include "server/connectors/whatsapp/desk-whatsapp-rules.h"

#include <string.h>

#include "server/connectors/meta/desk-meta-json.h"

#define KIB 1024
#define MIB (1024 * KIB)

static const DeskMetaRule rules[] = {
  { 130429, 130429, 0, DESK_META_CLASS_RATE, 5000, "WhatsApp asks to slow down" },
  { 131056, 131056, 0, DESK_META_CLASS_RATE_CHAT, 6000,
    "Too many messages to this customer in a short time" },
  { 80007, 80007, 0, DESK_META_CLASS_RATE, 60000, "WhatsApp asks to slow down" },
  { 131048, 131048, 0, DESK_META_CLASS_REFUSED, 0,
    "WhatsApp holds this number back because customers blocked or reported it. See its quality "
    "rating" },
  { 131047, 131047, 0, DESK_META_CLASS_WINDOW, 0,
    "The customer's last message is more than 24 hours old: only a template can be sent" },
  { 470, 470, 0, DESK_META_CLASS_WINDOW, 0,
    "The customer's last message is more than 24 hours old: only a template can be sent" },
  { 131026, 131026, 0, DESK_META_CLASS_REFUSED, 0,
    "WhatsApp cannot deliver to this number: it is not on WhatsApp, or its app is too old" },
  { 131021, 131021, 0, DESK_META_CLASS_REFUSED, 0, "This is the business's own number" },
  { 131049, 131049, 0, DESK_META_CLASS_REFUSED, 0,
    "WhatsApp did not deliver this one, to spare the customer; try again tomorrow" },
  { 130472, 130472, 0, DESK_META_CLASS_REFUSED, 0,
    "WhatsApp withheld this one: the customer is part of an experiment" },
  { 131050, 131050, 0, DESK_META_CLASS_REFUSED, 0,
    "The customer wants no marketing messages from this business" },
  { 131051, 131051, 0, DESK_META_CLASS_REFUSED, 0, "WhatsApp does not take this kind of message" },
  { 131008, 131009, 0, DESK_META_CLASS_REFUSED, 0, NULL },
  { 131062, 131062, 0, DESK_META_CLASS_REFUSED, 0,
    "This kind of message needs the customer's phone number" },
  { 131052, 131053, 0, DESK_META_CLASS_ONCE, 0, "WhatsApp could not process the file" },
  { 131000, 131000, 0, DESK_META_CLASS_TRANSIENT, 0, "WhatsApp had an internal error" },
  { 131016, 131016, 0, DESK_META_CLASS_TRANSIENT, 0, "WhatsApp is overloaded" },
  { 131057, 131057, 0, DESK_META_CLASS_TRANSIENT, 0, "The account is under maintenance" },
  { 133004, 133004, 0, DESK_META_CLASS_TRANSIENT, 0, "WhatsApp is not available at the moment" },
  { 131005, 131005, 0, DESK_META_CLASS_CONNECTION, 0,
    "The access token lacks the permission whatsapp_business_messaging" },
  { 131031, 131031, 0, DESK_META_CLASS_CONNECTION, 0,
    "WhatsApp locked this account. See the Business Support page" },
  { 131042, 131042, 0, DESK_META_CLASS_CONNECTION, 0,
    "There is a problem with the payment of this WhatsApp account" },
  { 131045, 131045, 0, DESK_META_CLASS_CONNECTION, 0,
    "This phone number is not registered. Register it in WhatsApp Manager" },
  { 133010, 133010, 0, DESK_META_CLASS_CONNECTION, 0,
    "This phone number is not registered. Register it in WhatsApp Manager" },
  { 131030, 131030, 0, DESK_META_CLASS_REFUSED, 0,
    "A test number writes to the numbers on its list alone, and this one is not on it" },
  { 132000, 132000, 0, DESK_META_CLASS_REFUSED, 0, "The template has another number of variables" },
  { 132001, 132001, 0, DESK_META_CLASS_REFUSED, 0,
    "There is no such template in this language, or it is not approved" },
  { 132005, 132018, 0, DESK_META_CLASS_REFUSED, 0, NULL },
};

void
desk_whatsapp_judge (const DeskMetaReply *reply, DeskMetaVerdict *out)
{
  desk_meta_judge (reply, rules, G_N_ELEMENTS (rules), out);
}

DeskOutcome *
desk_whatsapp_refusal (const DeskMetaReply *reply, guint attempt)
{
  return desk_meta_outcome (reply, rules, G_N_ELEMENTS (rules), attempt);
}

DeskOutcome *
desk_whatsapp_outcome (const DeskMetaReply *reply, guint attempt)
{
  DeskOutcome *outcome = desk_whatsapp_refusal (reply, attempt);
  JsonArray *messages = desk_meta_array (reply->object, "messages");
  const char *id;

  if (outcome != NULL)
    return outcome;
  id = desk_meta_length (messages) > 0
           ? desk_meta_string (desk_meta_element (messages, 0), "id")
           : NULL;
  if (id == NULL)
    return desk_outcome_new (DESK_OUTCOME_UNKNOWN, NULL, "WhatsApp's answer names no message");
  outcome = desk_outcome_new (DESK_OUTCOME_SENT, NULL, NULL);
  outcome->external_id = g_strdup (id);
  return outcome;
}

void
desk_whatsapp_read_error (JsonObject *error, DeskMessageError *out)
{
  const gint64 code = desk_meta_int_or (error, "code", -1);
  const DeskMetaRule *rule
      = error != NULL ? desk_meta_find_rule (rules, G_N_ELEMENTS (rules), code, 0) : NULL;
  const char *words = rule != NULL ? rule->words : NULL;

  if (words == NULL)
    words = desk_meta_string (desk_meta_object (error, "error_data"), "details");
  if (words == NULL)
    words = desk_meta_string (error, "title");
  if (words == NULL)
    words = desk_meta_string (error, "message");
  g_free (out->code);
  g_free (out->message);
  out->code = rule != NULL && rule->class == DESK_META_CLASS_WINDOW
                  ? g_strdup (DESK_META_WINDOW_CLOSED)
                  : g_strdup_printf ("%" G_GINT64_FORMAT, code);
  out->message = g_strdup (words != NULL ? words : "WhatsApp could not deliver it");
  out->retryable = rule != NULL && rule->class < DESK_META_CLASS_WINDOW;
}

/* ── Files ──────────────────────────────────────────────────────────────────────────────────── */
static const struct
{
  const char *mime_type;
  const char *type;
  gint64 max_size;
} media[] = {
  { "image/jpeg", "image", 5 * MIB },  { "image/png", "image", 5 * MIB },
  { "video/mp4", "video", 16 * MIB },  { "video/3gpp", "video", 16 * MIB },
  { "audio/aac", "audio", 16 * MIB },  { "audio/mp4", "audio", 16 * MIB },
  { "audio/mpeg", "audio", 16 * MIB }, { "audio/amr", "audio", 16 * MIB },
  { "audio/ogg", "audio", 16 * MIB },
};

/* WhatsApp takes still stickers up to 100 kB and moving ones up to 500; which one it is, it looks
 * for itself. */
#define MAX_STICKER (500 * KIB)

const char *
desk_whatsapp_media_type (const char *mime_type, gint64 size, gboolean as_sticker)
{
  if (as_sticker && strcmp (mime_type, "image/webp") == 0 && size <= MAX_STICKER)
    return "sticker";
  for (guint i = 0; i < G_N_ELEMENTS (media); i++)
    if (strcmp (mime_type, media[i].mime_type) == 0 && size <= media[i].max_size)
      return media[i].type;
  return size <= DESK_WHATSAPP_MAX_DOCUMENT ? "document" : NULL;
}
