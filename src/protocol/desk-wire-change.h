/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/desk-canned.h"
#include "model/desk-profile.h"
#include "model/desk-template.h"
#include "protocol/desk-wire.h"

/* What managers do to chats, messages, profiles and canned replies: requests, their answers and paths. As in
 * desk-wire.h, everything is pure, and errors are DESK_JSON_ERROR whose message names the member. Requests are read
 * strictly: a member that is too long or of another type is refused; unknown ones are passed over. */

G_BEGIN_DECLS

#define DESK_WIRE_MAX_LABEL       64   /* bytes of a label */
#define DESK_WIRE_MAX_LABELS      50   /* labels of a chat */
#define DESK_WIRE_MAX_EMOJI       64   /* bytes of a reaction */
#define DESK_WIRE_REV_NOT_TOLD    (-1) /* base_rev: whatever the object is now */

/* ── PATCH …/chats/{p}/{u}: answered with the chat; CONFLICT has the chat as it is in details ─── */
typedef struct
{
  gint64 base_rev; /* DESK_WIRE_REV_NOT_TOLD */
  gboolean has_assignee;
  char *assignee; /* NULL: nobody */
  gboolean has_state;
  DeskChatState state;
  gboolean has_snoozed_until;
  gint64 snoozed_until_ms; /* 0: not */
  char **add_labels;       /* never NULL */
  char **remove_labels;    /* never NULL */
  gboolean has_muted;
  gboolean muted;
  char *metadata; /* nullable: JSON object, merged into what is there; null takes a key away */
} DeskChatPatch;
DeskChatPatch *desk_chat_patch_new (void); /* changes nothing */
DeskChatPatch *desk_chat_patch_copy (const DeskChatPatch *self);
void desk_chat_patch_free (DeskChatPatch *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskChatPatch, desk_chat_patch_free)
DeskChatPatch *desk_wire_read_chat_patch (const char *body, gsize len, GError **error);
char *desk_wire_chat_patch_text (const DeskChatPatch *patch);

/* ── PATCH and DELETE …/messages/{id}, PUT …/messages/{id}/reaction ──────────────────────────────
 * Answered with the message: 200 when it is done (notes, and what has not left yet), 202 when the platform is asked:
 * then message->change tells of it, and message_updated or message_deleted comes when it is done or refused. */
gboolean desk_wire_read_message_patch (const char *body, gsize len, char **out_text, gint64 *out_base_rev, GError **error);
char *desk_wire_message_patch_text (const char *text, gint64 base_rev);
/* "" takes the reaction back; null is read as that. */
gboolean desk_wire_read_reaction (const char *body, gsize len, char **out_emoji, GError **error);
char *desk_wire_reaction_text (const char *emoji);

/* ── Canned replies ─────────────────────────────────────────────────────────────────────────── */
DeskCanned *desk_wire_read_canned (JsonNode *node, GError **error);
GPtrArray *desk_wire_read_canned_list (JsonNode *node, GError **error); /* of DeskCanned */
void desk_wire_write_canned (DeskJsonWriter *w, const DeskCanned *canned);
/* POST: id is the client's (a UUID), so that the same request again makes no second one; PUT: without id, with base_rev. */
DeskCanned *desk_wire_read_canned_request (const char *body, gsize len, gint64 *out_base_rev, GError **error);
char *desk_wire_canned_request_text (const DeskCanned *canned, gint64 base_rev);
/* The data of a canned_updated event: {"id","canned"}; *out_canned NULL if it was deleted. */
gboolean desk_wire_read_canned_event (const char *data, char **out_id, DeskCanned **out_canned, GError **error);
char *desk_wire_canned_event_text (const char *id, const DeskCanned *canned);

/* ── Profiles ───────────────────────────────────────────────────────────────────────────────── */
typedef enum
{
  DESK_PROFILE_NAME,
  DESK_PROFILE_HANDLE,
  DESK_PROFILE_PHONE,
  DESK_PROFILE_LANGUAGE,
  DESK_PROFILE_AVATAR,
  DESK_PROFILE_NOTE,
  DESK_PROFILE_N_FIELDS
} DeskProfileField;
typedef struct
{
  gint64 base_rev; /* DESK_WIRE_REV_NOT_TOLD */
  gboolean has[DESK_PROFILE_N_FIELDS];
  char *texts[DESK_PROFILE_N_FIELDS]; /* NULL or "": not known any more */
  char *attributes; /* nullable: JSON object of strings, merged; null takes a key away */
  char *products;   /* nullable: JSON array of objects, replaces what is there */
} DeskProfilePatch;
DeskProfilePatch *desk_profile_patch_new (void);
DeskProfilePatch *desk_profile_patch_copy (const DeskProfilePatch *self);
void desk_profile_patch_free (DeskProfilePatch *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskProfilePatch, desk_profile_patch_free)
void desk_profile_patch_set (DeskProfilePatch *self, DeskProfileField field, const char *text);
DeskProfilePatch *desk_wire_read_profile_patch (const char *body, gsize len, GError **error);
char *desk_wire_profile_patch_text (const DeskProfilePatch *patch);
DeskProfile *desk_wire_read_profile (JsonNode *node, GError **error);
void desk_wire_write_profile (DeskJsonWriter *w, const DeskProfile *profile);
/* The member's name: "name", "handle", … */
const char *desk_profile_field_to_string (DeskProfileField field);

/* ── Templates: GET …/chats/{p}/{u}/templates, and details.templates of WINDOW_CLOSED ─────────── */
GPtrArray *desk_wire_read_templates (JsonNode *node, GError **error); /* of DeskTemplate */
void desk_wire_write_templates (DeskJsonWriter *w, const GPtrArray *templates);
/* details of WINDOW_CLOSED: since when, and the templates (of DeskTemplate) that may be sent instead. */
gboolean desk_wire_read_window_closed (const char *details, gint64 *out_closed_at_ms, GPtrArray **out_templates, GError **error);

/* ── The team ───────────────────────────────────────────────────────────────────────────────── */
GPtrArray *desk_wire_read_managers (JsonNode *node, GError **error); /* of DeskManager */
void desk_wire_write_manager (DeskJsonWriter *w, const DeskManager *manager);

/* ── Paths ──────────────────────────────────────────────────────────────────────────────────── */
char *desk_path_message (const char *message_id);
char *desk_path_retry (const char *message_id);
char *desk_path_reaction (const char *message_id);
char *desk_path_profile (const char *platform, const char *user_id);
char *desk_path_templates (const char *platform, const char *user_id);
char *desk_path_canned (const char *id /*NULL: all*/);
char *desk_path_managers (void);

/* Merges the members of patch into object (both JSON object texts); null takes one away. NULL if either is broken or
 * the result is longer than DESK_WIRE's 64 KiB. */
char *desk_wire_merge_objects (const char *object, const char *patch, GError **error);

G_END_DECLS
