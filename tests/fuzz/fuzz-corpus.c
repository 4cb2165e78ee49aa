/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* Runs a target over the files of a folder and over every beginning of each, without libFuzzer: so that the normal suite
 * exercises the targets and what was once found stays found. Usage: corpus-TARGET FOLDER. */

#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MAX_BEGINNINGS 500

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const char *folder;

/* In a heap block of its own size, so that a sanitizer sees a read past the end. */
static void
run_exact (const char *data, gsize len)
{
  g_autofree char *copy = g_malloc (MAX (len, 1));

  memcpy (copy, data, len);
  LLVMFuzzerTestOneInput ((const uint8_t *)copy, len);
}

static void
test_corpus (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &error);
  guint n = 0;

  g_assert_no_error (error);
  for (const char *name; (name = g_dir_read_name (dir)) != NULL; n++)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL), *data = NULL;
      gsize len;
      g_file_get_contents (path, &data, &len, &error);
      g_assert_no_error (error);
      g_test_message ("%s", name);
      run_exact (data, len);
      for (gsize i = 0; i < len; i += len / MAX_BEGINNINGS + 1)
        run_exact (data, i);
    }
  g_assert_cmpuint (n, >, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  if (argc != 2)
    g_error ("usage: %s FOLDER", argv[0]);
  folder = argv[1];
  /* Parsers may warn of what they pass over; the corpus is full of that. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  g_test_add_func ("/fuzz/corpus", test_corpus);
  return g_test_run ();
}
