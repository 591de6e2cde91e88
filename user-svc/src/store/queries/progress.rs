// Saves: the state of many battles and what the books make of it, in one transaction.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::collections::HashMap;
use std::sync::Arc;
use vocab::{BattleId, CharacterId, ItemId};

use super::Txn;
use crate::progress::{Outcome, Verdict, judge};
use crate::store::key::Key;
use crate::store::rows::{Entry, Saved, Seen};
use crate::store::schema::{battle, character, kill_count};
use crate::tally::Tally;

/// Saves the entries, which stand in the order of their ids: whoever locks several battles locks them in that order.
pub(in crate::store) async fn save(t: &mut Txn<'_>, entries: Arc<[Entry]>) -> QueryResult<Vec<Outcome>> {
    let ids: Vec<Key> = entries.iter().map(|entry| entry.id.into()).collect();
    let rows = battle::table.filter(battle::id.eq_any(ids)).order(battle::id).select(Saved::as_select());
    let rows: Vec<Saved> = locked!(rows).load(t.conn).await?;
    let rows: HashMap<BattleId, Saved> = rows.into_iter().map(|row| (row.id, row)).collect();
    let mut outcomes = Vec::with_capacity(entries.len());
    for entry in entries.iter() {
        let outcome = match judge(rows.get(&entry.id), entry) {
            Verdict::Write { row, gained, saved_at_most } => {
                write(t, row, entry, saved_at_most).await?;
                book(t, row, entry, &gained).await?;
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
    Ok(outcomes)
}

async fn write(t: &mut Txn<'_>, row: &Saved, entry: &Entry, saved_at_most: Option<i64>) -> QueryResult<()> {
    let saved_at = (t.now().await? - entry.lag_ms).min(saved_at_most.unwrap_or(i64::MAX));
    let place = battle::table.find(Key::from(row.id));
    let state = (
        battle::seq.eq(entry.seq),
        battle::state.eq(&entry.state),
        battle::totals.eq(&entry.totals),
        battle::saved_at.eq(saved_at),
    );
    // A key that is absent stays as it is.
    let keys =
        (entry.key_a.as_ref().map(|key| battle::key_a.eq(key)), entry.key_b.as_ref().map(|key| battle::key_b.eq(key)));
    diesel::update(place).set((state, keys)).execute(t.conn).await?;
    if let Some(segment) = &entry.new_segment {
        super::battle::open_segment(t, row.id, segment).await?;
    }
    // While it lives its owner knows best: a player who was sent less than was thought has seen less.
    see(t, row, entry.seen.as_ref().filter(|seen| seen.seq != row.seen_seq)).await?;
    match &entry.end_reason {
        Some(reason) => end(t, row.id, reason).await,
        None if entry.release => release(t, row.id).await,
        None => Ok(()),
    }
}

async fn see(t: &mut Txn<'_>, row: &Saved, seen: Option<&Seen>) -> QueryResult<()> {
    let Some(seen) = seen else { return Ok(()) };
    let place = battle::table.find(Key::from(row.id));
    let seen_at = t.now().await? - seen.lag_ms;
    let set = (battle::seen_seq.eq(seen.seq), battle::seen_totals.eq(&seen.totals), battle::seen_at.eq(seen_at));
    diesel::update(place).set(set).execute(t.conn).await?;
    Ok(())
}

async fn release(t: &mut Txn<'_>, id: BattleId) -> QueryResult<()> {
    let place = battle::table.find(Key::from(id));
    diesel::update(place).set(battle::owner.eq(None::<String>)).execute(t.conn).await?;
    Ok(())
}

async fn end(t: &mut Txn<'_>, id: BattleId, reason: &str) -> QueryResult<()> {
    let place = battle::table.find(Key::from(id));
    let now = t.now().await?;
    let set = (
        battle::live_character.eq(None::<Key>),
        battle::owner.eq(None::<String>),
        battle::ended_at.eq(now),
        battle::end_reason.eq(reason),
    );
    diesel::update(place).set(set).execute(t.conn).await?;
    Ok(())
}

/// What the character became, and what it gained.
async fn book(t: &mut Txn<'_>, row: &Saved, entry: &Entry, gained: &Tally) -> QueryResult<()> {
    become_(t, row.character, entry).await?;
    super::ledger::earn(t, row.id, row.account, row.character, gained.gold).await?;
    for (monster, more) in &gained.kills {
        count_kills(t, row.character, monster, *more).await?;
    }
    for (key, more) in &gained.stacks {
        super::bag::stack(t, row.character, key, *more).await?;
    }
    for piece in &gained.pieces {
        let id = ItemId::of_drop(row.id, piece.seq, piece.n);
        super::bag::piece(t, row.character, id, &piece.key).await?;
    }
    Ok(())
}

/// The version rises when the battle is over: whoever read the character before must read it again.
async fn become_(t: &mut Txn<'_>, id: CharacterId, entry: &Entry) -> QueryResult<()> {
    let over = entry.end_reason.is_some();
    let hp = if over { entry.hp.max(1) } else { entry.hp };
    let [skill_1, skill_2, skill_3] = &entry.skills;
    let set = (
        character::level.eq(entry.level),
        character::exp.eq(entry.exp),
        character::hp.eq(hp),
        character::mp.eq(entry.mp),
        character::skill_1.eq(skill_1),
        character::skill_2.eq(skill_2),
        character::skill_3.eq(skill_3),
        character::version.eq(character::version + i64::from(over)),
    );
    diesel::update(character::table.find(Key::from(id))).set(set).execute(t.conn).await?;
    Ok(())
}

async fn count_kills(t: &mut Txn<'_>, id: CharacterId, monster: &str, more: i64) -> QueryResult<()> {
    let place = kill_count::table.find((Key::from(id), monster));
    if diesel::update(place).set(kill_count::count.eq(kill_count::count + more)).execute(t.conn).await? > 0 {
        return Ok(());
    }
    let row = (kill_count::character.eq(Key::from(id)), kill_count::monster.eq(monster), kill_count::count.eq(more));
    diesel::insert_into(kill_count::table).values(row).execute(t.conn).await?;
    Ok(())
}
