/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* What is known of the customer behind a chat.
 *
 * Invariants: a field that a manager wrote is not overwritten by what a platform tells, until a
 * manager clears it; the chat's user_name and messenger_name follow the profile, by chat_updated;
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

static void
apply_fields (DeskProfile *profile, const DeskProfilePatch *patch, gboolean by_hand, gint64 *typed)
{
  for (guint i = 0; i < DESK_PROFILE_N_FIELDS; i++)
    {
      char **field = field_of (profile, (DeskProfileField)i);
      gboolean clears = patch->texts[i] == NULL || patch->texts[i][0] == '\0';
      if (!patch->has[i] || (!by_hand && (*typed & (G_GINT64_CONSTANT (1) << i)) != 0))
        continue;
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
merge_attributes (const DeskProfile *profile, const DeskProfilePatch *patch, gboolean by_hand)
{
  return by_hand ? desk_wire_merge_objects (profile->attributes, patch->attributes, NULL)
                 : desk_wire_merge_objects (patch->attributes, profile->attributes, NULL);
}

/* FALSE: too long. */
static gboolean
apply_patch (DeskProfile *profile, const DeskProfilePatch *patch, gboolean by_hand, gint64 *typed)
{
  apply_fields (profile, patch, by_hand, typed);
  if (patch->attributes != NULL)
    {
      char *merged = merge_attributes (profile, patch, by_hand);
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
show_names (DeskAction *self,
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
         || (desk_work_emit_chat (&self->work, chat, error)
             && self->work.tx->ops->chat_update (self->work.tx, chat, error));
}

static gboolean
store_profile (DeskAction *self,
               DeskServerChat *chat,
               DeskProfile *profile,
               gint64 typed,
               GError **error)
{
  profile->rev++;
  profile->updated_at_ms = self->work.now_ms;
  g_autofree char *body = profile_text (profile);
  DeskEvent event = { .type = DESK_EVENT_PROFILE_UPDATED, .profile = profile };
  return self->work.tx->ops->profile_set (self->work.tx, chat->row, body, typed, error)
         && desk_work_emit (&self->work, &event, error)
         && show_names (self, chat, profile, self->request, error);
}

static gboolean
change_profile (DeskAction *self, GError **error)
{
  const DeskProfilePatch *patch = self->request;
  gboolean by_hand = self->who != NULL;
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
  if (!apply_patch (profile, patch, by_hand, &typed))
    return desk_action_answer (self,
                               desk_reply_new_invalid ("attributes", "attributes is too long"));
  g_autofree char *after = profile_text (profile);
  gboolean changed = strcmp (before, after) != 0;
  if (changed && patch->base_rev >= 0 && patch->base_rev < profile->rev)
    return desk_action_conflict (self, before);
  if (changed && !store_profile (self, chat, profile, typed, error))
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
  DeskReply *reply = desk_reply_new_ok ();
  DeskJsonWriter w;
  desk_reply_begin (reply, &w);
  desk_wire_write_profile (&w, profile);
  desk_reply_end (reply, &w, NULL);
  return reply;
}
