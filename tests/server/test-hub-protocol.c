/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

#include "hub-fixture.h"

#include <string.h>
#include <unistd.h>

/* What a client may send and what not (RFC 6455), byte for byte. */

#define MAX_MESSAGE 16384

typedef struct
{
  const char *name;
  void (*build) (GByteArray *out);
  guint16 code;   /* of the close frame */
  guint16 closed; /* told to closed(), if another */
} BadCase;

#define BUILD(function, body)                                                                     \
  static void function (GByteArray *out)                                                          \
  {                                                                                               \
    body                                                                                          \
  }
#define FRAME(first, bytes) client_frame (out, first, bytes, sizeof (bytes) - 1, TRUE);
#define RAW(bytes) g_byte_array_append (out, (const guint8 *) bytes, sizeof (bytes) - 1);

static void
zeros (GByteArray *out, guint8 first, gsize len, char fill)
{
  g_autofree char *payload = g_malloc (len);

  memset (payload, fill, len);
  client_frame (out, first, payload, len, TRUE);
}

BUILD (unmasked, client_frame (out, 0x81, "hello", 5, FALSE);)
BUILD (unmasked_empty, client_frame (out, 0x81, "", 0, FALSE);)
BUILD (rsv1, FRAME (0xc1, "hello"))
BUILD (rsv3, FRAME (0x91, "hello"))
BUILD (opcode_3, FRAME (0x83, "hello"))
BUILD (opcode_b, FRAME (0x8b, "hello"))
BUILD (binary, FRAME (0x82, "hello"))
BUILD (long_ping, zeros (out, 0x89, 126, 'p');)
BUILD (fragmented_ping, FRAME (0x09, "hello"))
BUILD (lone_continuation, FRAME (0x80, "hello"))
BUILD (text_in_text, FRAME (0x01, "hel") FRAME (0x81, "lo"))
BUILD (too_big, zeros (out, 0x81, MAX_MESSAGE + 1, 'a');)
BUILD (too_big_by_header, RAW ("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\1\2\3\4x"))
BUILD (too_big_in_pieces, zeros (out, 0x01, MAX_MESSAGE, 'a'); FRAME (0x80, "b"))
BUILD (negative_length, RAW ("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\2\3\4x"))
BUILD (length_not_minimal, RAW ("\x81\xfe\x00\x05\0\0\0\0hello"))
BUILD (not_utf8, FRAME (0x81, "h\xc3("))
BUILD (cut_utf8, FRAME (0x81, "h\xe2\x82"))
BUILD (surrogate, FRAME (0x81, "\xed\xa0\x80"))
BUILD (overlong, FRAME (0x81, "\xc0\xaf"))
BUILD (nul, FRAME (0x81, "a\0b"))
BUILD (close_of_one_byte, FRAME (0x88, "\x03"))
BUILD (close_999, FRAME (0x88, "\x03\xe7"))
BUILD (close_1005, FRAME (0x88, "\x03\xed"))
BUILD (close_2999, FRAME (0x88, "\x0b\xb7"))
BUILD (close_bad_reason, FRAME (0x88, "\x03\xe8\xff"))
BUILD (close_normal, FRAME (0x88, "\x03\xe8" "bye"))
BUILD (close_own_code, FRAME (0x88, "\x0f\xa1"))
BUILD (close_empty, FRAME (0x88, ""))

static const BadCase cases[] = {
  { "unmasked", unmasked, 1002 },
  { "unmasked-empty", unmasked_empty, 1002 },
  { "rsv1", rsv1, 1002 },
  { "rsv3", rsv3, 1002 },
  { "opcode-3", opcode_3, 1002 },
  { "opcode-b", opcode_b, 1002 },
  { "binary", binary, 1003 },
  { "long-ping", long_ping, 1002 },
  { "fragmented-ping", fragmented_ping, 1002 },
  { "lone-continuation", lone_continuation, 1002 },
  { "text-in-text", text_in_text, 1002 },
  { "too-big", too_big, 1009 },
  { "too-big-by-header", too_big_by_header, 1009 },
  { "too-big-in-pieces", too_big_in_pieces, 1009 },
  { "negative-length", negative_length, 1002 },
  { "length-not-minimal", length_not_minimal, 1002 },
  { "not-utf8", not_utf8, 1007 },
  { "cut-utf8", cut_utf8, 1007 },
  { "surrogate", surrogate, 1007 },
  { "overlong", overlong, 1007 },
  { "nul", nul, 1007 },
  { "close-of-one-byte", close_of_one_byte, 1002 },
  { "close-999", close_999, 1002 },
  { "close-1005", close_1005, 1002 },
  { "close-2999", close_2999, 1002 },
  { "close-bad-reason", close_bad_reason, 1007 },
  { "close-normal", close_normal, 1000 },
  { "close-own-code", close_own_code, 4001 },
  { "close-empty", close_empty, 0, 1005 },
};

