/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <libsoup/soup.h>

#include "model/desk-chat.h"
#include "model/desk-message.h"

/* A chat backend of either level in this process, on the thread-default main context of whoever makes it, with
 * faults on demand. It keeps what it was told while it is down, as a real one does. */

typedef enum
{
  FAKE_REFUSE, /* answer with status and body, do nothing */
  FAKE_HANG,   /* never answer, do nothing */
  FAKE_RESET,  /* close the connection, do nothing */
  FAKE_LOSE,   /* do it, then close the connection unanswered */
} FakeFaultType;

typedef struct
{
  DeskChat *chat;
  GPtrArray *messages; /* of DeskMessage, oldest first */
} FakeChat;

typedef struct
{
  SoupServer *server; /* NULL: down */
  guint port;
  char *url;
  guint level;
  gboolean enveloped; /* level 0: answers in {"data":…} */
  gboolean zero_ids;  /* level 0: the websocket's ids are zeros */
  char *token;
  char *refresh_token;
  char *epoch;
  guint ws_status; /* refuse upgrades with it; 0: take them */
  GPtrArray *chats;   /* of FakeChat */
  GPtrArray *events;  /* of char*: frames; the seq is the index + 1 */
  GPtrArray *sockets; /* of SoupWebsocketConnection */
  GHashTable *keys;   /* client_message_id → DeskMessage, borrowed */
  GQueue *faults;
  GPtrArray *hanging; /* of SoupServerMessage */
  gint64 now_ms;
  guint next_id;

  /* what was seen */
  guint requests;
  guint sends;     /* POST …/send that were carried out, repeated ones too */
  guint delivered; /* messages that a platform would have got */
  guint refreshes;
  guint hellos;
  guint close_code; /* of the last websocket that the client closed */
  gboolean token_in_url;
} FakeBackend;

FakeBackend *fake_backend_new (guint level);
void fake_backend_free (FakeBackend *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FakeBackend, fake_backend_free)
void fake_backend_down (FakeBackend *self); /* drops every connection; the port stays reserved for up() */
void fake_backend_up (FakeBackend *self);
/* The next request whose method and path match (path: a part of it) fails so. */
void fake_backend_fault (FakeBackend *self, const char *method, const char *path, FakeFaultType type, guint status, const char *body);
FakeChat *fake_backend_chat (FakeBackend *self, const char *user_id); /* of platform "telegram"; made if need be */
DeskMessage *fake_backend_message (FakeBackend *self, const char *user_id, gboolean incoming, const char *text);
/* Puts a frame in the log ("%p" in it stands for its place) and sends it. */
void fake_backend_event (FakeBackend *self, const char *type, const char *data);
void fake_backend_frame (FakeBackend *self, const char *text); /* to every socket, in no log */
void fake_backend_close_sockets (FakeBackend *self, guint code);

/* Runs the default context until the condition holds; the test fails after 10 s. */
#define fake_wait(condition)                                                                                          \
  G_STMT_START                                                                                                        \
  {                                                                                                                   \
    gint64 fake_deadline = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;                                             \
    while (!(condition))                                                                                              \
      {                                                                                                               \
        if (g_get_monotonic_time () > fake_deadline)                                                                  \
          g_error ("%s:%d: did not come true: %s", __FILE__, __LINE__, #condition);                                   \
        fake_iterate ();                                                                                              \
      }                                                                                                               \
  }                                                                                                                   \
  G_STMT_END
void fake_iterate (void); /* one turn of the default context, at most 50 ms */
void fake_run_ms (guint ms);
