//! Actions that happen once.

use std::time::Duration;

use proto::user::v1::*;
use service_kit::Fault;
use service_kit::FaultKind::{Aborted, InvalidArgument};

use super::support::{DAY, House, caller, verdict};

const DIGEST: [u8; 32] = [7; 32];

struct Player<'h> {
    house: &'h House,
    session: Session,
}

impl Player<'_> {
    async fn begin(&self, key: &str, digest: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let request = BeginOnceRequest { caller: caller(&self.session), key: key.into(), digest: digest.to_vec() };
        Ok(self.house.client().begin_once(request).await?.into_inner().answer)
    }

    async fn finish(&self, key: &str, answer: Option<&[u8]>) {
        let answer = answer.map(<[u8]>::to_vec);
        let request = FinishOnceRequest { caller: caller(&self.session), key: key.into(), answer };
        self.house.client().finish_once(request).await.unwrap();
    }
}

#[tokio::test]
async fn the_first_answer_is_kept_for_a_day() {
    let house = House::new().await;
    let player = Player { house: &house, session: house.sign_up("mina", "민아").await.unwrap() };
    assert_eq!(player.begin("k", &DIGEST).await.unwrap(), None);
    assert_eq!(verdict(&player.begin("k", &DIGEST).await.unwrap_err()), (Aborted, None, Some("in_progress")));
    player.finish("k", Some(b"done")).await;
    player.finish("k", Some(b"done twice")).await;
    assert_eq!(player.begin("k", &DIGEST).await.unwrap().as_deref(), Some(&b"done"[..]));
    assert_eq!(verdict(&player.begin("k", &[8; 32]).await.unwrap_err()), (InvalidArgument, Some("key"), None));
    house.clock.advance(DAY);
    assert_eq!(player.begin("k", &DIGEST).await.unwrap(), None, "a day later it is a new action");
}

#[tokio::test]
async fn a_key_given_up_is_free() {
    let house = House::new().await;
    let player = Player { house: &house, session: house.sign_up("mina", "민아").await.unwrap() };
    assert_eq!(player.begin("k", &DIGEST).await.unwrap(), None);
    player.finish("k", None).await;
    assert_eq!(player.begin("k", &DIGEST).await.unwrap(), None);
}

#[tokio::test]
async fn a_key_left_under_way_is_taken_over() {
    let house = House::new().await;
    let player = Player { house: &house, session: house.sign_up("mina", "민아").await.unwrap() };
    assert_eq!(player.begin("k", &DIGEST).await.unwrap(), None);
    house.clock.advance(Duration::from_secs(45));
    assert_eq!(verdict(&player.begin("k", &DIGEST).await.unwrap_err()), (Aborted, None, Some("in_progress")));
    house.clock.advance(Duration::from_secs(20));
    assert_eq!(player.begin("k", &[8; 32]).await.unwrap_err().kind(), InvalidArgument, "but by nothing else");
    assert_eq!(player.begin("k", &DIGEST).await.unwrap(), None);
    assert_eq!(verdict(&player.begin("k", &DIGEST).await.unwrap_err()), (Aborted, None, Some("in_progress")));
    player.finish("k", Some(b"done")).await;
    house.clock.advance(Duration::from_secs(120));
    assert_eq!(player.begin("k", &DIGEST).await.unwrap().as_deref(), Some(&b"done"[..]), "an answer is kept");
}

#[tokio::test]
async fn keys_belong_to_their_accounts() {
    let house = House::new().await;
    let mina = Player { house: &house, session: house.sign_up("mina", "민아").await.unwrap() };
    let jiho = Player { house: &house, session: house.sign_up("jiho", "지호").await.unwrap() };
    assert_eq!(mina.begin("k", &DIGEST).await.unwrap(), None);
    assert_eq!(jiho.begin("k", &DIGEST).await.unwrap(), None);
}

#[tokio::test]
async fn of_many_at_once_one_is_the_first() {
    let house = House::new().await;
    let player = Player { house: &house, session: house.sign_up("mina", "민아").await.unwrap() };
    let answers = futures::future::join_all((0..16).map(|_| player.begin("k", &DIGEST))).await;
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Ok(None))).count(), 1);
}

#[tokio::test]
async fn keys_and_digests_have_a_form() {
    let house = House::new().await;
    let player = Player { house: &house, session: house.sign_up("mina", "민아").await.unwrap() };
    for (key, digest) in [("", &DIGEST[..]), (&"k".repeat(65), &DIGEST), ("k", &DIGEST[1..])] {
        assert_eq!(player.begin(key, digest).await.unwrap_err().kind(), InvalidArgument);
    }
    assert_eq!(player.begin(&"가".repeat(64), &DIGEST).await.unwrap(), None, "characters are counted, not bytes");
}
