/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* Fills a cache with chats as they might be in a shop, so that the application can be tried, tested
 * and measured without a backend: seed-cache DIR [MORE], MORE being a number of further, plain
 * chats. Times are relative to now; the content is the same in every run. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/desk-wire.h"
#include "store/desk-store.h"

#define ME     "ivan"
#define MINUTE (G_GINT64_CONSTANT (60) * 1000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

typedef struct
{
  DeskBatch *batch;
  DeskChat *chat;
  GPtrArray *messages;
  gint64 now_ms;
  gint64 seq, in_seq;
  gint64 rev;
} Seed;

static DeskMessage *
add (Seed *seed, gint64 ago_ms, const char *who, const char *text)
{
  DeskMessage *m = desk_message_new (seed->chat->platform, seed->chat->user_id);
  gboolean in = g_str_equal (who, "in");
  m->id = g_strdup_printf ("%s-%s-%" G_GINT64_FORMAT, seed->chat->platform, seed->chat->user_id,
                           ++seed->seq);
  m->is_level2 = TRUE;
  m->chat_seq = seed->seq;
  m->in_seq = in ? ++seed->in_seq : 0;
  m->rev = seed->rev = 1;
  m->direction = in ? DESK_DIRECTION_INCOMING : DESK_DIRECTION_OUTGOING;
  m->sender = in                         ? DESK_SENDER_USER
              : g_str_equal (who, "bot") ? DESK_SENDER_BOT
                                         : DESK_SENDER_MANAGER;
  m->sender_id = g_strdup (in ? seed->chat->user_id : who);
  m->sender_name = g_strdup (in                           ? seed->chat->user_name
                             : g_str_equal (who, "maria") ? "Maria"
                                                          : "Ivan");
  g_free (m->text);
  m->text = g_strdup (text);
  m->created_at_ms = seed->now_ms - ago_ms;
  m->status = in ? DESK_STATUS_NONE : DESK_STATUS_READ;
  g_ptr_array_add (seed->messages, m);
  return m;
}

static void
begin (Seed *seed, const char *platform, const char *user_id, const char *name, const char *handle)
{
  seed->chat = desk_chat_new (platform, user_id);
  g_free (seed->chat->user_name);
  seed->chat->user_name = g_strdup (name);
  g_free (seed->chat->messenger_name);
  seed->chat->messenger_name = g_strdup (handle);
  seed->chat->is_level2 = TRUE;
  seed->messages = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_message_free);
  seed->seq = seed->in_seq = 0;
}

static void
end (Seed *seed, gint64 unread)
{
  DeskMessage *last = g_ptr_array_index (seed->messages, seed->messages->len - 1);
  DeskChat *chat = seed->chat;
  g_free (chat->last_message);
  chat->last_message = g_strdup (last->text);
  chat->last_time_ms = last->created_at_ms;
  chat->first_chat_seq = 1;
  chat->last_chat_seq = seed->seq;
  chat->last_in_seq = seed->in_seq;
  chat->rev = 1;
  chat->has_personal = TRUE;
  chat->personal.read_in_seq = seed->in_seq - unread;
  chat->personal.read_chat_seq = seed->seq;
  for (guint i = seed->messages->len; i > 0 && unread > 0; i--)
    {
      DeskMessage *m = g_ptr_array_index (seed->messages, i - 1);
      chat->personal.read_chat_seq = m->chat_seq - 1;
      unread -= m->in_seq > 0;
    }
  chat->unread = seed->in_seq - chat->personal.read_in_seq;
  chat->has_unread = TRUE;
  if (last->direction == DESK_DIRECTION_INCOMING)
    chat->waiting_since_ms = last->created_at_ms;
  desk_batch_chat (seed->batch, chat);
  desk_batch_page (seed->batch, chat->platform, chat->user_id, seed->messages, TRUE, TRUE);
  g_clear_pointer (&seed->messages, g_ptr_array_unref);
  g_clear_pointer (&seed->chat, desk_chat_free);
}

