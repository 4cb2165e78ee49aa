/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

#include "store-fixture.h"

/* Intents that change a chat, a message or a profile: what is shown is the server's value with those that wait on top,
 * whatever the server tells meanwhile, and the server's value again when they are refused, discarded or done. */

static gint64
add (Fixture *f, const DeskOutboxEntry *entry)
{
  g_autoptr (DeskBatchResult) result = NULL;
  DeskBatch *batch = desk_batch_new ();

  desk_batch_outbox_add (batch, entry, FALSE);
  result = apply (f->store, batch);
  g_assert_cmpuint (result->added_local_ids->len, ==, 1);
  return g_array_index (result->added_local_ids, gint64, 0);
}

/* Takes change. */
static gint64
add_chat_change (Fixture *f, DeskChatChange *change)
{
  DeskOutboxEntry *entry = desk_outbox_entry_new (DESK_INTENT_CHAT, P, U);
  gint64 id;

  entry->change = change;
  id = add (f, entry);
  desk_outbox_entry_free (entry);
  return id;
}

static gint64
assign (Fixture *f, const char *username)
{
  DeskChatChange *change = desk_chat_change_new ();

  desk_chat_change_set_assignee (change, username);
  return add_chat_change (f, change);
}

static gint64
set_chat_state (Fixture *f, DeskChatState state, gint64 until_ms)
{
  DeskChatChange *change = desk_chat_change_new ();

  desk_chat_change_set_state (change, state, until_ms);
  return add_chat_change (f, change);
}

static gint64
label (Fixture *f, const char *plus, const char *minus)
{
  DeskChatChange *change = desk_chat_change_new ();

  if (plus != NULL)
    desk_chat_change_add_label (change, plus);
  if (minus != NULL)
    desk_chat_change_remove_label (change, minus);
  return add_chat_change (f, change);
}

static gint64
add_to_message (Fixture *f, DeskIntent intent, const char *id, const char *text)
{
  DeskOutboxEntry *entry = desk_outbox_entry_new (intent, P, U);
  gint64 local_id;

  entry->message_id = g_strdup (id);
  g_free (entry->text);
  entry->text = g_strdup (text ? text : "");
  local_id = add (f, entry);
  desk_outbox_entry_free (entry);
  return local_id;
}

static void
set_state (Fixture *f, gint64 id, DeskOutboxState state)
{
  DeskBatch *batch = desk_batch_new ();

  desk_batch_outbox_state (batch, id, state, "CODE", "why");
  apply_quiet (f->store, batch);
}

static void
discard (Fixture *f, gint64 id)
{
  DeskBatch *batch = desk_batch_new ();

  desk_batch_outbox_discard (batch, id);
  apply_quiet (f->store, batch);
}

static guint
count_outbox (Fixture *f)
{
  g_autoptr (GPtrArray) list = desk_store_list_outbox (f->store, NULL);

  return list->len;
}

static DeskOutboxEntry *
get_entry (Fixture *f, gint64 id)
{
  g_autoptr (GPtrArray) list = desk_store_list_outbox (f->store, NULL);

  for (guint i = 0; i < list->len; i++)
    if (((DeskOutboxEntry *) g_ptr_array_index (list, i))->local_id == id)
      return desk_outbox_entry_copy (g_ptr_array_index (list, i));
  return NULL;
}

static void
tell (Fixture *f, gint64 rev, const char *assignee, DeskChatState state, const char *labels)
{
  g_autoptr (DeskChat) chat = make_chat (U, rev, 3, 2);
  DeskBatch *batch = desk_batch_new ();

  g_free (chat->assignee);
  chat->assignee = g_strdup (assignee);
  chat->state = state;
  g_strfreev (chat->labels);
  chat->labels = g_strsplit (labels, ",", -1);
  desk_batch_chat (batch, chat);
  apply_quiet (f->store, batch);
}

static guint
count_filtered (Fixture *f, const char *assignee, int state, const char *wanted)
{
  DeskChatQuery query = { .assignee = assignee, .state = state, .label = wanted };
  g_autoptr (GPtrArray) rows = desk_store_list_chats (f->store, &query, NULL);

  g_assert_nonnull (rows);
  return rows->len;
}

