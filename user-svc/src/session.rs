//! Sessions: signing in and out, and who holds a token.

use std::sync::Arc;
use std::time::Duration;

use backplane::{Rate, Verdict};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use service_kit::Fault;
use sha2::{Digest, Sha256};
use vocab::{AccountId, Password, Username};

use crate::notice::Why;
use crate::store::rows::{Credentials, SessionRow, Standing, TokenHash};
use crate::users::Users;

/// Sign-ins of one account: a person who mistypes never meets it.
const PER_ACCOUNT: Rate = Rate { every: Duration::from_secs(10), burst: 10 };
/// Sign-ins and sign-ups of one address, behind which a whole school may sit.
const PER_ADDRESS: Rate = Rate { every: Duration::from_millis(500), burst: 120 };

/// The secret that stands for a session. Never printed, never stored: SQL gets its hash.
pub(crate) struct Token([u8; 32]);

/// An open session with everything its player needs to begin.
pub(crate) struct Opened {
    pub(crate) token: String,
    pub(crate) account: AccountId,
    pub(crate) epoch: i64,
    pub(crate) expires_at: i64,
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
pub(crate) async fn sign_in(users: &Users, username: &str, password: &str, address: &str) -> Result<Opened, Fault> {
    let name = Username::parse(username).ok();
    throttle_address(users, address).await?;
    let attempts = name.as_ref().map(|name| format!("sign-in:account:{}", name.key()));
    if let Some(attempts) = &attempts {
        throttle(users, attempts, PER_ACCOUNT).await?;
    }
    let known = match &name {
        Some(name) => users.store.credentials(Arc::from(name.key())).await?,
        None => None,
    };
    let opened = check_and_open(users, known, password).await?;
    if let Some(attempts) = &attempts {
        users.backplane.forgive(attempts).await?;
    }
    Ok(opened)
}

/// Opens a session for whoever knows the password. An unknown account costs a hash like any other.
pub(crate) async fn check_and_open(users: &Users, known: Option<Credentials>, password: &str) -> Result<Opened, Fault> {
    let password = Password::parse(password).map_err(|_| wrong())?;
    let fits = users.hasher.verify(password, known.as_ref().map(|known| known.password_hash.as_str())).await?;
    let known = known.filter(|_| fits).ok_or_else(wrong)?;
    let token = Token::generate()?;
    let hash = Arc::from(known.password_hash);
    let session = users.store.open_session(known.id, hash, token.hash(), users.session_ttl).await?.ok_or_else(wrong)?;
    users.replaced(known.id, session.epoch, Why::SignedInElsewhere).await;
    let standing = users.store.standing(known.id).await?.ok_or_else(wrong)?;
    Ok(Opened::new(&token, &session, standing))
}

/// Ends the session of this epoch; one that is over already stays over.
pub(crate) async fn sign_out(users: &Users, account: AccountId, epoch: i64) -> Result<(), Fault> {
    if let Some(next) = users.store.close_session(account, epoch).await? {
        users.replaced(account, next, Why::SignedOut).await;
    }
    Ok(())
}

/// Who holds this token.
pub(crate) async fn authenticate(users: &Users, token: &str) -> Result<Opened, Fault> {
    let token = Token::parse(token).ok_or_else(over)?;
    let (session, standing) = users.store.authenticate(token.hash()).await?.ok_or_else(over)?;
    Ok(Opened::new(&token, &session, standing))
}

/// A fresh token for the session of this epoch, and when it expires.
pub(crate) async fn refresh(users: &Users, account: AccountId, epoch: i64) -> Result<(String, i64), Fault> {
    let token = Token::generate()?;
    let fresh = users.store.refresh_session(account, epoch, token.hash(), users.session_ttl).await?;
    Ok((token.text(), fresh.ok_or_else(over)?))
}

/// Counts an attempt against its address; tools have none.
pub(crate) async fn throttle_address(users: &Users, address: &str) -> Result<(), Fault> {
    if address.is_empty() {
        return Ok(());
    }
    throttle(users, &format!("sign-in:address:{address}"), PER_ADDRESS).await
}

async fn throttle(users: &Users, key: &str, rate: Rate) -> Result<(), Fault> {
    match users.backplane.throttle(key, rate).await? {
        Verdict::Allowed => Ok(()),
        Verdict::RetryAfter(delay) => {
            metrics::counter!("sign_ins_throttled_total").increment(1);
            Err(Fault::exhausted("too-many-attempts").reason("too_many_attempts").retry_after(delay))
        }
    }
}

impl Opened {
    pub(crate) fn new(token: &Token, session: &SessionRow, standing: Standing) -> Self {
        Self {
            token: token.text(),
            account: session.account,
            epoch: session.epoch,
            expires_at: session.expires_at,
            standing,
        }
    }
}

/// One answer for an unknown name and a wrong password.
pub(crate) fn wrong() -> Fault {
    Fault::unauthenticated("wrong-name-or-password")
}

fn over() -> Fault {
    Fault::unauthenticated("session-over")
}

#[cfg(test)]
mod tests {
    use super::*;

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
