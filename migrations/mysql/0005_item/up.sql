-- What a character has. A piece of equipment is a row of its own; potions and materials are one row per kind.
CREATE TABLE IF NOT EXISTS item (
    id          BINARY(16)   NOT NULL PRIMARY KEY, -- a drop's id follows from battle, frame and place
    `character` BINARY(16)   NOT NULL,
    item_key    VARCHAR(255) NOT NULL,             -- key in the content pack
    stack       VARCHAR(255),                      -- equal to item_key where it stacks, else null: one stack per kind
    `count`     BIGINT       NOT NULL CHECK (`count` >= 1),
    plus        INT          NOT NULL CHECK (plus BETWEEN 0 AND 10), -- enhancement
    slot        VARCHAR(255),                      -- 'weapon' or 'armour' while worn: one piece per slot
    UNIQUE INDEX item_stack (`character`, stack),
    UNIQUE INDEX item_slot (`character`, slot),
    FOREIGN KEY (`character`) REFERENCES `character` (id) ON DELETE CASCADE
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

REPLACE INTO schema_floor (migration, oldest_program) VALUES (5, 1);
