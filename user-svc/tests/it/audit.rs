//! The laws of the books over any course of saves.

use proptest::prelude::*;
use proto::user::v1::SaveEntry;

use super::support::{House, entry};

/// One save of one of a few battles: which one, how far on, how much more gold, and whether it is sent twice.
#[derive(Debug, Clone)]
struct Step {
    player: usize,
    frames: u64,
    gold: u64,
    twice: bool,
    older: bool,
    minutes: u64,
}

const PLAYERS: usize = 3;

fn step() -> impl Strategy<Value = Step> {
    let parts = (0..PLAYERS, 0_u64..40, 0_u64..1_000, any::<bool>(), any::<bool>(), 0_u64..90);
    parts.prop_map(|(player, frames, gold, twice, older, minutes)| Step { player, frames, gold, twice, older, minutes })
}

/// Carries out the steps; what each player should own must be what each owns, by row and by balance.
async fn walk(steps: Vec<Step>) {
    let house = House::new().await;
    let mut players = Vec::new();
    for n in 0..PLAYERS {
        let session = house.sign_up(&format!("user{n}"), &format!("user{n}")).await.unwrap();
        let battle = house.battle(&session).await.unwrap();
        players.push((session, battle, 0_u64, 0_u64));
    }
    for step in steps {
        let (_, battle, seq, gold) = &mut players[step.player];
        let before = entry(battle, *seq, *gold);
        // Gold comes with frames only.
        *seq += step.frames;
        *gold += step.gold * step.frames.min(1);
        let now = entry(battle, *seq, *gold);
        let sent: Vec<SaveEntry> = [Some(now.clone()), step.twice.then_some(now), step.older.then_some(before)]
            .into_iter()
            .flatten()
            .collect();
        for save in sent {
            house.save(vec![save]).await;
        }
        house.clock.advance(std::time::Duration::from_secs(step.minutes * 60));
    }
    house.books_are_sound().await;
    for (session, _, _, gold) in &players {
        assert_eq!(house.character(session).await.gold, *gold);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_course_of_saves_leaves_sound_books(steps in prop::collection::vec(step(), 1..25)) {
        tokio::runtime::Runtime::new().unwrap().block_on(walk(steps));
    }
}
