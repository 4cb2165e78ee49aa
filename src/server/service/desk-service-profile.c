/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* What is known of the customer behind a chat.
 *
 * Invariants: a field that a manager wrote is not overwritten by what a platform or the user service
 * tells, until a manager clears it; one that the user service told is not overwritten by what a
 * platform tells; the chat's user_name and messenger_name follow the profile, by chat_updated;
 * one profile_updated a change, only if something changed. */

#include "server/service/desk-service-action.h"

#include <string.h>

static char **
field_of (DeskProfile *self, DeskProfileField field)
{
  switch (field)
    {
    case DESK_PROFILE_NAME:
      return &self->name;
    case DESK_PROFILE_HANDLE:
      return &self->handle;
    case DESK_PROFILE_PHONE:
      return &self->phone;
    case DESK_PROFILE_LANGUAGE:
      return &self->language;
    case DESK_PROFILE_AVATAR:
      return &self->avatar;
    case DESK_PROFILE_NOTE:
    case DESK_PROFILE_N_FIELDS:
    default:
      return &self->note;
    }
}

static DeskProfile *
read_profile (const char *body, GError **error)
{
  g_autoptr (JsonNode) node = desk_json_parse (body, strlen (body), DESK_WIRE_MAX_FRAME, error);
  return node != NULL ? desk_wire_read_profile (node, error) : NULL;
}

DeskProfile *
desk_service_load_profile (DeskServerTx *tx,
                           const DeskServerChat *chat,
                           gint64 *out_typed,
                           GError **error)
{
  g_autofree char *body = NULL;
  g_autoptr (DeskProfile) profile = NULL;
  if (!tx->ops->profile_get (tx, chat->row, &body, out_typed, error))
    return NULL;
  profile = body != NULL ? read_profile (body, error)
                         : desk_profile_new (chat->chat->platform, chat->chat->user_id);
  if (profile == NULL)
    return NULL;
  g_free (profile->user_id); /* the platform may have moved the chat */
  profile->user_id = g_strdup (chat->chat->user_id);
  /* What the platform tells with every message stands in the chat. */
  if ((*out_typed & (1 << DESK_PROFILE_NAME)) == 0 && chat->chat->user_name != NULL
      && chat->chat->user_name[0] != '\0')
    {
      g_free (profile->name);
      profile->name = g_strdup (chat->chat->user_name);
    }
  if ((*out_typed & (1 << DESK_PROFILE_HANDLE)) == 0 && chat->chat->messenger_name != NULL)
    {
      g_free (profile->handle);
      profile->handle = g_strdup (chat->chat->messenger_name);
    }
  return g_steal_pointer (&profile);
}

static char *
profile_text (const DeskProfile *profile)
{
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, text);
  desk_wire_write_profile (&w, profile);
  return g_string_free (text, FALSE);
}

char *
desk_service_profile_text (DeskService *self, const DeskProfile *profile)
{
  g_autoptr (DeskProfile) copy = desk_profile_copy (profile);
  if (copy->avatar != NULL && g_str_has_prefix (copy->avatar, DESK_LINK_FILES)
      && desk_file_hash_is_valid (copy->avatar + strlen (DESK_LINK_FILES)) && self->files != NULL)
    {
      char *link = desk_file_store_sign_link (self->files, copy->avatar + strlen (DESK_LINK_FILES),
                                              desk_clock_now_ms (self->clock));
      g_free (copy->avatar);
      copy->avatar = link;
    }
  return profile_text (copy);
}

static void
apply_fields (DeskProfile *profile,
              const DeskProfilePatch *patch,
              DeskProfileTeller teller,
              gint64 *typed)
{
  const gboolean by_hand = teller == DESK_TELLER_MANAGER;
  for (guint i = 0; i < DESK_PROFILE_N_FIELDS; i++)
    {
      char **field = field_of (profile, (DeskProfileField)i);
      gboolean clears = patch->texts[i] == NULL || patch->texts[i][0] == '\0';
      if (!patch->has[i] || desk_profile_is_taken (*typed, (DeskProfileField)i, teller))
        continue;
      if (teller == DESK_TELLER_DIRECTORY)
        *typed |= G_GINT64_CONSTANT (1) << (DESK_PROFILE_TOLD_SHIFT + i);
      if (by_hand && clears && i == DESK_PROFILE_NAME) /* the platform's again, with its next message */
        {
          *typed &= ~(G_GINT64_CONSTANT (1) << i);
          continue;
        }
      g_free (*field);
      *field = clears ? NULL : g_strdup (patch->texts[i]);
      if (by_hand && clears)
        *typed &= ~(G_GINT64_CONSTANT (1) << i);
      else if (by_hand)
        *typed |= G_GINT64_CONSTANT (1) << i;
    }
}

