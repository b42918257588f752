-- A log whose beginning is in archives cannot go back: older releases look for it here.
CREATE TABLE pruned_log (is_pruned INTEGER CONSTRAINT the_log_was_pruned CHECK (is_pruned = 0));
INSERT INTO pruned_log SELECT count(*) FROM event_floor;
DROP TABLE pruned_log;

DROP TRIGGER event_delete;
CREATE TRIGGER event_delete BEFORE DELETE ON event BEGIN
  SELECT RAISE(ABORT, 'events are immutable');
END;

DROP TRIGGER event_checkpoint_delete;
DROP TRIGGER event_floor_delete;
DROP TABLE event_archive;
DROP TABLE event_block;
DROP TABLE event_floor;
DROP TABLE event_checkpoint;
DROP TABLE event_node;