static char *
shown (Fixture *f)
{
  g_autoptr (DeskChatRow) row = get_row (f->store, U);
  g_autofree char *labels = g_strjoinv (",", row->chat->labels);

  return g_strdup_printf ("%s %s %s %s", row->chat->assignee ? row->chat->assignee : "-",
                          desk_chat_state_to_string (row->chat->state), *labels ? labels : "-",
                          row->chat->personal.muted ? "muted" : "loud");
}

static void
assert_shown (Fixture *f, const char *expected)
{
  g_autofree char *text = shown (f);

  g_assert_cmpstr (text, ==, expected);
}

/* ── Chats ──────────────────────────────────────────────────────────────────────────────────── */

static void
test_overlay (Fixture *f, gconstpointer data)
{
  gint64 id;

  tell (f, 1, NULL, DESK_CHAT_STATE_OPEN, "late");
  assert_shown (f, "- open late loud");
  id = assign (f, "ivan");
  assert_shown (f, "ivan open late loud");
  g_assert_cmpuint (count_filtered (f, "ivan", -1, NULL), ==, 1);
  g_assert_cmpuint (count_filtered (f, "", -1, NULL), ==, 0);
  /* A colleague does something else meanwhile: both show. */
  tell (f, 2, NULL, DESK_CHAT_STATE_RESOLVED, "late,vip");
  assert_shown (f, "ivan resolved late,vip loud");
  /* A colleague assigns it to himself: ours is on top until the server has spoken. */
  tell (f, 3, "petra", DESK_CHAT_STATE_RESOLVED, "vip");
  assert_shown (f, "ivan resolved vip loud");
  fixture_reopen (f);
  assert_shown (f, "ivan resolved vip loud");
  set_state (f, id, DESK_OUTBOX_FAILED);
  assert_shown (f, "petra resolved vip loud");
  g_assert_cmpuint (count_filtered (f, "petra", DESK_CHAT_STATE_RESOLVED, "vip"), ==, 1);
  {
    g_autoptr (DeskChatRow) row = get_row (f->store, U);

    g_assert_cmpuint (row->attention, ==, 1);
  }
  discard (f, id);
  assert_shown (f, "petra resolved vip loud");
  check_cache (f->dir);
}

static void
test_done (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskChat) answer = make_chat (U, 5, 3, 2);
  DeskBatch *batch = desk_batch_new ();
  gint64 id;

  tell (f, 4, NULL, DESK_CHAT_STATE_OPEN, "");
  id = set_chat_state (f, DESK_CHAT_STATE_SNOOZED, 9000);
  {
    g_autoptr (DeskChatRow) row = get_row (f->store, U);

    g_assert_cmpint (row->chat->snoozed_until_ms, ==, 9000);
  }
  answer->state = DESK_CHAT_STATE_SNOOZED;
  answer->snoozed_until_ms = 10000; /* the server rounds it */
  desk_batch_outbox_done_chat (batch, id, answer);
  apply_quiet (f->store, batch);
  {
    g_autoptr (DeskChatRow) row = get_row (f->store, U);

    g_assert_cmpint (row->chat->state, ==, DESK_CHAT_STATE_SNOOZED);
    g_assert_cmpint (row->chat->snoozed_until_ms, ==, 10000);
  }
  g_assert_cmpuint (count_outbox (f), ==, 0);
}

static void
test_merge (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskOutboxEntry) entry = NULL;
  gint64 id;

  tell (f, 7, "petra", DESK_CHAT_STATE_OPEN, "late");
  assign (f, "ivan");
  label (f, "vip", "late");
  set_chat_state (f, DESK_CHAT_STATE_RESOLVED, 0);
  label (f, "late", "vip");
  id = assign (f, NULL);
  assert_shown (f, "- resolved late loud");
  g_assert_cmpuint (count_outbox (f), ==, 1);
  entry = get_entry (f, id);
  g_assert_cmpint (entry->base_rev, ==, 7);
  g_assert_cmpuint (entry->change->fields, ==, DESK_CHAT_CHANGE_ASSIGNEE | DESK_CHAT_CHANGE_STATE);
  g_assert_null (entry->change->assignee);
  g_assert_cmpstr (entry->change->add_labels[0], ==, "late");
  g_assert_cmpstr (entry->change->remove_labels[0], ==, "vip");
  /* What was seen is what the server had, not our own first wish. */
  g_assert_cmpstr (entry->seen->assignee, ==, "petra");
  /* One on its way is left alone. */
  {
    DeskBatch *batch = desk_batch_new ();

    desk_batch_outbox_attempt (batch, id);
    apply_quiet (f->store, batch);
  }
  assign (f, "olga");
  g_assert_cmpuint (count_outbox (f), ==, 2);
  assert_shown (f, "olga resolved late loud");
}

