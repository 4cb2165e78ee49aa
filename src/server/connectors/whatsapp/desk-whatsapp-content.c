/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* What a WhatsApp message says: kind, text and attachments.
 * Invariants: every message gets a kind and a text that is not NULL; nothing in a payload can make
 * it fail. Source of the shapes: WhatsApp Business Platform, "messages webhook reference". */

#include "server/connectors/whatsapp/desk-whatsapp-content.h"

#include <string.h>

#include "common/desk-json-writer.h"
#include "common/desk-json.h"
#include "server/connectors/meta/desk-meta-fetch.h"
#include "server/connectors/meta/desk-meta-json.h"

#define MAX_NAME_CHARS 256
#define MAX_LIST       100  /* contacts, products, answers of a form that are written out */
#define MAX_FORM_BYTES 65536

static void
set_text (DeskMessage *message, char *text)
{
  g_free (message->text);
  message->text = text != NULL ? text : g_strdup ("");
}

/* A line of its own, if there is something to say. */
static void
add_line (GString *text, const char *line)
{
  if (line == NULL || *line == '\0')
    return;
  if (text->len > 0)
    g_string_append_c (text, '\n');
  g_string_append (text, line);
}

static void
take_text (DeskMessage *message, DeskKind kind, GString *text)
{
  message->kind = kind;
  set_text (message, g_string_free (text, FALSE));
}

/* ── Media ──────────────────────────────────────────────────────────────────────────────────── */
static const struct
{
  const char *type;
  DeskKind kind;
  const char *filename;
  const char *mime_type;
} files[] = {
  { "image", DESK_KIND_IMAGE, "photo.jpg", "image/jpeg" },
  { "video", DESK_KIND_VIDEO, "video.mp4", "video/mp4" },
  { "audio", DESK_KIND_AUDIO, "audio.mp3", "audio/mpeg" },
  { "voice", DESK_KIND_VOICE, "voice.ogg", "audio/ogg" },
  { "document", DESK_KIND_FILE, "file", "application/octet-stream" },
  { "sticker", DESK_KIND_STICKER, "sticker.webp", "image/webp" },
};

/* At most MAX_NAME_CHARS characters and no path separators: the name ends up in a file chooser. */
static char *
safe_filename (const char *name)
{
  char *copy = g_utf8_substring (name, 0, MIN (g_utf8_strlen (name, -1), MAX_NAME_CHARS));

  return g_strdelimit (copy, "/\\", '_');
}

/* "audio/ogg; codecs=opus" → "audio/ogg" */
static char *
bare_type (const char *type)
{
  char *copy = g_strndup (type, MIN (strcspn (type, ";"), 127));

  return g_strstrip (copy);
}

static void
add_attachment (DeskMessage *message, JsonObject *file, const char *filename, const char *mime_type)
{
  const char *own_name = desk_meta_string (file, "filename");
  const char *own_type = desk_meta_string (file, "mime_type");
  DeskAttachment *attachment = desk_attachment_new (NULL);

  g_free (attachment->filename);
  attachment->filename = safe_filename (own_name != NULL ? own_name : filename);
  g_free (attachment->mime_type);
  attachment->mime_type = bare_type (own_type != NULL ? own_type : mime_type);
  attachment->size = MAX (desk_meta_int_or (file, "file_size", -1), -1);
  attachment->sha256 = desk_meta_sha256_hex (desk_meta_string (file, "sha256"));
  attachment->state = g_strdup ("pending");
  attachment->external_id = g_strdup (desk_meta_string (file, "id"));
  g_ptr_array_add (message->attachments, attachment);
}

static gboolean
fill_file (JsonObject *object, const char *type, DeskMessage *message)
{
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      JsonObject *file = desk_meta_object (object, type);
      guint n = i;
      if (strcmp (type, files[i].type) != 0 || desk_meta_string (file, "id") == NULL)
        continue;
      if (strcmp (type, "audio") == 0 && desk_meta_true (file, "voice"))
        n = i + 1;
      message->kind = files[n].kind;
      add_attachment (message, file, files[n].filename, files[n].mime_type);
      set_text (message, g_strdup (desk_meta_string (file, "caption")));
      return TRUE;
    }
  return FALSE;
}

