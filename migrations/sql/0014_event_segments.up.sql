-- version: 1.13.0
-- Written by the schema compiler from the annotated messages.

CREATE TABLE "event_segment" (
    "row_id" INTEGER NOT NULL CONSTRAINT "event_segment_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "asset" TEXT NULL,
    "first_sequence" INTEGER NOT NULL DEFAULT 0,
    "last_sequence" INTEGER NOT NULL DEFAULT 0,
    "unknown_fields" BLOB NULL,
    CONSTRAINT "event_segment_id" UNIQUE ("tenant", "id"),
    CONSTRAINT "event_segment_asset_reference" FOREIGN KEY ("tenant", "asset") REFERENCES "asset" ("tenant", "id") ON DELETE RESTRICT
) STRICT;

CREATE INDEX "event_segment_asset_index" ON "event_segment" ("tenant", "asset");

CREATE TRIGGER "event_segment_asset_immutable" BEFORE UPDATE OF "asset" ON "event_segment"
WHEN OLD."asset" IS NOT NEW."asset"
BEGIN
    SELECT RAISE(ABORT, 'event_segment.asset is immutable');
END;

CREATE TRIGGER "event_segment_first_sequence_immutable" BEFORE UPDATE OF "first_sequence" ON "event_segment"
WHEN OLD."first_sequence" IS NOT NEW."first_sequence"
BEGIN
    SELECT RAISE(ABORT, 'event_segment.first_sequence is immutable');
END;

CREATE TRIGGER "event_segment_last_sequence_immutable" BEFORE UPDATE OF "last_sequence" ON "event_segment"
WHEN OLD."last_sequence" IS NOT NEW."last_sequence"
BEGIN
    SELECT RAISE(ABORT, 'event_segment.last_sequence is immutable');
END;
