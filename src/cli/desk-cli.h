/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "store/desk-cache-lock.h"
#include "protocol/desk-wire-change.h"
#include "store/desk-store.h"
#include "sync/desk-account.h"
#include "sync/desk-sync.h"

/* frontdeskctl: the sync engine and the cache in a terminal. */

G_BEGIN_DECLS

/* Exit codes, part of the interface. */
enum
{
  DESK_EXIT_DONE = 0,
  DESK_EXIT_FAILED = 1,
  DESK_EXIT_USAGE = 2,
  DESK_EXIT_NO_CONNECTION = 3,
  DESK_EXIT_REFUSED = 4,
};

typedef struct
{
  char *cache;  /* --cache, nullable */
  char *server; /* --server, nullable */
  gboolean json;
  char *token; /* FRONTDESK_TOKEN, nullable */

  DeskAccount *account; /* after desk_cli_open() */
  DeskStore *store;
} DeskCli;

typedef int (*DeskCliCommand) (DeskCli *cli, int argc, char **argv);

int desk_cli_login (DeskCli *cli, int argc, char **argv);
int desk_cli_logout (DeskCli *cli, int argc, char **argv);
int desk_cli_sync (DeskCli *cli, int argc, char **argv);
int desk_cli_chats (DeskCli *cli, int argc, char **argv);
int desk_cli_history (DeskCli *cli, int argc, char **argv);
int desk_cli_search (DeskCli *cli, int argc, char **argv);
int desk_cli_send (DeskCli *cli, int argc, char **argv);
int desk_cli_read (DeskCli *cli, int argc, char **argv);
int desk_cli_outbox (DeskCli *cli, int argc, char **argv);
int desk_cli_files (DeskCli *cli, int argc, char **argv);
int desk_cli_download (DeskCli *cli, int argc, char **argv);
int desk_cli_assign (DeskCli *cli, int argc, char **argv);
int desk_cli_state (DeskCli *cli, int argc, char **argv);
int desk_cli_label (DeskCli *cli, int argc, char **argv);
int desk_cli_mute (DeskCli *cli, int argc, char **argv);
int desk_cli_edit (DeskCli *cli, int argc, char **argv);
int desk_cli_delete (DeskCli *cli, int argc, char **argv);
int desk_cli_react (DeskCli *cli, int argc, char **argv);
int desk_cli_retry (DeskCli *cli, int argc, char **argv);
int desk_cli_canned (DeskCli *cli, int argc, char **argv);
int desk_cli_profile (DeskCli *cli, int argc, char **argv);
int desk_cli_templates (DeskCli *cli, int argc, char **argv);
int desk_cli_accounts (DeskCli *cli, int argc, char **argv);
int desk_cli_status (DeskCli *cli, int argc, char **argv);

/* Says it on stderr and gives the code back. */
int desk_cli_fail (int code, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* Parses a command's options; FALSE: said, exit with DESK_EXIT_USAGE. */
gboolean desk_cli_parse (const GOptionEntry *entries, const char *usage, int *argc, char ***argv);
/* Finds the account and opens its cache (rescuing a damaged one). 0, or said and the exit code. */
int desk_cli_open (DeskCli *cli);
/* "P/U" or said and FALSE. */
gboolean desk_cli_key (const char *text, char **platform, char **user_id);
/* One transaction; said and FALSE if it fails. Nudges whoever holds the cache. */
gboolean desk_cli_apply (DeskCli *cli, DeskBatch *batch, DeskBatchResult **result);
/* Runs the engine on the cache until it settled (once) or a signal came (follow): an exit code. Where another
 * process holds the cache, waits for that one instead. local_id ≠ 0: done when that entry left the outbox. */
int desk_cli_run_engine (DeskCli *cli, gboolean follow, gint64 local_id, gint64 timeout_ms);

/* Copies files into the account's outbox, for an entry; said and FALSE if one cannot be attached. */
gboolean desk_cli_stage (DeskCli *cli, char **paths, DeskOutboxEntry *entry);

/* Makes entry a reply by that template of its chat: 0, or said and the exit code. language, variables: nullable. */
int desk_cli_use_template (DeskCli *cli, const char *name, const char *language, char *const *variables,
                           DeskOutboxEntry *entry);

/* Printing. */
char *desk_cli_one_line (const char *text); /* without anything that a terminal would obey */
void desk_cli_print_chat (DeskCli *cli, const DeskChatRow *row);
void desk_cli_print_message (DeskCli *cli, const DeskMessage *message, gboolean with_chat);
void desk_cli_print_entry (DeskCli *cli, const DeskOutboxEntry *entry);
void desk_cli_print_event (DeskCli *cli, const DeskEvent *event);

/* Of DeskConnectionInfo; NULL if the backend does not tell, or not within three seconds. */
GPtrArray *desk_cli_fetch_connections (DeskCli *cli);
void desk_cli_print_connections (GPtrArray *list /* nullable */);

G_END_DECLS
