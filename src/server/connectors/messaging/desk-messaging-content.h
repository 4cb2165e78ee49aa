/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "model/desk-message.h"

G_BEGIN_DECLS

/**
 * desk_messaging_is_media_url:
 * @url: (nullable): an address out of a payload
 * @own_host: (nullable): one more host that is trusted, where the platform's API is
 *
 * Whether @url is one from which files of messages are fetched: of Meta's own hosts over https, or
 * of @own_host. Everything else is a link that a customer sent, and only shown.
 */
gboolean desk_messaging_is_media_url (const char *url, const char *own_host);

/**
 * desk_messaging_fill_content:
 * @object: the member "message" of an event
 * @own_host: (nullable): as for desk_messaging_is_media_url()
 * @message: its kind, text and attachments are set; nothing else is touched
 *
 * What a message says. Files become attachments in the state "pending": url is the platform's
 * address, external_id their place in the message. Media of stories never do, since Meta forbids to
 * keep copies of them: they are links in the text. What is not recognised is
 * %DESK_KIND_UNSUPPORTED with a hint as text. Pure, any thread.
 */
void
desk_messaging_fill_content (JsonObject *object, const char *own_host, DeskMessage *message);

/* Replaces the text; takes it. NULL is the empty text. */
void desk_messaging_take_text (DeskMessage *message, char *text);

G_END_DECLS
