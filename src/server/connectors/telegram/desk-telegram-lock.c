/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* One poller a token: a socket of Linux's abstract namespace, named after the hash of the token,
 * which no two processes (nor two connections of one) can bind and which a killed process leaves
 * free.
 * Invariant: where there is no such namespace polling goes on; Telegram's 409 tells of the other. */

#include "server/connectors/telegram/desk-telegram-lock.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/desk-crypto.h"

int
desk_telegram_lock (const char *base_url, const char *token)
{
  g_return_val_if_fail (token != NULL, -1);
  g_autofree char *both = g_strconcat (base_url != NULL ? base_url : "", "\n", token, NULL);
  g_autofree char *hash = desk_sha256_hex (both, strlen (both));
  g_autofree char *name = g_strdup_printf ("frontdesk-telegram-%.32s", hash);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  const socklen_t len = (socklen_t)(offsetof (struct sockaddr_un, sun_path) + 1 + strlen (name));
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  desk_secure_clear (both);
  if (fd < 0)
    return -1;
  memcpy (address.sun_path + 1, name, strlen (name));
  if (bind (fd, (struct sockaddr *)&address, len) == 0 || errno != EADDRINUSE)
    return fd;
  close (fd);
  return -1;
}

void
desk_telegram_unlock (int *lock)
{
  if (*lock >= 0)
    close (*lock);
  *lock = -1;
}