/* ── Places and people ──────────────────────────────────────────────────────────────────────── */
static gboolean
fill_location (JsonObject *object, DeskMessage *message)
{
  JsonObject *place = desk_meta_object (object, "location");
  double latitude, longitude;
  char lat[G_ASCII_DTOSTR_BUF_SIZE], lon[G_ASCII_DTOSTR_BUF_SIZE];
  GString *text;

  if (!desk_meta_double (place, "latitude", &latitude)
      || !desk_meta_double (place, "longitude", &longitude))
    return FALSE;
  text = g_string_new (NULL);
  add_line (text, desk_meta_string (place, "name"));
  add_line (text, desk_meta_string (place, "address"));
  g_ascii_formatd (lat, sizeof lat, "%.6f", latitude);
  g_ascii_formatd (lon, sizeof lon, "%.6f", longitude);
  g_autofree char *both = g_strconcat (lat, ", ", lon, NULL);
  add_line (text, both);
  take_text (message, DESK_KIND_LOCATION, text);
  return TRUE;
}

static void
add_members (GString *text, JsonObject *contact, const char *list, const char *member)
{
  JsonArray *array = desk_meta_array (contact, list);

  for (guint i = 0; i < MIN (desk_meta_length (array), MAX_LIST); i++)
    add_line (text, desk_meta_string (desk_meta_element (array, i), member));
}

static void
add_contact (GString *text, JsonObject *contact)
{
  JsonObject *name = desk_meta_object (contact, "name");
  const char *whole = desk_meta_string (name, "formatted_name");

  if (whole == NULL)
    whole = desk_meta_string (name, "first_name");
  if (text->len > 0)
    g_string_append_c (text, '\n');
  add_line (text, whole);
  add_line (text, desk_meta_string (desk_meta_object (contact, "org"), "company"));
  add_members (text, contact, "phones", "phone");
  add_members (text, contact, "emails", "email");
  add_members (text, contact, "urls", "url");
}

static gboolean
fill_contacts (JsonObject *object, DeskMessage *message)
{
  JsonArray *contacts = desk_meta_array (object, "contacts");
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < MIN (desk_meta_length (contacts), MAX_LIST); i++)
    add_contact (text, desk_meta_element (contacts, i));
  if (text->len == 0)
    {
      g_string_free (text, TRUE);
      return FALSE;
    }
  take_text (message, DESK_KIND_CONTACT, text);
  return TRUE;
}

/* ── Answers to what we sent ────────────────────────────────────────────────────────────────── */

/* The fields of a filled-in form, a line each. The flow's token is our own and says nothing. */
static void
add_form (GString *text, const char *json)
{
  g_autoptr (JsonNode) root = desk_json_parse (json, strlen (json), MAX_FORM_BYTES, NULL);
  JsonObject *form = desk_meta_node_object (root);
  g_autoptr (GList) names = form != NULL ? json_object_get_members (form) : NULL;
  guint n = 0;

  for (GList *l = names; l != NULL && n < MAX_LIST; l = l->next, n++)
    {
      JsonNode *node = json_object_get_member (form, l->data);
      const char *words = desk_meta_string (form, l->data);
      g_autofree char *value = words != NULL ? g_strdup (words) : desk_json_to_text (node);
      g_autofree char *line = g_strdup_printf ("%s: %s", (const char *)l->data, value);
      if (strcmp (l->data, "flow_token") != 0)
        add_line (text, line);
    }
}