static void
attach (DeskMessage *m,
        DeskKind kind,
        const char *name,
        const char *mime,
        gint64 size,
        gint64 width,
        gint64 height,
        gint64 duration_ms)
{
  DeskAttachment *a = desk_attachment_new ("file");
  g_free (a->filename);
  a->filename = g_strdup (name);
  g_free (a->mime_type);
  a->mime_type = g_strdup (mime);
  a->size = size;
  a->width = width;
  a->height = height;
  a->duration_ms = duration_ms;
  g_free (a->state);
  a->state = g_strdup ("ready");
  m->kind = kind;
  g_ptr_array_add (m->attachments, a);
}

static void
set_labels (DeskChat *chat, const char *labels)
{
  g_strfreev (chat->labels);
  chat->labels = g_strsplit (labels, ",", -1);
}

static void
seed_olena (Seed *seed)
{
  DeskMessage *m;
  begin (seed, "telegram", "1001", "Olena Kovalenko", "@olenak");
  g_free (seed->chat->metadata);
  seed->chat->metadata = g_strdup (
      "{\"item_name\":\"Red wool coat, size M\",\"item_price\":\"4 200 ₴\",\"city\":\"Lviv\","
      "\"order_id\":\"A-20817\"}");
  set_labels (seed->chat, "vip,coats");
  seed->chat->assignee = g_strdup (ME);
  add (seed, DAY + 3 * HOUR, "in", "Good afternoon! Do you deliver to Lviv?");
  add (seed, DAY + 3 * HOUR - MINUTE, "bot",
       "Hello! I am the assistant of the shop. A manager will answer soon.");
  add (seed, DAY + 2 * HOUR, "maria",
       "Yes, by Nova Poshta, usually within two days. Here are the details: "
       "https://shop.example.com/delivery");
  m = add (seed, DAY + 2 * HOUR - MINUTE, "in", "Perfect, thank you ❤️");
  g_ptr_array_add (m->reactions, desk_reaction_new ("👍", "maria"));
  add (seed, 58 * MINUTE, "in", "Hi, is the red one still in stock?");
  m = add (seed, 57 * MINUTE, "in", "");
  attach (m, DESK_KIND_IMAGE, "coat.jpg", "image/jpeg", 184000, 1200, 800, 0);
  m = add (seed, 50 * MINUTE, ME, "Check warehouse 2 before promising a date");
  m->is_private = TRUE;
  m = add (seed, 41 * MINUTE, ME, "Yes, two left in size M and one in L.");
  m->reply_to = desk_reply_to_new ("telegram-1001-5", 5, "Olena Kovalenko",
                                   "Hi, is the red one still in stock?");
  m = add (seed, 41 * MINUTE, ME,
           "Shall I put one aside for you until tomorrow evening? It costs nothing and you can "
           "decide later.");
  m->edited_at_ms = m->created_at_ms + 20000;
  m->status = DESK_STATUS_DELIVERED;
  add (seed, 12 * MINUTE, "in", "Great, how do I pay?");
  add (seed, 11 * MINUTE, "in", "And can I try it on at the post office first?");
  m = add (seed, 10 * MINUTE, "in", "😍");
  end (seed, 3);
}

static void
seed_minh (Seed *seed)
{
  DeskMessage *m;
  begin (seed, "whatsapp", "84901", "Minh Tran", "+84 90 123 45 67");
  seed->chat->window_expires_at_ms = seed->now_ms + 21 * HOUR;
  m = add (seed, 3 * HOUR, "in", "");
  attach (m, DESK_KIND_VOICE, "voice.ogg", "audio/ogg", 24000, 0, 0, 17000);
  add (seed, 2 * HOUR + 50 * MINUTE, ME,
       "I have listened to it: the exchange is free within 14 days.");
  m = add (seed, 2 * HOUR + 40 * MINUTE, "in", "");
  attach (m, DESK_KIND_FILE, "receipt-2026-11-18.pdf", "application/pdf", 88412, 0, 0, 0);
  m = add (seed, 25 * MINUTE, ME, "thanks!");
  m->status = DESK_STATUS_READ;
  end (seed, 0);
}

