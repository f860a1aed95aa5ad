//! What the demonstration prints: coloured on a terminal, plain elsewhere.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use channel_host::plain;

/// Who says or does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// The customer.
    Ada,
    /// Who answers customers.
    Agent,
    /// The vendor, simulated.
    Dialog,
    /// The host.
    Host,
    /// Who looks after the host.
    Operator,
}

impl Who {
    fn name(self) -> &'static str {
        match self {
            Self::Ada => "Ada",
            Self::Agent => "agent",
            Self::Dialog => "360dialog",
            Self::Host => "host",
            Self::Operator => "operator",
        }
    }

    fn style(self) -> Style {
        let colour = match self {
            Self::Ada => AnsiColor::Green,
            Self::Agent => AnsiColor::Cyan,
            Self::Dialog => AnsiColor::Magenta,
            Self::Host => AnsiColor::Blue,
            Self::Operator => AnsiColor::Yellow,
        };
        colour.on_default()
    }
}

/// Begins a scene.
pub(super) fn scene(number: u32, title: &str) -> Result<()> {
    let bold = Style::new().bold();
    write(&format!("\n{bold}{number}. {title}{bold:#}\n"))
}

/// Somebody does something. What others have written is made safe for terminals; a sentence may have several lines.
pub(super) fn line(who: Who, text: &str) -> Result<()> {
    let (name, style) = (who.name(), who.style());
    let lines: Vec<_> = text.lines().map(|line| plain(line.trim_start())).collect();
    let text = lines.join("\n              ");
    write(&format!("   {style}{name:<9}{style:#}  {text}\n"))
}

/// Prints text, without its styles where nobody sees them.
pub(super) fn write(text: &str) -> Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}
