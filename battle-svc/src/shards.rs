//! The ways to the shards: who has something to do with a battle sends it to the shard that owns it.

use std::sync::Arc;

use metrics::counter;
use rules::Event;
use service_kit::{Fault, TaskGroup};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use vocab::BattleId;

use crate::battle::{Battle, Context};
use crate::chain::Broken;
use crate::record::{Loss, Owned};
use crate::shard::Shard;

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
pub(crate) type Visitor = Box<dyn FnOnce(Option<&mut Battle>, Visit<'_>) + Send>;

/// What a shard is asked for.
pub(crate) enum Command {
    /// To do something with a battle, or to learn that it isn't here.
    Visit(BattleId, Visitor),
    /// To take a battle in that was ours at a certain moment; says when it has caught up.
    Adopt(Box<Battle>, Instant, oneshot::Sender<Adopted>),
    /// To say what is in memory, and when it was surely ours.
    Owned(oneshot::Sender<Vec<(Instant, Owned)>>),
    /// These were ours at a certain moment.
    Confirmed(Vec<Owned>, Instant),
    /// To save and let go of everything.
    Drain(oneshot::Sender<()>),
}

/// What became of a battle that was to be taken in.
pub(crate) type Adopted = Result<Option<Box<Battle>>, Broken>;

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

    /// Takes a battle into memory that was ours at the moment `owned`; returns when it has caught up with its time, or
    /// gives it back where a segment has to be opened: nobody is to come to it before. Where that moment lies so far
    /// back that another may own it by now it isn't taken in: whoever looks for it claims it again.
    ///
    /// # Errors
    /// `unavailable` when the shards are gone, and what is broken about the battle.
    pub(crate) async fn adopt(&self, battle: Box<Battle>, owned: Instant) -> Result<Option<Box<Battle>>, Fault> {
        let (told, tell) = oneshot::channel();
        self.send(self.of(battle.id()), Command::Adopt(battle, owned, told)).await?;
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

    /// Every battle in memory, with the moment at which it was surely ours last.
    pub(crate) async fn owned(&self) -> Vec<(Instant, Owned)> {
        let mut all = Vec::new();
        for shard in self.0.iter() {
            let (told, tell) = oneshot::channel();
            // A shard that is gone holds nothing.
            if self.send(shard, Command::Owned(told)).await.is_ok() {
                all.extend(tell.await.unwrap_or_default());
            }
        }
        all
    }

    /// These were ours at the moment `asked`.
    pub(crate) async fn confirmed(&self, owned: Vec<Owned>, asked: Instant) {
        let mut of_shards: Vec<Vec<Owned>> = vec![Vec::new(); self.0.len()];
        for owned in owned {
            of_shards[self.place(owned.battle)].push(owned);
        }
        for (shard, owned) in self.0.iter().zip(of_shards).filter(|(_, owned)| !owned.is_empty()) {
            // A shard that is gone holds nothing.
            let _ = self.send(shard, Command::Confirmed(owned, asked)).await;
        }
    }

    /// What was ours under that epoch isn't any more: forgets the battle, unless it is owned anew.
    pub(crate) async fn lost(&self, Owned { battle: id, epoch }: Owned, loss: Loss) {
        let forget = move |battle: &mut Battle, _: Visit<'_>| {
            if battle.epoch() != epoch {
                return;
            }
            match loss {
                // Its account was deleted, as every player may.
                Loss::Gone => {
                    tracing::debug!(battle.id = %id, battle.epoch = epoch, "battle deleted");
                    battle.deleted();
                }
                Loss::Taken => {
                    tracing::warn!(battle.id = %id, battle.epoch = epoch, "battle lost");
                    battle.let_go();
                }
            }
        };
        // Without shards there is nothing to forget.
        drop(self.visit(id, forget).await);
    }

    async fn send(&self, shard: &mpsc::Sender<Command>, command: Command) -> Result<(), Fault> {
        if shard.capacity() == 0 {
            counter!("battle_shard_commands_full_total").increment(1);
        }
        shard.send(command).await.map_err(|_| gone())
    }

    fn of(&self, id: BattleId) -> &mpsc::Sender<Command> {
        &self.0[self.place(id)]
    }

    fn place(&self, id: BattleId) -> usize {
        // The last bytes of an id are random.
        let [.., a, b] = *id.as_bytes();
        usize::from(u16::from_be_bytes([a, b])) % self.0.len()
    }
}

fn gone() -> Fault {
    Fault::unavailable("shutting-down")
}
