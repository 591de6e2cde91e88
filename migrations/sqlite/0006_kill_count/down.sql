DROP TABLE kill_count;
