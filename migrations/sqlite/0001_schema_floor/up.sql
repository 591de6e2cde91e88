-- Which programs may run on this schema. A program's number is that of the newest migration it was built with.
-- Every migration adds a row, so that rolling updates and rollbacks know how far back they can go; a program refuses
-- to start only when its number is below the highest `oldest_program`.
CREATE TABLE schema_floor (
    migration      INTEGER NOT NULL PRIMARY KEY, -- number of the migration that says so
    oldest_program INTEGER NOT NULL              -- the oldest program that lives with it
) STRICT;

INSERT INTO schema_floor (migration, oldest_program) VALUES (1, 1);
