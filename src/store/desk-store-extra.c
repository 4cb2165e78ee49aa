/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "common/desk-text.h"
#include "store/desk-store-private.h"

/* What few messages have (files, reactions, a quote, a history of states …) is kept as one serialized
 * GVariant of type a{sv} in one column, NULL for an ordinary text. Names are added, never given
 * another meaning; an unknown one is skipped, a damaged value reads as if it were absent. The
 * cache never leaves the machine, so byte order is the machine's. */

#define ATTACHMENT_TYPE "(sssxmsxxxmsmsms)"

/* GVariant takes valid UTF-8 only. */
static GVariant *
text_variant (const char *text)
{
  if (text == NULL || g_utf8_validate (text, -1, NULL))
    return g_variant_new_string (text ? text : "");
  return g_variant_new_take_string (desk_text_sanitize_utf8 (text, -1));
}

static GVariant *
maybe_variant (const char *text)
{
  return g_variant_new_maybe (G_VARIANT_TYPE_STRING, text ? text_variant (text) : NULL);
}

static GVariant *
pack_attachments (GPtrArray *attachments)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a" ATTACHMENT_TYPE));
  for (guint i = 0; i < attachments->len; i++)
    {
      const DeskAttachment *a = g_ptr_array_index (attachments, i);

      g_variant_builder_add (&builder, "(@s@s@sx@msxxx@ms@ms@ms)", text_variant (a->file_id),
                             text_variant (a->filename), text_variant (a->mime_type), a->size,
                             maybe_variant (a->url), a->width, a->height, a->duration_ms,
                             maybe_variant (a->sha256), maybe_variant (a->state),
                             maybe_variant (a->external_id));
    }
  return g_variant_builder_end (&builder);
}

static void
replace_text (char **field, const char *text)
{
  g_free (*field);
  *field = g_strdup (text);
}

static void
unpack_attachments (GVariant *value, GPtrArray *attachments)
{
  GVariantIter iter;
  const char *file_id, *filename, *mime_type, *url, *sha256, *state, *external_id;
  gint64 size, width, height, duration_ms;

  g_variant_iter_init (&iter, value);
  while (g_variant_iter_next (&iter, "(&s&s&sxm&sxxxm&sm&sm&s)", &file_id, &filename, &mime_type,
                              &size, &url, &width, &height, &duration_ms, &sha256, &state,
                              &external_id))
    {
      DeskAttachment *a = desk_attachment_new (file_id);

      replace_text (&a->filename, filename);
      replace_text (&a->mime_type, mime_type);
      replace_text (&a->url, url);
      replace_text (&a->sha256, sha256);
      replace_text (&a->state, state);
      replace_text (&a->external_id, external_id);
      a->size = size;
      a->width = width;
      a->height = height;
      a->duration_ms = duration_ms;
      g_ptr_array_add (attachments, a);
    }
}

static GVariant *
pack_reactions (GPtrArray *reactions)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ss)"));
  for (guint i = 0; i < reactions->len; i++)
    {
      const DeskReaction *r = g_ptr_array_index (reactions, i);

      g_variant_builder_add (&builder, "(@s@s)", text_variant (r->emoji), text_variant (r->by));
    }
  return g_variant_builder_end (&builder);
}

static void
unpack_reactions (GVariant *value, GPtrArray *reactions)
{
  GVariantIter iter;
  const char *emoji, *by;

  g_variant_iter_init (&iter, value);
  while (g_variant_iter_next (&iter, "(&s&s)", &emoji, &by))
    g_ptr_array_add (reactions, desk_reaction_new (emoji, by));
}

static GVariant *
pack_history (GPtrArray *history)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ixmsms)"));
  for (guint i = 0; i < history->len; i++)
    {
      const DeskStatusChange *c = g_ptr_array_index (history, i);

      g_variant_builder_add (&builder, "(ix@ms@ms)", (gint32) c->status, c->at_ms,
                             maybe_variant (c->code), maybe_variant (c->message));
    }
  return g_variant_builder_end (&builder);
}

static void
unpack_history (GVariant *value, GPtrArray *history)
{
  GVariantIter iter;
  gint32 status;
  gint64 at_ms;
  const char *code, *message;

  g_variant_iter_init (&iter, value);
  while (g_variant_iter_next (&iter, "(ixm&sm&s)", &status, &at_ms, &code, &message))
    if (status >= DESK_STATUS_NONE && status <= DESK_STATUS_FAILED)
      g_ptr_array_add (history, desk_status_change_new (status, at_ms, code, message));
}

static gboolean
has_extra (const DeskMessage *m)
{
  return m->attachments->len > 0 || m->reactions->len > 0 || m->status_history->len > 0
         || m->reply_to != NULL || m->error.code != NULL || m->chat_id != NULL
         || m->external_id != NULL || m->template != NULL || m->change != NULL || m->user_name != NULL || m->messenger_name != NULL;
}

static void
add_text (GVariantBuilder *builder, const char *name, const char *text)
{
  if (text != NULL)
    g_variant_builder_add (builder, "{sv}", name, text_variant (text));
}

static GVariant *
pack_change (const DeskChange *c)
{
  return g_variant_new ("(ii@ms@ms@ms@ms@msx)", (int) c->operation, (int) c->state, maybe_variant (c->text),
                        maybe_variant (c->emoji), maybe_variant (c->by), maybe_variant (c->code),
                        maybe_variant (c->message), c->at_ms);
}

