//! Characters: how one begins, and how one is looked up.

use rules::content::{Content, ItemKind};
use rules::fighter::Fighter;
use rules::{gear, growth};
use service_kit::Fault;
use vocab::{AccountId, CharacterId, CharacterName, ItemId};

use crate::store::Store;
use crate::store::rows::{CharacterRow, ItemRow, Sheet};

/// The only job there is.
const JOB: &str = "novice";
/// The arena rating everybody begins with.
const RATING: i32 = 1_000;

/// Which character is meant.
#[derive(Debug, Clone)]
pub(crate) enum Who {
    OfAccount(AccountId),
    ById(CharacterId),
    Named(CharacterName),
}

/// A character as it begins: level 1, healthy, with its first skill and its first clothes.
pub(crate) fn newborn(content: &Content, id: CharacterId, account: AccountId, name: &CharacterName, now: i64) -> Sheet {
    let fighter = Fighter::of_level(content, 1);
    let skill = |slot: usize| -> String {
        let skill = fighter.skills[slot].and_then(|skill| content.skill(skill));
        skill.map(|skill| skill.key.clone()).unwrap_or_default()
    };
    let character = CharacterRow {
        id,
        account,
        name: name.as_str().to_owned(),
        name_key: name.key(),
        job: JOB.to_owned(),
        level: 1,
        exp: 0,
        hp: i64::from(growth::max_hp(1)),
        mp: i64::from(growth::max_mp(1)),
        skill_1: skill(0),
        skill_2: skill(1),
        skill_3: skill(2),
        gold: 0,
        rating: RATING,
        version: 1,
        created_at: now,
    };
    let worn = gear::starting(content).into_iter().flatten().map(|item| worn(id, &item.key, item.kind)).collect();
    Sheet { character, worn, bagged: 0 }
}

/// Reads a character.
pub(crate) async fn get(store: &Store, who: Who) -> Result<Sheet, Fault> {
    let found = match who {
        Who::OfAccount(account) => store.sheet_of_account(account).await?,
        Who::ById(character) => store.sheet_by_id(character).await?,
        Who::Named(name) => store.sheet_by_name(name.key().into()).await?,
    };
    found.ok_or_else(|| Fault::not_found("character-unknown"))
}

fn worn(character: CharacterId, key: &str, kind: ItemKind) -> ItemRow {
    ItemRow {
        id: ItemId::generate(),
        character,
        item_key: key.to_owned(),
        stack: None,
        count: 1,
        plus: 0,
        slot: slot_of(kind).map(str::to_owned),
    }
}

/// The slot a thing is worn in, if it is worn at all.
pub(crate) const fn slot_of(kind: ItemKind) -> Option<&'static str> {
    match kind {
        ItemKind::Weapon => Some("weapon"),
        ItemKind::Armour => Some("armour"),
        ItemKind::Potion | ItemKind::Material => None,
    }
}
