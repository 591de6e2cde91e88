//! What is told once, however long it lasts.

/// Whether something goes wrong at the moment, so that its beginning and its end can be told, and nothing in between.
#[derive(Debug, Default)]
pub struct Outage {
    lasts: bool,
}

impl Outage {
    /// It goes wrong. Whether that is news.
    pub fn begins(&mut self) -> bool {
        !std::mem::replace(&mut self.lasts, true)
    }

    /// It goes well. Whether that is news.
    pub fn ends(&mut self) -> bool {
        std::mem::take(&mut self.lasts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginning_and_end_are_news_and_what_is_between_is_none() {
        let mut outage = Outage::default();
        assert!(!outage.ends(), "there was none");
        for _ in 0..2 {
            assert!(outage.begins() && !outage.begins());
            assert!(outage.ends() && !outage.ends());
        }
    }
}
