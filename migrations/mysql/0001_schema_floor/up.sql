-- Which programs may run on this schema. A program's number is that of the newest migration it was built with.
-- Every migration adds a row, so that rolling updates and rollbacks know how far back they can go; a program refuses
-- to start only when its number is below the highest `oldest_program`.
--
-- A change of tables can't be rolled back here. So every statement of every migration may be run again, and one that
-- was cut off in the middle just is.
CREATE TABLE IF NOT EXISTS schema_floor (
    migration      BIGINT NOT NULL PRIMARY KEY, -- number of the migration that says so
    oldest_program BIGINT NOT NULL              -- the oldest program that lives with it
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

REPLACE INTO schema_floor (migration, oldest_program) VALUES (1, 1);
