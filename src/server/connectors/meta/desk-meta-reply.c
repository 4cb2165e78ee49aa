/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* An answer of the Graph API: its error envelope and what its headers tell of the load.
 * Invariants: pure; words never hold the token; whatever an answer holds, reading it succeeds. */

#include "server/connectors/meta/desk-meta-graph.h"

#include <string.h>

#include "common/desk-json.h"
#include "server/connectors/meta/desk-meta-json.h"
#include "server/connectors/meta/desk-meta-private.h"

#define MAX_HEADER   (16 * 1024)
#define MAX_WAIT_MIN (24 * 60)

DeskMetaReply *
desk_meta_reply_new (void)
{
  DeskMetaReply *self = g_new0 (DeskMetaReply, 1);

  self->retry_after_ms = -1;
  return self;
}

void
desk_meta_reply_free (DeskMetaReply *self)
{
  if (self == NULL)
    return;
  g_free (self->trouble);
  g_clear_pointer (&self->root, json_node_unref);
  g_free (self->words);
  g_free (self);
}

gboolean
desk_meta_reply_is_ok (const DeskMetaReply *self)
{
  return self->trouble == NULL && self->http_status >= 200 && self->http_status < 300
         && self->object != NULL && !self->has_error;
}

char *
desk_meta_without_token (const char *text, const char *token)
{
  if (token == NULL || *token == '\0' || strstr (text, token) == NULL)
    return g_strdup (text);
  g_auto (GStrv) parts = g_strsplit (text, token, -1);
  return g_strjoinv ("…", parts);
}

/* The most telling of the texts that an error may bear. */
static const char *
error_words (JsonObject *error)
{
  const char *words = desk_meta_string (error, "error_user_msg");

  if (words == NULL)
    words = desk_meta_string (desk_meta_object (error, "error_data"), "details");
  return words != NULL ? words : desk_meta_string (error, "message");
}

void
desk_meta_reply_read (DeskMetaReply *self, const char *text, gsize len, const char *token)
{
  JsonObject *error;
  const char *words;

  self->root = desk_json_parse (text != NULL ? text : "", len, DESK_META_MAX_ANSWER, NULL);
  self->object = desk_meta_node_object (self->root);
  error = desk_meta_object (self->object, "error");
  if (error == NULL)
    return;
  self->has_error = TRUE;
  self->code = desk_meta_int_or (error, "code", -1);
  self->subcode = desk_meta_int_or (error, "error_subcode", 0);
  self->is_transient = desk_meta_true (error, "is_transient");
  words = error_words (error);
  if (words != NULL)
    self->words = desk_meta_without_token (words, token);
}

static void
read_usage (DeskMetaReply *self, JsonObject *usage)
{
  static const char *const members[] = { "call_count", "total_cputime", "total_time" };
  gint64 minutes = desk_meta_int_or (usage, "estimated_time_to_regain_access", 0);

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      double percent = 0;
      if (desk_meta_double (usage, members[i], &percent) && percent > 0)
        self->load_percent = MAX (self->load_percent, (guint)MIN (percent, 1000));
    }
  if (minutes > 0)
    self->retry_after_ms
        = MAX (self->retry_after_ms, MIN (minutes, MAX_WAIT_MIN) * 60 * 1000);
}

/* X-App-Usage is one object of percentages, the other one has a list of them for each business. */
void
desk_meta_reply_read_load (DeskMetaReply *self, const char *header)
{
  g_autoptr (JsonNode) root
      = header != NULL ? desk_json_parse (header, strlen (header), MAX_HEADER, NULL) : NULL;
  JsonObject *object = desk_meta_node_object (root);
  g_autoptr (GList) names = object != NULL ? json_object_get_members (object) : NULL;

  if (object == NULL)
    return;
  read_usage (self, object);
  for (GList *l = names; l != NULL; l = l->next)
    {
      JsonArray *list = desk_meta_array (object, l->data);
      for (guint i = 0; i < desk_meta_length (list); i++)
        read_usage (self, desk_meta_element (list, i));
    }
}
