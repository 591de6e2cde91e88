//! Whether this process has the world to itself or is one of several, and what its services have to know of that.

use std::sync::Arc;

use backplane::{Backplane, Local, Redis};
use battle_svc::Peers;
use gateway::Battles;
use proto::battle::v1::battle_service_client::BattleServiceClient;
use service_kit::grpc::{Channels, Dialer, GrpcService};
use service_kit::program::Program;
use service_kit::settings::LeaseSettings;

use crate::Settings;

/// The processes of one world, as one of them sees it.
pub(crate) enum Cluster {
    /// There is no other.
    Alone(Arc<dyn Backplane>),
    /// There are others on the same database and the same Redis.
    Several(Among),
}

/// One of several.
pub(crate) struct Among {
    plane: Arc<Redis>,
    lease: LeaseSettings,
    /// Where the others reach this one.
    address: String,
    dialer: Dialer,
}

impl Cluster {
    /// Connects what the settings say, gRPC being bound to `grpc`.
    ///
    /// # Errors
    /// When the URL of Redis can't be read.
    pub(crate) fn join(settings: &Settings, grpc: std::net::SocketAddr, program: &Program) -> anyhow::Result<Self> {
        let Some(url) = &settings.redis else { return Ok(Self::Alone(Local::start(&program.tasks))) };
        let plane = Redis::open(url, &program.tasks, &program.readiness)?;
        let lease = settings.lease.clone();
        let dialer = Channels::new(settings.internal_token.clone()).dialer();
        Ok(Self::Several(Among { plane, address: lease.address(grpc), lease, dialer }))
    }

    /// What the processes share.
    pub(crate) fn plane(&self) -> Arc<dyn Backplane> {
        match self {
            Self::Alone(plane) => Arc::clone(plane),
            Self::Several(among) => among.plane.clone(),
        }
    }

    /// The other instances of battle-svc.
    pub(crate) fn peers(&self) -> Peers {
        match self {
            Self::Alone(_) => Peers::alone(),
            Self::Several(among) => {
                Peers::among(among.plane.clone(), among.address.clone(), among.lease.ttl, among.dialer.clone())
            }
        }
    }

    /// The gateway's way to battles: those of this process are called directly.
    pub(crate) fn battles(&self, here: GrpcService) -> Battles {
        let service = BattleServiceClient::new(here.clone());
        match self {
            Self::Alone(_) => Battles::Here(service),
            Self::Several(among) => {
                let (own, others) = (among.address.clone(), among.dialer.clone());
                let dialer = Dialer::new(move |url| if url == own { Ok(here.clone()) } else { others.to(url) });
                Battles::Many { service, dialer }
            }
        }
    }
}
