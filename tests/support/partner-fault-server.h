/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define PARTNER_FAULT_TOKEN   "p4rtner-t0ken-of-the-shop"
#define PARTNER_FAULT_SERVICE "s3rvice-key-of-the-shop"
#define PARTNER_FAULT_US      "77"

typedef enum
{
  PARTNER_FAULT_STATUS,       /* refuse with status and body */
  PARTNER_FAULT_CLOSE_BEFORE, /* close without having done anything */
  PARTNER_FAULT_CLOSE_AFTER,  /* do it and close without an answer */
  PARTNER_FAULT_BODY_AFTER,   /* do it and answer with status and body */
  PARTNER_FAULT_SILENT_AFTER, /* do it and never answer */
} PartnerFault;

/* A marketplace's chat API on loopback, in the shape of Chotot's: no message ids, none on a send, messages before a
 * time with at most limit of them, newest first; what is sent shows up in its room. It wants the header X-Service and the
 * token. Lives on the thread-default main context. */
typedef struct _PartnerFaultServer PartnerFaultServer;

PartnerFaultServer *partner_fault_server_new (void);
void partner_fault_server_free (PartnerFaultServer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PartnerFaultServer, partner_fault_server_free)
const char *partner_fault_server_get_url (PartnerFaultServer *self);

/* call: "rooms", "messages", "room", "send" or "products". The next such call meets this. body: nullable. */
void partner_fault_server_push (
    PartnerFaultServer *self, const char *call, PartnerFault fault, guint status, const char *body);
/* As push, for calls about this room alone, and for every one until the server ends. */
void partner_fault_server_break_room (PartnerFaultServer *self, const char *room, guint status);
/* Somebody writes. rest: nullable, further members as ",\"a\":1". */
void partner_fault_server_say (PartnerFaultServer *self,
                               const char *room,
                               const char *sender,
                               gint64 at_ms,
                               const char *text,
                               const char *rest);
/* The time that the next send gets; then one more each. */
void partner_fault_server_set_now (PartnerFaultServer *self, gint64 now_ms);
/* The list of rooms tells no item, so that it has to be asked for. */
void partner_fault_server_hide_items (PartnerFaultServer *self);
/* Messages are told without regard to before_ts. */
void partner_fault_server_ignore_before (PartnerFaultServer *self);

guint partner_fault_server_count_calls (PartnerFaultServer *self, const char *call);
guint partner_fault_server_count_sends (PartnerFaultServer *self); /* that were carried out */
/* Body of the nth send that was carried out; NULL beyond the last. */
const char *partner_fault_server_get_send (PartnerFaultServer *self, guint n);

G_END_DECLS
