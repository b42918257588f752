-- version: 1.6.0
-- Written by the schema compiler from the annotated messages.

DROP TRIGGER "tenant_fts_update";

DROP TRIGGER "tenant_fts_delete";

DROP TRIGGER "tenant_fts_insert";

ALTER TABLE "tenant" ADD "asset_bytes_max" INTEGER NULL;

CREATE TABLE "asset" (
    "row_id" INTEGER NOT NULL CONSTRAINT "asset_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "title" TEXT NOT NULL DEFAULT '',
    "media_type" TEXT NOT NULL DEFAULT '',
    "size" INTEGER NOT NULL DEFAULT 0,
    "sha256" TEXT NOT NULL DEFAULT '',
    "chunk_count" INTEGER NOT NULL DEFAULT 0,
    "chunk_size_min" INTEGER NOT NULL DEFAULT 0,
    "chunk_size_avg" INTEGER NOT NULL DEFAULT 0,
    "chunk_size_max" INTEGER NOT NULL DEFAULT 0,
    "creator" TEXT NOT NULL DEFAULT '',
    "unknown_fields" BLOB NULL,
    CONSTRAINT "asset_id" UNIQUE ("tenant", "id")
) STRICT;

CREATE TABLE "asset_lease" (
    "row_id" INTEGER NOT NULL CONSTRAINT "asset_lease_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "asset" TEXT NULL,
    "expire_time" INTEGER NULL,
    "holder" TEXT NOT NULL DEFAULT '',
    "unknown_fields" BLOB NULL,
    CONSTRAINT "asset_lease_id" UNIQUE ("tenant", "id"),
    CONSTRAINT "asset_lease_asset_reference" FOREIGN KEY ("tenant", "asset") REFERENCES "asset" ("tenant", "id") ON DELETE RESTRICT
) STRICT;

CREATE TABLE "asset_pin" (
    "row_id" INTEGER NOT NULL CONSTRAINT "asset_pin_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "asset" TEXT NULL,
    "reason" TEXT NOT NULL DEFAULT '',
    "unknown_fields" BLOB NULL,
    CONSTRAINT "asset_pin_id" UNIQUE ("tenant", "id"),
    CONSTRAINT "asset_pin_asset_reference" FOREIGN KEY ("tenant", "asset") REFERENCES "asset" ("tenant", "id") ON DELETE RESTRICT
) STRICT;

CREATE TABLE "asset_tag" (
    "row_id" INTEGER NOT NULL CONSTRAINT "asset_tag_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "asset" TEXT NULL,
    "unknown_fields" BLOB NULL,
    CONSTRAINT "asset_tag_id" UNIQUE ("tenant", "id"),
    CONSTRAINT "asset_tag_asset_reference" FOREIGN KEY ("tenant", "asset") REFERENCES "asset" ("tenant", "id") ON DELETE RESTRICT
) STRICT;

CREATE INDEX "asset_sha256_index" ON "asset" ("tenant", "sha256");

CREATE INDEX "asset_title_index" ON "asset" ("tenant", "title");

CREATE INDEX "asset_lease_asset_index" ON "asset_lease" ("tenant", "asset");

CREATE INDEX "asset_lease_expire_time_index" ON "asset_lease" ("tenant", "expire_time");

CREATE INDEX "asset_pin_asset_index" ON "asset_pin" ("tenant", "asset");

CREATE INDEX "asset_tag_asset_index" ON "asset_tag" ("tenant", "asset");

CREATE TABLE "ef_temp_tenant" (
    "row_id" INTEGER NOT NULL CONSTRAINT "tenant_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "display_name" TEXT NOT NULL DEFAULT '',
    "read_only" INTEGER NOT NULL DEFAULT 0,
    "record_count_max" INTEGER NULL,
    "asset_bytes_max" INTEGER NULL,
    "unknown_fields" BLOB NULL,
    CONSTRAINT "tenant_id" UNIQUE ("tenant", "id")
) STRICT;

INSERT INTO "ef_temp_tenant" ("row_id", "asset_bytes_max", "create_time", "display_name", "id", "labels", "read_only", "record_count_max", "revision", "tenant", "unknown_fields", "update_time")
SELECT "row_id", "asset_bytes_max", "create_time", "display_name", "id", "labels", "read_only", "record_count_max", "revision", "tenant", "unknown_fields", "update_time"
FROM "tenant";

DROP TABLE "tenant";

ALTER TABLE "ef_temp_tenant" RENAME TO "tenant";

CREATE TRIGGER "asset_size_immutable" BEFORE UPDATE OF "size" ON "asset"
WHEN OLD."size" IS NOT NEW."size"
BEGIN
    SELECT RAISE(ABORT, 'asset.size is immutable');
END;

CREATE TRIGGER "asset_sha256_immutable" BEFORE UPDATE OF "sha256" ON "asset"
WHEN OLD."sha256" IS NOT NEW."sha256"
BEGIN
    SELECT RAISE(ABORT, 'asset.sha256 is immutable');
END;

CREATE TRIGGER "asset_chunk_count_immutable" BEFORE UPDATE OF "chunk_count" ON "asset"
WHEN OLD."chunk_count" IS NOT NEW."chunk_count"
BEGIN
    SELECT RAISE(ABORT, 'asset.chunk_count is immutable');
END;

CREATE TRIGGER "asset_chunk_size_min_immutable" BEFORE UPDATE OF "chunk_size_min" ON "asset"
WHEN OLD."chunk_size_min" IS NOT NEW."chunk_size_min"
BEGIN
    SELECT RAISE(ABORT, 'asset.chunk_size_min is immutable');
END;

CREATE TRIGGER "asset_chunk_size_avg_immutable" BEFORE UPDATE OF "chunk_size_avg" ON "asset"
WHEN OLD."chunk_size_avg" IS NOT NEW."chunk_size_avg"
BEGIN
    SELECT RAISE(ABORT, 'asset.chunk_size_avg is immutable');
END;

CREATE TRIGGER "asset_chunk_size_max_immutable" BEFORE UPDATE OF "chunk_size_max" ON "asset"
WHEN OLD."chunk_size_max" IS NOT NEW."chunk_size_max"
BEGIN
    SELECT RAISE(ABORT, 'asset.chunk_size_max is immutable');
END;

CREATE TRIGGER "asset_creator_immutable" BEFORE UPDATE OF "creator" ON "asset"
WHEN OLD."creator" IS NOT NEW."creator"
BEGIN
    SELECT RAISE(ABORT, 'asset.creator is immutable');
END;

CREATE TRIGGER "tenant_fts_insert" AFTER INSERT ON "tenant"
BEGIN
    INSERT INTO "tenant_fts" (rowid, "display_name") VALUES (NEW."row_id", NEW."display_name");
END;

CREATE TRIGGER "tenant_fts_delete" AFTER DELETE ON "tenant"
BEGIN
    INSERT INTO "tenant_fts" ("tenant_fts", rowid, "display_name") VALUES ('delete', OLD."row_id", OLD."display_name");
END;

CREATE TRIGGER "tenant_fts_update" AFTER UPDATE OF "display_name" ON "tenant"
BEGIN
    INSERT INTO "tenant_fts" ("tenant_fts", rowid, "display_name") VALUES ('delete', OLD."row_id", OLD."display_name");
    INSERT INTO "tenant_fts" (rowid, "display_name") VALUES (NEW."row_id", NEW."display_name");
END;
