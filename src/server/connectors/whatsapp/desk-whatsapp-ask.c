/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* Questions to WhatsApp, and old payloads.
 * Invariants: nothing here changes anything at WhatsApp; no answer is trusted to have a shape. */

#include "server/connectors/whatsapp/desk-whatsapp-ask.h"

#include "server/connectors/meta/desk-meta-json.h"
#include "server/connectors/meta/desk-meta-webhook.h"
#include "server/connectors/whatsapp/desk-whatsapp-parse.h"
#include "server/connectors/whatsapp/desk-whatsapp-rules.h"
#include "server/connectors/whatsapp/desk-whatsapp-template.h"

#define NUMBER_FIELDS   "id,display_phone_number,verified_name,quality_rating"
#define TEMPLATE_FIELDS "name,language,status,category,components"
#define PAGE_SIZE       100
#define MAX_PAGES       100

char *
desk_whatsapp_number_path (const DeskConnection *connection)
{
  return g_strconcat (connection->account_id, "?fields=" NUMBER_FIELDS, NULL);
}

/* ── Payloads ───────────────────────────────────────────────────────────────────────────────── */
void
desk_whatsapp_read_payload (const DeskConnection *connection,
                            gint64 now_ms,
                            JsonNode *payload,
                            DeskInbound *inbound)
{
  DeskWhatsappContext context = { connection->chat_prefix != NULL ? connection->chat_prefix : "",
                                  connection->account_id, now_ms };
  g_autoptr (DeskWhatsappParsed) parsed = desk_whatsapp_parsed_new ();

  desk_whatsapp_parse (&context, payload, parsed);
  g_ptr_array_unref (inbound->items);
  inbound->items = g_ptr_array_ref (parsed->items);
  inbound->has_others = parsed->n_foreign > 0;
  if (parsed->n_foreign > 0)
    {
      inbound->problem
          = g_strdup ("It is for a phone number which is not that of this connection");
      g_info ("%s: a payload is for another phone number", connection->name);
    }
  else if (parsed->n_ignored > 0)
    g_info ("%s: %u changes of no interest were confirmed", connection->name, parsed->n_ignored);
}

DeskInbound *
desk_whatsapp_parse_raw (const DeskConnection *connection,
                         gint64 now_ms,
                         GBytes *raw,
                         GError **error)
{
  g_autoptr (JsonNode) root = desk_meta_payload_read (raw, error);
  DeskInbound *inbound;

  if (root == NULL)
    return NULL;
  inbound = desk_inbound_new (connection->name, DESK_SOURCE_WEBHOOK, raw);
  desk_whatsapp_read_payload (connection, now_ms, root, inbound);
  return inbound;
}

/* ── Check ──────────────────────────────────────────────────────────────────────────────────── */
typedef struct
{
  DeskMetaGraph *graph;
  DeskConnectionReport *report;
} Check;

static void
check_free (Check *check)
{
  desk_connection_report_free (check->report);
  g_free (check);
}

static void
end_check (GTask *task)
{
  Check *check = g_task_get_task_data (task);

  g_task_return_pointer (task, g_steal_pointer (&check->report),
                         (GDestroyNotify)desk_connection_report_free);
  g_object_unref (task);
}

static gboolean
report_failure (DeskConnectionReport *report, const DeskMetaReply *reply, const char *what)
{
  g_auto (DeskMetaVerdict) verdict = { 0 };

  desk_whatsapp_judge (reply, &verdict);
  if (verdict.ok)
    return FALSE;
  desk_connection_report_add (report, DESK_FINDING_PROBLEM,
                              desk_trouble_get_advice (verdict.trouble), "%s: %s", what,
                              verdict.reason);
  return TRUE;
}

static void
on_subscribed (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Check *check = g_task_get_task_data (task);
  g_autoptr (DeskMetaReply) reply = desk_meta_graph_finish (result);

  if (!report_failure (check->report, reply, "The business account cannot be read"))
    {
      if (desk_meta_length (desk_meta_array (reply->object, "data")) > 0)
        desk_connection_report_add (check->report, DESK_FINDING_OK, NULL,
                                    "An app is subscribed to the business account's webhooks");
      else
        desk_connection_report_add (check->report, DESK_FINDING_PROBLEM,
                                    "Subscribe the app: POST /WABA_ID/subscribed_apps",
                                    "No app is subscribed: WhatsApp delivers nothing");
    }
  end_check (task);
}

static void
report_number (DeskConnectionReport *report, JsonObject *number)
{
  const char *shown = desk_meta_string (number, "display_phone_number");
  const char *name = desk_meta_string (number, "verified_name");
  const char *quality = desk_meta_string (number, "quality_rating");

  desk_connection_report_add (report, DESK_FINDING_OK, NULL, "The number is %s (%s)",
                              shown != NULL ? shown : "unknown", name != NULL ? name : "no name");
  if (g_strcmp0 (quality, "RED") == 0 || g_strcmp0 (quality, "YELLOW") == 0)
    desk_connection_report_add (report, DESK_FINDING_NOTE,
                                "Write only to customers who want it: a low quality limits sending",
                                "Its quality rating is %s", quality);
}

