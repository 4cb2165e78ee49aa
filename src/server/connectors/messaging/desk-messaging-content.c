/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* What a message of Messenger or Instagram says: kind, text and attachments.
 * Invariants: every message gets a kind and a text that is not NULL; nothing in a payload can make
 * it fail; an address that is fetched belongs to Meta; media of stories are never fetched.
 * Source of the shapes: Messenger Platform, webhook events "messages" and "message_echoes";
 * Instagram Platform, "Webhook Notification Examples". */

#include "server/connectors/messaging/desk-messaging-content.h"

#include <string.h>

#include "server/connectors/meta/desk-meta-json.h"
#include "server/service/desk-file-store.h"

#define MAX_ATTACHMENTS 100  /* more are not told on the wire */
#define MAX_ELEMENTS    20   /* of a template */
#define MAX_URL         4096 /* bytes */

static const char *const media_hosts[]
    = { "fbcdn.net", "fbsbx.com", "cdninstagram.com", NULL };

gboolean
desk_messaging_is_media_url (const char *url, const char *own_host)
{
  g_autoptr (GUri) uri
      = url != NULL && strlen (url) <= MAX_URL ? g_uri_parse (url, G_URI_FLAGS_NONE, NULL) : NULL;
  const char *scheme = uri != NULL ? g_uri_get_scheme (uri) : NULL;
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;

  if (host == NULL || g_uri_get_userinfo (uri) != NULL)
    return FALSE;
  if (own_host != NULL && g_ascii_strcasecmp (host, own_host) == 0)
    return strcmp (scheme, "https") == 0 || strcmp (scheme, "http") == 0;
  if (strcmp (scheme, "https") != 0 || (g_uri_get_port (uri) != -1 && g_uri_get_port (uri) != 443))
    return FALSE;
  for (guint i = 0; media_hosts[i] != NULL; i++)
    {
      const gsize len = strlen (media_hosts[i]), host_len = strlen (host);
      if (host_len >= len && g_ascii_strcasecmp (host + host_len - len, media_hosts[i]) == 0
          && (host_len == len || host[host_len - len - 1] == '.'))
        return TRUE;
    }
  return FALSE;
}

void
desk_messaging_take_text (DeskMessage *message, char *text)
{
  g_free (message->text);
  message->text = text != NULL ? text : g_strdup ("");
}

/* A line below what there is. */
static void
add_line (GString *text, const char *line)
{
  if (line == NULL || *line == '\0')
    return;
  if (text->len > 0)
    g_string_append_c (text, '\n');
  g_string_append (text, line);
}

/* What a post or a link is called, and where it is unless that stands there already. */
static void
add_link (GString *text, const char *words, const char *title, const char *url)
{
  g_autofree char *line = title != NULL ? g_strdup_printf ("%s: %s", words, title)
                                        : g_strdup (words);

  if (title == NULL || strstr (text->str, title) == NULL)
    add_line (text, line);
  if (url != NULL && strlen (url) <= MAX_URL && strstr (text->str, url) == NULL)
    add_line (text, url);
}

/* ── Files ──────────────────────────────────────────────────────────────────────────────────── */
typedef struct
{
  JsonObject *object;   /* the message */
  JsonArray *list;      /* nullable: its attachments */
  const char *own_host; /* nullable */
  DeskMessage *message;
  GString *text;
  gboolean has_kind;
  gboolean is_mixed; /* files of several kinds */
} Content;

/* Members of the last path element of an address, as "invoice.pdf". */
static char *
name_from_url (const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  g_autofree char *base = uri != NULL ? g_path_get_basename (g_uri_get_path (uri)) : NULL;

  return base != NULL && strchr (base, '.') != NULL && base[0] != '.' ? g_steal_pointer (&base)
                                                                      : NULL;
}

static void
set_kind (Content *content, DeskKind kind)
{
  if (content->has_kind && content->message->kind != kind)
    content->is_mixed = TRUE;
  content->has_kind = TRUE;
  content->message->kind = kind;
}

static void
add_file (Content *content, DeskKind kind, const char *url, const char *filename, const char *type)
{
  GPtrArray *attachments = content->message->attachments;
  DeskAttachment *attachment;

  set_kind (content, kind);
  if (attachments->len >= MAX_ATTACHMENTS)
    return;
  attachment = desk_attachment_new (NULL);
  g_free (attachment->filename);
  attachment->filename = desk_file_name_clean (filename);
  g_free (attachment->mime_type);
  attachment->mime_type = g_strdup (type);
  attachment->size = -1;
  attachment->state = g_strdup ("pending");
  attachment->url = g_strdup (url);
  attachment->external_id = g_strdup_printf ("%u", attachments->len);
  g_ptr_array_add (attachments, attachment);
}