GBytes *
desk_extra_pack (const DeskMessage *m)
{
  GVariantBuilder b;
  g_autoptr (GVariant) value = NULL;

  if (!has_extra (m))
    return NULL;
  g_variant_builder_init (&b, G_VARIANT_TYPE_VARDICT);
  if (m->attachments->len > 0)
    g_variant_builder_add (&b, "{sv}", "attachments", pack_attachments (m->attachments));
  if (m->reactions->len > 0)
    g_variant_builder_add (&b, "{sv}", "reactions", pack_reactions (m->reactions));
  if (m->status_history->len > 0)
    g_variant_builder_add (&b, "{sv}", "status_history", pack_history (m->status_history));
  if (m->reply_to != NULL)
    g_variant_builder_add (&b, "{sv}", "reply_to",
                           g_variant_new ("(@sx@s@s)", text_variant (m->reply_to->id),
                                          m->reply_to->chat_seq,
                                          text_variant (m->reply_to->sender),
                                          text_variant (m->reply_to->text)));
  if (m->error.code != NULL)
    g_variant_builder_add (&b, "{sv}", "error",
                           g_variant_new ("(@s@sb)", text_variant (m->error.code),
                                          text_variant (m->error.message), !!m->error.retryable));
  if (m->template != NULL)
    g_variant_builder_add (&b, "{sv}", "template",
                           g_variant_new ("(@s@s^as)", text_variant (m->template->name),
                                          text_variant (m->template->language), m->template->variables));
  if (m->change != NULL)
    g_variant_builder_add (&b, "{sv}", "change", pack_change (m->change));
  add_text (&b, "chat_id", m->chat_id);
  add_text (&b, "external_id", m->external_id);
  add_text (&b, "user_name", m->user_name);
  add_text (&b, "messenger_name", m->messenger_name);
  value = g_variant_ref_sink (g_variant_builder_end (&b));
  return g_variant_get_data_as_bytes (value);
}

static void
unpack_text (GVariantDict *dict, const char *name, char **field)
{
  const char *text;

  if (g_variant_dict_lookup (dict, name, "&s", &text))
    replace_text (field, text);
}

static void
unpack_parts (GVariantDict *dict, DeskMessage *m)
{
  g_autoptr (GVariant) attachments
      = g_variant_dict_lookup_value (dict, "attachments", G_VARIANT_TYPE ("a" ATTACHMENT_TYPE));
  g_autoptr (GVariant) reactions
      = g_variant_dict_lookup_value (dict, "reactions", G_VARIANT_TYPE ("a(ss)"));
  g_autoptr (GVariant) history
      = g_variant_dict_lookup_value (dict, "status_history", G_VARIANT_TYPE ("a(ixmsms)"));

  if (attachments != NULL)
    unpack_attachments (attachments, m->attachments);
  if (reactions != NULL)
    unpack_reactions (reactions, m->reactions);
  if (history != NULL)
    unpack_history (history, m->status_history);
}

/* The template that it was sent as, and a change that the platform has not taken. */
static void
unpack_asked (GVariantDict *dict, DeskMessage *m)
{
  const char *name, *language, *text, *emoji, *by, *code, *message;
  g_auto (GStrv) variables = NULL;
  gint64 at_ms;
  int operation, state;

  if (g_variant_dict_lookup (dict, "template", "(&s&s^as)", &name, &language, &variables))
    m->template = desk_template_use_new (name, language, variables);
  if (!g_variant_dict_lookup (dict, "change", "(iim&sm&sm&sm&sm&sx)", &operation, &state, &text, &emoji, &by, &code,
                              &message, &at_ms))
    return;
  m->change = desk_change_new ((DeskOperation) operation, by, at_ms);
  m->change->state = (DeskChangeState) state;
  replace_text (&m->change->text, text);
  replace_text (&m->change->emoji, emoji);
  replace_text (&m->change->code, code);
  replace_text (&m->change->message, message);
}

void
desk_extra_unpack (const void *data, gsize len, DeskMessage *m)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, len);
  g_autoptr (GVariant) value = NULL;
  g_auto (GVariantDict) dict = { 0 };
  const char *id, *sender, *text, *code, *message;
  gint64 chat_seq;
  gboolean retryable;

  value = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_VARDICT, bytes, FALSE));
  g_variant_dict_init (&dict, value);
  unpack_parts (&dict, m);
  if (g_variant_dict_lookup (&dict, "reply_to", "(&sx&s&s)", &id, &chat_seq, &sender, &text))
    m->reply_to = desk_reply_to_new (id, chat_seq, sender, text);
  if (g_variant_dict_lookup (&dict, "error", "(&s&sb)", &code, &message, &retryable))
    {
      replace_text (&m->error.code, code);
      replace_text (&m->error.message, message);
      m->error.retryable = retryable;
    }
  unpack_asked (&dict, m);
  unpack_text (&dict, "chat_id", &m->chat_id);
  unpack_text (&dict, "external_id", &m->external_id);
  unpack_text (&dict, "user_name", &m->user_name);
  unpack_text (&dict, "messenger_name", &m->messenger_name);
}
