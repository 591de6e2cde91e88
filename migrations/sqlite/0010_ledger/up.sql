-- Every movement of gold, once. The key makes it once: what it stands for can't be booked twice.
CREATE TABLE ledger (
    entry_key TEXT    NOT NULL PRIMARY KEY,
    account   BLOB,             -- the player; null once the account is deleted. No reference: the books outlive it
    delta     INTEGER NOT NULL, -- gold to the player, negative when it pays
    counter   TEXT    NOT NULL, -- where it comes from or goes to: drops, shop, smith, gambler, rewards, deleted
    reason    TEXT    NOT NULL,
    booked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_account ON ledger (account);

INSERT INTO schema_floor (migration, oldest_program) VALUES (10, 1);
