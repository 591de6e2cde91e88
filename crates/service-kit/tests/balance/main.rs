//! One client over several servers that die, freeze, start and stop under it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod wire;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use service_kit::grpc::{Channels, GrpcService};
use service_kit::settings::PeerUrls;
use service_kit::telemetry::Metrics;
use service_kit::{FaultKind, Readiness, TaskGroup, trace};
use tokio::net::TcpListener;

use crate::wire::Wire;
use crate::worker::{DO, READ, TRACE, Worker, ask, free_port};

/// What a client may wait for a server to be noticed: the check's interval and patience, and a slow machine.
const NOTICED: Duration = Duration::from_secs(10);

const METHODS: &[(&str, bool)] = &[(DO, false), (READ, true), (TRACE, true)];

struct House {
    client: GrpcService,
    readiness: Readiness,
    _tasks: TaskGroup,
}

impl House {
    fn over(urls: &[String]) -> Self {
        let (readiness, tasks) = (Readiness::new(), TaskGroup::new());
        let channels = Channels::default().methods(METHODS).reporting(readiness.clone());
        let client = channels.any_of("worker", &PeerUrls::parse(&urls.join(",")).unwrap(), &tasks).unwrap();
        Self { client, readiness, _tasks: tasks }
    }

    async fn ask(&self, method: &'static str) -> Result<String, FaultKind> {
        ask(&self.client, method).await.map_err(|fault| fault.kind())
    }

    /// Waits until this one gets calls.
    async fn hears(&self, name: &str) {
        until(name, || async { self.answers(2).await.iter().any(|other| other == name) }).await;
    }

    /// Waits until this one gets all calls.
    async fn hears_only(&self, name: &str) {
        until(name, || async { self.answers(20).await.iter().all(|other| other == name) }).await;
    }

    async fn answers(&self, calls: usize) -> Vec<String> {
        let mut names = Vec::new();
        for _ in 0..calls {
            names.push(self.ask(DO).await.unwrap());
        }
        names
    }
}

