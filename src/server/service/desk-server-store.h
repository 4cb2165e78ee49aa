/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* What the rules need of a store; implemented by store/sqlite, later by store/postgres, each proven by the same
 * conformance suite. */

G_BEGIN_DECLS

typedef struct _DeskServerStore DeskServerStore;

G_END_DECLS
