//! The network between the parties: every call and every piece of a stream crosses it, and may be late, lost, or held up
//! by a cut. What has been sent is carried on even if its sender has stopped waiting.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use parking_lot::Mutex;
use service_kit::grpc::{GrpcService, in_process};
use service_kit::{Gate, TaskGroup};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tonic::Status;
use tonic::body::Body;
use tower::{ServiceExt, service_fn};

use crate::dice::Dice;
use crate::latch::Latch;

/// How long a stream whose other end doesn't answer is believed: what HTTP/2's keepalive of the house comes to.
const KEEPALIVE: u32 = 7;

/// No message arrives later than that.
const LATEST: Duration = Duration::from_secs(20);

/// Pieces of a stream under way at once.
const PIECES: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Party {
    Store,
    Redis,
    Instance(usize),
    Gateway(usize),
}

/// The network. Clones are the same.
#[derive(Clone)]
pub(crate) struct Net(Arc<Inner>);

struct Inner {
    dice: Dice,
    carriers: TaskGroup,
    weather: Latch<Weather>,
    /// When the last message of one party to another arrives.
    lines: Mutex<BTreeMap<(Party, Party), Instant>>,
    hosts: Mutex<BTreeMap<String, Host>>,
}

/// What is wrong at the moment.
#[derive(Default)]
struct Weather {
    /// Pairs that don't reach each other, and how many faults say so.
    cut: BTreeMap<(Party, Party), u32>,
    /// How many faults lose messages.
    lossy: u32,
    /// How many faults hold messages up.
    slow: u32,
}

/// Who answers at an address.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) party: Party,
    /// Its requests are served here, so that they freeze and die with the process.
    pub(crate) tasks: TaskGroup,
    pub(crate) gate: Gate,
    pub(crate) server: GrpcService,
}

/// What a server answers with.
enum Served {
    Whole(Response<Body>),
    Stream(http::response::Parts, mpsc::Receiver<Piece>),
}

type Piece = Result<Frame<Bytes>, Status>;

