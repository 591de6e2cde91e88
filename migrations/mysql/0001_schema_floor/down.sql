DROP TABLE IF EXISTS `schema_floor`;
