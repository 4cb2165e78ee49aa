/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* Simulated customers: a plan of what happens when, worked off by the host's clock.
 * Invariants: everything random comes from the host's random source and in an order that depends
 * on the plan alone, so that one seed gives one course of events; a send is always answered, at
 * the latest by stop(); ids are unique over restarts, since they begin with the time. */

#include "server/connectors/demo/desk-demo-connector.h"

#include <string.h>

#include "server/connectors/demo/desk-demo-file.h"
#include "server/connectors/demo/desk-demo-past.h"
#include "server/connectors/demo/desk-demo-story.h"
#include "server/service/desk-service.h"

#define STORY_CHECKPOINT  "story"
#define STORY_RETRY_MS    2000
#define SPONTANEOUS_MIN_S 20
#define SPONTANEOUS_MAX_S 60

typedef enum
{
  ACTION_STORY,
  ACTION_OUTCOME, /* of a send */
  ACTION_STATUS,
  ACTION_TYPING,
  ACTION_ANSWER,
  ACTION_SPONTANEOUS,
} ActionType;

typedef struct
{
  ActionType type;
  gint64 due_us;
  guint64 serial; /* orders what is due at the same time */
  guint person;
  DeskStatus status;
  char *external_id; /* of the shop's message */
  char *client_message_id;
  GTask *task;
} Action;

/* What a customer has said so far in this run. */
typedef struct
{
  guint n_answers;
  guint n_later;
  gboolean is_answering; /* an answer is planned: a second message does not bring a second one */
  char *last_said_id;
  char *last_said;
  char *last_heard_id;
} Memory;

struct _DeskDemoConnector
{
  DeskConnector parent_instance;

  const DeskDemoPerson *people;
  guint n_people;
  Memory *memories;
  GPtrArray *plan; /* of Action */
  guint64 serial;
  guint64 n_ids;
  guint timer;
  gboolean running;
  gint64 pace_min_ms; /* -1: nobody writes first */
  gint64 pace_max_ms;
};

G_DEFINE_FINAL_TYPE (DeskDemoConnector, desk_demo_connector, DESK_TYPE_CONNECTOR)

static void arm (DeskDemoConnector *self);

const DeskPlatform *
desk_demo_describe (void)
{
  static gsize once;
  static DeskPlatform *platform;

  if (g_once_init_enter (&once))
    {
      static const char *const statuses[] = { "sent", "delivered", "read", NULL };
      platform = desk_platform_new (DESK_DEMO_PLATFORM, "Demo");
      platform->text_limit = 4096;
      platform->text_unit = DESK_TEXT_CHARS;
      g_strfreev (platform->statuses);
      platform->statuses = g_strdupv ((char **)statuses);
      platform->can_reply = TRUE;
      platform->attachment_limit = 20 * 1024 * 1024;
      g_once_init_leave (&once, 1);
    }
  return platform;
}

static const DeskPlatform *
get_platform (DeskConnector *connector)
{
  return desk_demo_describe ();
}

static void
action_free (Action *action)
{
  g_free (action->external_id);
  g_free (action->client_message_id);
  g_clear_object (&action->task);
  g_free (action);
}

static DeskConnectorHost *
get_host (DeskDemoConnector *self)
{
  return desk_connector_get_host (DESK_CONNECTOR (self));
}

/* from and to in ms, both ends included */
static gint64
between (DeskDemoConnector *self, gint64 from, gint64 to)
{
  return from + (gint64)desk_random_below (get_host (self)->random, (guint64)(to - from + 1));
}

static Action *
plan (DeskDemoConnector *self, ActionType type, guint person, gint64 wait_ms)
{
  Action *action = g_new0 (Action, 1);

  action->type = type;
  action->person = person;
  action->due_us = desk_clock_monotonic_us (get_host (self)->clock) + wait_ms * 1000;
  action->serial = self->serial++;
  g_ptr_array_add (self->plan, action);
  return action;
}

static char *
new_id (DeskDemoConnector *self)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT "-%" G_GUINT64_FORMAT,
                          desk_clock_now_ms (get_host (self)->clock), self->n_ids++);
}

/* ── In ─────────────────────────────────────────────────────────────────────────────────────── */

static DeskInboundItem *
item_new (DeskDemoConnector *self, DeskInboundType type, guint person, const char *dedup_key)
{
  return desk_demo_item_new (type, &self->people[person],
                             desk_connector_get_connection (DESK_CONNECTOR (self))->chat_prefix,
                             dedup_key, desk_clock_now_ms (get_host (self)->clock));
}

static void
set_text (DeskMessage *message, const char *text)
{
  g_free (message->text);
  message->text = g_strdup (text);
}

