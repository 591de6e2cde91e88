-- The record of a battle: enough to go on with it, and to make its last frames again.
CREATE TABLE IF NOT EXISTS battle (
    id             BINARY(16)   NOT NULL PRIMARY KEY,          -- UUIDv7: in the order of their starts
    account        BINARY(16)   NOT NULL,
    `character`    BINARY(16)   NOT NULL,
    live_character BINARY(16),                                 -- the character while the battle lives, then null: one live battle each
    epoch          BIGINT       NOT NULL CHECK (epoch >= 1),   -- who may write; raised by every claim
    owner          VARCHAR(255),                               -- instance that has it in memory; for finding it, not for safety
    tick_ms        BIGINT       NOT NULL CHECK (tick_ms >= 1),
    seq            BIGINT       NOT NULL CHECK (seq >= 0),     -- last frame of `state`
    state          MEDIUMBLOB   NOT NULL,                      -- encoded by the rules, as are the keyframes
    key_a          MEDIUMBLOB   NOT NULL,                      -- older keyframe
    key_b          MEDIUMBLOB   NOT NULL,                      -- newer keyframe
    totals         MEDIUMBLOB   NOT NULL,                      -- what it came to until `seq`; what the books have had of it
    seen_seq       BIGINT       NOT NULL,                      -- last frame sent to the player's own socket
    seen_totals    MEDIUMBLOB   NOT NULL,                      -- what it had come to by then
    seen_at        BIGINT       NOT NULL,
    started_at     BIGINT       NOT NULL,
    saved_at       BIGINT       NOT NULL,                      -- the moment at which the battle stood where `state` stands
    ended_at       BIGINT,
    end_reason     VARCHAR(255),                               -- null exactly while it lives
    UNIQUE INDEX battle_live_character (live_character),
    INDEX battle_character (`character`, started_at),
    INDEX battle_account (account),
    INDEX battle_ended_at (ended_at),
    FOREIGN KEY (account) REFERENCES account (id) ON DELETE CASCADE,
    FOREIGN KEY (`character`) REFERENCES `character` (id) ON DELETE CASCADE
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

REPLACE INTO schema_floor (migration, oldest_program) VALUES (7, 1);
