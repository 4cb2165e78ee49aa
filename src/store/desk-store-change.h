/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/desk-chat.h"
#include "model/desk-profile.h"

/* What a manager changes of a chat, as a value: the content of a CHAT intent. Fields that are not named stay as they
 * are; labels are added to and taken from a set, so that two managers do not undo each other's. */

G_BEGIN_DECLS

typedef enum
{
  DESK_CHAT_CHANGE_ASSIGNEE = 1 << 0,
  DESK_CHAT_CHANGE_STATE = 1 << 1, /* state together with snoozed_until_ms */
  DESK_CHAT_CHANGE_MUTED = 1 << 2, /* of this manager only */
  DESK_CHAT_CHANGE_METADATA = 1 << 3,
} DeskChatChangeFields;

typedef struct
{
  guint fields; /* of DeskChatChangeFields: which of the members below count */
  char *assignee; /* NULL: nobody */
  DeskChatState state;
  gint64 snoozed_until_ms; /* 0 unless snoozed */
  gboolean muted;
  char *metadata;       /* JSON object: its members replace those of the chat, null removes one */
  char **add_labels;    /* never NULL */
  char **remove_labels; /* never NULL */
} DeskChatChange;

DeskChatChange *desk_chat_change_new (void);
DeskChatChange *desk_chat_change_copy (const DeskChatChange *self);
void desk_chat_change_free (DeskChatChange *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskChatChange, desk_chat_change_free)

/* Setters, for whoever builds one; each also says that the field counts. */
void desk_chat_change_set_assignee (DeskChatChange *self, const char *username); /* NULL or "": nobody */
void desk_chat_change_set_state (DeskChatChange *self, DeskChatState state, gint64 snoozed_until_ms);
void desk_chat_change_set_muted (DeskChatChange *self, gboolean muted);
void desk_chat_change_set_metadata (DeskChatChange *self, const char *json);
void desk_chat_change_add_label (DeskChatChange *self, const char *label);
void desk_chat_change_remove_label (DeskChatChange *self, const char *label);
gboolean desk_chat_change_is_empty (const DeskChatChange *self);

/* Takes newer over self: its fields win, labels as sets. */
void desk_chat_change_merge (DeskChatChange *self, const DeskChatChange *newer);
/* Sets in chat what self names. Applying twice is applying once. */
void desk_chat_change_apply (const DeskChatChange *self, DeskChat *chat);
/* The values that chat has now in the fields that self names, to compare with later. Labels are left out. */
DeskChatChange *desk_chat_change_snapshot (const DeskChatChange *self, const DeskChat *chat);
/* TRUE if somebody else has changed a field that self names to another value since seen was taken: chat has neither
 * what was seen nor what self wants. Labels and muted never collide. */
gboolean desk_chat_change_collides (const DeskChatChange *self, const DeskChatChange *seen, const DeskChat *chat);

/* What a manager changes of a customer's profile. */
typedef struct
{
  char *name; /* as all texts: NULL stays as it is, "" is not known any more */
  char *handle;
  char *phone;
  char *language;
  char *avatar;
  char *note;
  char *attributes; /* JSON object: its members replace those of the profile, null removes one */
  char *products;   /* JSON array: replaces what is there */
} DeskProfileChange;
DeskProfileChange *desk_profile_change_new (void);
DeskProfileChange *desk_profile_change_copy (const DeskProfileChange *self);
void desk_profile_change_free (DeskProfileChange *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskProfileChange, desk_profile_change_free)
void desk_profile_change_merge (DeskProfileChange *self, const DeskProfileChange *newer);
void desk_profile_change_apply (const DeskProfileChange *self, DeskProfile *profile);
GBytes *desk_profile_change_pack (const DeskProfileChange *self);
DeskProfileChange *desk_profile_change_unpack (const void *data, gsize len);

/* The members of patch over those of base, both JSON objects as text; null removes (RFC 7396 at the top level). What
 * cannot be read counts as {}. */
char *desk_json_text_merge (const char *base, const char *patch, gboolean keep_nulls);

/* As a value for the cache. */
GBytes *desk_chat_change_pack (const DeskChatChange *self);
DeskChatChange *desk_chat_change_unpack (const void *data, gsize len); /* NULL if it is none */

G_END_DECLS
