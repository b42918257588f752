DROP TABLE chunk_copy;
DROP TABLE asset_backend;
ALTER TABLE chunk DROP COLUMN resident;
