/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>
#include <pthread.h>
#include <stdint.h>
#include <wslay/wslay.h>

#include "server/hub/desk-hub.h"

G_BEGIN_DECLS

/* ── Frames (desk-frame.c) ──────────────────────────────────────────────────────────────────── */
struct _DeskFrame
{
  gint refs;            /* atomic */
  guint8 header_length; /* the payload follows it */
  gsize size;           /* header and payload, without the final NUL */
  guint8 bytes[];
};

DeskFrame *desk_frame_new (guint8 opcode, const void *payload, gsize len);
DeskFrame *desk_frame_close_new (guint16 code, const char *reason);

/* ── Send queue (desk-send-queue.c) ─────────────────────────────────────────────────────────── */
/* A ring of frames. An entry is a pointer whose lowest bit says that the frame does not count
 * against the limits. Idle sockets hold no ring: it is allocated with the first frame and freed
 * with the last. */
typedef struct
{
  guintptr *ring;
  guint32 head, length, capacity; /* capacity is a power of 2, or 0 */
  guint32 head_sent;              /* bytes of the first frame that are in the kernel */
} DeskSendQueue;

#define DESK_FLUSH_IOV 64

typedef enum
{
  DESK_FLUSH_EMPTY,
  DESK_FLUSH_BLOCKED, /* the kernel's buffer is full */
  DESK_FLUSH_ERROR,
} DeskFlushResult;

typedef struct
{
  guint64 frames, bytes;                /* handed over in this call */
  guint32 counted_frames, counted_bytes; /* of those which count, finished in this call */
} DeskFlushCount;

void desk_send_queue_push (DeskSendQueue *self, DeskFrame *frame, gboolean counted);
void desk_send_queue_push_front (DeskSendQueue *self, DeskFrame *frame, gboolean counted);
guint desk_send_queue_clear (DeskSendQueue *self, gboolean keep_started);
DeskFlushResult desk_send_queue_flush (DeskSendQueue *self, int fd, DeskFlushCount *count);

/* ── Reader (desk-socket-read.c) ────────────────────────────────────────────────────────────── */
/* The receiving side, 4.4 KiB with wslay's buffer. A thread has one to spare which sockets use in
 * turn; only a socket whose frame or message is incomplete keeps it. */
typedef struct
{
  wslay_frame_context_ptr frames;
  GByteArray *message; /* fragments so far */
  guint8 control[125];
  guint8 control_length;
  gboolean in_message;    /* a first fragment came, the last did not */
  guint64 fed, consumed;  /* bytes given to wslay, bytes it has told of */
  guint64 frame_left;     /* payload still to come of the current frame */

  /* Within a call: where the bytes come from. */
  int fd;
  const guint8 *extra;
  gsize extra_length;
  gssize budget;  /* bytes until other sockets have their turn */
  int read_state; /* DeskReadState */
} DeskReader;

typedef enum
{
  DESK_READ_MORE,    /* perhaps there is more to read */
  DESK_READ_BLOCKED, /* nothing more for now */
  DESK_READ_EOF,
  DESK_READ_ERROR,
} DeskReadState;

DeskReader *desk_reader_new (void);
void desk_reader_free (DeskReader *reader);

/* ── Timer wheel (desk-timer-wheel.c) ───────────────────────────────────────────────────────── */
/* One timer a socket. It is not moved when there is traffic: when it fires the socket looks what
 * is due and sets it again. So traffic costs no timer work, and a tick touches only what is due. */
#define DESK_WHEEL_SLOTS 256

typedef struct _DeskTimer DeskTimer;
struct _DeskTimer
{
  DeskTimer *previous, *next; /* NULL: not set */
  gint64 due_us;
};

typedef struct
{
  DeskTimer slots[DESK_WHEEL_SLOTS]; /* list heads */
  gint64 tick_us;
  gint64 position; /* the next tick to be run, in ticks */
  guint count;
} DeskTimerWheel;

typedef void (*DeskTimerFired) (DeskTimer *timer, gint64 now_us, gpointer data);

