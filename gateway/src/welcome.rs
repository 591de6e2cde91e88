//! A player comes in, follows a battle, and goes.
//!
//! Coming in gathers everything first (seat, battle, room) while news is held, then tells it in the one order there is:
//! `session:ready`, what was missed of the battle and its end if it is over, what was missed of the talk, and from then
//! on whatever happens.

use std::sync::Arc;

use proto::battle::v1::{AttachResponse, Battle};
use proto::chat::v1::{HistoryResponse, JoinRequest, Room};
use proto::common::v1::Caller;
use proto::user::v1::{BattleRef, Session as SessionMessage};
use serde::Serialize;
use service_kit::{Fault, FaultKind, Superseded};
use vocab::AccountId;

use crate::chair::Chair;
use crate::clients::{answer, present};
use crate::delivery::{Line, Track};
use crate::feed::Since;
use crate::follow::Follow;
use crate::gateway::Gateway;
use crate::handshake::Patience;
use crate::numbering;
use crate::payload::{Resume, ResumeBattle, ResumeChat};
use crate::registry::{Rank, Seat};
use crate::session::{Lifetime, Player, Session, dismiss_replaced};
use crate::shape::{BattleShape, CharacterShape, RoomShape, Standing};

/// Whichever room a player is in.
const ANY_ROOM: &str = "";

#[derive(Serialize)]
struct Ready<'a> {
    character: CharacterShape<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    battle: Option<BattleShape<'a>>,
    chat: RoomShape<'a>,
    resumed: Resumed,
}

#[derive(Serialize)]
struct Resumed {
    battle: bool,
    chat: bool,
}

/// A battle that waits to be told.
struct Joined {
    follow: Arc<Follow>,
    answer: AttachResponse,
    resumed: bool,
}

impl Joined {
    /// How the character stands in it. One that is over has come home: there is nothing newer than what was saved.
    fn standing(&self) -> Option<Standing> {
        let running = self.answer.battle.as_ref().filter(|_| self.answer.end.is_none())?;
        running.vitals.as_ref().map(Standing::from)
    }
}

/// A room that waits to be told.
struct Seated {
    chair: Arc<Chair>,
    room: Room,
    history: HistoryResponse,
    resumed: bool,
}

/// Brings a player in, waiting for services that are away as long as an arrival may. None when that failed, and the client
/// is gone.
pub(crate) async fn welcome(
    gateway: &Arc<Gateway>,
    line: &Arc<Line>,
    session: SessionMessage,
    resume: Option<Resume>,
    patience: Patience,
) -> Option<Player> {
    let mut player = match patience.insist(|| take_seat(gateway, line, &session)).await {
        Ok(player) => player,
        Err(fault) => {
            turn_away(line, &fault).await;
            return None;
        }
    };
    let caller = player.caller.clone();
    let settle = settle(gateway, line, &mut player, session, resume.unwrap_or_default(), patience);
    let Err(fault) = tokio::join!(settle, confirm(gateway, &caller)).0 else { return Some(player) };
    if fault.because() == Some("session_replaced") || player.seat.is_over() {
        dismiss_replaced(line, &player.seat).await;
    } else {
        turn_away(line, &fault).await;
    }
    farewell(gateway, player, false).await;
    None
}

/// Lets a client go that can't be brought in now, and comes again by itself.
async fn turn_away(line: &Line, fault: &Fault) {
    if !line.is_closed() {
        tracing::warn!(error = ?fault, "player not welcomed");
    }
    line.drop_transport().await;
}

/// Follows a battle that was just started, or was running unfollowed. When that fails the client has to come again.
pub(crate) async fn follow_new(session: &mut Session, battle: &Battle) {
    let gateway = Arc::clone(&session.gateway);
    let Some(player) = &mut session.player else { return };
    if player.follow.as_ref().is_some_and(|follow| follow.track.battle == battle.id && !follow.is_over()) {
        return;
    }
    if let Some(old) = player.follow.take() {
        gateway.feed.part(&old).await;
    }
    let since = if battle.seq == 0 { Since::After(0) } else { Since::Seen };
    let track = Track::new(battle.id.clone());
    match Patience::begin().insist(|| attach(&gateway, player, &track, since)).await {
        Ok((follow, answer)) => {
            gateway.feed.open(&follow, answer);
            player.follow = Some(follow);
        }
        Err(fault) => {
            // A player replaced meanwhile is told so because of the seat, and is no fault.
            if !player.seat.notice(&fault) {
                tracing::warn!(error = ?fault, "new battle not followed");
                session.line.drop_transport().await;
            }
        }
    }
}

