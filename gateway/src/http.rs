//! What the gateway's listener answers over HTTP: the page, and everything under `/socket.io/`.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Html;
use axum::routing::get;
use engineioxide::service::EngineIoService;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, ORIGIN, SEC_WEBSOCKET_KEY,
    VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use tower::{Service, ServiceExt};

use crate::connection::Connection;
use crate::delivery::Line;
use crate::engine::Handler;
use crate::gateway::Gateway;
use crate::lobby::Lobby;
use crate::settings::Origins;

const PAGE: &str = include_str!("page.html");

/// The protocol for programs that read protocols.
const PROTOCOL: &str = include_str!("../../docs/asyncapi.yaml");

/// The part of an IPv6 address that names a network of hosts (RFC 4291, section 2.5.1).
const SUBNET: u128 = !0 << 64;

/// Where proxies say whom they speak for.
const FORWARDED: &str = "x-forwarded-for";

/// Answers requests. Clones are the same service.
#[derive(Clone)]
pub(crate) struct Site {
    gateway: Arc<Gateway>,
    engine: EngineIoService<Handler, Router>,
}

/// What a request to the transport library is about.
#[derive(Debug, PartialEq, Eq)]
struct Transport<'a> {
    sid: Option<&'a str>,
    websocket: bool,
}

/// A request of an open transport whose answer is to be noted.
enum Exchange {
    /// It wants to go on over the connection of this request.
    Upgrade(Arc<Line>),
    /// It fetches what waits for it.
    Poll(Arc<Line>),
}

impl Site {
    /// The site of a gateway.
    pub(crate) fn new(gateway: &Arc<Gateway>) -> Self {
        let pages = Router::new()
            .route("/", get(|| async { Html(PAGE) }))
            .route("/asyncapi.yaml", get(|| async { ([(CONTENT_TYPE, "application/yaml")], PROTOCOL) }));
        let handler = Arc::new(Handler::new(Arc::clone(gateway)));
        let engine = EngineIoService::with_config_inner(pages, handler, Handler::config());
        Self { gateway: Arc::clone(gateway), engine }
    }

    /// Answers one request that came over `connection`.
    pub(crate) async fn answer(
        mut self,
        connection: Arc<Connection>,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, Infallible> {
        let origin = request.headers().get(ORIGIN).cloned();
        if !self.gateway.settings.origins.admit(request.headers()) {
            return Ok(status(StatusCode::FORBIDDEN));
        }
        if request.method() == Method::OPTIONS {
            return Ok(preflight(origin));
        }
        if self.gateway.drain.begun() && wants_transport(&request) && !has_transport(&request, &self.gateway.lobby) {
            return Ok(elsewhere(origin));
        }
        let exchange = Exchange::of(&request, &self.gateway.lobby);
        slim(&mut request);
        request.extensions_mut().insert(Arc::clone(&connection));
        let Ok(service) = ServiceExt::<Request<Body>>::ready(&mut self.engine).await;
        let Ok(response) = service.call(request).await;
        let mut response = response.map(Body::new);
        if let Some(exchange) = exchange {
            exchange.answered(&connection, &response);
        }
        if let Some(origin) = origin {
            share_with(response.headers_mut(), origin);
        }
        Ok(response)
    }
}

impl Exchange {
    fn of(request: &Request<Body>, lobby: &Lobby) -> Option<Self> {
        if request.method() != Method::GET || !request.uri().path().starts_with("/socket.io") {
            return None;
        }
        let transport = Transport::read(request.uri().query()?);
        let line = lobby.line(transport.sid?)?;
        Some(if transport.websocket { Self::Upgrade(line) } else { Self::Poll(line) })
    }

    fn answered(self, connection: &Arc<Connection>, response: &Response<Body>) {
        match self {
            // Any other answer leaves the client to its polls, and the connection to whoever asks over it next.
            Self::Upgrade(line) if response.status() == StatusCode::SWITCHING_PROTOCOLS => line.over(connection),
            Self::Upgrade(_) => {}
            Self::Poll(line) => {
                let length = response.headers().get(CONTENT_LENGTH);
                if let Some(length) = length.and_then(|value| value.to_str().ok()?.parse().ok()) {
                    line.polled(length);
                }
            }
        }
    }
}

impl<'a> Transport<'a> {
    fn read(query: &'a str) -> Self {
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        Self { sid: value("sid"), websocket: value("transport") == Some("websocket") }
    }
}

impl Origins {
    /// Whether a page of the request's origin may talk to us. Programs other than browsers name no origin.
    fn admit(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(ORIGIN) else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        match self {
            Self::Any => true,
            Self::These(list) if list.iter().any(|allowed| allowed == origin) => true,
            Self::These(_) => is_same(origin, headers.get(HOST)),
        }
    }
}

/// Where the client is: the address of the connection, or where that is a trusted proxy, what the nearest untrusted hop is
/// said to be. Of an IPv6 address the network, of which one client has every address.
pub(crate) fn client_address(request: &Parts, trusted: &[IpAddr]) -> String {
    let Some(connection) = request.extensions.get::<Arc<Connection>>() else { return String::new() };
    let lists = request.headers.get_all(FORWARDED).iter().rev().map(|value| value.to_str().unwrap_or_default());
    let hops = lists.flat_map(|list| list.rsplit(','));
    let mut address = connection.peer().ip().to_canonical();
    for hop in hops.map(|hop| hop.trim().parse::<IpAddr>()) {
        // What a hop that isn't known says of those before it is anybody's word.
        let (true, Ok(before)) = (trusted.contains(&address), hop) else { break };
        address = before.to_canonical();
    }
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & SUBNET).to_string(),
    }
}

