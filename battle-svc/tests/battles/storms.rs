//! A battle through a storm of kills, drains, cuts, absences and a store that is away, in many seeded orders: whatever
//! happens, a number never has two contents, none is skipped, and the record proves true at the end.

use std::collections::HashMap;
use std::time::Duration;

use futures::FutureExt;
use proto::battle::v1::feed_item::Kind;
use proto::battle::v1::{self as pb};
use tokio::time::{Instant, sleep, timeout_at};

use crate::house::{Gateway, House, Player, settings};
use crate::laws;
use crate::store::Store;

/// Chance that repeats: splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn seconds(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.below(most * 1_000) + 1)
    }
}

/// A client that believes nothing.
struct Client {
    player: Player,
    battle: String,
    /// The last frame it was told of, alone or within a report.
    last: u64,
    /// Everything it was ever sent, by number.
    frames: HashMap<u64, pb::Frame>,
    /// Experience by its own addition, as long as it was told everything.
    exp: u64,
}

impl Client {
    fn hear(&mut self, frames: Vec<pb::Frame>) {
        for frame in frames {
            let known = self.frames.insert(frame.seq, frame.clone());
            assert!(known.is_none_or(|known| known == frame), "frame {} has two contents", frame.seq);
            // A gateway drops what it had.
            if frame.seq > self.last {
                assert_eq!(frame.seq, self.last + 1, "a hole");
                self.last = frame.seq;
                self.exp += laws::sums(std::slice::from_ref(&frame)).0;
                assert_eq!(frame.vitals.as_ref().unwrap().exp, self.exp);
            }
        }
    }

    /// Comes back, saying what it has or nothing.
    async fn attach(&mut self, gateway: &mut Gateway, says: bool, again: bool) {
        let after = says.then_some(self.last);
        let caller = self.player.caller(1);
        let told = loop {
            match gateway.try_attach(&self.battle, after, Some(caller.clone()), again).await {
                Ok(told) => break told,
                Err(fault) if fault.kind() == service_kit::FaultKind::Unavailable => {
                    sleep(Duration::from_secs(1)).await;
                }
                Err(fault) => panic!("{fault:?}"),
            }
        };
        let head = told.battle.unwrap().seq;
        assert!(head >= self.last, "the battle went back from {} to {head}", self.last);
        self.hear(told.frames);
        if let Some(report) = told.report {
            assert_eq!(report.to_seq, head);
            assert!(report.from_seq <= self.last + 1 || report.partial, "{report:?} after {}", self.last);
            if says && !report.partial {
                assert_eq!(report.from_seq, self.last + 1);
                self.exp += report.summary.unwrap().exp;
                assert_eq!(report.vitals.as_ref().unwrap().exp, self.exp);
            }
            self.exp = report.vitals.unwrap().exp;
            self.last = head;
        }
        assert_eq!(self.last, head);
    }

    /// Listens for a while; `false` when it has to ask again.
    async fn listen(&mut self, gateway: &mut Gateway, time: Duration) -> bool {
        let until = Instant::now() + time;
        while let Ok(item) = timeout_at(until, gateway.next()).await {
            match item.expect("the feed ended").kind.unwrap() {
                Kind::Frames(frames) => self.hear(frames.frames),
                Kind::Behind(_) | Kind::Moved(_) => return false,
                Kind::End(end) => panic!("{end:?}"),
            }
        }
        true
    }
}

async fn storm(seed: u64) {
    let mut dice = Dice(seed);
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("house-0")).await;
    let battle = house.auto(&player).await.id;
    let mut gateway = house.gateway("0").await;
    let mut client = Client { player, battle, last: 0, frames: HashMap::new(), exp: 0 };
    client.attach(&mut gateway, true, false).await;
    for turn in 1..40 {
        let nonce = turn.to_string();
        match dice.below(6) {
            0 => {
                house.kill().await;
                sleep(dice.seconds(90)).await;
                house = House::open(&store, settings(&format!("house-{turn}"))).await;
                gateway = house.gateway(&nonce).await;
                client.attach(&mut gateway, true, true).await;
            }
            1 => {
                house.service.drain().await;
                house.kill().await;
                sleep(dice.seconds(20)).await;
                house = House::open(&store, settings(&format!("house-{turn}"))).await;
                gateway = house.gateway(&nonce).await;
                client.attach(&mut gateway, true, false).await;
            }
            2 => {
                gateway.detach(&client.battle, client.last).await;
                sleep(dice.seconds(7_200)).await;
                gateway = house.gateway(&nonce).await;
                client.attach(&mut gateway, dice.below(2) == 0, false).await;
            }
            3 => {
                gateway = house.gateway(&nonce).await;
                client.attach(&mut gateway, true, true).await;
            }
            4 => {
                store.rows().await.away = true;
                client.listen(&mut gateway, dice.seconds(90)).await;
                store.rows().await.away = false;
            }
            _ => {}
        }
        if !client.listen(&mut gateway, dice.seconds(60)).await {
            client.attach(&mut gateway, true, true).await;
        }
    }
    house.stop(&client.player).await.unwrap();
    let verdict = house.verify(&client.battle).await;
    assert!(verdict.verified, "{verdict:?}");
    let request = pb::ReplayBattleRequest { battle_id: client.battle.clone() };
    let mut replay = house.admin.replay_battle(request).await.unwrap().into_inner();
    while let Some(response) = replay.message().await.unwrap() {
        let frame = response.frame.unwrap();
        assert!(client.frames.get(&frame.seq).is_none_or(|sent| *sent == frame), "frame {} differs", frame.seq);
    }
}

#[tokio::test(start_paused = true)]
async fn no_storm_shows_a_number_twice_or_loses_one() {
    for seed in 0..12 {
        let outcome = std::panic::AssertUnwindSafe(storm(seed)).catch_unwind().await;
        assert!(outcome.is_ok(), "the storm of seed {seed}");
    }
}