/* What the platform tells of an attribute gives way to what is there. */
static char *
merge_attributes (const DeskProfile *profile,
                  const DeskProfilePatch *patch,
                  DeskProfileTeller teller)
{
  return teller == DESK_TELLER_MANAGER
             ? desk_wire_merge_objects (profile->attributes, patch->attributes, NULL)
             : desk_wire_merge_objects (patch->attributes, profile->attributes, NULL);
}

/* FALSE: too long. */
static gboolean
apply_patch (DeskProfile *profile,
             const DeskProfilePatch *patch,
             DeskProfileTeller teller,
             gint64 *typed)
{
  apply_fields (profile, patch, teller, typed);
  if (patch->attributes != NULL)
    {
      char *merged = merge_attributes (profile, patch, teller);
      if (merged == NULL)
        return FALSE;
      g_free (profile->attributes);
      profile->attributes = merged;
    }
  if (patch->products != NULL)
    {
      g_free (profile->products);
      profile->products = g_strdup (patch->products);
    }
  return TRUE;
}

static gboolean
replace (char **place, const char *text)
{
  if (g_strcmp0 (*place, text) == 0)
    return FALSE;
  g_free (*place);
  *place = g_strdup (text);
  return TRUE;
}

/* The names that the chat shows. */
static gboolean
show_names (DeskWork *self,
            DeskServerChat *chat,
            const DeskProfile *profile,
            const DeskProfilePatch *patch,
            GError **error)
{
  gboolean changed = FALSE;
  if (patch->has[DESK_PROFILE_NAME])
    changed |= replace (&chat->chat->user_name, profile->name != NULL ? profile->name : "");
  if (patch->has[DESK_PROFILE_HANDLE])
    changed |= replace (&chat->chat->messenger_name, profile->handle);
  return !changed
         || (desk_work_emit_chat (self, chat, error)
             && self->tx->ops->chat_update (self->tx, chat, error));
}

static gboolean
store_profile (DeskWork *self,
               DeskServerChat *chat,
               DeskProfile *profile,
               gint64 typed,
               const DeskProfilePatch *patch,
               GError **error)
{
  profile->rev++;
  profile->updated_at_ms = self->now_ms;
  g_autofree char *body = profile_text (profile);
  DeskEvent event = { .type = DESK_EVENT_PROFILE_UPDATED, .profile = profile };
  return self->tx->ops->profile_set (self->tx, chat->row, body, typed, error)
         && desk_work_emit (self, &event, error) && show_names (self, chat, profile, patch, error);
}

gboolean
desk_profile_is_taken (gint64 typed, DeskProfileField field, DeskProfileTeller teller)
{
  gint64 mask = G_GINT64_CONSTANT (1) << field;
  if (teller == DESK_TELLER_MANAGER)
    return FALSE;
  if (teller == DESK_TELLER_PLATFORM)
    mask |= mask << DESK_PROFILE_TOLD_SHIFT;
  return (typed & mask) != 0;
}

gboolean
desk_work_tell_profile (DeskWork *self,
                        DeskServerChat *chat,
                        const DeskProfilePatch *told,
                        DeskProfileTeller teller,
                        GError **error)
{
  gint64 typed = 0;
  g_autoptr (DeskProfile) profile = desk_service_load_profile (self->tx, chat, &typed, error);
  if (profile == NULL)
    return FALSE;
  const gint64 typed_before = typed;
  g_autofree char *before = profile_text (profile);
  if (told != NULL && !apply_patch (profile, told, teller, &typed))
    g_message ("what was told of a customer is too long and was passed over");
  if (told == NULL && teller == DESK_TELLER_DIRECTORY) /* it does not know him (any more) */
    typed &= (G_GINT64_CONSTANT (1) << DESK_PROFILE_TOLD_SHIFT) - 1;
  g_autofree char *after = profile_text (profile);
  if (strcmp (before, after) != 0)
    return store_profile (self, chat, profile, typed, told, error);
  return typed == typed_before
         || self->tx->ops->profile_set (self->tx, chat->row, after, typed, error);
}