static void
on_number (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Check *check = g_task_get_task_data (task);
  const DeskConnection *connection
      = desk_connector_get_connection (g_task_get_source_object (task));
  g_autoptr (DeskMetaReply) reply = desk_meta_graph_finish (result);
  g_autofree char *path = NULL;

  if (report_failure (check->report, reply, "The phone number cannot be read"))
    {
      end_check (task);
      return;
    }
  report_number (check->report, reply->object);
  if (connection->waba_id == NULL)
    {
      desk_connection_report_add (check->report, DESK_FINDING_NOTE,
                                  "Set waba_id, the id of the WhatsApp business account",
                                  "Templates are not available without waba_id");
      end_check (task);
      return;
    }
  path = g_strconcat (connection->waba_id, "/subscribed_apps", NULL);
  desk_meta_graph_get_async (check->graph, path, g_task_get_cancellable (task), on_subscribed,
                             task);
}

void
desk_whatsapp_check_async (DeskConnector *connector,
                           DeskMetaGraph *graph,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer data)
{
  GTask *task = g_task_new (connector, cancellable, callback, data);
  Check *check = g_new0 (Check, 1);
  g_autofree char *path = desk_whatsapp_number_path (desk_connector_get_connection (connector));

  g_task_set_source_tag (task, desk_whatsapp_check_async);
  g_task_set_check_cancellable (task, FALSE);
  check->graph = graph;
  check->report = desk_connection_report_new ();
  g_task_set_task_data (task, check, (GDestroyNotify)check_free);
  desk_meta_graph_get_async (graph, path, cancellable, on_number, task);
}

/* ── Templates ──────────────────────────────────────────────────────────────────────────────── */
typedef struct
{
  DeskMetaGraph *graph;
  GPtrArray *templates;
  guint pages;
} Listing;

static void
listing_free (Listing *listing)
{
  g_ptr_array_unref (listing->templates);
  g_free (listing);
}

static void ask_page (GTask *task, const char *after);

static void
on_page (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Listing *listing = g_task_get_task_data (task);
  g_autoptr (DeskMetaReply) reply = desk_meta_graph_finish (result);
  g_autoptr (DeskOutcome) outcome = desk_whatsapp_refusal (reply, 1);
  JsonArray *page = desk_meta_array (reply->object, "data");
  JsonObject *paging = desk_meta_object (reply->object, "paging");
  const char *after = desk_meta_string (desk_meta_object (paging, "cursors"), "after");

  if (outcome != NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", outcome->message);
      g_object_unref (task);
      return;
    }
  for (guint i = 0; i < desk_meta_length (page); i++)
    {
      DeskWhatsappTemplate *template = desk_whatsapp_template_parse (desk_meta_element (page, i));
      if (template != NULL)
        g_ptr_array_add (listing->templates, template);
    }
  /* the last page has cursors as well, but no "next" */
  if (after != NULL && desk_meta_string (paging, "next") != NULL && ++listing->pages < MAX_PAGES)
    {
      ask_page (task, after);
      return;
    }
  g_task_return_pointer (task, g_ptr_array_ref (listing->templates),
                         (GDestroyNotify)g_ptr_array_unref);
  g_object_unref (task);
}

static void
ask_page (GTask *task, const char *after)
{
  Listing *listing = g_task_get_task_data (task);
  const DeskConnection *connection
      = desk_connector_get_connection (g_task_get_source_object (task));
  g_autofree char *cursor = after != NULL ? g_uri_escape_string (after, NULL, FALSE) : NULL;
  g_autofree char *path = g_strdup_printf (
      "%s/message_templates?fields=" TEMPLATE_FIELDS "&status=APPROVED&limit=%d%s%s",
      connection->waba_id, PAGE_SIZE, cursor != NULL ? "&after=" : "",
      cursor != NULL ? cursor : "");

  desk_meta_graph_get_async (listing->graph, path, g_task_get_cancellable (task), on_page, task);
}

void
desk_whatsapp_templates_async (DeskConnector *connector,
                               DeskMetaGraph *graph,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer data)
{
  GTask *task = g_task_new (connector, cancellable, callback, data);
  Listing *listing = g_new0 (Listing, 1);

  g_task_set_source_tag (task, desk_whatsapp_templates_async);
  listing->graph = graph;
  listing->templates
      = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_whatsapp_template_free);
  g_task_set_task_data (task, listing, (GDestroyNotify)listing_free);
  if (desk_connector_get_connection (connector)->waba_id != NULL)
    {
      ask_page (task, NULL);
      return;
    }
  g_task_return_pointer (task, g_ptr_array_ref (listing->templates),
                         (GDestroyNotify)g_ptr_array_unref);
  g_object_unref (task);
}
