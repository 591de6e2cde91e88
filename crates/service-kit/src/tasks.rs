//! Every task has an owner: a [`TaskGroup`] that knows how many live, says when one panicked, and ends them.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use metrics::Counter;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};

use crate::telemetry::GaugeGuard;
use crate::{Fault, Gate, Shutdown, trace};

/// The owner of tasks. Clones are the same group.
#[derive(Debug, Clone)]
pub struct TaskGroup {
    tracker: TaskTracker,
    stop: Shutdown,
    /// Ends what did not end by itself when it was asked to.
    kill: CancellationToken,
    /// Begins when a vital task is gone.
    fallen: Shutdown,
    /// Through which every task runs, where a test may have them stand still.
    gate: Option<Gate>,
}

/// These many tasks did not end when asked, and were dropped where they stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{left} tasks did not end in time")]
pub struct Unfinished {
    /// How many.
    pub left: usize,
}

impl Default for TaskGroup {
    fn default() -> Self {
        Self::new()
    }
}

impl TaskGroup {
    /// A group without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tracker: TaskTracker::new(),
            stop: Shutdown::new(),
            kill: CancellationToken::new(),
            fallen: Shutdown::new(),
            gate: None,
        }
    }

    /// A group whose tasks run only while `gate` is open.
    #[must_use]
    pub fn gated(gate: Gate) -> Self {
        Self { gate: Some(gate), ..Self::new() }
    }

    /// Starts a task. It should end soon after [`stopping`](Self::stopping) begins; a panic is counted and ends this
    /// task alone.
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.start(name, tracing::info_span!("task", task.name = name), work);
    }

    /// Starts a task that outlives whoever happened to need it first, and serves others as well: its lines in the log
    /// aren't theirs.
    pub fn spawn_apart(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.start(name, tracing::info_span!(parent: None, "task", task.name = name), work);
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that starts tasks")]
    fn start(&self, name: &'static str, span: Span, work: impl Future<Output = ()> + Send + 'static) {
        let alive = GaugeGuard::new(metrics::gauge!("tasks_alive", "task" => name));
        // There from the start, at 0: an increase can only be seen of what was there before.
        panics(name).increment(0);
        // Boxed once: every wrapper below would else carry a copy of its own for as long as the task lives.
        let work: BoxFuture<'static, ()> = match &self.gate {
            Some(gate) => Box::pin(gate.guard(work)),
            None => Box::pin(work),
        };
        let body = self.kill.clone().run_until_cancelled_owned(guarded(name, work));
        // The tracker's own future wraps the body, so that the group also counts tasks not yet polled.
        tokio::spawn(
            self.tracker.track_future(
                async move {
                    body.await;
                    drop(alive);
                }
                .instrument(span),
            ),
        );
    }

    /// Starts a task the program cannot do without: when it is gone before the group stops, [`fallen`](Self::fallen)
    /// begins.
    pub fn spawn_vital(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let (stop, fallen) = (self.stop.clone(), self.fallen.clone());
        self.spawn(name, async move {
            guarded(name, work).await;
            if !stop.begun() {
                tracing::error!(task.name = name, "vital task ended");
                fallen.begin();
            }
        });
    }

    /// Carries out `work` to its end even if the caller is dropped, and gives its answer to a caller that waits.
    ///
    /// # Errors
    /// `internal` when `work` panicked, `unavailable` when the group was ended under it.
    pub async fn carry_out<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, answered) = oneshot::channel();
        let work = trace::carried(work);
        self.spawn(name, async move {
            // A caller that left gets no answer; that the work is done is all it was promised.
            let _ = answer.send(work.await);
        });
        answered.await.map_err(|_dropped| match self.kill.is_cancelled() {
            true => Fault::unavailable("shutting-down"),
            false => Fault::internal(format!("task {name} panicked")),
        })
    }

    /// The switch that tells this group's tasks to end.
    #[must_use]
    pub fn stopping(&self) -> Shutdown {
        self.stop.clone()
    }

    /// Begins when a vital task is gone: a program should drain and leave.
    #[must_use]
    pub fn fallen(&self) -> Shutdown {
        self.fallen.clone()
    }

    /// How many tasks live.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tracker.len()
    }

    /// Whether none lives.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tracker.is_empty()
    }

    /// Asks every task to end and waits for it, at most `grace`; then drops those that are left.
    ///
    /// # Errors
    /// `Unfinished` with the number that had to be dropped.
    pub async fn end(&self, grace: Duration) -> Result<(), Unfinished> {
        self.stop.begin();
        self.tracker.close();
        if tokio::time::timeout(grace, self.tracker.wait()).await.is_ok() {
            return Ok(());
        }
        let left = self.tracker.len();
        self.kill().await;
        Err(Unfinished { left })
    }

    /// Drops every task where it stands, unasked, as the end of a process does.
    pub async fn kill(&self) {
        self.tracker.close();
        self.kill.cancel();
        self.tracker.wait().await;
    }
}

