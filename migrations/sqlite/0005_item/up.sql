-- What a character has. A piece of equipment is a row of its own; potions and materials are one row per kind.
CREATE TABLE item (
    id        BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- a drop's id follows from battle, frame and place
    character BLOB    NOT NULL REFERENCES character (id) ON DELETE CASCADE,
    item_key  TEXT    NOT NULL,                                     -- key in the content pack
    stack     TEXT,                                                 -- equal to item_key where it stacks, else null: one stack per kind
    count     INTEGER NOT NULL CHECK (count >= 1),
    plus      INTEGER NOT NULL CHECK (plus BETWEEN 0 AND 10),       -- enhancement
    slot      TEXT                                                  -- 'weapon' or 'armour' while worn: one piece per slot
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX item_stack ON item (character, stack);
CREATE UNIQUE INDEX item_slot ON item (character, slot);

INSERT INTO schema_floor (migration, oldest_program) VALUES (5, 1);
