/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* The customers of the demonstration: a small shop for coats, bicycles and furniture. All people,
 * places and numbers are invented.
 * Invariants: times of a list descend towards now; fewer than 20 lines of the shop in one chat, so
 * that the breaker against loops stays closed. */

#include "server/connectors/demo/desk-demo-story.h"

#define DAYS(d)  ((d)*24 * 60)
#define HOURS(h) ((h)*60)

#define IN(when, words)                                                                            \
  {                                                                                                \
    .minutes_ago = (when), .kind = DESK_KIND_TEXT, .text = (words)                                 \
  }
#define IN_KIND(when, what, words)                                                                 \
  {                                                                                                \
    .minutes_ago = (when), .kind = (what), .text = (words)                                         \
  }
#define QUOTE(when, back, words)                                                                   \
  {                                                                                                \
    .minutes_ago = (when), .kind = DESK_KIND_TEXT, .text = (words), .answers = (back)              \
  }
#define OUT(when, words)                                                                           \
  {                                                                                                \
    .minutes_ago = (when), .by_shop = TRUE, .kind = DESK_KIND_TEXT, .text = (words)                \
  }
#define OUT_REACTED(when, words, emoji)                                                            \
  {                                                                                                \
    .minutes_ago = (when), .by_shop = TRUE, .kind = DESK_KIND_TEXT, .text = (words),               \
    .reaction = (emoji)                                                                            \
  }
#define PHOTO(when, words, name, bytes, w, h)                                                      \
  {                                                                                                \
    .minutes_ago = (when), .kind = DESK_KIND_IMAGE, .text = (words), .filename = (name),           \
    .mime_type = "image/png", .size = (bytes), .width = (w), .height = (h)                        \
  }
#define VOICE(when, bytes, ms)                                                                     \
  {                                                                                                \
    .minutes_ago = (when), .kind = DESK_KIND_VOICE, .text = "", .filename = "voice.wav",           \
    .mime_type = "audio/x-wav", .size = (bytes), .duration_ms = (ms)                                 \
  }
#define END                                                                                        \
  {                                                                                                \
    .minutes_ago = 0                                                                               \
  }

static const DeskDemoLine emma[] = {
  IN (DAYS (3) + 50, "Hi! Is the navy wool coat still available in size M?"),
  OUT (DAYS (3) + 44, "Hello Emma! Yes, two left in M. Would you like us to put one aside?"),
  IN (DAYS (3) + 41, "Yes please 🙏 I can come by on Thursday"),
  OUT_REACTED (DAYS (3) + 39, "Done, it is reserved under your name until Friday evening.", "❤"),
  IN (DAYS (1) + 130, "I tried it on and the sleeves are a bit long. Do you do alterations?"),
  OUT (DAYS (1) + 118,
       "We work with a tailor two doors down. Shortening sleeves is £18, two days."),
  IN (DAYS (1) + 110, "Perfect, let's do that"),
  PHOTO (25,
         "I pinned them to the length I'd like, is that clear enough?",
         "sleeves.png",
         284114,
         1280,
         960),
  IN (24, "And could it be ready by Saturday? It's my sister's wedding 😅"),
  END,
};
static const char *const emma_answers[] = {
  "Brilliant, thank you so much!",
  "Saturday before noon would be ideal",
  "Great, I'll pay by card when I pick it up",
  NULL,
};
static const char *const emma_later[] = {
  "One more thing: do you have a scarf that goes with it?",
  "Sorry, what were your Saturday hours again?",
  NULL,
};

static const DeskDemoLine oksana[] = {
  IN (DAYS (2) + 200, "Добрий день! Цікавить велосипед «Лелека» 26 дюймів. Він ще є?"),
  OUT (DAYS (2) + 190, "Добрий день, Оксано! Так, є у зеленому та білому кольорі."),
  IN (DAYS (2) + 185, "А можна приїхати подивитися у вихідні?"),
  OUT (DAYS (2) + 180, "Звичайно, ми працюємо в суботу з 10 до 18."),
  IN_KIND (DAYS (2) + 178, DESK_KIND_STICKER, "👍"),
  VOICE (47, 38211, 14000),
  IN (45, "Якщо коротко: чи підійде він на зріст 158?"),
  END,
};
static const char *const oksana_answers[] = {
  "Дякую! Тоді беремо білий 🙂",
  "А багажник іде в комплекті?",
  "Чудово, приїдемо в суботу зранку",
  NULL,
};
static const char *const oksana_later[] = {
  "А дитяче крісло до нього можна поставити?",
  "Підкажіть, будь ласка, чи є де припаркуватися біля магазину",
  NULL,
};

