/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "common/desk-text.h"
#include "store/desk-store-private.h"

/* Customers' profiles: the value of a change, the cached profile as the server told it, and what is shown, which is
 * that with the waiting changes on top. A profile is kept as a{sv}; names are added, never given another meaning. */

#define N_TEXTS 8
#define PACKED_CHANGE "(msmsmsmsmsmsmsms)"

/* The texts of a change, in the order in which they are packed. */
static void
change_texts (DeskProfileChange *self, char ***out)
{
  out[0] = &self->name;
  out[1] = &self->handle;
  out[2] = &self->phone;
  out[3] = &self->language;
  out[4] = &self->avatar;
  out[5] = &self->note;
  out[6] = &self->attributes;
  out[7] = &self->products;
}

DeskProfileChange *
desk_profile_change_new (void)
{
  return g_new0 (DeskProfileChange, 1);
}

DeskProfileChange *
desk_profile_change_copy (const DeskProfileChange *self)
{
  DeskProfileChange *copy;
  char **texts[N_TEXTS];

  g_return_val_if_fail (self != NULL, NULL);
  copy = g_memdup2 (self, sizeof *self);
  change_texts (copy, texts);
  for (guint i = 0; i < N_TEXTS; i++)
    *texts[i] = g_strdup (*texts[i]);
  return copy;
}

void
desk_profile_change_free (DeskProfileChange *self)
{
  char **texts[N_TEXTS];

  if (self == NULL)
    return;
  change_texts (self, texts);
  for (guint i = 0; i < N_TEXTS; i++)
    g_free (*texts[i]);
  g_free (self);
}

void
desk_profile_change_merge (DeskProfileChange *self, const DeskProfileChange *newer)
{
  char **to[N_TEXTS], **from[N_TEXTS];

  g_return_if_fail (self != NULL && newer != NULL);
  change_texts (self, to);
  change_texts ((DeskProfileChange *) newer, from);
  for (guint i = 0; i < N_TEXTS; i++)
    {
      char *text;

      if (*from[i] == NULL)
        continue;
      text = from[i] == &((DeskProfileChange *) newer)->attributes
                 ? desk_json_text_merge (self->attributes, newer->attributes, TRUE)
                 : g_strdup (*from[i]);
      g_free (*to[i]);
      *to[i] = text;
    }
}

static void
set_text (char **field, const char *text)
{
  if (text == NULL)
    return;
  g_free (*field);
  *field = *text != '\0' ? g_strdup (text) : NULL;
}

void
desk_profile_change_apply (const DeskProfileChange *self, DeskProfile *profile)
{
  g_return_if_fail (self != NULL && profile != NULL);
  set_text (&profile->name, self->name);
  set_text (&profile->handle, self->handle);
  set_text (&profile->phone, self->phone);
  set_text (&profile->language, self->language);
  set_text (&profile->avatar, self->avatar);
  set_text (&profile->note, self->note);
  if (self->attributes != NULL)
    {
      char *merged = desk_json_text_merge (profile->attributes, self->attributes, FALSE);

      g_free (profile->attributes);
      profile->attributes = merged;
    }
  if (self->products != NULL)
    set_text (&profile->products, self->products);
}

/* GVariant takes valid UTF-8 only. */
static GVariant *
text_variant (const char *text)
{
  if (g_utf8_validate (text, -1, NULL))
    return g_variant_new_string (text);
  return g_variant_new_take_string (desk_text_sanitize_utf8 (text, -1));
}

GBytes *
desk_profile_change_pack (const DeskProfileChange *self)
{
  char **texts[N_TEXTS];
  GVariant *values[N_TEXTS];
  g_autoptr (GVariant) value = NULL;

  g_return_val_if_fail (self != NULL, NULL);
  change_texts ((DeskProfileChange *) self, texts);
  for (guint i = 0; i < N_TEXTS; i++)
    values[i] = g_variant_new_maybe (G_VARIANT_TYPE_STRING, *texts[i] ? text_variant (*texts[i]) : NULL);
  value = g_variant_ref_sink (g_variant_new_tuple (values, N_TEXTS));
  return g_variant_get_data_as_bytes (value);
}

static GVariant *
variant_of (const char *type, const void *data, gsize len)
{
  g_autoptr (GBytes) bytes = NULL;
  GVariant *value;

  if (data == NULL || len == 0)
    return NULL;
  bytes = g_bytes_new (data, len);
  value = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (type), bytes, FALSE));
  if (!g_variant_is_normal_form (value))
    g_clear_pointer (&value, g_variant_unref);
  return value;
}

DeskProfileChange *
desk_profile_change_unpack (const void *data, gsize len)
{
  g_autoptr (GVariant) value = variant_of (PACKED_CHANGE, data, len);
  DeskProfileChange *self;

  if (value == NULL)
    return NULL;
  self = desk_profile_change_new ();
  g_variant_get (value, PACKED_CHANGE, &self->name, &self->handle, &self->phone, &self->language, &self->avatar,
                 &self->note, &self->attributes, &self->products);
  return self;
}

/* ── The cached profile ─────────────────────────────────────────────────────────────────────── */

static const char *const names[] = { "name", "handle", "phone", "language", "avatar", "note", "attributes", "products" };

static void
profile_texts (DeskProfile *self, char ***out)
{
  out[0] = &self->name;
  out[1] = &self->handle;
  out[2] = &self->phone;
  out[3] = &self->language;
  out[4] = &self->avatar;
  out[5] = &self->note;
  out[6] = &self->attributes;
  out[7] = &self->products;
}