void desk_timer_wheel_init (DeskTimerWheel *self, gint64 tick_us, gint64 now_us);
void desk_timer_wheel_set (DeskTimerWheel *self, DeskTimer *timer, gint64 due_us);
void desk_timer_wheel_unset (DeskTimerWheel *self, DeskTimer *timer);
void desk_timer_wheel_run (DeskTimerWheel *self, gint64 now_us, DeskTimerFired fired,
                           gpointer data);
int desk_timer_wheel_wait_ms (DeskTimerWheel *self, gint64 now_us);

/* ── Sockets ────────────────────────────────────────────────────────────────────────────────── */
typedef struct _DeskHubThread DeskHubThread;

typedef struct
{
  DeskReplayNext next;
  gpointer data;
  GDestroyNotify destroy;
  guint64 position;
} DeskReplay;

typedef enum
{
  DESK_SOCKET_NEW,     /* opened() not called yet */
  DESK_SOCKET_OPEN,
  DESK_SOCKET_CLOSING, /* our close frame is queued or sent; what arrives is thrown away */
  DESK_SOCKET_CLOSED,  /* closed() called, descriptor gone */
} DeskSocketState;

/* About 200 bytes. Written by the hub thread alone but for the atomic fields. */
struct _DeskSocket
{
  DeskTimer timer; /* must be first */
  gint refs;       /* atomic */
  int fd;
  guint64 id;
  DeskHubThread *thread; /* a reference */
  gpointer data;
  GDestroyNotify data_destroy;

  DeskSendQueue queue;
  gint pending_frames;   /* atomic: counted frames asked for and not yet sent */
  gsize pending_bytes;   /* atomic */
  gint shut;             /* atomic: no more frames are accepted */
  gint authenticated;    /* atomic */
  guint class_mask;      /* atomic */

  DeskReader *reader; /* only while a frame or message is incomplete */
  DeskReplay *replay; /* only while replaying */
  guint64 replayed;   /* the log position the replay ended at */

  guint64 written; /* bytes handed to the kernel */
  guint64 acked;   /* of them the client's kernel had, when last looked at */
  guint64 ping_at; /* `written` after the ping: acknowledged means the client has the ping */
  gint64 opened_us;
  gint64 ping_due_us; /* next ping, or while one is unanswered its time-out */

  guint index;        /* in the thread's sockets */
  guint16 close_code; /* for closed() */
  guint8 state;       /* DeskSocketState */
  guint8 watched;     /* epoll events */
  guint dirty : 1;    /* in the thread's list of sockets to flush */
  guint awaiting_pong : 1;
  guint close_queued : 1; /* our close frame is in the queue or sent */
  guint close_received : 1;
  guint write_shut : 1; /* all is sent, the close frame too */
  guint ended : 1;      /* nothing can be read any more: finished by the next flush */
};

/* ── Hub threads (desk-hub-thread.c) ────────────────────────────────────────────────────────── */
typedef enum
{
  DESK_COMMAND_ADOPT, /* pointer: GBytes or NULL, the extra bytes */
  DESK_COMMAND_SEND,  /* pointer: DeskFrame */
  DESK_COMMAND_EVENT, /* pointer: DeskSharedEvent */
  DESK_COMMAND_CLASS, /* number: the mask */
  DESK_COMMAND_CLOSE, /* number: the code; pointer: the reason */
  DESK_COMMAND_OVERFLOW,
  DESK_COMMAND_REPLAY, /* pointer: DeskReplay */
  DESK_COMMAND_STOP,   /* number: the code; pointer: gint64 *, the deadline (stop_us) */
} DeskCommandKind;

typedef struct
{
  DeskCommandKind kind;
  guint number;
  DeskSocket *socket; /* a reference, or NULL */
  gpointer pointer;   /* owned */
} DeskCommand;

/* A broadcast on its way through the threads. */
typedef struct
{
  gint refs;
  DeskHubEvent event;
} DeskSharedEvent;

DeskSharedEvent *desk_shared_event_new (const DeskHubEvent *event);
void desk_shared_event_unref (DeskSharedEvent *shared);
void desk_replay_free (DeskReplay *replay);

