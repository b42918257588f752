DROP TRIGGER "sop_run_sop_version_immutable";

DROP TRIGGER "sop_run_sop_immutable";

DROP TRIGGER "sop_fts_update";

DROP TRIGGER "sop_fts_delete";

DROP TRIGGER "sop_fts_insert";

DROP TABLE "sop_fts";

DROP TRIGGER "cell_executable_fts_update";

DROP TRIGGER "cell_executable_fts_delete";

DROP TRIGGER "cell_executable_fts_insert";

DROP TABLE "cell_executable_fts";

DROP TRIGGER "cell_executable_name_immutable";

DROP TRIGGER "cell_executable_cell_immutable";

DROP TRIGGER "principal_fts_update";

DROP TRIGGER "principal_fts_delete";

DROP TRIGGER "principal_fts_insert";

DROP TABLE "principal_fts";

DROP TRIGGER "tenant_fts_update";

DROP TRIGGER "tenant_fts_delete";

DROP TRIGGER "tenant_fts_insert";

DROP TABLE "tenant_fts";

DROP TRIGGER "document_fts_update";

DROP TRIGGER "document_fts_delete";

DROP TRIGGER "document_fts_insert";

DROP TABLE "document_fts";

DROP TRIGGER "document_schema_fts_update";

DROP TRIGGER "document_schema_fts_delete";

DROP TRIGGER "document_schema_fts_insert";

DROP TABLE "document_schema_fts";

DROP TABLE "cell_executable";

DROP TABLE "document";

DROP TABLE "machine_state";

DROP TABLE "network_interface_ipconfig";

DROP TABLE "node";

DROP TABLE "principal";

DROP TABLE "sop_run";

DROP TABLE "sop_steps";

DROP TABLE "tenant";

DROP TABLE "virtual_machine_drive_mounts";

DROP TABLE "virtual_machine_root_drive";

DROP TABLE "cell";

DROP TABLE "document_schema";

DROP TABLE "network_interface";

DROP TABLE "sop";

DROP TABLE "virtual_machine";
