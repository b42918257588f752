-- version: 1.3.0
-- Written by the schema compiler from the annotated messages.

CREATE TABLE "registry_entry" (
    "row_id" INTEGER NOT NULL CONSTRAINT "registry_entry_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "service" TEXT NOT NULL DEFAULT '',
    "address" TEXT NOT NULL DEFAULT '',
    "tags" TEXT NOT NULL DEFAULT '[]',
    "weight" INTEGER NULL,
    "health" INTEGER NOT NULL DEFAULT 0,
    "note" TEXT NOT NULL DEFAULT '',
    "ttl" INTEGER NULL,
    "owner" TEXT NOT NULL DEFAULT '',
    "unknown_fields" BLOB NULL,
    CONSTRAINT "registry_entry_id" UNIQUE ("tenant", "id")
) STRICT;

CREATE TABLE "registry_entry_dependencies" (
    "parent" INTEGER NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "service" TEXT NOT NULL DEFAULT '',
    "unknown_fields" BLOB NULL,
    CONSTRAINT "registry_entry_dependencies_row" PRIMARY KEY ("parent", "ordinal"),
    CONSTRAINT "registry_entry_dependencies_parent" FOREIGN KEY ("parent") REFERENCES "registry_entry" ("row_id") ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX "registry_entry_owner_index" ON "registry_entry" ("tenant", "owner");

CREATE INDEX "registry_entry_service_index" ON "registry_entry" ("tenant", "service");

CREATE INDEX "registry_entry_dependencies_service_index" ON "registry_entry_dependencies" ("service");

CREATE TRIGGER "registry_entry_service_immutable" BEFORE UPDATE OF "service" ON "registry_entry"
WHEN OLD."service" IS NOT NEW."service"
BEGIN
    SELECT RAISE(ABORT, 'registry_entry.service is immutable');
END;
