-- The backend's store: how the connections to the platforms are, kept so that a restart neither
-- forgets since when something is wrong nor tells of it twice.

CREATE TABLE connections (
  name TEXT PRIMARY KEY,
  platform TEXT NOT NULL,
  health INTEGER NOT NULL,
  trouble INTEGER NOT NULL,
  reason TEXT,
  since INTEGER NOT NULL,                  -- since when it is in this state, or in trouble
  failing_since INTEGER NOT NULL DEFAULT 0, -- 0: it works
  told INTEGER NOT NULL DEFAULT 0          -- managers were told that it fails
) WITHOUT ROWID;

-- Payloads that could not be understood are few; all others are only ever read from end to end.
CREATE INDEX raw_problems ON raw (id) WHERE problem IS NOT NULL;
