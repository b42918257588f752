-- version: 1.10.0
-- Written by the schema compiler from the annotated messages.

DROP TRIGGER "service_version_spec_immutable";

DROP TRIGGER "service_version_number_immutable";

DROP TRIGGER "service_version_service_immutable";

ALTER TABLE "service_version" ADD "asset" TEXT NULL;

CREATE INDEX "service_version_asset_index" ON "service_version" ("tenant", "asset");

CREATE TABLE "ef_temp_service_version" (
    "row_id" INTEGER NOT NULL CONSTRAINT "service_version_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "service" TEXT NULL,
    "number" INTEGER NOT NULL DEFAULT 0,
    "spec" TEXT NULL,
    "asset" TEXT NULL,
    "unknown_fields" BLOB NULL,
    CONSTRAINT "service_version_id" UNIQUE ("tenant", "id"),
    CONSTRAINT "service_version_asset_reference" FOREIGN KEY ("tenant", "asset") REFERENCES "asset" ("tenant", "id") ON DELETE RESTRICT,
    CONSTRAINT "service_version_service_reference" FOREIGN KEY ("tenant", "service") REFERENCES "service" ("tenant", "id") ON DELETE CASCADE
) STRICT;

INSERT INTO "ef_temp_service_version" ("row_id", "asset", "create_time", "id", "labels", "number", "revision", "service", "spec", "tenant", "unknown_fields", "update_time")
SELECT "row_id", "asset", "create_time", "id", "labels", "number", "revision", "service", "spec", "tenant", "unknown_fields", "update_time"
FROM "service_version";

DROP TABLE "service_version";

ALTER TABLE "ef_temp_service_version" RENAME TO "service_version";

CREATE INDEX "service_version_asset_index" ON "service_version" ("tenant", "asset");

CREATE INDEX "service_version_service_index" ON "service_version" ("tenant", "service");

CREATE TRIGGER "service_version_service_immutable" BEFORE UPDATE OF "service" ON "service_version"
WHEN OLD."service" IS NOT NEW."service"
BEGIN
    SELECT RAISE(ABORT, 'service_version.service is immutable');
END;

CREATE TRIGGER "service_version_number_immutable" BEFORE UPDATE OF "number" ON "service_version"
WHEN OLD."number" IS NOT NEW."number"
BEGIN
    SELECT RAISE(ABORT, 'service_version.number is immutable');
END;

CREATE TRIGGER "service_version_spec_immutable" BEFORE UPDATE OF "spec" ON "service_version"
WHEN OLD."spec" IS NOT NEW."spec"
BEGIN
    SELECT RAISE(ABORT, 'service_version.spec is immutable');
END;

CREATE TRIGGER "service_version_asset_immutable" BEFORE UPDATE OF "asset" ON "service_version"
WHEN OLD."asset" IS NOT NEW."asset"
BEGIN
    SELECT RAISE(ABORT, 'service_version.asset is immutable');
END;
