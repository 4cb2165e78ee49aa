/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/telegram/desk-telegram-api.h"
#include "server/connectors/telegram/desk-telegram-connector.h"
#include "server/connectors/telegram/desk-telegram-fetch.h"
#include "server/connectors/telegram/desk-telegram-limiter.h"

/* Shared by the connector and its course; for nobody else. Main thread. */

G_BEGIN_DECLS

#define DESK_TELEGRAM_POLL_TIMEOUT_S 50 /* the server's maximum */

typedef enum
{
  DESK_TELEGRAM_STEP_IDENTIFY,
  DESK_TELEGRAM_STEP_DELETE_WEBHOOK,
  DESK_TELEGRAM_STEP_POLL,
  DESK_TELEGRAM_STEP_SET_WEBHOOK,
  DESK_TELEGRAM_STEP_WATCH,
} DeskTelegramStep;

struct _DeskTelegramConnector
{
  DeskConnector parent_instance;

  DeskTelegramApi *api;
  DeskTelegramLimiter *limiter;
  DeskTelegramFetcher *fetcher; /* NULL while stopped */
  gboolean uses_webhook;
  int lock; /* -1: not held */

  DeskTelegramStep step;
  GCancellable *cancellable; /* NULL while stopped */
  guint timer;
  guint failures;   /* in a row, for the backoff */
  gboolean settled; /* the last step succeeded: polls may wait long */

  gint64 offset; /* 0: from the oldest that Telegram keeps */
  guint limit;   /* 1 while looking for an update that cannot be read */
};

void desk_telegram_course_start (DeskConnector *connector);
/* A registered webhook stays: Telegram keeps what arrives until the daemon is back. */
void desk_telegram_course_stop (DeskConnector *connector);
void desk_telegram_course_set_health (DeskTelegramConnector *self,
                                      DeskHealth health,
                                      DeskTrouble trouble,
                                      const char *reason);
/* Takes the spinner from the pressed button. Nothing depends on it. */
void desk_telegram_course_answer_callback (DeskTelegramConnector *self, const char *id);
/* For calls of which nothing depends; data: a reference to the connector. */
void desk_telegram_course_ignore_reply (GObject *source, GAsyncResult *result, gpointer data);

G_END_DECLS