/* In one piece, and byte by byte; always after a good message, whose answer must come first. */
static void
test_bad (gconstpointer data)
{
  const BadCase *bad = data;
  HubFixture fixture;

  hub_fixture_init (&fixture, NULL);
  for (guint step = 0; step < 2; step++)
    {
      g_autoptr (GByteArray) out = g_byte_array_new ();
      int client = hub_fixture_client (&fixture);

      client_frame (out, 0x81, "before", 6, TRUE);
      bad->build (out);
      if (step == 0)
        client_write (client, out->data, out->len);
      else
        for (guint i = 0; i < out->len; i++)
          client_write (client, out->data + i, 1);
      client_expect_text (client, "before");
      client_expect_close (client, bad->code);
      g_assert_cmpuint (hub_fixture_wait_closed (&fixture, step + 1), ==,
                        bad->closed != 0 ? bad->closed : bad->code);
    }
  hub_fixture_clear (&fixture);
}

/* A message behind the offence must not be looked at. */
static void
test_nothing_after_an_error (void)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  HubFixture fixture;
  DeskHubStats stats;
  int client;

  hub_fixture_init (&fixture, NULL);
  client = hub_fixture_client (&fixture);
  client_frame (out, 0x83, "bad", 3, TRUE);
  client_frame (out, 0x81, "after", 5, TRUE);
  client_write (client, out->data, out->len);
  client_expect_close (client, 1002);
  hub_fixture_wait_closed (&fixture, 1);
  desk_hub_get_stats (fixture.hub, &stats);
  g_assert_cmpuint (stats.messages_in, ==, 0);
  g_assert_cmpuint (stats.protocol_errors, ==, 1);
  g_assert_cmpuint (stats.sockets, ==, 0);
  hub_fixture_clear (&fixture);
}

static void
test_sizes (void)
{
  static const gsize sizes[] = { 0, 1, 125, 126, 127, 4095, 4096, 4097, MAX_MESSAGE };
  HubFixture fixture;
  int client;

  hub_fixture_init (&fixture, NULL);
  client = hub_fixture_client (&fixture);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *text = g_strnfill (sizes[i], (char) ('a' + i));

      client_text (client, text);
      client_expect_text (client, text);
    }
  close (client);
  g_assert_cmpuint (hub_fixture_wait_closed (&fixture, 1), ==, 1006);
  hub_fixture_clear (&fixture);
}

static void
test_ping_between_fragments (void)
{
  g_autoptr (GByteArray) payload = g_byte_array_new ();
  HubFixture fixture;
  int client;

  hub_fixture_init (&fixture, NULL);
  client = hub_fixture_client (&fixture);
  client_send (client, 0x01, "\xe2\x82", 2); /* cut within a character */
  client_send (client, 0x89, "are you there", 13);
  client_send (client, 0x00, "", 0);
  client_send (client, 0x8a, "unsolicited", 11);
  client_send (client, 0x80, "\xac", 1);
  g_assert_cmphex (client_read (client, payload), ==, 0x8a);
  g_assert_cmpmem (payload->data, payload->len, "are you there", 13);
  client_expect_text (client, "\xe2\x82\xac");
  close (client);
  hub_fixture_wait_closed (&fixture, 1);
  hub_fixture_clear (&fixture);
}

/* A stream of messages of any size, fragmented anywhere and arriving in any pieces: two clients at
 * once on one thread, so that their readers change hands. */
