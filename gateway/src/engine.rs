//! The transport library's view of us: it calls when a transport opens, speaks and closes.
//!
//! It calls from its read tasks, so everything here is quick and nothing waits: packets become entries of an inbox in
//! the order they came. The Socket.IO layer above Engine.IO is ours (see `docs/adr/0040`): the stock one handles events
//! out of order, has no data in a refused handshake, and no way to end a single transport.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engineioxide::config::EngineIoConfig;
use engineioxide::handler::EngineIoHandler;
use engineioxide::{DisconnectReason, Str, TransportType};
use service_kit::time::every;

use crate::connection::Connection;
use crate::delivery::{EngineSocket, Line, Place};
use crate::gateway::Gateway;
use crate::http::client_address;
use crate::inbox::inbox;
use crate::packet::{self, Incoming};
use crate::session::Session;
use crate::settings::Settings;

/// Messages above this close the transport.
const MESSAGE_BYTES: usize = 64 * 1024;

/// Packets the library may queue for one client. The outbox keeps far fewer in flight.
const QUEUE: usize = 8 * 1024;

/// How often clients are asked whether they live, and how long they may take to answer.
const PING_EVERY: Duration = Duration::from_secs(10);
const PONG_WITHIN: Duration = Duration::from_secs(20);

/// How often stuck connections are swept up, and how many sweeps in silence one survives: as long as a client that lives
/// may be silent.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
const SWEEPS: u32 = ((PING_EVERY.as_secs() + PONG_WITHIN.as_secs()) / SWEEP_EVERY.as_secs()) as u32;

/// How long an open transport may take to send its handshake.
const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);

/// What a client hears that asks for another namespace than the main one.
const NO_NAMESPACE: &str =
    r#"{"message":"Invalid namespace","data":{"code":"invalid_argument","message":"Invalid namespace"}}"#;

/// Our side of the transport library.
pub(crate) struct Handler {
    gateway: Arc<Gateway>,
}

impl Handler {
    /// Handles transports for `gateway`.
    pub(crate) fn new(gateway: Arc<Gateway>) -> Self {
        Self { gateway }
    }

    /// How the library is set up.
    pub(crate) fn config() -> EngineIoConfig {
        EngineIoConfig::builder()
            .req_path("/socket.io")
            .ping_interval(PING_EVERY)
            .ping_timeout(PONG_WITHIN)
            .max_buffer_size(QUEUE)
            .max_payload(MESSAGE_BYTES as u64)
            .ws_max_message_size(MESSAGE_BYTES)
            .ws_max_frame_size(MESSAGE_BYTES)
            .ws_read_buffer_size(1024)
            .build()
    }

    /// Begins a client's stay with its handshake. A second handshake on one transport is not answered.
    fn connect(&self, socket: &EngineSocket, auth: Option<&str>) {
        let Some(line) = socket.data.line.get() else { return };
        let Settings { limited, trusted_proxies, .. } = &self.gateway.settings;
        let (inbox, events, refuser) = inbox(line, *limited);
        if socket.data.inbox.set(inbox).is_err() {
            return;
        }
        line.greet();
        let address = if *limited { client_address(&socket.req_parts, trusted_proxies) } else { String::new() };
        let session = Session::new(Arc::clone(&self.gateway), Arc::clone(line), address, refuser);
        self.gateway.tasks.spawn("session", session.run(auth.map(str::to_owned), events));
    }

    fn hear(&self, text: &str, socket: &EngineSocket) {
        match Incoming::read(text) {
            Ok(Incoming::Connect(auth)) => self.connect(socket, auth),
            Ok(Incoming::Event(ack, array)) => match socket.data.inbox.get() {
                Some(inbox) => inbox.offer(ack, array),
                // No stock client speaks before its handshake.
                None => socket.close(DisconnectReason::PacketParsingError),
            },
            Ok(Incoming::Elsewhere(namespace)) => self.no_such_namespace(socket, namespace),
            Ok(Incoming::Ack) => {}
            Ok(Incoming::Disconnect) => socket.close(DisconnectReason::TransportClose),
            Err(packet::Malformed) => socket.close(DisconnectReason::PacketParsingError),
        }
    }

    fn no_such_namespace(&self, socket: &EngineSocket, namespace: &str) {
        let Some(line) = socket.data.line.get() else { return };
        let plain = namespace.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_".contains(&byte));
        if plain {
            line.packet(packet::connect_error(Some(namespace), NO_NAMESPACE));
        } else {
            socket.close(DisconnectReason::PacketParsingError);
        }
    }

    /// Takes the transport away from a client that never says who it is.
    fn expect_handshake(&self, line: &Arc<Line>) {
        let line = Arc::clone(line);
        self.gateway.tasks.spawn("handshake-wait", async move {
            tokio::select! {
                () = line.greeted() => {}
                () = line.closed() => {}
                () = tokio::time::sleep(HANDSHAKE_WAIT) => line.drop_transport().await,
            }
        });
    }
}

impl EngineIoHandler for Handler {
    type Data = Place;

    fn on_connect(self: Arc<Self>, socket: Arc<EngineSocket>) {
        let line = Line::new(&socket, Arc::clone(&self.gateway.texts), self.gateway.settings.outbox_bytes);
        if socket.transport_type() == TransportType::Websocket
            && let Some(connection) = socket.req_parts.extensions.get::<Arc<Connection>>()
        {
            line.over(connection);
        }
        // The library calls this once for each socket. Before anybody can find the line, and end it.
        _ = socket.data.line.set(Arc::clone(&line));
        self.gateway.lobby.enter(&line);
        self.expect_handshake(&line);
    }

    fn on_disconnect(&self, socket: Arc<EngineSocket>, _reason: DisconnectReason) {
        if let Some(line) = socket.data.line.get() {
            self.gateway.lobby.leave(line.id());
            line.lost();
        }
    }

    fn on_message(self: &Arc<Self>, message: Str, socket: Arc<EngineSocket>) {
        self.hear(&message, &socket);
    }

    /// Attachments: their event has been refused already, by its placeholders.
    fn on_binary(self: &Arc<Self>, _data: Bytes, _socket: Arc<EngineSocket>) {}
}

/// Breaks connections off that are stuck on clients who are gone.
pub(crate) async fn sweep(gateway: Arc<Gateway>) {
    let mut sweeps = every(SWEEP_EVERY);
    loop {
        sweeps.tick().await;
        gateway.lobby.lines().iter().for_each(|line| line.break_if_stuck(SWEEPS));
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").finish_non_exhaustive()
    }
}
