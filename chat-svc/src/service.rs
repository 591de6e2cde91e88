//! The RPCs: each decodes, admits the caller, acts and answers. What is done is in `room` and `log`.

use proto::chat::v1::chat_service_server::ChatService;
use proto::chat::v1::{
    HistoryRequest, HistoryResponse, JoinRequest, JoinResponse, LeaveRequest, LeaveResponse, ReassertRequest,
    ReassertResponse, SendRequest, SendResponse,
};
use proto::common::v1 as common;
use service_kit::{Fault, Fence};
use tonic::{Request, Response, Status};

use crate::caller::Caller;
use crate::log::Log;
use crate::room::Lobby;
use crate::wire;

/// The handlers of `ChatService`.
#[derive(Debug)]
pub struct Handlers {
    fence: Fence,
    lobby: Lobby,
    log: Log,
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ChatService for Handlers {
    async fn join(&self, request: Request<JoinRequest>) -> Answer<JoinResponse> {
        let JoinRequest { caller, name, gateway, room } = request.into_inner();
        let visitor = wire::visitor(self.admit(caller)?, &name, gateway)?;
        let standing = self.lobby.join(visitor, wire::wanted_room(&room).as_ref()).await.map_err(Fault::from)?;
        Ok(Response::new(JoinResponse { room: Some(wire::standing(&standing)) }))
    }

    async fn leave(&self, request: Request<LeaveRequest>) -> Answer<LeaveResponse> {
        let LeaveRequest { caller, room, now } = request.into_inner();
        // Not fenced: the end of a replaced connection is no act of it, and the room tells it from a newer one.
        let caller = wire::caller(caller)?;
        self.lobby.leave(caller, wire::room_left(&room)?.as_ref(), now).await.map_err(Fault::from)?;
        Ok(Response::new(LeaveResponse {}))
    }

    async fn reassert(&self, request: Request<ReassertRequest>) -> Answer<ReassertResponse> {
        // Not fenced: of two connections of a player the room itself keeps the newer one.
        let (gateway, seats) = wire::seats(request.into_inner())?;
        let standings = self.lobby.reassert(&gateway, seats).await.map_err(Fault::from)?;
        Ok(Response::new(ReassertResponse { rooms: standings.iter().map(wire::standing).collect() }))
    }

    async fn send(&self, request: Request<SendRequest>) -> Answer<SendResponse> {
        let mut request = request.into_inner();
        let caller = self.admit(request.caller.take())?;
        let said = self.log.say(wire::said(caller, &request)?).await?;
        Ok(Response::new(SendResponse { epoch: said.position.epoch.to_string(), offset: said.position.offset }))
    }

    async fn history(&self, request: Request<HistoryRequest>) -> Answer<HistoryResponse> {
        let mut request = request.into_inner();
        let asked = wire::asked(self.admit(request.caller.take())?, &request)?;
        let room = asked.room.clone();
        let page = self.log.read(asked).await?;
        Ok(Response::new(wire::history(&room, page)))
    }
}

impl Handlers {
    pub(crate) fn new(fence: Fence, lobby: Lobby, log: Log) -> Self {
        Self { fence, lobby, log }
    }

    fn admit(&self, caller: Option<common::Caller>) -> Result<Caller, Fault> {
        let caller = wire::caller(caller)?;
        self.fence.admit(*caller.account.as_bytes(), caller.epoch, caller.connection)?;
        Ok(caller)
    }
}
