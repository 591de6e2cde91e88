//! Shards: tasks that own battles, one per core. A step is a function call; no lock is taken and nothing waits.
//!
//! A shard turns its wheel before everything else, then looks after one command and one slice of catching up, so that
//! any number of returning players delays no live frame by more than a slice.

use std::collections::VecDeque;
use std::time::Duration;

use hashbrown::HashMap;
use metrics::{Gauge, Histogram, counter, gauge, histogram};
use rules::Event;
use service_kit::Shutdown;
use service_kit::time::millis;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};
use vocab::BattleId;

use crate::battle::{Battle, Context};
use crate::record::Owned;
use crate::shards::{Adopted, Command, Visit};
use crate::wheel::Wheel;

/// One task, and the battles it owns.
pub(crate) struct Shard {
    commands: mpsc::Receiver<Command>,
    context: Context,
    battles: HashMap<BattleId, Resident>,
    wheel: Wheel<(BattleId, u64)>,
    catching_up: VecDeque<(Box<Battle>, oneshot::Sender<Adopted>)>,
    /// Numbers wheel entries, so that an outdated one is known.
    entries: u64,
    /// When the wheel was turned last.
    turned: Instant,
    /// Everything has been let go of, and nothing stays any more.
    drained: bool,
    due: Vec<(BattleId, u64)>,
    events: Vec<Event>,
    meters: Meters,
}

struct Resident {
    battle: Box<Battle>,
    /// The wheel entry that counts, and its deadline.
    entry: u64,
    wakes_at: Option<Instant>,
}

struct Meters {
    battles: Gauge,
    catching_up: Gauge,
    lateness: Histogram,
}

impl Shard {
    /// Owns nothing yet.
    pub(crate) fn new(number: usize, commands: mpsc::Receiver<Command>, context: Context) -> Self {
        Self {
            commands,
            context,
            battles: HashMap::new(),
            wheel: Wheel::new(Instant::now()),
            catching_up: VecDeque::new(),
            entries: 0,
            turned: Instant::now(),
            drained: false,
            due: Vec::new(),
            events: Vec::new(),
            meters: Meters::of(number),
        }
    }

