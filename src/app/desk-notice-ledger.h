/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What became of each incoming message: a notification, or the reason why there was none. The last
 * few hundred, in memory only: it has no text of messages. A list model of DeskNoticeRecord, oldest
 * first. Main thread. */

typedef enum
{
  DESK_NOTICE_SHOWN,
  DESK_NOTICE_SHOWN_WITH_SOUND,
  DESK_NOTICE_OFF,     /* notifications are switched off */
  DESK_NOTICE_DISTURB, /* do not disturb */
  DESK_NOTICE_MUTED,
  DESK_NOTICE_OPEN, /* the chat is on the screen */
  DESK_NOTICE_READ, /* it was read before it could be shown, here or elsewhere */
} DeskNoticeOutcome;
/* "shown", "muted", … for logs and tests. */
const char *desk_notice_outcome_to_string (DeskNoticeOutcome outcome);
/* In plain words, translated. */
const char *desk_notice_outcome_describe (DeskNoticeOutcome outcome);

#define DESK_TYPE_NOTICE_RECORD (desk_notice_record_get_type ())
G_DECLARE_FINAL_TYPE (DeskNoticeRecord, desk_notice_record, DESK, NOTICE_RECORD, GObject)
gint64 desk_notice_record_get_time_ms (DeskNoticeRecord *self);
const char *desk_notice_record_get_chat (DeskNoticeRecord *self); /* its name for people */
DeskNoticeOutcome desk_notice_record_get_outcome (DeskNoticeRecord *self);

#define DESK_TYPE_NOTICE_LEDGER (desk_notice_ledger_get_type ())
G_DECLARE_FINAL_TYPE (DeskNoticeLedger, desk_notice_ledger, DESK, NOTICE_LEDGER, GObject)

DeskNoticeLedger *desk_notice_ledger_new (void);
void desk_notice_ledger_add (DeskNoticeLedger *self, gint64 time_ms, const char *chat, const char *message_id, DeskNoticeOutcome outcome);
GListModel *desk_notice_ledger_get_records (DeskNoticeLedger *self); /* borrowed */
/* As lines of text, for a report of a problem. Transfer full. */
char *desk_notice_ledger_to_text (DeskNoticeLedger *self);

G_END_DECLS
