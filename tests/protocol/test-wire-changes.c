/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* What managers do to chats, messages, profiles and canned replies: requests there and back, and
 * hostile ones. */

#include <string.h>

#include "wire-samples.h"

static void
assert_refused (gboolean ok, GError *error, const char *field)
{
  g_assert_false (ok);
  g_assert_true (error->domain == DESK_JSON_ERROR);
  if (field != NULL && strstr (error->message, field) == NULL)
    g_error ("expected %s, got: %s", field, error->message);
  g_error_free (error);
}

static void
refuse_chat_patch (const char *body, const char *field)
{
  GError *error = NULL;
  DeskChatPatch *patch = desk_wire_read_chat_patch (body, strlen (body), &error);
  assert_refused (patch != NULL, error, field);
}

static void
test_chat_patch (void)
{
  const char *body = "{\"base_rev\":7,\"assignee\":null,\"state\":\"snoozed\","
                     "\"snoozed_until\":\"2026-11-20T11:33:00.000Z\",\"add_labels\":[\"vip\"],"
                     "\"remove_labels\":[\"a\",\"b\"],\"muted\":true,"
                     "\"metadata\":{\"x\":null,\"y\":{\"z\":1}}}";
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskChatPatch) patch = desk_wire_read_chat_patch (body, strlen (body), &error);
  g_assert_no_error (error);
  g_assert_true (patch->has_assignee && patch->assignee == NULL);
  g_assert_true (patch->has_muted && patch->muted);
  g_autoptr (DeskChatPatch) copy = desk_chat_patch_copy (patch);
  g_autofree char *again = desk_wire_chat_patch_text (copy);
  g_assert_cmpstr (again, ==, body);

  g_autoptr (DeskChatPatch) empty = desk_wire_read_chat_patch ("{\"later\":1}", 11, &error);
  g_assert_no_error (error);
  g_assert_cmpint (empty->base_rev, ==, DESK_WIRE_REV_NOT_TOLD);
  g_assert_false (empty->has_assignee || empty->has_state || empty->has_muted
                  || empty->has_snoozed_until);
  g_assert_null (empty->metadata);
}

static void
test_chat_patch_hostile (void)
{
  g_autofree char *long_label = g_strnfill (65, 'x');
  g_autofree char *labels = g_strdup_printf ("{\"add_labels\":[\"%s\"]}", long_label);
  g_autoptr (GString) many = g_string_new ("{\"remove_labels\":[\"a\"");
  for (guint i = 0; i < 100; i++)
    g_string_append (many, ",\"b\"");
  g_string_append (many, "]}");
  g_autofree char *big = g_strnfill (65536, 'y');
  g_autofree char *metadata = g_strdup_printf ("{\"metadata\":{\"a\":\"%s\"}}", big);
  refuse_chat_patch ("", NULL);
  refuse_chat_patch ("[]", NULL);
  refuse_chat_patch ("{\"base_rev\":-1}", "base_rev");
  refuse_chat_patch ("{\"base_rev\":\"7\"}", "base_rev");
  refuse_chat_patch ("{\"assignee\":5}", "assignee");
  refuse_chat_patch ("{\"state\":\"gone\"}", "state");
  refuse_chat_patch ("{\"snoozed_until\":\"tomorrow\"}", "snoozed_until");
  refuse_chat_patch ("{\"add_labels\":[\"\"]}", "add_labels");
  refuse_chat_patch ("{\"add_labels\":[\"a\\u001fb\"]}", "add_labels");
  refuse_chat_patch ("{\"add_labels\":\"a\"}", "add_labels");
  refuse_chat_patch ("{\"remove_labels\":[1]}", "remove_labels");
  refuse_chat_patch (labels, "add_labels");
  refuse_chat_patch (many->str, "remove_labels");
  refuse_chat_patch ("{\"muted\":1}", "muted");
  refuse_chat_patch ("{\"metadata\":[]}", "metadata");
  refuse_chat_patch (metadata, "metadata");
}

