/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The ledger of notifications: every incoming message has exactly one record, so that "why was I not
 * told" has an answer. The oldest records fall out. */

#include "app/desk-notice-ledger.h"

#include <glib/gi18n.h>

#include "app/desk-format.h"

#define MOST_RECORDS 500

struct _DeskNoticeRecord
{
  GObject parent_instance;

  gint64 time_ms;
  char *chat;
  char *message_id;
  DeskNoticeOutcome outcome;
};

G_DEFINE_FINAL_TYPE (DeskNoticeRecord, desk_notice_record, G_TYPE_OBJECT)

struct _DeskNoticeLedger
{
  GObject parent_instance;

  GListStore *records;
};

G_DEFINE_FINAL_TYPE (DeskNoticeLedger, desk_notice_ledger, G_TYPE_OBJECT)

const char *
desk_notice_outcome_to_string (DeskNoticeOutcome outcome)
{
  static const char *const words[]
      = { "shown", "shown with sound", "switched off", "do not disturb", "muted", "open", "read" };
  return words[outcome];
}

const char *
desk_notice_outcome_describe (DeskNoticeOutcome outcome)
{
  switch (outcome)
    {
    case DESK_NOTICE_SHOWN:
      return _ ("Shown");
    case DESK_NOTICE_SHOWN_WITH_SOUND:
      return _ ("Shown, with a sound");
    case DESK_NOTICE_OFF:
      return _ ("Not shown: notifications are switched off");
    case DESK_NOTICE_DISTURB:
      return _ ("Not shown: do not disturb");
    case DESK_NOTICE_MUTED:
      return _ ("Not shown: the chat is muted");
    case DESK_NOTICE_OPEN:
      return _ ("Not shown: the chat was open in front of you");
    case DESK_NOTICE_READ:
    default:
      return _ ("Not shown: it was read already");
    }
}

gint64
desk_notice_record_get_time_ms (DeskNoticeRecord *self)
{
  return self->time_ms;
}

const char *
desk_notice_record_get_chat (DeskNoticeRecord *self)
{
  return self->chat;
}

DeskNoticeOutcome
desk_notice_record_get_outcome (DeskNoticeRecord *self)
{
  return self->outcome;
}

static void
desk_notice_record_finalize (GObject *object)
{
  DeskNoticeRecord *self = DESK_NOTICE_RECORD (object);
  g_free (self->chat);
  g_free (self->message_id);
  G_OBJECT_CLASS (desk_notice_record_parent_class)->finalize (object);
}

static void
desk_notice_record_class_init (DeskNoticeRecordClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = desk_notice_record_finalize;
}

static void
desk_notice_record_init (DeskNoticeRecord *self)
{
}

void
desk_notice_ledger_add (DeskNoticeLedger *self,
                        gint64 time_ms,
                        const char *chat,
                        const char *message_id,
                        DeskNoticeOutcome outcome)
{
  g_autoptr (DeskNoticeRecord) record = g_object_new (DESK_TYPE_NOTICE_RECORD, NULL);
  record->time_ms = time_ms;
  record->chat = g_strdup (chat);
  record->message_id = g_strdup (message_id);
  record->outcome = outcome;
  if (g_list_model_get_n_items (G_LIST_MODEL (self->records)) >= MOST_RECORDS)
    g_list_store_remove (self->records, 0);
  g_list_store_append (self->records, record);
  g_debug ("message %s: %s", message_id != NULL ? message_id : "without id",
           desk_notice_outcome_to_string (outcome));
}

GListModel *
desk_notice_ledger_get_records (DeskNoticeLedger *self)
{
  return G_LIST_MODEL (self->records);
}

char *
desk_notice_ledger_to_text (DeskNoticeLedger *self)
{
  GString *text = g_string_new (NULL);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->records));
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (DeskNoticeRecord) record = g_list_model_get_item (G_LIST_MODEL (self->records), i);
      g_autofree char *when = desk_format_exact (record->time_ms);
      g_string_append_printf (text, "%s %s: %s\n", when,
                              record->message_id != NULL ? record->message_id : "-",
                              desk_notice_outcome_to_string (record->outcome));
    }
  return g_string_free (text, FALSE);
}

static void
desk_notice_ledger_finalize (GObject *object)
{
  g_clear_object (&DESK_NOTICE_LEDGER (object)->records);
  G_OBJECT_CLASS (desk_notice_ledger_parent_class)->finalize (object);
}

static void
desk_notice_ledger_class_init (DeskNoticeLedgerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = desk_notice_ledger_finalize;
}

static void
desk_notice_ledger_init (DeskNoticeLedger *self)
{
  self->records = g_list_store_new (DESK_TYPE_NOTICE_RECORD);
}

DeskNoticeLedger *
desk_notice_ledger_new (void)
{
  return g_object_new (DESK_TYPE_NOTICE_LEDGER, NULL);
}