static void
seed_others (Seed *seed)
{
  DeskMessage *m;
  begin (seed, "instagram", "ana.p", "Ana Pereira", "@ana.pereira");
  add (seed, 41 * MINUTE, "in",
       "Is the discount still valid for new customers? I saw it in your story");
  end (seed, 1);

  begin (seed, "messenger", "j77", "Jonas Weber", NULL);
  add (seed, 2 * HOUR, "in", "Wann kommt mein Paket?");
  m = add (seed, 110 * MINUTE, "maria", "Es ist heute in der Zustellung.");
  m->status = DESK_STATUS_DELIVERED;
  end (seed, 0);

  begin (seed, "partner", "room-55", "Trần Thị Hoa", NULL);
  add (seed, 5 * HOUR, "in", "Chị ơi, còn hàng không ạ?");
  m = add (seed, 4 * HOUR, ME, "Dạ còn ạ, chị muốn lấy mấy cái?");
  m->status = DESK_STATUS_FAILED;
  m->error.code = g_strdup ("WINDOW_CLOSED");
  m->error.message = g_strdup ("window closed");
  end (seed, 0);

  begin (seed, "telegram", "1002", "Сергій Бондар", "@bondar");
  m = add (seed, DAY + HOUR, "in", "");
  m->kind = DESK_KIND_LOCATION;
  m = add (seed, DAY + HOUR - 30000, "in", "This was a mistake");
  m->deleted_at_ms = m->created_at_ms + 5000;
  m = add (seed, DAY + 30 * MINUTE, "in", "");
  m->kind = DESK_KIND_UNSUPPORTED;
  m = add (seed, DAY, ME, "Дякую, кур’єр буде після 18:00");
  m->status = DESK_STATUS_SENT;
  end (seed, 0);

  begin (seed, "whatsapp", "351", "Inês Carvalho", "+351 91 000 00 00");
  seed->chat->personal.muted = TRUE;
  for (int i = 0; i < 14; i++)
    add (seed, 3 * DAY - i * MINUTE, "in", i % 3 == 0 ? "Olá!" : "Ainda têm este modelo em azul?");
  end (seed, 14);

  begin (seed, "instagram", "kim", "Kim Nguyen", "@kim.ng");
  add (seed, 9 * DAY, "in", "👏👏👏");
  m = add (seed, 9 * DAY - HOUR, ME, "Thank you for your order!");
  end (seed, 0);
}

/* A long history, for scrolling and search. */
static void
seed_long (Seed *seed)
{
  static const char *const lines[] = {
    "Could you send me the invoice again?",
    "Of course, it is on its way.",
    "Thank you, received.",
    "The colour is a bit different from the picture, but I like it.",
    "We are glad to hear that!",
    "One more question about the warranty: does it cover the zipper, and for how long after the "
    "purchase?",
  };
  begin (seed, "telegram", "1003", "Daria Melnyk", "@dmelnyk");
  for (int i = 0; i < 700; i++)
    add (seed, 40 * DAY - i * 80 * MINUTE, i % 2 == 0 ? "in" : ME, lines[i % G_N_ELEMENTS (lines)]);
  end (seed, 0);
}

static void
seed_intents (Seed *seed)
{
  g_autoptr (DeskDraft) draft = desk_draft_new ("messenger", "j77");
  g_autoptr (DeskOutboxEntry) queued = desk_outbox_entry_new (DESK_INTENT_SEND, "telegram", "1003");
  g_free (draft->text);
  draft->text = g_strdup ("Der Fahrer meldet sich etwa");
  draft->updated_at_ms = seed->now_ms;
  desk_batch_draft (seed->batch, draft);
  g_free (queued->text);
  queued->text = g_strdup ("It covers the zipper for two years.");
  queued->client_message_id = g_strdup ("seed-1");
  queued->created_at_ms = seed->now_ms - 2 * MINUTE;
  desk_batch_outbox_add (seed->batch, queued, FALSE);
}

