//! `mud.battle.v1.BattleService`.

use std::sync::Arc;

use futures::{StreamExt, TryFutureExt, stream};
use proto::battle::v1 as pb;
use proto::battle::v1::battle_service_server::BattleService;
use proto::battle::v1::get_battle_request::By;
use service_kit::Fault;
use tonic::{Request, Response, Status};

use super::forward::{Other, hop, once};
use super::{Responses, answer, watch};
use crate::battles::{Battles, Call};
use crate::cluster::Cluster;
use crate::feed::Outlet;
use crate::missed::Wanted;
use crate::placement::{Hop, Placed};
use crate::view::View;
use crate::watchers::Part;
use crate::wire;

/// Battles for gateways and tools. Clones are the same service.
#[derive(Debug, Clone)]
pub struct BattlePlayers {
    battles: Arc<Battles>,
}

impl BattlePlayers {
    pub(crate) fn new(battles: Arc<Battles>) -> Self {
        Self { battles }
    }

    fn cluster(&self) -> &Cluster {
        &self.battles.owner.cluster
    }
}

#[tonic::async_trait]
impl BattleService for BattlePlayers {
    type WatchBattleStream = Responses<pb::WatchBattleResponse>;
    type FeedStream = Responses<pb::FeedResponse>;

    async fn list_dungeons(
        &self,
        _request: Request<pb::ListDungeonsRequest>,
    ) -> Result<Response<pb::ListDungeonsResponse>, Status> {
        let dungeons = wire::dungeons(self.battles.content());
        Ok(Response::new(pb::ListDungeonsResponse { dungeons }))
    }

    async fn start_auto(
        &self,
        request: Request<pb::StartAutoRequest>,
    ) -> Result<Response<pb::StartAutoResponse>, Status> {
        let (hop, request) = (hop(&request), request.into_inner());
        let caller = wire::caller(request.caller.as_ref())?;
        let dungeon = wire::dungeon(self.battles.content(), &request.dungeon)?;
        let on_death = wire::on_death(request.on_death)?;
        let respond = |view: View| pb::StartAutoResponse { battle: Some(answer::battle(&view)) };
        let here = |hop| self.battles.start_auto(caller, dungeon, on_death, hop).map_ok(|placed| placed.map(respond));
        let there = |mut other: Other, request| async move { other.start_auto(request).await };
        Ok(once(self.cluster(), hop, request, here, there).await?)
    }

    async fn stop(&self, request: Request<pb::StopRequest>) -> Result<Response<pb::StopResponse>, Status> {
        let (hop, request) = (hop(&request), request.into_inner());
        let caller = wire::caller(request.caller.as_ref())?;
        let respond = |view: View| pb::StopResponse { battle: Some(answer::battle(&view)) };
        let here = |hop| self.battles.stop(caller, hop).map_ok(|placed| placed.map(respond));
        let there = |mut other: Other, request| async move { other.stop(request).await };
        Ok(once(self.cluster(), hop, request, here, there).await?)
    }

    async fn get_battle(
        &self,
        request: Request<pb::GetBattleRequest>,
    ) -> Result<Response<pb::GetBattleResponse>, Status> {
        let (hop, request) = (hop(&request), request.into_inner());
        let id = match &request.by {
            Some(By::BattleId(id)) => wire::id("battle_id", id)?,
            Some(By::Character(name)) => self.battles.id_of(name.clone()).await?,
            None => return Err(Fault::invalid("missing").field("by").into()),
        };
        let here = |hop| self.battles.view(id, hop).map_ok(|placed| placed.map(answer::get));
        let there = |mut other: Other, request| async move { other.get_battle(request).await };
        Ok(once(self.cluster(), hop, request, here, there).await?)
    }

