/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What is fuzzed of the protocol: each takes any bytes and aborts when a property is broken. The
 * same functions run over the corpus in the normal suite, without libFuzzer. */

int desk_fuzz_event (const uint8_t *data, size_t size);
int desk_fuzz_rest (const uint8_t *data, size_t size); /* the first byte chooses the body */
int desk_fuzz_cursor (const uint8_t *data, size_t size);
int desk_fuzz_client (const uint8_t *data, size_t size);
