-- SPDX-License-Identifier: GPL-3.0-or-later
-- The client's cache, version 1. Enumerations are the numbers of the C enums and never change their
-- meaning. Times are milliseconds UTC. Nothing refers by foreign key: a batch keeps the tables
-- together in one transaction, and a lookup of the parent would cost every message.

CREATE TABLE setting (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- A chat with the columns that the list shows: no list ever looks at messages.
CREATE TABLE chat (
  chat INTEGER PRIMARY KEY,
  platform TEXT NOT NULL,
  user_id TEXT NOT NULL,
  user_name TEXT NOT NULL DEFAULT '',
  messenger_name TEXT,
  is_level2 INTEGER NOT NULL DEFAULT 0,
  type INTEGER NOT NULL DEFAULT 0,
  partner_name TEXT,
  partner_room_id TEXT,
  metadata TEXT NOT NULL DEFAULT '{}',
  stream_id TEXT,
  state INTEGER NOT NULL DEFAULT 0,
  snoozed_until_ms INTEGER NOT NULL DEFAULT 0,
  assignee TEXT,
  labels TEXT NOT NULL DEFAULT '',          -- each label between line feeds: "\nvip\nlate\n"
  connection TEXT,
  first_chat_seq INTEGER NOT NULL DEFAULT 0,
  last_chat_seq INTEGER NOT NULL DEFAULT 0,
  last_in_seq INTEGER NOT NULL DEFAULT 0,
  waiting_since_ms INTEGER NOT NULL DEFAULT 0,
  window_expires_at_ms INTEGER NOT NULL DEFAULT 0,
  rev INTEGER NOT NULL DEFAULT 0,
  -- of this manager
  read_chat_seq INTEGER NOT NULL DEFAULT 0, -- an order key: at level 0 not a chat_seq
  read_in_seq INTEGER NOT NULL DEFAULT 0,
  marked_unread INTEGER NOT NULL DEFAULT 0,
  muted INTEGER NOT NULL DEFAULT 0,
  server_unread INTEGER NOT NULL DEFAULT 0, -- level 0: as told
  server_counts INTEGER NOT NULL DEFAULT 0, -- level 0: it has told more than zero once
  in_step INTEGER NOT NULL DEFAULT 0,       -- level 0: the newest page was fetched after told_* changed
  told_time_ms INTEGER NOT NULL DEFAULT 0,  -- level 0: last_time and last_message as told
  told_message TEXT NOT NULL DEFAULT '',
  -- derived
  unread INTEGER NOT NULL DEFAULT 0,
  last_key INTEGER NOT NULL DEFAULT 0,      -- order key that the preview belongs to
  last_message TEXT NOT NULL DEFAULT '',
  last_time_ms INTEGER NOT NULL DEFAULT 0,
  last_direction INTEGER NOT NULL DEFAULT 0,
  last_status INTEGER NOT NULL DEFAULT 0,
  last_is_private INTEGER NOT NULL DEFAULT 0,
  activity_ms INTEGER NOT NULL DEFAULT 0,
  pending INTEGER NOT NULL DEFAULT 0,
  attention INTEGER NOT NULL DEFAULT 0,
  gaps INTEGER NOT NULL DEFAULT 0           -- holes that can be fetched
);
CREATE UNIQUE INDEX chat_name ON chat (platform, user_id);
CREATE INDEX chat_recent ON chat (activity_ms DESC, chat DESC);
CREATE INDEX chat_waiting ON chat (waiting_since_ms = 0, waiting_since_ms, activity_ms DESC, chat DESC);
CREATE INDEX chat_unread ON chat (activity_ms DESC, chat DESC) WHERE unread > 0;
CREATE INDEX chat_wanted ON chat (activity_ms DESC, chat DESC) WHERE gaps > 0;

-- The row number follows created_at (ms × 1024 + n), so that full-text hits in descending row order are
-- newest first, whenever they were fetched. The place in the chat is order_key: chat_seq, or at
-- level 0 (created_at in ms × 1024 + position).
CREATE TABLE message (
  message INTEGER PRIMARY KEY,
  chat INTEGER NOT NULL,
  order_key INTEGER NOT NULL,
  id TEXT,                                  -- NULL while only a level-0 hint
  direction INTEGER NOT NULL,
  sender INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  status INTEGER NOT NULL,
  source INTEGER NOT NULL,
  is_private INTEGER NOT NULL,
  is_level2 INTEGER NOT NULL,
  provisional INTEGER NOT NULL,
  gap_before INTEGER NOT NULL,              -- level 0: 1 = unknown messages before it, 2 = lost for good
  created_at_ms INTEGER NOT NULL,
  edited_at_ms INTEGER NOT NULL,
  deleted_at_ms INTEGER NOT NULL,
  in_seq INTEGER NOT NULL,
  rev INTEGER NOT NULL,
  text TEXT NOT NULL,
  client_message_id TEXT,
  sender_id TEXT,
  sender_name TEXT,
  extra BLOB                                -- a{sv}: what few messages have; NULL if nothing
);
CREATE UNIQUE INDEX message_place ON message (chat, order_key);
CREATE UNIQUE INDEX message_id ON message (id) WHERE id IS NOT NULL;
CREATE INDEX message_gap ON message (chat) WHERE gap_before = 1;

CREATE VIRTUAL TABLE message_text USING fts5 (
  text,
  content = 'message',
  content_rowid = 'message',
  tokenize = 'unicode61 remove_diacritics 2',
  prefix = '2 3'
);

-- Level 2: which chat_seq of a chat are known, whether a message stands there or the server has
-- none; disjoint and never adjacent. What lies outside and at or after first_chat_seq is a gap.
CREATE TABLE covered (
  chat INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (chat, first)
) WITHOUT ROWID;

CREATE TABLE outbox (
  local_id INTEGER PRIMARY KEY AUTOINCREMENT,
  chat INTEGER NOT NULL,
  intent INTEGER NOT NULL,
  client_message_id TEXT,
  text TEXT NOT NULL,
  reply_to TEXT,
  is_private INTEGER NOT NULL,
  seen_seq INTEGER NOT NULL,
  force INTEGER NOT NULL,
  up_to_chat_seq INTEGER NOT NULL,
  state INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  attempted_at_ms INTEGER NOT NULL,
  error_code TEXT,
  error TEXT
);
CREATE INDEX outbox_chat ON outbox (chat);
CREATE UNIQUE INDEX outbox_client ON outbox (client_message_id) WHERE client_message_id IS NOT NULL;

CREATE TABLE draft (
  chat INTEGER PRIMARY KEY,
  text TEXT NOT NULL,
  reply_to TEXT,
  is_private INTEGER NOT NULL,
  attachments TEXT NOT NULL,
  updated_at_ms INTEGER NOT NULL
);
