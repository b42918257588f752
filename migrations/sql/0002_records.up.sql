-- version: 1.1.0
-- Written by the schema compiler from the annotated messages.

CREATE TABLE "cell" (
    "row_id" INTEGER NOT NULL CONSTRAINT "cell_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "cpu" TEXT NULL,
    "cpuset" TEXT NULL,
    "memory" TEXT NULL,
    "isolate_process" INTEGER NOT NULL DEFAULT 0,
    "isolate_network" INTEGER NOT NULL DEFAULT 0,
    "unknown_fields" BLOB NULL,
    CONSTRAINT "cell_id" UNIQUE ("tenant", "id")
) STRICT;

CREATE TABLE "document_schema" (
    "row_id" INTEGER NOT NULL CONSTRAINT "document_schema_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "schema" TEXT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "unknown_fields" BLOB NULL,
    CONSTRAINT "document_schema_id" UNIQUE ("tenant", "id")
) STRICT;

CREATE TABLE "node" (
    "row_id" INTEGER NOT NULL CONSTRAINT "node_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "address" TEXT NOT NULL DEFAULT '',
    "cpu_count" INTEGER NOT NULL DEFAULT 0,
    "memory_bytes" INTEGER NOT NULL DEFAULT 0,
    "boot_id" TEXT NOT NULL DEFAULT '',
    "boot_time" INTEGER NULL,
    "daemon_version" TEXT NOT NULL DEFAULT '',
    "schedulable" INTEGER NOT NULL DEFAULT 0,
    "unknown_fields" BLOB NULL,
    CONSTRAINT "node_id" UNIQUE ("tenant", "id")
) STRICT;

CREATE TABLE "principal" (
    "row_id" INTEGER NOT NULL CONSTRAINT "principal_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "display_name" TEXT NOT NULL DEFAULT '',
    "certificate_fingerprint" TEXT NULL,
    "disabled" INTEGER NOT NULL DEFAULT 0,
    "session_max" INTEGER NULL,
    "unknown_fields" BLOB NULL,
    CONSTRAINT "principal_id" UNIQUE ("tenant", "id")
) STRICT;

CREATE TABLE "sop" (
    "row_id" INTEGER NOT NULL CONSTRAINT "sop_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "title" TEXT NOT NULL DEFAULT '',
    "description" TEXT NOT NULL DEFAULT '',
    "version" TEXT NOT NULL DEFAULT '',
    "unknown_fields" BLOB NULL,
    CONSTRAINT "sop_id" UNIQUE ("tenant", "id")
) STRICT;

