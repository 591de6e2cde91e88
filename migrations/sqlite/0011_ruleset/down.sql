DROP TABLE ruleset;