static void
on_ingested (gboolean stored, const GError *error, gpointer data)
{
  if (!stored)
    g_warning ("The demonstration could not store an event: %s",
               error != NULL ? error->message : "no reason told");
}

static void
ingest (DeskDemoConnector *self, DeskInboundItem *item)
{
  const char *name = desk_connector_get_connection (DESK_CONNECTOR (self))->name;
  DeskInbound *inbound = desk_inbound_new (name, DESK_SOURCE_POLL, NULL);

  g_ptr_array_add (inbound->items, item);
  get_host (self)->ingest (get_host (self), inbound, on_ingested, NULL);
}

/* ── The back-story ─────────────────────────────────────────────────────────────────────────── */

static void
on_story_ingested (gboolean stored, const GError *error, gpointer data)
{
  g_autoptr (DeskDemoConnector) self = data;

  if (!self->running)
    return;
  if (stored)
    get_host (self)->set_health (get_host (self),
                                 desk_connector_get_connection (DESK_CONNECTOR (self))->name,
                                 DESK_HEALTH_OK, NULL);
  else
    {
      on_ingested (stored, error, NULL);
      plan (self, ACTION_STORY, 0, STORY_RETRY_MS);
    }
  arm (self);
}

/* All or nothing: the checkpoint is stored with the lines and says that they are there. */
static void
tell_story (DeskDemoConnector *self)
{
  const char *name = desk_connector_get_connection (DESK_CONNECTOR (self))->name;
  DeskInbound *inbound = desk_inbound_new (name, DESK_SOURCE_POLL, NULL);

  desk_demo_tell_past (desk_connector_get_connection (DESK_CONNECTOR (self))->chat_prefix,
                       desk_clock_now_ms (get_host (self)->clock), get_host (self)->random,
                       inbound->items);
  inbound->checkpoint = g_strdup (STORY_CHECKPOINT);
  get_host (self)->ingest (get_host (self), inbound, on_story_ingested, g_object_ref (self));
}

/* ── Files of the back-story ────────────────────────────────────────────────────────────────── */

static DeskStoredFile *
make_file (DeskDemoConnector *self, const DeskAttachment *wanted)
{
  DeskFileStore *files = get_host (self)->files;
  g_autoptr (GBytes) bytes = desk_demo_file_make (wanted->mime_type, wanted->filename,
                                                  wanted->width, wanted->height,
                                                  wanted->duration_ms);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskFileUpload) upload = NULL;
  gsize len;

  if (bytes == NULL || files == NULL)
    return NULL;
  const void *data = g_bytes_get_data (bytes, &len);
  upload = files->ops->begin (files, wanted->filename, (gint64)len, &error);
  if (upload != NULL && files->ops->append (upload, data, len, &error))
    {
      DeskStoredFile *file = files->ops->finish (g_steal_pointer (&upload), &error);
      if (file != NULL)
        return file;
    }
  g_message ("A file of the demonstration could not be made: %s", error->message);
  return NULL;
}

static void
fetch_files (DeskConnector *connector, const DeskMessage *message)
{
  DeskDemoConnector *self = DESK_DEMO_CONNECTOR (connector);

  for (guint i = 0; i < message->attachments->len; i++)
    {
      const DeskAttachment *wanted = g_ptr_array_index (message->attachments, i);
      if (g_strcmp0 (wanted->state, "pending") != 0)
        continue;
      g_autoptr (DeskStoredFile) file = make_file (self, wanted);
      DeskInboundItem *item
          = desk_inbound_item_new (DESK_INBOUND_ATTACHMENT, message->platform, message->user_id, NULL);
      DeskAttachment *told
          = file != NULL ? desk_attachment_new_stored (file) : desk_attachment_copy (wanted);
      g_free (told->state);
      told->state = g_strdup (file != NULL ? "ready" : "failed");
      g_free (told->external_id);
      told->external_id = g_strdup (wanted->external_id);
      told->duration_ms = wanted->duration_ms;
      item->message->external_id = g_strdup (message->external_id);
      g_ptr_array_add (item->message->attachments, told);
      ingest (self, item);
    }
}

/* ── Living ─────────────────────────────────────────────────────────────────────────────────── */

static void
say (DeskDemoConnector *self, guint person, const char *text, const char *quoted_id)
{
  Memory *memory = &self->memories[person];
  g_autofree char *id = new_id (self);
  DeskInboundItem *item = item_new (self, DESK_INBOUND_MESSAGE, person, id);

  item->message->external_id = g_strdup (id);
  set_text (item->message, text);
  item->reply_to_external_id = g_strdup (quoted_id);
  g_free (memory->last_said_id);
  memory->last_said_id = g_steal_pointer (&id);
  g_free (memory->last_said);
  memory->last_said = g_strdup (text);
  ingest (self, item);
}

