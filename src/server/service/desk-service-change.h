/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "protocol/desk-wire-change.h"
#include "server/service/desk-service.h"

/* What managers do to chats, messages, profiles and canned replies. Every function takes any thread; done runs on the
 * writer thread after the commit or the refusal, with a complete answer. Requests are copied.
 *
 * A change that would change nothing is answered as done, whatever base_rev says: a client that lost the answer may ask
 * again. Else an older base_rev is refused with CONFLICT and the object as it is in details. */

G_BEGIN_DECLS

/* 200 with the chat as who sees it. Everyone hears chat_updated, and of muted chat_muted. Nothing of it reaches the
 * customer. */
void desk_service_change_chat (DeskService *self, DeskIdentity *who, const char *platform, const char *user_id,
                               const DeskChatPatch *patch, DeskReplyDone done, gpointer data);
/* Opens the snoozed chats whose time has come. Whether it has come is decided within the transaction, so that several
 * that ask at once open a chat once. done (nullable): when to ask again, wall time, or 0 if no chat waits; on the writer
 * thread. */
void desk_service_wake_chats (DeskService *self, void (*done) (gint64 next_ms, gpointer data), gpointer data);
/* When the next snoozed chat is to be opened, wall time; 0 if none waits or the store cannot tell. Any thread, one read. */
gint64 desk_service_next_snooze_ms (DeskService *self);

/* Who may: the author or an admin; a reaction, everyone. 200 for notes and for what has not left yet, 202 when the
 * platform is asked (the message tells its change until that is done); 409 NOT_SUPPORTED, 403, 404, 409 IN_FLIGHT while
 * it is being sent. */
void desk_service_edit_message (DeskService *self, DeskIdentity *who, const char *id, const char *text, gint64 base_rev,
                                DeskReplyDone done, gpointer data);
void desk_service_delete_message (DeskService *self, DeskIdentity *who, const char *id, DeskReplyDone done, gpointer data);
void desk_service_react (DeskService *self, DeskIdentity *who, const char *id, const char *emoji, DeskReplyDone done,
                         gpointer data);

/* Canned replies: read by everyone, written by managers and admins. 201, 200 for the same id and content again. */
#define DESK_SERVICE_MAX_CANNED 1000
DeskReply *desk_service_get_canned (DeskService *self, const DeskIdentity *who);
void desk_service_add_canned (DeskService *self, DeskIdentity *who, const DeskCanned *canned, DeskReplyDone done, gpointer data);
void desk_service_change_canned (DeskService *self, DeskIdentity *who, const char *id, const DeskCanned *canned,
                                 gint64 base_rev, DeskReplyDone done, gpointer data);
void desk_service_delete_canned (DeskService *self, DeskIdentity *who, const char *id, DeskReplyDone done, gpointer data);

/* Profiles. */
DeskReply *desk_service_get_profile (DeskService *self, const DeskIdentity *who, const char *platform, const char *user_id);
void desk_service_change_profile (DeskService *self, DeskIdentity *who, const char *platform, const char *user_id,
                                  const DeskProfilePatch *patch, DeskReplyDone done, gpointer data);
/* What a platform or a user service tells: fields that a manager wrote stay, and so do attributes and products of names
 * and elements that the patch does not tell. Nothing happens if there is no such chat. done: nullable, writer thread. */
void desk_service_update_profile (DeskService *self, const char *platform, const char *user_id,
                                  const DeskProfilePatch *told, void (*done) (gboolean ok, gpointer data), gpointer data);

/* Templates of a connection, replacing what was known (nullable: none; of DeskTemplate, copied). Any thread. */
void desk_service_set_templates (DeskService *self, const char *connection, GPtrArray *templates);
DeskReply *desk_service_get_templates (DeskService *self, const DeskIdentity *who, const char *platform, const char *user_id);

G_END_DECLS
