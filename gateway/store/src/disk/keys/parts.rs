//! Puts keys together and takes them apart.

/// A key under construction.
#[derive(Debug)]
pub(crate) struct Builder(Vec<u8>);

impl Builder {
    pub(crate) fn new(kind: u8) -> Self {
        let mut key = Vec::with_capacity(24);
        key.push(kind);
        Self(key)
    }

    pub(crate) fn byte(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub(crate) fn number(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Text in the last place: it needs no end.
    pub(crate) fn text(mut self, value: &str) -> Self {
        self.0.extend_from_slice(value.as_bytes());
        self
    }

    /// An environment's name, ended by the one byte that it can't hold.
    pub(crate) fn environment(self, name: &str) -> Self {
        debug_assert!(!name.contains('/'));
        self.text(name).byte(b'/')
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// A key being read. Every method gives `None` where the key has another shape.
#[derive(Debug)]
pub(crate) struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    pub(crate) fn new(kind: u8, key: &'a [u8]) -> Option<Self> {
        let (first, rest) = key.split_first()?;
        (*first == kind).then_some(Self(rest))
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*first))
    }

    pub(crate) fn text(self) -> Option<&'a str> {
        std::str::from_utf8(self.0).ok()
    }

    pub(crate) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// The first key after all that start with `prefix`. Kinds stay below 0xff, so there is one.
pub(crate) fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while end.last() == Some(&0xff) {
        end.pop();
    }
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_tight() {
        assert_eq!(after_prefix(&[1, 2]), [1, 3]);
        assert_eq!(after_prefix(&[1, 0xff, 0xff]), [2]);
        assert!([1, 0xff, 0xff, 9].as_slice() < after_prefix(&[1, 0xff, 0xff]).as_slice());
    }
}
