-- The record of a battle: enough to go on with it, and to make its last frames again.
CREATE TABLE battle (
    id             BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- UUIDv7: in the order of their starts
    account        BLOB    NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    character      BLOB    NOT NULL REFERENCES character (id) ON DELETE CASCADE,
    live_character BLOB    UNIQUE,                    -- the character while the battle lives, then null: one live battle each
    epoch          INTEGER NOT NULL CHECK (epoch >= 1), -- who may write; raised by every claim
    owner          TEXT,                              -- instance that has it in memory; for finding it, not for safety
    tick_ms        INTEGER NOT NULL CHECK (tick_ms >= 1),
    seq            INTEGER NOT NULL CHECK (seq >= 0), -- last frame of `state`
    state          BLOB    NOT NULL,                  -- encoded by the rules, as are the keyframes
    key_a          BLOB    NOT NULL,                  -- older keyframe
    key_b          BLOB    NOT NULL,                  -- newer keyframe
    totals         BLOB    NOT NULL,                  -- what it came to until `seq`; what the books have had of it
    seen_seq       INTEGER NOT NULL,                  -- last frame sent to the player's own socket
    seen_totals    BLOB    NOT NULL,                  -- what it had come to by then
    seen_at        INTEGER NOT NULL,
    started_at     INTEGER NOT NULL,
    saved_at       INTEGER NOT NULL,                  -- the moment at which the battle stood where `state` stands
    ended_at       INTEGER,
    end_reason     TEXT                               -- null exactly while it lives
) STRICT;

CREATE INDEX battle_character ON battle (character, started_at);
CREATE INDEX battle_account ON battle (account);
CREATE INDEX battle_ended_at ON battle (ended_at) WHERE ended_at IS NOT NULL;

INSERT INTO schema_floor (migration, oldest_program) VALUES (7, 1);
