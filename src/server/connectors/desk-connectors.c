/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* The table of platforms: the one place that lists them all. */

#include "server/connectors/desk-connectors.h"

#include "server/connectors/demo/desk-demo-connector.h"
#include "server/connectors/instagram/desk-instagram-connector.h"
#include "server/connectors/messenger/desk-messenger-connector.h"
#include "server/connectors/telegram/desk-telegram-connector.h"

static const struct
{
  const char *platform;
  const DeskPlatform *(*describe) (void);
  DeskConnector *(*create) (const DeskConnection *connection,
                            DeskConnectorHost *host,
                            GError **error);
} connectors[] = {
  { "telegram", desk_telegram_describe, desk_telegram_connector_new },
  { "instagram", desk_instagram_describe, desk_instagram_connector_new },
  { "messenger", desk_messenger_describe, desk_messenger_connector_new },
  { "demo", desk_demo_describe, desk_demo_connector_new },
};

static int
find (const char *platform)
{
  for (guint i = 0; i < G_N_ELEMENTS (connectors); i++)
    if (g_strcmp0 (connectors[i].platform, platform) == 0)
      return (int)i;
  return -1;
}

const char *const *
desk_connectors_list (void)
{
  static gsize once;
  static const char *names[G_N_ELEMENTS (connectors) + 1];

  if (g_once_init_enter (&once))
    {
      for (guint i = 0; i < G_N_ELEMENTS (connectors); i++)
        names[i] = connectors[i].platform;
      g_once_init_leave (&once, 1);
    }
  return names;
}

gboolean
desk_connectors_knows (const char *platform)
{
  return find (platform) >= 0;
}

const DeskPlatform *
desk_connectors_describe (const char *platform)
{
  int n = find (platform);

  return n >= 0 ? connectors[n].describe () : NULL;
}

DeskConnector *
desk_connectors_create (const DeskConnection *connection, DeskConnectorHost *host, GError **error)
{
  g_return_val_if_fail (connection != NULL && host != NULL, NULL);
  int n = find (connection->platform);

  if (n < 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "There is no platform “%s”",
                   connection->platform != NULL ? connection->platform : "");
      return NULL;
    }
  return connectors[n].create (connection, host, error);
}
