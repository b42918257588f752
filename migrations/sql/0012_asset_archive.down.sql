DROP TABLE "asset_archive";

DROP TABLE "asset_publication";