static void
react (DeskDemoConnector *self, guint person, const char *external_id)
{
  static const char *const emoji[] = { "👍", "❤", "🙏", "🎉" };
  g_autofree char *key = new_id (self);
  DeskInboundItem *item = item_new (self, DESK_INBOUND_REACTION, person, key);

  item->message->external_id = g_strdup (external_id);
  g_ptr_array_add (item->message->reactions,
                   desk_reaction_new (emoji[between (self, 0, G_N_ELEMENTS (emoji) - 1)],
                                      self->people[person].user_id));
  ingest (self, item);
}

static void
edit (DeskDemoConnector *self, guint person)
{
  Memory *memory = &self->memories[person];
  g_autofree char *key = new_id (self);
  g_autofree char *text = g_strconcat (memory->last_said, " 🙏", NULL);
  DeskInboundItem *item = item_new (self, DESK_INBOUND_EDIT, person, key);

  item->message->external_id = g_strdup (memory->last_said_id);
  item->message->edited_at_ms = item->message->created_at_ms;
  set_text (item->message, text);
  ingest (self, item);
  g_clear_pointer (&memory->last_said_id, g_free); /* once is enough */
  g_clear_pointer (&memory->last_said, g_free);
}

static void
answer (DeskDemoConnector *self, const Action *action)
{
  const DeskDemoPerson *who = &self->people[action->person];
  Memory *memory = &self->memories[action->person];
  const char *text = who->answers[memory->n_answers];
  gboolean quotes = between (self, 1, 5) == 1;

  memory->is_answering = FALSE;
  if (text != NULL)
    memory->n_answers++;
  else
    text = who->thanks;
  if (between (self, 1, 6) == 1)
    react (self, action->person, action->external_id);
  say (self, action->person, text, quotes ? action->external_id : NULL);
}

static void
plan_spontaneous (DeskDemoConnector *self)
{
  if (self->pace_min_ms >= 0)
    plan (self, ACTION_SPONTANEOUS, 0, between (self, self->pace_min_ms, self->pace_max_ms));
}

static void
be_spontaneous (DeskDemoConnector *self)
{
  guint person = (guint)between (self, 0, self->n_people - 1);
  gint64 dice = between (self, 1, 100);
  Memory *memory = &self->memories[person];
  const char *const *later = self->people[person].later;

  if (dice <= 15 && memory->last_said_id != NULL)
    edit (self, person);
  else if (dice <= 30 && memory->last_heard_id != NULL)
    react (self, person, memory->last_heard_id);
  else
    {
      say (self, person, later[memory->n_later], NULL);
      if (later[++memory->n_later] == NULL)
        memory->n_later = 0;
    }
  plan_spontaneous (self);
}

static void
tell_status (DeskDemoConnector *self, const Action *action)
{
  g_autofree char *key
      = g_strconcat (action->external_id, ":", desk_status_to_string (action->status), NULL);
  DeskInboundItem *item = item_new (self, DESK_INBOUND_STATUS, action->person, key);

  item->message->external_id = g_strdup (action->external_id);
  item->message->client_message_id = g_strdup (action->client_message_id);
  item->message->status = action->status;
  ingest (self, item);
}

static void
return_outcome (Action *action)
{
  DeskOutcome *outcome = desk_outcome_new (DESK_OUTCOME_SENT, NULL, NULL);

  outcome->external_id = g_strdup (action->external_id);
  g_task_return_pointer (action->task, outcome, (GDestroyNotify)desk_outcome_free);
}

static void
run_action (DeskDemoConnector *self, Action *action)
{
  switch (action->type)
    {
    case ACTION_STORY:
      tell_story (self);
      break;
    case ACTION_OUTCOME:
      return_outcome (action);
      break;
    case ACTION_STATUS:
      tell_status (self, action);
      break;
    case ACTION_TYPING:
      ingest (self, item_new (self, DESK_INBOUND_TYPING, action->person, NULL));
      break;
    case ACTION_ANSWER:
      answer (self, action);
      break;
    case ACTION_SPONTANEOUS:
      be_spontaneous (self);
      break;
    }
}

/* The next action, by due time and then in the order of planning. */
static guint
find_next (DeskDemoConnector *self)
{
  guint best = G_MAXUINT;

  for (guint i = 0; i < self->plan->len; i++)
    {
      const Action *action = g_ptr_array_index (self->plan, i);
      const Action *first = best != G_MAXUINT ? g_ptr_array_index (self->plan, best) : NULL;
      if (first == NULL || action->due_us < first->due_us
          || (action->due_us == first->due_us && action->serial < first->serial))
        best = i;
    }
  return best;
}

