/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "bench"

#include "config.h"

/* The least that libmicrohttpd can do: the same options and threads as frontdeskd's front, one
 * response made beforehand, no look at the request.
 *
 *     bench-http-bare BODY-FILE
 *
 * prints its port and serves until the end of its standard input. */

#include <arpa/inet.h>
#include <glib.h>
#include <microhttpd.h>
#include <stdio.h>
#include <unistd.h>

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
  gsize len;
  char end;

  if (argc != 2 || !g_file_get_contents (argv[1], &body, &len, NULL))
    return 2;
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  struct MHD_Response *response
      = MHD_create_response_from_buffer (len, body, MHD_RESPMEM_PERSISTENT);
  MHD_add_response_header (response, "Content-Type", "application/json; charset=utf-8");
  MHD_add_response_header (response, "X-Request-Id", "0123456789abcdef-1");
  MHD_add_response_header (response, "X-Content-Type-Options", "nosniff");
  MHD_add_response_header (response, "Cache-Control", "no-store");
  struct MHD_Daemon *daemon = MHD_start_daemon (
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ITC
          | MHD_USE_ERROR_LOG,
      0, NULL, NULL, on_access, response,
      MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
      MHD_OPTION_THREAD_POOL_SIZE, MAX (2, g_get_num_processors ()),
      MHD_OPTION_CONNECTION_LIMIT, 4096u,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(24 * 1024),
      MHD_OPTION_CONNECTION_TIMEOUT, 30u,
      MHD_OPTION_STRICT_FOR_CLIENT, 1,
      MHD_OPTION_END);
  if (daemon == NULL)
    return 1;
  printf ("%u\n", MHD_get_daemon_info (daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
  fflush (stdout);
  while (read (STDIN_FILENO, &end, 1) > 0)
    ;
  MHD_stop_daemon (daemon);
  MHD_destroy_response (response);
  return 0;
}
