//! Markdown tables and the constants of `limits.rs`.

/// The cells of every row of every table in `text`, without header and separator rows.
pub(crate) fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut in_body = false;
    for line in text.lines() {
        let Some(inner) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
            in_body = false;
            continue;
        };
        if inner.starts_with("---") {
            in_body = true;
        } else if in_body {
            rows.push(inner.split('|').map(|cell| cell.trim().to_owned()).collect());
        }
    }
    rows
}

/// A cell without its back ticks.
pub(crate) fn code(cell: &str) -> &str {
    cell.trim_matches('`')
}

/// Name and value of every `pub const NAME: type = product;` in a Rust file.
pub(crate) fn constants(source: &str) -> Vec<(String, u64)> {
    let declared = source.lines().filter_map(|line| line.strip_prefix("pub const "));
    declared
        .map(|line| {
            let (name, rest) = line.split_once(':').expect("a type");
            let (_, value) = rest.split_once('=').expect("a value");
            (name.to_owned(), product(value.trim().trim_end_matches(';')))
        })
        .collect()
}

fn product(expression: &str) -> u64 {
    let number = |text: &str| -> u64 {
        let digits = text.trim().replace('_', "");
        digits.parse().unwrap_or_else(|_| panic!("not a product of integers: {expression}"))
    };
    match expression.split_once("<<") {
        Some((value, shift)) => number(value) << number(shift),
        None => expression.split('*').map(number).product(),
    }
}