/// Lets a player go. `now`: without grace for the room.
pub(crate) async fn farewell(gateway: &Gateway, player: Player, now: bool) {
    gateway.registry.free(&player.seat);
    // At once: another player may sign in over the same connection, and is not to hear this one's room.
    player.chair.iter().for_each(|chair| chair.leave());
    if let Some(follow) = &player.follow {
        gateway.feed.part(follow).await;
    }
    if let Some(chair) = &player.chair {
        gateway.rooms.rise(chair).await;
        gateway.rooms.leave(&chair.caller, &chair.room, now).await;
    }
}

async fn take_seat(gateway: &Gateway, line: &Arc<Line>, session: &SessionMessage) -> Result<Player, Fault> {
    let account: AccountId = session.account_id.parse().map_err(Fault::internal)?;
    still_there(line)?;
    let instance = &gateway.settings.instance;
    let numbered = gateway.backplane.next_connection(account, session.epoch, instance).await?.ok_or(Superseded)?;
    still_there(line)?;
    let connection = numbered.connection;
    let rank = Rank { epoch: session.epoch, connection };
    gateway.announcer.replaced(&session.account_id, rank, "another_tab", numbered.previous);
    let seat = Seat::new(session.account_id.clone(), rank, Arc::clone(line));
    gateway.registry.take(&seat);
    let caller = Caller { account_id: session.account_id.clone(), epoch: session.epoch, connection };
    let name = session.character.as_ref().map(|character| character.name.clone()).unwrap_or_default();
    Ok(Player::new(seat, caller, name, Lifetime::of(session.expires_at, session.expires_in_ms)))
}

/// Whoever hung up while they waited here may be back elsewhere, under a number that must not be overtaken.
fn still_there(line: &Line) -> Result<(), Fault> {
    if line.is_closed() { Err(Fault::aborted("session-replaced")) } else { Ok(()) }
}

/// Confirms the number of a connection that has its seat. Where that fails, the next check of sessions makes up for it.
async fn confirm(gateway: &Gateway, caller: &Caller) {
    let rank = Rank { epoch: caller.epoch, connection: caller.connection };
    if let Err(fault) = numbering::confirm(gateway, &[(caller.account_id.clone(), rank)]).await {
        tracing::debug!(error = ?fault, "connection's number not confirmed");
    }
}

async fn settle(
    gateway: &Arc<Gateway>,
    line: &Arc<Line>,
    player: &mut Player,
    session: SessionMessage,
    resume: Resume,
    patience: Patience,
) -> Result<(), Fault> {
    let battle = join_battle(gateway, player, session.battle, resume.battle.as_ref(), patience).await?;
    let chat = join_room(gateway, line, player, resume.chat.as_ref(), patience).await?;
    let character = present(session.character, "character")?;
    let words = line.words();
    let ready = Ready {
        character: CharacterShape::of(&character, words).in_battle(battle.as_ref().and_then(Joined::standing)),
        battle: battle.as_ref().and_then(|joined| joined.answer.battle.as_ref()).map(|b| BattleShape::of(b, words)),
        chat: RoomShape::of(&chat.room),
        resumed: Resumed { battle: battle.as_ref().is_some_and(|joined| joined.resumed), chat: chat.resumed },
    };
    line.event("session:ready", &ready);
    if let Some(joined) = battle {
        gateway.feed.open(&joined.follow, joined.answer);
    }
    gateway.rooms.open(&chat.chair, &chat.history);
    Ok(())
}

