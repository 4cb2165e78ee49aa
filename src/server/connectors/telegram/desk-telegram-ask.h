/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/telegram/desk-telegram-api.h"
#include "server/service/desk-connector.h"

G_BEGIN_DECLS

/* What Telegram can be asked: DeskConnector's parse_raw, check and get_profile. */

/* An Update, or a whole answer to getUpdates. Pure, any thread. */
DeskInbound *desk_telegram_parse_raw (const DeskConnection *connection,
                                      gint64 now_ms,
                                      GBytes *raw,
                                      GError **error);

/* The result is that of a GTask: a DeskConnectionReport, never an error. api must live until then. */
void desk_telegram_check_async (DeskConnector *connector,
                                DeskTelegramApi *api,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer data);

/* The result is that of a GTask: a DeskFoundProfile or an error of G_IO_ERROR. */
void desk_telegram_profile_async (DeskConnector *connector,
                                  DeskTelegramApi *api,
                                  const char *user_id,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer data);

G_END_DECLS
