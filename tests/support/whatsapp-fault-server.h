/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define WHATSAPP_FAULT_TOKEN  "EAAGm0PX4ZCpsBOxSecretOfTheSystemUser"
#define WHATSAPP_FAULT_SECRET "0f6c2c1e-app-secret"
#define WHATSAPP_FAULT_NUMBER "106540352242922"
#define WHATSAPP_FAULT_WABA   "102290129340398"

/* What becomes of one call. "After" means that the server has done what it was asked for. */
typedef enum
{
  WHATSAPP_FAULT_ERROR,          /* refuse with status and an envelope of code */
  WHATSAPP_FAULT_BODY,           /* refuse with status and body */
  WHATSAPP_FAULT_CLOSE_BEFORE,   /* close without having done anything */
  WHATSAPP_FAULT_CLOSE_AFTER,    /* do it and close without an answer */
  WHATSAPP_FAULT_TRUNCATE_AFTER, /* do it and break off in the middle of the answer */
  WHATSAPP_FAULT_BODY_AFTER,     /* do it and answer with status and body */
  WHATSAPP_FAULT_SILENT_AFTER,   /* do it and never answer */
} WhatsappFault;

/* A Graph API on loopback with WhatsApp's semantics: the token counts in the Authorization header
 * alone, a send is looked at as strictly as WhatsApp does, an upload gives a media id without which
 * nothing can be sent, the address of a file is another one each time. Calls are named "number",
 * "messages", "read", "media", "address", "download", "templates" and "subscribed_apps". Lives on
 * the thread-default main context. */
typedef struct _WhatsappFaultServer WhatsappFaultServer;

WhatsappFaultServer *whatsapp_fault_server_new (void);
void whatsapp_fault_server_free (WhatsappFaultServer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WhatsappFaultServer, whatsapp_fault_server_free)

const char *whatsapp_fault_server_get_url (WhatsappFaultServer *self);

/* The next call of that name meets this; several are met in order. */
void whatsapp_fault_server_push (WhatsappFaultServer *self,
                                 const char *call,
                                 WhatsappFault fault,
                                 guint status,
                                 const char *body);
/* WHATSAPP_FAULT_ERROR with an envelope of code and subcode (0: none). */
void whatsapp_fault_server_push_error (WhatsappFaultServer *self,
                                       const char *call,
                                       guint status,
                                       gint code,
                                       gint subcode);

/* Value of X-Business-Use-Case-Usage in every answer from now on; nullable. */
void whatsapp_fault_server_set_usage (WhatsappFaultServer *self, const char *usage);
/* What every download gives, and what the answer with its address tells of it (nullable: the right
 * SHA-256). */
void whatsapp_fault_server_set_file (WhatsappFaultServer *self,
                                     const void *data,
                                     gsize len,
                                     const char *sha256);
/* Pages of "templates": JSON arrays, NULL-terminated. */
void whatsapp_fault_server_set_templates (WhatsappFaultServer *self, const char *const *pages);

guint whatsapp_fault_server_count_calls (WhatsappFaultServer *self, const char *call);
guint whatsapp_fault_server_count_done (WhatsappFaultServer *self, const char *call);
/* Bodies (POST) or paths (GET) of the calls that were carried out, oldest first; NULL beyond the
 * last. */
const char *whatsapp_fault_server_get_done (WhatsappFaultServer *self, const char *call, guint n);

G_END_DECLS