static void
test_merge (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *merged = desk_wire_merge_objects (
      "{\"a\":1,\"b\":{\"c\":2}}", "{\"a\":null,\"b\":\"x\",\"d\":[1],\"e\":null}", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (merged, ==, "{\"b\":\"x\",\"d\":[1]}");
  g_autofree char *big = g_strnfill (65536 - 100, 'y');
  g_autofree char *object = g_strdup_printf ("{\"a\":\"%s\"}", big);
  g_autofree char *more = g_strdup_printf ("{\"b\":\"%s\"}", big);
  g_assert_null (desk_wire_merge_objects (object, more, &error));
  g_assert_error (error, DESK_JSON_ERROR, DESK_JSON_ERROR_RANGE);
}

static void
test_message_patch (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL, *emoji = NULL, *none = NULL;
  gint64 base_rev = 0;
  g_autofree char *body = desk_wire_message_patch_text ("new \"text\"", 9);
  g_assert_true (desk_wire_read_message_patch (body, strlen (body), &text, &base_rev, &error));
  g_assert_cmpstr (text, ==, "new \"text\"");
  g_assert_cmpint (base_rev, ==, 9);
  g_autofree char *reaction = desk_wire_reaction_text ("\xf0\x9f\x91\x8d");
  g_assert_true (desk_wire_read_reaction (reaction, strlen (reaction), &emoji, &error));
  g_assert_cmpstr (emoji, ==, "\xf0\x9f\x91\x8d");
  g_assert_true (desk_wire_read_reaction ("{\"emoji\":null}", 14, &none, &error));
  g_assert_cmpstr (none, ==, "");
}

static void
test_message_patch_hostile (void)
{
  static const char *const texts[] = { "{}", "{\"text\":\"\"}", "{\"text\":null}", "{\"text\":1}",
                                       "{\"text\":\"a\",\"base_rev\":1.5}", "\"text\"" };
  static const char *const reactions[]
      = { "{}", "{\"emoji\":1}", "{\"emoji\":\"a b\"}", "{\"emoji\":\"\\n\"}",
          "{\"emoji\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}" };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      GError *error = NULL;
      char *text = NULL;
      gint64 rev;
      gboolean ok
          = desk_wire_read_message_patch (texts[i], strlen (texts[i]), &text, &rev, &error);
      assert_refused (ok, error, NULL);
      g_assert_null (text);
    }
  for (guint i = 0; i < G_N_ELEMENTS (reactions); i++)
    {
      GError *error = NULL;
      char *emoji = NULL;
      gboolean ok = desk_wire_read_reaction (reactions[i], strlen (reactions[i]), &emoji, &error);
      assert_refused (ok, error, "emoji");
      g_assert_null (emoji);
    }
}

static void
test_canned (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskCanned) canned = sample_canned ();
  g_autofree char *text = text_of_canned (canned);
  g_assert_cmpstr (text, ==,
                   "{\"id\":\"c1\",\"shortcut\":\"hello\",\"title\":\"Greeting\","
                   "\"text\":\"Hello {{customer.name}}!\","
                   "\"updated_at\":\"2026-11-20T11:33:00.000Z\",\"rev\":2}");
  g_autofree char *event = desk_wire_canned_event_text ("c1", canned);
  g_autofree char *id = NULL, *gone = NULL;
  g_autoptr (DeskCanned) back = NULL;
  DeskCanned *deleted = canned;
  g_assert_true (desk_wire_read_canned_event (event, &id, &back, &error));
  g_assert_no_error (error);
  g_autofree char *again = text_of_canned (back);
  g_assert_cmpstr (again, ==, text);
  g_assert_true (
      desk_wire_read_canned_event ("{\"id\":\"c2\",\"canned\":null}", &gone, &deleted, &error));
  g_assert_cmpstr (gone, ==, "c2");
  g_assert_null (deleted);

  gint64 base_rev = 0;
  g_autofree char *request = desk_wire_canned_request_text (canned, 2);
  g_autoptr (DeskCanned) asked
      = desk_wire_read_canned_request (request, strlen (request), &base_rev, &error);
  g_assert_no_error (error);
  g_assert_cmpint (base_rev, ==, 2);
  g_assert_cmpstr (asked->shortcut, ==, "hello");
  g_assert_cmpstr (asked->title, ==, "Greeting");
}