/// The transport library keeps the head of the request that opened a transport for as long as it lives, and each part of
/// it keeps the connection's whole read buffer. Copies of the parts that matter cost a tenth.
///
/// It also takes a key alone for the wish to become a WebSocket, and promises that; a proxy may have kept the rest.
fn slim(request: &mut Request<Body>) {
    if request.extensions().get::<OnUpgrade>().is_none() {
        request.headers_mut().remove(SEC_WEBSOCKET_KEY);
    }
    let kept = [SEC_WEBSOCKET_KEY, CONTENT_TYPE, HeaderName::from_static(FORWARDED)];
    let mut headers = HeaderMap::with_capacity(kept.len());
    for name in kept {
        for value in request.headers().get_all(&name) {
            if let Ok(copy) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.append(name.clone(), copy);
            }
        }
    }
    *request.headers_mut() = headers;
    let uri = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    if let Ok(uri) = uri.try_into() {
        *request.uri_mut() = uri;
    }
}

fn wants_transport(request: &Request<Body>) -> bool {
    request.uri().path().starts_with("/socket.io")
}

/// Whether a request is of a transport that is open here.
fn has_transport(request: &Request<Body>, lobby: &Lobby) -> bool {
    let sid = request.uri().query().and_then(|query| Transport::read(query).sid);
    sid.is_some_and(|sid| lobby.line(sid).is_some())
}

/// A gateway that is going away takes nobody in, and knows nothing of whom another took in for it: a balancer tries that
/// one, a stock client tries again.
fn elsewhere(origin: Option<HeaderValue>) -> Response<Body> {
    let mut response = status(StatusCode::SERVICE_UNAVAILABLE);
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if let Some(origin) = origin {
        share_with(headers, origin);
    }
    response
}

fn preflight(origin: Option<HeaderValue>) -> Response<Body> {
    let mut response = status(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
    if let Some(origin) = origin {
        share_with(headers, origin);
    }
    response
}

fn is_same(origin: &str, host: Option<&HeaderValue>) -> bool {
    let named = origin.split_once("://").map(|(_, host)| host);
    named.is_some() && named == host.and_then(|host| host.to_str().ok())
}

fn share_with(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.append(VARY, HeaderValue::from_static("origin"));
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn headers(origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("play.example:8080"));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    #[test]
    fn strange_pages_are_kept_out() {
        let same = Origins::These(vec!["https://friend.example".into()]);
        for (origin, admitted) in [
            (None, true),
            (Some("http://play.example:8080"), true),
            (Some("https://friend.example"), true),
            (Some("https://evil.example"), false),
            (Some("null"), false),
        ] {
            assert_eq!(same.admit(&headers(origin)), admitted, "{origin:?}");
        }
        assert!(Origins::Any.admit(&headers(Some("https://evil.example"))));
    }

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        let from = |peer: &str, forwarded: &[&str]| {
            let mut request = Request::new(());
            for list in forwarded {
                request.headers_mut().append("x-forwarded-for", list.parse().unwrap());
            }
            request.extensions_mut().insert(Connection::new(SocketAddr::new(peer.parse().unwrap(), 1)));
            client_address(&request.into_parts().0, &["10.0.0.1".parse().unwrap()])
        };
        let usual = &["6.6.6.6, 1.2.3.4, 10.0.0.1"][..];
        assert_eq!(from("10.0.0.1", usual), "1.2.3.4");
        assert_eq!(from("::ffff:10.0.0.1", usual), "1.2.3.4", "as a listener for both families sees it");
        assert_eq!(from("10.0.0.1", &["6.6.6.6", "1.2.3.4", "10.0.0.1"]), "1.2.3.4");
        assert_eq!(from("7.7.7.7", usual), "7.7.7.7");
        assert_eq!(from("10.0.0.1", &["6.6.6.6, unknown"]), "10.0.0.1", "nothing before what can't be read");
        assert_eq!(from("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(from("10.0.0.1", &["::ffff:1.2.3.4"]), "1.2.3.4");
        assert_eq!(from("2001:db8:1:2:3:4:5:6", usual), "2001:db8:1:2::");
    }

    #[test]
    fn queries_say_which_transport_is_meant() {
        let read = Transport::read("EIO=4&transport=websocket&sid=abc&t=1");
        assert_eq!(read, Transport { sid: Some("abc"), websocket: true });
        assert_eq!(Transport::read("transport=polling&side=x"), Transport { sid: None, websocket: false });
    }
}
