DROP TRIGGER "registry_entry_service_immutable";

DROP TABLE "registry_entry_dependencies";

DROP TABLE "registry_entry";
