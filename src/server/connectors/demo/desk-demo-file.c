/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* The files that customers of the demonstration send, made when they are asked for: a picture of
 * a few coloured shapes, a humming voice, a page of paper.
 * Invariant: pure; the same name gives the same bytes. */

#include "server/connectors/demo/desk-demo-file.h"

#include <gio/gio.h>
#include <string.h>

#define MAX_SIDE 640 /* pixels; a greater picture is made smaller */
#define WAV_RATE 8000
#define MAX_SOUND_MS 30000

static void
put_big32 (GByteArray *out, guint32 value)
{
  const guint32 big = GUINT32_TO_BE (value);

  g_byte_array_append (out, (const guint8 *)&big, 4);
}

static void
put_little32 (GByteArray *out, guint32 value)
{
  const guint32 little = GUINT32_TO_LE (value);

  g_byte_array_append (out, (const guint8 *)&little, 4);
}

static void
put_text (GByteArray *out, const char *text)
{
  g_byte_array_append (out, (const guint8 *)text, (guint)strlen (text));
}

/* ── Pictures (PNG, RFC 2083) ───────────────────────────────────────────────────────────────── */
static guint32
crc (const guint8 *data, gsize len)
{
  guint32 value = 0xffffffff;

  for (gsize i = 0; i < len; i++)
    {
      value ^= data[i];
      for (guint bit = 0; bit < 8; bit++)
        value = (value >> 1) ^ (value & 1 ? 0xedb88320 : 0);
    }
  return ~value;
}

static void
put_chunk (GByteArray *out, const char *kind, const guint8 *data, gsize len)
{
  put_big32 (out, (guint32)len);
  const guint start = out->len;
  put_text (out, kind);
  if (len > 0)
    g_byte_array_append (out, data, (guint)len);
  put_big32 (out, crc (out->data + start, out->len - start));
}

static GBytes *
deflate (const GByteArray *raw)
{
  g_autoptr (GZlibCompressor) zlib = g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, 6);
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable ();
  g_autoptr (GOutputStream) stream
      = g_converter_output_stream_new (memory, G_CONVERTER (zlib));

  g_output_stream_write_all (stream, raw->data, raw->len, NULL, NULL, NULL);
  g_output_stream_close (stream, NULL, NULL);
  return g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (memory));
}

typedef struct
{
  gint64 x, y, radius;
  guint8 colour[3];
} Disc;

/* A soft gradient with three discs on it. */
static void
paint (GByteArray *raw, gint64 width, gint64 height, guint seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  guint8 top[3], bottom[3];
  Disc discs[3];

  for (guint c = 0; c < 3; c++)
    {
      top[c] = (guint8)g_rand_int_range (rand, 120, 240);
      bottom[c] = (guint8)g_rand_int_range (rand, 40, 160);
    }
  for (guint i = 0; i < G_N_ELEMENTS (discs); i++)
    {
      discs[i].x = g_rand_int_range (rand, 0, (gint32)width);
      discs[i].y = g_rand_int_range (rand, 0, (gint32)height);
      discs[i].radius = g_rand_int_range (rand, 20, (gint32)(MIN (width, height) / 3 + 21));
      for (guint c = 0; c < 3; c++)
        discs[i].colour[c] = (guint8)g_rand_int_range (rand, 30, 250);
    }
  for (gint64 y = 0; y < height; y++)
    {
      const guint8 no_filter = 0;
      g_byte_array_append (raw, &no_filter, 1);
      for (gint64 x = 0; x < width; x++)
        {
          guint8 pixel[3];
          for (guint c = 0; c < 3; c++)
            pixel[c] = (guint8)(top[c] + (bottom[c] - top[c]) * y / height);
          for (guint i = 0; i < G_N_ELEMENTS (discs); i++)
            {
              const gint64 dx = x - discs[i].x, dy = y - discs[i].y;
              if (dx * dx + dy * dy < discs[i].radius * discs[i].radius)
                memcpy (pixel, discs[i].colour, 3);
            }
          g_byte_array_append (raw, pixel, 3);
        }
    }
}

