/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

#include "service-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

static void
on_published (gpointer data, const DeskLoggedEvent *const *events, gsize n)
{
  Fixture *self = data;
  g_mutex_lock (&self->mutex);
  for (gsize i = 0; i < n; i++)
    {
      gsize len;
      const char *text = g_bytes_get_data (events[i]->frame, &len);
      g_assert_cmpint (events[i]->seq, ==, self->last_seq + 1); /* dense, in order */
      self->last_seq = events[i]->seq;
      g_ptr_array_add (self->frames, g_strndup (text, len));
      if (events[i]->frame_level0 != NULL)
        {
          text = g_bytes_get_data (events[i]->frame_level0, &len);
          g_ptr_array_add (self->frames0, g_strndup (text, len));
        }
    }
  g_mutex_unlock (&self->mutex);
}

static void
on_ephemeral (gpointer data, GBytes *frame, GBytes *frame0)
{
  Fixture *self = data;
  gsize len;
  const char *text = g_bytes_get_data (frame, &len);
  g_mutex_lock (&self->mutex);
  g_ptr_array_add (self->ephemeral, g_strndup (text, len));
  g_mutex_unlock (&self->mutex);
}

static void
on_wanted (gpointer data)
{
  g_atomic_int_inc (&((Fixture *)data)->wakes);
}

static void
on_profile_wanted (gpointer data, const char *connection, const char *platform, const char *user_id)
{
  Fixture *self = data;
  g_mutex_lock (&self->mutex);
  g_string_append_printf (self->wanted, "%s/%s,", platform, user_id);
  g_mutex_unlock (&self->mutex);
}

static void
add_platforms (Fixture *self)
{
  g_autoptr (DeskPlatform) demo = desk_platform_new ("demo", "Demo");
  g_autoptr (DeskPlatform) whatsapp = desk_platform_new ("whatsapp", "WhatsApp");
  demo->text_limit = 100;
  demo->text_unit = DESK_TEXT_CHARS;
  demo->can_edit = demo->can_delete = demo->can_react = TRUE;
  whatsapp->text_limit = 4096;
  whatsapp->window_hours = 24;
  desk_service_add_platform (self->service, demo);
  desk_service_add_platform (self->service, whatsapp);
  desk_service_add_connection (self->service, "main", "demo", "");
}

void
fixture_open (Fixture *self)
{
  g_autoptr (GError) error = NULL;
  self->store = desk_store_sqlite_open (self->path, &self->store_options, &error);
  g_assert_no_error (error);
  DeskServiceOptions options = { .store = self->store,
                                 .clock = self->clock,
                                 .sink = { .data = self,
                                           .published = on_published,
                                           .delivery_wanted = on_wanted,
                                           .ephemeral = on_ephemeral,
                                           .profile_wanted = on_profile_wanted },
                                 .retention = self->retention };
  self->service = desk_service_new (&options, &error);
  g_assert_no_error (error);
  self->last_seq = desk_service_get_head (self->service, 0);
  add_platforms (self);
}

void
fixture_close (Fixture *self)
{
  desk_service_free (g_steal_pointer (&self->service));
  self->store->ops->close (self->store);
  self->store = NULL;
}

void
fixture_reopen (Fixture *self)
{
  fixture_close (self);
  fixture_open (self);
}

static DeskIdentity *
make_manager (Fixture *self, const char *username, DeskRole role)
{
  g_autoptr (GError) error = NULL;
  desk_service_add_user (self->service, username, username, role, NULL, &error);
  g_assert_no_error (error);
  g_autofree char *token = desk_service_create_token (self->service, username, &error);
  g_assert_no_error (error);
  DeskIdentity *who = desk_service_authenticate (self->service, token);
  g_assert_nonnull (who);
  return who;
}

