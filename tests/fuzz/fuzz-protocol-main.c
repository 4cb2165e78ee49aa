/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* libFuzzer's entry, compiled once a target with DESK_FUZZ_TARGET naming the function. */

#include "fuzz-protocol.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  return DESK_FUZZ_TARGET (data, size);
}
