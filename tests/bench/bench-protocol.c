/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* What a message costs on the wire: our writer against json-glib's generator, which gets its tree
 * for nothing, and reading. Only the ratio is judged; the times are for people. */

#include <string.h>

#include "wire-samples.h"

#define ROUNDS  5
#define REPEATS 20000

typedef void (*Work) (gpointer data);

typedef struct
{
  DeskMessage *message;
  GString *buffer;
  char *text;
  JsonNode *tree;
} Bench;

/* The best of some rounds, in µs for one. */
static double
measure (Work work, gpointer data)
{
  double best = G_MAXDOUBLE;
  for (guint round = 0; round < ROUNDS; round++)
    {
      gint64 start = g_get_monotonic_time ();
      for (guint i = 0; i < REPEATS; i++)
        work (data);
      best = MIN (best, (double)(g_get_monotonic_time () - start) / REPEATS);
    }
  return best;
}

static void
write_ours (gpointer data)
{
  Bench *self = data;
  DeskJsonWriter w;
  g_string_truncate (self->buffer, 0);
  desk_json_writer_init (&w, self->buffer);
  desk_wire_write_message (&w, self->message);
}

static void
write_theirs (gpointer data)
{
  Bench *self = data;
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  json_generator_set_root (generator, self->tree);
  g_free (json_generator_to_data (generator, NULL));
}

static void
read_ours (gpointer data)
{
  Bench *self = data;
  g_autoptr (JsonNode) node
      = desk_json_parse (self->text, strlen (self->text), DESK_WIRE_MAX_BODY, NULL);
  desk_message_free (desk_wire_read_message (node, NULL));
}

static void
convert_ours (gpointer data)
{
  Bench *self = data;
  desk_message_free (desk_wire_read_message (self->tree, NULL));
}

static void
bench_message (gconstpointer make)
{
  DeskMessage *(*sample) (void) = (DeskMessage * (*)(void)) make;
  Bench self = { .message = sample (), .buffer = g_string_new (NULL) };
  self.text = text_of_message (self.message);
  self.tree = parse_or_die (self.text);
  double ours = measure (write_ours, &self), theirs = measure (write_theirs, &self);
  double reading = measure (read_ours, &self), converting = measure (convert_ours, &self);
  g_test_message ("%zu bytes: write %.2f us; json-glib's generator alone %.2f us: %.1f times as long",
                  strlen (self.text), ours, theirs, theirs / ours);
  g_test_message ("read %.2f us, of which tree to message %.2f us", reading, converting);
  g_assert_cmpfloat (theirs / ours, >, 1.0);
  desk_message_free (self.message);
  g_string_free (self.buffer, TRUE);
  g_free (self.text);
  json_node_unref (self.tree);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/bench/protocol/bare", (gconstpointer)sample_message_bare, bench_message);
  g_test_add_data_func ("/bench/protocol/full", (gconstpointer)sample_message_full, bench_message);
  return g_test_run ();
}
