//! Many accounts at once, for load tests: `seed000001` and so on, all with one password.

use std::sync::Arc;

use rules::Ruleset;
use service_kit::Fault;
use vocab::{AccountId, CharacterId, CharacterName, Password, Username};

use crate::character;
use crate::password::Hasher;
use crate::session::Token;
use crate::store::rows::{AccountRow, CharacterRow, ItemRow, SessionRow, Sheet};
use crate::store::{Store, clock};

/// Accounts in one transaction.
const BATCH: u32 = 1_000;

/// How to seed.
#[derive(Debug, Clone)]
pub struct Seed {
    /// How many accounts to make.
    pub accounts: u32,
    /// The password of them all.
    pub password: Password,
    /// Cost of its one hash.
    pub bcrypt_cost: u32,
    /// Life of a session for each, if there shall be one.
    pub sessions: Option<std::time::Duration>,
}

/// The rows of one transaction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Batch {
    pub(crate) accounts: Vec<AccountRow>,
    pub(crate) characters: Vec<CharacterRow>,
    pub(crate) items: Vec<ItemRow>,
    pub(crate) sessions: Vec<SessionRow>,
}

/// Makes the accounts with their characters and hands over the tokens of each batch's sessions, in order.
///
/// # Errors
/// `already_exists` with the number that is there when accounts of an earlier run are in the way, and whatever the store
/// fails with.
pub async fn seed(
    store: &Store,
    ruleset: &Ruleset,
    seed: Seed,
    mut progress: impl FnMut(u32, Vec<String>),
) -> Result<(), Fault> {
    let hash = Hasher::new(seed.bcrypt_cost).await?.hash(seed.password).await?;
    let ttl = seed.sessions.map(clock::millis);
    for first in (1..=seed.accounts).step_by(BATCH as usize) {
        let last = seed.accounts.min(first + BATCH - 1);
        let now = store.now().await?;
        let (batch, tokens) = batch(ruleset, first..=last, &hash, now, ttl)?;
        let taken = || Fault::exists("seed-exists");
        let written = store.seed_rows(Arc::new(batch)).await;
        written
            .map_err(|error| error.on_unique(&[("username_key", taken), ("name_key", taken)]).arg("first", first))?;
        progress(last, tokens);
    }
    Ok(())
}

fn batch(
    ruleset: &Ruleset,
    numbers: std::ops::RangeInclusive<u32>,
    hash: &str,
    now: i64,
    ttl: Option<i64>,
) -> Result<(Batch, Vec<String>), Fault> {
    let (mut batch, mut tokens) = (Batch::default(), Vec::new());
    for number in numbers {
        let name = format!("seed{number:06}");
        let id = AccountId::generate();
        let sheet = newborn(ruleset, id, &name, now)?;
        batch.accounts.push(account(id, &name, hash, now)?);
        batch.characters.push(sheet.character);
        batch.items.extend(sheet.worn);
        if let Some(ttl) = ttl {
            let token = Token::generate()?;
            let token_hash = token.hash().to_vec();
            batch.sessions.push(SessionRow { token_hash, account: id, epoch: 1, expires_at: now + ttl });
            tokens.push(token.text());
        }
    }
    Ok((batch, tokens))
}

fn account(id: AccountId, name: &str, hash: &str, now: i64) -> Result<AccountRow, Fault> {
    let username = Username::parse(name).map_err(Fault::internal)?;
    Ok(AccountRow {
        id,
        username: username.as_str().to_owned(),
        username_key: username.key(),
        password_hash: hash.to_owned(),
        epoch: 1,
        signup_key: None,
        created_at: now,
    })
}

fn newborn(ruleset: &Ruleset, account: AccountId, name: &str, now: i64) -> Result<Sheet, Fault> {
    let name = CharacterName::parse(name).map_err(Fault::internal)?;
    Ok(character::newborn(ruleset.content(), CharacterId::generate(), account, &name, now))
}
