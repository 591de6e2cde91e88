DROP TABLE battle_input;