static void
add_platform (DeskCapabilities *capabilities,
              const char *name,
              const char *title,
              guint limit,
              DeskTextUnit unit)
{
  DeskPlatform *platform = desk_platform_new (name, title);
  platform->text_limit = limit;
  platform->text_unit = unit;
  g_ptr_array_add (capabilities->platforms, platform);
}

static void
seed_settings (Seed *seed)
{
  g_autoptr (DeskCapabilities) capabilities = desk_capabilities_new_level0 ();
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *complete = g_strdup_printf ("%" G_GINT64_FORMAT, seed->now_ms - 4 * MINUTE);
  DeskJsonWriter w;
  capabilities->level = 2;
  capabilities->me = desk_manager_new (ME, "Ivan", DESK_ROLE_MANAGER);
  capabilities->server_time_ms = seed->now_ms;
  add_platform (capabilities, "telegram", "Telegram", 4096, DESK_TEXT_UTF16);
  add_platform (capabilities, "whatsapp", "WhatsApp", 4096, DESK_TEXT_CHARS);
  add_platform (capabilities, "instagram", "Instagram", 1000, DESK_TEXT_BYTES);
  add_platform (capabilities, "messenger", "Messenger", 2000, DESK_TEXT_CHARS);
  add_platform (capabilities, "partner", "Chợ Tốt", 1000, DESK_TEXT_CHARS);
  desk_json_writer_init (&w, text);
  desk_wire_write_capabilities (&w, capabilities);
  desk_batch_setting (seed->batch, "level", "2");
  desk_batch_setting (seed->batch, "capabilities", text->str);
  desk_batch_setting (seed->batch, "me", ME);
  desk_batch_setting (seed->batch, "complete_to_ms", complete);
}

static gboolean
apply (DeskStore *store, Seed *seed)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskBatchResult) result
      = desk_store_apply (store, g_steal_pointer (&seed->batch), &error);
  if (result == NULL)
    fprintf (stderr, "seed-cache: %s\n", error->message);
  seed->batch = desk_batch_new ();
  return result != NULL;
}

static gboolean
seed_more (DeskStore *store, Seed *seed, int more)
{
  static const char *const platforms[] = { "telegram", "whatsapp", "instagram", "messenger" };
  for (int i = 0; i < more; i++)
    {
      g_autofree char *id = g_strdup_printf ("more-%d", i);
      g_autofree char *name = g_strdup_printf ("Customer %d", i);
      begin (seed, platforms[i % 4], id, name, NULL);
      add (seed, 4 * DAY + i * MINUTE, "in", "Hello, is it still available?");
      add (seed, 4 * DAY + i * MINUTE - 30000, ME, "Yes, it is.");
      end (seed, 0);
      if (i % 500 == 499 && !apply (store, seed))
        return FALSE;
    }
  return apply (store, seed);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  Seed seed = { .now_ms = g_get_real_time () / 1000 };
  if (argc < 2)
    {
      fprintf (stderr, "usage: seed-cache DIR [MORE]\n");
      return 2;
    }
  g_autoptr (DeskStore) store = desk_store_open (argv[1], NULL, &error);
  if (store == NULL)
    {
      fprintf (stderr, "seed-cache: %s\n", error->message);
      return 1;
    }
  seed.batch = desk_batch_new ();
  seed_settings (&seed);
  seed_olena (&seed);
  seed_minh (&seed);
  seed_others (&seed);
  seed_long (&seed);
  if (!apply (store, &seed))
    return 1;
  seed_intents (&seed);
  if (!apply (store, &seed) || !seed_more (store, &seed, argc > 2 ? atoi (argv[2]) : 0))
    return 1;
  desk_batch_free (seed.batch);
  desk_store_close (store);
  return 0;
}
