/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "bench"

#include "config.h"

/* The least that libmicrohttpd can do: the same options and threads as frontdeskd's front, one
 * response made beforehand, no look at the request.
 *
 *     bench-http-bare BODY-FILE
 *
 * prints its port and serves until it is killed. */

#include <arpa/inet.h>
#include <glib.h>
#include <microhttpd.h>
#include <stdio.h>
#include <sys/socket.h>

static enum MHD_Result
on_access (void *cls,
           struct MHD_Connection *connection,
           const char *url,
           const char *method,
           const char *version,
           const char *upload_data,
           size_t *upload_data_size,
           void **con_cls)
{
  static int seen;

  if (*con_cls == NULL)
    {
      *con_cls = &seen;
      return MHD_YES;
    }
  *con_cls = NULL;
  return MHD_queue_response (connection, MHD_HTTP_OK, cls);
}

int
main (int argc, char **argv)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  g_autofree char *body = NULL;
  socklen_t address_len = sizeof address;
  gsize len;

  if (argc != 2 || !g_file_get_contents (argv[1], &body, &len, NULL))
    return 2;
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  struct MHD_Response *response
      = MHD_create_response_from_buffer (len, body, MHD_RESPMEM_PERSISTENT);
  MHD_add_response_header (response, "Content-Type", "application/json; charset=utf-8");
  MHD_add_response_header (response, "X-Request-Id", "0123456789abcdef-1");
  MHD_add_response_header (response, "X-Content-Type-Options", "nosniff");
  MHD_add_response_header (response, "Cache-Control", "no-store");
  const guint n = MAX (2, g_get_num_processors ());
  struct MHD_Daemon **workers = g_new0 (struct MHD_Daemon *, n);
  for (guint i = 0; i < n; i++)
    workers[i] = MHD_start_daemon (
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ITC
            | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG,
        0, NULL, NULL, on_access, response,
        MHD_OPTION_CONNECTION_LIMIT, 4096u / n,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(24 * 1024),
        MHD_OPTION_CONNECTION_TIMEOUT, 30u,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_END);
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind (listener, (struct sockaddr *)&address, sizeof address) != 0
      || listen (listener, 1024) != 0
      || getsockname (listener, (struct sockaddr *)&address, &address_len) != 0)
    return 1;
  printf ("%u\n", ntohs (address.sin_port));
  fflush (stdout);
  for (guint i = 0;; i++)
    {
      int fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0)
        MHD_add_connection (workers[i % n], fd, (struct sockaddr *)&address, address_len);
    }
}