static GBytes *
make_picture (guint seed, gint64 width, gint64 height)
{
  static const guint8 kind[] = { 8, 2, 0, 0, 0 }; /* 8 bits a channel, RGB */
  g_autoptr (GByteArray) raw = g_byte_array_new ();
  g_autoptr (GByteArray) header = g_byte_array_new ();
  GByteArray *png = g_byte_array_new ();
  const gint64 side = MAX (MAX (width, height), 1);

  if (side > MAX_SIDE)
    {
      width = width * MAX_SIDE / side;
      height = height * MAX_SIDE / side;
    }
  width = MAX (width, 64);
  height = MAX (height, 64);
  paint (raw, width, height, seed);
  g_autoptr (GBytes) packed = deflate (raw);

  put_big32 (header, (guint32)width);
  put_big32 (header, (guint32)height);
  g_byte_array_append (header, kind, sizeof kind);
  put_text (png, "\x89PNG\r\n\x1a\n");
  put_chunk (png, "IHDR", header->data, header->len);
  put_chunk (png, "IDAT", g_bytes_get_data (packed, NULL), g_bytes_get_size (packed));
  put_chunk (png, "IEND", NULL, 0);
  return g_byte_array_free_to_bytes (png);
}

/* ── Sounds ─────────────────────────────────────────────────────────────────────────────────── */
static GBytes *
make_sound (guint seed, gint64 duration_ms)
{
  const guint32 n = (guint32)(CLAMP (duration_ms, 500, MAX_SOUND_MS) * WAV_RATE / 1000);
  GByteArray *wav = g_byte_array_new ();
  gint level = 0, step = 3 + (gint)(seed % 3);

  put_text (wav, "RIFF");
  put_little32 (wav, 36 + n);
  put_text (wav, "WAVEfmt ");
  put_little32 (wav, 16);
  put_little32 (wav, 1 | 1 << 16); /* PCM, one channel */
  put_little32 (wav, WAV_RATE);
  put_little32 (wav, WAV_RATE);   /* bytes a second */
  put_little32 (wav, 1 | 8 << 16); /* bytes a sample, bits a sample */
  put_text (wav, "data");
  put_little32 (wav, n);
  for (guint32 i = 0; i < n; i++)
    {
      /* a triangle that swells and fades four times a second */
      const gint loud = 10 + (gint)((i / 100) % 20 < 10 ? (i / 100) % 10 : 9 - (i / 100) % 10) * 3;
      level += step;
      if (level > 40 || level < -40)
        step = -step;
      const guint8 sample = (guint8)(128 + level * loud / 40);
      g_byte_array_append (wav, &sample, 1);
    }
  return g_byte_array_free_to_bytes (wav);
}

/* ── Paper ──────────────────────────────────────────────────────────────────────────────────── */
static GBytes *
make_paper (const char *name)
{
  static const char *const objects[] = {
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font "
    "<< /F 5 0 R >> >> >>",
    NULL, /* what is on the page */
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
  };
  g_autoptr (GString) pdf = g_string_new ("%PDF-1.4\n");
  g_autofree char *words = g_str_to_ascii (name, "C");
  g_strdelimit (words, "()\\", ' ');
  g_autofree char *page = g_strdup_printf ("BT /F 24 Tf 72 740 Td (%s) Tj ET", words);
  gsize places[G_N_ELEMENTS (objects)];

  for (guint i = 0; i < G_N_ELEMENTS (objects); i++)
    {
      places[i] = pdf->len;
      if (objects[i] != NULL)
        g_string_append_printf (pdf, "%u 0 obj\n%s\nendobj\n", i + 1, objects[i]);
      else
        g_string_append_printf (
            pdf, "%u 0 obj\n<< /Length %" G_GSIZE_FORMAT " >>\nstream\n%s\nendstream\nendobj\n",
            i + 1, strlen (page), page);
    }
  const gsize table = pdf->len;
  g_string_append_printf (pdf, "xref\n0 %u\n0000000000 65535 f \n",
                          (guint)G_N_ELEMENTS (objects) + 1);
  for (guint i = 0; i < G_N_ELEMENTS (objects); i++)
    g_string_append_printf (pdf, "%010" G_GSIZE_FORMAT " 00000 n \n", places[i]);
  g_string_append_printf (pdf,
                          "trailer\n<< /Size %u /Root 1 0 R >>\nstartxref\n%" G_GSIZE_FORMAT
                          "\n%%%%EOF\n",
                          (guint)G_N_ELEMENTS (objects) + 1, table);
  return g_bytes_new (pdf->str, pdf->len);
}

GBytes *
desk_demo_file_make (
    const char *mime_type, const char *name, gint64 width, gint64 height, gint64 duration_ms)
{
  g_return_val_if_fail (mime_type != NULL && name != NULL, NULL);
  const guint seed = g_str_hash (name);

  if (strcmp (mime_type, "image/png") == 0)
    return make_picture (seed, width, height);
  if (strcmp (mime_type, "audio/x-wav") == 0)
    return make_sound (seed, duration_ms);
  if (strcmp (mime_type, "application/pdf") == 0)
    return make_paper (name);
  return NULL;
}