    async fn sync_battle(
        &self,
        request: Request<pb::SyncBattleRequest>,
    ) -> Result<Response<pb::SyncBattleResponse>, Status> {
        let (hop, request) = (hop(&request), request.into_inner());
        let caller = wire::caller(request.caller.as_ref())?;
        let named = (!request.battle_id.is_empty()).then(|| wire::id("battle_id", &request.battle_id)).transpose()?;
        let after = request.after;
        let respond = |told| answer::sync(&told);
        let here = |hop| self.battles.told_again(caller, named, after, hop).map_ok(|placed| placed.map(respond));
        let there = |mut other: Other, request| async move { other.sync_battle(request).await };
        Ok(once(self.cluster(), hop, request, here, there).await?)
    }

    async fn watch_battle(
        &self,
        request: Request<pb::WatchBattleRequest>,
    ) -> Result<Response<Self::WatchBattleStream>, Status> {
        let (hop, request) = (hop(&request), request.into_inner());
        let id = wire::id("battle_id", &request.battle_id)?;
        let from_seq = request.from_seq;
        let here = |hop| watch::open(Arc::clone(&self.battles), id, from_seq, hop);
        let there =
            |mut other: Other, request| async move { Ok(other.watch_battle(request).await?.map(watch::passed_on)) };
        Ok(once(self.cluster(), hop, request, here, there).await?)
    }

    async fn feed(&self, request: Request<pb::FeedRequest>) -> Result<Response<Self::FeedStream>, Status> {
        let pb::FeedRequest { gateway, nonce } = request.into_inner();
        if nonce.is_empty() {
            return Err(Fault::invalid("missing").field("nonce").into());
        }
        let outlet = self.battles.feeds.open((gateway, nonce));
        let opened = stream::iter([Ok(pb::FeedResponse::default())]);
        Ok(Response::new(opened.chain(stream::unfold(outlet, next_batch)).boxed()))
    }

    async fn attach(&self, request: Request<pb::AttachRequest>) -> Result<Response<pb::AttachResponse>, Status> {
        let request = request.into_inner();
        let id = wire::id("battle_id", &request.battle_id)?;
        let player = request.player.as_ref().map(|caller| wire::caller(Some(caller))).transpose()?;
        let wanted = Wanted { after: request.after, again: request.again };
        let hop = if request.redirected { Hop::Last } else { Hop::First };
        let call = Call { feed: (request.gateway, request.nonce), ordinal: request.ordinal };
        let answer = match self.battles.attach(&call, id, player, wanted, hop).await? {
            Placed::Here(answer) => answer::attach(&answer),
            Placed::There(peer) => {
                metrics::counter!("battle_redirects_total").increment(1);
                answer::redirect(peer)
            }
        };
        Ok(Response::new(answer))
    }

    async fn detach(&self, request: Request<pb::DetachRequest>) -> Result<Response<pb::DetachResponse>, Status> {
        let request = request.into_inner();
        let id = wire::id("battle_id", &request.battle_id)?;
        let part = if request.player { Part::Player } else { Part::Spectator };
        let call = Call { feed: (request.gateway, request.nonce), ordinal: request.ordinal };
        self.battles.detach(&call, id, part, request.seen_seq).await?;
        Ok(Response::new(pb::DetachResponse {}))
    }

    async fn end(&self, request: Request<pb::EndRequest>) -> Result<Response<pb::EndResponse>, Status> {
        let (hop, request) = (hop(&request), request.into_inner());
        let id = wire::id("battle_id", &request.battle_id)?;
        let reason = wire::reason(request.reason)?;
        let here = |hop| self.battles.end(id, reason, hop).map_ok(|placed| placed.map(|view| answer::ended(&view)));
        let there = |mut other: Other, request| async move { other.end(request).await };
        Ok(once(self.cluster(), hop, request, here, there).await?)
    }
}

async fn next_batch(mut outlet: Outlet) -> Option<(Result<pb::FeedResponse, Status>, Outlet)> {
    let news = outlet.next().await?;
    Some((Ok(pb::FeedResponse { items: wire::feed_items(news) }), outlet))
}
