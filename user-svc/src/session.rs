//! Sessions: signing in and out, and who holds a token.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use service_kit::Fault;
use sha2::{Digest, Sha256};
use vocab::{AccountId, Username};

use crate::attempt::{self, Attempt, Proven};
use crate::notice::{Over, Why};
use crate::store::rows::{Epoch, SessionRow, Standing, TokenHash};
use crate::users::Users;

/// How many tokens of a session count beside the newest. The answer to a refresh may be lost, and whoever was sent it must
/// not be signed out by that; but nobody fills the table by refreshing without end.
pub(crate) const OLDER_TOKENS: usize = 3;

/// How often a password is proved for one sign-in. Its hash is made anew at most once for a change of the cost, so whoever
/// that overtook gets in by the second proof.
const PROOFS: usize = 2;

/// The secret that stands for a session. Never printed, never stored: SQL gets its hash.
pub(crate) struct Token([u8; 32]);

/// An open session with everything its player needs to begin.
pub(crate) struct Opened {
    pub(crate) token: String,
    pub(crate) account: AccountId,
    pub(crate) epoch: i64,
    pub(crate) expires_at: i64,
    /// How far off that is, milliseconds.
    pub(crate) expires_in: i64,
    pub(crate) standing: Standing,
}

impl Token {
    pub(crate) fn generate() -> Result<Self, Fault> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| Fault::internal(error.to_string()))?;
        Ok(Self(secret))
    }

    /// The token that a client showed; nothing when it can't be one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let secret = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(secret.try_into().ok()?))
    }

    /// As the client keeps it: 43 characters.
    pub(crate) fn text(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    /// As SQL keeps it.
    pub(crate) fn hash(&self) -> TokenHash {
        Sha256::digest(self.0).into()
    }
}

/// Signs in by name and password and ends every other session of the account.
pub(crate) async fn sign_in(
    users: &Users,
    username: &str,
    password: &str,
    address: Option<&str>,
) -> Result<Opened, Fault> {
    let name = Username::parse(username).ok().map(|name| name.key());
    for _ in 0..PROOFS {
        let known = match &name {
            Some(name) => users.store.credentials(Arc::from(name.as_str())).await?,
            None => None,
        };
        if let Some(opened) = open(users, Attempt { name: name.as_deref(), known, password, address }).await? {
            return Ok(opened);
        }
    }
    Err(attempt::overtaken())
}

/// Opens a session for whoever knows the password; `None` when the hash it was proved by no longer stands.
pub(crate) async fn open(users: &Users, attempt: Attempt<'_>) -> Result<Option<Opened>, Fault> {
    let proven = attempt.prove(users.backplane.as_ref(), &users.hasher).await?.ok_or_else(wrong)?;
    let token = Token::generate()?;
    let hash = Arc::from(proven.hash.as_str());
    let opened = users.store.open_session(proven.account, hash, token.hash(), users.session_ttl).await?;
    let Some(session) = opened else { return Ok(None) };
    users.replaced(session.account, session.epoch, Why::SignedInElsewhere);
    renew_hash(users, proven);
    let standing = users.store.standing(session.account).await?.ok_or_else(wrong)?;
    Ok(Some(Opened::new(&token, &session, users.session_ttl, standing)))
}

/// Ends the session of this epoch; one that is over already stays over.
pub(crate) async fn sign_out(users: &Users, account: AccountId, epoch: i64) -> Result<(), Fault> {
    if let Some(next) = users.store.close_session(account, epoch).await? {
        users.replaced(account, next, Why::SignedOut);
    }
    Ok(())
}

/// Who holds this token.
pub(crate) async fn authenticate(users: &Users, token: &str) -> Result<Opened, Fault> {
    let token = Token::parse(token).ok_or_else(over)?;
    let (session, left, standing) = users.store.authenticate(token.hash()).await?.ok_or_else(over)?;
    Ok(Opened::new(&token, &session, left, standing))
}

/// Those of these sessions (account and epoch) that are over.
pub(crate) async fn check(users: &Users, asked: Vec<(AccountId, i64)>) -> Result<Vec<Over>, Fault> {
    let accounts: Vec<AccountId> = asked.iter().map(|(account, _)| *account).collect();
    let epochs = users.store.epochs(accounts.into()).await?;
    let over = |(account, asked): (AccountId, i64)| match epochs.get(&account) {
        None => Some(Over { account, epoch: asked + 1, why: Why::AccountDeleted }),
        Some(Epoch { now, open }) if *now > asked => {
            let why = if *open { Why::SignedInElsewhere } else { Why::SignedOut };
            Some(Over { account, epoch: *now, why })
        }
        Some(_) => None,
    };
    Ok(asked.into_iter().filter_map(over).collect())
}