CREATE TABLE "tenant" (
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

CREATE TABLE "virtual_machine" (
    "row_id" INTEGER NOT NULL CONSTRAINT "virtual_machine_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "mem_size_mb" INTEGER NOT NULL DEFAULT 0,
    "vcpu_count" INTEGER NOT NULL DEFAULT 0,
    "kernel_img_path" TEXT NOT NULL DEFAULT '',
    "kernel_args" TEXT NOT NULL DEFAULT '[]',
    "auraed_address" TEXT NOT NULL DEFAULT '',
    "unknown_fields" BLOB NULL,
    CONSTRAINT "virtual_machine_id" UNIQUE ("tenant", "id")
) STRICT;

CREATE TABLE "cell_executable" (
    "row_id" INTEGER NOT NULL CONSTRAINT "cell_executable_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "cell" TEXT NULL,
    "name" TEXT NOT NULL DEFAULT '',
    "command" TEXT NOT NULL DEFAULT '',
    "description" TEXT NOT NULL DEFAULT '',
    "uid" INTEGER NULL,
    "gid" INTEGER NULL,
    "pid" INTEGER NOT NULL DEFAULT 0,
    "start_time" INTEGER NULL,
    "exit_code" INTEGER NULL,
    "unknown_fields" BLOB NULL,
    CONSTRAINT "cell_executable_id" UNIQUE ("tenant", "id"),
    CONSTRAINT "cell_executable_cell_reference" FOREIGN KEY ("tenant", "cell") REFERENCES "cell" ("tenant", "id") ON DELETE CASCADE
) STRICT;

CREATE TABLE "document" (
    "row_id" INTEGER NOT NULL CONSTRAINT "document_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "schema" TEXT NULL,
    "body" TEXT NULL,
    "title" TEXT NOT NULL DEFAULT '',
    "unknown_fields" BLOB NULL,
    CONSTRAINT "document_id" UNIQUE ("tenant", "id"),
    CONSTRAINT "document_schema_reference" FOREIGN KEY ("tenant", "schema") REFERENCES "document_schema" ("tenant", "id") ON DELETE RESTRICT
) STRICT;

CREATE TABLE "sop_run" (
    "row_id" INTEGER NOT NULL CONSTRAINT "sop_run_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "sop" TEXT NULL,
    "sop_version" TEXT NOT NULL DEFAULT '',
    "status" INTEGER NOT NULL DEFAULT 0,
    "next_step" INTEGER NOT NULL DEFAULT 0,
    "start_time" INTEGER NULL,
    "end_time" INTEGER NULL,
    "values" TEXT NOT NULL DEFAULT '{}',
    "results" TEXT NOT NULL DEFAULT '[]',
    "unknown_fields" BLOB NULL,
    CONSTRAINT "sop_run_id" UNIQUE ("tenant", "id"),
    CONSTRAINT "sop_run_sop_reference" FOREIGN KEY ("tenant", "sop") REFERENCES "sop" ("tenant", "id") ON DELETE RESTRICT
) STRICT;

CREATE TABLE "sop_steps" (
    "parent" INTEGER NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "title" TEXT NOT NULL DEFAULT '',
    "instruction" TEXT NOT NULL DEFAULT '',
    "command" TEXT NOT NULL DEFAULT '',
    "timeout" INTEGER NULL,
    "unknown_fields" BLOB NULL,
    CONSTRAINT "sop_steps_row" PRIMARY KEY ("parent", "ordinal"),
    CONSTRAINT "sop_steps_parent" FOREIGN KEY ("parent") REFERENCES "sop" ("row_id") ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE "machine_state" (
    "row_id" INTEGER NOT NULL CONSTRAINT "machine_state_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "observed" INTEGER NOT NULL DEFAULT 0,
    "desired" INTEGER NOT NULL DEFAULT 0,
    "observed_time" INTEGER NULL,
    "reason" TEXT NOT NULL DEFAULT '',
    "unknown_fields" BLOB NULL,
    CONSTRAINT "machine_state_id" UNIQUE ("tenant", "id"),
    CONSTRAINT "machine_state_machine_reference" FOREIGN KEY ("tenant", "id") REFERENCES "virtual_machine" ("tenant", "id") ON DELETE CASCADE
) STRICT;

CREATE TABLE "network_interface" (
    "row_id" INTEGER NOT NULL CONSTRAINT "network_interface_row" PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "create_time" INTEGER NOT NULL,
    "update_time" INTEGER NOT NULL,
    "labels" TEXT NULL,
    "machine" TEXT NULL,
    "mac_address" TEXT NULL,
    "host_dev_name" TEXT NOT NULL DEFAULT '',
    "unknown_fields" BLOB NULL,
    CONSTRAINT "network_interface_id" UNIQUE ("tenant", "id"),
    CONSTRAINT "network_interface_machine_reference" FOREIGN KEY ("tenant", "machine") REFERENCES "virtual_machine" ("tenant", "id") ON DELETE CASCADE
) STRICT;

CREATE TABLE "virtual_machine_drive_mounts" (
    "parent" INTEGER NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "image_path" TEXT NOT NULL DEFAULT '',
    "vm_path" TEXT NOT NULL DEFAULT '',
    "fs_type" TEXT NOT NULL DEFAULT '',
    "read_only" INTEGER NOT NULL DEFAULT 0,
    "unknown_fields" BLOB NULL,
    CONSTRAINT "virtual_machine_drive_mounts_row" PRIMARY KEY ("parent", "ordinal"),
    CONSTRAINT "virtual_machine_drive_mounts_parent" FOREIGN KEY ("parent") REFERENCES "virtual_machine" ("row_id") ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE "virtual_machine_root_drive" (
    "parent" INTEGER NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "image_path" TEXT NOT NULL DEFAULT '',
    "read_only" INTEGER NOT NULL DEFAULT 0,
    "unknown_fields" BLOB NULL,
    CONSTRAINT "virtual_machine_root_drive_row" PRIMARY KEY ("parent", "ordinal"),
    CONSTRAINT "virtual_machine_root_drive_parent" FOREIGN KEY ("parent") REFERENCES "virtual_machine" ("row_id") ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE "network_interface_ipconfig" (
    "parent" INTEGER NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "primary_addr" TEXT NOT NULL DEFAULT '',
    "gateway_addr" TEXT NOT NULL DEFAULT '',
    "nameservers" TEXT NOT NULL DEFAULT '[]',
    "unknown_fields" BLOB NULL,
    CONSTRAINT "network_interface_ipconfig_row" PRIMARY KEY ("parent", "ordinal"),
    CONSTRAINT "network_interface_ipconfig_parent" FOREIGN KEY ("parent") REFERENCES "network_interface" ("row_id") ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX "cell_executable_cell_index" ON "cell_executable" ("tenant", "cell");

CREATE INDEX "document_schema_index" ON "document" ("tenant", "schema");

CREATE INDEX "machine_state_observed_index" ON "machine_state" ("tenant", "observed");

CREATE INDEX "network_interface_host_dev_name_index" ON "network_interface" ("tenant", "host_dev_name");

CREATE UNIQUE INDEX "network_interface_mac_address_index" ON "network_interface" ("tenant", "mac_address");

CREATE INDEX "network_interface_machine_index" ON "network_interface" ("tenant", "machine");

CREATE INDEX "network_interface_ipconfig_primary_addr_index" ON "network_interface_ipconfig" ("primary_addr");

CREATE INDEX "node_schedulable_index" ON "node" ("tenant", "schedulable");

CREATE UNIQUE INDEX "principal_certificate_fingerprint_index" ON "principal" ("tenant", "certificate_fingerprint");

CREATE INDEX "sop_run_sop_index" ON "sop_run" ("tenant", "sop");

CREATE INDEX "sop_run_status_index" ON "sop_run" ("tenant", "status");

CREATE VIRTUAL TABLE "document_schema_fts" USING fts5("description", content='document_schema', content_rowid='row_id', tokenize='unicode61 remove_diacritics 2');
INSERT INTO "document_schema_fts" ("document_schema_fts") VALUES ('rebuild');

CREATE TRIGGER "document_schema_fts_insert" AFTER INSERT ON "document_schema"
BEGIN
    INSERT INTO "document_schema_fts" (rowid, "description") VALUES (NEW."row_id", NEW."description");
END;

CREATE TRIGGER "document_schema_fts_delete" AFTER DELETE ON "document_schema"
BEGIN
    INSERT INTO "document_schema_fts" ("document_schema_fts", rowid, "description") VALUES ('delete', OLD."row_id", OLD."description");
END;

CREATE TRIGGER "document_schema_fts_update" AFTER UPDATE OF "description" ON "document_schema"
BEGIN
    INSERT INTO "document_schema_fts" ("document_schema_fts", rowid, "description") VALUES ('delete', OLD."row_id", OLD."description");
    INSERT INTO "document_schema_fts" (rowid, "description") VALUES (NEW."row_id", NEW."description");
END;

CREATE VIRTUAL TABLE "document_fts" USING fts5("title", content='document', content_rowid='row_id', tokenize='unicode61 remove_diacritics 2');
INSERT INTO "document_fts" ("document_fts") VALUES ('rebuild');

CREATE TRIGGER "document_fts_insert" AFTER INSERT ON "document"
BEGIN
    INSERT INTO "document_fts" (rowid, "title") VALUES (NEW."row_id", NEW."title");
END;

CREATE TRIGGER "document_fts_delete" AFTER DELETE ON "document"
BEGIN
    INSERT INTO "document_fts" ("document_fts", rowid, "title") VALUES ('delete', OLD."row_id", OLD."title");
END;

CREATE TRIGGER "document_fts_update" AFTER UPDATE OF "title" ON "document"
BEGIN
    INSERT INTO "document_fts" ("document_fts", rowid, "title") VALUES ('delete', OLD."row_id", OLD."title");
    INSERT INTO "document_fts" (rowid, "title") VALUES (NEW."row_id", NEW."title");
END;

CREATE VIRTUAL TABLE "tenant_fts" USING fts5("display_name", content='tenant', content_rowid='row_id', tokenize='unicode61 remove_diacritics 2');
INSERT INTO "tenant_fts" ("tenant_fts") VALUES ('rebuild');

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

CREATE VIRTUAL TABLE "principal_fts" USING fts5("display_name", content='principal', content_rowid='row_id', tokenize='unicode61 remove_diacritics 2');
INSERT INTO "principal_fts" ("principal_fts") VALUES ('rebuild');

CREATE TRIGGER "principal_fts_insert" AFTER INSERT ON "principal"
BEGIN
    INSERT INTO "principal_fts" (rowid, "display_name") VALUES (NEW."row_id", NEW."display_name");
END;

CREATE TRIGGER "principal_fts_delete" AFTER DELETE ON "principal"
BEGIN
    INSERT INTO "principal_fts" ("principal_fts", rowid, "display_name") VALUES ('delete', OLD."row_id", OLD."display_name");
END;

CREATE TRIGGER "principal_fts_update" AFTER UPDATE OF "display_name" ON "principal"
BEGIN
    INSERT INTO "principal_fts" ("principal_fts", rowid, "display_name") VALUES ('delete', OLD."row_id", OLD."display_name");
    INSERT INTO "principal_fts" (rowid, "display_name") VALUES (NEW."row_id", NEW."display_name");
END;

CREATE TRIGGER "cell_executable_cell_immutable" BEFORE UPDATE OF "cell" ON "cell_executable"
WHEN OLD."cell" IS NOT NEW."cell"
BEGIN
    SELECT RAISE(ABORT, 'cell_executable.cell is immutable');
END;

CREATE TRIGGER "cell_executable_name_immutable" BEFORE UPDATE OF "name" ON "cell_executable"
WHEN OLD."name" IS NOT NEW."name"
BEGIN
    SELECT RAISE(ABORT, 'cell_executable.name is immutable');
END;

CREATE VIRTUAL TABLE "cell_executable_fts" USING fts5("description", content='cell_executable', content_rowid='row_id', tokenize='unicode61 remove_diacritics 2');
INSERT INTO "cell_executable_fts" ("cell_executable_fts") VALUES ('rebuild');

CREATE TRIGGER "cell_executable_fts_insert" AFTER INSERT ON "cell_executable"
BEGIN
    INSERT INTO "cell_executable_fts" (rowid, "description") VALUES (NEW."row_id", NEW."description");
END;

CREATE TRIGGER "cell_executable_fts_delete" AFTER DELETE ON "cell_executable"
BEGIN
    INSERT INTO "cell_executable_fts" ("cell_executable_fts", rowid, "description") VALUES ('delete', OLD."row_id", OLD."description");
END;

CREATE TRIGGER "cell_executable_fts_update" AFTER UPDATE OF "description" ON "cell_executable"
BEGIN
    INSERT INTO "cell_executable_fts" ("cell_executable_fts", rowid, "description") VALUES ('delete', OLD."row_id", OLD."description");
    INSERT INTO "cell_executable_fts" (rowid, "description") VALUES (NEW."row_id", NEW."description");
END;

CREATE VIRTUAL TABLE "sop_fts" USING fts5("title", "description", content='sop', content_rowid='row_id', tokenize='unicode61 remove_diacritics 2');
INSERT INTO "sop_fts" ("sop_fts") VALUES ('rebuild');

CREATE TRIGGER "sop_fts_insert" AFTER INSERT ON "sop"
BEGIN
    INSERT INTO "sop_fts" (rowid, "title", "description") VALUES (NEW."row_id", NEW."title", NEW."description");
END;

CREATE TRIGGER "sop_fts_delete" AFTER DELETE ON "sop"
BEGIN
    INSERT INTO "sop_fts" ("sop_fts", rowid, "title", "description") VALUES ('delete', OLD."row_id", OLD."title", OLD."description");
END;

CREATE TRIGGER "sop_fts_update" AFTER UPDATE OF "title", "description" ON "sop"
BEGIN
    INSERT INTO "sop_fts" ("sop_fts", rowid, "title", "description") VALUES ('delete', OLD."row_id", OLD."title", OLD."description");
    INSERT INTO "sop_fts" (rowid, "title", "description") VALUES (NEW."row_id", NEW."title", NEW."description");
END;

CREATE TRIGGER "sop_run_sop_immutable" BEFORE UPDATE OF "sop" ON "sop_run"
WHEN OLD."sop" IS NOT NEW."sop"
BEGIN
    SELECT RAISE(ABORT, 'sop_run.sop is immutable');
END;

CREATE TRIGGER "sop_run_sop_version_immutable" BEFORE UPDATE OF "sop_version" ON "sop_run"
WHEN OLD."sop_version" IS NOT NEW."sop_version"
BEGIN
    SELECT RAISE(ABORT, 'sop_run.sop_version is immutable');
END;
