//! Numbers of connections: one is taken when a connection comes in, and confirmed once it has its seat, and again for as long
//! as it does. Only what is confirmed ends older connections elsewhere: a number that was asked for in vain may be given
//! when nobody waits for it any more.

use backplane::Held;
use service_kit::Fault;
use vocab::AccountId;

use crate::gateway::Gateway;
use crate::registry::Rank;

/// Confirms the numbers of these accounts' seats, and ends those of which a newer one was confirmed.
pub(crate) async fn confirm(gateway: &Gateway, seats: &[(String, Rank)]) -> Result<(), Fault> {
    let held: Vec<Held> = seats.iter().map(held).collect::<Result<_, _>>()?;
    let confirmed = gateway.backplane.confirm(&gateway.settings.instance, &held).await?;
    for ((account, rank), connection) in seats.iter().zip(confirmed) {
        if connection > rank.connection {
            gateway.registry.replaced(account, Rank { connection, ..*rank }, "another_tab");
        }
    }
    Ok(())
}

fn held((account, rank): &(String, Rank)) -> Result<Held, Fault> {
    let account: AccountId = account.parse().map_err(Fault::internal)?;
    Ok(Held { account, epoch: rank.epoch, connection: rank.connection })
}
