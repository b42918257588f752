-- version: 1.2.0
-- The last event that each application stream was appended; it outlives the event.
CREATE TABLE event_stream (
  tenant TEXT NOT NULL,
  subject TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (tenant, subject)
) STRICT, WITHOUT ROWID;

-- row_id is the sequence of the event that tells of the cursor's creation, so that none is used twice. Every event up to frontier that fits the filter is
-- settled or has a row in event_delivery. Times are nanoseconds.
CREATE TABLE event_cursor (
  row_id INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  filter BLOB NOT NULL,
  frontier INTEGER NOT NULL,
  last_lease INTEGER NOT NULL,
  lease_time INTEGER NOT NULL,
  in_flight_max INTEGER NOT NULL,
  deliveries_max INTEGER NOT NULL,
  create_time INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX event_cursor_name ON event_cursor (tenant, name);

-- An event that a cursor has handed out and that is not settled. state: 1 leased until due, 2 waiting to be handed out again from due on, 3 parked at due.
CREATE TABLE event_delivery (
  cursor INTEGER NOT NULL REFERENCES event_cursor (row_id) ON DELETE CASCADE,
  sequence INTEGER NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 3),
  lease INTEGER NOT NULL,
  consumer TEXT NOT NULL,
  due INTEGER NOT NULL,
  deliveries INTEGER NOT NULL,
  PRIMARY KEY (cursor, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX event_delivery_due ON event_delivery (cursor, state, due);