static void
test_canned_hostile (void)
{
  static const struct
  {
    const char *body, *field;
  } cases[] = {
    { "{\"text\":\"a\"}", "shortcut" },
    { "{\"shortcut\":\"\",\"text\":\"a\"}", "shortcut" },
    { "{\"shortcut\":\"two words\",\"text\":\"a\"}", "shortcut" },
    { "{\"shortcut\":\"a/b\",\"text\":\"a\"}", "shortcut" },
    { "{\"shortcut\":\"a\"}", "text" },
    { "{\"shortcut\":\"a\",\"text\":\"\"}", "text" },
    { "{\"shortcut\":\"a\",\"text\":\"a\",\"title\":1}", "title" },
    { "{\"shortcut\":\"a\",\"text\":\"a\",\"id\":1}", "id" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GError *error = NULL;
      gint64 rev;
      gpointer canned
          = desk_wire_read_canned_request (cases[i].body, strlen (cases[i].body), &rev, &error);
      assert_refused (canned != NULL, error, cases[i].field);
    }
}

static void
test_profile_patch (void)
{
  g_autoptr (GError) error = NULL;
  const char *body = "{\"base_rev\":3,\"name\":\"Olena\",\"phone\":null,\"note\":\"x\","
                     "\"attributes\":{\"size\":\"M\",\"old\":null},\"products\":[{\"id\":1}]}";
  g_autoptr (DeskProfilePatch) patch = desk_wire_read_profile_patch (body, strlen (body), &error);
  g_assert_no_error (error);
  g_assert_true (patch->has[DESK_PROFILE_PHONE] && patch->texts[DESK_PROFILE_PHONE] == NULL);
  g_assert_false (patch->has[DESK_PROFILE_HANDLE]);
  g_autoptr (DeskProfilePatch) copy = desk_profile_patch_copy (patch);
  g_autofree char *again = desk_wire_profile_patch_text (copy);
  g_assert_cmpstr (again, ==, body);
}

static void
test_profile_hostile (void)
{
  static const struct
  {
    const char *body, *field;
  } cases[] = {
    { "[]", NULL },
    { "{\"name\":1}", "name" },
    { "{\"attributes\":[]}", "attributes" },
    { "{\"attributes\":{\"a\":1}}", "attributes" },
    { "{\"attributes\":{\"a\":{}}}", "attributes" },
    { "{\"attributes\":{\"\":\"a\"}}", "attributes" },
    { "{\"products\":{}}", "products" },
    { "{\"products\":[1]}", "products" },
    { "{\"base_rev\":true}", "base_rev" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GError *error = NULL;
      gpointer patch = desk_wire_read_profile_patch (cases[i].body, strlen (cases[i].body), &error);
      assert_refused (patch != NULL, error, cases[i].field);
    }
  g_autoptr (JsonNode) node = parse_or_die ("{\"platform\":\"demo\",\"user_id\":\"1\","
                                            "\"attributes\":{\"a\":null}}");
  GError *error = NULL;
  gpointer profile = desk_wire_read_profile (node, &error);
  assert_refused (profile != NULL, error, "attributes");
}

static void
test_send_template (void)
{
  g_autoptr (GError) error = NULL;
  const char *body = "{\"seen_seq\":4,\"template\":{\"name\":\"order\",\"language\":\"uk\","
                     "\"variables\":[\"1\",\"2\"]}}";
  g_autoptr (DeskSendRequest) request = desk_wire_read_send (body, strlen (body), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (request->text, ==, "");
  g_assert_cmpstr (request->template->variables[1], ==, "2");
  g_autofree char *again = desk_wire_send_text (request);
  g_assert_cmpstr (again, ==, body);
  g_autoptr (DeskSendRequest) none
      = desk_wire_read_send ("{\"template\":{\"name\":\"a\"}}", 25, &error);
  g_assert_null (none);
  g_assert_nonnull (strstr (error->message, "language"));
}

static void
test_templates (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) templates = NULL;
  gint64 closed_at_ms = 0;
  g_assert_true (desk_wire_read_window_closed (
      "{\"closed_at\":\"2026-11-20T11:33:00.000Z\",\"templates\":[{\"name\":\"a\","
      "\"language\":\"en\",\"category\":null,\"text\":\"{{2}} and {{1}}, {{3}} {{x}}\","
      "\"variables\":2}]}",
      &closed_at_ms, &templates, &error));
  g_assert_no_error (error);
  g_assert_cmpint (closed_at_ms, ==, G_GINT64_CONSTANT (1795174380000));
  g_assert_cmpuint (templates->len, ==, 1);
  const char *variables[] = { "one", "two {{1}}", NULL };
  g_autofree char *text = desk_template_fill (templates->pdata[0], (char *const *)variables);
  g_assert_cmpstr (text, ==, "two {{1}} and one, {{3}} {{x}}");
}

static void
test_managers (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node
      = parse_or_die ("[{\"username\":\"ivan\",\"display_name\":\"Ivan\",\"role\":\"admin\"},"
                      "{\"username\":\"bo\",\"role\":\"later\"},{}]");
  g_autoptr (GPtrArray) managers = desk_wire_read_managers (node, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (managers->len, ==, 2);
  const DeskManager *second = managers->pdata[1];
  g_assert_cmpint (second->role, ==, DESK_ROLE_MANAGER);
  g_assert_cmpstr (second->display_name, ==, "bo");
}

/* A change that only a later version knows is left out; the message stays readable. */
static void
test_later_change (void)
{
  g_autoptr (DeskMessage) message = sample_message_full ();
  g_autofree char *text = text_of_message (message);
  g_autoptr (GError) error = NULL;
  char *word = strstr (text, "\"operation\":\"edit\"");
  memcpy (word, "\"operation\":\"fold\"", 18);
  g_autoptr (JsonNode) node = parse_or_die (text);
  g_autoptr (DeskMessage) back = desk_wire_read_message (node, &error);
  g_assert_no_error (error);
  g_assert_null (back->change);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/chat-patch", test_chat_patch);
  g_test_add_func ("/wire/chat-patch-hostile", test_chat_patch_hostile);
  g_test_add_func ("/wire/merge", test_merge);
  g_test_add_func ("/wire/message-patch", test_message_patch);
  g_test_add_func ("/wire/message-patch-hostile", test_message_patch_hostile);
  g_test_add_func ("/wire/canned", test_canned);
  g_test_add_func ("/wire/canned-hostile", test_canned_hostile);
  g_test_add_func ("/wire/profile-patch", test_profile_patch);
  g_test_add_func ("/wire/profile-hostile", test_profile_hostile);
  g_test_add_func ("/wire/send-template", test_send_template);
  g_test_add_func ("/wire/templates", test_templates);
  g_test_add_func ("/wire/managers", test_managers);
  g_test_add_func ("/wire/later-change", test_later_change);
  return g_test_run ();
}
