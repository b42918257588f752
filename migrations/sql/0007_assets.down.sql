DROP TRIGGER "tenant_fts_update";

DROP TRIGGER "tenant_fts_delete";

DROP TRIGGER "tenant_fts_insert";

DROP TRIGGER "asset_creator_immutable";

DROP TRIGGER "asset_chunk_size_max_immutable";

DROP TRIGGER "asset_chunk_size_avg_immutable";

DROP TRIGGER "asset_chunk_size_min_immutable";

DROP TRIGGER "asset_chunk_count_immutable";

DROP TRIGGER "asset_sha256_immutable";

DROP TRIGGER "asset_size_immutable";

DROP TABLE "asset_lease";

DROP TABLE "asset_pin";

DROP TABLE "asset_tag";

DROP TABLE "asset";

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
    "unknown_fields" BLOB NULL,
    CONSTRAINT "tenant_id" UNIQUE ("tenant", "id")
) STRICT;

INSERT INTO "ef_temp_tenant" ("row_id", "create_time", "display_name", "id", "labels", "read_only", "record_count_max", "revision", "tenant", "unknown_fields", "update_time")
SELECT "row_id", "create_time", "display_name", "id", "labels", "read_only", "record_count_max", "revision", "tenant", "unknown_fields", "update_time"
FROM "tenant";

DROP TABLE "tenant";

ALTER TABLE "ef_temp_tenant" RENAME TO "tenant";

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