gint64
desk_demo_connector_run_due (DeskDemoConnector *self)
{
  g_return_val_if_fail (DESK_IS_DEMO_CONNECTOR (self), -1);
  gint64 now_us = desk_clock_monotonic_us (get_host (self)->clock);

  while (self->running)
    {
      guint next = find_next (self);
      if (next == G_MAXUINT)
        return -1;
      Action *action = g_ptr_array_index (self->plan, next);
      if (action->due_us > now_us)
        return action->due_us;
      action = g_ptr_array_steal_index (self->plan, next);
      run_action (self, action);
      action_free (action);
    }
  return -1;
}

static gboolean
on_timer (gpointer data)
{
  DeskDemoConnector *self = data;

  self->timer = 0;
  g_object_ref (self);
  desk_demo_connector_run_due (self);
  arm (self);
  g_object_unref (self);
  return G_SOURCE_REMOVE;
}

static void
arm (DeskDemoConnector *self)
{
  guint next = find_next (self);
  gint64 wait_ms;

  g_clear_handle_id (&self->timer, g_source_remove);
  if (!self->running || next == G_MAXUINT)
    return;
  wait_ms = (((Action *)g_ptr_array_index (self->plan, next))->due_us
             - desk_clock_monotonic_us (get_host (self)->clock) + 999)
            / 1000;
  self->timer = g_timeout_add ((guint)CLAMP (wait_ms, 1, G_MAXINT32), on_timer, self);
}

/* ── Out ────────────────────────────────────────────────────────────────────────────────────── */

static guint
find_person (DeskDemoConnector *self, const char *user_id)
{
  const char *prefix = desk_connector_get_connection (DESK_CONNECTOR (self))->chat_prefix;
  gsize len = prefix != NULL ? strlen (prefix) : 0;

  if (len > 0 && !g_str_has_prefix (user_id, prefix))
    return G_MAXUINT;
  for (guint i = 0; i < self->n_people; i++)
    if (g_str_equal (self->people[i].user_id, user_id + len))
      return i;
  return G_MAXUINT;
}

static void
plan_status (DeskDemoConnector *self,
             guint person,
             const char *external_id,
             const DeskMessage *message,
             DeskStatus status,
             gint64 wait_ms)
{
  Action *action = plan (self, ACTION_STATUS, person, wait_ms);

  action->status = status;
  action->external_id = g_strdup (external_id);
  action->client_message_id = g_strdup (message->client_message_id);
}

/* sent → delivered → read → typing → an answer, 1.5 to 4 s after the message */
static void
plan_course (DeskDemoConnector *self, guint person, const DeskMessage *message, GTask *task)
{
  Memory *memory = &self->memories[person];
  g_autofree char *id = new_id (self);
  Action *action = plan (self, ACTION_OUTCOME, person, between (self, 150, 300));

  action->task = task;
  action->external_id = g_strdup (id);
  plan_status (self, person, id, message, DESK_STATUS_DELIVERED, between (self, 450, 700));
  plan_status (self, person, id, message, DESK_STATUS_READ, between (self, 750, 1200));
  if (!memory->is_answering)
    {
      memory->is_answering = TRUE;
      plan (self, ACTION_TYPING, person, between (self, 1250, 1450));
      action = plan (self, ACTION_ANSWER, person, between (self, 1500, 4000));
      action->external_id = g_strdup (id);
    }
  g_free (memory->last_heard_id);
  memory->last_heard_id = g_steal_pointer (&id);
}

static void
send_async (DeskConnector *connector,
            const DeskOutbound *outbound,
            GCancellable *cancellable,
            GAsyncReadyCallback callback,
            gpointer data)
{
  DeskDemoConnector *self = DESK_DEMO_CONNECTOR (connector);
  GTask *task = g_task_new (self, cancellable, callback, data);
  guint person = find_person (self, outbound->message->user_id);
  DeskOutcome *outcome = NULL;

  g_task_set_source_tag (task, send_async);
  g_task_set_check_cancellable (task, FALSE);
  if (!self->running)
    outcome = desk_outcome_new (DESK_OUTCOME_NOT_CONNECTED, NULL, "The demonstration has stopped");
  else if (person == G_MAXUINT)
    outcome = desk_outcome_new (DESK_OUTCOME_PERMANENT, "404", "There is no such customer");
  else if (self->people[person].is_blocked)
    outcome = desk_outcome_new (DESK_OUTCOME_PERMANENT, "403", "The customer blocked this shop");
  else if (outbound->operation != DESK_OPERATION_SEND) /* nobody here looks back at what was */
    outcome = desk_outcome_new (DESK_OUTCOME_SENT, NULL, NULL);
  if (outcome != NULL)
    {
      g_task_return_pointer (task, outcome, (GDestroyNotify)desk_outcome_free);
      g_object_unref (task);
      return;
    }
  plan_course (self, person, outbound->message, task);
  arm (self);
}

