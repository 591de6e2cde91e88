DROP TABLE battle_segment;
