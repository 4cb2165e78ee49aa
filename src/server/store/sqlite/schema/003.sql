-- The backend's store: what managers keep of chats and customers, and their canned replies.

-- Chats that are to be opened again; state 1 is snoozed.
CREATE INDEX chats_snoozed ON chats (snoozed_until) WHERE state = 1 AND snoozed_until > 0;

CREATE TABLE canned (
  id TEXT PRIMARY KEY,
  shortcut TEXT NOT NULL,
  folded TEXT NOT NULL UNIQUE, -- the shortcut without regard to case
  title TEXT,
  text TEXT NOT NULL,
  rev INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) WITHOUT ROWID;

-- body is the profile's JSON; typed has a bit for each field (DeskProfileField) that a manager wrote, which what a
-- platform tells does not overwrite.
CREATE TABLE profiles (
  chat INTEGER PRIMARY KEY REFERENCES chats (row) ON DELETE CASCADE,
  typed INTEGER NOT NULL,
  body TEXT NOT NULL
);