static const DeskDemoLine linh[] = {
  IN (DAYS (1) + 400, "Shop ơi, bàn gỗ sồi 1m2 còn hàng không ạ?"),
  OUT (DAYS (1) + 390, "Dạ còn ạ, chị Linh. Giá 3.200.000 ₫, giao trong 3 ngày."),
  IN (DAYS (1) + 380, "Có màu óc chó không shop?"),
  OUT (DAYS (1) + 371, "Dạ có màu óc chó, nhưng phải đặt trước 10 ngày ạ."),
  IN (DAYS (1) + 365, "Vậy cho mình màu sồi nhé, giao về địa chỉ này"),
  IN_KIND (DAYS (1) + 364,
           DESK_KIND_LOCATION,
           "Nhà riêng\n12 Phố Huế, Hai Bà Trưng, Hà Nội\n21.017320, 105.851900"),
  OUT_REACTED (DAYS (1) + 360, "Dạ em đã lên đơn, dự kiến giao chiều thứ Sáu ạ.", "👍"),
  QUOTE (12, 1, "Thứ Sáu mình bận, chuyển sang sáng thứ Bảy được không?"),
  END,
};
static const char *const linh_answers[] = {
  "Cảm ơn shop nhiều nha 😊",
  "Mình chuyển khoản luôn bây giờ được không?",
  "Ok, khi nào giao thì gọi mình trước nhé",
  NULL,
};
static const char *const linh_later[] = {
  "Shop có ghế đi kèm bàn này không ạ?",
  "Bàn có phải tự lắp không shop?",
  NULL,
};

static const DeskDemoLine jonas[] = {
  IN (DAYS (4) + 75,
      "Moin, mein Trekkingrad macht beim Schalten Geräusche. Wann hätten Sie einen "
      "Termin in der Werkstatt?"),
  OUT (DAYS (4) + 60, "Moin Herr Petersen, Dienstag um 9 Uhr oder Mittwoch ab 14 Uhr ginge."),
  IN (DAYS (4) + 52, "Dienstag 9 Uhr passt"),
  OUT (DAYS (4) + 50, "Ist eingetragen. Bitte das Schloss abnehmen."),
  OUT (DAYS (1) + 320,
       "Ihr Rad ist fertig: Kette und Kassette getauscht, 94 €. Sie können es bis "
       "18 Uhr abholen."),
  IN (DAYS (1) + 300, "Super, bin um fünf da"),
  IN (HOURS (5) + 10, "Läuft wieder wie neu, danke! 🚲"),
  OUT_REACTED (HOURS (5), "Das freut uns. Gute Fahrt!", "🔥"),
  END,
};
static const char *const jonas_answers[] = {
  "Alles klar, danke für die schnelle Antwort",
  "Dann komme ich nächste Woche vorbei",
  NULL,
};
static const char *const jonas_later[] = {
  "Kurze Frage: Haben Sie auch Spikereifen für den Winter?",
  "Die Klingel habe ich wohl bei Ihnen liegen lassen 🙈",
  NULL,
};

static const DeskDemoLine beatriz[] = {
  IN (HOURS (26), "Oi! Vocês entregam em Niterói?"),
  OUT (HOURS (25) + 50, "Oi, Beatriz! Entregamos sim, o frete fica em R$ 35."),
  IN (HOURS (25) + 45, "Que bom! Queria a poltrona amarela da vitrine"),
  PHOTO (HOURS (25) + 44, "essa aqui", "vitrine.png", 412887, 1080, 1440),
  OUT (HOURS (25) + 30, "É a última peça! R$ 890, em até 6 vezes sem juros."),
  IN (HOURS (3), "Fechado! Posso pagar por Pix?"),
  IN (HOURS (2) + 55, "E consegue entregar depois das 18h? Trabalho até tarde 😬"),
  END,
};
static const char *const beatriz_answers[] = {
  "Maravilha, já fiz o Pix 💛",
  "Perfeito! Tem elevador no prédio, tá?",
  "Obrigada pelo atendimento!",
  NULL,
};
static const char *const beatriz_later[] = {
  "Vocês têm uma luminária que combine com a poltrona?",
  "O tecido dá pra lavar?",
  NULL,
};

