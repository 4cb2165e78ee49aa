/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "common/desk-json-writer.h"
#include "server/service/desk-service.h"

/* What operators do with what the backend keeps: dead letters, and payloads that are read again.
 * The same code runs within the daemon, asked through its socket, and, where no daemon runs, in the
 * process of the command. */

G_BEGIN_DECLS

typedef enum
{
  DESK_OPS_LETTERS_LIST,
  DESK_OPS_LETTERS_RETRY,
  DESK_OPS_LETTERS_DISCARD,
  DESK_OPS_REPLAY,
} DeskOpsCommand;

typedef struct
{
  DeskOpsCommand command;
  char *connection; /* nullable: all */
  gint64 id;        /* of a letter or payload; 0: all */
  gint64 since_ms;  /* replay; 0: all */
  gboolean problems_only; /* replay */
} DeskOpsRequest;

void desk_ops_request_clear (DeskOpsRequest *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DeskOpsRequest, desk_ops_request_clear)

/* One line of JSON without its end. */
char *desk_ops_request_to_text (const DeskOpsRequest *self);
gboolean
desk_ops_request_read (DeskOpsRequest *self, const char *text, gsize len, GError **error);

/* ok FALSE: text is what went wrong. On the main thread, once. */
typedef void (*DeskOpsDone) (gboolean ok, const char *text, gpointer data);

/**
 * desk_ops_run:
 * @service: what to work on
 * @connectors: (element-type DeskConnector): for replays
 * @request: borrowed for the call
 * @cancellable: (nullable): ends a replay between two payloads
 *
 * Main thread; long work goes in small pieces between other things.
 */
void desk_ops_run (DeskService *service,
                   GPtrArray *connectors,
                   const DeskOpsRequest *request,
                   GCancellable *cancellable,
                   DeskOpsDone done,
                   gpointer data);

G_END_DECLS
