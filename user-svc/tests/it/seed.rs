//! Many accounts at once, and what is kept for a time only.

use std::time::Duration;

use rules::Ruleset;
use rules::content::Content;
use service_kit::FaultKind::AlreadyExists;
use user_svc::seed::{Seed, seed};
use vocab::Password;

use super::support::{House, PASSWORD};

fn plan(accounts: u32) -> Seed {
    Seed {
        accounts,
        password: Password::parse(PASSWORD).unwrap(),
        bcrypt_cost: 4,
        sessions: Some(Duration::from_secs(3_600)),
    }
}

#[tokio::test]
async fn seeded_accounts_are_like_any_other() {
    let house = House::new().await;
    let ruleset = Ruleset::new(Content::parse(content::rules()).unwrap());
    let (mut tokens, mut steps) = (Vec::new(), Vec::new());
    let made = seed(&house.store, &ruleset, plan(1_500), |done, batch| {
        steps.push(done);
        tokens.extend(batch);
    });
    made.await.unwrap();
    assert_eq!(steps, [1_000, 1_500]);
    assert_eq!(tokens.len(), 1_500);
    let last = house.authenticate(&tokens[1_499]).await.unwrap();
    assert_eq!(last.character.as_ref().unwrap().name, "seed001500");
    assert!(last.character.as_ref().unwrap().weapon.is_some());
    house.battle(&last).await.unwrap();
    assert_eq!(house.sign_in("seed000001", PASSWORD).await.unwrap().epoch, 2);

    let again = seed(&house.store, &ruleset, plan(10), |_, _| {}).await.unwrap_err();
    assert_eq!(again.kind(), AlreadyExists);
    house.books_are_sound().await;
}