/// A fresh token for the session of this epoch, and when it expires. The one before counts until its own time is over:
/// what ends a session is its epoch.
pub(crate) async fn refresh(users: &Users, account: AccountId, epoch: i64) -> Result<(String, i64), Fault> {
    let token = Token::generate()?;
    let fresh = users.store.refresh_session(account, epoch, token.hash(), users.session_ttl).await?;
    Ok((token.text(), fresh.ok_or_else(over)?))
}

/// Has a hash of another cost made anew, now that the password is at hand: a name shall not be told by the time that
/// its hash takes. The player doesn't wait for it; where it fails, the next sign-in tries again.
fn renew_hash(users: &Users, proven: Proven) {
    if users.hasher.is_current(&proven.hash) {
        return;
    }
    let (store, hasher) = (users.store.clone(), users.hasher.clone());
    users.tasks.spawn("rehash", async move {
        let Proven { account, hash, password } = proven;
        let renewed = async {
            let fresh = hasher.hash(password).await?;
            Ok::<_, Fault>(store.replace_hash(account, Arc::from(hash), Arc::from(fresh)).await?)
        };
        if let Err(fault) = renewed.await {
            tracing::warn!(error = %fault, "password not hashed anew");
        }
    });
}

impl Opened {
    pub(crate) fn new(token: &Token, session: &SessionRow, expires_in: i64, standing: Standing) -> Self {
        Self {
            token: token.text(),
            account: session.account,
            epoch: session.epoch,
            expires_at: session.expires_at,
            expires_in,
            standing,
        }
    }
}

/// One answer for an unknown name and a wrong password.
fn wrong() -> Fault {
    Fault::unauthenticated("wrong-name-or-password").reason("wrong_credentials")
}

fn over() -> Fault {
    Fault::unauthenticated("session-over").reason("session_over")
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use backplane::Local;
    use proto::user::v1::user_service_client::UserServiceClient;
    use proto::user::v1::{SignInRequest, SignUpRequest};
    use rules::Ruleset;
    use rules::content::Content;
    use service_kit::TaskGroup;
    use service_kit::grpc::{GrpcService, in_process};

    use super::*;
    use crate::Settings;
    use crate::store::Store;

    const PASSWORD: &str = "correct horse";

    /// A service whose hashes have this cost.
    async fn start(directory: &Path, bcrypt_cost: u32) -> (UserServiceClient<GrpcService>, Store, TaskGroup) {
        let settings = Settings {
            database_url: format!("sqlite://{}/mud.db", directory.display()),
            migrate: true,
            session_ttl: Duration::from_secs(3_600),
            bcrypt_cost,
            instance: "user-1".into(),
        };
        let ruleset = Arc::new(Ruleset::new(Content::parse(content::rules()).unwrap()));
        let tasks = TaskGroup::new();
        let service = crate::start(settings, ruleset, Arc::new(Local::new()), &tasks).await.unwrap();
        (UserServiceClient::new(in_process(service.server)), service.store, tasks)
    }

    async fn hash(store: &Store) -> String {
        store.credentials("mina".into()).await.unwrap().unwrap().password_hash
    }

    #[tokio::test]
    async fn a_sign_in_brings_the_hash_to_the_cost_of_today() {
        let directory = tempfile::tempdir().unwrap();
        let (mut client, _, tasks) = start(directory.path(), 4).await;
        let (username, password, character) = ("mina".to_owned(), PASSWORD.to_owned(), "민아".to_owned());
        client.sign_up(SignUpRequest { username, password, character, ..Default::default() }).await.unwrap();
        tasks.end(Duration::from_secs(10)).await.unwrap();

        let (client, store, tasks) = start(directory.path(), 5).await;
        let sign_in = |password: &str| {
            let (mut client, password) = (client.clone(), password.to_owned());
            async move { client.sign_in(SignInRequest { username: "mina".into(), password, ..Default::default() }).await }
        };
        sign_in("wrong horse").await.unwrap_err();
        assert!(hash(&store).await.starts_with("$2b$04$"), "only who knows the password can have it hashed");
        for answer in futures::future::join_all((0..4).map(|_| sign_in(PASSWORD))).await {
            answer.expect("a sign-in that another one overtook proves the password again");
        }
        sign_in(PASSWORD).await.unwrap();
        tasks.end(Duration::from_secs(10)).await.unwrap();
        assert!(hash(&store).await.starts_with("$2b$05$"));
    }

    #[test]
    fn a_token_is_43_characters_and_comes_back() {
        let token = Token::generate().unwrap();
        assert_eq!(token.text().len(), 43);
        assert_eq!(Token::parse(&token.text()).unwrap().hash(), token.hash());
        for bad in ["", "abc", &token.text()[1..], &format!("{}=", token.text()), &token.text().replace('A', "+")] {
            assert!(Token::parse(bad).is_none_or(|other| other.text() == *bad), "{bad}");
        }
    }
}