static gboolean
fill_interactive (JsonObject *object, DeskMessage *message)
{
  JsonObject *interactive = desk_meta_object (object, "interactive");
  JsonObject *button = desk_meta_object (interactive, "button_reply");
  JsonObject *list = desk_meta_object (interactive, "list_reply");
  JsonObject *form = desk_meta_object (interactive, "nfm_reply");
  JsonObject *call = desk_meta_object (interactive, "call_permission_reply");
  GString *text = g_string_new (NULL);

  add_line (text, desk_meta_string (button, "title"));
  add_line (text, desk_meta_string (list, "title"));
  add_line (text, desk_meta_string (list, "description"));
  add_line (text, desk_meta_string (form, "body"));
  if (desk_meta_string (form, "response_json") != NULL)
    add_form (text, desk_meta_string (form, "response_json"));
  if (call != NULL)
    add_line (text, g_strcmp0 (desk_meta_string (call, "response"), "accept") == 0
                        ? "The customer allowed calls"
                        : "The customer did not allow calls");
  if (text->len == 0)
    {
      g_string_free (text, TRUE);
      return FALSE;
    }
  take_text (message, call != NULL ? DESK_KIND_SYSTEM : DESK_KIND_TEXT, text);
  return TRUE;
}

static void
add_product (GString *text, JsonObject *product)
{
  const char *id = desk_meta_string (product, "product_retailer_id");
  const char *currency = desk_meta_string (product, "currency");
  g_autoptr (GString) line = g_string_new (NULL);
  double price;

  if (id == NULL)
    return;
  g_string_append_printf (line, "%" G_GINT64_FORMAT " × %s",
                          desk_meta_int_or (product, "quantity", 1), id);
  if (desk_meta_double (product, "item_price", &price))
    {
      char digits[G_ASCII_DTOSTR_BUF_SIZE];
      g_ascii_formatd (digits, sizeof digits, "%.2f", price);
      g_string_append_printf (line, ", %s%s%s", digits, currency != NULL ? " " : "",
                              currency != NULL ? currency : "");
    }
  add_line (text, line->str);
}

static gboolean
fill_order (JsonObject *object, DeskMessage *message)
{
  JsonObject *order = desk_meta_object (object, "order");
  JsonArray *products = desk_meta_array (order, "product_items");
  GString *text;

  if (order == NULL)
    return FALSE;
  text = g_string_new ("Order");
  for (guint i = 0; i < MIN (desk_meta_length (products), MAX_LIST); i++)
    add_product (text, desk_meta_element (products, i));
  add_line (text, desk_meta_string (order, "text"));
  take_text (message, DESK_KIND_TEXT, text);
  return TRUE;
}

/* ── Notices ────────────────────────────────────────────────────────────────────────────────── */
static gboolean
fill_system (JsonObject *object, DeskMessage *message)
{
  JsonObject *system = desk_meta_object (object, "system");
  const char *type = desk_meta_string (system, "type");
  const char *body = desk_meta_string (system, "body");

  if (body == NULL && type != NULL && strstr (type, "changed_number") != NULL)
    body = "The customer's phone number changed";
  if (body == NULL && g_strcmp0 (type, "user_changed_user_id") == 0)
    body = "The customer's WhatsApp account changed";
  if (body == NULL && type != NULL && strstr (type, "identity") != NULL)
    body = "The customer's security code changed: the phone or the SIM card may be another one";
  if (body == NULL)
    return FALSE;
  message->kind = DESK_KIND_SYSTEM;
  set_text (message, g_strdup (body));
  return TRUE;
}

/* "video_note" → "Video note", with what WhatsApp says of it. */
static void
fill_unsupported (JsonObject *object, const char *type, DeskMessage *message)
{
  JsonObject *body = type != NULL ? desk_meta_object (object, type) : NULL;
  JsonObject *error = NULL;
  JsonArray *errors = desk_meta_array (object, "errors");
  const char *kind = desk_meta_string (desk_meta_object (object, "unsupported"), "type");
  const char *words;
  GString *text = g_string_new (NULL);

  if (desk_meta_length (errors) > 0)
    error = desk_meta_element (errors, 0);
  if (kind == NULL && g_strcmp0 (type, "unsupported") != 0 && g_strcmp0 (type, "unknown") != 0)
    kind = type;
  if (kind != NULL)
    {
      g_autofree char *hint = g_utf8_substring (kind, 0, MIN (g_utf8_strlen (kind, -1), 64));
      g_strdelimit (hint, "_", ' ');
      hint[0] = g_ascii_toupper (hint[0]);
      add_line (text, hint);
    }
  words = desk_meta_string (desk_meta_object (error, "error_data"), "details");
  add_line (text, words != NULL ? words : desk_meta_string (error, "title"));
  add_line (text, desk_meta_string (body, "body"));
  add_line (text, desk_meta_string (body, "caption"));
  if (text->len == 0)
    g_string_append (text, "A message that WhatsApp does not pass on");
  take_text (message, DESK_KIND_UNSUPPORTED, text);
}

