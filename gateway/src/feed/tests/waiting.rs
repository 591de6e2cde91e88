//! How often a battle is asked for that nobody can have yet.

use super::*;

/// How often a survivor is asked in the ten seconds in which nobody takes the battle over, and how soon it is taken then.
async fn asked_after_a_kill(told: bool) -> (usize, Duration) {
    let house = House::of(2).await;
    let mut client = house.client("battle-0").await;
    let (killed, survivor) = (Instant::now(), house.world.instance("battle-1"));
    let alone = killed + Duration::from_secs(10);
    let before = survivor.asked();
    if told {
        house.world.alone_until(alone);
    }
    house.world.instance("battle-0").kill();
    tokio::time::sleep_until(alone).await;
    let asked = survivor.asked() - before;
    house.world.disown(&client.battle);
    while house.world.owner(&client.battle).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let taken = alone.elapsed();
    house.world.step(&client.battle, 5).await;
    house.steps(&mut client, 5).await;
    house.feed.part(&client.follow).await;
    house.forgets_everything().await;
    (asked, taken)
}

#[tokio::test(start_paused = true)]
async fn who_is_told_that_nobody_else_can_have_a_battle_asks_seldom_and_is_not_late() {
    let (seldom, taken) = asked_after_a_kill(true).await;
    let (often, _) = asked_after_a_kill(false).await;
    // Pauses are drawn; whatever is drawn, these hold.
    assert!(seldom <= 18 && often >= 22, "{seldom} and {often}");
    assert!(taken <= AGAIN_WITHIN, "{taken:?}");
}