static const struct
{
  const char *type;
  DeskKind kind;
  const char *filename;
  const char *mime_type;
} files[] = {
  { "image", DESK_KIND_IMAGE, "image.jpg", "image/jpeg" },
  { "video", DESK_KIND_VIDEO, "video.mp4", "video/mp4" },
  { "audio", DESK_KIND_AUDIO, "audio.mp4", "audio/mp4" },
  { "file", DESK_KIND_FILE, "file", "application/octet-stream" },
};

static gboolean
take_file (Content *content, const char *type, const char *url)
{
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      if (strcmp (files[i].type, type) != 0)
        continue;
      if (!desk_messaging_is_media_url (url, content->own_host))
        {
          add_link (content->text, "A file that cannot be fetched", NULL, url);
          set_kind (content, url != NULL ? DESK_KIND_TEXT : DESK_KIND_UNSUPPORTED);
          return TRUE;
        }
      g_autofree char *name = files[i].kind == DESK_KIND_FILE ? name_from_url (url) : NULL;
      add_file (content, files[i].kind, url, name != NULL ? name : files[i].filename,
                files[i].mime_type);
      return TRUE;
    }
  return FALSE;
}

/* ── Stickers ───────────────────────────────────────────────────────────────────────────────── */
/* The thumb of Messenger's composer, in three sizes. */
static gboolean
is_thumb (gint64 id)
{
  return id == 369239263222822 || id == 369239343222814 || id == 369239383222810;
}

/* While Messenger moves from "image" to "sticker" it sends both of one. */
static gboolean
is_told_as_sticker (const Content *content, gint64 id)
{
  for (guint i = 0; i < desk_meta_length (content->list); i++)
    {
      JsonObject *other = desk_meta_element (content->list, i);
      if (g_strcmp0 (desk_meta_string (other, "type"), "sticker") == 0
          && desk_meta_int_or (desk_meta_object (other, "payload"), "sticker_id", 0) == id)
        return TRUE;
    }
  return FALSE;
}

static gboolean
take_sticker (Content *content, const char *type, JsonObject *payload)
{
  const gboolean is_sticker = strcmp (type, "sticker") == 0;
  const char *url = desk_meta_string (payload, "url");
  gint64 id = 0;

  if (!desk_meta_int (payload, "sticker_id", &id) && !is_sticker)
    return FALSE;
  if (!is_sticker && is_told_as_sticker (content, id))
    return TRUE;
  if (is_thumb (id))
    add_line (content->text, "👍");
  if (desk_messaging_is_media_url (url, content->own_host))
    add_file (content, DESK_KIND_STICKER, url, "sticker.png", "image/png");
  else
    set_kind (content, DESK_KIND_STICKER);
  return TRUE;
}

/* ── Shares ─────────────────────────────────────────────────────────────────────────────────── */
static const struct
{
  const char *type;
  const char *words;
  DeskKind kind; /* of what its address gives */
  const char *filename;
  const char *mime_type;
} shares[] = {
  { "ig_post", "Shared a post", DESK_KIND_IMAGE, "post.jpg", "image/jpeg" },
  { "post", "Shared a post", DESK_KIND_IMAGE, "post.jpg", "image/jpeg" },
  { "share", "Shared a post", DESK_KIND_IMAGE, "post.jpg", "image/jpeg" },
  { "ig_reel", "Shared a reel", DESK_KIND_VIDEO, "reel.mp4", "video/mp4" },
  { "reel", "Shared a reel", DESK_KIND_VIDEO, "reel.mp4", "video/mp4" },
};

/* Until a post is told as "ig_post" alone, it comes as "share", too. */
static gboolean
is_told_as_post (const Content *content)
{
  for (guint i = 0; i < desk_meta_length (content->list); i++)
    if (g_strcmp0 (desk_meta_string (desk_meta_element (content->list, i), "type"), "ig_post") == 0)
      return TRUE;
  return FALSE;
}

/* The picture of a post is what the customer asks about, so that it is fetched where Meta gives it
 * itself; links to elsewhere are shown. */
