/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* Shared by the files of the Graph client. */

/* text with every occurrence of token as "…"; transfer full. */
char *desk_meta_without_token (const char *text, const char *token);

