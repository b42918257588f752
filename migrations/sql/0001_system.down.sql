DROP TABLE request;
DROP TABLE event;
DROP TABLE meta;
DROP TABLE schema_version;
