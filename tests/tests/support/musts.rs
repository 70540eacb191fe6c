//! Requirements that stand outside a rule.

/// Blocks of `text` (list items, paragraphs, table rows) that say MUST outside a rule.
pub(crate) fn stray_musts(text: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    for line in text.lines() {
        let begins = line.is_empty() || line.starts_with("- ") || line.starts_with('|');
        match blocks.last_mut() {
            Some(block) if !begins => {
                block.push(' ');
                block.push_str(line.trim());
            }
            _ => blocks.push(line.to_owned()),
        }
    }
    blocks.retain(|block| block.contains("MUST") && !block.starts_with("- **R-"));
    blocks.iter().map(|block| block.trim().to_owned()).collect()
}
