/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-file-store.h"

G_BEGIN_DECLS

/**
 * desk_files_open:
 * @folder: made if it is not there, mode 0700
 * @key_path: file of the signing key; made if it is not there, mode 0600
 * @error: #DeskFileStoreError
 *
 * Files below a folder, one each, named by their hash. What a crash left half-written is removed.
 * One process at a time: the lock of the data folder sees to that. Blocks.
 *
 * Returns: (transfer full): to be ended with its close()
 */
DeskFileStore *desk_files_open (const char *folder, const char *key_path, GError **error);

G_END_DECLS