static DeskOutcome *
send_finish (DeskConnector *connector, GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */

static void
read_pace (DeskDemoConnector *self)
{
  const char *mode = desk_connector_get_connection (DESK_CONNECTOR (self))->mode;
  const char *text = g_getenv ("FRONTDESK_DEMO_PACE_S");
  gint64 seconds;

  self->pace_min_ms = SPONTANEOUS_MIN_S * 1000;
  self->pace_max_ms = SPONTANEOUS_MAX_S * 1000;
  if (text != NULL && g_ascii_string_to_signed (text, 10, 0, 86400, &seconds, NULL))
    {
      self->pace_min_ms = seconds * 500;
      self->pace_max_ms = seconds * 1500;
      if (seconds == 0)
        self->pace_min_ms = -1;
    }
  if (g_strcmp0 (mode, "quiet") == 0)
    self->pace_min_ms = -1;
}

static void
start (DeskConnector *connector)
{
  DeskDemoConnector *self = DESK_DEMO_CONNECTOR (connector);
  DeskConnectorHost *host = get_host (self);
  const char *name = desk_connector_get_connection (connector)->name;
  g_autofree char *checkpoint = NULL;

  if (self->running)
    return;
  self->running = TRUE;
  read_pace (self);
  checkpoint = host->get_checkpoint (host, name);
  if (checkpoint == NULL)
    {
      host->set_health (host, name, DESK_HEALTH_STARTING, NULL);
      plan (self, ACTION_STORY, 0, 0);
    }
  else
    host->set_health (host, name, DESK_HEALTH_OK, NULL);
  plan_spontaneous (self);
  arm (self);
}

static void
stop (DeskConnector *connector)
{
  DeskDemoConnector *self = DESK_DEMO_CONNECTOR (connector);

  self->running = FALSE;
  g_clear_handle_id (&self->timer, g_source_remove);
  for (guint i = 0; i < self->plan->len; i++)
    {
      Action *action = g_ptr_array_index (self->plan, i);
      if (action->task != NULL)
        g_task_return_pointer (action->task,
                               desk_outcome_new (DESK_OUTCOME_NOT_CONNECTED, NULL,
                                                 "The demonstration has stopped"),
                               (GDestroyNotify)desk_outcome_free);
    }
  g_ptr_array_set_size (self->plan, 0);
  for (guint i = 0; i < self->n_people; i++)
    self->memories[i].is_answering = FALSE;
}

static void
desk_demo_connector_finalize (GObject *object)
{
  DeskDemoConnector *self = DESK_DEMO_CONNECTOR (object);

  stop (DESK_CONNECTOR (self));
  for (guint i = 0; i < self->n_people; i++)
    {
      g_free (self->memories[i].last_said_id);
      g_free (self->memories[i].last_said);
      g_free (self->memories[i].last_heard_id);
    }
  g_free (self->memories);
  g_ptr_array_unref (self->plan);
  G_OBJECT_CLASS (desk_demo_connector_parent_class)->finalize (object);
}

static void
desk_demo_connector_class_init (DeskDemoConnectorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  DeskConnectorClass *connector_class = DESK_CONNECTOR_CLASS (klass);

  object_class->finalize = desk_demo_connector_finalize;
  connector_class->get_platform = get_platform;
  connector_class->start = start;
  connector_class->stop = stop;
  connector_class->fetch_files = fetch_files;
  connector_class->send_async = send_async;
  connector_class->send_finish = send_finish;
}

static void
desk_demo_connector_init (DeskDemoConnector *self)
{
  self->people = desk_demo_people (&self->n_people);
  self->memories = g_new0 (Memory, self->n_people);
  self->plan = g_ptr_array_new_with_free_func ((GDestroyNotify)action_free);
}

DeskConnector *
desk_demo_connector_new (const DeskConnection *connection, DeskConnectorHost *host, GError **error)
{
  g_return_val_if_fail (connection != NULL && host != NULL, NULL);
  return g_object_new (DESK_TYPE_DEMO_CONNECTOR, "connection", connection, "host", host, NULL);
}
