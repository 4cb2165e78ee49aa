/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "common/desk-clock.h"

/* The websocket hub of frontdeskd: N epoll threads which own all websockets (RFC 6455) of this
 * process. It is handed connected sockets whose HTTP upgrade was already answered, and knows
 * nothing of HTTP, JSON, users or SQL.
 *
 * Threads. A socket belongs to one hub thread for life. All callbacks of a socket run on its
 * thread, one at a time, with no lock held; they should be short, since every socket of that thread
 * waits meanwhile (a short indexed read is fine, a write or a request is not). Every other function
 * may be called on any thread, also within a callback, and never blocks.
 *
 * Order. Whatever is asked of a hub thread goes through one inbox: of two calls for one socket on
 * one thread the first takes effect first. Broadcasts have one order for the whole hub: two
 * broadcasts are seen in the same order by every socket that gets both. */

G_BEGIN_DECLS

#define DESK_HUB_ERROR (desk_hub_error_quark ())
GQuark desk_hub_error_quark (void);
typedef enum
{
  DESK_HUB_ERROR_FAILED,
  DESK_HUB_ERROR_LIMIT,  /* max_sockets reached */
  DESK_HUB_ERROR_CLOSED, /* shutting down */
} DeskHubError;

/* Close codes of the hub itself; the upper layer has more (4400, 4403, 4409). */
#define DESK_HUB_CLOSE_GOING_AWAY   1001
#define DESK_HUB_CLOSE_PROTOCOL     1002
#define DESK_HUB_CLOSE_UNSUPPORTED  1003 /* binary message */
#define DESK_HUB_CLOSE_NO_STATUS    1005 /* only told to closed(): the client's close had no code */
#define DESK_HUB_CLOSE_ABNORMAL     1006 /* only told to closed(): no close frame was exchanged */
#define DESK_HUB_CLOSE_BAD_TEXT     1007 /* not UTF-8, or U+0000 */
#define DESK_HUB_CLOSE_TOO_BIG      1009
#define DESK_HUB_CLOSE_UNAUTHORIZED 4401 /* not authenticated in time */
#define DESK_HUB_CLOSE_TOO_SLOW     4408 /* the send queue overflowed */

typedef struct _DeskHub DeskHub;
typedef struct _DeskSocket DeskSocket;
typedef struct _DeskFrame DeskFrame;

/* ── Frames ─────────────────────────────────────────────────────────────────────────────────── */
/* One encoded websocket message: immutable, atomically reference counted, encoded once for all
 * sockets that get it. Any thread.
 *
 * desk_frame_text_new: payload is len bytes of UTF-8 (copied); len -1: NUL-terminated. */
DeskFrame *desk_frame_text_new (const char *payload, gssize len);
DeskFrame *desk_frame_ref (DeskFrame *frame);
void desk_frame_unref (DeskFrame *frame);
/* The payload; NUL-terminated, owned by the frame. out_len (bytes) may be NULL. */
const char *desk_frame_get_payload (DeskFrame *frame, gsize *out_len);
/* Bytes on the wire, header included. */
gsize desk_frame_get_size (DeskFrame *frame);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskFrame, desk_frame_unref)

/* ── The hub ────────────────────────────────────────────────────────────────────────────────── */
typedef struct
{
  /* First callback of a socket. */
  void (*opened) (DeskSocket *socket, gpointer user_data);
  /* A whole text message; text is valid UTF-8 without U+0000, NUL-terminated, valid in the call. */
  void (*message) (DeskSocket *socket, const char *text, gsize len, gpointer user_data);
  /* Exactly once for each opened(), the last callback. code: the client's if it closed first, else
   * ours, or 1006 if the connection was lost. */
  void (*closed) (DeskSocket *socket, guint16 code, gpointer user_data);
} DeskHubCallbacks;

