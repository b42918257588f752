DROP TRIGGER "cell_executable_fts_update";

DROP TRIGGER "cell_executable_fts_delete";

DROP TRIGGER "cell_executable_fts_insert";

DROP TRIGGER "cell_executable_name_immutable";

DROP TRIGGER "cell_executable_cell_immutable";

DROP TABLE "cell_state";

CREATE TABLE "ef_temp_cell_executable" (
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

INSERT INTO "ef_temp_cell_executable" ("row_id", "cell", "command", "create_time", "description", "exit_code", "gid", "id", "labels", "name", "pid", "revision", "start_time", "tenant", "uid", "unknown_fields", "update_time")
SELECT "row_id", "cell", "command", "create_time", "description", "exit_code", "gid", "id", "labels", "name", "pid", "revision", "start_time", "tenant", "uid", "unknown_fields", "update_time"
FROM "cell_executable";

DROP TABLE "cell_executable";

ALTER TABLE "ef_temp_cell_executable" RENAME TO "cell_executable";

CREATE INDEX "cell_executable_cell_index" ON "cell_executable" ("tenant", "cell");

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
