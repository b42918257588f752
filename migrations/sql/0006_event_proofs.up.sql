-- version: 1.5.0
-- Hashes of complete subtrees of the tree over the events, 2^level leaves each, from level 8 up. Derived from the events.
CREATE TABLE event_node (
  level INTEGER NOT NULL CHECK (level >= 8),
  position INTEGER NOT NULL,
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;

-- Signed statements of what the log was; sizes never go back.
CREATE TABLE event_checkpoint (
  number INTEGER PRIMARY KEY,
  size INTEGER NOT NULL,
  time INTEGER NOT NULL,
  note BLOB NOT NULL
) STRICT;

CREATE INDEX event_checkpoint_size ON event_checkpoint (size);

CREATE TRIGGER event_checkpoint_update BEFORE UPDATE ON event_checkpoint BEGIN
  SELECT RAISE(ABORT, 'checkpoints are immutable');
END;

CREATE TRIGGER event_checkpoint_delete BEFORE DELETE ON event_checkpoint BEGIN
  SELECT RAISE(ABORT, 'checkpoints are immutable');
END;

-- Where the log begins: events up to this one are in archives only. One row, or none while all are here.
CREATE TABLE event_floor (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  sequence INTEGER NOT NULL,
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  peaks BLOB NOT NULL CHECK (length(peaks) % 32 = 0)
) STRICT;

CREATE TRIGGER event_floor_update BEFORE UPDATE ON event_floor WHEN NEW.sequence < OLD.sequence BEGIN
  SELECT RAISE(ABORT, 'the floor only rises');
END;

CREATE TRIGGER event_floor_delete BEFORE DELETE ON event_floor BEGIN
  SELECT RAISE(ABORT, 'the floor only rises');
END;

-- Leaves of blocks of 256 below the floor that hold the end of a checkpoint, so that proofs from it can still be made.
CREATE TABLE event_block (
  position INTEGER PRIMARY KEY,
  leaves BLOB NOT NULL CHECK (length(leaves) = 8192)
) STRICT;

-- Whole segments that were written and verified, one behind the other.
CREATE TABLE event_archive (
  first INTEGER PRIMARY KEY,
  last INTEGER NOT NULL,
  path TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  time INTEGER NOT NULL
) STRICT;

DROP TRIGGER event_delete;

CREATE TRIGGER event_delete BEFORE DELETE ON event WHEN OLD.sequence > coalesce((SELECT sequence FROM event_floor), 0) BEGIN
  SELECT RAISE(ABORT, 'events are immutable');
END;