static const DeskDemoLine layla[] = {
  IN (HOURS (30), "السلام عليكم، هل المعطف البني متوفر بمقاس كبير؟"),
  OUT (HOURS (29) + 40, "وعليكم السلام ليلى، نعم متوفر بمقاس كبير وكبير جداً."),
  IN (HOURS (29) + 30, "ممتاز، كم سعره مع التوصيل؟"),
  OUT_REACTED (HOURS (29) + 20, "السعر 420 درهماً والتوصيل مجاني.", "😍"),
  IN (70, "هل يمكن تغيير المقاس إذا لم يكن مناسباً؟"),
  END,
};
static const char *const layla_answers[] = {
  "شكراً جزيلاً 🌸",
  "سأطلبه اليوم إن شاء الله",
  NULL,
};
static const char *const layla_later[] = {
  "هل لديكم نفس المعطف باللون الأسود؟",
  "متى يصل الطلب عادةً؟",
  NULL,
};

static const DeskDemoLine marcus[] = {
  IN (DAYS (5) + 15,
      "Hello, I'm furnishing a small café (about 40 m²) and I'm looking for twelve "
      "chairs, four square tables and perhaps two benches.\n\nThe style should be "
      "simple: light wood, nothing upholstered, easy to clean. The floor is uneven, "
      "so adjustable feet would help a lot.\n\nCould you send me an offer including "
      "delivery to the second floor? We open on the 14th, so everything would have "
      "to be here by the 10th at the latest."),
  OUT (DAYS (5) + 3,
       "Good morning Marcus, thank you for the details. We will send an offer today."),
  { .minutes_ago = DAYS (4) + 300,
    .by_shop = TRUE,
    .kind = DESK_KIND_FILE,
    .text = "Here is our offer, valid for 14 days.",
    .filename = "offer-1182.pdf",
    .mime_type = "application/pdf",
    .size = 96331 },
  QUOTE (DAYS (4) + 200, 1, "Looks good. Is there any room on the price of the benches?"),
  OUT (DAYS (4) + 150, "If you take both: 8 % off the benches, and delivery is on us."),
  IN (DAYS (3) + 600, "Deal. I'll confirm by Monday."),
  IN_KIND (DAYS (3) + 599, DESK_KIND_CONTACT, "Priya Nair (accounts)\n+44 20 7946 0812"),
  OUT (DAYS (3) + 580, "Thank you, we will send the invoice to Priya."),
  IN (100, "Confirmed from our side 🎉 When can you deliver?"),
  END,
};
static const char *const marcus_answers[] = {
  "The 9th works for us. Someone will be there from 8 am",
  "Please use the entrance from the yard, the front door is too narrow",
  "Excellent, thanks for being so flexible",
  NULL,
};
static const char *const marcus_later[] = {
  "Could we add one more table to the order?",
  "The landlord asks whether the chairs have felt pads. Do they?",
  NULL,
};

static const DeskDemoLine taras[] = {
  IN (HOURS (8), "Вітаю. Замовлення 2041, коли очікувати доставку?"),
  OUT (HOURS (7) + 50, "Вітаю, Тарасе! Посилка вже у відділенні, трек-номер 20450071122334."),
  IN (HOURS (7) + 40, "О, швидко. Дякую!"),
  IN_KIND (HOURS (1) + 20, DESK_KIND_UNSUPPORTED, "Poll: Яку куртку обрати?"),
  IN (HOURS (1) + 18, "Синя чи чорна, як думаєте? 😄"),
  END,
};
static const char *const taras_answers[] = {
  "Переконали, беру чорну",
  "Дякую за пораду! 🔥",
  NULL,
};
static const char *const taras_later[] = {
  "А якщо не підійде розмір, обмін безкоштовний?",
  "Забрав, сидить ідеально 👌",
  NULL,
};

