//! Automatic battles.

use proto::battle::v1::{ListDungeonsRequest, OnDeath, StartAutoRequest, StopRequest, SyncBattleRequest};
use serde::Serialize;

use super::player;
use crate::clients::{answer, present};
use crate::payload::{self, Payload};
use crate::reply::{Outcome, Reply, Then};
use crate::session::Session;
use crate::shape::{BattleShape, DungeonShape, FrameShape, ReportShape};

#[derive(Serialize)]
struct Dungeons<'a> {
    dungeons: Vec<DungeonShape<'a>>,
}

#[derive(Serialize)]
struct Fought<'a> {
    battle: BattleShape<'a>,
}

#[derive(Serialize)]
struct Synced<'a> {
    battle: BattleShape<'a>,
    frames: Vec<FrameShape<'a>>,
    head: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<ReportShape<'a>>,
}

pub(crate) async fn dungeons(session: &mut Session, payload: &Payload) -> Outcome {
    let payload::Nothing {} = payload.parse()?;
    let listed = answer(session.gateway.clients.battle().list_dungeons(ListDungeonsRequest {}).await)?;
    let words = session.line.words();
    let dungeons = listed.dungeons.iter().map(|dungeon| DungeonShape::of(dungeon, words)).collect();
    Ok(Reply::of(&Dungeons { dungeons }))
}

pub(crate) async fn auto(session: &mut Session, payload: &Payload) -> Outcome {
    let wanted: payload::Auto = payload.parse()?;
    let request = StartAutoRequest {
        caller: Some(player(session)?.caller.clone()),
        dungeon: wanted.dungeon,
        on_death: on_death(wanted.on_death).into(),
    };
    let started = answer(session.gateway.clients.battle().start_auto(request).await)?;
    let battle = present(started.battle, "battle")?;
    let reply = Reply::of(&Fought { battle: BattleShape::of(&battle, session.line.words()) });
    Ok(reply.then(Then::Follow(Box::new(battle))))
}

pub(crate) async fn stop(session: &mut Session, payload: &Payload) -> Outcome {
    let payload::Nothing {} = payload.parse()?;
    let request = StopRequest { caller: Some(player(session)?.caller.clone()) };
    let stopped = answer(session.gateway.clients.battle().stop(request).await)?;
    let battle = present(stopped.battle, "battle")?;
    let reply = Reply::of(&Fought { battle: BattleShape::of(&battle, session.line.words()) });
    Ok(reply.then(Then::AfterEnd))
}

pub(crate) async fn sync(session: &mut Session, payload: &Payload) -> Outcome {
    let wanted: payload::Sync = payload.parse()?;
    let player = player(session)?;
    let followed = player.follow.as_ref().map(|follow| follow.track.battle.clone());
    let request = SyncBattleRequest {
        caller: Some(player.caller.clone()),
        battle_id: followed.unwrap_or_default(),
        after: wanted.after,
    };
    let synced = answer(session.gateway.clients.battle().sync_battle(request).await)?;
    let battle = present(synced.battle, "battle")?;
    let line = &session.line;
    Ok(Reply::of(&Synced {
        battle: BattleShape::of(&battle, line.words()),
        frames: synced.frames.iter().map(|frame| line.frame_shape(&battle.id, frame)).collect(),
        head: synced.head,
        report: synced.report.as_ref().map(|report| line.report_shape(&battle.id, report)),
    }))
}

fn on_death(choice: payload::OnDeath) -> OnDeath {
    match choice {
        payload::OnDeath::Stop => OnDeath::Stop,
        payload::OnDeath::Revive => OnDeath::Revive,
    }
}
