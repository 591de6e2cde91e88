DROP TABLE IF EXISTS `character`;