/// Attaches the battle a returning player should hear of, if there is one. Its news is held.
async fn join_battle(
    gateway: &Arc<Gateway>,
    player: &mut Player,
    battle: Option<BattleRef>,
    resume: Option<&ResumeBattle>,
    patience: Patience,
) -> Result<Option<Joined>, Fault> {
    let Some(battle) = battle else { return Ok(None) };
    let had = resume.filter(|resume| resume.id == battle.battle_id).map(|resume| resume.seq);
    if had.is_none() && !battle.live && battle.end_seen {
        return Ok(None);
    }
    let since = had.map_or(Since::Seen, Since::After);
    let track = Track::new(battle.battle_id);
    match patience.insist(|| attach(gateway, player, &track, since)).await {
        Ok((follow, answer)) => {
            player.follow = Some(Arc::clone(&follow));
            let resumed = had.is_some() && answer.report.is_none();
            Ok(Some(Joined { follow, answer, resumed }))
        }
        // It ended so long ago that it is forgotten.
        Err(fault) if fault.kind() == FaultKind::NotFound => Ok(None),
        Err(fault) => Err(fault),
    }
}

async fn attach(
    gateway: &Gateway,
    player: &Player,
    track: &Arc<Track>,
    since: Since,
) -> Result<(Arc<Follow>, AttachResponse), Fault> {
    let follow = Follow::new(Arc::clone(&player.seat), player.caller.clone(), Arc::clone(track), since.after());
    let answer = gateway.feed.attach(&follow, since).await?;
    Ok((follow, answer))
}

/// Seats the player in a room. Its talk is held.
async fn join_room(
    gateway: &Arc<Gateway>,
    line: &Arc<Line>,
    player: &mut Player,
    resume: Option<&ResumeChat>,
    patience: Patience,
) -> Result<Seated, Fault> {
    let wanted = resume.map(|resume| resume.room.clone()).unwrap_or_default();
    let request = JoinRequest {
        caller: Some(player.caller.clone()),
        name: player.name.clone(),
        gateway: gateway.announcer.name().to_string(),
        room: wanted,
    };
    let joined = patience.insist(|| async { answer(gateway.clients.chat().join(request.clone()).await) }).await;
    if joined.as_ref().is_err_and(Fault::is_temporary) {
        // It may have been carried out all the same.
        gateway.rooms.owe_leave(&player.caller, ANY_ROOM, false);
    }
    let mut room = present(joined?.room, "room")?;
    let had = resume.and_then(|resume| heard_up_to(resume, &room));
    let after = had.unwrap_or(room.head);
    let sit = || gateway.rooms.sit(Arc::clone(line), player.caller.clone(), player.name.clone(), &room, after);
    let seated = patience.insist(sit).await;
    if seated.is_err() {
        gateway.rooms.leave(&player.caller, &room.id, false).await;
    }
    let chair = seated?;
    player.chair = Some(Arc::clone(&chair));
    let read = || gateway.rooms.history(&chair, Some(after), room.epoch.clone());
    let history = patience.insist(read).await?;
    // Whoever came between the seat and the listening was announced to nobody here.
    room.count = history.count;
    let resumed = had.is_some() && history.recovered;
    Ok(Seated { chair, room, history, resumed })
}

/// The last line of `room` that the client has; none when it speaks of another room, or of a line that was never said.
fn heard_up_to(resume: &ResumeChat, room: &Room) -> Option<u64> {
    let same = resume.room == room.id && resume.epoch == room.epoch;
    (same && resume.offset <= room.head).then_some(resume.offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_another_room_or_life_or_one_never_said_is_none_the_client_has() {
        let room = Room { id: "lobby-1".into(), epoch: "e".into(), head: 7, ..Room::default() };
        let heard = |room_name: &str, epoch: &str, offset| {
            heard_up_to(&ResumeChat { room: room_name.into(), epoch: epoch.into(), offset }, &room)
        };
        assert_eq!(heard("lobby-1", "e", 3), Some(3));
        assert_eq!(heard("lobby-1", "e", 7), Some(7));
        assert_eq!(heard("lobby-1", "e", 8), None);
        assert_eq!(heard("lobby-1", "other", 3), None);
        assert_eq!(heard("lobby-2", "e", 3), None);
    }
}