static void
test_superseded (Fixture *f, gconstpointer data)
{
  gint64 first;

  tell (f, 1, NULL, DESK_CHAT_STATE_OPEN, "");
  first = assign (f, "ivan");
  set_state (f, first, DESK_OUTBOX_FAILED);
  set_chat_state (f, DESK_CHAT_STATE_RESOLVED, 0);
  g_assert_cmpuint (count_outbox (f), ==, 2); /* says another thing */
  assign (f, "olga");
  g_assert_cmpuint (count_outbox (f), ==, 1); /* the failed one is answered */
  assert_shown (f, "olga resolved - loud");
}

static void
test_collisions (void)
{
  g_autoptr (DeskChatChange) mine = desk_chat_change_new ();
  g_autoptr (DeskChat) before = make_chat (U, 1, 1, 1);
  g_autoptr (DeskChat) now = make_chat (U, 2, 1, 1);
  g_autoptr (DeskChatChange) seen = NULL;

  g_free (before->metadata);
  before->metadata = g_strdup ("{\"price\":1,\"item\":\"coat\"}");
  desk_chat_change_set_assignee (mine, "ivan");
  desk_chat_change_set_metadata (mine, "{\"price\":2}");
  seen = desk_chat_change_snapshot (mine, before);
  g_free (now->metadata);
  now->metadata = g_strdup ("{\"price\":1,\"item\":\"hat\"}");
  now->state = DESK_CHAT_STATE_RESOLVED;
  g_assert_false (desk_chat_change_collides (mine, seen, now)); /* other fields, other members */
  now->assignee = g_strdup ("ivan");
  g_assert_false (desk_chat_change_collides (mine, seen, now)); /* to the same value */
  g_free (now->assignee);
  now->assignee = g_strdup ("petra");
  g_assert_true (desk_chat_change_collides (mine, seen, now));
  g_clear_pointer (&now->assignee, g_free);
  g_free (now->metadata);
  now->metadata = g_strdup ("{\"price\":3,\"item\":\"coat\"}");
  g_assert_true (desk_chat_change_collides (mine, seen, now));
}

/* ── Messages ───────────────────────────────────────────────────────────────────────────────── */

static DeskTimelineItem *
find_item (DeskTimelinePage *page, const char *id)
{
  for (guint i = 0; i < page->items->len; i++)
    {
      DeskTimelineItem *item = g_ptr_array_index (page->items, i);

      if (item->type == DESK_ITEM_MESSAGE && g_strcmp0 (item->message->id, id) == 0)
        return item;
    }
  g_assert_not_reached ();
}

static void
test_message_changes (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskTimelinePage) before = NULL;
  g_autoptr (DeskTimelinePage) after = NULL;
  g_autoptr (DeskTimelinePage) refused = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  DeskTimelineItem *item;
  gint64 edit;
  DeskBatch *batch = desk_batch_new ();

  desk_batch_setting (batch, "me", "ivan");
  apply_quiet (f->store, batch);
  apply_page (f->store, 1, 4, TRUE, TRUE);
  before = newest (f->store, U, 10);
  first = g_strdup (((DeskTimelineItem *) g_ptr_array_index (before->items, 0))->message->id);
  second = g_strdup (((DeskTimelineItem *) g_ptr_array_index (before->items, 1))->message->id);
  add_to_message (f, DESK_INTENT_EDIT, second, "first try");
  edit = add_to_message (f, DESK_INTENT_EDIT, second, "better");
  add_to_message (f, DESK_INTENT_REACT, first, "👍");
  add_to_message (f, DESK_INTENT_REACT, first, "❤");
  g_assert_cmpuint (count_outbox (f), ==, 2);
  after = newest (f->store, U, 10);
  item = find_item (after, second);
  g_assert_cmpstr (item->message->text, ==, "better");
  g_assert_cmpint (item->message->change->operation, ==, DESK_OPERATION_EDIT);
  g_assert_cmpint (item->message->change->state, ==, DESK_CHANGE_QUEUED);
  g_assert_cmpuint (item->changes->len, ==, 1);
  item = find_item (after, first);
  g_assert_cmpuint (item->message->reactions->len, ==, 1);
  g_assert_cmpstr (((DeskReaction *) g_ptr_array_index (item->message->reactions, 0))->emoji, ==, "❤");
  g_assert_cmpstr (((DeskReaction *) g_ptr_array_index (item->message->reactions, 0))->by, ==, "ivan");
  set_state (f, edit, DESK_OUTBOX_FAILED);
  refused = newest (f->store, U, 10);
  item = find_item (refused, second);
  g_assert_cmpstr (item->message->text, !=, "better");
  g_assert_cmpint (item->message->change->state, ==, DESK_CHANGE_FAILED);
  g_assert_cmpstr (item->message->change->message, ==, "why");
  /* A deletion makes the rest pointless, what failed included. */
  add_to_message (f, DESK_INTENT_DELETE, second, NULL);
  g_assert_cmpuint (count_outbox (f), ==, 2);
  g_clear_pointer (&refused, desk_timeline_page_free);
  refused = newest (f->store, U, 10);
  g_assert_cmpint (find_item (refused, second)->message->deleted_at_ms, >, 0);
}

