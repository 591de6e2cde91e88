// Battle records: made, claimed, read, added to.

use diesel::dsl::max;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::collections::HashMap;
use std::sync::Arc;
use vocab::{BattleId, CharacterId};

use super::Txn;
use crate::battle_record::{self, Appended, Claimed, Created};
use crate::store::key::Key;
use crate::store::rows::{BattleLine, BattleRow, Input, NewBattle, Record, Segment};
use crate::store::schema::{account, battle, battle_input, battle_segment, character};

pub(in crate::store) async fn create(t: &mut Txn<'_>, new: Arc<NewBattle>) -> QueryResult<Created> {
    if let Some(epoch) = new.session_epoch {
        let own = account::table.find(Key::from(new.account)).select(account::epoch);
        if locked!(own).first::<i64>(t.conn).await.optional()?.is_some_and(|now| epoch < now) {
            return Ok(Created::SessionOver);
        }
    }
    let known = battle::table.find(Key::from(new.id)).select(BattleRow::as_select());
    if let Some(known) = known.first(t.conn).await.optional()? {
        return Ok(battle_record::repeated(&known, &new));
    }
    let fighter = character::table.find(Key::from(new.character)).filter(character::account.eq(Key::from(new.account)));
    let version = locked!(fighter.select(character::version)).first::<i64>(t.conn).await.optional()?;
    let Some(version) = version else { return Ok(Created::NoCharacter) };
    let live = battle::table.filter(battle::live_character.eq(Key::from(new.character))).select(battle::id);
    if let Some(live) = live.first::<Key>(t.conn).await.optional()? {
        return Ok(Created::InBattle(live.into()));
    }
    if version != new.character_version {
        return Ok(Created::CharacterChanged);
    }
    insert(t, &new).await?;
    Ok(Created::Made { started_at: t.now().await? })
}

async fn insert(t: &mut Txn<'_>, new: &NewBattle) -> QueryResult<()> {
    let (nothing, now): (&[u8], i64) = (&[], t.now().await?);
    let row = (
        battle::id.eq(Key::from(new.id)),
        battle::account.eq(Key::from(new.account)),
        battle::character.eq(Key::from(new.character)),
        battle::live_character.eq(Key::from(new.character)),
        battle::epoch.eq(battle_record::FIRST_EPOCH),
        battle::owner.eq(&new.owner),
        battle::tick_ms.eq(new.tick_ms),
        battle::seq.eq(0),
        (battle::state.eq(&new.state), battle::key_a.eq(&new.state), battle::key_b.eq(&new.state)),
        (battle::totals.eq(nothing), battle::seen_totals.eq(nothing), battle::seen_seq.eq(0)),
        (battle::seen_at.eq(now), battle::started_at.eq(now), battle::saved_at.eq(now)),
    );
    diesel::insert_into(battle::table).values(row).execute(t.conn).await?;
    let first = Segment { from_seq: 1, ruleset: new.ruleset.clone(), state: new.state.clone(), origin_ms: now };
    open_segment(t, new.id, &first).await
}

/// Writes a segment; one that begins at the same frame never had a frame of its own on record, and gives way.
pub(in crate::store) async fn open_segment(t: &mut Txn<'_>, id: BattleId, segment: &Segment) -> QueryResult<()> {
    let place = battle_segment::table.find((Key::from(id), segment.from_seq));
    diesel::delete(place).execute(t.conn).await?;
    let row = (
        battle_segment::battle.eq(Key::from(id)),
        battle_segment::from_seq.eq(segment.from_seq),
        battle_segment::ruleset.eq(&segment.ruleset),
        battle_segment::state.eq(&segment.state),
        battle_segment::origin_ms.eq(segment.origin_ms),
    );
    diesel::insert_into(battle_segment::table).values(row).execute(t.conn).await?;
    Ok(())
}

pub(in crate::store) async fn claim(t: &mut Txn<'_>, id: BattleId, read: i64, owner: Arc<str>) -> QueryResult<Claimed> {
    let row = battle::table.find(Key::from(id)).select((battle::epoch, battle::ended_at));
    let row = locked!(row).first::<(i64, Option<i64>)>(t.conn).await.optional()?;
    match row {
        None => return Ok(Claimed::Gone),
        Some((_, Some(_ended_at))) => return Ok(Claimed::Ended),
        Some((epoch, None)) if epoch != read => return Ok(Claimed::EpochMoved(epoch)),
        Some(_) => {}
    }
    let raised = diesel::update(battle::table.find(Key::from(id)));
    raised.set((battle::epoch.eq(read + 1), battle::owner.eq(&*owner))).execute(t.conn).await?;
    let record = by_id(t, id, false).await?;
    Ok(record.map_or(Claimed::Gone, |record| Claimed::Yours(Box::new(record))))
}

