/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* The table of platforms: the one place that lists them all. */

#include "server/connectors/desk-connectors.h"

#include "server/connectors/demo/desk-demo-connector.h"
#include "server/connectors/instagram/desk-instagram-connector.h"
#include "server/connectors/messenger/desk-messenger-connector.h"
#include "server/connectors/partner/desk-partner-connector.h"
#include "server/connectors/partner/desk-partner-options.h"
#include "server/connectors/telegram/desk-telegram-connector.h"
#include "server/connectors/whatsapp/desk-whatsapp-connector.h"

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
  { "partner", desk_partner_describe, desk_partner_connector_new },
  { "whatsapp", desk_whatsapp_describe, desk_whatsapp_connector_new },
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

static gboolean
is_partner (const char *platform)
{
  return g_strcmp0 (platform, "partner") == 0;
}

gboolean
desk_connectors_check_option (const char *platform,
                              const char *key,
                              const char *value,
                              const char **out_reason)
{
  g_return_val_if_fail (key != NULL && value != NULL && out_reason != NULL, FALSE);
  *out_reason = "is no key of this platform";
  if (!is_partner (platform) || !desk_partner_option_check (key, value, out_reason))
    return FALSE;
  if (g_str_equal (key, "partner") && !is_partner (value) && desk_connectors_knows (value))
    *out_reason = "must not be the name of another platform";
  return *out_reason == NULL;
}

const char *
desk_connectors_find_missing (const DeskConnection *connection)
{
  g_return_val_if_fail (connection != NULL, NULL);
  return is_partner (connection->platform) ? desk_partner_find_missing (connection) : NULL;
}

const char *
desk_connectors_get_name (const DeskConnection *connection)
{
  g_return_val_if_fail (connection != NULL, NULL);
  return is_partner (connection->platform) ? desk_partner_platform_name (connection)
                                           : connection->platform;
}

const DeskConnection *
desk_connectors_detect (GPtrArray *connections, const char *partner, const char *room_id)
{
  return desk_partner_detect (connections, partner, room_id);
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
