//! Totals by index and totals by key.

use proto::common::v1 as pb;
use rules::Totals;
use rules::content::Content;
use rules::totals::Piece;

/// Totals with the keys that `content` knows.
pub(crate) fn to_wire(content: &Content, totals: &Totals) -> pb::Totals {
    let item_key = |ix| content.item(ix).map(|item| item.key.clone());
    let item = |&(ix, count)| Some(pb::ItemCount { key: item_key(ix)?, count });
    let kill = |&(ix, count)| Some(pb::KillCount { key: content.monster(ix)?.key.clone(), count });
    let piece = |piece: &Piece| Some(pb::Piece { seq: piece.seq, n: piece.n.into(), key: item_key(piece.item)? });
    pb::Totals {
        frames: totals.frames,
        ticks: totals.ticks,
        kills: totals.kills,
        deaths: totals.deaths,
        exp: totals.exp,
        levels: u32::try_from(totals.levels).unwrap_or(u32::MAX),
        gold: totals.gold,
        items: totals.items.iter().filter_map(item).collect(),
        damage_dealt: totals.damage_dealt,
        damage_taken: totals.damage_taken,
        kills_by_monster: totals.kills_by_monster.iter().filter_map(kill).collect(),
        pieces: totals.pieces.iter().filter_map(piece).collect(),
    }
}

/// Stored totals with indexes again. A pack only grows, so the newest one knows every key that was ever stored.
pub(crate) fn from_stored(content: &Content, stored: &pb::Totals) -> Totals {
    let item_ix = |key: &str| content.item_by_key(key).map(|item| item.id);
    let item = |item: &pb::ItemCount| Some((item_ix(&item.key)?, item.count));
    let kill = |kill: &pb::KillCount| Some((content.monster_by_key(&kill.key)?.id, kill.count));
    let piece =
        |piece: &pb::Piece| Some(Piece { seq: piece.seq, n: u8::try_from(piece.n).ok()?, item: item_ix(&piece.key)? });
    let mut totals = Totals {
        frames: stored.frames,
        ticks: stored.ticks,
        kills: stored.kills,
        deaths: stored.deaths,
        exp: stored.exp,
        levels: stored.levels.into(),
        gold: stored.gold,
        damage_dealt: stored.damage_dealt,
        damage_taken: stored.damage_taken,
        items: stored.items.iter().filter_map(item).collect(),
        kills_by_monster: stored.kills_by_monster.iter().filter_map(kill).collect(),
        pieces: stored.pieces.iter().filter_map(piece).collect(),
    };
    totals.items.sort_unstable_by_key(|&(ix, _)| ix);
    totals.kills_by_monster.sort_unstable_by_key(|&(ix, _)| ix);
    totals
}
