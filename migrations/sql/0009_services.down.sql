DROP TRIGGER "service_slot_service_immutable";

DROP TRIGGER "service_version_spec_immutable";

DROP TRIGGER "service_version_number_immutable";

DROP TRIGGER "service_version_service_immutable";

DROP TABLE "service_slot";

DROP TABLE "service_version";

DROP TABLE "service";
