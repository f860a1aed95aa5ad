//! Emoji, as far as the channel has to find them.

/// Whether it is an emoji, or makes one of what stands before it: the blocks that hold emoji and hardly anything else, and
/// the characters of other blocks that are shown as emoji by themselves (Unicode, `Emoji_Presentation`). A joiner is none: it
/// also joins letters, and between emoji there are emoji.
pub(crate) fn is_emoji(c: char) -> bool {
    matches!(
        c,
        '\u{20E3}'
            | '\u{231A}'..='\u{231B}'
            | '\u{23E9}'..='\u{23F3}'
            | '\u{25FD}'..='\u{25FE}'
            | '\u{2600}'..='\u{27BF}'
            | '\u{2B1B}'..='\u{2B1C}'
            | '\u{2B50}'
            | '\u{2B55}'
            | '\u{FE0F}'
            | '\u{1F000}'..='\u{1FAFF}'
    )
}