static void
test_retry_shows_queued (Fixture *f, gconstpointer data)
{
  DeskMessage *failed = make_message (U, 2, 1, "no luck");
  g_autofree char *id = g_strdup (failed->id);
  g_autoptr (DeskTimelinePage) page = NULL;

  failed->status = DESK_STATUS_FAILED;
  failed->error.code = g_strdup ("CHANNEL_DOWN");
  failed->error.message = g_strdup ("down");
  apply_message (f->store, DESK_EVENT_NEW_MESSAGE, failed);
  add_to_message (f, DESK_INTENT_RETRY, id, NULL);
  add_to_message (f, DESK_INTENT_RETRY, id, NULL);
  g_assert_cmpuint (count_outbox (f), ==, 1);
  page = newest (f->store, U, 10);
  g_assert_cmpint (find_item (page, id)->message->status, ==, DESK_STATUS_QUEUED);
}

/* ── Replies that wait ──────────────────────────────────────────────────────────────────────── */

static gint64
add_send (Fixture *f, const char *text)
{
  DeskOutboxEntry *entry = desk_outbox_entry_new (DESK_INTENT_SEND, P, U);
  gint64 id;

  g_free (entry->text);
  entry->text = g_strdup (text);
  id = add (f, entry);
  desk_outbox_entry_free (entry);
  return id;
}

static void
test_edit_and_proof (Fixture *f, gconstpointer data)
{
  gint64 id = add_send (f, "first");
  g_autoptr (DeskOutboxEntry) entry = NULL;
  g_autoptr (DeskDraft) draft = NULL;
  DeskMessage *proof;
  DeskBatch *batch = desk_batch_new ();

  desk_batch_outbox_attempt (batch, id);
  apply_quiet (f->store, batch);
  batch = desk_batch_new ();
  desk_batch_outbox_edit (batch, id, "second");
  g_assert_null (desk_store_apply (f->store, batch, NULL)); /* on its way */
  set_state (f, id, DESK_OUTBOX_QUEUED);
  batch = desk_batch_new ();
  desk_batch_outbox_edit (batch, id, "second");
  apply_quiet (f->store, batch);
  entry = get_entry (f, id);
  g_assert_cmpstr (entry->text, ==, "second");
  g_assert_true (entry->edited);
  /* The first attempt got through after all. */
  proof = make_message (U, 2, 1, "first");
  proof->client_message_id = g_strdup (entry->client_message_id);
  apply_message (f->store, DESK_EVENT_NEW_MESSAGE, proof);
  g_assert_cmpuint (count_outbox (f), ==, 0);
  draft = desk_store_get_draft (f->store, P, U, NULL);
  g_assert_nonnull (draft);
  g_assert_cmpstr (draft->text, ==, "second");
}

static void
test_withdraw (Fixture *f, gconstpointer data)
{
  gint64 id = add_send (f, "come back");
  g_autoptr (DeskDraft) typed = desk_draft_new (P, U);
  g_autoptr (DeskDraft) draft = NULL;
  DeskBatch *batch = desk_batch_new ();

  g_free (typed->text);
  typed->text = g_strdup ("typed");
  desk_batch_draft (batch, typed);
  desk_batch_outbox_withdraw (batch, id);
  apply_quiet (f->store, batch);
  draft = desk_store_get_draft (f->store, P, U, NULL);
  g_assert_cmpstr (draft->text, ==, "come back\ntyped");
  g_assert_cmpuint (count_outbox (f), ==, 0);
}

