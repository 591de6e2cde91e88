-- Every movement of gold, once. The key makes it once: what it stands for can't be booked twice.
CREATE TABLE IF NOT EXISTS ledger (
    entry_key VARCHAR(255) NOT NULL PRIMARY KEY,
    account   BINARY(16),            -- the player; null once the account is deleted. No reference: the books outlive it
    delta     BIGINT       NOT NULL, -- gold to the player, negative when it pays
    counter   VARCHAR(255) NOT NULL, -- where it comes from or goes to: drops, shop, smith, gambler, rewards, deleted
    reason    VARCHAR(255) NOT NULL,
    booked_at BIGINT       NOT NULL,
    INDEX ledger_account (account)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

REPLACE INTO schema_floor (migration, oldest_program) VALUES (10, 1);