static const DeskDemoLine sophie[] = {
  IN (DAYS (6) + 44, "Guten Tag, ist der Esstisch „Lund“ auch in 2,20 m lieferbar?"),
  OUT (DAYS (6) + 30, "Guten Tag Frau Brandt, ja, mit etwa fünf Wochen Lieferzeit."),
  IN (DAYS (6) + 21, "Gibt es davon ein Muster der Oberfläche?"),
  OUT (DAYS (6) + 15, "Wir schicken Ihnen gern eines zu. An welche Adresse?"),
  IN (DAYS (6) + 9, "Lindenstraße 8, 04275 Leipzig. Vielen Dank!"),
  OUT_REACTED (DAYS (6) + 5, "Ist unterwegs 📦", "🙏"),
  IN (DAYS (1) + 20, "Muster ist da, sehr schön. Dann bestelle ich den Tisch."),
  OUT (HOURS (23), "Wunderbar! Die Auftragsbestätigung kommt per E-Mail."),
  END,
};
static const char *const sophie_answers[] = {
  "Prima, die Bestätigung ist angekommen",
  "Können die Spediteure den alten Tisch mitnehmen?",
  NULL,
};
static const char *const sophie_later[] = {
  "Noch eine Frage: Womit pflege ich die geölte Oberfläche am besten?",
  NULL,
};

static const DeskDemoLine daniel[] = {
  IN (HOURS (2), "hey"),
  IN (HOURS (2) - 1, "do u have 28\" tubes with the long valve"),
  OUT (HOURS (2) - 10, "Hi Daniel, yes, Presta 60 mm, £6 each."),
  IN (HOURS (2) - 12, "nice, 3 pls"),
  IN (HOURS (2) - 13, "👍👍"),
  OUT (HOURS (2) - 20, "They are at the counter for you, open until 7 pm."),
  IN (8, "ok on my way, stuck in traffic tho 🚗"),
  END,
};
static const char *const daniel_answers[] = {
  "thx!!",
  "be there in 10",
  "lol no worries",
  NULL,
};
static const char *const daniel_later[] = {
  "btw do u fix wheels too? mine's wobbling",
  "forgot to ask, got any tyre levers?",
  NULL,
};

static const DeskDemoLine huong[] = {
  IN (DAYS (2) + 30, "Áo khoác dạ mình mua hôm trước bị bung chỉ ở túi ạ 😢"),
  PHOTO (DAYS (2) + 29, "", "tui-ao.png", 198220, 960, 1280),
  OUT (DAYS (2) + 10,
       "Dạ shop xin lỗi chị Hương. Chị gửi lại, shop sửa miễn phí và chịu phí ship ạ."),
  IN (DAYS (2) + 4, "Vậy mình gửi về địa chỉ nào?"),
  OUT (DAYS (2) + 1, "Dạ 45 Lê Lợi, Quận 1, TP. Hồ Chí Minh ạ."),
  IN (DAYS (1) + 700, "Mình gửi rồi nhé, mã vận đơn VN88120034"),
  OUT_REACTED (DAYS (1) + 690, "Dạ shop cảm ơn chị, nhận được shop báo ngay ạ.", "🥰"),
  IN (HOURS (4), "Shop nhận được áo chưa ạ?"),
  END,
};
static const char *const huong_answers[] = {
  "Dạ mình cảm ơn shop",
  "Khoảng mấy hôm thì xong ạ?",
  NULL,
};
static const char *const huong_later[] = {
  "À shop ơi, tiện thể thay giúp mình cái cúc trên cùng nhé",
  NULL,
};

static const DeskDemoLine rafael[] = {
  IN (DAYS (1) + 55, "Boa tarde, a bicicleta infantil aro 16 vem com rodinhas?"),
  OUT (DAYS (1) + 50, "Boa tarde, Rafael! Vem sim, e com cestinha também."),
  IN (DAYS (1) + 47, "Show! É presente de aniversário, vocês embrulham? 🎁"),
  OUT_REACTED (DAYS (1) + 40, "Embrulhamos com laço e tudo!", "🎉"),
  IN (DAYS (1) + 35, "Então separa uma azul pra mim, passo amanhã"),
  OUT (DAYS (1) + 30, "Separada! Até amanhã."),
  END,
};
static const char *const rafael_answers[] = {
  "Valeu, até já!",
  "Ele adorou o presente 😄",
  NULL,
};
static const char *const rafael_later[] = {
  "Oi! Tem capacete pra criança de 5 anos?",
  "Passei aí e já busquei, obrigado!",
  NULL,
};

