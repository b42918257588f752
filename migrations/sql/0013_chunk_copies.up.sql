-- version: 1.12.0
-- Written by hand: these tables hold no records. What each is for, and what must hold between them, stands in daemon/README.md, "Archives".

-- 0: the chunk has no row in chunk_body, and has one in chunk_copy.
ALTER TABLE chunk ADD COLUMN resident INTEGER NOT NULL DEFAULT 1;

-- A backend by its name in the settings.
CREATE TABLE asset_backend (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

-- The backend has the chunk: it was durable there, was read back, and was what its id says.
CREATE TABLE chunk_copy (
  number INTEGER NOT NULL REFERENCES chunk (number) ON DELETE CASCADE,
  backend INTEGER NOT NULL REFERENCES asset_backend (number),
  PRIMARY KEY (number, backend)
) STRICT, WITHOUT ROWID;
