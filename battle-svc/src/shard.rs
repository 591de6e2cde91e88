//! Shards: tasks that own battles, one per core. A step is a function call; no lock is taken and nothing waits.
//!
//! A shard turns its wheel before everything else, then looks after one command and one slice of catching up, so that
//! any number of returning players delays no live frame by more than a slice.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use metrics::{Gauge, Histogram, counter, gauge, histogram};
use rules::Event;
use service_kit::{Fault, Shutdown, TaskGroup};
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};
use vocab::BattleId;

use crate::battle::{Battle, Context};
use crate::chain::Broken;
use crate::record::Outcome;
use crate::wheel::Wheel;

/// Commands that may wait for a shard.
const COMMANDS: usize = 4_096;

/// The ways to the shards.
#[derive(Debug, Clone)]
pub(crate) struct Shards(Arc<[mpsc::Sender<Command>]>);

/// What a visitor may use besides the battle.
pub(crate) struct Visit<'a> {
    /// Now.
    pub(crate) now: Instant,
    /// The battle's surroundings.
    pub(crate) context: &'a Context,
    /// A buffer for a frame.
    pub(crate) events: &'a mut Vec<Event>,
}

/// What a visitor does.
type Visitor = Box<dyn FnOnce(Option<&mut Battle>, Visit<'_>) + Send>;

enum Command {
    /// To do something with a battle, or to learn that it isn't here.
    Visit(BattleId, Visitor),
    /// To take a battle in; says when it has caught up.
    Adopt(Box<Battle>, oneshot::Sender<Adopted>),
    /// To save and let go of everything.
    Drain(oneshot::Sender<()>),
}

/// What became of a battle that was to be taken in.
type Adopted = Result<Option<Box<Battle>>, Broken>;

struct Shard {
    commands: mpsc::Receiver<Command>,
    context: Context,
    battles: HashMap<BattleId, Resident>,
    wheel: Wheel<(BattleId, u64)>,
    catching_up: VecDeque<(Box<Battle>, oneshot::Sender<Adopted>)>,
    /// Numbers wheel entries, so that an outdated one is known.
    entries: u64,
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

impl Shards {
    /// Starts so many shards.
    pub(crate) fn start(count: usize, context: &Context, tasks: &TaskGroup) -> Self {
        let start = |number: usize| {
            let (sender, commands) = mpsc::channel(COMMANDS);
            tasks.spawn_vital("battle-shard", Shard::new(number, commands, context.clone()).run(tasks.stopping()));
            sender
        };
        Self((0..count.max(1)).map(start).collect())
    }

    /// Runs `visit` with the battle if it is in memory; `None` when it isn't. A visit that nobody waits for any more is
    /// not made: what must happen all the same is to be carried out by a task.
    ///
    /// # Errors
    /// `unavailable` when the shards are gone.
    pub(crate) async fn visit<R: Send + 'static>(
        &self,
        id: BattleId,
        visit: impl FnOnce(&mut Battle, Visit<'_>) -> R + Send + 'static,
    ) -> Result<Option<R>, Fault> {
        let (told, tell) = oneshot::channel();
        let visit = Box::new(move |battle: Option<&mut Battle>, with: Visit<'_>| {
            if !told.is_closed() {
                // Who no longer waits doesn't have to be told.
                let _ = told.send(battle.map(|battle| visit(battle, with)));
            }
        });
        self.send(self.of(id), Command::Visit(id, visit)).await?;
        tell.await.map_err(|_| gone())
    }

    /// Takes a battle into memory; returns when it has caught up with its time, or gives it back where a segment has to
    /// be opened: nobody is to come to it before.
    ///
    /// # Errors
    /// `unavailable` when the shards are gone, and what is broken about the battle.
    pub(crate) async fn adopt(&self, battle: Box<Battle>) -> Result<Option<Box<Battle>>, Fault> {
        let (told, tell) = oneshot::channel();
        self.send(self.of(battle.id()), Command::Adopt(battle, told)).await?;
        Ok(tell.await.map_err(|_| gone())??)
    }

    /// Has every battle saved and let go of.
    pub(crate) async fn drain(&self) {
        for shard in self.0.iter() {
            let (told, tell) = oneshot::channel();
            // A shard that is gone holds nothing.
            if self.send(shard, Command::Drain(told)).await.is_ok() {
                let _ = tell.await;
            }
        }
    }

    /// A save under `epoch` came too late: forgets the battle, unless it is owned anew.
    pub(crate) async fn lost(&self, id: BattleId, epoch: u64, outcome: Outcome) {
        let visited = self
            .visit(id, move |battle, _| {
                if battle.epoch() != epoch {
                    return;
                }
                match outcome {
                    // Its account was deleted, as every player may.
                    Outcome::Gone => {
                        tracing::debug!(battle.id = %id, battle.epoch = epoch, "battle deleted");
                        battle.deleted();
                    }
                    Outcome::Saved | Outcome::Stale => {
                        tracing::warn!(battle.id = %id, battle.epoch = epoch, save.result = outcome.word(), "battle lost");
                        battle.let_go();
                    }
                }
            })
            .await;
        // Without shards there is nothing to forget.
        drop(visited);
    }

    async fn send(&self, shard: &mpsc::Sender<Command>, command: Command) -> Result<(), Fault> {
        if shard.capacity() == 0 {
            counter!("battle_shard_commands_full_total").increment(1);
        }
        shard.send(command).await.map_err(|_| gone())
    }

    fn of(&self, id: BattleId) -> &mpsc::Sender<Command> {
        // The last bytes of an id are random.
        let [.., a, b] = *id.as_bytes();
        &self.0[usize::from(u16::from_be_bytes([a, b])) % self.0.len()]
    }
}

impl Shard {
    fn new(number: usize, commands: mpsc::Receiver<Command>, context: Context) -> Self {
        Self {
            commands,
            context,
            battles: HashMap::new(),
            wheel: Wheel::new(Instant::now()),
            catching_up: VecDeque::new(),
            entries: 0,
            due: Vec::new(),
            events: Vec::new(),
            meters: Meters::of(number),
        }
    }

    async fn run(mut self, stop: Shutdown) {
        let stopped = stop.wait();
        tokio::pin!(stopped);
        loop {
            self.turn(Instant::now());
            self.meters.battles.set(self.battles.len() as f64);
            self.meters.catching_up.set(self.catching_up.len() as f64);
            if !self.catching_up.is_empty() {
                if let Ok(command) = self.commands.try_recv() {
                    self.handle(command);
                }
                self.catch_up();
                yield_now().await;
                continue;
            }
            let next = self.wheel.next();
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(command) => self.handle(command),
                    None => return,
                },
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
                () = &mut stopped => return,
            }
        }
    }

    /// Wakes every battle whose time has come.
    fn turn(&mut self, now: Instant) {
        let mut due = std::mem::take(&mut self.due);
        let late = self.wheel.turn(now, &mut due);
        if self.context.pace.standstill.is_some_and(|limit| late > limit) {
            return self.stood_still(late);
        }
        if !due.is_empty() {
            self.meters.lateness.record(late.as_secs_f64());
        }
        for (id, entry) in due.drain(..) {
            if let Some(resident) = self.battles.get_mut(&id).filter(|resident| resident.entry == entry) {
                resident.wakes_at = None;
                resident.battle.wake(now, &self.context, &mut self.events);
                self.settle(id);
            }
        }
        self.due = due;
    }

    /// While this process stood still others may have taken its battles over: it forgets them, and whoever watches
    /// asks again.
    fn stood_still(&mut self, late: Duration) {
        tracing::warn!(wheel.late = ?late, battles = self.battles.len(), "stood still, letting go of every battle");
        counter!("battle_standstills_total").increment(1);
        for (_, mut resident) in self.battles.drain() {
            resident.battle.let_go();
        }
        self.catching_up.clear();
        self.wheel = Wheel::new(Instant::now());
    }

    fn handle(&mut self, command: Command) {
        match command {
            Command::Visit(id, visit) => {
                let resident = self.battles.get_mut(&id);
                let with = Visit { now: Instant::now(), context: &self.context, events: &mut self.events };
                visit(resident.map(|resident| resident.battle.as_mut()), with);
                self.settle(id);
            }
            Command::Adopt(battle, told) => self.catching_up.push_back((battle, told)),
            Command::Drain(told) => {
                self.drain();
                // Who no longer waits doesn't have to be told.
                let _ = told.send(());
            }
        }
    }

    /// One slice of the battle that came first: were they to take turns, all would wait for the last.
    fn catch_up(&mut self) {
        let Some((mut battle, told)) = self.catching_up.pop_front() else { return };
        let adopted = match battle.catch_up(Instant::now(), &mut self.events) {
            Ok(false) => return self.catching_up.push_front((battle, told)),
            Ok(true) if battle.awaits_segment() => Ok(Some(battle)),
            Ok(true) => {
                self.take_in(battle);
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
    fn take_in(&mut self, mut battle: Box<Battle>) {
        let id = battle.id();
        match self.battles.get_mut(&id) {
            Some(resident) if resident.battle.epoch() >= battle.epoch() => return,
            Some(resident) => resident.battle.let_go(),
            None => {}
        }
        // It may have ended on the way, and nobody is to find it here then.
        battle.wake(Instant::now(), &self.context, &mut self.events);
        self.battles.insert(id, Resident { battle, entry: 0, wakes_at: None });
        self.settle(id);
    }

    /// After a battle did something: forgets it, or enters its next deadline.
    fn settle(&mut self, id: BattleId) {
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
            self.wheel.insert(at.max(Instant::now()), (id, self.entries));
        }
    }

    fn drain(&mut self) {
        let now = Instant::now();
        for (_, mut resident) in self.battles.drain() {
            resident.battle.release(now, &self.context.saver);
        }
        // What is still catching up has not been shown to anybody; its claimers learn that nobody answers.
        self.catching_up.clear();
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

fn gone() -> Fault {
    Fault::unavailable("shutting-down")
}
