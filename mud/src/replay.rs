//! `mud replay BATTLE`: a battle computed again from its record, frame by frame, and set against what is stored.

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, ensure};
use backplane::{Backplane, Local};
use battle_svc::Peers;
use proto::battle::v1::battle_admin_service_client::BattleAdminServiceClient;
use proto::battle::v1::event::Kind;
use proto::battle::v1::{Frame, ReplayBattleRequest, VerifyBattleRequest};
use proto::user::v1::user_service_client::UserServiceClient;
use rules::Ruleset;
use service_kit::TaskGroup;
use service_kit::grpc::{GrpcService, in_process};
use service_kit::settings::{Check, Faults};
use vocab::BattleId;

use crate::database::{Database, DatabaseTools};

/// Which battle.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ReplayArgs {
    /// Id of the battle
    #[arg(value_name = "BATTLE")]
    battle: String,
    #[command(flatten)]
    database: DatabaseTools,
}

/// A battle to show again.
#[derive(Debug)]
pub(crate) struct Replay {
    battle: BattleId,
    database: Database,
}

impl Check for ReplayArgs {
    type Checked = Replay;

    fn check(self, faults: &mut Faults) -> Option<Replay> {
        let battle = faults.keep("BATTLE", &self.battle, self.battle.parse::<BattleId>());
        let database = self.database.check(faults);
        Some(Replay { battle: battle?, database: database? })
    }
}

impl Replay {
    /// Writes every frame to `out`, then whether the record holds.
    ///
    /// # Errors
    /// When there is no such battle, its record does not hold, or `out` is closed.
    pub(crate) async fn run(self, out: &mut impl Write) -> anyhow::Result<()> {
        let open = self.database.open(false).await?;
        let mut admin = admin(&self.database, &open.tasks).await?;
        let battle_id = self.battle.to_string();

        let asked = ReplayBattleRequest { battle_id: battle_id.clone() };
        let mut frames = admin.replay_battle(asked).await.map_err(fault)?.into_inner();
        while let Some(answer) = frames.message().await.map_err(fault)? {
            answer.frame.iter().try_for_each(|frame| write_frame(frame, out))?;
        }
        let verdict = admin.verify_battle(VerifyBattleRequest { battle_id }).await.map_err(fault)?.into_inner();
        for difference in &verdict.differences {
            writeln!(out, "differs: {difference}")?;
        }
        writeln!(out, "{} frames, {}", verdict.frames, if verdict.verified { "verified" } else { "NOT VERIFIED" })?;
        open.close().await?;
        ensure!(verdict.verified, "the record does not hold");
        Ok(())
    }
}

/// The operators' service over this database, with nobody else's help.
async fn admin(database: &Database, tasks: &TaskGroup) -> anyhow::Result<BattleAdminServiceClient<GrpcService>> {
    const INSTANCE: &str = "replay";
    let ruleset = Arc::new(Ruleset::read(content::rules())?);
    let plane: Arc<dyn Backplane> = Local::start(tasks);
    let settings = crate::settings::reading(&database.url, INSTANCE);
    let user = user_svc::start(settings, Arc::clone(&ruleset), plane, tasks).await.context("users")?;
    let users = UserServiceClient::new(in_process(user.server));
    let settings = battle_svc::Settings::named(INSTANCE);
    let battle = battle_svc::start(settings, users, ruleset, Peers::alone(), tasks).await.context("battles")?;
    Ok(BattleAdminServiceClient::new(in_process(battle.admin())))
}

fn fault(status: impl Into<service_kit::Fault>) -> service_kit::Fault {
    status.into()
}

fn write_frame(frame: &Frame, out: &mut impl Write) -> std::io::Result<()> {
    write!(out, "#{} t{}", frame.seq, frame.tick)?;
    frame.events.iter().filter_map(|event| event.kind.as_ref()).try_for_each(|kind| write!(out, "  {}", told(kind)))?;
    writeln!(out)
}

/// An event in as few words as a person needs to follow.
fn told(kind: &Kind) -> String {
    match kind {
        Kind::Spawn(spawn) => {
            let monster = spawn.monster.clone().unwrap_or_default();
            format!("{} appears ({} hp)", monster.key, monster.hp)
        }
        Kind::Hit(hit) => format!("hits {} (it has {})", hit.damage, hit.monster_hp),
        Kind::Hurt(hurt) => format!("is hurt {} (has {})", hurt.damage, hurt.hp),
        Kind::Skill(skill) => format!("uses {} {} (it has {})", skill.skill, skill.damage, skill.monster_hp),
        Kind::Heal(heal) => format!("heals {} (has {})", heal.amount, heal.hp),
        Kind::Shield(shield) => format!("shields {} for {} ticks", shield.defense, shield.ticks),
        Kind::NoMana(none) => format!("lacks mana for {}", none.skill),
        Kind::Kill(kill) => format!("kills {} (+{} exp)", kill.monster, kill.exp),
        Kind::Loot(loot) => format!("finds {} gold and {} kinds of things", loot.gold, loot.items.len()),
        Kind::LevelUp(level) => format!("rises to level {}", level.level),
        Kind::Death(death) => format!("falls to {}", death.by),
        Kind::Revive(revive) => format!("revives with {} hp", revive.hp),
        Kind::Stop(stop) => {
            let reason = stop.reason().as_str_name();
            format!("stops: {}", reason.trim_start_matches("END_REASON_").to_ascii_lowercase())
        }
    }
}

#[cfg(test)]
mod tests {
    use proto::battle::v1::{EndReason, Event, Hit, Stop};

    use super::*;

    #[test]
    fn a_frame_is_a_line() {
        let events = [
            Kind::Hit(Hit { damage: 9, monster_hp: 41, ..Hit::default() }),
            Kind::Stop(Stop { reason: EndReason::Stopped.into() }),
        ];
        let events = events.map(|kind| Event { kind: Some(kind) }).to_vec();
        let mut out = Vec::new();
        write_frame(&Frame { seq: 3, tick: 4, events, ..Frame::default() }, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "#3 t4  hits 9 (it has 41)  stops: stopped\n");
    }
}
