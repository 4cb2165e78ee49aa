/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* Runs each target over its corpus, and over every beginning and a few damages of each seed, so
 * that the normal suite exercises the targets without libFuzzer. DESK_FUZZ_DIR is tests/fuzz. */

#include <glib.h>
#include <string.h>

#include "fuzz-protocol.h"

#define MAX_PREFIXES 4000

typedef int (*Target) (const uint8_t *data, size_t size);

typedef struct
{
  const char *name;
  Target run;
} Case;

static const Case cases[] = {
  { "event", desk_fuzz_event },
  { "rest", desk_fuzz_rest },
  { "cursor", desk_fuzz_cursor },
  { "client", desk_fuzz_client },
};

/* Each in a heap block of its own size, so that a sanitizer sees a read past the end. */
static void
run_exact (Target run, const char *data, gsize len)
{
  g_autofree char *copy = g_malloc (MAX (len, 1));
  memcpy (copy, data, len);
  run ((const uint8_t *)copy, len);
}

static void
run_seed (Target run, char *data, gsize len)
{
  static const char damages[] = { '\0', '"', '{', ']', '9', '-', '\\', (char)0xff };
  gsize step = len / MAX_PREFIXES + 1;
  run_exact (run, data, len);
  for (gsize i = 0; i < len; i += step)
    {
      char kept = data[i];
      run_exact (run, data, i);
      data[i] = damages[(i / step) % sizeof damages];
      run_exact (run, data, len);
      data[i] = kept;
    }
}

static void
test_corpus (gconstpointer user_data)
{
  const Case *self = user_data;
  g_autofree char *folder
      = g_strdup_printf ("%s/corpus-%s", g_getenv ("DESK_FUZZ_DIR"), self->name);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &error);
  g_assert_no_error (error);
  guint n = 0;
  for (const char *name; (name = g_dir_read_name (dir)) != NULL; n++)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL), *data = NULL;
      gsize len;
      g_file_get_contents (path, &data, &len, &error);
      g_assert_no_error (error);
      run_seed (self->run, data, len);
    }
  g_assert_cmpuint (n, >, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  /* Broken events of a log are passed over with a warning; the corpus is full of them. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/fuzz/corpus/", cases[i].name, NULL);
      g_test_add_data_func (path, &cases[i], test_corpus);
    }
  return g_test_run ();
}
