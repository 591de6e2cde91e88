//! Leases.

use std::time::Duration;

use super::World;
use crate::Lease;

const TTL: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(60);

fn lease(instance: &str, nonce: u64) -> Lease {
    Lease {
        service: "battle-svc".to_owned(),
        instance: instance.to_owned(),
        nonce,
        address: format!("http://{instance}:50052"),
    }
}

pub(crate) async fn a_lease_ends_by_itself(world: World) {
    let (short, long) = (lease("b1", 1), lease("b2", 1));
    world.renew(&short, TTL).await.unwrap();
    world.renew(&long, LONG).await.unwrap();
    assert_eq!(world.living("battle-svc").await.unwrap(), [short, long.clone()]);
    tokio::time::sleep(TTL * 2).await;
    assert_eq!(world.living("battle-svc").await.unwrap(), [long]);
}

pub(crate) async fn renewing_keeps_it_and_releasing_ends_it(world: World) {
    let mine = lease("b1", 1);
    for _ in 0..4 {
        world.renew(&mine, TTL).await.unwrap();
        tokio::time::sleep(TTL / 2).await;
    }
    assert_eq!(world.living("battle-svc").await.unwrap(), std::slice::from_ref(&mine));
    assert!(world.living("chat-svc").await.unwrap().is_empty(), "services do not meet");
    world.release(&mine).await.unwrap();
    world.release(&mine).await.unwrap();
    assert!(world.living("battle-svc").await.unwrap().is_empty());
}

pub(crate) async fn a_renewal_says_whether_the_lease_ran(world: World) {
    let (mine, next) = (lease("b1", 1), lease("b1", 2));
    assert!(!world.renew(&mine, LONG).await.unwrap(), "it is taken");
    assert!(world.renew(&mine, TTL).await.unwrap());
    assert!(!world.renew(&next, LONG).await.unwrap(), "another start's");
    tokio::time::sleep(TTL * 2).await;
    assert!(!world.renew(&mine, LONG).await.unwrap(), "it had ended");
    world.renew(&mine, LONG).await.unwrap();
    assert!(world.renew(&mine, LONG).await.unwrap());
    world.release(&mine).await.unwrap();
    assert!(!world.renew(&mine, LONG).await.unwrap(), "it was given back");
}

pub(crate) async fn two_starts_are_two_leases(world: World) {
    let (before, after) = (lease("b1", 1), lease("b1", 2));
    world.renew(&before, LONG).await.unwrap();
    world.renew(&after, LONG).await.unwrap();
    world.release(&before).await.unwrap();
    assert_eq!(world.living("battle-svc").await.unwrap(), [after], "an old start does not end the new one's lease");
}
