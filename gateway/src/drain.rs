//! The way out: when each client has to go.
//!
//! Everybody at once would fall on the other gateways in one moment; so each client is told a moment of its own, and is
//! served until then.

use std::sync::OnceLock;
use std::time::Duration;

use service_kit::Shutdown;

/// How many clients a second the other gateways are asked to welcome.
const PER_SECOND: usize = 2_000;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(10);

/// A gateway's way out.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    begun: Shutdown,
    window: OnceLock<Duration>,
}

impl Drain {
    /// So many clients have to go from now on, and nobody new comes. Answers how long that takes; begun once, it stays
    /// as it is.
    pub(crate) fn begin(&self, clients: usize) -> Duration {
        let window = *self.window.get_or_init(|| window(clients));
        self.begun.begin();
        window
    }

    /// Whether it has begun.
    pub(crate) fn begun(&self) -> bool {
        self.begun.begun()
    }

    /// Ends when it begins.
    pub(crate) fn wait(&self) -> impl Future<Output = ()> + Send + use<> {
        self.begun.wait()
    }

    /// How long one client still has, in whole milliseconds.
    pub(crate) fn delay(&self) -> Duration {
        let window = self.window.get().copied().unwrap_or_default();
        Duration::from_millis(rand::random_range(0..=service_kit::time::millis(window)))
    }
}

/// Over how long so many clients are spread.
fn window(clients: usize) -> Duration {
    let seconds = u64::try_from(clients.div_ceil(PER_SECOND)).unwrap_or(u64::MAX);
    Duration::from_secs(seconds).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_grows_with_those_who_go_and_has_its_bounds() {
        for (clients, seconds) in
            [(0, 1), (2_000, 1), (2_001, 2), (8_000, 4), (8_001, 5), (19_999, 10), (20_000, 10), (1_000_000, 10)]
        {
            assert_eq!(window(clients), Duration::from_secs(seconds), "{clients}");
        }
    }

    #[test]
    fn delays_lie_all_over_the_window_and_nowhere_else() {
        let drain = Drain::default();
        assert!(!drain.begun());
        assert_eq!(drain.begin(8_000), Duration::from_secs(4));
        assert_eq!(drain.begin(20_000), Duration::from_secs(4), "what has been promised stays");
        let mut quarters = [0_u32; 4];
        for _ in 0..4_000 {
            let delay = drain.delay();
            assert!(delay <= Duration::from_secs(4));
            quarters[(delay.as_millis() / 1_001) as usize] += 1;
        }
        assert!(quarters.iter().all(|&count| count > 800), "{quarters:?}");
    }
}
