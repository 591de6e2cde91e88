DROP TABLE battle;
