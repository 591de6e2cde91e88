//! A player with a Socket.IO client of as few words as these stories need.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use parking_lot::Mutex;
use serde_json::{Value, json};
use service_kit::TaskGroup;
use testkit::eventually;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How long anything is waited for: longer than any recovery takes.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Player {
    pub(crate) token: String,
    out: Arc<tokio::sync::Mutex<SplitSink<Socket, Message>>>,
    ears: Arc<Ears>,
}

#[derive(Default)]
struct Ears {
    heard: Mutex<Vec<(String, Value)>>,
    answers: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
}

impl Player {
    pub(crate) async fn connect(gateway: SocketAddr, token: Option<&str>, tasks: &TaskGroup) -> Self {
        let url = format!("ws://{gateway}/socket.io/?EIO=4&transport=websocket");
        let (socket, _) = connect_async(url).await.unwrap();
        let (mut out, ears_in) = socket.split();
        let auth = json!({ "token": token, "lang": "en" });
        let auth = if token.is_some() { auth } else { json!({ "lang": "en" }) };
        out.send(Message::text(format!("40{auth}"))).await.unwrap();
        let (out, ears) = (Arc::new(tokio::sync::Mutex::new(out)), Arc::new(Ears::default()));
        tasks.spawn("player", listen(ears_in, Arc::clone(&out), Arc::clone(&ears)));
        Self { token: token.unwrap_or_default().to_owned(), out, ears }
    }

    pub(crate) async fn sign_up(&mut self, username: &str, character: &str) {
        let form = json!({ "username": username, "password": "correct horse", "character": character });
        let session = self.ask("auth:signup", form).await.unwrap();
        self.token = session["token"].as_str().unwrap().to_owned();
        self.hears("session:ready", |_| true).await;
    }

    pub(crate) async fn fight(&self) {
        self.ask("battle:auto", json!({ "dungeon": "1", "onDeath": "revive" })).await.unwrap();
        self.hears("battle:frame", |_| true).await;
    }

    /// Hangs up.
    pub(crate) async fn hang_up(&self) {
        self.out.lock().await.close().await.unwrap();
    }

    /// The room it is in.
    pub(crate) async fn room(&self) -> Value {
        self.hears("session:ready", |_| true).await["chat"]["room"].clone()
    }

    /// The result of an event, or the code of its refusal.
    pub(crate) async fn ask(&self, event: &str, payload: Value) -> Result<Value, String> {
        let (answer, answered) = oneshot::channel();
        let number = {
            let mut answers = self.ears.answers.lock();
            let number = answers.len() as u64 + 1;
            answers.insert(number, answer);
            number
        };
        let packet = format!("42{number}{}", json!([event, payload]));
        self.out.lock().await.send(Message::text(packet)).await.map_err(|gone| gone.to_string())?;
        let answer = tokio::time::timeout(PATIENCE, answered).await.expect("every event is answered").unwrap();
        let answer = &answer[0];
        if answer["ok"] == true {
            Ok(answer.clone())
        } else {
            Err(answer["error"]["code"].as_str().unwrap_or_default().to_owned())
        }
    }

    /// What it was told under this name, so far.
    pub(crate) fn heard(&self, event: &str) -> Vec<Value> {
        let heard = self.ears.heard.lock();
        heard.iter().filter(|(name, _)| name == event).map(|(_, value)| value.clone()).collect()
    }

    /// Waits until it was told something of this name and kind.
    pub(crate) async fn hears(&self, event: &str, kind: impl Fn(&Value) -> bool) -> Value {
        self.hears_within(PATIENCE, event, kind).await
    }

    /// The same for what takes longer.
    pub(crate) async fn hears_within(&self, patience: Duration, event: &str, kind: impl Fn(&Value) -> bool) -> Value {
        let what = format!("{event} is heard");
        eventually(&what, patience, || async {
            let heard = self.heard(event);
            heard.iter().find(|value| kind(value)).cloned().ok_or(heard)
        })
        .await
    }
}

async fn listen(
    mut socket: SplitStream<Socket>,
    out: Arc<tokio::sync::Mutex<SplitSink<Socket, Message>>>,
    ears: Arc<Ears>,
) {
    while let Some(Ok(message)) = socket.next().await {
        let Ok(text) = message.to_text() else { continue };
        if text == "2" {
            _ = out.lock().await.send(Message::text("3")).await;
        } else if let Some(event) = text.strip_prefix("42") {
            let event: Value = serde_json::from_str(event).unwrap();
            ears.heard.lock().push((event[0].as_str().unwrap().to_owned(), event[1].clone()));
        } else if let Some(answer) = text.strip_prefix("43") {
            let end = answer.find('[').unwrap();
            // Answers stay counted: their numbers are never used again.
            let (gone, _) = oneshot::channel();
            let waiting = ears.answers.lock().insert(answer[..end].parse().unwrap(), gone);
            _ = waiting.unwrap().send(serde_json::from_str(&answer[end..]).unwrap());
        }
    }
}
