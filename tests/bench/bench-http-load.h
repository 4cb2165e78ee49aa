/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* A load client for one HTTP/1.1 server on loopback: one thread, epoll, keep-alive connections with
 * one request under way each. It reads answers whole, counts their bytes and does no more, so that
 * what it measures is the server. */

G_BEGIN_DECLS

typedef struct _HttpLoad HttpLoad;

/* Appends a complete request. */
typedef void (*HttpLoadFunc) (GString *out, gpointer data);

typedef struct
{
  guint64 answers;
  guint64 body_bytes;
  double seconds;
} HttpLoadResult;

/* Connects n times; anything unexpected ends the program with a message. */
HttpLoad *http_load_new (guint16 port, guint n, HttpLoadFunc func, gpointer data);
void http_load_free (HttpLoad *self);

/* Keeps every connection busy for that time, then takes what is still under way. An answer with
 * another status ends the program. */
HttpLoadResult http_load_run (HttpLoad *self, gint64 duration_us, guint status);

/* Sends one request and returns the answer's body, NUL-terminated; 200 is expected. */
char *http_load_fetch (guint16 port, HttpLoadFunc func, gpointer data, gsize *out_len);

G_END_DECLS