static void
append_message (GByteArray *out, const char *text)
{
  gsize left = strlen (text);
  guint8 opcode = 0x01;

  while (left > 0 && g_test_rand_int_range (0, 3) == 0)
    {
      gsize piece = (gsize) g_test_rand_int_range (0, (gint32) left + 1);

      client_frame (out, opcode, text, piece, TRUE);
      text += piece;
      left -= piece;
      opcode = 0;
    }
  client_frame (out, opcode | 0x80, text, left, TRUE);
}

static void
test_any_pieces (void)
{
  DeskHubOptions options = { .threads = 1 };
  GByteArray *streams[2] = { g_byte_array_new (), g_byte_array_new () };
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  HubFixture fixture;
  guint sent[2] = { 0 };
  int clients[2];

  hub_fixture_init (&fixture, &options);
  for (guint i = 0; i < 2; i++)
    clients[i] = hub_fixture_client (&fixture);
  for (guint i = 0; i < 200; i++)
    {
      gsize size = (gsize) g_test_rand_int_range (1, i % 20 == 0 ? 9000 : 200);

      g_ptr_array_add (texts, g_strnfill (size, (char) ('a' + i % 26)));
      append_message (streams[i % 2], g_ptr_array_index (texts, i));
    }
  while (sent[0] < streams[0]->len || sent[1] < streams[1]->len)
    for (guint i = 0; i < 2; i++)
      {
        guint piece = (guint) g_test_rand_int_range (1, 400);
        guint n = MIN (piece, streams[i]->len - sent[i]);

        client_write (clients[i], streams[i]->data + sent[i], n);
        sent[i] += n;
      }
  for (guint i = 0; i < texts->len; i++)
    client_expect_text (clients[i % 2], g_ptr_array_index (texts, i));
  for (guint i = 0; i < 2; i++)
    {
      close (clients[i]);
      g_byte_array_unref (streams[i]);
    }
  hub_fixture_wait_closed (&fixture, 2);
  hub_fixture_clear (&fixture);
}

/* More small messages at once than the queue holds: answered in turns, no overflow. */
static void
test_burst (void)
{
  DeskHubOptions options = { .max_queue_frames = 1000 };
  g_autoptr (GByteArray) out = g_byte_array_new ();
  HubFixture fixture;
  int client;

  hub_fixture_init (&fixture, &options);
  client = hub_fixture_client (&fixture);
  for (guint i = 0; i < 5000; i++)
    client_frame (out, 0x81, "x", 1, TRUE);
  client_write (client, out->data, out->len);
  for (guint i = 0; i < 5000; i++)
    client_expect_text (client, "x");
  close (client);
  hub_fixture_wait_closed (&fixture, 1);
  hub_fixture_clear (&fixture);
}

/* Bytes that came with the upgrade request, cut anywhere. */
static void
test_extra_bytes (void)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  HubFixture fixture;

  hub_fixture_init (&fixture, NULL);
  client_frame (out, 0x81, "first", 5, TRUE);
  client_frame (out, 0x81, "second", 6, TRUE);
  for (guint cut = 0; cut <= out->len; cut++)
    {
      int client, server;

      hub_fixture_connect (&fixture, &client, &server);
      g_assert_true (desk_hub_adopt (fixture.hub, server, out->data, cut, NULL, NULL, NULL));
      client_write (client, out->data + cut, out->len - cut);
      client_expect_text (client, "first");
      client_expect_text (client, "second");
      close (client);
      hub_fixture_wait_closed (&fixture, cut + 1);
    }
  hub_fixture_clear (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/hub/protocol/%s", cases[i].name);

      g_test_add_data_func (path, &cases[i], test_bad);
    }
  g_test_add_func ("/hub/protocol/nothing-after-an-error", test_nothing_after_an_error);
  g_test_add_func ("/hub/protocol/sizes", test_sizes);
  g_test_add_func ("/hub/protocol/ping-between-fragments", test_ping_between_fragments);
  g_test_add_func ("/hub/protocol/any-pieces", test_any_pieces);
  g_test_add_func ("/hub/protocol/burst", test_burst);
  g_test_add_func ("/hub/protocol/extra-bytes", test_extra_bytes);
  return g_test_run ();
}
