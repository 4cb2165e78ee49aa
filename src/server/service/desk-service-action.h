/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-service-change.h"
#include "server/service/desk-service-private.h"

/* One change by a manager: a job that ends in an answer. */

G_BEGIN_DECLS

typedef struct _DeskAction DeskAction;
/* Runs within the transaction, perhaps twice; sets self->reply by desk_action_answer(). FALSE only for a failing store. */
typedef gboolean (*DeskActionFunc) (DeskAction *self, GError **error);

struct _DeskAction
{
  DeskWork work;
  DeskActionFunc run;
  DeskIdentity *who; /* nullable: the backend itself */
  char *platform, *user_id, *id, *text; /* nullable */
  gint64 number;
  gpointer request;
  GDestroyNotify free_request;
  DeskReply *reply;
  DeskReplyDone done;
  gpointer data;
};

DeskAction *desk_action_new (DeskService *service, DeskActionFunc run, DeskIdentity *who, DeskReplyDone done, gpointer data);
/* Takes self. */
void desk_action_submit (DeskAction *self);
/* Takes reply; TRUE. */
gboolean desk_action_answer (DeskAction *self, DeskReply *reply);
gboolean desk_action_refuse (DeskAction *self, DeskCode code, const char *message);
/* Answers with one object. */
gboolean desk_action_answer_chat (DeskAction *self, guint status, const DeskChat *chat);
gboolean desk_action_answer_message (DeskAction *self, guint status, const DeskMessage *message);
gboolean desk_action_answer_canned (DeskAction *self, guint status, const DeskCanned *canned);
gboolean desk_action_answer_profile (DeskAction *self, guint status, const DeskProfile *profile);
/* CONFLICT; details is the object as it is. */
gboolean desk_action_conflict (DeskAction *self, const char *details);

/* The profile of a chat, made of what the chat shows if none is stored. NULL for a failing store. */
DeskProfile *desk_service_load_profile (DeskServerTx *tx, const DeskServerChat *chat, gint64 *out_typed, GError **error);
/* Who tells something of a customer: a later one gives way to an earlier one. */
typedef enum
{
  DESK_TELLER_MANAGER,
  DESK_TELLER_DIRECTORY, /* the user service */
  DESK_TELLER_PLATFORM,
} DeskProfileTeller;
/* In the bits of what was typed: fields that the user service told, from here on. */
#define DESK_PROFILE_TOLD_SHIFT 16
/* Whether somebody told the field whose word counts for more. */
gboolean desk_profile_is_taken (gint64 typed, DeskProfileField field, DeskProfileTeller teller);
/* told NULL, by the user service: it does not know the customer; what it told before may be overwritten. Changes the
 * profile, what the chat shows, and emits both. */
gboolean desk_work_tell_profile (DeskWork *self,
                                 DeskServerChat *chat,
                                 const DeskProfilePatch *told,
                                 DeskProfileTeller teller,
                                 GError **error);
/* As it is told to somebody: with a fresh link to the picture. Transfer full. */
char *desk_service_profile_text (DeskService *self, const DeskProfile *profile);
/* Tells the sink if the profile is to be asked for, now. Any thread. */
void desk_service_want_profile (DeskService *self, const DeskServerChat *chat);
/* The templates of a connection: transfer full, of DeskTemplate; empty if there are none. */
GPtrArray *desk_service_copy_templates (DeskService *self, const char *connection);

G_END_DECLS
