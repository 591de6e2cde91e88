//! The little byte format of stored states and totals: a version byte, then numbers as unsigned LEB128.
//!
//! The version says how to read what follows. A changed layout takes a new version, and old versions stay readable
//! for as long as such bytes may lie in a database.

/// The bytes are not a state that this program can go on from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidState {
    /// They end too soon.
    #[error("the bytes end too soon")]
    Truncated,
    /// They go on after the end.
    #[error("bytes follow after the end")]
    Trailing,
    /// They have a layout this program doesn't know.
    #[error("layout version {0} is unknown")]
    Version(u8),
    /// A value is out of its range.
    #[error("{0} is out of range")]
    Value(&'static str),
    /// They name something that the ruleset doesn't have.
    #[error("the ruleset has no {0}")]
    Unknown(&'static str),
}

/// Writes bytes.
#[derive(Debug)]
pub(crate) struct Writer(Vec<u8>);

/// Reads bytes that may be anything.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl Writer {
    pub(crate) fn new(version: u8) -> Self {
        Self(vec![version])
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// Eight bytes, for numbers that are as likely large as small.
    pub(crate) fn word(&mut self, word: u64) {
        self.0.extend_from_slice(&word.to_le_bytes());
    }

    /// Something that may be absent.
    pub(crate) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(crate) fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.number(items.len() as u64);
        for item in items {
            write(self, item);
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

impl<'a> Reader<'a> {
    /// Reads on after the version, which has to be this one.
    pub(crate) fn new(bytes: &'a [u8], version: u8) -> Result<Self, InvalidState> {
        let mut reader = Self(bytes);
        match reader.byte()? {
            found if found == version => Ok(reader),
            found => Err(InvalidState::Version(found)),
        }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, InvalidState> {
        let (&first, rest) = self.0.split_first().ok_or(InvalidState::Truncated)?;
        self.0 = rest;
        Ok(first)
    }

    pub(crate) fn number(&mut self) -> Result<u64, InvalidState> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(InvalidState::Value("a number"))
    }

    /// A number that fits a smaller type.
    pub(crate) fn fitting<T: TryFrom<u64>>(&mut self) -> Result<T, InvalidState> {
        T::try_from(self.number()?).map_err(|_| InvalidState::Value("a number"))
    }

    pub(crate) fn word(&mut self) -> Result<u64, InvalidState> {
        let (word, rest) = self.0.split_first_chunk().ok_or(InvalidState::Truncated)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*word))
    }

    pub(crate) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, InvalidState>,
    ) -> Result<Option<T>, InvalidState> {
        match self.byte()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(InvalidState::Value("a presence")),
        }
    }

    pub(crate) fn list<T>(
        &mut self,
        read: impl Fn(&mut Self) -> Result<T, InvalidState>,
    ) -> Result<Vec<T>, InvalidState> {
        let length: usize = self.fitting()?;
        // Every item takes at least a byte: a length beyond that is a lie, and must not reserve memory.
        if length > self.0.len() {
            return Err(InvalidState::Truncated);
        }
        (0..length).map(|_| read(self)).collect()
    }

    pub(crate) fn finish(self) -> Result<(), InvalidState> {
        if self.0.is_empty() { Ok(()) } else { Err(InvalidState::Trailing) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip_at_every_width() {
        let numbers: Vec<u64> = (0..64).flat_map(|bit| [1 << bit, (1 << bit) - 1]).chain([u64::MAX]).collect();
        let mut writer = Writer::new(9);
        writer.list(&numbers, |writer, &number| writer.number(number));
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes, 9).unwrap();
        assert_eq!(reader.list(Reader::number).unwrap(), numbers);
        reader.finish().unwrap();
    }

    #[test]
    fn a_number_wider_than_64_bits_is_refused() {
        let bytes = [1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        assert_eq!(Reader::new(&bytes, 1).unwrap().number(), Err(InvalidState::Value("a number")));
    }

    #[test]
    fn a_length_beyond_the_bytes_reserves_nothing() {
        let bytes = [1, 0xff, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(Reader::new(&bytes, 1).unwrap().list(Reader::number), Err(InvalidState::Truncated));
    }
}