void
fixture_setup (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  if (self->retention.keep_at_least == 0)
    self->retention = (DeskRetention) {
      .messages_per_chat = 100, .days = 30, .keep_at_least = 20, .events_days = 30
    };
  g_mutex_init (&self->mutex);
  self->frames = g_ptr_array_new_with_free_func (g_free);
  self->frames0 = g_ptr_array_new_with_free_func (g_free);
  self->wanted = g_string_new (NULL);
  self->ephemeral = g_ptr_array_new_with_free_func (g_free);
  self->clock = desk_clock_manual_new (START_MS);
  self->dir = g_dir_make_tmp ("desk-service-XXXXXX", &error);
  g_assert_no_error (error);
  self->path = g_build_filename (self->dir, "desk.db", NULL);
  fixture_open (self);
  self->anna = make_manager (self, "anna", DESK_ROLE_MANAGER);
  self->bert = make_manager (self, "bert", DESK_ROLE_MANAGER);
  self->robot = make_manager (self, "robot", DESK_ROLE_BOT);
}

void
fixture_teardown (Fixture *self, gconstpointer data)
{
  static const char *const suffixes[] = { "", "-wal", "-shm", ".epoch", NULL };
  if (self->service != NULL)
    fixture_close (self);
  desk_identity_unref (self->anna);
  desk_identity_unref (self->bert);
  desk_identity_unref (self->robot);
  for (guint i = 0; suffixes[i] != NULL; i++)
    {
      g_autofree char *name = g_strconcat (self->path, suffixes[i], NULL);
      g_unlink (name);
    }
  g_rmdir (self->dir);
  g_free (self->dir);
  g_free (self->path);
  g_string_free (self->wanted, TRUE);
  g_ptr_array_unref (self->frames);
  g_ptr_array_unref (self->frames0);
  g_ptr_array_unref (self->ephemeral);
  desk_clock_unref (self->clock);
  g_mutex_clear (&self->mutex);
}

void
fixture_clear_frames (Fixture *self)
{
  g_ptr_array_set_size (self->frames, 0);
  g_ptr_array_set_size (self->frames0, 0);
  g_ptr_array_set_size (self->ephemeral, 0);
}

char *
fixture_take_types (Fixture *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < self->frames->len; i++)
    {
      const char *frame = self->frames->pdata[i];
      g_autoptr (JsonNode) node = desk_json_parse (frame, strlen (frame), 1 << 20, NULL);
      g_assert_nonnull (node);
      g_string_append_printf (text, "%s%s", i > 0 ? "," : "",
                              json_object_get_string_member (json_node_get_object (node), "type"));
    }
  fixture_clear_frames (self);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* ── Waiting for writes ─────────────────────────────────────────────────────────────────────── */

typedef FixtureWait Wait;

void
fixture_wait_init (Wait *wait)
{
  memset (wait, 0, sizeof *wait);
  g_mutex_init (&wait->mutex);
  g_cond_init (&wait->cond);
}

DeskReply *
fixture_wait_end (Wait *wait)
{
  g_mutex_lock (&wait->mutex);
  while (!wait->finished)
    g_cond_wait (&wait->cond, &wait->mutex);
  g_mutex_unlock (&wait->mutex);
  g_mutex_clear (&wait->mutex);
  g_cond_clear (&wait->cond);
  return wait->reply;
}

void
fixture_on_reply (DeskReply *reply, gpointer data)
{
  Wait *wait = data;
  g_mutex_lock (&wait->mutex);
  wait->reply = reply;
  wait->finished = TRUE;
  g_cond_signal (&wait->cond);
  g_mutex_unlock (&wait->mutex);
}

static void
on_stored (gboolean stored, const GError *error, gpointer data)
{
  Wait *wait = data;
  g_mutex_lock (&wait->mutex);
  wait->stored = stored;
  wait->finished = TRUE;
  g_cond_signal (&wait->cond);
  g_mutex_unlock (&wait->mutex);
}

DeskReply *
fixture_send_full (Fixture *self,
                   DeskIdentity *who,
                   const char *platform,
                   const char *user_id,
                   const DeskSendRequest *request)
{
  Wait wait;
  fixture_wait_init (&wait);
  desk_service_send (self->service, who, platform, user_id, request, fixture_on_reply, &wait);
  fixture_wait_end (&wait);
  return wait.reply;
}