impl Net {
    pub(crate) fn new(dice: Dice, carriers: TaskGroup) -> Self {
        let (weather, lines, hosts) = (Latch::default(), Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { dice, carriers, weather, lines, hosts }))
    }

    /// Answers at an address from now on.
    pub(crate) fn listen(&self, address: &str, host: Host) {
        self.0.hosts.lock().insert(address.to_owned(), host);
    }

    /// Nobody answers there any more.
    pub(crate) fn close(&self, address: &str) {
        self.0.hosts.lock().remove(address);
    }

    /// Runs work beside the parties.
    pub(crate) fn carrier(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.carriers.spawn("carrier", work);
    }

    pub(crate) fn cut(&self, a: Party, b: Party) {
        self.0.weather.change(|weather| *weather.cut.entry(pair(a, b)).or_default() += 1);
    }

    pub(crate) fn mend(&self, a: Party, b: Party) {
        self.0.weather.change(|weather| turn(weather.cut.entry(pair(a, b)).or_default(), false));
    }

    pub(crate) fn lossy(&self, on: bool) {
        self.0.weather.change(|weather| turn(&mut weather.lossy, on));
    }

    pub(crate) fn slow(&self, on: bool) {
        self.0.weather.change(|weather| turn(&mut weather.slow, on));
    }

    /// One party's way to an address.
    pub(crate) fn way(&self, from: Party, to: &str) -> GrpcService {
        let (net, to) = (self.clone(), to.to_owned());
        in_process(service_fn(move |request| net.clone().call(from, to.clone(), request)))
    }

    /// Carries one message; `false` when it never arrives.
    pub(crate) async fn carry(&self, from: Party, to: Party) -> bool {
        let (lost, sent) = (self.is_lost(), Instant::now());
        sleep_until(self.arrival(from, to)).await;
        if self.is_cut(from, to) && self.0.dice.percent(50) {
            return false;
        }
        // What a cut holds up for longer is lost with its connection.
        let passes = timeout_at(sent + LATEST, self.passable(from, to)).await.is_ok();
        passes && !lost
    }

    /// When a message sent now arrives. Between two processes there is one connection, on which none overtakes another;
    /// the store and Redis are reached by several.
    fn arrival(&self, from: Party, to: Party) -> Instant {
        let arrival = Instant::now() + self.delay();
        if [from, to].iter().any(|party| matches!(party, Party::Store | Party::Redis)) {
            return arrival;
        }
        let mut lines = self.0.lines.lock();
        let last = lines.get(&(from, to)).map_or(arrival, |last| arrival.max(*last + Duration::from_millis(1)));
        lines.insert((from, to), last);
        last
    }

    async fn call(self, from: Party, to: String, request: Request<Body>) -> Result<Response<Body>, Status> {
        let (answer, mut answered) = oneshot::channel();
        let net = self.clone();
        self.carrier(async move { net.deliver(from, &to, request, answer).await });
        match (&mut answered).await {
            Ok(answer) => answer,
            // Lost on the way: nothing ever comes, and it is the caller's deadline that ends this.
            Err(_lost) => std::future::pending().await,
        }
    }

    async fn deliver(
        &self,
        from: Party,
        address: &str,
        request: Request<Body>,
        mut answer: oneshot::Sender<Result<Response<Body>, Status>>,
    ) {
        let to = party(address);
        if !self.carry(from, to).await {
            return;
        }
        let host = self.0.hosts.lock().get(address).cloned();
        let Some(host) = host else {
            let _ = answer.send(Err(Status::unavailable("connection refused")));
            return;
        };
        let (served, mut done) = oneshot::channel();
        let (stay, gone) = oneshot::channel::<()>();
        host.tasks.spawn("serve", serve(host.server.clone(), request, served, gone));
        // A caller that leaves has its call ended over there, but not always in time.
        let tells = self.0.dice.percent(50);
        let served = tokio::select! {
            biased;
            served = &mut done => served,
            () = answer.closed(), if tells => {
                self.carry(from, to).await;
                drop(stay);
                return;
            }
        };
        if !self.carry(to, from).await {
            return;
        }
        match served {
            Err(_dead) => drop(answer.send(Err(Status::unavailable("connection broke")))),
            Ok(Err(refused)) => drop(answer.send(Err(refused))),
            Ok(Ok(Served::Whole(response))) => drop(answer.send(Ok(response))),
            Ok(Ok(Served::Stream(parts, pieces))) => {
                let (sender, mut heard) = mpsc::channel(PIECES);
                let body = futures::stream::poll_fn(move |cx| heard.poll_recv(cx));
                let response = Response::from_parts(parts, Body::new(StreamBody::new(body)));
                if answer.send(Ok(response)).is_ok() {
                    self.stream(&host, from, pieces, sender).await;
                }
            }
        }
    }

    /// Carries the pieces of a stream in their order, until either end is gone or silent for too long.
    async fn stream(&self, host: &Host, to: Party, mut pieces: mpsc::Receiver<Piece>, sender: mpsc::Sender<Piece>) {
        let silent = self.silence(host, to);
        tokio::pin!(silent);
        loop {
            let piece = tokio::select! {
                biased;
                () = sender.closed() => return,
                () = &mut silent => break,
                piece = pieces.recv() => piece,
            };
            let arrives = async {
                sleep(self.delay()).await;
                self.passable(host.party, to).await;
            };
            tokio::select! {
                biased;
                () = &mut silent => break,
                () = arrives => {}
            }
            let Some(piece) = piece else { break };
            let last = piece.as_ref().is_ok_and(Frame::is_trailers);
            if sender.send(piece).await.is_err() || last {
                return;
            }
        }
        let _ = sender.send(Err(Status::unknown("error reading a body from connection"))).await;
    }

    /// Ends when the other end hasn't answered for as long as the keepalive waits.
    async fn silence(&self, host: &Host, to: Party) {
        let mut quiet = 0;
        while quiet < KEEPALIVE {
            sleep(Duration::from_secs(1)).await;
            let answers = !host.gate.is_closed() && !self.is_cut(host.party, to);
            quiet = if answers { 0 } else { quiet + 1 };
        }
    }

    async fn passable(&self, a: Party, b: Party) {
        self.0.weather.wait(|weather| (!weather.is_cut(a, b)).then_some(())).await;
    }

    fn is_cut(&self, a: Party, b: Party) -> bool {
        self.0.weather.see(|weather| weather.is_cut(a, b))
    }

    fn is_lost(&self) -> bool {
        self.0.weather.see(|weather| weather.lossy > 0) && self.0.dice.percent(8)
    }

    fn delay(&self) -> Duration {
        let dice = &self.0.dice;
        if self.0.weather.see(|weather| weather.slow > 0) && dice.percent(25) {
            return dice.ms(500, 12_000);
        }
        if dice.percent(3) { dice.ms(20, 400) } else { dice.ms(1, 4) }
    }
}

impl Weather {
    fn is_cut(&self, a: Party, b: Party) -> bool {
        self.cut.get(&pair(a, b)).is_some_and(|count| *count > 0)
    }
}

fn pair(a: Party, b: Party) -> (Party, Party) {
    (a.min(b), a.max(b))
}

fn turn(count: &mut u32, on: bool) {
    *count = if on { *count + 1 } else { count.saturating_sub(1) };
}

/// Whose address that is: `http://battle-2:1` is the first process in place 2.
fn party(address: &str) -> Party {
    let place = address.strip_prefix("http://battle-").and_then(|rest| rest.split(':').next()?.parse().ok());
    place.map_or(Party::Store, Party::Instance)
}

async fn serve(
    server: GrpcService,
    request: Request<Body>,
    served: oneshot::Sender<Result<Served, Status>>,
    gone: oneshot::Receiver<()>,
) {
    let streams = request.uri().path().ends_with("/Feed") || request.uri().path().ends_with("/WatchBattle");
    let response = tokio::select! {
        biased;
        response = server.oneshot(request) => response,
        _ = gone => return,
    };
    match response {
        Ok(response) if streams => {
            let (parts, body) = response.into_parts();
            let (sender, pieces) = mpsc::channel(PIECES);
            if served.send(Ok(Served::Stream(parts, pieces))).is_ok() {
                pump(body, sender).await;
            }
        }
        Ok(response) => drop(served.send(Ok(Served::Whole(response)))),
        Err(status) => drop(served.send(Err(status))),
    }
}

/// Makes the pieces of a stream where its server runs.
async fn pump(mut body: Body, sender: mpsc::Sender<Piece>) {
    loop {
        let piece = tokio::select! {
            biased;
            () = sender.closed() => return,
            piece = body.frame() => piece,
        };
        let Some(piece) = piece else { return };
        if sender.send(piece).await.is_err() {
            return;
        }
    }
}