/* 0 stands for the default in brackets. */
typedef struct
{
  guint threads;            /* [number of processors, at most 4] */
  gsize max_message_bytes;  /* of a client's message, over it: 1009 [16,384] */
  gsize max_queue_bytes;    /* of a socket's unsent live frames, over it: 4408 [4 MiB] */
  guint max_queue_frames;   /* [4096] */
  gint64 ping_interval_ms;  /* each ±10 % [30,000] */
  gint64 pong_timeout_ms;   /* [10,000] */
  gint64 auth_timeout_ms;   /* until desk_socket_set_authenticated(), over it: 4401 [5,000] */
  gint64 close_timeout_ms;  /* for the client's answer to our close frame [2,000] */
  guint max_sockets;        /* [no limit] */
  DeskClock *clock;         /* for the times above; must outlive the sockets [the system's] */
} DeskHubOptions;

typedef struct
{
  guint sockets;           /* now, including those which are closing */
  guint64 opened;          /* ever */
  guint64 messages_in;
  guint64 frames_out;      /* handed to the kernel whole */
  guint64 bytes_out;
  guint64 overflows;       /* closed with 4408 */
  guint64 frames_dropped;  /* queued, but the socket closed first */
  guint64 pong_timeouts;
  guint64 protocol_errors; /* closed with 1002, 1003, 1007 or 1009 */
} DeskHubStats;

/**
 * desk_hub_new:
 * @options: (nullable): limits
 * @callbacks: copied
 * @user_data: for the callbacks; must outlive the hub
 *
 * Starts the threads. Fails with %DESK_HUB_ERROR_FAILED if the kernel gives no epoll instance.
 */
DeskHub *desk_hub_new (const DeskHubOptions *options, const DeskHubCallbacks *callbacks,
                       gpointer user_data, GError **error);

/**
 * desk_hub_shutdown:
 * @hub: (transfer full): no other thread may use it from here on; sockets may still be used
 * @code: the close code, usually 1001
 * @deadline_ms: from now, by the system's clock; what is unsent then is given up
 *
 * Sends every socket what is queued and a close frame, waits until they are gone or the deadline
 * has passed, calls closed() for each, stops the threads and frees the hub. Blocks; not on a hub
 * thread.
 */
void desk_hub_shutdown (DeskHub *hub, guint16 code, gint64 deadline_ms);

/**
 * desk_hub_adopt:
 * @fd: a connected stream socket after the upgrade was answered. Taken over always, also on error
 * @extra_in: (nullable): bytes of the websocket that arrived with the request (copied)
 * @socket_data: for desk_socket_get_data(), freed with @destroy, also on error, by the thread
 *   which drops the last reference of the socket
 *
 * Makes the socket non-blocking, sets TCP_NODELAY and gives it to the thread with the fewest
 * sockets; opened() follows there. If another descriptor of the same connection exists it may be
 * closed any time (not shut down). Errors: %DESK_HUB_ERROR_LIMIT, %DESK_HUB_ERROR_CLOSED.
 */
gboolean desk_hub_adopt (DeskHub *hub, int fd, const void *extra_in, gsize extra_in_len,
                         gpointer socket_data, GDestroyNotify destroy, GError **error);

/* Runs on the hub threads, perhaps on several at once; no lock is held. */
typedef gboolean (*DeskHubFilter) (DeskSocket *socket, gpointer filter_data);

/* A socket gets the first form whose class bits it has all; with none it gets nothing. */
typedef struct
{
  guint class_mask; /* at least one bit */
  DeskFrame *frame; /* (nullable): nothing for this class */
} DeskHubForm;

#define DESK_HUB_MAX_FORMS 4

typedef struct
{
  DeskHubForm forms[DESK_HUB_MAX_FORMS]; /* ended by class_mask 0 */
  /* 0: an ephemeral event, delivered also in the middle of a replay. Else its position in the log,
   * from which it could be read before this call: skipped by sockets which replay (they will read
   * it), or have replayed this far. */
  guint64 order;
  gboolean skip_replaying; /* leave out sockets that replay, though order is 0 */
  DeskHubFilter filter;    /* (nullable) */
  gpointer filter_data;
  GDestroyNotify filter_destroy; /* when the last thread is done; any thread */
} DeskHubEvent;

