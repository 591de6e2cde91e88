//! A battle's state as bytes. Layouts are versioned: a new one takes the next number and a reader of its own.

use super::start::TICK_MS;
use super::{EndReason, Foe, Mode, OnDeath, Shield, Stage, State};
use crate::codec::{InvalidState, Reader, Writer};
use crate::content::{DungeonIx, MonsterIx, Rank, SkillIx};
use crate::fighter::{BAG_PLACES, Fighter, SLOTS};
use crate::generator::Generator;
use crate::growth;
use crate::totals::Totals;

/// The first byte of a stored state.
const VERSION: u8 = 1;

/// Enumerations are stored as their place in these lists, which therefore only grow at the end.
const MODES: [Mode; 1] = [Mode::Auto];
const ON_DEATH: [OnDeath; 2] = [OnDeath::Revive, OnDeath::Stop];
const END_REASONS: [EndReason; 6] =
    [EndReason::Stopped, EndReason::Died, EndReason::Fled, EndReason::Left, EndReason::Operator, EndReason::Deleted];

impl State {
    /// The state as bytes for storage: a few hundred at most but for long lists of pieces.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(VERSION);
        for word in self.generator.words() {
            writer.word(word);
        }
        writer.byte(self.dungeon.0);
        writer.byte(place(&MODES, self.mode));
        writer.byte(place(&ON_DEATH, self.on_death));
        writer.number(self.tick_ms.into());
        writer.number(self.tick);
        write_stage(&mut writer, self.stage);
        write_fighter(&mut writer, &self.fighter);
        writer.option(self.shield, |writer, shield| {
            writer.number(shield.defense.into());
            writer.number(shield.until);
        });
        writer.option(self.foe, |writer, foe| {
            writer.number(foe.ix.0.into());
            writer.byte(place(&Rank::ALL, foe.rank));
            writer.number(foe.hp.into());
            writer.number(foe.max_hp.into());
        });
        self.totals.write(&mut writer);
        writer.finish()
    }

    /// A state from stored bytes. Ask [`State::fits`] before going on from it.
    ///
    /// # Errors
    /// When the bytes are not what [`State::encode`] made.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidState> {
        let mut reader = Reader::new(bytes, VERSION)?;
        let words = [reader.word()?, reader.word()?, reader.word()?, reader.word()?];
        let state = Self {
            generator: Generator::from_words(words).ok_or(InvalidState::Value("the generator"))?,
            dungeon: DungeonIx(reader.byte()?),
            mode: at(&MODES, reader.byte()?)?,
            on_death: at(&ON_DEATH, reader.byte()?)?,
            tick_ms: reader.fitting()?,
            tick: reader.number()?,
            stage: read_stage(&mut reader)?,
            fighter: read_fighter(&mut reader)?,
            shield: reader.option(|reader| Ok(Shield { defense: reader.fitting()?, until: reader.number()? }))?,
            foe: reader.option(read_foe)?,
            totals: Totals::read(&mut reader)?,
        };
        reader.finish()?;
        state.consistent()?;
        Ok(state)
    }

    /// Whether the parts go together as every state that came about by steps does.
    pub(super) fn consistent(&self) -> Result<(), InvalidState> {
        let fighter = &self.fighter;
        let levelled = fighter.level == growth::level_for(fighter.exp);
        require(levelled && fighter.hp <= fighter.max_hp() && fighter.mp <= fighter.max_mp(), "the fighter")?;
        require(fighter.bag_free <= BAG_PLACES, "the bag")?;
        require(self.totals.pieces.len() <= usize::from(BAG_PLACES), "the pieces")?;
        require(TICK_MS.contains(&self.tick_ms), "the tick length")?;
        require(self.totals.ticks == self.tick, "the tick")?;
        require(self.due().is_none_or(|due| due > self.tick), "the due tick")?;
        require(self.foe.is_none_or(|foe| 0 < foe.hp && foe.hp <= foe.max_hp), "the monster")?;
        let fits = match self.stage {
            Stage::Fight { .. } => fighter.hp > 0,
            Stage::Dead { .. } => fighter.hp == 0,
            Stage::Ended(_) => true,
        };
        require(fits, "the phase")
    }
}

fn write_stage(writer: &mut Writer, stage: Stage) {
    match stage {
        Stage::Fight { due } => {
            writer.byte(0);
            writer.number(due);
        }
        Stage::Dead { due } => {
            writer.byte(1);
            writer.number(due);
        }
        Stage::Ended(reason) => {
            writer.byte(2);
            writer.byte(place(&END_REASONS, reason));
        }
    }
}

fn read_stage(reader: &mut Reader<'_>) -> Result<Stage, InvalidState> {
    match reader.byte()? {
        0 => Ok(Stage::Fight { due: reader.number()? }),
        1 => Ok(Stage::Dead { due: reader.number()? }),
        2 => Ok(Stage::Ended(at(&END_REASONS, reader.byte()?)?)),
        _ => Err(InvalidState::Value("the phase")),
    }
}

fn write_fighter(writer: &mut Writer, fighter: &Fighter) {
    writer.byte(fighter.level);
    writer.number(fighter.exp);
    for number in [fighter.hp, fighter.mp, fighter.gear_attack, fighter.gear_defense] {
        writer.number(number.into());
    }
    for skill in fighter.skills {
        // 0 is no skill: numbers count from 1.
        writer.byte(skill.map_or(0, |skill| skill.0));
    }
    writer.number(fighter.bag_free.into());
}

fn read_fighter(reader: &mut Reader<'_>) -> Result<Fighter, InvalidState> {
    Ok(Fighter {
        level: reader.byte()?,
        exp: reader.number()?,
        hp: reader.fitting()?,
        mp: reader.fitting()?,
        gear_attack: reader.fitting()?,
        gear_defense: reader.fitting()?,
        skills: read_skills(reader)?,
        bag_free: reader.fitting()?,
    })
}

fn read_skills(reader: &mut Reader<'_>) -> Result<[Option<SkillIx>; SLOTS], InvalidState> {
    let mut skills = [None; SLOTS];
    for slot in &mut skills {
        *slot = Some(reader.byte()?).filter(|&number| number != 0).map(SkillIx);
    }
    Ok(skills)
}

fn read_foe(reader: &mut Reader<'_>) -> Result<Foe, InvalidState> {
    Ok(Foe {
        ix: MonsterIx(reader.fitting()?),
        rank: at(&Rank::ALL, reader.byte()?)?,
        hp: reader.fitting()?,
        max_hp: reader.fitting()?,
    })
}

fn place<T: Copy + PartialEq>(list: &[T], value: T) -> u8 {
    list.iter().position(|listed| *listed == value).map_or(u8::MAX, |place| place as u8)
}

fn at<T: Copy>(list: &[T], place: u8) -> Result<T, InvalidState> {
    list.get(usize::from(place)).copied().ok_or(InvalidState::Value("an enumeration"))
}

fn require(holds: bool, what: &'static str) -> Result<(), InvalidState> {
    if holds { Ok(()) } else { Err(InvalidState::Value(what)) }
}