pub(in crate::store) async fn append(t: &mut Txn<'_>, id: BattleId, input: Arc<Input>) -> QueryResult<Appended> {
    let row = battle::table.find(Key::from(id)).select((battle::epoch, battle::ended_at));
    match locked!(row).first::<(i64, Option<i64>)>(t.conn).await.optional()? {
        None => return Ok(Appended::Gone),
        Some((epoch, _)) if epoch != input.epoch => return Ok(Appended::EpochMoved(epoch)),
        Some((_, ended_at)) => {
            if let Some(n) = earlier(t, id, &input).await? {
                return Ok(Appended::At(n));
            }
            if ended_at.is_some() {
                return Ok(Appended::Ended);
            }
        }
    }
    let last = battle_input::table.filter(battle_input::battle.eq(Key::from(id))).select(max(battle_input::n));
    let n = last.first::<Option<i64>>(t.conn).await?.unwrap_or(0) + 1;
    let row = (
        battle_input::battle.eq(Key::from(id)),
        battle_input::n.eq(n),
        battle_input::epoch.eq(input.epoch),
        battle_input::at_seq.eq(input.at_seq),
        battle_input::tick.eq(input.tick),
        battle_input::input.eq(&input.input),
    );
    diesel::insert_into(battle_input::table).values(row).execute(t.conn).await?;
    Ok(Appended::At(n))
}

/// The number the same input got before.
async fn earlier(t: &mut Txn<'_>, id: BattleId, input: &Input) -> QueryResult<Option<i64>> {
    let same = battle_input::epoch
        .eq(input.epoch)
        .and(battle_input::at_seq.eq(input.at_seq))
        .and(battle_input::input.eq(&input.input));
    let query = battle_input::table.filter(battle_input::battle.eq(Key::from(id))).filter(same);
    query.select(battle_input::n).first(t.conn).await.optional()
}

pub(in crate::store) async fn by_id(t: &mut Txn<'_>, id: BattleId, history: bool) -> QueryResult<Option<Record>> {
    let found = battle::table.find(Key::from(id)).select(BattleRow::as_select()).first(t.conn).await.optional()?;
    record(t, found, history).await
}

/// The battle that concerns a character: the live one, else the one that started last.
pub(in crate::store) async fn of_character(
    t: &mut Txn<'_>,
    id: CharacterId,
    history: bool,
) -> QueryResult<Option<Record>> {
    match concerning(t, id).await? {
        Some(battle) => by_id(t, battle, history).await,
        None => Ok(None),
    }
}

/// The same by its id. The live one is asked for first: under a clock that was set back an older one may have started
/// later.
pub(in crate::store) async fn concerning(t: &mut Txn<'_>, id: CharacterId) -> QueryResult<Option<BattleId>> {
    let live = battle::table.filter(battle::live_character.eq(Key::from(id))).select(battle::id);
    if let Some(live) = live.first::<Key>(t.conn).await.optional()? {
        return Ok(Some(live.into()));
    }
    let latest = battle::table
        .filter(battle::character.eq(Key::from(id)))
        .order((battle::started_at.desc(), battle::id.desc()))
        .select(battle::id);
    Ok(latest.first::<Key>(t.conn).await.optional()?.map(BattleId::from))
}

async fn record(t: &mut Txn<'_>, found: Option<BattleRow>, history: bool) -> QueryResult<Option<Record>> {
    let Some(battle) = found else { return Ok(None) };
    let after = if history { 0 } else { battle_record::older_keyframe(battle.seq) };
    let name = character::table.find(Key::from(battle.character)).select(character::name);
    let character_name = name.first(t.conn).await?;
    let segments = battle_segment::table
        .filter(battle_segment::battle.eq(Key::from(battle.id)))
        .order(battle_segment::from_seq)
        .select(Segment::as_select())
        .load(t.conn)
        .await?;
    let inputs = battle_input::table
        .filter(battle_input::battle.eq(Key::from(battle.id)).and(battle_input::at_seq.gt(after)))
        .order(battle_input::n)
        .select(Input::as_select())
        .load(t.conn)
        .await?;
    let segments = battle_record::reaching_past(segments, after);
    Ok(Some(Record { battle, character_name, segments, inputs, now: t.now().await? }))
}

/// The epochs of those of these battles that there are, and when they ended. All are read, so that no other index than the
/// primary key comes into question.
pub(in crate::store) async fn epochs(
    t: &mut Txn<'_>,
    battles: Arc<[BattleId]>,
) -> QueryResult<HashMap<BattleId, (i64, Option<i64>)>> {
    let keys = battles.iter().map(|id| Key::from(*id));
    let rows = battle::table.filter(battle::id.eq_any(keys)).select((battle::id, battle::epoch, battle::ended_at));
    let rows = rows.load::<(Key, i64, Option<i64>)>(t.conn).await?;
    Ok(rows.into_iter().map(|(id, epoch, ended_at)| (id.into(), (epoch, ended_at))).collect())
}

pub(in crate::store) async fn list(
    t: &mut Txn<'_>,
    live_only: bool,
    after: Option<BattleId>,
    limit: i64,
) -> QueryResult<Vec<(BattleLine, String)>> {
    let joined = battle::table.inner_join(character::table.on(character::id.eq(battle::character)));
    let mut query =
        joined.order(battle::id).limit(limit).select((BattleLine::as_select(), character::name)).into_boxed();
    if live_only {
        query = query.filter(battle::ended_at.is_null());
    }
    if let Some(after) = after {
        query = query.filter(battle::id.gt(Key::from(after)));
    }
    query.load(t.conn).await
}
