//! The world as data: what the content pack says, checked, with cross references resolved to small indexes.
//!
//! An index is the number that the pack gives a thing (`id = 7`), from 1 without a hole. Stored battles hold indexes,
//! so a number, once shipped, keeps its meaning for ever; a pack can only grow.

mod check;
mod model;
mod parse;

pub use check::MAX_DROPS;
pub use model::{
    Balance, Dungeon, DungeonIx, Item, ItemIx, ItemKind, Monster, MonsterIx, Rank, Shield, Skill, SkillIx,
    SpawnWeights, StartGear,
};
pub use parse::Fault;

use model::World;
use sha2::{Digest, Sha256};

/// The file name under which a stored pack reports its faults.
const PACK: &str = "pack";

/// A whole, faultless world.
#[derive(Debug, Clone)]
pub struct Content {
    world: World,
    /// Per dungeon and rank, who may appear.
    tables: Vec<[Vec<MonsterIx>; 3]>,
    /// Per monster, its drop lines with the items resolved.
    drops: Vec<Vec<DropLine>>,
    pack: Vec<u8>,
    hash: String,
}

/// One line of a monster's drop table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DropLine {
    /// What it leaves.
    pub item: ItemIx,
    /// How likely, in ten-thousandths.
    pub chance: u32,
}

impl Content {
    /// Reads the world from its files, given as (name, text). Any file may hold any part.
    ///
    /// # Errors
    /// Every fault found, in the order of files and lines.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, Vec<Fault>> {
        let world = read(files)?;
        let pack = world.canonical();
        Ok(Self::assemble(world, pack))
    }

    /// Reads the world from bytes that [`Content::pack`] made.
    ///
    /// # Errors
    /// Every fault found; lines count within the pack.
    pub fn from_pack(pack: &[u8]) -> Result<Self, Vec<Fault>> {
        let text = std::str::from_utf8(pack).map_err(|_| vec![Fault::new(PACK, 1, "not UTF-8")])?;
        // The hash is over the very bytes that are stored, whatever this program would write today.
        Ok(Self::assemble(read(&[(PACK, text)])?, pack.to_vec()))
    }

    /// Everything that decides frames, as one canonical document: the same for files that differ only in comments,
    /// order and layout.
    #[must_use]
    pub fn pack(&self) -> &[u8] {
        &self.pack
    }

    /// The first 16 hexadecimal digits of the pack's SHA-256.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// All dungeons, by number.
    #[must_use]
    pub fn dungeons(&self) -> &[Dungeon] {
        &self.world.dungeon
    }

    /// All monsters, by index.
    #[must_use]
    pub fn monsters(&self) -> &[Monster] {
        &self.world.monster
    }

    /// All skills, by index.
    #[must_use]
    pub fn skills(&self) -> &[Skill] {
        &self.world.skill
    }

    /// All items, by index.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.world.item
    }

    /// Numbers that belong to no one thing.
    #[must_use]
    pub fn balance(&self) -> &Balance {
        &self.world.balance
    }

    /// The dungeon with this number.
    #[must_use]
    pub fn dungeon(&self, ix: DungeonIx) -> Option<&Dungeon> {
        at(&self.world.dungeon, ix.0)
    }

    /// The monster with this index.
    #[must_use]
    pub fn monster(&self, ix: MonsterIx) -> Option<&Monster> {
        at(&self.world.monster, ix.0)
    }

    /// The skill with this index.
    #[must_use]
    pub fn skill(&self, ix: SkillIx) -> Option<&Skill> {
        at(&self.world.skill, ix.0)
    }

    /// The item with this index.
    #[must_use]
    pub fn item(&self, ix: ItemIx) -> Option<&Item> {
        at(&self.world.item, ix.0)
    }

    /// The monster with this key.
    #[must_use]
    pub fn monster_by_key(&self, key: &str) -> Option<&Monster> {
        self.world.monster.iter().find(|monster| monster.key == key)
    }

    /// The skill with this key.
    #[must_use]
    pub fn skill_by_key(&self, key: &str) -> Option<&Skill> {
        self.world.skill.iter().find(|skill| skill.key == key)
    }

    /// The item with this key.
    #[must_use]
    pub fn item_by_key(&self, key: &str) -> Option<&Item> {
        self.world.item.iter().find(|item| item.key == key)
    }

    /// The skill that is learned on reaching this level.
    #[must_use]
    pub fn skill_of_level(&self, level: u8) -> Option<SkillIx> {
        self.world.skill.iter().find(|skill| skill.level == level).map(|skill| skill.id)
    }

    /// Who may appear in a dungeon, for one rank; never empty for a dungeon that exists.
    #[must_use]
    pub fn table(&self, dungeon: DungeonIx, rank: Rank) -> &[MonsterIx] {
        at(&self.tables, dungeon.0).map_or(&[], |ranks| &ranks[rank as usize])
    }

    /// The drop table of a monster.
    #[must_use]
    pub fn drops(&self, monster: MonsterIx) -> &[DropLine] {
        at(&self.drops, monster.0).map_or(&[], Vec::as_slice)
    }

    fn assemble(world: World, pack: Vec<u8>) -> Self {
        let digest = Sha256::digest(&pack);
        let hash = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let table = |dungeon: DungeonIx, rank: Rank| {
            let lives_there = |monster: &&Monster| monster.dungeon == dungeon && monster.rank == rank;
            world.monster.iter().filter(lives_there).map(|monster| monster.id).collect()
        };
        let tables = world.dungeon.iter().map(|dungeon| Rank::ALL.map(|rank| table(dungeon.id, rank))).collect();
        let drops = world.monster.iter().map(|monster| resolve_drops(&world, monster)).collect();
        Self { tables, drops, world, pack, hash }
    }
}

/// Reads and checks; faults come in the order of files and lines.
fn read(files: &[(&str, &str)]) -> Result<World, Vec<Fault>> {
    let checked = parse::read(files).and_then(|draft| check::check(&draft).map(|()| draft.into_world()));
    checked.map_err(|mut faults| {
        let file = |fault: &Fault| files.iter().position(|file| file.0 == fault.file);
        faults.sort_by_key(|fault| (file(fault), fault.line));
        faults
    })
}

fn resolve_drops(world: &World, monster: &Monster) -> Vec<DropLine> {
    let resolve = |line: &model::DropEntry| {
        let item = world.item.iter().find(|item| item.key == line.item)?.id;
        Some(DropLine { item, chance: line.chance })
    };
    monster.drops.iter().filter_map(resolve).collect()
}

/// The entry with this number; numbers count from 1.
fn at<T>(entries: &[T], number: impl Into<usize>) -> Option<&T> {
    entries.get(number.into().checked_sub(1)?)
}
