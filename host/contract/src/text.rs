//! Text of plugins, where people read it.

/// Text that is perhaps a plugin's, for one line of a terminal: what could move the cursor, begin a line or turn the
/// direction of writing is shown as `\u{1b}` instead.
#[must_use]
pub fn plain(text: &str) -> String {
    let turns = |c| matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || turns(c) {
            plain.extend(c.escape_unicode());
        } else {
            plain.push(c);
        }
    }
    plain
}
