//! What is wrong with a request about templates.

/// Subcodes of template management (Cloud API, error codes: templates). Those that Meta's list does not have are known
/// from developers' reports.
pub(super) mod subcode {
    pub(crate) const TOO_MANY: u32 = 2_388_019;
    /// Reported by developers.
    pub(crate) const BLOCKED: u32 = 2_388_023;
    /// Reported by developers.
    pub(crate) const TAKEN: u32 = 2_388_024;
    pub(crate) const NOT_NOW: u32 = 2_388_039;
    pub(crate) const TOO_LONG: u32 = 2_388_040;
    /// Reported by developers.
    pub(crate) const VARIABLE: u32 = 2_388_042;
    /// Reported by developers.
    pub(crate) const NO_EXAMPLE: u32 = 2_388_043;
    pub(crate) const HEADER: u32 = 2_388_047;
    pub(crate) const BODY: u32 = 2_388_072;
    pub(crate) const FOOTER: u32 = 2_388_073;
    /// Reported by developers.
    pub(crate) const TOO_MANY_BUTTONS: u32 = 2_388_275;
    pub(crate) const FEW_WORDS: u32 = 2_388_293;
    pub(crate) const VARIABLE_AT_EDGE: u32 = 2_388_299;
}

/// What is wrong with a request. The sentences are the simulator's: Meta's are not documented.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    /// Absent where none is known.
    pub(super) subcode: Option<u32>,
    pub(super) sentence: String,
}

impl Flaw {
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        let (subcode, sentence) = (None, sentence.into());
        Self { subcode, sentence }
    }

    pub(super) fn known(subcode: u32, sentence: impl Into<String>) -> Self {
        let (subcode, sentence) = (Some(subcode), sentence.into());
        Self { subcode, sentence }
    }
}

pub(super) type Checked = Result<(), Flaw>;

/// A check that names what is wrong.
pub(super) fn require(holds: bool, subcode: u32, sentence: impl FnOnce() -> String) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(Flaw::known(subcode, sentence()))
    }
}

/// The same where no subcode is known.
pub(super) fn insist(holds: bool, sentence: impl FnOnce() -> String) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(Flaw::new(sentence()))
    }
}
