/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* How long the daily cleanup leaves things: to the millisecond, by an injected clock. */

#include "common/desk-db.h"
#include "service-fixture.h"

#define DAY_MS G_GINT64_CONSTANT (86400000)

static gint64
count (Fixture *self, const char *sql)
{
  g_autoptr (GError) error = NULL;
  gint64 n = -1;
  DeskDb *db = desk_db_open (self->path, NULL, &error);
  g_assert_no_error (error);
  desk_db_query_int64 (db, sql, &n, &error);
  g_assert_no_error (error);
  desk_db_close (db);
  return n;
}

static void
on_cleaned (gint64 deleted, gpointer data)
{
  fixture_on_reply (desk_reply_new_failure (DESK_CODE_NOT_FOUND, "", NULL, -1, ""), data);
}

static void
clean (Fixture *self)
{
  FixtureWait wait;
  fixture_wait_init (&wait);
  desk_service_cleanup (self->service, on_cleaned, &wait);
  desk_reply_free (fixture_wait_end (&wait));
}

typedef struct
{
  const char *what; /* SQL: how many are left of the first day */
  int days;         /* for which they stay */
} Age;

static const Age ages[] = {
  { "SELECT count(*) FROM raw", 7 },
  { "SELECT count(*) FROM dedup", 30 },
  { "SELECT count(*) FROM events WHERE seq=1", 30 },
  { "SELECT count(*) FROM keys", 90 },
};

static void
test_ages (Fixture *self, gconstpointer data)
{
  const gint64 start_ms = desk_clock_now_ms (self->clock);

  fixture_incoming (self, "7", "e1", "hello");
  desk_reply_free (fixture_send (self, self->anna, "7", "hi", "key-1", -1));
  g_assert_cmpint (count (self, "SELECT count(*) FROM events"), >, 2); /* the newest always stays */
  for (gsize i = 0; i < G_N_ELEMENTS (ages); i++)
    {
      const gint64 end_ms = start_ms + ages[i].days * DAY_MS;
      desk_clock_manual_advance_ms (self->clock, end_ms - desk_clock_now_ms (self->clock));
      clean (self);
      g_test_message ("%s", ages[i].what);
      g_assert_cmpint (count (self, ages[i].what), ==, 1);
      if (i + 1 < G_N_ELEMENTS (ages) && ages[i + 1].days == ages[i].days)
        continue;
      desk_clock_manual_advance_ms (self->clock, 1);
      clean (self);
      for (gsize k = 0; k <= i; k++)
        g_assert_cmpint (count (self, ages[k].what), ==, 0);
      for (gsize k = i + 1; k < G_N_ELEMENTS (ages); k++)
        g_assert_cmpint (count (self, ages[k].what), ==, 1);
    }
  /* two messages are fewer than what each chat keeps, however old */
  g_assert_cmpint (count (self, "SELECT count(*) FROM messages"), ==, 2);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/service/ages", Fixture, NULL, fixture_setup, test_ages, fixture_teardown);
  return g_test_run ();
}