static const DeskDemoLine aiko[] = {
  IN (35, "Hello! I'm in town only until tomorrow. Could you ship a rocking chair to Japan? 🪑"),
  IN_KIND (34, DESK_KIND_LOCATION, "Hotel Harbour View\n4 Quay Street\n51.453800, -2.596500"),
  IN (33, "This is my hotel, in case you can also deliver it there"),
  END,
};
static const char *const aiko_answers[] = {
  "Oh wonderful! How much would the shipping be?",
  "That is fine for me. May I pay with PayPal?",
  "Thank you very much, you are so kind 🙇",
  NULL,
};
static const char *const aiko_later[] = {
  "Could you send me a photo of the chair from the back?",
  NULL,
};

static const DeskDemoLine promo[] = {
  IN (HOURS (52), "🔥🔥 GROW your shop to 100K followers in 7 DAYS!!! Reply YES for a special price"),
  OUT (HOURS (51), "No, thank you."),
  IN (HOURS (50), "Last chance my friend, only today −70 %"),
  END,
};
static const char *const promo_answers[] = { NULL };
static const char *const promo_later[] = { "🔥 Final offer!!!", NULL };

static const DeskDemoPerson people[] = {
  { "emma.hartley", "Emma Hartley", "@emma.hartley", FALSE, emma, emma_answers, emma_later,
    "Thank you! 😊",
    "{\"item\":\"Navy wool coat, size M\",\"price\":\"£ 189\"}" },
  { "oksana.bondar", "Оксана Бондар", "@oksana_b", FALSE, oksana, oksana_answers, oksana_later,
    "Дуже дякую! 💛",
    "{\"item\":\"Велосипед «Лелека» 26″\",\"price\":\"9 400 ₴\"}" },
  { "linh.nguyen", "Nguyễn Thùy Linh", "@thuylinh", FALSE, linh, linh_answers, linh_later,
    "Dạ vâng, cảm ơn shop ạ ❤️",
    "{\"item\":\"Bàn gỗ sồi 1m2\",\"price\":\"3.200.000 ₫\"}" },
  { "jonas.petersen", "Jonas Petersen", "@jonas_p", FALSE, jonas, jonas_answers, jonas_later,
    "Danke! 👍",
    "{\"item\":\"Werkstatt: Kette und Kassette\",\"price\":\"94 €\"}" },
  { "beatriz.souza", "Beatriz Souza", "@bia.souza", FALSE, beatriz, beatriz_answers, beatriz_later,
    "Obrigada! 💛",
    "{\"item\":\"Poltrona amarela\",\"price\":\"R$ 890\"}" },
  { "layla.haddad", "ليلى حداد", "@layla.h", FALSE, layla, layla_answers, layla_later,
    "شكراً لكم 🌹" },
  { "marcus.webb", "Marcus Webb", "@cafe_webb", FALSE, marcus, marcus_answers, marcus_later,
    "Cheers!" },
  { "taras.koval", "Тарас Коваль", "@taras.k", FALSE, taras, taras_answers, taras_later,
    "Дякую! 🙌" },
  { "sophie.brandt", "Sophie Brandt", "@s.brandt", FALSE, sophie, sophie_answers, sophie_later,
    "Herzlichen Dank!" },
  { "daniel.cole", "Daniel Cole", "@dcole", FALSE, daniel, daniel_answers, daniel_later, "👍" },
  { "huong.tran", "Trần Thu Hương", "@thuhuong", FALSE, huong, huong_answers, huong_later,
    "Dạ cảm ơn shop ạ" },
  { "rafael.lima", "Rafael Lima", "@rafalima", FALSE, rafael, rafael_answers, rafael_later,
    "Valeu! 🙌" },
  { "aiko.tanaka", "Aiko Tanaka", "@aiko.t", FALSE, aiko, aiko_answers, aiko_later,
    "Thank you so much! 🙇" },
  { "growth.expert", "Growth Expert", "@get.followers", TRUE, promo, promo_answers, promo_later,
    "YES?" },
};

const DeskDemoPerson *
desk_demo_people (guint *out_n)
{
  *out_n = G_N_ELEMENTS (people);
  return people;
}