static gboolean
fill_plain (JsonObject *object, const char *type, DeskMessage *message)
{
  const char *text = NULL;

  if (strcmp (type, "text") == 0)
    text = desk_meta_string (desk_meta_object (object, "text"), "body");
  else if (strcmp (type, "button") == 0)
    {
      JsonObject *button = desk_meta_object (object, "button");
      text = desk_meta_string (button, "text");
      if (text == NULL)
        text = desk_meta_string (button, "payload");
    }
  else if (strcmp (type, "request_welcome") == 0)
    {
      message->kind = DESK_KIND_SYSTEM;
      set_text (message, g_strdup ("The customer opened the chat for the first time"));
      return TRUE;
    }
  if (text == NULL)
    return FALSE;
  message->kind = DESK_KIND_TEXT;
  set_text (message, g_strdup (text));
  return TRUE;
}

static gboolean
fill_known (JsonObject *object, const char *type, DeskMessage *message)
{
  if (fill_plain (object, type, message) || fill_file (object, type, message))
    return TRUE;
  if (strcmp (type, "location") == 0)
    return fill_location (object, message);
  if (strcmp (type, "contacts") == 0)
    return fill_contacts (object, message);
  if (strcmp (type, "interactive") == 0)
    return fill_interactive (object, message);
  if (strcmp (type, "order") == 0)
    return fill_order (object, message);
  return strcmp (type, "system") == 0 && fill_system (object, message);
}

void
desk_whatsapp_fill_content (JsonObject *object, DeskMessage *message)
{
  g_return_if_fail (object != NULL && message != NULL);
  const char *type = desk_meta_string (object, "type");
  JsonObject *context = desk_meta_object (object, "context");
  const char *lead = desk_meta_true (context, "frequently_forwarded") ? "Forwarded many times"
                     : desk_meta_true (context, "forwarded")          ? "Forwarded"
                                                                      : NULL;

  if (type == NULL || !fill_known (object, type, message))
    fill_unsupported (object, type, message);
  if (lead != NULL)
    set_text (message, g_strconcat (lead, *message->text != '\0' ? ":\n" : "", message->text, NULL));
}

/* ── What led here ──────────────────────────────────────────────────────────────────────────── */
static gboolean
write_members (DeskJsonWriter *w, JsonObject *object, const char *const (*names)[2], gsize n)
{
  gboolean any = FALSE;

  for (gsize i = 0; i < n; i++)
    {
      const char *value = desk_meta_string (object, names[i][0]);
      if (value == NULL)
        continue;
      desk_json_writer_member_string (w, names[i][1], value);
      any = TRUE;
    }
  return any;
}

char *
desk_whatsapp_format_metadata (JsonObject *object)
{
  static const char *const of_ad[][2] = {
    { "headline", "ad_headline" }, { "body", "ad_text" },       { "source_url", "ad_url" },
    { "source_type", "ad_type" },  { "source_id", "ad_id" },    { "ctwa_clid", "ad_click_id" },
  };
  static const char *const of_product[][2]
      = { { "product_retailer_id", "product_id" }, { "catalog_id", "catalog_id" } };
  JsonObject *ad = desk_meta_object (object, "referral");
  JsonObject *product
      = desk_meta_object (desk_meta_object (object, "context"), "referred_product");
  g_autoptr (GString) json = g_string_new (NULL);
  DeskJsonWriter w;
  gboolean any;

  desk_json_writer_init (&w, json);
  desk_json_writer_begin_object (&w);
  any = write_members (&w, ad, of_ad, G_N_ELEMENTS (of_ad));
  any |= write_members (&w, product, of_product, G_N_ELEMENTS (of_product));
  desk_json_writer_end_object (&w);
  return any ? g_string_free (g_steal_pointer (&json), FALSE) : NULL;
}