typedef struct
{
  guint64 opened, messages_in, frames_out, bytes_out, overflows, frames_dropped, pong_timeouts,
      protocol_errors;
} DeskThreadStats;

/* Written by one thread, read by any: relaxed is enough. */
#define DESK_STAT_ADD(thread, field, n)                                                           \
  __atomic_fetch_add (&(thread)->stats.field, (guint64) (n), __ATOMIC_RELAXED)
#define DESK_STAT_GET(thread, field) __atomic_load_n (&(thread)->stats.field, __ATOMIC_RELAXED)

struct _DeskHubThread
{
  gint refs;              /* atomic; sockets hold one each */
  DeskHubOptions options; /* with defaults filled in */
  DeskHubCallbacks callbacks;
  gpointer user_data;
  GThread *gthread;
  int epoll_fd;
  int wake_fd;
  gint load; /* atomic: sockets given to this thread and not closed */
  gint *hub_load; /* atomic: the same of the whole hub; valid while the thread runs */
  DeskThreadStats stats;

  /* The inbox. A pthread mutex instead of a GMutex because ThreadSanitizer understands it. */
  pthread_mutex_t lock;
  GArray *inbox;    /* DeskCommand */
  gboolean woken;   /* wake_fd was written and not yet read */
  gboolean stopped; /* nothing is taken any more */

  /* Of the thread alone. */
  GArray *batch; /* the other inbox buffer */
  GPtrArray *sockets;
  GPtrArray *dirty; /* references */
  GPtrArray *replay_frames; /* scratch */
  DeskReader *spare_reader;
  DeskTimerWheel wheel;
  DeskFrame *ping;
  GRand *random;
  gint64 now_us; /* of this turn of the loop */
  gint64 stop_us; /* by the system's clock */
  guint16 stop_code;
  gboolean stopping;
};

DeskHubThread *desk_hub_thread_new (const DeskHubOptions *options,
                                    const DeskHubCallbacks *callbacks, gpointer user_data,
                                    gint *hub_load, GError **error);
DeskHubThread *desk_hub_thread_ref (DeskHubThread *self);
void desk_hub_thread_unref (DeskHubThread *self);
/* Takes what the command owns. FALSE: the thread has stopped and the command was dropped. */
gboolean desk_hub_thread_push (DeskHubThread *self, const DeskCommand *command);
void desk_hub_thread_mark_dirty (DeskHubThread *self, DeskSocket *socket);

/* ── A socket on its thread (desk-socket-io.c) ──────────────────────────────────────────────── */
DeskSocket *desk_socket_new (DeskHubThread *thread, int fd, gpointer data, GDestroyNotify destroy);
void desk_socket_open (DeskSocket *self, GBytes *extra);
/* Flushes, goes on with a replay, finishes a close. */
void desk_socket_flush (DeskSocket *self);
/* Takes the frame. */
void desk_socket_queue (DeskSocket *self, DeskFrame *frame, gboolean counted, gboolean front);
/* Begins the closing handshake; what is queued goes out first unless drop. */
void desk_socket_start_close (DeskSocket *self, guint16 code, const char *reason, gboolean drop);
void desk_socket_overflow (DeskSocket *self);
void desk_socket_pong_received (DeskSocket *self);
/* Ends the connection now and calls closed(). */
void desk_socket_finish (DeskSocket *self, guint16 code);
void desk_socket_take_replay (DeskSocket *self, DeskReplay *replay);
void desk_socket_deliver_event (DeskSocket *self, const DeskHubEvent *event);
void desk_socket_timer_fired (DeskTimer *timer, gint64 now_us, gpointer data);
void desk_socket_set_timer (DeskSocket *self);
gboolean desk_socket_reserve (DeskSocket *self, gsize bytes);

/* Reads what has arrived (extra first); may finish the socket (desk-socket-read.c). */
void desk_socket_read (DeskSocket *self, const guint8 *extra, gsize extra_length);

G_END_DECLS
