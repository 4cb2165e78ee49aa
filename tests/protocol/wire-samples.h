/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "protocol/desk-wire-change.h"

/* One of each object with every field set, and with none but the required, for all tests of the
 * wire. */

DeskMessage *sample_message_full (void);
DeskMessage *sample_message_bare (void);
DeskChat *sample_chat_full (void);
DeskChat *sample_chat_bare (void);
DeskProfile *sample_profile (void);
DeskCanned *sample_canned (void);
DeskCapabilities *sample_capabilities (void);

/* Every event: sample_event(0) … sample_event(n - 1), in their order. Free with desk_event_free().
 */
guint sample_n_events (void);
DeskEvent *sample_event (guint n);
/* The events that a server sends to level 2, which excludes UNKNOWN and those without a schema. */
gboolean sample_event_is_sent (const DeskEvent *event);

char *text_of_message (const DeskMessage *message);
char *text_of_chat (const DeskChat *chat);
char *text_of_profile (const DeskProfile *profile);
char *text_of_canned (const DeskCanned *canned);
char *text_of_event (const DeskEvent *event);
char *text_of_capabilities (const DeskCapabilities *capabilities);
JsonNode *parse_or_die (const char *text);
