/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define MESSAGING_FAULT_TOKEN   "EAAJtoken7ZAZCpageOrAccount"
#define MESSAGING_FAULT_RENEWED "IGQWrenewed8ZAZCtoken"
#define MESSAGING_FAULT_SECRET  "5f3e21appsecret"

/* Whose part of the Graph API it plays. */
typedef enum
{
  MESSAGING_FAULT_MESSENGER,
  MESSAGING_FAULT_INSTAGRAM,      /* Instagram's own login */
  MESSAGING_FAULT_INSTAGRAM_PAGE, /* through the page */
} MessagingFaultRole;

/* What becomes of one call. "After" means that the server has done what it was asked for. */
typedef enum
{
  MESSAGING_FAULT_STATUS,         /* refuse with status and body */
  MESSAGING_FAULT_CLOSE_BEFORE,   /* close without having done anything */
  MESSAGING_FAULT_CLOSE_AFTER,    /* do it and close without an answer */
  MESSAGING_FAULT_TRUNCATE_AFTER, /* do it and break off in the middle of the answer */
  MESSAGING_FAULT_BODY_AFTER,     /* do it and answer with status and body */
  MESSAGING_FAULT_SILENT_AFTER,   /* do it and never answer */
} MessagingFault;

/* The Send API on loopback with Meta's semantics where a mistake would lose or double messages:
 * texts over the platform's limit, unknown members and another token are refused. Account ids are
 * "17840001" (Instagram) and "1080" (the page), the customer is "5001". Lives on the thread-default
 * main context. */
typedef struct _MessagingFaultServer MessagingFaultServer;

MessagingFaultServer *messaging_fault_server_new (MessagingFaultRole role);
void messaging_fault_server_free (MessagingFaultServer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MessagingFaultServer, messaging_fault_server_free)

/* Without a slash at its end. */
const char *messaging_fault_server_get_url (MessagingFaultServer *self);

/* The next call of method meets this; several are met in order. body: nullable. Methods: "me",
 * "subscribed_apps", "subscribe", "send", "action", "upload", "profile", "refresh", "file". */
void messaging_fault_server_push (MessagingFaultServer *self,
                                  const char *method,
                                  MessagingFault fault,
                                  guint status,
                                  const char *body);
/* As push with an envelope of Graph: subcode 0 for none. */
void messaging_fault_server_push_error (
    MessagingFaultServer *self, const char *method, guint status, gint code, gint subcode);

/* The value of X-Business-Use-Case-Usage from now on; NULL: none. */
void messaging_fault_server_set_load (MessagingFaultServer *self, const char *json);
/* So many fields of the webhook are subscribed to from now on: all, or none. */
void messaging_fault_server_set_subscribed (MessagingFaultServer *self, gboolean subscribed);
/* The token that is taken from now on. */
void messaging_fault_server_set_token (MessagingFaultServer *self, const char *token);
/* What "/cdn/NAME" gives, whatever its name. */
void messaging_fault_server_set_file (MessagingFaultServer *self, const void *data, gsize len);

guint messaging_fault_server_count_calls (MessagingFaultServer *self, const char *method);
/* Bodies (POST) or queries (GET) of the calls which the server carried out, oldest first; NULL
 * beyond the last. */
const char *
messaging_fault_server_get_done (MessagingFaultServer *self, const char *method, guint n);
guint messaging_fault_server_count_done (MessagingFaultServer *self, const char *method);
/* Whether an address or a fetch of a file bore the token. */
gboolean messaging_fault_server_saw_leak (MessagingFaultServer *self);

G_END_DECLS
