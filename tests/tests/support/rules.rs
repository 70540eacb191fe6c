//! Rule ids in texts: where they are defined, where they are cited.

/// Every rule id (`R-CUR-4`) and family (`R-CUR`) in `text`, in order, with repetitions.
pub(crate) fn cited(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("R-") {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '_')) {
            continue;
        }
        let rest = &text[at + 2..];
        let letters = run(rest, |c| c.is_ascii_uppercase() || c.is_ascii_digit());
        if letters < 2 || !rest.starts_with(|c: char| c.is_ascii_uppercase()) {
            continue;
        }
        let digits =
            rest[letters..].strip_prefix('-').map_or(0, |n| run(n, |c| c.is_ascii_digit()));
        let end = letters + if digits > 0 { 1 + digits } else { 0 };
        found.push(format!("R-{}", &rest[..end]));
    }
    found
}

/// The ids of the rules that `text` defines: list items that start with `**R-CUR-4**`.
pub(crate) fn defined(text: &str) -> Vec<String> {
    let items = text.lines().filter_map(|line| line.strip_prefix("- **"));
    items.filter_map(|item| item.split_once("** ").map(|(id, _)| id.to_owned())).collect()
}

/// The family of an id.
pub(crate) fn family(id: &str) -> &str {
    match id.rsplit_once('-') {
        Some((family, number)) if number.bytes().all(|b| b.is_ascii_digit()) => family,
        _ => id,
    }
}

fn run(text: &str, is_in: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_in(c)).unwrap_or(text.len())
}