DeskReply *
fixture_send (Fixture *self,
              DeskIdentity *who,
              const char *user_id,
              const char *text,
              const char *key,
              gint64 seen_seq)
{
  DeskSendRequest request
      = { .text = (char *)text, .client_message_id = (char *)key, .seen_seq = seen_seq };
  return fixture_send_full (self, who, "demo", user_id, &request);
}

DeskReply *
fixture_mark_read (Fixture *self, DeskIdentity *who, const char *user_id, gint64 up_to)
{
  Wait wait;
  fixture_wait_init (&wait);
  desk_service_mark_read (self->service, who, "demo", user_id, up_to, fixture_on_reply, &wait);
  fixture_wait_end (&wait);
  return wait.reply;
}

DeskReply *
fixture_mark_unread (Fixture *self, DeskIdentity *who, const char *user_id)
{
  Wait wait;
  fixture_wait_init (&wait);
  desk_service_mark_unread (self->service, who, "demo", user_id, fixture_on_reply, &wait);
  fixture_wait_end (&wait);
  return wait.reply;
}

gboolean
fixture_ingest (Fixture *self, DeskInbound *inbound)
{
  Wait wait;
  fixture_wait_init (&wait);
  desk_service_ingest (self->service, inbound, on_stored, &wait);
  fixture_wait_end (&wait);
  return wait.stored;
}

DeskInbound *
fixture_inbound (DeskInboundType type,
                 const char *user_id,
                 const char *external_id,
                 const char *text,
                 DeskDirection direction)
{
  static gint counter;
  g_autoptr (GBytes) raw = g_bytes_new_static ("{}", 2);
  DeskInbound *inbound = desk_inbound_new ("main", DESK_SOURCE_POLL, raw);
  g_autofree char *key = type == DESK_INBOUND_MESSAGE
                             ? g_strdup_printf ("m:%s:%s", user_id, external_id)
                             : g_strdup_printf ("x:%d", g_atomic_int_add (&counter, 1));
  DeskInboundItem *item = desk_inbound_item_new (type, "demo", user_id, key);
  g_free (item->message->text);
  item->message->text = g_strdup (text != NULL ? text : "");
  item->message->direction = direction;
  item->message->external_id = g_strdup (external_id);
  item->message->created_at_ms = START_MS;
  item->message->user_name = g_strdup ("Customer");
  g_ptr_array_add (inbound->items, item);
  return inbound;
}

void
fixture_incoming (Fixture *self, const char *user_id, const char *external_id, const char *text)
{
  g_assert_true (fixture_ingest (self, fixture_inbound (DESK_INBOUND_MESSAGE, user_id, external_id,
                                                        text, DESK_DIRECTION_INCOMING)));
}

/* ── Answers ────────────────────────────────────────────────────────────────────────────────── */

JsonNode *
take_data (DeskReply *reply, guint status)
{
  g_autoptr (GError) error = NULL;
  if (reply->status != status)
    g_test_message ("%s", reply->body->str);
  g_assert_cmpuint (reply->status, ==, status);
  JsonNode *data = desk_wire_read_answer (reply->body->str, reply->body->len, NULL, &error);
  g_assert_no_error (error);
  desk_reply_free (reply);
  return data;
}

char *
take_code (DeskReply *reply)
{
  DeskFailure *failure
      = desk_wire_read_failure (reply->status, reply->body->str, reply->body->len, NULL);
  g_assert_cmpuint (desk_code_http_status (failure->code), ==, reply->status);
  char *code = g_strdup (failure->code_text);
  desk_failure_free (failure);
  desk_reply_free (reply);
  return code;
}

JsonObject *
fixture_chat (Fixture *self, DeskIdentity *who, const char *user_id, JsonNode **out_owner)
{
  *out_owner = take_data (desk_service_get_chat (self->service, who, "demo", user_id), 200);
  return json_node_get_object (*out_owner);
}

JsonArray *
fixture_messages (Fixture *self, const char *user_id, JsonNode **out_owner)
{
  *out_owner = take_data (desk_service_get_messages (self->service, self->anna, "demo", user_id,
                                                     1000, 0, -1, 0),
                          200);
  return json_node_get_array (*out_owner);
}
