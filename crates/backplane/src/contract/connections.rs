//! Connection numbers.

use vocab::AccountId;

use super::World;

pub(crate) async fn numbers_rise_for_each_account(world: World) {
    let accounts = [AccountId::from_bytes([1; 16]), AccountId::from_bytes([2; 16])];
    let mut last = [0; 2];
    for _ in 0..50 {
        for (account, last) in accounts.into_iter().zip(&mut last) {
            let next = world.next_connection(account).await.unwrap();
            assert!(next > *last, "{next} after {last}");
            *last = next;
        }
    }
    assert!(last[0] > 1_600_000_000_000, "numbers are at least the time in milliseconds, and {} is not", last[0]);
}
