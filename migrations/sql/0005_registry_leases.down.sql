DELETE FROM meta WHERE key = 'registry_clock';
DROP TABLE registry_lease;
