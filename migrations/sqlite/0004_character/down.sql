DROP TABLE character;
