/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* One of everything that a server writes, as "KIND<TAB>JSON" lines for check-samples.py. Beside the
 * samples, every enum value once, since the schemas spell the words on their own. */

#include <stdio.h>
#include <string.h>

#include "wire-samples.h"

static void
print_text (const char *kind, char *text)
{
  printf ("%s\t%s\n", kind, text);
  g_free (text);
}

static void
print_messages (void)
{
  g_autoptr (DeskMessage) full = sample_message_full (), bare = sample_message_bare ();
  print_text ("message", text_of_message (full));
  print_text ("message", text_of_message (bare));
  for (guint i = 0; i <= DESK_KIND_UNSUPPORTED; i++)
    {
      bare->kind = (DeskKind)i;
      print_text ("message", text_of_message (bare));
    }
  for (guint i = 0; i <= DESK_STATUS_FAILED; i++)
    {
      bare->status = (DeskStatus)i;
      print_text ("message", text_of_message (bare));
    }
  for (guint i = 0; i <= DESK_SOURCE_BOT; i++)
    {
      bare->source = (DeskSource)i;
      print_text ("message", text_of_message (bare));
    }
  for (guint i = 0; i <= DESK_SENDER_BOT; i++)
    {
      bare->sender = (DeskSender)i;
      print_text ("message", text_of_message (bare));
    }
}

static void
print_chats (void)
{
  g_autoptr (DeskChat) full = sample_chat_full (), bare = sample_chat_bare ();
  print_text ("chat", text_of_chat (full));
  print_text ("shared_chat", text_of_chat (bare));
  bare->has_personal = TRUE;
  print_text ("chat", text_of_chat (bare));
  for (guint i = 0; i <= DESK_CHAT_TYPE_BUSINESS; i++)
    {
      bare->type = (DeskChatType)i;
      print_text ("chat", text_of_chat (bare));
    }
  for (guint i = 0; i <= DESK_CHAT_STATE_RESOLVED; i++)
    {
      bare->state = (DeskChatState)i;
      print_text ("chat", text_of_chat (bare));
    }
}

static void
print_events (void)
{
  for (guint n = 0; n < sample_n_events (); n++)
    {
      g_autoptr (DeskEvent) event = sample_event (n);
      g_autofree char *kind = g_strdup_printf ("frame_%s", desk_event_type_to_string (event->type));
      GString *level0 = g_string_new (NULL);
      DeskJsonWriter w;
      if (sample_event_is_sent (event))
        {
          print_text (kind, text_of_event (event));
          print_text (event->sequenced ? "frame_sequenced" : "frame_event", text_of_event (event));
        }
      if (event->message != NULL)
        event->message->is_private = FALSE;
      desk_json_writer_init (&w, level0);
      if (desk_wire_write_event_level0 (&w, event))
        print_text ("frame_level0_event", g_string_free (level0, FALSE));
      else
        g_string_free (level0, TRUE);
    }
}

static void
print_changes (void)
{
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, text);
  desk_wire_begin_answer (&w);
  desk_wire_begin_changes (&w);
  for (guint n = 0; n < sample_n_events (); n++)
    {
      g_autoptr (DeskEvent) event = sample_event (n);
      if (event->sequenced && sample_event_is_sent (event))
        desk_wire_write_event (&w, event);
    }
  desk_wire_end_changes (&w, "e7:0-8412,3-9", TRUE);
  desk_wire_end_answer (&w, NULL);
  print_text ("changes_answer", g_string_free (text, FALSE));
}

static void
print_lists (void)
{
  g_autoptr (DeskMessage) message = sample_message_full ();
  g_autoptr (DeskChat) chat = sample_chat_full ();
  GString *messages = g_string_new (NULL), *chats = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, messages);
  desk_wire_begin_answer (&w);
  desk_json_writer_begin_array (&w);
  desk_wire_write_message (&w, message);
  desk_wire_write_message (&w, message);
  desk_json_writer_end_array (&w);
  desk_wire_end_answer (&w, "page-2");
  print_text ("messages_answer", g_string_free (messages, FALSE));
  desk_json_writer_init (&w, chats);
  desk_wire_begin_answer (&w);
  desk_json_writer_begin_array (&w);
  desk_wire_write_chat (&w, chat);
  desk_json_writer_end_array (&w);
  desk_wire_end_answer (&w, NULL);
  print_text ("chats_answer", g_string_free (chats, FALSE));
}

static void
print_answers (void)
{
  g_autoptr (DeskCapabilities) capabilities = sample_capabilities ();
  g_autoptr (DeskMessage) message = sample_message_full ();
  char access_token[] = "fda_5Vb1c0nKq2mR8t4Y", refresh_token[] = "fdr_5Vb1c0nKq2mR8t4Y";
  DeskTokens tokens = { access_token, refresh_token, 3600 };
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;
  print_text ("capabilities", text_of_capabilities (capabilities));
  desk_json_writer_init (&w, text);
  desk_wire_begin_answer (&w);
  desk_wire_write_send_answer (&w, message, TRUE);
  desk_wire_end_answer (&w, NULL);
  print_text ("send_answer", g_string_free (text, FALSE));
  text = g_string_new (NULL);
  desk_json_writer_init (&w, text);
  desk_wire_begin_answer (&w);
  desk_wire_write_tokens (&w, &tokens);
  desk_wire_end_answer (&w, NULL);
  print_text ("token_answer", g_string_free (text, FALSE));
}

