//! Feeds from several instances, on paused time.

mod service;
mod waiting;

use backplane::{Leases as _, Local};
use proto::battle::v1::Behind;
use proto::common::v1::Caller;
use tokio::time::Instant;
use vocab::BattleId;

use self::service::{World, frames_of, lease};
use super::keeper::REOPEN_WITHIN;
use super::*;
use crate::delivery::{Line, Track};
use crate::registry::Seat;

/// How long a stream of a frozen instance goes unnoticed: the connection's keepalive finds it out.
const KEEPALIVE: Duration = Duration::from_secs(7);

/// How long a battle may be without frames after any fault.
const BOUND: Duration = Duration::from_secs(15);

/// A gateway's feeds, and what its clients are told.
struct House {
    world: Arc<World>,
    plane: Arc<Local>,
    feed: Arc<Feed>,
}

/// One client that follows one battle.
struct Client {
    battle: String,
    follow: Arc<Follow>,
    line: Arc<Line>,
    told: Vec<u64>,
}

impl House {
    async fn of(instances: usize) -> Self {
        let (world, plane) = World::of(instances).await;
        let tasks = TaskGroup::new();
        let feed = Feed::new("gateway".into(), world.battles(), tasks.clone());
        let shared: Arc<dyn Backplane> = plane.clone();
        tasks.spawn("instances", Arc::clone(&feed).watch_instances(shared));
        let house = Self { world, plane, feed };
        // The first look at the leases.
        tokio::time::sleep(Duration::from_millis(10)).await;
        house
    }

    /// A client of a new battle, which `owner` has.
    async fn client(&self, owner: &str) -> Client {
        let battle = BattleId::generate().to_string();
        self.world.begin(&battle, owner);
        let (seat, track) = (Seat::to_nowhere(), Track::new(battle.clone()));
        let line = Arc::clone(seat.line());
        let follow = Follow::new(seat, Caller::default(), track, 0);
        let answer = self.feed.attach(&follow, Since::After(0)).await.unwrap();
        self.feed.open(&follow, answer);
        Client { battle, follow, line, told: Vec::new() }
    }

