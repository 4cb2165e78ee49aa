/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>
#include <string.h>

/* Private to the model: an enum and its words in one array, indexed by the enum's value. An entry
 * may be NULL where a value has no word. */

static inline const char *
desk_words_to_string (const char *const *words, gsize n_words, guint value)
{
  g_return_val_if_fail (value < n_words, NULL);
  return words[value];
}

static inline gboolean
desk_words_from_string (const char *const *words, gsize n_words, const char *text, guint *out)
{
  if (text == NULL)
    return FALSE;
  for (gsize i = 0; i < n_words; i++)
    if (words[i] != NULL && strcmp (words[i], text) == 0)
      {
        *out = (guint)i;
        return TRUE;
      }
  return FALSE;
}

/* Defines desk_NAME_to_string() and desk_NAME_from_string() over the array `words`. */
#define DESK_DEFINE_WORDS(Type, name, words)                                                       \
  const char *desk_##name##_to_string (Type value)                                                 \
  {                                                                                                \
    return desk_words_to_string (words, G_N_ELEMENTS (words), (guint)value);                       \
  }                                                                                                \
                                                                                                   \
  gboolean desk_##name##_from_string (const char *text, Type *out)                                 \
  {                                                                                                \
    guint value;                                                                                   \
    if (!desk_words_from_string (words, G_N_ELEMENTS (words), text, &value))                       \
      return FALSE;                                                                                \
    *out = (Type)value;                                                                            \
    return TRUE;                                                                                   \
  }
