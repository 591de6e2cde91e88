//! What the record comes to by itself: the pure computation everything else is compared with.

use std::collections::BTreeMap;
use std::time::Duration;

use battle_svc::{Peers, Settings};
use proto::battle::v1::battle_admin_service_client::BattleAdminServiceClient;
use proto::battle::v1::{Frame, ReplayBattleRequest, VerifyBattleRequest};
use proto::common::v1::Character;
use proto::user::v1::BattleRecord;
use proto::user::v1::user_service_client::UserServiceClient;
use proto::user::v1::user_service_server::UserServiceServer;
use rules::battle::{EndReason, Input, State};
use rules::growth;
use rules::run::{self, Recorded};
use service_kit::TaskGroup;
use service_kit::grpc::{GrpcService, in_process};

use crate::laws;
use crate::scene::Scene;
use crate::store::Store;
use crate::witness::Witness;

/// So long a frame that is due may be on its way.
pub(crate) const UNDER_WAY: Duration = Duration::from_millis(1_900);

/// The frame a battle should have come to a moment ago, by its record and the store's clock alone.
pub(crate) async fn due(store: &Store, battle: &str) -> Result<u64, String> {
    let row = store.record(battle).await;
    let until = store.now().await - UNDER_WAY.as_millis() as i64;
    let segment = row.segments.last().ok_or("a record without a segment")?;
    let mut state = State::decode(&segment.state).map_err(|error| error.to_string())?;
    let mut inputs: Vec<Recorded> = row.inputs.iter().map(recorded).collect();
    inputs.sort_by_key(|input| input.at_seq);
    let ticks = (until - segment.origin_ms).max(0) as u64 / u64::from(row.tick_ms);
    let made = run::forward(&crate::world::ruleset(), &mut state, &inputs, ticks, 10_000, |_, _| {});
    made.map_err(|refused| refused.to_string())?;
    Ok(state.seq())
}

/// Compares what players saw and were paid with what each record says when it is computed again.
pub(crate) async fn judge(store: &Store, scene: Scene, witness: &Witness) -> Result<(), String> {
    let tasks = TaskGroup::new();
    let user = UserServiceClient::new(in_process(UserServiceServer::new(store.clone())));
    let settings = Settings { shards: 1, ..Settings::named("judge") };
    let judge = battle_svc::start(settings, user, crate::world::ruleset(), Peers::alone(), &tasks).await;
    let judge = judge.map_err(|fault| fault.to_string())?;
    let mut admin = BattleAdminServiceClient::new(in_process(judge.admin()));
    let mut battles: Vec<(i64, String)> =
        store.rows().await.battles.values().map(|row| (row.started_at, row.battle_id.clone())).collect();
    battles.sort_unstable();
    let mut books = Books { exp: growth::exp_of(scene.level()), of: BTreeMap::new() };
    for (_, battle) in battles {
        let request = VerifyBattleRequest { battle_id: battle.clone() };
        let verdict = admin.verify_battle(request).await.map_err(|status| status.to_string())?.into_inner();
        if !verdict.verified {
            return Err(format!("the record of {battle} doesn't prove true: {:?}", verdict.differences));
        }
        let frames = replay(&mut admin, &battle).await?;
        compare(&battle, &frames, witness)?;
        let row = store.record(&battle).await;
        let paid = laws::summed(row.totals.as_ref().unwrap_or(&Default::default()));
        if paid != laws::sums(&frames) {
            return Err(format!("{battle} was paid {paid:?}, its frames come to {:?}", laws::sums(&frames)));
        }
        books.enter(&row, &frames)?;
        witness.count(|counts| counts.paid += paid.1);
    }
    books.balance(store.rows().await.characters.values())?;
    tasks.kill().await;
    Ok(())
}

/// What each character has by its frames alone, one battle after the other.
struct Books {
    /// The experience each begins with.
    exp: u64,
    of: BTreeMap<String, (u64, u64)>,
}

impl Books {
    /// The next battle of a character, which begins with what the ones before brought.
    fn enter(&mut self, row: &BattleRecord, frames: &[Frame]) -> Result<(), String> {
        let (exp, gold) = self.of.entry(row.character_id.clone()).or_insert((self.exp, 0));
        let (more_exp, more_gold, _) = laws::sums(frames);
        (*exp, *gold) = (*exp + more_exp, *gold + more_gold);
        // A battle counts its gold from nothing, and experience on from the character's.
        let Some(vitals) = frames.last().and_then(|frame| frame.vitals.as_ref()) else { return Ok(()) };
        let (shown, due) = ((vitals.exp, vitals.gold), (*exp, more_gold));
        let differs = || format!("{} ends with {shown:?}, the character's frames come to {due:?}", row.battle_id);
        if shown == due { Ok(()) } else { Err(differs()) }
    }

    /// Nothing was paid twice, and nothing lost.
    fn balance<'c>(&self, characters: impl Iterator<Item = &'c Character>) -> Result<(), String> {
        for Character { id, name, level, exp, gold, .. } in characters {
            let frames = self.of.get(id).copied().unwrap_or((self.exp, 0));
            if (*exp, *gold) != frames || *level != u32::from(growth::level_for(*exp)) {
                return Err(format!("{name} has {:?} at level {level}, its frames come to {frames:?}", (exp, gold)));
            }
        }
        Ok(())
    }
}

async fn replay(admin: &mut BattleAdminServiceClient<GrpcService>, battle: &str) -> Result<Vec<Frame>, String> {
    let request = ReplayBattleRequest { battle_id: battle.to_owned() };
    let mut replay = admin.replay_battle(request).await.map_err(|status| status.to_string())?.into_inner();
    let mut frames = Vec::new();
    while let Some(next) = replay.message().await.map_err(|status| status.to_string())? {
        frames.extend(next.frame);
    }
    Ok(frames)
}

/// What anybody was shown is what the record says.
fn compare(battle: &str, frames: &[Frame], witness: &Witness) -> Result<(), String> {
    for (seq, shown) in witness.frames_of(battle) {
        match frames.get(seq as usize - 1) {
            Some(frame) if *frame == shown => {}
            Some(frame) => return Err(format!("{battle}: shown {shown:?}, the record says {frame:?}")),
            None => return Err(format!("{battle}: shown {shown:?}, the record ends with {}", frames.len())),
        }
    }
    Ok(())
}

fn recorded(input: &proto::user::v1::BattleInput) -> Recorded {
    // The only input there is, and its reason decides no frame's number.
    Recorded { at_seq: input.at_seq, tick: input.tick, input: Input::Stop { reason: EndReason::Stopped } }
}
