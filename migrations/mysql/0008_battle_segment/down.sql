DROP TABLE IF EXISTS `battle_segment`;