/// Waits until it is so.
async fn until<F: Future<Output = bool>>(what: &str, look: impl Fn() -> F) {
    testkit::eventually(what, NOTICED, || async { look().await.then_some(()).ok_or("not yet") }).await;
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

#[tokio::test]
async fn calls_are_shared_out_and_each_is_carried_out_once() {
    let (a, b) = (Worker::start("a").await, Worker::start("b").await);
    let house = House::over(&[a.url(), b.url()]);
    house.hears("b").await;
    let before = a.done() + b.done();
    let names = house.answers(100).await;
    for name in ["a", "b"] {
        let share = names.iter().filter(|other| *other == name).count();
        assert!((40..=60).contains(&share), "{name} got {share}");
    }
    assert_eq!(a.done() + b.done(), before + 100);
}

#[tokio::test]
async fn one_of_two_that_is_dead_fails_no_call() {
    let (dead, alive) = (free_port().await, Worker::start("alive").await);
    let house = House::over(&[url(dead), alive.url()]);
    house.answers(100).await;
    assert_eq!(alive.done(), 100);
    assert!(house.readiness.report().dependencies["worker"].is_none());
}

#[tokio::test]
async fn one_that_stops_under_calls_fails_none_of_them() {
    let (a, b) = (Worker::start("a").await, Worker::start("b").await);
    let house = House::over(&[a.url(), b.url()]);
    house.hears("a").await;
    a.stop().await;
    assert!(house.answers(100).await.iter().all(|name| name == "b"));
}

#[tokio::test]
async fn one_that_freezes_is_left_out_and_calls_that_may_be_repeated_are() {
    let (frozen, alive) = (Worker::start("frozen").await, Worker::start("alive").await);
    let wire = Wire::to(frozen.address()).await;
    let house = House::over(&[wire.url(), alive.url()]);
    house.hears("frozen").await;
    wire.freeze();
    let calls = (0..20).map(|_| house.ask(READ));
    let answers = tokio::time::timeout(NOTICED, futures::future::join_all(calls)).await.unwrap();
    assert!(answers.iter().all(|answer| answer.as_deref() == Ok("alive")), "{answers:?}");
    assert!(house.answers(20).await.iter().all(|name| name == "alive"), "it gets no more calls");
}

#[tokio::test]
async fn one_that_accepts_and_never_answers_gets_no_call() {
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let alive = Worker::start("alive").await;
    let house = House::over(&[url(mute.local_addr().unwrap().port()), alive.url()]);
    house.answers(50).await;
    assert_eq!(alive.done(), 50);
}

#[tokio::test]
async fn one_that_comes_back_is_used_again() {
    let (a, b) = (Worker::start("a").await, Worker::start("b").await);
    let house = House::over(&[a.url(), b.url()]);
    let port = a.address().port();
    a.stop().await;
    house.answers(10).await;
    let _again = Worker::start_on("again", port).await;
    house.hears("again").await;
}

#[tokio::test]
async fn one_that_is_back_answers_before_a_check_has_found_it() {
    let port = free_port().await;
    let house = House::over(&[url(port)]);
    assert_eq!(house.ask(READ).await, Err(FaultKind::Unavailable));
    let _back = Worker::start_on("back", port).await;
    assert_eq!(house.ask(READ).await.as_deref(), Ok("back"));
}

#[tokio::test]
async fn one_that_wants_no_work_gets_none_while_another_does() {
    let (a, b) = (Worker::start("a").await, Worker::start("b").await);
    let house = House::over(&[a.url(), b.url()]);
    a.readiness.drain();
    house.hears_only("b").await;
    b.readiness.drain();
    until("that is told", || async { house.readiness.report().dependencies["worker"].is_some() }).await;
    house.answers(2).await;
}

#[tokio::test]
async fn a_name_stands_for_every_address_behind_it() {
    let worker = Worker::start("named").await;
    let house = House::over(&[format!("dns://localhost:{}", worker.address().port())]);
    assert_eq!(house.answers(10).await, vec!["named"; 10]);
    // No resolver has to be asked to know that there is no such name.
    let nowhere = House::over(&["dns://no..name:1".into()]);
    assert_eq!(nowhere.ask(DO).await, Err(FaultKind::Unavailable));
}

#[tokio::test]
async fn with_nobody_there_a_call_is_unavailable_at_once() {
    let house = House::over(&[url(free_port().await), url(free_port().await)]);
    assert_eq!(house.ask(READ).await, Err(FaultKind::Unavailable));
    assert!(house.readiness.report().dependencies["worker"].is_some());
}

#[tokio::test]
async fn operators_see_how_the_addresses_stand() {
    let (metrics, worker, tasks) = (Metrics::install(), Worker::start("a").await, TaskGroup::new());
    let urls = PeerUrls::parse(&format!("{},{}", url(free_port().await), worker.url())).unwrap();
    let _client = Channels::default().any_of("seen", &urls, &tasks).unwrap();
    for line in [r#"grpc_peers{service="seen",state="away"} 1"#, r#"grpc_peers{service="seen",state="serving"} 1"#] {
        until(line, || async { metrics.render().contains(line) }).await;
    }
    assert!(metrics.render().contains(r#"dependency_up{dependency="seen"} 1"#));
}

#[tokio::test]
async fn what_may_have_been_carried_out_is_repeated_only_where_that_changes_nothing() {
    for (method, expected) in [(DO, Err(FaultKind::Unavailable)), (READ, Ok("b".to_owned()))] {
        let (a, b) = (Worker::start("a").await, Worker::start("b").await);
        let wire = Wire::to(a.address()).await;
        let house = House::over(&[wire.url(), b.url()]);
        house.hears("a").await;
        b.readiness.drain();
        house.hears_only("a").await;
        a.hold();
        let (before, other) = (a.done(), b.done());
        let cut = async {
            until("it is carried out", || async { a.done() > before }).await;
            wire.cut();
        };
        let (answer, ()) = futures::future::join(house.ask(method), cut).await;
        assert_eq!(answer, expected);
        assert_eq!(b.done() - other, usize::from(expected.is_ok()));
    }
}

#[tokio::test]
async fn nobodys_silence_hides_what_another_said() {
    let (speaker, gone) = (Worker::start("speaker").await, Worker::start("gone").await);
    let house = House::over(&[speaker.url(), gone.url()]);
    gone.stop().await;
    house.hears_only("speaker").await;
    speaker.refuse();
    let before = speaker.done();
    let fault = ask(&house.client, READ).await.unwrap_err();
    assert_eq!((fault.kind(), fault.because()), (FaultKind::Unavailable, Some("worker")));
    assert_eq!(speaker.done() - before, 1, "nor is it asked twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_replacement_loses_no_call() {
    let old = [Worker::start("old-1").await, Worker::start("old-2").await];
    let spare = [free_port().await, free_port().await];
    let urls = [old[0].url(), old[1].url(), url(spare[0]), url(spare[1])];
    let house = Arc::new(House::over(&urls));
    let (callers, over) = (TaskGroup::new(), Arc::new(AtomicBool::new(false)));
    let made: Vec<_> = (0..8)
        .map(|_| {
            let (house, over, callers) = (Arc::clone(&house), Arc::clone(&over), callers.clone());
            async move {
                let calls = async move {
                    let mut made = 0;
                    while !over.load(Ordering::Relaxed) {
                        house.ask(DO).await.expect("no call is lost");
                        made += 1;
                    }
                    made
                };
                callers.carry_out("caller", calls).await.unwrap()
            }
        })
        .collect();
    let replacing = async {
        let mut done = 0;
        let mut new = Vec::new();
        for (number, (old, port)) in old.into_iter().zip(spare).enumerate() {
            let worker = Worker::start_on(["new-1", "new-2"][number], port).await;
            until("both work", || async { worker.done() > 0 && old.done() > 0 }).await;
            done += old.stop().await;
            new.push(worker);
        }
        over.store(true, Ordering::Relaxed);
        (done, new)
    };
    let (made, (done, new)) = futures::future::join(futures::future::join_all(made), replacing).await;
    let made: usize = made.into_iter().sum();
    assert_eq!(done + new.iter().map(Worker::done).sum::<usize>(), made, "each call was carried out once");
}

#[tokio::test]
async fn a_call_takes_its_trace_along() {
    let worker = Worker::start("a").await;
    let house = House::over(&[worker.url()]);
    let (here, there) = trace::event("chat:send", async {
        (trace::Trace::current().unwrap().to_string(), house.ask(TRACE).await.unwrap())
    })
    .await;
    assert_eq!(here, there);
    assert_ne!(house.ask(TRACE).await.unwrap(), there, "outside, each call begins one");
}