    /// Frames until the client has been told all up to `seq`, and how long that took.
    async fn steps(&self, client: &mut Client, seq: u64) -> Duration {
        let began = Instant::now();
        while client.told().last() != Some(&seq) {
            assert!(began.elapsed() < 2 * BOUND, "told {:?}", client.told);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(client.told, (1..=seq).collect::<Vec<_>>());
        began.elapsed()
    }

    /// Nothing is left once nobody follows anything and the streams have lingered.
    async fn forgets_everything(&self) {
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert!(self.feed.battles.lock().is_empty());
        assert_eq!(self.feed.links.len(), 0);
        for name in ["battle-0", "battle-1"] {
            assert_eq!((self.world.instance(name).streams(), self.world.instance(name).attached()), (0, 0), "{name}");
        }
    }
}

impl Client {
    /// The numbers of all frames told so far.
    fn told(&mut self) -> &[u64] {
        self.told.extend(self.line.told_events().iter().map(|(_, frame)| frame["seq"].as_u64().unwrap()));
        &self.told
    }
}

#[tokio::test(start_paused = true)]
async fn a_battle_is_followed_where_its_owner_is_and_a_stream_nobody_needs_ends() {
    let house = House::of(2).await;
    for owner in ["battle-0", "battle-1", "battle-1", "battle-0"] {
        let mut client = house.client(owner).await;
        house.world.step(&client.battle, 3).await;
        house.steps(&mut client, 3).await;
        assert_eq!(house.world.owner(&client.battle), owner);
        assert_eq!((house.world.instance(owner).streams(), house.world.instance(owner).attached()), (1, 1));
        house.feed.part(&client.follow).await;
        assert_eq!(house.world.instance(owner).attached(), 0);
    }
    house.forgets_everything().await;
}

#[tokio::test(start_paused = true)]
async fn frames_go_on_at_another_when_the_owner_dies() {
    let house = House::of(2).await;
    let mut client = house.client("battle-0").await;
    house.world.step(&client.battle, 5).await;
    house.steps(&mut client, 5).await;
    house.world.instance("battle-0").kill();
    // The other takes the battle over once the lease has been gone for a while.
    tokio::time::sleep(Duration::from_secs(10)).await;
    house.world.disown(&client.battle);
    tokio::time::sleep(2 * AGAIN_WITHIN).await;
    house.world.step(&client.battle, 5).await;
    assert!(house.steps(&mut client, 10).await < Duration::from_secs(1));
    assert_eq!(house.world.owner(&client.battle), "battle-1");
    house.feed.part(&client.follow).await;
    house.forgets_everything().await;
}

#[tokio::test(start_paused = true)]
async fn frames_go_on_at_another_when_the_owner_freezes_and_one_that_wakes_is_not_heard() {
    let house = House::of(2).await;
    let mut client = house.client("battle-0").await;
    house.world.step(&client.battle, 5).await;
    house.steps(&mut client, 5).await;
    let (old, frozen) = (house.world.instance("battle-0"), Instant::now());
    old.freeze();
    tokio::time::sleep(KEEPALIVE).await;
    old.cut();
    tokio::time::sleep(Duration::from_millis(4_500)).await;
    house.world.disown(&client.battle);
    while house.world.owner(&client.battle).is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    house.world.step(&client.battle, 5).await;
    house.steps(&mut client, 10).await;
    assert!(frozen.elapsed() < BOUND, "{:?}", frozen.elapsed());
    // Somebody else's battle brings a stream to it again; on that it says what it would have said.
    old.wake();
    tokio::time::sleep(2 * REOPEN_WITHIN).await;
    let other = house.client("battle-0").await;
    let stale = FeedItem { battle_id: client.battle.clone(), epoch: 1, kind: Some(frames_of(1, 11..=12)) };
    let link = house.feed.links.to("battle-0").unwrap().0;
    house.feed.hear(link.link(), stale);
    drop(link);
    house.world.step(&client.battle, 1).await;
    house.steps(&mut client, 11).await;
    for client in [client, other] {
        house.feed.part(&client.follow).await;
    }
    house.forgets_everything().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_lets_go_of_a_battle_and_goes_on_living_is_left() {
    let house = House::of(2).await;
    let mut client = house.client("battle-0").await;
    house.world.step(&client.battle, 2).await;
    house.world.begin(&client.battle, "battle-1");
    house.world.instance("battle-0").let_go(&client.battle).await;
    tokio::time::sleep(AGAIN_WITHIN).await;
    assert_eq!(house.world.instance("battle-1").attached(), 1);
    house.steps(&mut client, 2).await;
    house.feed.part(&client.follow).await;
    house.forgets_everything().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_learns_late_that_it_lost_a_battle_is_left_too() {
    let house = House::of(2).await;
    let mut client = house.client("battle-0").await;
    house.world.step(&client.battle, 2).await;
    house.steps(&mut client, 2).await;
    // Another took it over, for somebody else at this gateway, and its frames reach everybody here.
    house.world.take_over(&client.battle, "battle-1");
    let link = house.feed.link("battle-1").unwrap();
    let newer = FeedItem { battle_id: client.battle.clone(), epoch: 2, kind: Some(frames_of(2, 3..=3)) };
    house.feed.hear(link.link(), newer);
    drop(link);
    house.steps(&mut client, 3).await;
    house.world.instance("battle-0").let_go(&client.battle).await;
    tokio::time::sleep(AGAIN_WITHIN).await;
    assert_eq!(house.world.instance("battle-1").attached(), 1);
    house.world.step(&client.battle, 2).await;
    house.steps(&mut client, 4).await;
    house.feed.part(&client.follow).await;
    house.forgets_everything().await;
}

#[tokio::test(start_paused = true)]
async fn a_player_whose_place_another_has_taken_learns_so_from_a_battle_that_moves() {
    let house = House::of(2).await;
    let client = house.client("battle-0").await;
    house.world.begin(&client.battle, "battle-1");
    house.world.instance("battle-1").knows_a_newer_connection();
    house.world.instance("battle-0").let_go(&client.battle).await;
    tokio::time::timeout(2 * AGAIN_WITHIN, client.follow.seat.over()).await.unwrap();
    house.feed.part(&client.follow).await;
    house.forgets_everything().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_dropped_is_fetched() {
    let house = House::of(1).await;
    let mut client = house.client("battle-0").await;
    let instance = house.world.instance("battle-0");
    instance.tell(&client.battle, 1, frames_of(1, 1..=2)).await;
    house.steps(&mut client, 2).await;
    instance.tell(&client.battle, 1, Kind::Behind(Behind { from_seq: 3 })).await;
    house.world.step(&client.battle, 4).await;
    house.steps(&mut client, 4).await;
    house.world.step(&client.battle, 1).await;
    // A hole: 6 is on its way without 5 ever having come.
    instance.tell(&client.battle, 1, frames_of(1, 7..=7)).await;
    house.world.step(&client.battle, 3).await;
    house.steps(&mut client, 8).await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_leaves_amid_attaching_leaves_nothing_behind() {
    let house = House::of(2).await;
    let battle = BattleId::generate().to_string();
    house.world.begin(&battle, "battle-0");
    let instance = house.world.instance("battle-0");
    instance.takes(Duration::from_secs(1));
    let follow = Follow::new(Seat::to_nowhere(), Caller::default(), Track::new(battle.clone()), 0);
    let attaching = house.feed.attach(&follow, Since::After(0));
    assert!(tokio::time::timeout(Duration::from_millis(500), attaching).await.is_err());
    house.forgets_everything().await;
}

#[tokio::test(start_paused = true)]
async fn a_battle_that_nobody_follows_is_taken_off_its_stream_when_it_is_heard_of() {
    let house = House::of(2).await;
    let (client, battle) = (house.client("battle-0").await, BattleId::generate().to_string());
    house.world.begin(&battle, "battle-0");
    // As after an attachment whose answer came too late.
    let (link, _) = house.feed.links.to("battle-0").unwrap();
    link.attach(AttachRequest { battle_id: battle.clone(), ..AttachRequest::default() }).await.unwrap();
    drop(link);
    let instance = house.world.instance("battle-0");
    assert_eq!(instance.attached(), 2);
    house.world.step(&battle, 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(instance.attached(), 1);
    house.feed.part(&client.follow).await;
    house.forgets_everything().await;
}

#[tokio::test(start_paused = true)]
async fn who_comes_to_a_battle_that_is_being_taken_off_its_stream_hears_of_it() {
    let house = House::of(2).await;
    let (client, battle) = (house.client("battle-0").await, BattleId::generate().to_string());
    house.world.begin(&battle, "battle-0");
    let instance = house.world.instance("battle-0");
    instance.freeze();
    let (link, _) = house.feed.links.to("battle-0").unwrap();
    for seq in 1..=2 {
        let stray = FeedItem { battle_id: battle.clone(), epoch: 1, kind: Some(frames_of(1, seq..=seq)) };
        house.feed.hear(link.link(), stray);
    }
    drop(link);
    // One attempt to take it off has failed by then.
    tokio::time::sleep(Duration::from_millis(2_400)).await;
    let (seat, track) = (Seat::to_nowhere(), Track::new(battle.clone()));
    let line = Arc::clone(seat.line());
    let follow = Follow::new(seat, Caller::default(), track, 0);
    let waking = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        instance.wake();
    };
    let (answer, ()) = tokio::join!(house.feed.attach(&follow, Since::After(0)), waking);
    house.feed.open(&follow, answer.unwrap());
    let mut late = Client { battle, follow, line, told: Vec::new() };
    house.world.step(&late.battle, 3).await;
    house.steps(&mut late, 3).await;
    for client in [client, late] {
        house.feed.part(&client.follow).await;
    }
    house.forgets_everything().await;
}

#[tokio::test(start_paused = true)]
async fn hundreds_are_attached_again_a_few_at_a_time() {
    const CLIENTS: usize = 400;
    let house = House::of(2).await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(house.client("battle-0").await);
    }
    let heir = house.world.instance("battle-1");
    heir.takes(Duration::from_millis(20));
    clients.iter().for_each(|client| house.world.disown(&client.battle));
    house.world.instance("battle-0").kill();
    let began = Instant::now();
    while heir.attached() < CLIENTS {
        assert!(began.elapsed() < BOUND, "{} attached", heir.attached());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (attachments, at_once) = heir.attachments();
    assert!(at_once <= 64, "{at_once}");
    assert!(attachments < CLIENTS + CLIENTS / 10, "{attachments}");
    for client in &mut clients {
        house.world.step(&client.battle, 2).await;
        house.steps(client, 2).await;
        house.feed.part(&client.follow).await;
    }
    house.forgets_everything().await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_without_a_lease_is_not_chosen_and_without_any_the_last_known_are() {
    let house = House::of(2).await;
    let chosen = || {
        let battles: Vec<_> = (0..64).map(|_| BattleId::generate().to_string()).collect();
        let mut chosen: Vec<_> = battles.iter().filter_map(|battle| house.feed.choose(battle, &[])).collect();
        chosen.sort();
        chosen.dedup();
        chosen
    };
    assert_eq!(chosen(), ["battle-0", "battle-1"]);
    house.plane.release(&lease("battle-0")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(chosen(), ["battle-1"]);
    house.plane.release(&lease("battle-1")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(chosen(), ["battle-1"]);
    house.plane.renew(&lease("battle-0"), Duration::from_secs(60)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(chosen(), ["battle-0"]);
}
