-- version: 1.11.0
-- Written by the schema compiler from the annotated messages.

CREATE TABLE "asset_archive" (
    "row_id" INTEGER NOT NULL CONSTRAINT "asset_archive_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "backend" TEXT NOT NULL DEFAULT '',
    "unknown_fields" BLOB NULL,
    CONSTRAINT "asset_archive_id" UNIQUE ("tenant", "id"),
    CONSTRAINT "asset_archive_asset_reference" FOREIGN KEY ("tenant", "id") REFERENCES "asset" ("tenant", "id") ON DELETE CASCADE
) STRICT;

CREATE TABLE "asset_publication" (
    "row_id" INTEGER NOT NULL CONSTRAINT "asset_publication_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "asset" TEXT NULL,
    "unknown_fields" BLOB NULL,
    CONSTRAINT "asset_publication_id" UNIQUE ("tenant", "id"),
    CONSTRAINT "asset_publication_asset_reference" FOREIGN KEY ("tenant", "asset") REFERENCES "asset" ("tenant", "id") ON DELETE RESTRICT
) STRICT;

CREATE INDEX "asset_publication_asset_index" ON "asset_publication" ("tenant", "asset");
