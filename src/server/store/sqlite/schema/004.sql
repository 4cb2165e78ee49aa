-- The backend's store: how old what is known of customers is, and the templates that platforms have approved.

-- Of the customer behind the chat: when somebody last told what he is called (0: never); when to ask again; and until
-- when what is known counts as outdated because somebody said that it changed.
ALTER TABLE chats ADD COLUMN profile_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chats ADD COLUMN profile_due INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chats ADD COLUMN profile_stale_until INTEGER NOT NULL DEFAULT 0;

-- body is the JSON of the list; a send right after a start needs it.
CREATE TABLE templates (
  connection TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  body TEXT NOT NULL
) WITHOUT ROWID;