/* Sends an event to all sockets, each in the form of its class: one push a hub thread. The frames
 * are referenced, not taken. */
void desk_hub_broadcast_event (DeskHub *hub, const DeskHubEvent *event);

/* The same for one ephemeral frame to all sockets which have all these class bits. */
void desk_hub_broadcast (DeskHub *hub, guint class_mask, DeskFrame *frame);

void desk_hub_get_stats (DeskHub *hub, DeskHubStats *out_stats);

/* ── Sockets ────────────────────────────────────────────────────────────────────────────────── */
/* A reference keeps the object, not the connection: all calls do nothing once it is closed, also
 * after the hub is gone. */
DeskSocket *desk_socket_ref (DeskSocket *socket);
void desk_socket_unref (DeskSocket *socket);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskSocket, desk_socket_unref)

/* Unique in this process, never 0. */
guint64 desk_socket_get_id (DeskSocket *socket);

/* The pointer given to desk_hub_adopt(). desk_socket_set_data frees the old one; it may only be
 * called within a callback of this socket, and the pointer it sets only be read on this thread. */
gpointer desk_socket_get_data (DeskSocket *socket);
void desk_socket_set_data (DeskSocket *socket, gpointer data, GDestroyNotify destroy);

/* Puts a frame (referenced, not taken) behind what is queued. FALSE: the socket is closed or
 * closing, or this frame overflowed its queue (it closes with 4408 then). Within a replay the frame
 * goes out between two of its batches. */
gboolean desk_socket_send (DeskSocket *socket, DeskFrame *frame);

/* The classes of broadcasts this socket gets, as bits of the upper layer's choice (level 0, level
 * 2, may see notes ...). 0, as at the start: no broadcast at all. */
void desk_socket_set_class (DeskSocket *socket, guint class_mask);
guint desk_socket_get_class (DeskSocket *socket);

/* Calls off the close with 4401. */
void desk_socket_set_authenticated (DeskSocket *socket);

/* Sends what is queued, then a close frame (reason: nullable, UTF-8, at most 123 bytes of it are
 * sent), waits close_timeout_ms for the answer. No message() follows. */
void desk_socket_close (DeskSocket *socket, guint16 code, const char *reason);

/**
 * DeskReplayNext:
 * @frames: append references (owned by the array) to the next frames; a batch should be some
 *   10–64 KiB
 * @position: (inout): the log position up to which this replay has come, for the last batch
 *
 * Called on the hub thread whenever all that was replayed so far is in the kernel's buffer, so the
 * pace is the client's. It may do a short read of the log. TRUE without a frame asks again in the
 * next turn of the thread, so it must not be used to wait for something.
 *
 * Returns: FALSE if the log was read to its end (the frames and the position still count).
 */
typedef gboolean (*DeskReplayNext) (DeskSocket *socket, GPtrArray *frames, guint64 *position,
                                    gpointer data);

/**
 * desk_socket_begin_replay:
 *
 * Lets the socket first read from the log, then switches it to live events. Replayed frames never
 * count against the queue. To start a socket: begin the replay (with the hello as its first frame),
 * then desk_socket_set_class(); a socket without a replay sends its hello, then sets its class.
 *
 * There is no gap and no double, if events are written to the log before they are broadcast:
 * broadcasts with an order are skipped while replaying, and @next reads on. When it returns FALSE
 * the socket is live from that very moment on its hub thread. An event that the last read did not
 * see was logged, and hence broadcast, after it, so this thread takes it from its inbox later and
 * delivers it; one that was read has an order of at most *position, and is skipped if its broadcast
 * is still to come.
 *
 * @destroy is called on the hub thread when the replay ends or the socket closes (any thread, if
 * the socket was closed already). A second replay replaces the first.
 */
void desk_socket_begin_replay (DeskSocket *socket, DeskReplayNext next, gpointer data,
                               GDestroyNotify destroy);

G_END_DECLS
