-- SPDX-License-Identifier: GPL-3.0-or-later
-- Version 2: files, those that wait to be sent and those that were downloaded.

-- What the entries of the outbox send: copies in outbox/NAME/FILENAME.
CREATE TABLE outbox_file (
  local_id INTEGER NOT NULL,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  filename TEXT NOT NULL,
  mime_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  PRIMARY KEY (local_id, position)
) WITHOUT ROWID;
CREATE INDEX outbox_file_name ON outbox_file (name);

-- Which copies the drafts name; the draft itself has the rest.
CREATE TABLE draft_file (
  chat INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (chat, name)
) WITHOUT ROWID;
CREATE INDEX draft_file_name ON draft_file (name);

-- Downloads, in files/ab/SHA256.
CREATE TABLE file (
  sha256 TEXT PRIMARY KEY,
  size INTEGER NOT NULL,
  used_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX file_used ON file (used_at_ms, sha256);

-- What leads to a download: the server's id of a file, or its link.
CREATE TABLE file_key (
  key TEXT PRIMARY KEY,
  sha256 TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX file_key_file ON file_key (sha256);

-- What may have become superfluous on the disk, to be looked at after the commit: names below outbox/ and
-- files/. It outlives a kill between the commit and the removal.
CREATE TABLE gone (
  path TEXT PRIMARY KEY
) WITHOUT ROWID;

CREATE TRIGGER outbox_gone AFTER DELETE ON outbox
WHEN EXISTS (SELECT 1 FROM outbox_file WHERE local_id = OLD.local_id)
BEGIN
  INSERT OR IGNORE INTO gone SELECT 'outbox/' || name FROM outbox_file WHERE local_id = OLD.local_id;
  DELETE FROM outbox_file WHERE local_id = OLD.local_id;
END;

CREATE TRIGGER draft_gone AFTER DELETE ON draft
WHEN EXISTS (SELECT 1 FROM draft_file WHERE chat = OLD.chat)
BEGIN
  INSERT OR IGNORE INTO gone SELECT 'outbox/' || name FROM draft_file WHERE chat = OLD.chat;
  DELETE FROM draft_file WHERE chat = OLD.chat;
END;

CREATE TRIGGER file_gone AFTER DELETE ON file
BEGIN
  INSERT OR IGNORE INTO gone VALUES ('files/' || substr(OLD.sha256, 1, 2) || '/' || OLD.sha256);
  DELETE FROM file_key WHERE sha256 = OLD.sha256;
END;
