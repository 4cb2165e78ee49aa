/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-fuzz"

#include "config.h"

/* What reads a partner's JSON: any bytes as a push, as a page of messages, as a list of rooms, as
 * products and as a checkpoint. What comes out must be usable, and the same again the second time. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/desk-json.h"
#include "server/connectors/partner/desk-partner-parse.h"
#include "server/connectors/partner/desk-partner-state.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check (GPtrArray *items, GPtrArray *again)
{
  g_assert (items->len == again->len);
  for (guint i = 0; i < items->len; i++)
    {
      const DeskInboundItem *item = items->pdata[i], *other = again->pdata[i];
      g_assert (g_strcmp0 (item->dedup_key, other->dedup_key) == 0);
      g_assert (item->dedup_key != NULL && *item->dedup_key != '\0');
      g_assert (*item->message->user_id != '\0' && strlen (item->message->user_id) <= 256);
      g_assert (g_utf8_validate (item->message->text, -1, NULL));
      g_assert (item->message->created_at_ms > 0);
      g_assert (item->message->external_id != NULL);
    }
}

static void
read_rows (const DeskConnection *connection, JsonNode *root, DeskPartnerOption pointer)
{
  g_autoptr (GPtrArray) items
      = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_inbound_item_free);
  g_autoptr (GPtrArray) again
      = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_inbound_item_free);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GPtrArray) rows = desk_partner_parse_rows (connection, root, pointer);
      for (guint n = 1; n < rows->len; n++)
        g_assert (((DeskPartnerRow *)rows->pdata[n - 1])->time_ms
                  <= ((DeskPartnerRow *)rows->pdata[n])->time_ms);
      desk_partner_rows_to_items (connection, rows, NULL, NULL, G_GINT64_CONSTANT (1790000000000),
                                  i == 0 ? items : again);
    }
  check (items, again);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const DeskConnection connection
      = { .name = (char *)"m", .platform = (char *)"partner", .account_id = (char *)"77" };
  g_autoptr (JsonNode) root = desk_json_parse ((const char *)data, size, 1 << 20, NULL);
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_autoptr (DeskPartnerState) state = NULL;

  if (root == NULL)
    return 0;
  state = desk_partner_state_new (text);
  read_rows (&connection, root, DESK_PARTNER_PUSH);
  read_rows (&connection, root, DESK_PARTNER_MESSAGES);
  g_autoptr (GPtrArray) rooms = desk_partner_parse_rooms (&connection, root);
  for (guint i = 0; i < rooms->len; i++)
    {
      const DeskPartnerRoom *room = rooms->pdata[i];
      g_autoptr (DeskInboundItem) item = desk_partner_room_to_item (&connection, room);
      g_assert (*room->id != '\0' && item->message->user_id != NULL);
    }
  guint n;
  g_autofree char *products = desk_partner_parse_products (&connection, root, &n);
  g_assert (desk_json_scan (products, strlen (products), 1 << 22, NULL));
  return 0;
}
