-- The backend's store, version 1. Times are ms UTC. Enum columns hold the numbers of the model.

CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE chats (
  row INTEGER PRIMARY KEY,
  platform TEXT NOT NULL,
  user_id TEXT NOT NULL,
  user_name TEXT NOT NULL,
  messenger_name TEXT,
  last_message TEXT NOT NULL DEFAULT '',
  last_time INTEGER NOT NULL DEFAULT 0,
  type INTEGER NOT NULL DEFAULT 0,
  partner_name TEXT,
  partner_room_id TEXT,
  metadata TEXT NOT NULL DEFAULT '{}',
  stream_id TEXT NOT NULL,
  state INTEGER NOT NULL DEFAULT 0,
  snoozed_until INTEGER NOT NULL DEFAULT 0,
  assignee TEXT,
  labels TEXT NOT NULL DEFAULT '',         -- separated by U+001F
  connection TEXT,
  first_chat_seq INTEGER NOT NULL DEFAULT 1,
  last_chat_seq INTEGER NOT NULL DEFAULT 0,
  last_in_seq INTEGER NOT NULL DEFAULT 0,
  waiting_since INTEGER NOT NULL DEFAULT 0,
  window_expires_at INTEGER NOT NULL DEFAULT 0,
  rev INTEGER NOT NULL DEFAULT 1,
  preview_seq INTEGER NOT NULL DEFAULT 0,
  last_reply_seq INTEGER NOT NULL DEFAULT 0,
  breaker_until INTEGER NOT NULL DEFAULT 0,
  UNIQUE (platform, user_id)
);
CREATE INDEX chats_by_activity ON chats (last_time, row);

-- What each manager has read; absent means nothing.
CREATE TABLE markers (
  username TEXT NOT NULL,
  chat INTEGER NOT NULL REFERENCES chats (row) ON DELETE CASCADE,
  read_chat_seq INTEGER NOT NULL,
  read_in_seq INTEGER NOT NULL,
  marked_unread INTEGER NOT NULL DEFAULT 0,
  muted INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (username, chat)
) WITHOUT ROWID;
CREATE INDEX markers_by_chat ON markers (chat);

-- place = chat row << 31 | chat_seq: a page of a chat is one range of the table itself. The wide column stands last,
-- so that conditions on the narrow ones never read it.
CREATE TABLE messages (
  place INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  in_seq INTEGER NOT NULL,
  direction INTEGER NOT NULL,
  sender INTEGER NOT NULL,
  sender_id TEXT,
  is_private INTEGER NOT NULL,
  status INTEGER NOT NULL,
  source INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  stored_at INTEGER NOT NULL,
  deleted_at INTEGER NOT NULL,
  key_row INTEGER,
  chat INTEGER NOT NULL,
  external_id TEXT,
  body TEXT NOT NULL
);
CREATE UNIQUE INDEX messages_by_id ON messages (id);
CREATE UNIQUE INDEX messages_by_external ON messages (chat, external_id) WHERE external_id IS NOT NULL;

-- Idempotency keys outlive their messages; body is filled when the message is trimmed.
CREATE TABLE keys (
  row INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  username TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  place INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  body TEXT,
  UNIQUE (key, username)
);
CREATE INDEX keys_by_age ON keys (created_at);

CREATE TABLE dedup (
  connection TEXT NOT NULL,
  key TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (connection, key)
) WITHOUT ROWID;
CREATE INDEX dedup_by_age ON dedup (at);

CREATE TABLE raw (
  id INTEGER PRIMARY KEY,
  connection TEXT NOT NULL,
  at INTEGER NOT NULL,
  problem TEXT,
  payload BLOB NOT NULL
);

CREATE TABLE checkpoints (
  connection TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- The event log. seq is dense; the newest row is never purged, so that the head survives.
CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  frame TEXT NOT NULL
);

-- id is the place of the message: one job a message, first in first out within a chat.
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY,
  connection TEXT NOT NULL,
  state INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  waits INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE INDEX jobs_unfinished ON jobs (connection, id) WHERE state < 2;

CREATE TABLE users (
  username TEXT PRIMARY KEY,
  display_name TEXT NOT NULL,
  role INTEGER NOT NULL,
  password TEXT,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Tokens are random and opaque; only their hashes are kept.
CREATE TABLE tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hash TEXT NOT NULL UNIQUE,
  kind INTEGER NOT NULL,
  username TEXT NOT NULL REFERENCES users (username) ON DELETE CASCADE,
  family TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
);
CREATE INDEX tokens_by_family ON tokens (family);
CREATE INDEX tokens_by_username ON tokens (username);
CREATE INDEX tokens_by_expiry ON tokens (expires_at) WHERE expires_at > 0;
