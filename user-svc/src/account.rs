//! Accounts: signing up and deleting.

use std::sync::Arc;

use service_kit::Fault;
use vocab::{AccountId, CharacterId, CharacterName, InvalidName, InvalidPassword, Password, Username};

use crate::attempt::{self, Attempt};
use crate::character;
use crate::notice::Why;
use crate::retention::Kept;
use crate::session::{self, Opened, Token};
use crate::store::StoreError;
use crate::store::rows::{AccountRow, Credentials, NewAccount, SessionRow, Standing};
use crate::users::Users;

/// The epoch of an account's first session.
const FIRST_EPOCH: i64 = 1;

/// What somebody signs up with.
pub(crate) struct SignUp {
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) character: String,
    /// Where from; none of a tool.
    pub(crate) address: Option<String>,
    /// Idempotency key; empty for none.
    pub(crate) key: String,
}

/// Makes an account with its character, its first things and its first session. The same key and password again are a
/// sign-in.
pub(crate) async fn sign_up(users: &Users, form: SignUp) -> Result<Opened, Fault> {
    let username = Username::parse(&form.username).map_err(|why| bad_name("username", why))?;
    let password = Password::parse(&form.password).map_err(bad_password)?;
    let name = CharacterName::parse(&form.character).map_err(|why| bad_name("character", why))?;
    attempt::count_sign_up(users.backplane.as_ref(), form.address.as_deref()).await?;
    if let Some(earlier) = earlier(users, &username, &form.key).await? {
        return again(users, earlier, &form).await;
    }
    let hash = users.hasher.hash(password).await?;
    match make(users, &username, hash, &name, &form.key).await {
        Ok(opened) => Ok(opened),
        // The same sign-up, sent twice at once, may have been first.
        Err(lost) => match earlier(users, &username, &form.key).await? {
            Some(earlier) => again(users, earlier, &form).await,
            None => Err(lost.on_unique(&[("username_key", username_taken), ("name_key", character_taken)])),
        },
    }
}

/// Deletes the account and everything of it, if the password is right.
pub(crate) async fn delete(users: &Users, account: AccountId, password: &str) -> Result<(), Fault> {
    let known = users.store.credentials_of(account).await?.ok_or_else(wrong_password)?;
    let name = known.username_key.clone();
    let attempt = Attempt { name: Some(&name), known: Some(known), password, address: None };
    let proven = attempt.prove(users.backplane.as_ref(), &users.hasher).await?.ok_or_else(wrong_password)?;
    let epoch = users.store.delete_account(account, Arc::from(proven.hash)).await?;
    users.replaced(account, epoch.ok_or_else(attempt::overtaken)?, Why::AccountDeleted);
    Ok(())
}

/// A sign-up sent twice is a sign-in.
async fn again(users: &Users, earlier: Credentials, form: &SignUp) -> Result<Opened, Fault> {
    let (name, address) = (earlier.username_key.clone(), form.address.as_deref());
    let attempt = Attempt { name: Some(&name), known: Some(earlier), password: &form.password, address };
    session::open(users, attempt).await?.ok_or_else(attempt::overtaken)
}

async fn make(
    users: &Users,
    username: &Username,
    password_hash: String,
    name: &CharacterName,
    key: &str,
) -> Result<Opened, StoreError> {
    let (id, character_id) = (AccountId::generate(), CharacterId::generate());
    let now = users.store.now().await?;
    let token = Token::generate()?;
    let account = AccountRow {
        id,
        username: username.as_str().to_owned(),
        username_key: username.key(),
        password_hash,
        epoch: FIRST_EPOCH,
        signup_key: Some(key.to_owned()).filter(|key| !key.is_empty()),
        created_at: now,
    };
    let session = SessionRow {
        token_hash: token.hash().to_vec(),
        account: id,
        epoch: FIRST_EPOCH,
        expires_at: now + users.session_ttl,
    };
    let sheet = character::newborn(users.ruleset.content(), character_id, id, name, now);
    let (character, items) = (sheet.character.clone(), sheet.worn.clone());
    let new = NewAccount { account, character, items, session: session.clone() };
    users.store.sign_up(Arc::new(new)).await?;
    Ok(Opened::new(&token, &session, users.session_ttl, Standing { sheet, battle: None }))
}

/// The account an earlier sign-up with the same name and key made.
async fn earlier(users: &Users, username: &Username, key: &str) -> Result<Option<Credentials>, Fault> {
    if key.is_empty() {
        return Ok(None);
    }
    let oldest = users.store.now().await? - Kept::OnceKeys.for_ms();
    let known = users.store.credentials(Arc::from(username.key())).await?;
    Ok(known.filter(|known| known.signup_key.as_deref() == Some(key) && known.created_at > oldest))
}

fn bad_name(field: &'static str, why: InvalidName) -> Fault {
    let key = match why {
        InvalidName::Username => "username-form",
        InvalidName::CharacterName => "character-form",
    };
    Fault::invalid(key).field(field)
}

fn bad_password(why: InvalidPassword) -> Fault {
    let key = match why {
        InvalidPassword::TooShort => "password-too-short",
        InvalidPassword::TooLong => "password-too-long",
    };
    Fault::invalid(key).field("password")
}

fn username_taken() -> Fault {
    Fault::exists("username-taken").field("username")
}

fn character_taken() -> Fault {
    Fault::exists("character-taken").field("character")
}

fn wrong_password() -> Fault {
    Fault::denied("wrong-password").field("password")
}
