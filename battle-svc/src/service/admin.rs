//! `mud.battle.v1.BattleAdminService`.

use std::sync::Arc;

use futures::{StreamExt, TryFutureExt, stream};
use proto::battle::v1 as pb;
use proto::battle::v1::battle_admin_service_server::BattleAdminService;
use proto::user::v1::ListBattleRecordsRequest;
use rules::battle::EndReason;
use service_kit::Fault;
use service_kit::grpc::Operator;
use tonic::{Request, Response, Status};
use vocab::BattleId;

use super::forward::{Other, once};
use super::{Responses, answer};
use crate::battles::{Battles, no_battle};
use crate::placement::Hop;
use crate::replay::{self, Replay};
use crate::view::View;
use crate::wire;

/// What the audit record calls it.
const STOP_BATTLE: &str = "mud.battle.v1.BattleAdminService/StopBattle";

/// Battles for operators. Clones are the same service.
#[derive(Debug, Clone)]
pub struct BattleAdmin {
    battles: Arc<Battles>,
}

impl BattleAdmin {
    pub(crate) fn new(battles: Arc<Battles>) -> Self {
        Self { battles }
    }

    /// Ends a battle wherever it is. The record of who wanted it is made where they said so.
    async fn stop(&self, id: BattleId) -> Result<Option<pb::Battle>, Fault> {
        let request = pb::EndRequest { battle_id: id.to_string(), reason: pb::EndReason::Operator.into() };
        let respond = |view: View| answer::ended(&view);
        let here = |hop| self.battles.end(id, EndReason::Operator, hop).map_ok(|placed| placed.map(respond));
        let there = |mut other: Other, request| async move { other.end(request).await };
        Ok(once(&self.battles.owner.cluster, Hop::First, request, here, there).await?.into_inner().battle)
    }

    /// A battle that could be ended, as it stands, wherever it is.
    async fn lives(&self, id: BattleId) -> Result<Option<pb::Battle>, Fault> {
        let by = pb::get_battle_request::By::BattleId(id.to_string());
        let request = pb::GetBattleRequest { by: Some(by) };
        let here = |hop| self.battles.view(id, hop).map_ok(|placed| placed.map(answer::get));
        let there = |mut other: Other, request| async move { other.get_battle(request).await };
        let stands = once(&self.battles.owner.cluster, Hop::First, request, here, there).await?.into_inner().battle;
        let over = stands.as_ref().is_some_and(|battle| battle.phase() == pb::Phase::Ended);
        if over { Err(no_battle()) } else { Ok(stands) }
    }
}

#[tonic::async_trait]
impl BattleAdminService for BattleAdmin {
    type ReplayBattleStream = Responses<pb::ReplayBattleResponse>;

    async fn list_battles(
        &self,
        request: Request<pb::ListBattlesRequest>,
    ) -> Result<Response<pb::ListBattlesResponse>, Status> {
        let pb::ListBattlesRequest { live_only, page_size, page_token } = request.into_inner();
        let page = ListBattleRecordsRequest { live_only, page_size, page_token };
        let page = self.battles.owner.store.list(page).await?;
        let battles = page.records.into_iter().map(wire::summary).collect();
        Ok(Response::new(pb::ListBattlesResponse { battles, next_page_token: page.next_page_token }))
    }

    async fn stop_battle(
        &self,
        request: Request<pb::StopBattleRequest>,
    ) -> Result<Response<pb::StopBattleResponse>, Status> {
        let operator = Operator::acting(request.extensions(), &request.get_ref().operator)?;
        let request = request.into_inner();
        let id = wire::id("battle_id", &request.battle_id)?;
        let battle = if request.dry_run {
            self.lives(id).await?
        } else {
            self.battles.owner.store.record_audit(operator.name(), STOP_BATTLE, &id.to_string()).await?;
            let battle = self.stop(id).await?;
            tracing::info!(battle.id = %id, operator.name = operator.name(), "battle stopped by an operator");
            battle
        };
        Ok(Response::new(pb::StopBattleResponse { battle }))
    }

    async fn replay_battle(
        &self,
        request: Request<pb::ReplayBattleRequest>,
    ) -> Result<Response<Self::ReplayBattleStream>, Status> {
        let id = wire::id("battle_id", &request.into_inner().battle_id)?;
        let owner = &self.battles.owner;
        let replay = Replay::open(owner.store.record(id, true).await?.record, &owner.rulesets).await?;
        Ok(Response::new(stream::unfold(replay, next_frame).boxed()))
    }

    async fn verify_battle(
        &self,
        request: Request<pb::VerifyBattleRequest>,
    ) -> Result<Response<pb::VerifyBattleResponse>, Status> {
        let id = wire::id("battle_id", &request.into_inner().battle_id)?;
        let owner = &self.battles.owner;
        let record = owner.store.record(id, true).await?.record;
        let replay::Verdict { frames, differences } = replay::verify(record, &owner.rulesets).await?;
        Ok(Response::new(pb::VerifyBattleResponse { verified: differences.is_empty(), frames, differences }))
    }
}

async fn next_frame(mut replay: Replay) -> Option<(Result<pb::ReplayBattleResponse, Status>, Replay)> {
    let frame = match replay.next().await {
        Ok(next) => next.map(|(ruleset, frame)| wire::frame(ruleset.content(), &frame))?,
        Err(broken) => return Some((Err(Fault::from(broken).into()), replay)),
    };
    Some((Ok(pb::ReplayBattleResponse { frame: Some(frame) }), replay))
}
