-- version: 1.8.0
-- Written by the schema compiler from the annotated messages.

CREATE TABLE "service" (
    "row_id" INTEGER NOT NULL CONSTRAINT "service_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "wanted" INTEGER NOT NULL DEFAULT 0,
    "enabled" INTEGER NOT NULL DEFAULT 0,
    "version" INTEGER NOT NULL DEFAULT 0,
    "previous_version" INTEGER NOT NULL DEFAULT 0,
    "newest_version" INTEGER NOT NULL DEFAULT 0,
    "slot" TEXT NOT NULL DEFAULT '',
    "swap_failure" TEXT NOT NULL DEFAULT '',
    "unknown_fields" BLOB NULL,
    CONSTRAINT "service_id" UNIQUE ("tenant", "id")
) STRICT;

CREATE TABLE "service_slot" (
    "row_id" INTEGER NOT NULL CONSTRAINT "service_slot_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "service" TEXT NULL,
    "version" INTEGER NOT NULL DEFAULT 0,
    "boot_id" TEXT NOT NULL DEFAULT '',
    "phase" INTEGER NOT NULL DEFAULT 0,
    "cause" INTEGER NOT NULL DEFAULT 0,
    "detail" TEXT NOT NULL DEFAULT '',
    "wanted" INTEGER NOT NULL DEFAULT 0,
    "instance" INTEGER NOT NULL DEFAULT 0,
    "instance_open" INTEGER NOT NULL DEFAULT 0,
    "restart_asked" INTEGER NOT NULL DEFAULT 0,
    "healthy" INTEGER NOT NULL DEFAULT 0,
    "probe_failures" INTEGER NOT NULL DEFAULT 0,
    "probe_successes" INTEGER NOT NULL DEFAULT 0,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "restarts" INTEGER NOT NULL DEFAULT 0,
    "window_start" INTEGER NULL,
    "window_starts" INTEGER NOT NULL DEFAULT 0,
    "ready_since" INTEGER NULL,
    "wake_at" INTEGER NULL,
    "now" INTEGER NULL,
    "last_exit" TEXT NULL,
    "pid" INTEGER NOT NULL DEFAULT 0,
    "start_ticks" INTEGER NOT NULL DEFAULT 0,
    "address" TEXT NOT NULL DEFAULT '',
    "launch_time" INTEGER NULL,
    "history" TEXT NOT NULL DEFAULT '[]',
    "unknown_fields" BLOB NULL,
    CONSTRAINT "service_slot_id" UNIQUE ("tenant", "id"),
    CONSTRAINT "service_slot_service_reference" FOREIGN KEY ("tenant", "service") REFERENCES "service" ("tenant", "id") ON DELETE CASCADE
) STRICT;

CREATE TABLE "service_version" (
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
    "unknown_fields" BLOB NULL,
    CONSTRAINT "service_version_id" UNIQUE ("tenant", "id"),
    CONSTRAINT "service_version_service_reference" FOREIGN KEY ("tenant", "service") REFERENCES "service" ("tenant", "id") ON DELETE CASCADE
) STRICT;

CREATE INDEX "service_slot_phase_index" ON "service_slot" ("tenant", "phase");

CREATE INDEX "service_slot_service_index" ON "service_slot" ("tenant", "service");

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

CREATE TRIGGER "service_slot_service_immutable" BEFORE UPDATE OF "service" ON "service_slot"
WHEN OLD."service" IS NOT NEW."service"
BEGIN
    SELECT RAISE(ABORT, 'service_slot.service is immutable');
END;
