//! Passing a call on, once, to the instance that has the battle or is to take it.
//!
//! Who is passed on says so in a header, and is answered there or refused: a call never travels on from there. For whom
//! it acts travels in the request itself. It is dropped with its caller, so its deadline is never later than theirs.

use std::future::Future;
use std::time::Duration;

use proto::battle::v1::battle_service_client::BattleServiceClient;
use service_kit::Fault;
use service_kit::grpc::{GrpcService, within};
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use crate::cluster::Cluster;
use crate::placement::{Hop, Peer, Placed};

/// The header that names the instance a call comes from.
const FORWARDED: &str = "mud-forwarded";

/// How long another instance may take: a frozen one must leave time to ask elsewhere.
const DEADLINE: Duration = Duration::from_secs(2);

/// The client that calls another instance.
pub(super) type Other = BattleServiceClient<GrpcService>;

/// How a call came here.
pub(super) fn hop<Q>(request: &Request<Q>) -> Hop {
    if request.metadata().contains_key(FORWARDED) { Hop::Last } else { Hop::First }
}

/// Has a call carried out `here`, or passes it on to be carried out `there`. Where the other instance doesn't answer,
/// and has no more right to the battle than this one, it is carried out here after all.
///
/// # Errors
/// `unavailable`: reason `battle_moved` when a call that was passed on before belongs elsewhere, `owner_silent` when the
/// owner doesn't answer or doesn't say why not. Otherwise what here and there answer.
pub(super) async fn once<Q, A, H, W>(
    cluster: &Cluster,
    hop: Hop,
    question: Q,
    here: impl Fn(Hop) -> H,
    there: impl FnOnce(Other, Request<Q>) -> W,
) -> Result<Response<A>, Fault>
where
    H: Future<Output = Result<Placed<A>, Fault>>,
    W: Future<Output = Result<Response<A>, Status>>,
{
    let peer = match here(hop).await? {
        Placed::Here(answer) => return Ok(Response::new(answer)),
        Placed::There(_) if hop == Hop::Last => return Err(moved()),
        Placed::There(peer) => peer,
    };
    let fault = match ask(cluster, &peer, question, there).await {
        Err(fault) if fault.is_unanswered() => fault,
        answer => return answer,
    };
    if !peer.replaceable {
        // An owner that says why has the last word.
        let silent = || Fault::unavailable("battle-moved").reason("owner_silent");
        return Err(if fault.because().is_some() { fault } else { silent().caused_by(fault) });
    }
    match here(Hop::Last).await? {
        Placed::Here(answer) => Ok(Response::new(answer)),
        Placed::There(_) => Err(moved()),
    }
}

async fn ask<Q, A, W>(
    cluster: &Cluster,
    peer: &Peer,
    question: Q,
    there: impl FnOnce(Other, Request<Q>) -> W,
) -> Result<Response<A>, Fault>
where
    W: Future<Output = Result<Response<A>, Status>>,
{
    let mut request = within(DEADLINE, question);
    let me = MetadataValue::try_from(cluster.name()).unwrap_or(MetadataValue::from_static("unnamed"));
    request.metadata_mut().insert(FORWARDED, me);
    let answer = there(Other::new(cluster.dial(peer)?), request).await.map_err(Fault::from);
    let result = match &answer {
        Ok(_) => "answered",
        Err(fault) if fault.is_unanswered() => "silent",
        Err(_) => "refused",
    };
    metrics::counter!("battle_forwards_total", "result" => result).increment(1);
    answer
}

fn moved() -> Fault {
    metrics::counter!("battle_refused_total", "reason" => "battle_moved").increment(1);
    Fault::unavailable("battle-moved").reason("battle_moved")
}
