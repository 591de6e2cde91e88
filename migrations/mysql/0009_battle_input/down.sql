DROP TABLE IF EXISTS `battle_input`;
