//! One frame of a battle. The order of draws from the generator is part of the rules: see `docs/GAME.md`.

use super::{EndReason, Foe, Input, OnDeath, Shield, Stage, State};
use crate::blow::{self, Blow};
use crate::content::{Content, Item, Monster, Rank, Skill, SkillIx};
use crate::event::{Drop, Drops, Event, Fate};
use crate::fighter::SLOTS;
use crate::growth;
use crate::shop;

/// A chance in a drop table is out of this.
const CERTAIN: u32 = 10_000;

/// The state, the world and the frame in the making.
pub(super) struct Turn<'a> {
    state: &'a mut State,
    content: &'a Content,
    events: &'a mut Vec<Event>,
}

impl<'a> Turn<'a> {
    /// Opens the next frame, at `tick`.
    pub(super) fn new(state: &'a mut State, content: &'a Content, tick: u64, events: &'a mut Vec<Event>) -> Self {
        state.tick = tick;
        state.totals.ticks = tick;
        state.totals.frames = state.totals.frames.saturating_add(1);
        Self { state, content, events }
    }

    /// What happens by itself.
    pub(super) fn step(mut self) {
        match self.state.stage {
            Stage::Fight { .. } => self.fight(),
            Stage::Dead { .. } => self.revive(),
            Stage::Ended(_) => {}
        }
    }

    /// What an input causes.
    pub(super) fn apply(mut self, input: Input) {
        match input {
            Input::Stop { reason } => self.end(reason),
        }
    }

    fn fight(&mut self) {
        self.state.stage = Stage::Fight { due: self.state.tick.saturating_add(1) };
        if self.state.foe.is_none() {
            self.spawn();
        }
        // A battle whose monsters are all gone from the world ends rather than stand for ever.
        let Some((mut foe, monster)) = self.opponent() else { return self.end(EndReason::Operator) };
        self.strike(&mut foe, monster);
        if foe.hp > 0 {
            self.suffer(monster);
        }
        if foe.hp > 0 && self.state.fighter.hp > 0 {
            self.maybe_use_skill(&mut foe, monster);
        }
        self.state.foe = Some(foe);
        if self.state.fighter.hp == 0 {
            self.die(monster);
        } else if foe.hp == 0 {
            self.kill(monster);
        }
    }

    fn opponent(&self) -> Option<(Foe, &'a Monster)> {
        let foe = self.state.foe?;
        Some((foe, self.content.monster(foe.ix)?))
    }

    fn strike(&mut self, foe: &mut Foe, monster: &Monster) {
        let attack = self.state.fighter.attack();
        let Blow { roll, word, wording, damage } = Blow::strike(&mut self.state.generator, attack, monster.defense);
        foe.hp = foe.hp.saturating_sub(damage);
        self.emit(Event::Hit { roll, word, wording, damage, monster_hp: foe.hp });
    }

    fn suffer(&mut self, monster: &Monster) {
        let defense = self.defense();
        let Blow { roll, word, wording, damage } = Blow::strike(&mut self.state.generator, monster.attack, defense);
        let hp = self.state.fighter.hp.saturating_sub(damage);
        self.state.fighter.hp = hp;
        self.emit(Event::Hurt { roll, word, wording, damage, hp });
    }

    /// Defense with equipment and, while it lasts, with the shield.
    fn defense(&self) -> u32 {
        let shield = self.state.shield.filter(|shield| self.state.tick <= shield.until);
        self.state.fighter.defense().saturating_add(shield.map_or(0, |shield| shield.defense))
    }

    fn maybe_use_skill(&mut self, foe: &mut Foe, monster: &Monster) {
        if self.state.generator.small(2) == 0 {
            return;
        }
        let slots = self.slots();
        let affordable = slots.map(|slot| slot.filter(|skill| skill.cost <= self.state.fighter.mp));
        match choose(affordable, |bound| self.state.generator.below(bound)) {
            Some((slot, skill)) => self.use_skill(slot, skill, foe, monster),
            None => self.lack_mana(slots),
        }
    }

    fn slots(&self) -> [Option<&'a Skill>; SLOTS] {
        self.state.fighter.skills.map(|slot| slot.and_then(|ix: SkillIx| self.content.skill(ix)))
    }

    fn use_skill(&mut self, slot: u8, skill: &Skill, foe: &mut Foe, monster: &Monster) {
        let fighter = &mut self.state.fighter;
        let damage = blow::skill_damage(fighter.attack(), skill.multiple, monster.defense);
        fighter.mp -= skill.cost;
        foe.hp = foe.hp.saturating_sub(damage);
        let mp = fighter.mp;
        self.emit(Event::Skill { skill: skill.id, slot, damage, monster_hp: foe.hp, mp });
        self.heal(skill);
        self.shield(skill);
    }

    fn heal(&mut self, skill: &Skill) {
        let amount = skill.heal.map_or(0, |percent| self.state.fighter.heal(percent));
        if amount > 0 {
            self.emit(Event::Heal { skill: Some(skill.id), amount, hp: self.state.fighter.hp });
        }
    }

    fn shield(&mut self, skill: &Skill) {
        let Some(shield) = skill.shield else { return };
        let raised = u64::from(self.state.fighter.defense()) * u64::from(shield.defense) / 100;
        let defense = u32::try_from(raised).unwrap_or(u32::MAX);
        self.state.shield = Some(Shield { defense, until: self.state.tick.saturating_add(shield.ticks.into()) });
        self.emit(Event::Shield { skill: skill.id, defense, ticks: shield.ticks });
    }