static GBytes *
pack_profile (const DeskProfile *profile)
{
  char **texts[N_TEXTS];
  GVariantBuilder builder;
  g_autoptr (GVariant) value = NULL;

  profile_texts ((DeskProfile *) profile, texts);
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (guint i = 0; i < N_TEXTS; i++)
    if (*texts[i] != NULL)
      g_variant_builder_add (&builder, "{sv}", names[i], text_variant (*texts[i]));
  g_variant_builder_add (&builder, "{sv}", "rev", g_variant_new_int64 (profile->rev));
  g_variant_builder_add (&builder, "{sv}", "updated_at_ms", g_variant_new_int64 (profile->updated_at_ms));
  value = g_variant_ref_sink (g_variant_builder_end (&builder));
  return g_variant_get_data_as_bytes (value);
}

static void
unpack_profile (const void *data, gsize len, DeskProfile *profile)
{
  g_autoptr (GVariant) value = variant_of ("a{sv}", data, len);
  char **texts[N_TEXTS];

  if (value == NULL)
    return;
  profile_texts (profile, texts);
  for (guint i = 0; i < N_TEXTS; i++)
    {
      const char *text;

      if (g_variant_lookup (value, names[i], "&s", &text))
        set_text (texts[i], text);
    }
  g_variant_lookup (value, "rev", "x", &profile->rev);
  g_variant_lookup (value, "updated_at_ms", "x", &profile->updated_at_ms);
}

static gboolean
load_profile (DeskDb *db, gint64 chat, DeskProfile *profile, gint64 *fetched_at_ms, GError **error)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (db, "SELECT fetched_at_ms,data FROM profile WHERE chat=?1", error);
  const void *data;
  gsize len;

  *fetched_at_ms = 0;
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, chat);
  switch (desk_stmt_step (s, error))
    {
    case DESK_STEP_ERROR:
      return FALSE;
    case DESK_STEP_DONE:
      return TRUE;
    case DESK_STEP_ROW:
      *fetched_at_ms = desk_stmt_column_int64 (s, 0);
      data = desk_stmt_column_blob (s, 1, &len);
      unpack_profile (data, len, profile);
    }
  return TRUE;
}

gboolean
desk_fold_profile (DeskFold *self, const DeskProfile *told, gint64 fetched_at_ms, GError **error)
{
  g_autoptr (DeskProfile) known = desk_profile_new (told->platform, told->user_id);
  g_autoptr (GBytes) packed = NULL;
  DeskFoldChat *state = desk_fold_get_chat (self, told->platform, told->user_id, TRUE, error);
  DeskStmt *s;
  gint64 before;

  if (state == NULL || !load_profile (self->db, state->row, known, &before, error))
    return FALSE;
  packed = pack_profile (before > 0 && known->rev > told->rev ? known : told);
  s = desk_db_prepare (self->db, "INSERT OR REPLACE INTO profile(chat,fetched_at_ms,data) VALUES(?1,?2,?3)", error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, state->row);
  desk_stmt_bind_int64 (s, 2, MAX (fetched_at_ms, before));
  desk_stmt_bind_blob (s, 3, g_bytes_get_data (packed, NULL), g_bytes_get_size (packed));
  self->notice->change.profiles = TRUE;
  desk_fold_tell (self, state);
  return desk_stmt_run (s, error);
}

/* ── What is shown ──────────────────────────────────────────────────────────────────────────── */

static gboolean
apply_waiting (DeskDb *db, gint64 chat, DeskProfileRow *row, GError **error)
{
  DeskStep step;
  DeskStmt *s = desk_db_prepare (
      db, "SELECT change FROM outbox WHERE chat=?1 AND intent=7 AND state IN (0,1) ORDER BY local_id", error);

  G_STATIC_ASSERT (DESK_INTENT_PROFILE == 7 && DESK_OUTBOX_QUEUED == 0 && DESK_OUTBOX_SENDING == 1);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, chat);
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    {
      gsize len;
      const void *data = desk_stmt_column_blob (s, 0, &len);
      g_autoptr (DeskProfileChange) change = desk_profile_change_unpack (data, len);

      if (change != NULL)
        desk_profile_change_apply (change, row->profile);
      row->pending = TRUE;
    }
  return step != DESK_STEP_ERROR;
}

DeskProfileRow *
desk_query_profile (DeskDb *db, const char *platform, const char *user_id, GError **error)
{
  g_autoptr (DeskProfileRow) row = NULL;
  g_autoptr (DeskStmt) s
      = desk_db_prepare (db, "SELECT chat FROM chat WHERE platform=?1 AND user_id=?2", error);
  gint64 chat;

  if (s == NULL)
    return NULL;
  desk_stmt_bind_text (s, 1, platform);
  desk_stmt_bind_text (s, 2, user_id);
  if (desk_stmt_step (s, error) != DESK_STEP_ROW)
    return NULL;
  chat = desk_stmt_column_int64 (s, 0);
  row = g_new0 (DeskProfileRow, 1);
  row->profile = desk_profile_new (platform, user_id);
  if (!load_profile (db, chat, row->profile, &row->fetched_at_ms, error) || !apply_waiting (db, chat, row, error))
    return NULL;
  return row->fetched_at_ms > 0 || row->pending ? g_steal_pointer (&row) : NULL;
}

void
desk_profile_row_free (DeskProfileRow *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->profile, desk_profile_free);
  g_free (self);
}
