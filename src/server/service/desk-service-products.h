/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-service.h"

G_BEGIN_DECLS

/* What the customer of a chat offers at the platform: asked of its connector, one page at a time. The service knows whom to
 * ask about and what the answer looks like; who can ask is main's business. */

/* NULL: ask the connection *out_connection, naming the person *out_customer (nullable); else the refusal, 404. Any thread. */
DeskReply *desk_service_find_customer (DeskService *self, const char *platform, const char *user_id, char **out_connection, char **out_customer);
/* The answer to a page (from 1) that a connector found, or did not find; the first page becomes part of the profile. Any
 * thread. */
DeskReply *desk_service_answer_products (DeskService *self, const char *platform, const char *user_id, guint page, const DeskProductPage *found, const GError *error);

G_END_DECLS