    fn lack_mana(&mut self, slots: [Option<&Skill>; SLOTS]) {
        if let Some(skill) = slots.into_iter().flatten().min_by_key(|skill| skill.cost) {
            self.emit(Event::NoMana { skill: skill.id, cost: skill.cost, mp: self.state.fighter.mp });
        }
    }

    fn kill(&mut self, monster: &Monster) {
        let fighter = &mut self.state.fighter;
        fighter.restore(monster.restores.hp, monster.restores.mp);
        let exp = u64::from(monster.exp);
        fighter.exp = fighter.exp.saturating_add(exp);
        let (hp, mp) = (fighter.hp, fighter.mp);
        self.emit(Event::Kill { monster: monster.id, rank: monster.rank, exp, hp, mp });
        self.loot(monster);
        self.level_up();
        self.spawn();
    }

    fn loot(&mut self, monster: &Monster) {
        let [least, most] = monster.gold;
        let mut gold = u64::from(self.state.generator.between(least, most));
        let mut drops = Drops::default();
        for line in self.content.drops(monster.id) {
            if self.state.generator.small(CERTAIN) >= line.chance {
                continue;
            }
            let Some(item) = self.content.item(line.item) else { continue };
            let fate = if item.kind.is_equipment() { self.stow(item) } else { Fate::Stacked };
            if let Fate::Sold(price) = fate {
                gold += u64::from(price);
            }
            drops.push(Drop { item: item.id, count: 1, fate });
        }
        self.emit(Event::Loot { gold, drops });
    }

    /// Puts a piece of equipment into the bag, or sells it when there is no place.
    fn stow(&mut self, piece: &Item) -> Fate {
        let bag_free = &mut self.state.fighter.bag_free;
        if *bag_free == 0 {
            return Fate::Sold(shop::resale(self.content, piece));
        }
        *bag_free -= 1;
        Fate::Kept
    }

    fn level_up(&mut self) {
        let goal = growth::level_for(self.state.fighter.exp);
        while self.state.fighter.level < goal {
            let learned = self.state.fighter.level_up(self.content);
            let fighter = &self.state.fighter;
            self.emit(Event::LevelUp {
                level: fighter.level,
                max_hp: fighter.max_hp(),
                max_mp: fighter.max_mp(),
                attack: fighter.attack(),
                defense: fighter.defense(),
                learned,
            });
        }
    }

    fn spawn(&mut self) {
        let weights = self.content.balance().spawn.by_rank();
        let rank = Rank::ALL[weighted(weights, |bound| self.state.generator.small(bound))];
        let table = self.content.table(self.state.dungeon, rank);
        let drawn = self.state.generator.below(table.len() as u64) as usize;
        self.state.foe = table.get(drawn).and_then(|&ix| self.content.monster(ix)).map(Foe::unhurt);
        if let Some(foe) = self.state.foe {
            self.emit(Event::Spawn { monster: foe.ix, rank: foe.rank, hp: foe.hp });
        }
    }

    fn die(&mut self, by: &Monster) {
        self.state.foe = None;
        self.state.shield = None;
        self.emit(Event::Death { by: by.id });
        match self.state.on_death {
            OnDeath::Stop => self.end(EndReason::Died),
            OnDeath::Revive => {
                let wait = self.content.balance().revive_ms.div_ceil(self.state.tick_ms);
                self.state.stage = Stage::Dead { due: self.state.tick.saturating_add(wait.into()) };
            }
        }
    }

    fn revive(&mut self) {
        self.state.stage = Stage::Fight { due: self.state.tick.saturating_add(1) };
        let fighter = &mut self.state.fighter;
        fighter.hp = fighter.max_hp();
        let (hp, mp) = (fighter.hp, fighter.mp);
        self.emit(Event::Revive { hp, mp });
        self.spawn();
    }

    /// The last frame. Whoever fell is shown fallen; that nobody comes home dead is the record's business.
    fn end(&mut self, reason: EndReason) {
        self.state.foe = None;
        self.state.stage = Stage::Ended(reason);
        self.emit(Event::Stop { reason });
    }

    /// The one way into the frame, so that totals are the sums of events by construction.
    fn emit(&mut self, event: Event) {
        self.state.totals.add(self.state.totals.frames, &event);
        self.events.push(event);
    }
}

impl Foe {
    fn unhurt(monster: &Monster) -> Self {
        Self { ix: monster.id, rank: monster.rank, hp: monster.hp, max_hp: monster.hp }
    }
}

/// Chooses slot i with probability (1/cost_i) / Σ (1/cost_j), exactly: each weight is the product of the others' costs.
/// Draws once when there is anything to choose from. Slots count from 1.
fn choose(slots: [Option<&Skill>; SLOTS], below: impl FnOnce(u64) -> u64) -> Option<(u8, &Skill)> {
    let cost = |slot: Option<&Skill>| slot.map_or(1, |skill| u64::from(skill.cost));
    let product: u64 = slots.iter().map(|&slot| cost(slot)).product();
    let weight = |slot: Option<&Skill>| slot.map_or(0, |skill| product / u64::from(skill.cost));
    let sum: u64 = slots.iter().map(|&slot| weight(slot)).sum();
    if sum == 0 {
        return None;
    }
    let mut drawn = below(sum);
    for (number, slot) in (1..).zip(slots) {
        let Some(skill) = slot else { continue };
        match drawn.checked_sub(weight(slot)) {
            Some(rest) => drawn = rest,
            None => return Some((number, skill)),
        }
    }
    None
}

/// The place of the weight into which a draw below their sum falls.
fn weighted(weights: [u32; 3], below: impl FnOnce(u32) -> u32) -> usize {
    let drawn = below(weights.iter().sum());
    if drawn < weights[0] {
        0
    } else if drawn < weights[0] + weights[1] {
        1
    } else {
        2
    }
}
