/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define DESK_TYPE_DEMO (desk_demo_get_type ())
G_DECLARE_FINAL_TYPE (DeskDemo, desk_demo, DESK, DEMO, GObject)

/* A private backend with simulated customers: a child process on loopback with a throw-away store. It
 * ends with the object, and with this process whatever happens to it. Main thread. */
DeskDemo *desk_demo_new (void);
void desk_demo_start_async (DeskDemo *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
gboolean desk_demo_start_finish (DeskDemo *self, GAsyncResult *result, GError **error);
const char *desk_demo_get_url (DeskDemo *self);
const char *desk_demo_get_token (DeskDemo *self);
/* A folder below the throw-away one for the cache. */
const char *desk_demo_get_cache_dir (DeskDemo *self);
/* Ends the child and removes what it left. */
void desk_demo_stop (DeskDemo *self);

G_END_DECLS
