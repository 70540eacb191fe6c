//! What is asked, and what is answered.

const COMMAND: &str = "/words ";

/// The message that asks for `count` words, without pauses.
pub fn request(count: u32) -> String {
    format!("{COMMAND}{count} 0")
}

/// How many words a message asks for; 1 if it asks for none.
pub fn count(text: &str) -> u32 {
    let rest = text.strip_prefix(COMMAND).unwrap_or_default();
    rest.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// The word with this number, from 1, of `count`.
pub fn word(number: u32, count: u32) -> String {
    let space = if number == count { "" } else { " " };
    format!("word-{number}{space}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_read_back() {
        assert_eq!(count(&request(12)), 12);
        assert_eq!(count("hello"), 1);
        assert_eq!((word(1, 2), word(2, 2)), ("word-1 ".to_owned(), "word-2".to_owned()));
    }
}
