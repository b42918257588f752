DROP TABLE event_delivery;
DROP TABLE event_cursor;
DROP TABLE event_stream;
