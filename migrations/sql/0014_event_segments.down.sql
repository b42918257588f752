DROP TRIGGER "event_segment_last_sequence_immutable";

DROP TRIGGER "event_segment_first_sequence_immutable";

DROP TRIGGER "event_segment_asset_immutable";

DROP TABLE "event_segment";
