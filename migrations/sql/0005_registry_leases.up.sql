-- version: 1.4.0
-- Written by hand: a lease is no record. It is renewed without an event, so nothing that is folded from the log may hold it.

-- A deadline is a reading of the lease clock, which counts the time that the daemon runs, in units of 100 ns. The clock's own last reading stands in meta.
CREATE TABLE registry_lease (
  entry INTEGER PRIMARY KEY REFERENCES registry_entry (row_id) ON DELETE CASCADE,
  deadline INTEGER NOT NULL,
  -- 1: a start of the daemon has prolonged it, and nobody has renewed it since.
  graced INTEGER NOT NULL
) STRICT;