static gboolean
take_share (Content *content, const char *type, JsonObject *payload)
{
  const char *title = desk_meta_string (payload, "title");
  const char *url = desk_meta_string (payload, "url");

  if (url == NULL)
    url = desk_meta_string (payload, "link");
  for (guint i = 0; i < G_N_ELEMENTS (shares); i++)
    {
      if (strcmp (shares[i].type, type) != 0)
        continue;
      if (strcmp (type, "share") == 0 && is_told_as_post (content))
        return TRUE;
      const gboolean is_media = desk_messaging_is_media_url (url, content->own_host);
      add_link (content->text, shares[i].words, title, is_media ? NULL : url);
      if (is_media)
        add_file (content, shares[i].kind, url, shares[i].filename, shares[i].mime_type);
      else
        set_kind (content, DESK_KIND_TEXT);
      return TRUE;
    }
  return FALSE;
}

/* A link that Messenger made a card of; its title and address stand beside or in the payload. */
static gboolean
take_fallback (Content *content, const char *type, JsonObject *attachment, JsonObject *payload)
{
  const char *title = desk_meta_string (payload, "title");
  const char *url = desk_meta_string (payload, "url");

  if (strcmp (type, "fallback") != 0)
    return FALSE;
  if (title == NULL)
    title = desk_meta_string (attachment, "title");
  if (url == NULL)
    url = desk_meta_string (attachment, "url");
  if (title == NULL && url == NULL)
    {
      if (content->text->len == 0)
        {
          add_line (content->text, "Shared something that can be seen on the platform alone");
          set_kind (content, DESK_KIND_UNSUPPORTED);
        }
      return TRUE;
    }
  if (url == NULL || strstr (content->text->str, url) == NULL)
    add_link (content->text, "Shared a link", title, url);
  set_kind (content, DESK_KIND_TEXT);
  return TRUE;
}

/* ── Places and templates ───────────────────────────────────────────────────────────────────── */
static gboolean
take_location (Content *content, const char *type, JsonObject *attachment, JsonObject *payload)
{
  JsonObject *place = desk_meta_object (payload, "coordinates");
  char lat[G_ASCII_DTOSTR_BUF_SIZE], lon[G_ASCII_DTOSTR_BUF_SIZE];
  double latitude, longitude;

  if (strcmp (type, "location") != 0)
    return FALSE;
  add_line (content->text, desk_meta_string (attachment, "title"));
  if (desk_meta_double (place, "lat", &latitude) && desk_meta_double (place, "long", &longitude))
    {
      g_autofree char *line
          = g_strdup_printf ("%s, %s", g_ascii_formatd (lat, sizeof lat, "%.6f", latitude),
                             g_ascii_formatd (lon, sizeof lon, "%.6f", longitude));
      add_line (content->text, line);
    }
  else
    add_line (content->text, desk_meta_string (attachment, "url"));
  set_kind (content, DESK_KIND_LOCATION);
  return TRUE;
}

static void
add_elements (Content *content, JsonArray *elements)
{
  for (guint i = 0; i < MIN (desk_meta_length (elements), MAX_ELEMENTS); i++)
    {
      JsonObject *element = desk_meta_element (elements, i);
      JsonArray *buttons = desk_meta_array (element, "buttons");

      add_line (content->text, desk_meta_string (element, "title"));
      add_line (content->text, desk_meta_string (element, "subtitle"));
      add_line (content->text,
                desk_meta_string (desk_meta_object (element, "default_action"), "url"));
      for (guint n = 0; n < MIN (desk_meta_length (buttons), MAX_ELEMENTS); n++)
        {
          JsonObject *button = desk_meta_element (buttons, n);
          const char *title = desk_meta_string (button, "title");
          g_autofree char *line = title != NULL ? g_strdup_printf ("[%s]", title) : NULL;
          add_line (content->text, line);
        }
    }
}

static gboolean
take_template (Content *content, const char *type, JsonObject *attachment, JsonObject *payload)
{
  JsonArray *buttons = desk_meta_array (payload, "buttons");

  if (strcmp (type, "template") != 0)
    return FALSE;
  const gsize before = content->text->len;
  add_line (content->text, desk_meta_string (payload, "text"));
  add_elements (content, desk_meta_array (payload, "elements"));
  add_elements (content, desk_meta_array (desk_meta_object (payload, "product"), "elements"));
  add_elements (content, desk_meta_array (desk_meta_object (payload, "generic"), "elements"));
  for (guint n = 0; n < MIN (desk_meta_length (buttons), MAX_ELEMENTS); n++)
    {
      const char *title = desk_meta_string (desk_meta_element (buttons, n), "title");
      g_autofree char *line = title != NULL ? g_strdup_printf ("[%s]", title) : NULL;
      add_line (content->text, line);
    }
  if (content->text->len == before)
    add_line (content->text, desk_meta_string (attachment, "title"));
  if (content->text->len == before)
    {
      add_line (content->text, "A card with buttons");
      set_kind (content, DESK_KIND_UNSUPPORTED);
    }
  else
    set_kind (content, DESK_KIND_TEXT);
  return TRUE;
}

