//! Sessions and characters.

use proto::common::v1::{Character, Item, ItemKind as Kind, SessionReplaced};
use proto::user::v1 as user;
use rules::content::{Content, ItemKind};
use rules::fighter::BAG_PLACES;
use rules::growth;
use rules::shop;
use service_kit::Fault;
use user::get_character_request::By;
use vocab::{AccountId, CharacterName};

use super::{id, missing, small, stored, unsigned};
use crate::character::{Who, slot_of};
use crate::notice::Over;
use crate::session::Opened;
use crate::store::rows::{Current, ItemRow, Sheet};

/// Sessions asked about at once.
const CHECKED_AT_ONCE: usize = 500;

pub(crate) fn session(content: &Content, opened: Opened) -> user::Session {
    user::Session {
        token: opened.token,
        expires_at: opened.expires_at,
        account_id: opened.account.to_string(),
        epoch: unsigned(opened.epoch),
        character: Some(character(content, opened.standing.sheet)),
        battle: opened.standing.battle.map(current),
        expires_in_ms: unsigned(opened.expires_in),
    }
}

/// The sessions a gateway asks about.
pub(crate) fn asked(sessions: Vec<user::SessionRef>) -> Result<Vec<(AccountId, i64)>, Fault> {
    if sessions.len() > CHECKED_AT_ONCE {
        return Err(Fault::invalid("too-many-entries").field("sessions").arg("max", CHECKED_AT_ONCE));
    }
    let asked = sessions
        .into_iter()
        .map(|session| Ok((id(&session.account_id, "sessions.account_id")?, stored(session.epoch, "sessions.epoch")?)));
    asked.collect()
}

/// News of a session that is over.
pub(crate) fn over(over: Over) -> SessionReplaced {
    SessionReplaced {
        account_id: over.account.to_string(),
        epoch: unsigned(over.epoch),
        connection: 0,
        reason: over.why.key().to_owned(),
    }
}

/// A character with everything that follows from level and equipment.
pub(crate) fn character(content: &Content, sheet: Sheet) -> Character {
    let row = sheet.character;
    let level = u8::try_from(row.level).unwrap_or(growth::MAX_LEVEL);
    let weapon = worn(content, &sheet.worn, ItemKind::Weapon);
    let armour = worn(content, &sheet.worn, ItemKind::Armour);
    let gear = [&weapon, &armour].into_iter().flatten();
    let (attack, defense) = gear.fold((0, 0), |(attack, defense), item| (attack + item.attack, defense + item.defense));
    let exp = unsigned(row.exp);
    Character {
        id: row.id.to_string(),
        name: row.name,
        job: row.job,
        level: level.into(),
        exp,
        next_exp: if level == growth::MAX_LEVEL { exp } else { growth::next_exp(level) },
        hp: small(row.hp),
        max_hp: growth::max_hp(level),
        mp: small(row.mp),
        max_mp: growth::max_mp(level),
        attack: growth::attack(level) + attack,
        defense: growth::defense(level) + defense,
        gold: unsigned(row.gold),
        rating: small(row.rating.into()),
        weapon,
        armour,
        skills: vec![row.skill_1, row.skill_2, row.skill_3],
        version: unsigned(row.version),
        bag_free: u32::from(BAG_PLACES).saturating_sub(small(sheet.bagged)),
        account_id: row.account.to_string(),
    }
}

/// Which character a request names.
pub(crate) fn who(by: Option<By>) -> Result<Who, Fault> {
    Ok(match by.ok_or_else(|| missing("by"))? {
        By::AccountId(text) => Who::OfAccount(id(&text, "account_id")?),
        By::CharacterId(text) => Who::ById(id(&text, "character_id")?),
        By::Name(text) => {
            Who::Named(CharacterName::parse(&text).map_err(|_| Fault::invalid("character-form").field("name"))?)
        }
    })
}

fn worn(content: &Content, worn: &[ItemRow], kind: ItemKind) -> Option<Item> {
    worn.iter().find(|row| row.slot.as_deref() == slot_of(kind)).map(|row| item(content, row, kind))
}

/// A thing; what this program's content doesn't know keeps its key and adds nothing.
fn item(content: &Content, row: &ItemRow, kind: ItemKind) -> Item {
    let known = content.item_by_key(&row.item_key);
    Item {
        id: row.id.to_string(),
        key: row.item_key.clone(),
        kind: kind_of(known.map_or(kind, |item| item.kind)).into(),
        count: small(row.count),
        plus: small(row.plus.into()),
        attack: known.map_or(0, |item| item.attack),
        defense: known.map_or(0, |item| item.defense),
        price: known.map_or(0, |item| shop::resale(content, item)).into(),
    }
}

const fn kind_of(kind: ItemKind) -> Kind {
    match kind {
        ItemKind::Weapon => Kind::Weapon,
        ItemKind::Armour => Kind::Armour,
        ItemKind::Potion => Kind::Potion,
        ItemKind::Material => Kind::Material,
    }
}

fn current(current: Current) -> user::BattleRef {
    user::BattleRef { battle_id: current.battle.to_string(), live: current.live, end_seen: current.end_seen }
}
