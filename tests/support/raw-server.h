/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

/* A server that misbehaves below HTTP, on threads of its own. It reads whole requests and counts them. */

typedef enum
{
  RAW_CLOSE,           /* reads the request, closes */
  RAW_CLOSE_UNREAD,    /* closes without reading */
  RAW_RESET,           /* half an answer, then RST */
  RAW_TRUNCATED,       /* less than Content-Length says, then closes */
  RAW_SILENT,          /* reads, never answers */
  RAW_SLOW,            /* answers after 300 ms */
  RAW_HUGE,            /* an answer without end */
  RAW_GARBAGE,         /* no HTTP at all */
  RAW_KEEP_THEN_CLOSE, /* answers the first request of a connection, closes at the second without an answer */
  RAW_UPGRADE_DEAF,    /* takes a websocket, then neither reads nor answers */
  RAW_UPGRADE_RESTART, /* takes a websocket and closes it with 1012, which libsoup's server cannot say */
} RawMode;

typedef struct
{
  GSocketService *service;
  GCancellable *cancellable;
  guint port;
  char *url; /* http://127.0.0.1:PORT */
  RawMode mode;
  int connections;   /* atomic */
  int requests;      /* atomic */
  int posts;         /* atomic */
  int puts;          /* atomic */
  int empty_puts;    /* atomic: of those, how many had no body */
  int running;       /* atomic: threads */
} RawServer;

RawServer *raw_server_new (RawMode mode);
void raw_server_free (RawServer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RawServer, raw_server_free)
