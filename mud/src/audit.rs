//! `mud audit`: whether the books obey their laws.

use std::io::Write;

use anyhow::ensure;
use user_svc::ledger::{Books, audit};

use crate::database::Database;

/// Checks the books of a database and writes what was found to `out`.
///
/// # Errors
/// When the books break a law, the database can't be read, or `out` is closed.
pub(crate) async fn run(database: Database, out: &mut impl Write) -> anyhow::Result<()> {
    let open = database.open(false).await?;
    let books = audit(&open.store).await?;
    let told = write(&books, out);
    open.close().await?;
    // The verdict comes first: it stands even when nobody reads the figures.
    ensure!(books.are_sound(), "the books are not sound");
    Ok(told?)
}

fn write(books: &Books, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "players: {}", books.accounts)?;
    writeln!(out, "gold the players hold: {}", books.players)?;
    for (counter, sum) in &books.counters {
        writeln!(out, "gold of the counter-account \"{counter}\": {sum}")?;
    }
    for (account, booked, balance) in &books.off {
        writeln!(out, "account {account}: its rows sum up to {booked} gold, its balance is {balance} gold")?;
    }
    writeln!(out, "books: {}", if books.are_sound() { "sound" } else { "NOT SOUND" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(books: &Books) -> String {
        let mut out = Vec::new();
        write(books, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn sound_books_say_so() {
        let books = Books { accounts: 2, players: 30, counters: vec![("drops".into(), -30)], off: vec![] };
        let expected = "players: 2\ngold the players hold: 30\n\
            gold of the counter-account \"drops\": -30\nbooks: sound\n";
        assert_eq!(told(&books), expected);
    }

    #[test]
    fn a_missing_row_is_named() {
        let account = vocab::AccountId::generate();
        let books = Books { accounts: 1, players: 5, counters: vec![], off: vec![(account, 0, 5)] };
        let told = told(&books);
        assert!(
            told.contains(&format!("account {account}: its rows sum up to 0 gold, its balance is 5 gold")),
            "{told}"
        );
        assert!(told.ends_with("books: NOT SOUND\n"), "{told}");
    }
}
