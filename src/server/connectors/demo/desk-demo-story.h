/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/desk-message.h"

G_BEGIN_DECLS

/* One line of a customer's back-story. */
typedef struct
{
  int minutes_ago;  /* 0 ends the list */
  gboolean by_shop; /* a colleague wrote it */
  DeskKind kind;
  const char *text;
  int answers;          /* quotes the line so many places before; 0: none */
  const char *reaction; /* nullable: the customer's reaction to this line */
  const char *filename; /* nullable: there is one attachment */
  const char *mime_type;
  int size; /* bytes */
  int width, height;
  int duration_ms;
} DeskDemoLine;

/* One simulated customer. The texts are the customer's own language and are not translated. */
typedef struct
{
  const char *user_id;
  const char *name;
  const char *handle;
  gboolean is_blocked;        /* refuses every message */
  const DeskDemoLine *lines;  /* ends with minutes_ago 0; in order of time */
  const char *const *answers; /* to the shop's next messages, in order; NULL-terminated */
  const char *const *later;   /* said some time without being asked; NULL-terminated, not empty */
  const char *thanks;         /* when all answers are spent */
  const char *metadata;       /* nullable JSON: what the chat is about */
} DeskDemoPerson;

const DeskDemoPerson *desk_demo_people (guint *out_n);

G_END_DECLS
