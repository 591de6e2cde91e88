//! The process is killed in the middle of its writes: what is left is some save, whole.

use std::io::{BufRead, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use proto::user::v1::SaveResult;
use testkit::eventually;

use super::support::{House, entry};

const GOLD_PER_FRAME: u64 = 3;
const PATIENCE: Duration = Duration::from_secs(60);

/// Not a test of its own: the process that `a_kill_leaves_a_whole_save` kills. It is told on its standard input where
/// the database is and which battle to save.
#[tokio::test]
#[ignore = "the victim of another test"]
async fn victim() {
    let mut lines = std::io::stdin().lock().lines();
    let (Some(Ok(url)), Some(Ok(battle))) = (lines.next(), lines.next()) else { return };
    let house = House::visit(url).await;
    for seq in 1.. {
        assert_eq!(house.save(vec![entry(&battle, seq, seq * GOLD_PER_FRAME)]).await, [SaveResult::Saved]);
    }
}

#[tokio::test]
async fn a_kill_leaves_a_whole_save() {
    let mut house = House::new().await;
    for round in 0..3 {
        let name = format!("user{round}");
        let session = house.sign_up(&name, &name).await.unwrap();
        let battle = house.battle(&session).await.unwrap();
        let mut victim = start_victim(&house, &battle);
        eventually("some saves", PATIENCE, || async {
            let seq = house.record(&battle).await.seq;
            if seq >= 20 { Ok(()) } else { Err(seq) }
        })
        .await;
        victim.kill().unwrap();
        victim.wait().unwrap();

        house = house.reopen().await;
        let record = house.record(&battle).await;
        assert!(record.seq >= 20);
        assert_eq!(record.state, format!("state {}", record.seq).into_bytes());
        let character = house.character(&session).await;
        assert_eq!((character.gold, character.exp), (record.seq * GOLD_PER_FRAME, record.seq));
        house.books_are_sound().await;
    }
}

fn start_victim(house: &House, battle: &str) -> Child {
    let (_, module) = module_path!().split_once("::").unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", &format!("{module}::victim")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    write!(stdin, "{}\n{battle}\n", house.url()).unwrap();
    child
}
