DROP TABLE once_key;
