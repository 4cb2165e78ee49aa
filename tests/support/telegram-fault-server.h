/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define TELEGRAM_FAULT_TOKEN "4839574812:AAFD39kkdpWt3ywyRZergyOLMaJhac60qcK"

/* What becomes of one call. "After" means that the server has done what it was asked for. */
typedef enum
{
  TELEGRAM_FAULT_STATUS,         /* refuse with status and body */
  TELEGRAM_FAULT_CLOSE_BEFORE,   /* close without having done anything */
  TELEGRAM_FAULT_CLOSE_AFTER,    /* do it and close without an answer */
  TELEGRAM_FAULT_TRUNCATE_AFTER, /* do it and break off in the middle of the answer */
  TELEGRAM_FAULT_BODY_AFTER,     /* do it and answer with status and body */
  TELEGRAM_FAULT_SILENT_AFTER,   /* do it and never answer */
} TelegramFault;

/* A Bot API on loopback with Telegram's semantics where a mistake would lose or double messages:
 * an update stays until a later offset passes it, getUpdates waits, a second token is refused.
 * Lives on the thread-default main context. */
typedef struct _TelegramFaultServer TelegramFaultServer;

TelegramFaultServer *telegram_fault_server_new (void);
void telegram_fault_server_free (TelegramFaultServer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TelegramFaultServer, telegram_fault_server_free)

const char *telegram_fault_server_get_url (TelegramFaultServer *self);

/* The next call of method meets this; several are met in order. body: nullable. */
void telegram_fault_server_push (TelegramFaultServer *self,
                                 const char *method,
                                 TelegramFault fault,
                                 guint status,
                                 const char *body);

/* Queues an update: members is JSON without braces, as "\"message\":{…}". Returns its update_id. */
gint64 telegram_fault_server_add_update (TelegramFaultServer *self, const char *members);
/* Updates that no offset has passed yet. */
guint telegram_fault_server_count_pending (TelegramFaultServer *self);
/* Answer at once and forget no update, whatever the offset. */
void telegram_fault_server_ignore_offset (TelegramFaultServer *self);

/* What every download of a file gives; counted and refused as method "/file". */
void telegram_fault_server_set_file (TelegramFaultServer *self, const void *data, gsize len);

guint telegram_fault_server_count_calls (TelegramFaultServer *self, const char *method);
/* Bodies (POST) or queries (GET) of the calls which the server carried out, oldest first; NULL
 * beyond the last. */
const char *telegram_fault_server_get_done (TelegramFaultServer *self, const char *method, guint n);
guint telegram_fault_server_count_done (TelegramFaultServer *self, const char *method);

G_END_DECLS
