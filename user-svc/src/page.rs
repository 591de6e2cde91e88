//! Lists in pages: each goes on after the last line of the one before, so that what comes and goes in between neither
//! repeats lines nor hides any.

/// Which page is asked for, of lines that have an `I` each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageOf<I> {
    /// The last line of the page before.
    pub(crate) after: Option<I>,
    pub(crate) size: i64,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Page<L, I> {
    pub(crate) lines: Vec<L>,
    /// Where the next page goes on, if there is one.
    pub(crate) next: Option<I>,
}

impl<I> PageOf<I> {
    /// How many lines to read: one more than the page has, which tells whether there is a next.
    pub(crate) fn limit(&self) -> i64 {
        self.size + 1
    }

    /// The page, of the lines that were read.
    pub(crate) fn cut<L>(&self, mut lines: Vec<L>, id: impl Fn(&L) -> I) -> Page<L, I> {
        let full = usize::try_from(self.size).unwrap_or(usize::MAX);
        let more = lines.len() > full;
        lines.truncate(full);
        let next = lines.last().filter(|_| more).map(id);
        Page { lines, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_with_more_behind_it_has_a_next() {
        let of = PageOf { after: None, size: 2 };
        let cut = |lines: &[u32]| {
            let page = of.cut(lines.to_vec(), |line| *line);
            (page.lines, page.next)
        };
        assert_eq!(cut(&[]), (vec![], None));
        assert_eq!(cut(&[1, 2]), (vec![1, 2], None));
        assert_eq!(cut(&[1, 2, 3]), (vec![1, 2], Some(2)));
    }
}