static gboolean
change_profile (DeskAction *self, GError **error)
{
  const DeskProfilePatch *patch = self->request;
  gint64 typed = 0;
  g_autoptr (DeskServerChat) chat = NULL;
  if (!self->work.tx->ops->chat_find (self->work.tx, self->platform, self->user_id, NULL, &chat,
                                      error))
    return FALSE;
  if (chat == NULL)
    return desk_action_answer (self, desk_reply_new_no_chat ());
  g_autoptr (DeskProfile) profile = desk_service_load_profile (self->work.tx, chat, &typed, error);
  if (profile == NULL)
    return FALSE;
  gint64 typed_before = typed;
  g_autofree char *before = profile_text (profile);
  if (!apply_patch (profile, patch,
                    self->who != NULL ? DESK_TELLER_MANAGER : DESK_TELLER_PLATFORM, &typed))
    return desk_action_answer (self,
                               desk_reply_new_invalid ("attributes", "attributes is too long"));
  g_autofree char *after = profile_text (profile);
  gboolean changed = strcmp (before, after) != 0;
  if (changed && patch->base_rev >= 0 && patch->base_rev < profile->rev)
    {
      g_autoptr (DeskProfile) stored = NULL;
      gint64 ignored;
      stored = desk_service_load_profile (self->work.tx, chat, &ignored, error);
      if (stored == NULL)
        return FALSE;
      g_autofree char *details = desk_service_profile_text (self->work.service, stored);
      return desk_action_conflict (self, details);
    }
  if (changed && !store_profile (&self->work, chat, profile, typed, patch, error))
    return FALSE;
  if (!changed && typed != typed_before
      && !self->work.tx->ops->profile_set (self->work.tx, chat->row, after, typed, error))
    return FALSE;
  return desk_action_answer_profile (self, 200, profile);
}

static DeskAction *
new_change (DeskService *service,
            DeskIdentity *who,
            const char *platform,
            const char *user_id,
            const DeskProfilePatch *patch,
            DeskReplyDone done,
            gpointer data)
{
  DeskAction *action = desk_action_new (service, change_profile, who, done, data);
  action->platform = g_strdup (platform);
  action->user_id = g_strdup (user_id);
  action->request = desk_profile_patch_copy (patch);
  action->free_request = (GDestroyNotify)desk_profile_patch_free;
  return action;
}

void
desk_service_change_profile (DeskService *self,
                             DeskIdentity *who,
                             const char *platform,
                             const char *user_id,
                             const DeskProfilePatch *patch,
                             DeskReplyDone done,
                             gpointer data)
{
  g_return_if_fail (self != NULL && who != NULL && patch != NULL && done != NULL);
  desk_action_submit (new_change (self, who, platform, user_id, patch, done, data));
}

typedef struct
{
  void (*done) (gboolean ok, gpointer data);
  gpointer data;
} DeskTold;

static void
told_done (DeskReply *reply, gpointer data)
{
  g_autofree DeskTold *told = data;
  if (told->done != NULL)
    told->done (reply->status == 200, told->data);
  desk_reply_free (reply);
}

void
desk_service_update_profile (DeskService *self,
                             const char *platform,
                             const char *user_id,
                             const DeskProfilePatch *told,
                             void (*done) (gboolean ok, gpointer data),
                             gpointer data)
{
  g_return_if_fail (self != NULL && told != NULL);
  DeskTold *after = g_new0 (DeskTold, 1);
  after->done = done;
  after->data = data;
  desk_action_submit (new_change (self, NULL, platform, user_id, told, told_done, after));
}

DeskReply *
desk_service_get_profile (DeskService *self,
                          const DeskIdentity *who,
                          const char *platform,
                          const char *user_id)
{
  g_return_val_if_fail (self != NULL && who != NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskServerChat) chat = NULL;
  g_autoptr (DeskProfile) profile = NULL;
  gint64 typed;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, &error);
  gboolean ok = tx != NULL && tx->ops->chat_find (tx, platform, user_id, NULL, &chat, &error);
  if (chat != NULL)
    {
      profile = desk_service_load_profile (tx, chat, &typed, &error);
      ok = profile != NULL;
    }
  if (tx != NULL)
    tx->ops->end_read (tx);
  if (!ok)
    return desk_reply_new_store_failure (error);
  if (chat == NULL)
    return desk_reply_new_no_chat ();
  desk_service_want_profile (self, chat);
  DeskReply *reply = desk_reply_new_ok ();
  DeskJsonWriter w;
  g_autofree char *text = desk_service_profile_text (self, profile);
  desk_reply_begin (reply, &w);
  desk_json_writer_raw (&w, text);
  desk_reply_end (reply, &w, NULL);
  return reply;
}