/// Runs `work`; a panic ends here. The panic hook has already said what and where.
async fn guarded(name: &'static str, work: impl Future<Output = ()>) {
    if AssertUnwindSafe(work).catch_unwind().await.is_err() {
        panics(name).increment(1);
    }
}

fn panics(name: &'static str) -> Counter {
    metrics::counter!("tasks_panicked_total", "task" => name)
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::registry::LookupSpan;

    use super::*;
    use crate::FaultKind;

    const GRACE: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn polite_tasks_end_when_asked() {
        let group = TaskGroup::new();
        group.spawn("polite", group.stopping().wait());
        assert_eq!(group.len(), 1);
        assert_eq!(group.end(GRACE).await, Ok(()));
        assert!(group.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_others_are_dropped_after_the_grace() {
        let group = TaskGroup::new();
        let (guard, dropped) = oneshot::channel::<()>();
        group.spawn("deaf", async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        });
        assert_eq!(group.end(GRACE).await, Err(Unfinished { left: 1 }));
        assert!(dropped.await.is_err(), "what the task held is released");
    }

    #[tokio::test(start_paused = true)]
    async fn behind_a_closed_gate_nothing_moves_but_time() {
        let gate = Gate::default();
        let group = TaskGroup::gated(gate.clone());
        let (told, mut heard) = tokio::sync::mpsc::channel(8);
        group.spawn("clock", async move {
            loop {
                tokio::time::sleep(GRACE).await;
                told.send(tokio::time::Instant::now()).await.ok();
            }
        });
        let start = tokio::time::Instant::now();
        assert_eq!(heard.recv().await, Some(start + GRACE));
        gate.close();
        tokio::time::sleep(GRACE * 10).await;
        assert!(heard.try_recv().is_err());
        gate.open();
        assert_eq!(heard.recv().await, Some(start + GRACE * 11), "what fell due is found at once");
        gate.close();
        group.kill().await;
        assert!(heard.recv().await.is_none(), "what stands still can be killed");
    }

    #[tokio::test]
    async fn a_task_apart_is_in_nobodys_span() {
        let _log = tracing::subscriber::set_default(tracing_subscriber::registry());
        let group = TaskGroup::new();
        let (told, mut heard) = tokio::sync::mpsc::channel(2);
        let tell = |name| {
            let told = told.clone();
            async move { told.send((name, spans_around())).await.unwrap() }
        };
        tracing::info_span!("event").in_scope(|| {
            group.spawn("its own", tell("its own"));
            group.spawn_apart("apart", tell("apart"));
        });
        let mut tasks = [heard.recv().await.unwrap(), heard.recv().await.unwrap()];
        tasks.sort_unstable();
        assert_eq!(tasks, [("apart", 1), ("its own", 2)]);
    }

    fn spans_around() -> usize {
        let count = |(id, log): (&tracing::Id, &tracing::Dispatch)| {
            let spans = log.downcast_ref::<tracing_subscriber::Registry>().unwrap();
            spans.span(id).unwrap().scope().count()
        };
        Span::current().with_subscriber(count).unwrap()
    }

    #[tokio::test]
    async fn a_panic_ends_one_task_alone() {
        let group = TaskGroup::new();
        group.spawn("clumsy", async { panic!("oh") });
        assert_eq!(group.carry_out("steady", async { 7 }).await.unwrap(), 7);
        assert_eq!(group.end(GRACE).await, Ok(()));
        assert!(!group.fallen().begun());
    }

    #[tokio::test]
    async fn a_vital_task_that_is_gone_is_noticed_but_not_when_stopping() {
        let group = TaskGroup::new();
        group.spawn_vital("wheel", async { panic!("oh") });
        group.fallen().wait().await;

        let other = TaskGroup::new();
        other.spawn_vital("wheel", other.stopping().wait());
        assert_eq!(other.end(GRACE).await, Ok(()));
        assert!(!other.fallen().begun());
    }

    #[tokio::test]
    async fn work_is_carried_out_although_the_caller_left() {
        let group = TaskGroup::new();
        let (go, gone) = oneshot::channel::<()>();
        let (done, finished) = oneshot::channel();
        let work = async move {
            gone.await.ok();
            done.send("done").ok();
        };
        let caller = tokio::time::timeout(Duration::from_millis(1), group.carry_out("write", work)).await;
        assert!(caller.is_err(), "the caller gave up");
        go.send(()).unwrap();
        assert_eq!(finished.await, Ok("done"));
    }

    #[tokio::test]
    async fn a_panic_in_work_is_a_fault_of_ours() {
        let group = TaskGroup::new();
        let answer = group.carry_out("write", async { assert_eq!(1, 2) }).await;
        assert_eq!(answer.unwrap_err().kind(), FaultKind::Internal);
    }
}