    /// Until told to stop.
    pub(crate) async fn run(mut self, stop: Shutdown) {
        let stopped = stop.wait();
        tokio::pin!(stopped);
        loop {
            let now = Instant::now();
            self.turn(now);
            self.meters.battles.set(self.battles.len() as f64);
            self.meters.catching_up.set(self.catching_up.len() as f64);
            if !self.catching_up.is_empty() {
                if let Ok(command) = self.commands.try_recv() {
                    self.handle(command, now);
                }
                self.catch_up(now);
                yield_now().await;
                continue;
            }
            let next = self.next_turn();
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(command) => {
                        // Before anybody sees a battle: it may be another's by now.
                        let now = Instant::now();
                        self.turn(now);
                        self.handle(command, now);
                    }
                    None => return,
                },
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
                () = &mut stopped => return,
            }
        }
    }

    /// When the wheel is to be turned next: where a standstill matters, often enough to notice one.
    fn next_turn(&self) -> Option<Instant> {
        let every = self.context.assurance.turn_every().filter(|_| !self.battles.is_empty());
        [self.wheel.next(), every.map(|every| self.turned + every)].into_iter().flatten().min()
    }

    /// Wakes every battle whose time has come.
    fn turn(&mut self, now: Instant) {
        let rest = now.saturating_duration_since(std::mem::replace(&mut self.turned, now));
        if self.context.assurance.is_outlived(rest) && !self.is_empty() {
            return self.stood_still(rest, now);
        }
        let mut due = std::mem::take(&mut self.due);
        let late = self.wheel.turn(now, &mut due);
        if !due.is_empty() {
            self.meters.lateness.record(late.as_secs_f64());
        }
        let floor = self.context.assurance.floor(now);
        let mut cut_off = 0;
        for (id, entry) in due.drain(..) {
            if let Some(resident) = self.battles.get_mut(&id).filter(|resident| resident.entry == entry) {
                resident.wakes_at = None;
                if resident.battle.is_assured(floor) {
                    resident.battle.wake(now, &self.context, &mut self.events);
                } else {
                    resident.battle.let_go();
                    cut_off += 1;
                }
                self.settle(id, now);
            }
        }
        self.due = due;
        if cut_off > 0 {
            tell_cut_off(cut_off);
        }
    }

    fn is_empty(&self) -> bool {
        self.battles.is_empty() && self.catching_up.is_empty()
    }

    /// While this process stood still others may have taken its battles over: it forgets them, and whoever watches
    /// asks again.
    fn stood_still(&mut self, rest: Duration, now: Instant) {
        tracing::warn!(wheel.rest_ms = millis(rest), battle.count = self.battles.len(), "wheel stood still");
        counter!("battle_standstills_total").increment(1);
        self.leave_all().iter_mut().for_each(|resident| resident.battle.let_go());
        self.catching_up.clear();
        self.wheel = Wheel::new(now);
    }

    fn handle(&mut self, command: Command, now: Instant) {
        match command {
            Command::Visit(id, visit) => {
                self.let_go_unassured(id, now);
                let resident = self.battles.get_mut(&id);
                let with = Visit { now, context: &self.context, events: &mut self.events };
                visit(resident.map(|resident| resident.battle.as_mut()), with);
                self.settle(id, now);
            }
            Command::Adopt(battle, owned, told) => self.adopt(battle, owned, told, now),
            Command::Owned(told) => {
                // Who no longer waits doesn't have to be told.
                let _ = told.send(self.battles.values().map(|resident| resident.battle.owned()).collect());
            }
            Command::Confirmed(owned, asked) => self.confirm(&owned, asked),
            Command::Drain(told) => {
                self.drain(now);
                // Who no longer waits doesn't have to be told.
                let _ = told.send(());
            }
        }
    }

    fn adopt(&mut self, battle: Box<Battle>, owned: Instant, told: oneshot::Sender<Adopted>, now: Instant) {
        if self.drained {
            self.give_up(battle, now);
        } else if self.context.assurance.is_outlived(now.saturating_duration_since(owned)) {
            counter!("battle_claims_outlived_total").increment(1);
            // Who no longer waits doesn't have to be told.
            let _ = told.send(Ok(None));
        } else {
            self.catching_up.push_back((battle, told));
        }
    }

    /// Lets go of a battle that nobody has come to yet; its claimer learns that nobody answers.
    fn give_up(&self, mut battle: Box<Battle>, now: Instant) {
        // One that awaits a segment can't be saved on its way there: it is claimed again when this instance is gone.
        if !battle.awaits_segment() {
            battle.release(now, &self.context.saver);
        }
    }

    /// One slice of the battle that came first: were they to take turns, all would wait for the last.
    fn catch_up(&mut self, now: Instant) {
        let Some((mut battle, told)) = self.catching_up.pop_front() else { return };
        let adopted = match battle.catch_up(now, &mut self.events) {
            Ok(false) => return self.catching_up.push_front((battle, told)),
            Ok(true) if battle.awaits_segment() => Ok(Some(battle)),
            Ok(true) => {
                self.take_in(battle, now);
                Ok(None)
            }
            Err(broken) => {
                battle.abandon(&broken);
                Err(broken)
            }
        };
        // Who no longer waits doesn't have to be told.
        let _ = told.send(adopted);
    }

    /// Lets a battle live here from now on, unless it was taken over meanwhile: a new one isn't taken in under its turn.
    fn take_in(&mut self, mut battle: Box<Battle>, now: Instant) {
        let id = battle.id();
        match self.battles.get_mut(&id) {
            Some(resident) if resident.battle.epoch() >= battle.epoch() => return,
            Some(resident) => resident.battle.let_go(),
            None => {}
        }
        // It may have ended on the way, and nobody is to find it here then.
        battle.wake(now, &self.context, &mut self.events);
        self.battles.insert(id, Resident { battle, entry: 0, wakes_at: None });
        self.settle(id, now);
    }

    /// After a battle did something: forgets it, or enters its next deadline.
    fn settle(&mut self, id: BattleId, now: Instant) {
        let Some(resident) = self.battles.get_mut(&id) else { return };
        if resident.battle.is_done() {
            self.battles.remove(&id);
            return;
        }
        let wakes_at = resident.battle.wakes_at(&self.context.pace);
        if wakes_at == resident.wakes_at {
            return;
        }
        self.entries += 1;
        (resident.entry, resident.wakes_at) = (self.entries, wakes_at);
        if let Some(at) = wakes_at {
            // What is overdue, such as a save after a long rest, is due now: only the wheel itself can be late.
            self.wheel.insert(at.max(now), (id, self.entries));
        }
    }

    fn confirm(&mut self, owned: &[Owned], asked: Instant) {
        for Owned { battle, epoch } in owned {
            if let Some(resident) = self.battles.get_mut(battle) {
                resident.battle.confirmed(*epoch, asked);
            }
        }
    }

    /// Nobody is to be shown a battle that may be another's.
    fn let_go_unassured(&mut self, id: BattleId, now: Instant) {
        let floor = self.context.assurance.floor(now);
        let resident = self.battles.get_mut(&id).filter(|resident| !resident.battle.is_assured(floor));
        if let Some(resident) = resident {
            resident.battle.let_go();
            tell_cut_off(1);
            self.settle(id, now);
        }
    }

    /// Takes every battle out of memory, in the order of their ids: what follows from it is then the same every time.
    fn leave_all(&mut self) -> Vec<Resident> {
        let mut left: Vec<_> = self.battles.drain().map(|(_, resident)| resident).collect();
        left.sort_unstable_by_key(|resident| resident.battle.id());
        left
    }

    fn drain(&mut self, now: Instant) {
        self.leave_all().iter_mut().for_each(|resident| resident.battle.release(now, &self.context.saver));
        for (battle, _) in std::mem::take(&mut self.catching_up) {
            self.give_up(battle, now);
        }
        self.drained = true;
    }
}

impl Meters {
    fn of(number: usize) -> Self {
        let shard = number.to_string();
        Self {
            battles: gauge!("battles_in_memory", "shard" => shard.clone()),
            catching_up: gauge!("battles_catching_up", "shard" => shard),
            lateness: histogram!("battle_lateness_seconds"),
        }
    }
}

/// Battles were let go of that others may have by now: neither the backplane nor the store has answered for too long.
fn tell_cut_off(battles: u64) {
    tracing::warn!(battle.count = battles, "battles cut off");
    counter!("battle_holds_lost_total").increment(battles);
}
