/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "bench"

#include "config.h"

/* Makes the backend's database that bench-sync.py copies, unless it is there: bench-sync-store DATABASE TOKEN-FILE. */

#include "bench-http-store.h"

int
main (int argc, char **argv)
{
  if (argc != 3)
    {
      g_printerr ("bench-sync-store DATABASE TOKEN-FILE\n");
      return 2;
    }
  bench_store_make (argv[1], argv[2]);
  return 0;
}