static void
test_template (Fixture *f, gconstpointer data)
{
  const char *const variables[] = { "Olena", "12", NULL };
  g_autoptr (DeskTemplateUse) use = desk_template_use_new ("order", "en", (char *const *) variables);
  gint64 id = add_send (f, "too late");
  g_autoptr (DeskOutboxEntry) entry = NULL;
  DeskBatch *batch = desk_batch_new ();

  desk_batch_outbox_state (batch, id, DESK_OUTBOX_NEEDS_TEMPLATE, "WINDOW_CLOSED", "why");
  desk_batch_outbox_details (batch, id, "{\"templates\":[]}");
  apply_quiet (f->store, batch);
  entry = get_entry (f, id);
  g_assert_cmpint (entry->state, ==, DESK_OUTBOX_NEEDS_TEMPLATE);
  g_assert_cmpstr (entry->details, ==, "{\"templates\":[]}");
  {
    g_autoptr (DeskChatRow) row = get_row (f->store, U);

    g_assert_cmpuint (row->attention, ==, 1);
    g_assert_cmpuint (row->pending, ==, 0);
  }
  batch = desk_batch_new ();
  desk_batch_outbox_template (batch, id, use, "Olena, your order 12");
  apply_quiet (f->store, batch);
  g_clear_pointer (&entry, desk_outbox_entry_free);
  entry = get_entry (f, id);
  g_assert_cmpint (entry->state, ==, DESK_OUTBOX_QUEUED);
  g_assert_cmpstr (entry->template_use->name, ==, "order");
  g_assert_cmpstr (entry->template_use->variables[1], ==, "12");
  g_assert_null (entry->details);
}

/* ── The team and the customer ──────────────────────────────────────────────────────────────── */

static void
test_lists (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) canned = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_canned_free);
  g_autoptr (GPtrArray) team = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_manager_free);
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GPtrArray) managers = NULL;
  g_autoptr (GPtrArray) labels = NULL;
  DeskBatch *batch = desk_batch_new ();

  g_ptr_array_add (canned, desk_canned_new ("1", "hello", NULL, "Hello {{customer.name}}"));
  g_ptr_array_add (canned, desk_canned_new ("2", "bye", "Good bye", "Bye"));
  g_ptr_array_add (team, desk_manager_new ("ivan", "Ivan", DESK_ROLE_ADMIN));
  desk_batch_canned (batch, canned);
  desk_batch_managers (batch, team);
  apply_quiet (f->store, batch);
  batch = desk_batch_new ();
  g_ptr_array_set_size (canned, 1);
  desk_batch_canned (batch, canned);
  apply_quiet (f->store, batch);
  list = desk_store_list_canned (f->store, NULL);
  g_assert_cmpuint (list->len, ==, 1);
  g_assert_cmpstr (((DeskCanned *) g_ptr_array_index (list, 0))->text, ==, "Hello {{customer.name}}");
  g_assert_null (((DeskCanned *) g_ptr_array_index (list, 0))->title);
  managers = desk_store_list_managers (f->store, NULL);
  g_assert_cmpuint (managers->len, ==, 1);
  g_assert_cmpint (((DeskManager *) g_ptr_array_index (managers, 0))->role, ==, DESK_ROLE_ADMIN);
  tell (f, 1, NULL, DESK_CHAT_STATE_OPEN, "vip,late");
  label (f, "new", "late");
  labels = desk_store_list_labels (f->store, NULL);
  g_assert_cmpuint (labels->len, ==, 2);
}