/* ── Instagram's own ────────────────────────────────────────────────────────────────────────── */
static gboolean
take_instagram (Content *content, const char *type, JsonObject *payload)
{
  if (strcmp (type, "story_mention") == 0)
    {
      const char *url = desk_meta_string (payload, "url");
      if (url == NULL)
        url = desk_meta_string (payload, "link");
      add_link (content->text, "Mentioned you in a story", NULL, url);
      set_kind (content, DESK_KIND_TEXT);
      return TRUE;
    }
  if (strcmp (type, "like_heart") == 0)
    {
      add_line (content->text, "❤️");
      set_kind (content, DESK_KIND_STICKER);
      return TRUE;
    }
  if (strcmp (type, "ephemeral") == 0)
    {
      add_line (content->text, "A photo or video that can be seen once, on the platform alone");
      set_kind (content, DESK_KIND_UNSUPPORTED);
      return TRUE;
    }
  return FALSE;
}

/* "appointment_booking" → "Appointment booking" */
static void
take_unknown (Content *content, const char *type, JsonObject *payload)
{
  g_autofree char *hint = g_utf8_substring (type, 0, MIN (g_utf8_strlen (type, -1), 64));
  const char *title = desk_meta_string (payload, "title");

  g_strdelimit (hint, "_", ' ');
  if (hint[0] != '\0')
    hint[0] = g_ascii_toupper (hint[0]);
  add_link (content->text, hint, title, desk_meta_string (payload, "url"));
  if (!content->has_kind)
    set_kind (content, DESK_KIND_UNSUPPORTED);
}

static void
take_attachment (Content *content, JsonObject *attachment)
{
  JsonObject *payload = desk_meta_object (attachment, "payload");
  const char *type = desk_meta_string (attachment, "type");
  const char *url = desk_meta_string (payload, "url");

  if (attachment == NULL)
    return;
  if (type == NULL)
    type = "attachment";
  if (!take_sticker (content, type, payload) && !take_file (content, type, url)
      && !take_share (content, type, payload)
      && !take_fallback (content, type, attachment, payload)
      && !take_location (content, type, attachment, payload)
      && !take_template (content, type, attachment, payload)
      && !take_instagram (content, type, payload))
    take_unknown (content, type, payload);
}

/* A reply to a story of the business: the link stays good for a day, and is kept as a link. */
static void
take_story (Content *content)
{
  JsonObject *story
      = desk_meta_object (desk_meta_object (content->object, "reply_to"), "story");
  const char *url = desk_meta_string (story, "url");

  if (story == NULL)
    return;
  add_link (content->text, "In reply to your story", NULL, url);
  if (!content->has_kind)
    set_kind (content, DESK_KIND_TEXT);
}

static void
take_nothing (Content *content)
{
  if (content->has_kind || content->text->len > 0)
    return;
  add_line (content->text, desk_meta_true (content->object, "is_unsupported")
                               ? "A message that can be seen on the platform alone"
                               : "An empty message");
  set_kind (content, DESK_KIND_UNSUPPORTED);
}

void
desk_messaging_fill_content (JsonObject *object, const char *own_host, DeskMessage *message)
{
  g_return_if_fail (message != NULL);
  Content content = { object, desk_meta_array (object, "attachments"), own_host, message,
                      g_string_new (desk_meta_string (object, "text")), FALSE, FALSE };

  message->kind = DESK_KIND_TEXT;
  for (guint i = 0; i < desk_meta_length (content.list); i++)
    take_attachment (&content, desk_meta_element (content.list, i));
  take_story (&content);
  take_nothing (&content);
  if (content.is_mixed)
    message->kind = message->attachments->len > 0 ? DESK_KIND_FILE : DESK_KIND_TEXT;
  desk_messaging_take_text (message, g_string_free (content.text, FALSE));
}
