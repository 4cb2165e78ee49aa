-- SPDX-License-Identifier: GPL-3.0-or-later
-- Version 3: what a manager does besides writing. Intents to change a chat or a message, canned replies, customers'
-- profiles, the team, and how far back the manager wants history kept.

-- state, snoozed_until_ms, assignee, labels, metadata and muted of a chat are what is shown: the
-- server's value with the waiting intents applied on top. Where the two differ, told has the server's.
ALTER TABLE chat ADD COLUMN told BLOB;
-- What lies before this place was dropped from the cache by the manager's setting: it is fetched
-- again on demand and not by itself. 0: nothing was.
ALTER TABLE chat ADD COLUMN cut_seq INTEGER NOT NULL DEFAULT 0;

ALTER TABLE outbox ADD COLUMN message_id TEXT;             -- which message is changed
ALTER TABLE outbox ADD COLUMN base_rev INTEGER NOT NULL DEFAULT 0; -- of the object when the manager changed it
ALTER TABLE outbox ADD COLUMN change BLOB;                 -- of a chat or a profile
ALTER TABLE outbox ADD COLUMN seen BLOB;                   -- the values that the manager saw and changed
ALTER TABLE outbox ADD COLUMN seen_text TEXT;              -- EDIT: the text as it was
ALTER TABLE outbox ADD COLUMN template BLOB;               -- which one, with its values
ALTER TABLE outbox ADD COLUMN details TEXT;                -- JSON that came with a refusal
ALTER TABLE outbox ADD COLUMN edited INTEGER NOT NULL DEFAULT 0; -- the text was changed after an attempt

CREATE TABLE manager (
  username TEXT PRIMARY KEY,
  display_name TEXT NOT NULL,
  role INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE canned (
  place INTEGER PRIMARY KEY,               -- as the server orders them
  id TEXT NOT NULL,
  data BLOB NOT NULL                       -- a{sv}
);

CREATE TABLE profile (
  chat INTEGER PRIMARY KEY,
  fetched_at_ms INTEGER NOT NULL,
  data BLOB NOT NULL                       -- a{sv}: as the server told it
);
