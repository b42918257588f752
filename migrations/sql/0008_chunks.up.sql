-- version: 1.7.0
-- Written by hand: these tables hold no records. What each is for, and what must hold between them, stands in daemon/README.md, "Assets".

-- A chunk, once in the file whoever has it. Numbers are never used twice: what was read under one number is that chunk or gone.
CREATE TABLE chunk (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id BLOB NOT NULL CHECK (length(id) = 32),
  size INTEGER NOT NULL CHECK (size > 0),
  stored_size INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX chunk_id ON chunk (id);

-- Its bytes as one zstd frame. Apart, so that going through all chunks does not go through all bytes.
CREATE TABLE chunk_body (
  number INTEGER PRIMARY KEY REFERENCES chunk (number) ON DELETE CASCADE,
  frame BLOB NOT NULL
) STRICT;

-- No part refers to these chunks, since that time.
CREATE TABLE chunk_condemned (
  number INTEGER PRIMARY KEY REFERENCES chunk (number) ON DELETE CASCADE,
  time INTEGER NOT NULL
) STRICT;

CREATE TABLE chunk_damage (
  number INTEGER PRIMARY KEY REFERENCES chunk (number) ON DELETE CASCADE,
  time INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT;

-- A tenant with what it holds: each of its chunks once, whoever else has it.
CREATE TABLE asset_holder (
  number INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL UNIQUE,
  chunk_count INTEGER NOT NULL DEFAULT 0,
  size INTEGER NOT NULL DEFAULT 0,
  stored_size INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Which chunks a tenant can see. No reference to the chunk: it would take an index of all rows, and a chunk goes only after its last holder.
CREATE TABLE chunk_holder (
  holder INTEGER NOT NULL REFERENCES asset_holder (number),
  chunk INTEGER NOT NULL,
  PRIMARY KEY (holder, chunk)
) STRICT, WITHOUT ROWID;

-- An upload that has not been committed.
CREATE TABLE asset_upload (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  update_time INTEGER NOT NULL,
  header BLOB NOT NULL,
  UNIQUE (tenant, id)
) STRICT;

CREATE INDEX asset_upload_time ON asset_upload (update_time);

-- A sequence of chunks, of an upload and then of an asset; of neither when it is to be removed.
CREATE TABLE content (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  holder INTEGER NOT NULL REFERENCES asset_holder (number),
  asset INTEGER UNIQUE REFERENCES asset (row_id) ON DELETE SET NULL,
  upload INTEGER UNIQUE REFERENCES asset_upload (number) ON DELETE SET NULL,
  size INTEGER NOT NULL DEFAULT 0,
  chunk_count INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX content_holder ON content (holder);

CREATE INDEX content_loose ON content (number) WHERE asset IS NULL AND upload IS NULL;

-- A run of a content's chunks (Store/Assets/PartEntries.cs). Numbers grow for ever, so that a collector can tell which are newer than its snapshot.
CREATE TABLE content_part (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  content INTEGER NOT NULL REFERENCES content (number),
  offset INTEGER NOT NULL,
  size INTEGER NOT NULL,
  chunk_min INTEGER NOT NULL,
  chunk_max INTEGER NOT NULL,
  entries BLOB NOT NULL,
  UNIQUE (content, offset)
) STRICT;