static void
test_profile (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskProfile) told = desk_profile_new (P, U);
  g_autoptr (DeskOutboxEntry) entry = desk_outbox_entry_new (DESK_INTENT_PROFILE, P, U);
  g_autoptr (DeskProfileRow) row = NULL;
  DeskBatch *batch = desk_batch_new ();
  gint64 id;

  g_assert_null (desk_store_get_profile (f->store, P, U, NULL));
  told->name = g_strdup ("Olena");
  told->note = g_strdup ("likes red");
  told->rev = 2;
  g_free (told->attributes);
  told->attributes = g_strdup ("{\"size\":\"M\",\"city\":\"Kyiv\"}");
  desk_batch_profile (batch, told, 777);
  apply_quiet (f->store, batch);
  entry->profile = desk_profile_change_new ();
  entry->profile->note = g_strdup ("");
  add (f, entry);
  g_clear_pointer (&entry->profile, desk_profile_change_free);
  entry->profile = desk_profile_change_new ();
  entry->profile->attributes = g_strdup ("{\"size\":\"L\",\"city\":null}");
  id = add (f, entry);
  g_assert_cmpuint (count_outbox (f), ==, 1);
  row = desk_store_get_profile (f->store, P, U, NULL);
  g_assert_cmpstr (row->profile->name, ==, "Olena");
  g_assert_null (row->profile->note);
  g_assert_cmpstr (row->profile->attributes, ==, "{\"size\":\"L\"}");
  g_assert_true (row->pending);
  g_assert_cmpint (row->fetched_at_ms, ==, 777);
  /* What is older than the cached one tells nothing. */
  batch = desk_batch_new ();
  told->rev = 1;
  g_free (told->name);
  told->name = g_strdup ("Old");
  desk_batch_profile (batch, told, 800);
  apply_quiet (f->store, batch);
  set_state (f, id, DESK_OUTBOX_FAILED);
  g_clear_pointer (&row, desk_profile_row_free);
  row = desk_store_get_profile (f->store, P, U, NULL);
  g_assert_cmpstr (row->profile->name, ==, "Olena");
  g_assert_cmpstr (row->profile->note, ==, "likes red");
  g_assert_false (row->pending);
  g_assert_cmpint (row->fetched_at_ms, ==, 800);
}

/* ── Property: shown = server ⊕ waiting intents ─────────────────────────────────────────────── */

typedef struct
{
  gint64 id;
  DeskChatChange *change;
  gboolean waits;
} ModelIntent;

static void
model_intent_clear (gpointer data)
{
  desk_chat_change_free (((ModelIntent *) data)->change);
}

static const char *const names[] = { NULL, "ivan", "olga", "petra" };
static const char *const labels[] = { "a", "b", "c" };

static DeskChatChange *
random_change (GRand *r)
{
  DeskChatChange *change = desk_chat_change_new ();

  if (g_rand_boolean (r))
    desk_chat_change_set_assignee (change, names[g_rand_int_range (r, 0, 4)]);
  if (g_rand_boolean (r))
    desk_chat_change_set_state (change, (DeskChatState) g_rand_int_range (r, 0, 3), g_rand_int_range (r, 1, 9));
  if (g_rand_boolean (r))
    desk_chat_change_set_muted (change, g_rand_boolean (r));
  if (g_rand_boolean (r))
    desk_chat_change_add_label (change, labels[g_rand_int_range (r, 0, 3)]);
  if (g_rand_boolean (r))
    desk_chat_change_remove_label (change, labels[g_rand_int_range (r, 0, 3)]);
  return change;
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *) a, *(const char *const *) b);
}

static char *
describe_chat (const DeskChat *chat)
{
  g_autoptr (GPtrArray) sorted = g_ptr_array_new ();
  GString *text = g_string_new (NULL);

  for (guint i = 0; chat->labels[i] != NULL; i++)
    g_ptr_array_add (sorted, chat->labels[i]);
  g_ptr_array_sort (sorted, compare_texts);
  g_string_printf (text, "%s %d %" G_GINT64_FORMAT " %d", chat->assignee ? chat->assignee : "-", chat->state,
                   chat->snoozed_until_ms, chat->personal.muted);
  for (guint i = 0; i < sorted->len; i++)
    g_string_append_printf (text, " %s", (const char *) g_ptr_array_index (sorted, i));
  return g_string_free (text, FALSE);
}

static void
assert_model (Fixture *f, const DeskChat *server, GArray *queue)
{
  g_autoptr (DeskChat) expected = desk_chat_copy (server);
  g_autoptr (DeskChatRow) row = get_row (f->store, U);
  g_autofree char *want = NULL;
  g_autofree char *have = describe_chat (row->chat);

  for (guint i = 0; i < queue->len; i++)
    {
      const ModelIntent *intent = &g_array_index (queue, ModelIntent, i);

      if (intent->waits)
        desk_chat_change_apply (intent->change, expected);
    }
  want = describe_chat (expected);
  g_assert_cmpstr (have, ==, want);
}

