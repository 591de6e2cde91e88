//! What is kept for a time only, and the job that removes it, some rows at a time.

use std::time::Duration;

use service_kit::Shutdown;

use crate::store::Store;

/// Rows a sweep deletes in one transaction.
const BATCH: i64 = 500;
/// Rest between two rounds.
const EVERY: Duration = Duration::from_secs(600);

const DAY_MS: i64 = 24 * 3_600_000;

/// What is kept for a time only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Ended battles with their segments and inputs, counted from their end.
    Battles,
    /// Sessions, counted from their expiry.
    Sessions,
    /// Answers under idempotency keys, counted from their begin.
    OnceKeys,
    /// Records of what operators changed.
    Audit,
}

impl Kept {
    pub(crate) const ALL: [Self; 4] = [Self::Battles, Self::Sessions, Self::OnceKeys, Self::Audit];

    /// For how long, milliseconds.
    pub(crate) const fn for_ms(self) -> i64 {
        match self {
            Self::Battles => 7 * DAY_MS,
            Self::Sessions | Self::OnceKeys => DAY_MS,
            Self::Audit => 365 * DAY_MS,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Battles => "battle",
            Self::Sessions => "session",
            Self::OnceKeys => "once_key",
            Self::Audit => "audit",
        }
    }
}

/// Sweeps until told to stop.
pub(crate) async fn run(store: Store, stop: Shutdown) {
    loop {
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        for what in Kept::ALL {
            round(&store, what, &stop).await;
        }
    }
}

/// Deletes what is over, batch by batch, and says how many rows that were. A failure ends the round; the next tries
/// again.
pub(crate) async fn round(store: &Store, what: Kept, stop: &Shutdown) -> usize {
    let mut gone = 0;
    while !stop.begun() {
        match store.sweep(what, BATCH).await {
            Ok(0) => break,
            Ok(rows) => gone += rows,
            Err(error) => {
                tracing::warn!(table.name = what.name(), error = %error, "sweep failed");
                break;
            }
        }
    }
    metrics::counter!("retention_deleted_total", "table" => what.name()).increment(gone as u64);
    gone
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rules::Ruleset;
    use rules::content::Content;
    use service_kit::TaskGroup;
    use tempfile::TempDir;
    use vocab::{AccountId, BattleId, CharacterId, Password};

    use super::*;
    use crate::audit_record::{self, Deed};
    use crate::page::PageOf;
    use crate::seed::{Seed, seed};
    use crate::store::Clock;
    use crate::store::rows::{Entry, NewBattle};
    use crate::tally::Tally;

    const DAY: Duration = Duration::from_secs(24 * 3_600);

    struct House {
        store: Store,
        clock: Clock,
        _directory: Option<TempDir>,
    }

    impl House {
        /// One on each kind of database.
        async fn each() -> [Self; 2] {
            let directory = tempfile::tempdir().unwrap();
            let file = format!("sqlite://{}/mud.db", directory.path().display());
            [Self::on(&file, Some(directory)).await, Self::on(&testkit::mariadb::database().await, None).await]
        }

        async fn on(url: &str, directory: Option<TempDir>) -> Self {
            let clock = Clock::system();
            let store = Store::open(url, true, clock.clone(), TaskGroup::new()).await.unwrap();
            Self { store, clock, _directory: directory }
        }

        /// Accounts with a session of a day, and their characters.
        async fn people(&self, accounts: u32) -> Vec<(AccountId, CharacterId)> {
            let ruleset = Ruleset::new(Content::parse(content::rules()).unwrap());
            let password = Password::parse("correct horse").unwrap();
            let plan = Seed { accounts, password, bcrypt_cost: 4, sessions: Some(DAY) };
            seed(&self.store, &ruleset, plan, |_, _| {}).await.unwrap();
            let mut people = Vec::new();
            for number in 1..=accounts {
                let name = format!("seed{number:06}").into();
                let character = self.store.sheet_by_name(name).await.unwrap().unwrap().character;
                people.push((character.account, character.id));
            }
            people
        }

        async fn sweep(&self) -> [usize; 4] {
            let stop = Shutdown::new();
            let mut gone = [0; 4];
            for (count, what) in gone.iter_mut().zip(Kept::ALL) {
                *count = round(&self.store, what, &stop).await;
            }
            gone
        }

        async fn battle(&self, (account, character): (AccountId, CharacterId)) -> BattleId {
            let id = BattleId::generate();
            let new = NewBattle {
                id,
                account,
                session_epoch: None,
                character,
                character_version: 1,
                owner: "battle-1".into(),
                tick_ms: 1_500,
                ruleset: "1:00".into(),
                state: vec![1],
            };
            self.store.create_battle(Arc::new(new)).await.unwrap();
            id
        }
    }

    fn last_save(id: BattleId) -> Entry {
        Entry {
            id,
            epoch: 1,
            seq: 1,
            state: vec![2],
            lag_ms: 0,
            key_a: None,
            key_b: None,
            totals: Vec::new(),
            tally: Tally::default(),
            level: 1,
            exp: 0,
            hp: 1,
            mp: 1,
            skills: Default::default(),
            seen: None,
            release: true,
            end_reason: Some("stopped".into()),
            new_segment: None,
        }
    }

    #[tokio::test]
    async fn what_is_over_goes_in_time_and_what_lives_stays() {
        for house in House::each().await {
            let people = house.people(2).await;
            let (over, live) = (house.battle(people[0]).await, house.battle(people[1]).await);
            house.store.save_progress(Arc::new([last_save(over)])).await.unwrap();
            house.store.begin_once(people[0].0, "k".into(), [0; 32]).await.unwrap();
            assert_eq!(house.sweep().await, [0, 0, 0, 0]);

            house.clock.advance(DAY);
            assert_eq!(house.sweep().await, [0, 0, 1, 0], "a key lives a day");
            house.clock.advance(DAY);
            assert_eq!(house.sweep().await, [0, 2, 0, 0], "a session is kept a day after its life of a day");
            house.clock.advance(DAY * 5);
            assert_eq!(house.sweep().await, [1, 0, 0, 0], "an ended battle is kept a week");
            assert!(house.store.battle_by_id(over, true).await.unwrap().is_none());
            assert!(house.store.battle_by_id(live, true).await.unwrap().is_some());
        }
    }

    #[tokio::test]
    async fn what_operators_changed_is_kept_a_year() {
        for house in House::each().await {
            let deed = |operator: &str| Deed {
                operator: operator.into(),
                action: "stop".into(),
                subject: "1".into(),
                detail: String::new(),
            };
            audit_record::record(&house.store, deed("first")).await.unwrap();
            house.clock.advance(DAY * 364);
            audit_record::record(&house.store, deed("second")).await.unwrap();
            assert_eq!(house.sweep().await, [0, 0, 0, 0]);
            house.clock.advance(DAY);
            assert_eq!(house.sweep().await, [0, 0, 0, 1]);
            let left = audit_record::list(&house.store, PageOf { after: None, size: 9 }).await.unwrap();
            assert_eq!(left.lines.into_iter().map(|row| row.operator).collect::<Vec<_>>(), ["second"]);
        }
    }

    #[tokio::test]
    async fn a_round_takes_as_many_batches_as_it_needs() {
        for house in House::each().await {
            house.people(1_234).await;
            house.clock.advance(DAY * 2);
            assert_eq!(house.sweep().await, [0, 1_234, 0, 0]);
        }
    }
}
