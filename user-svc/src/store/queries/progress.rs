// Saves: the state of many battles and what the books make of it, in one transaction.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::collections::HashMap;
use std::sync::Arc;
use vocab::{BattleId, CharacterId, ItemId};

use super::Txn;
use crate::progress::{Outcome, Verdict, judge};
use crate::store::key::Key;
use crate::store::rows::{Entry, Saved, Seen, SeenColumns};
use crate::store::schema::{battle, character, kill_count};
use crate::tally::{Piece, Tally};

/// Saves the entries, which stand in the order of their ids: whoever locks several battles locks them in that order.
/// Over a network each statement costs a round trip, during which all of them stay locked: so a battle and its
/// character get one each, and what they gained is booked together.
pub(in crate::store) async fn save(t: &mut Txn<'_>, entries: Arc<[Entry]>) -> QueryResult<Vec<Outcome>> {
    let ids: Vec<Key> = entries.iter().map(|entry| entry.id.into()).collect();
    let rows = battle::table.filter(battle::id.eq_any(ids)).order(battle::id).select(Saved::as_select());
    let rows: Vec<Saved> = locked!(rows).load(t.conn).await?;
    let rows: HashMap<BattleId, Saved> = rows.into_iter().map(|row| (row.id, row)).collect();
    let mut outcomes = Vec::with_capacity(entries.len());
    let mut gains = Vec::with_capacity(entries.len());
    for entry in entries.iter() {
        let outcome = match judge(rows.get(&entry.id), entry) {
            Verdict::Write { row, gained, saved_at_most } => {
                write(t, row, entry, saved_at_most).await?;
                become_(t, row.character, entry, gained.gold).await?;
                gains.push((row, gained));
                Outcome::Saved
            }
            Verdict::See { row } => {
                // Whatever repeats the last save: what was served after it stays.
                see(t, row, entry.seen.as_ref().filter(|seen| seen.seq > row.seen_seq)).await?;
                Outcome::Saved
            }
            Verdict::Nothing(outcome) => outcome,
        };
        outcomes.push(outcome);
    }
    book(t, &gains).await?;
    Ok(outcomes)
}

async fn write(t: &mut Txn<'_>, row: &Saved, entry: &Entry, saved_at_most: Option<i64>) -> QueryResult<()> {
    let now = t.now().await?;
    if let Some(segment) = &entry.new_segment {
        super::battle::open_segment(t, row.id, segment).await?;
    }
    let state = (
        battle::seq.eq(entry.seq),
        battle::state.eq(&entry.state),
        battle::totals.eq(&entry.totals),
        battle::saved_at.eq((now - entry.lag_ms).min(saved_at_most.unwrap_or(i64::MAX))),
    );
    // What is absent stays as it is.
    let keys =
        (entry.key_a.as_ref().map(|key| battle::key_a.eq(key)), entry.key_b.as_ref().map(|key| battle::key_b.eq(key)));
    // While it lives its owner knows best: a player who was sent less than was thought has seen less.
    let seen = entry.seen.as_ref().filter(|seen| seen.seq != row.seen_seq);
    let seen = seen.map(|seen| SeenColumns::of(seen, now));
    let ended = entry.end_reason.as_ref().map(|reason| {
        (battle::live_character.eq(None::<Key>), battle::ended_at.eq(now), battle::end_reason.eq(reason))
    });
    let released = (entry.release || entry.end_reason.is_some()).then_some(battle::owner.eq(None::<String>));
    let place = battle::table.find(Key::from(row.id));
    diesel::update(place).set((state, keys, seen, ended, released)).execute(t.conn).await?;
    Ok(())
}

async fn see(t: &mut Txn<'_>, row: &Saved, seen: Option<&Seen>) -> QueryResult<()> {
    let Some(seen) = seen else { return Ok(()) };
    let seen = SeenColumns::of(seen, t.now().await?);
    diesel::update(battle::table.find(Key::from(row.id))).set(seen).execute(t.conn).await?;
    Ok(())
}

/// What the battles' characters gained.
async fn book(t: &mut Txn<'_>, gains: &[(&Saved, Tally)]) -> QueryResult<()> {
    let gold = gains.iter().filter(|(_, gained)| gained.gold != 0);
    super::ledger::earn(t, gold.map(|(row, gained)| (row.id, row.account, gained.gold)).collect()).await?;
    count_kills(t, of_each(gains, |gained| &gained.kills)).await?;
    super::bag::stack_up(t, of_each(gains, |gained| &gained.stacks)).await?;
    let pieces = gains.iter().flat_map(|(row, gained)| gained.pieces.iter().map(|piece| (*row, piece)));
    let piece = |(row, piece): (&Saved, &Piece)| {
        (row.character, ItemId::of_drop(row.id, piece.seq, piece.n), piece.key.clone())
    };
    super::bag::add(t, pieces.map(piece).collect()).await
}

/// What is counted by key, each with the character that gained it.
fn of_each(gains: &[(&Saved, Tally)], counted: fn(&Tally) -> &Vec<(String, i64)>) -> Vec<(CharacterId, String, i64)> {
    let each = gains.iter().flat_map(|(row, gained)| counted(gained).iter().map(|more| (row.character, more)));
    each.map(|(character, (key, more))| (character, key.clone(), *more)).collect()
}

/// The version rises when the battle is over: whoever read the character before must read it again.
async fn become_(t: &mut Txn<'_>, id: CharacterId, entry: &Entry, gold: i64) -> QueryResult<()> {
    let over = entry.end_reason.is_some();
    let hp = if over { entry.hp.max(1) } else { entry.hp };
    let [skill_1, skill_2, skill_3] = &entry.skills;
    let set = (
        character::level.eq(entry.level),
        character::exp.eq(entry.exp),
        character::hp.eq(hp),
        character::mp.eq(entry.mp),
        character::gold.eq(character::gold + gold),
        character::skill_1.eq(skill_1),
        character::skill_2.eq(skill_2),
        character::skill_3.eq(skill_3),
        character::version.eq(character::version + i64::from(over)),
    );
    diesel::update(character::table.find(Key::from(id))).set(set).execute(t.conn).await?;
    Ok(())
}

async fn count_kills(t: &mut Txn<'_>, kills: Vec<(CharacterId, String, i64)>) -> QueryResult<()> {
    let row = |(id, monster, more)| {
        (kill_count::character.eq(Key::from(id)), kill_count::monster.eq(monster), kill_count::count.eq(more))
    };
    let rows: Vec<_> = kills.into_iter().map(row).collect();
    let raise = || kill_count::count.eq(kill_count::count + given!(kill_count, count));
    raise_all!(t, kill_count::table, rows, (kill_count::character, kill_count::monster), raise)
}