/* The outbox is the truth about what waits: merging is the store's business. */
static void
reload_queue (Fixture *f, GArray *queue)
{
  g_autoptr (GPtrArray) list = desk_store_list_outbox (f->store, NULL);

  g_array_set_size (queue, 0);
  for (guint i = 0; i < list->len; i++)
    {
      const DeskOutboxEntry *e = g_ptr_array_index (list, i);
      ModelIntent intent = { e->local_id, desk_chat_change_copy (e->change),
                             e->state == DESK_OUTBOX_QUEUED || e->state == DESK_OUTBOX_SENDING };

      g_array_append_val (queue, intent);
    }
}

static void
change_server (Fixture *f, DeskChat *server, DeskChatChange *change, gint64 done)
{
  DeskBatch *batch = desk_batch_new ();

  desk_chat_change_apply (change, server);
  server->rev++;
  if (done > 0)
    desk_batch_outbox_done_chat (batch, done, server);
  else
    desk_batch_chat (batch, server);
  apply_quiet (f->store, batch);
}

/* What may not be done now is refused, and that is fine. */
static void
try_apply (Fixture *f, DeskBatch *batch)
{
  g_autoptr (DeskBatchResult) result = desk_store_apply (f->store, batch, NULL);

  (void) result;
}

static void
step_model (Fixture *f, GRand *r, DeskChat *server, GArray *queue)
{
  gint64 id = queue->len > 0 ? g_array_index (queue, ModelIntent, g_rand_int_range (r, 0, (gint32) queue->len)).id : 0;
  g_autoptr (DeskChatChange) change = random_change (r);
  DeskBatch *batch;

  switch (g_rand_int_range (r, 0, 7))
    {
    case 0:
    case 1:
      {
        /* What one wish does to what is shown does not depend on how the store keeps it. */
        g_autoptr (DeskChatRow) before = get_row (f->store, U);
        g_autoptr (DeskChatRow) after = NULL;
        g_autofree char *want = NULL;
        g_autofree char *have = NULL;

        desk_chat_change_apply (change, before->chat);
        add_chat_change (f, desk_chat_change_copy (change));
        after = get_row (f->store, U);
        want = describe_chat (before->chat);
        have = describe_chat (after->chat);
        g_assert_cmpstr (have, ==, want);
        break;
      }
    case 2:
      change_server (f, server, change, 0);
      break;
    case 3:
      if (id != 0)
        change_server (f, server, change, id);
      break;
    case 4:
      if (id != 0)
        set_state (f, id, DESK_OUTBOX_FAILED);
      break;
    case 5:
      if (id != 0)
        {
          batch = desk_batch_new ();
          desk_batch_outbox_attempt (batch, id);
          try_apply (f, batch);
        }
      break;
    default:
      if (id != 0)
        {
          batch = desk_batch_new ();
          desk_batch_outbox_discard (batch, id);
          try_apply (f, batch);
        }
    }
}

static void
test_property (Fixture *f, gconstpointer data)
{
  guint32 seed = (guint32) g_test_rand_int ();
  g_autoptr (GRand) r = g_rand_new_with_seed (seed);
  g_autoptr (DeskChat) server = make_chat (U, 1, 3, 2);
  g_autoptr (GArray) queue = g_array_new (FALSE, TRUE, sizeof (ModelIntent));
  DeskBatch *batch = desk_batch_new ();

  g_test_message ("seed %u", seed);
  g_array_set_clear_func (queue, model_intent_clear);
  server->has_personal = TRUE;
  desk_batch_chat (batch, server);
  apply_quiet (f->store, batch);
  for (guint i = 0; i < 400; i++)
    {
      step_model (f, r, server, queue);
      if (i % 50 == 49)
        fixture_reopen (f);
      reload_queue (f, queue);
      assert_model (f, server, queue);
    }
  check_cache (f->dir);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add (name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("/store/intents/overlay", test_overlay);
  ADD ("/store/intents/done", test_done);
  ADD ("/store/intents/merge", test_merge);
  ADD ("/store/intents/superseded", test_superseded);
  g_test_add_func ("/store/intents/collisions", test_collisions);
  ADD ("/store/intents/messages", test_message_changes);
  ADD ("/store/intents/retry", test_retry_shows_queued);
  ADD ("/store/intents/edit-and-proof", test_edit_and_proof);
  ADD ("/store/intents/withdraw", test_withdraw);
  ADD ("/store/intents/template", test_template);
  ADD ("/store/intents/lists", test_lists);
  ADD ("/store/intents/profile", test_profile);
  ADD ("/store/intents/property", test_property);
  return g_test_run ();
}
