DROP TABLE IF EXISTS `kill_count`;