/* The codes whose details have no form of their own. */
static void
print_failures (void)
{
  for (guint i = DESK_CODE_BAD_REQUEST; i < DESK_CODE_OTHER; i++)
    {
      GString *text = g_string_new (NULL);
      DeskJsonWriter w;
      if (i == DESK_CODE_CONFLICT || i == DESK_CODE_STALE_REPLY || i == DESK_CODE_WINDOW_CLOSED
          || i == DESK_CODE_INVALID || i == DESK_CODE_TEXT_TOO_LONG)
        {
          g_string_free (text, TRUE);
          continue;
        }
      desk_json_writer_init (&w, text);
      desk_wire_write_failure (&w, (DeskCode)i, "Something is wrong", NULL,
                               i == DESK_CODE_RATE_LIMITED ? 5 : -1, "r-1");
      print_text ("error_answer", g_string_free (text, FALSE));
    }
}

static void
print_requests (void)
{
  char text[] = "hi", key[] = "key-1", reply[] = "m-6";
  DeskTemplateUse *use = desk_template_use_new ("order_update", "uk", NULL);
  DeskSendRequest full = { text, key, reply, TRUE, 7, TRUE, NULL };
  char nothing[] = "";
  DeskSendRequest template = { .text = nothing, .seen_seq = -1, .template = use };
  DeskSendRequest bare = { .text = text, .seen_seq = -1 };
  print_text ("send_request", desk_wire_send_text (&full));
  print_text ("send_request", desk_wire_send_text (&bare));
  print_text ("send_request", desk_wire_send_text (&template));
  desk_template_use_free (use);
  print_text ("read_request", desk_wire_read_text (7));
  print_text ("credentials_request", desk_wire_credentials_text ("ivan", "secret"));
  print_text ("refresh_request", desk_wire_refresh_text ("fdr_5Vb1c0nKq2mR8t4Y"));
  for (guint i = 0; i < DESK_CLIENT_FRAME_UNKNOWN; i++)
    print_text ("frame_client",
                desk_wire_client_frame_text ((DeskClientFrameType)i, "fda_x", "telegram", "42"));
  print_text ("frame_client",
              desk_wire_client_frame_text (DESK_CLIENT_FRAME_VIEWING, NULL, NULL, NULL));
}

static void
print_changing_requests (void)
{
  g_autoptr (DeskChatPatch) chat = desk_chat_patch_new ();
  g_autoptr (DeskProfilePatch) profile = desk_profile_patch_new ();
  g_autoptr (DeskCanned) canned = sample_canned ();
  print_text ("chat_patch", desk_wire_chat_patch_text (chat));
  chat->base_rev = 7;
  chat->has_assignee = chat->has_state = chat->has_snoozed_until = chat->has_muted = TRUE;
  print_text ("chat_patch", desk_wire_chat_patch_text (chat));
  chat->assignee = g_strdup ("ivan");
  chat->state = DESK_CHAT_STATE_SNOOZED;
  chat->snoozed_until_ms = 1795174380000;
  g_strfreev (chat->add_labels);
  chat->add_labels = g_strsplit ("vip,late", ",", -1);
  g_strfreev (chat->remove_labels);
  chat->remove_labels = g_strsplit ("new", ",", -1);
  chat->metadata = g_strdup ("{\"item\":null}");
  print_text ("chat_patch", desk_wire_chat_patch_text (chat));
  print_text ("message_patch", desk_wire_message_patch_text ("new", 3));
  print_text ("message_patch", desk_wire_message_patch_text ("new", -1));
  print_text ("reaction_request", desk_wire_reaction_text ("\xf0\x9f\x91\x8d"));
  print_text ("reaction_request", desk_wire_reaction_text (""));
  print_text ("profile_patch", desk_wire_profile_patch_text (profile));
  profile->base_rev = 3;
  for (guint i = 0; i < DESK_PROFILE_N_FIELDS; i++)
    desk_profile_patch_set (profile, (DeskProfileField)i, i % 2 ? NULL : "x");
  profile->attributes = g_strdup ("{\"size\":\"M\",\"colour\":null}");
  profile->products = g_strdup ("[{\"id\":1}]");
  print_text ("profile_patch", desk_wire_profile_patch_text (profile));
  print_text ("canned_request", desk_wire_canned_request_text (canned, 2));
}

static void
print_things (void)
{
  g_autoptr (DeskProfile) full = sample_profile (), bare = desk_profile_new ("demo", "u/1");
  g_autoptr (DeskCanned) canned = sample_canned ();
  g_autoptr (DeskManager) manager = desk_manager_new ("ivan", "Ivan", DESK_ROLE_ADMIN);
  g_autoptr (GPtrArray) templates
      = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_template_free);
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;
  print_text ("profile", text_of_profile (full));
  print_text ("profile", text_of_profile (bare));
  print_text ("canned", text_of_canned (canned));
  g_clear_pointer (&canned->title, g_free);
  print_text ("canned", text_of_canned (canned));
  g_ptr_array_add (templates, desk_template_new ("order", "uk", "{{1}}!", 1));
  desk_json_writer_init (&w, text);
  desk_wire_begin_answer (&w);
  desk_wire_write_templates (&w, templates);
  desk_wire_end_answer (&w, NULL);
  print_text ("templates_answer", g_string_free (text, FALSE));
  text = g_string_new (NULL);
  desk_json_writer_init (&w, text);
  desk_wire_write_manager (&w, manager);
  print_text ("manager", g_string_free (text, FALSE));
}

int
main (void)
{
  print_changing_requests ();
  print_things ();
  print_messages ();
  print_chats ();
  print_events ();
  print_changes ();
  print_lists ();
  print_answers ();
  print_failures ();
  print_requests ();
  return 0;
}
