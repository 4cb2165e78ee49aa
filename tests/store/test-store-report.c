/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

#include "store-fixture.h"
#include "store/desk-store-report.h"

/* Counts and waiting times of a report, against a conversation worked out by hand. */

#define HOUR 3600000
#define START (G_GINT64_CONSTANT (1700000000) * 1000)

static void
on_report (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  DeskReport **out = data;

  *out = desk_store_report_finish (DESK_STORE (source), result, &error);
  g_assert_no_error (error);
}

static DeskReport *
report (Fixture *f, guint n_edges)
{
  gint64 edges[8];
  DeskReport *found = NULL;

  for (guint i = 0; i < n_edges; i++)
    edges[i] = START + i * 24 * (gint64) HOUR;
  desk_store_report_async (f->store, edges, n_edges, NULL, on_report, &found);
  while (found == NULL)
    g_main_context_iteration (NULL, TRUE);
  return found;
}

static DeskMessage *
say (const char *user_id, gint64 seq, gint64 at_ms, const char *who)
{
  DeskMessage *m = make_message (user_id, seq, 1, "words");
  gboolean in = g_str_equal (who, "customer");

  m->created_at_ms = START + at_ms;
  m->direction = in ? DESK_DIRECTION_INCOMING : DESK_DIRECTION_OUTGOING;
  m->in_seq = in ? seq : 0;
  m->sender = in ? DESK_SENDER_USER : g_str_equal (who, "bot") ? DESK_SENDER_BOT : DESK_SENDER_MANAGER;
  g_free (m->sender_id);
  m->sender_id = g_strdup (who);
  return m;
}

static void
page (Fixture *f, const char *user_id, GPtrArray *messages)
{
  DeskBatch *batch = desk_batch_new ();

  desk_batch_page (batch, P, user_id, messages, TRUE, TRUE);
  apply_quiet (f->store, batch);
}

static void
test_counts (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) one = make_messages (), two = make_messages ();
  g_autoptr (DeskReport) found = NULL;
  DeskMessage *note;
  DeskReportManager *manager;
  DeskReportPlatform *platform;

  /* newest first; asked at 1 h, the bot answers at once, ivan after 2 h more; asked at 30 h and 31 h, maria after 1 h more */
  g_ptr_array_add (one, say ("1", 7, 32 * HOUR, "maria"));
  g_ptr_array_add (one, say ("1", 6, 31 * HOUR, "customer"));
  g_ptr_array_add (one, say ("1", 5, 30 * HOUR, "customer"));
  note = say ("1", 4, 4 * HOUR, "ivan");
  note->is_private = TRUE;
  g_ptr_array_add (one, note);
  g_ptr_array_add (one, say ("1", 3, 3 * HOUR, "ivan"));
  g_ptr_array_add (one, say ("1", 2, 1 * HOUR + 1000, "bot"));
  g_ptr_array_add (one, say ("1", 1, 1 * HOUR, "customer"));
  page (f, "1", one);
  /* not answered; the second lies outside */
  g_ptr_array_add (two, say ("2", 2, 50 * HOUR, "ivan"));
  g_ptr_array_add (two, say ("2", 1, 47 * HOUR, "customer"));
  page (f, "2", two);

  found = report (f, 3);
  g_assert_cmpuint (found->n_spans, ==, 2);
  g_assert_cmpuint (found->chats, ==, 2);
  g_assert_cmpuint (found->total.incoming, ==, 4);
  g_assert_cmpuint (found->total.replies, ==, 2);
  g_assert_cmpuint (found->total.bots, ==, 1);
  g_assert_cmpuint (found->platforms->len, ==, 1);
  platform = g_ptr_array_index (found->platforms, 0);
  g_assert_cmpstr (platform->platform, ==, P);
  g_assert_cmpuint (platform->spans[0].incoming, ==, 1);
  g_assert_cmpuint (platform->spans[1].incoming, ==, 3);
  g_assert_cmpuint (platform->spans[1].replies, ==, 1);
  g_assert_cmpuint (found->first_replies->len, ==, 2);
  g_assert_cmpint (desk_report_quantile (found->first_replies, 0.5), ==, 2 * HOUR);
  g_assert_cmpint (desk_report_quantile (found->span_replies[1], 0.5), ==, 2 * HOUR);
  g_assert_cmpint (desk_report_quantile (found->span_replies[0], 0.9), ==, 2 * HOUR);
  g_assert_cmpuint (found->managers->len, ==, 2);
  manager = g_ptr_array_index (found->managers, 0);
  g_assert_cmpstr (manager->username, ==, "ivan");
  g_assert_cmpuint (manager->replies, ==, 1);
  g_assert_cmpuint (manager->chats, ==, 1);
}

static void
test_many (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskReport) found = NULL;

  /* more than two slices; a question a second and its answer 500 ms later */
  for (guint chat = 0; chat < 10; chat++)
    {
      g_autoptr (GPtrArray) messages = make_messages ();
      g_autofree char *user_id = g_strdup_printf ("%u", chat);

      for (gint64 i = 1000; i >= 1; i--)
        g_ptr_array_add (messages, say (user_id, i, i * 500, i % 2 ? "customer" : "ivan"));
      page (f, user_id, messages);
    }
  found = report (f, 2);
  g_assert_cmpuint (found->chats, ==, 10);
  g_assert_cmpuint (found->total.incoming, ==, 5000);
  g_assert_cmpuint (found->total.replies, ==, 5000);
  g_assert_cmpuint (found->first_replies->len, ==, 5000);
  g_assert_cmpint (desk_report_quantile (found->first_replies, 1), ==, 500);
}

static void
test_empty (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskReport) found = report (f, 5);

  g_assert_cmpuint (found->chats, ==, 0);
  g_assert_cmpuint (found->platforms->len, ==, 0);
  g_assert_cmpint (desk_report_quantile (found->first_replies, 0.5), ==, -1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/store/report/counts", Fixture, NULL, fixture_set_up, test_counts, fixture_tear_down);
  g_test_add ("/store/report/many", Fixture, NULL, fixture_set_up, test_many, fixture_tear_down);
  g_test_add ("/store/report/empty", Fixture, NULL, fixture_set_up, test_empty, fixture_tear_down);
  return g_test_run ();
}
