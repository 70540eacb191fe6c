//! Who may write (I4).

use tidegate_core::seams::store::{CommitError, Writer};

/// The fence and hand-over counter of a session. Neither ever goes back, not even when the
/// session is deleted and made again: a writer of the old one stays fenced off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fences {
    pub(crate) fence: u64,
    pub(crate) handovers: u64,
}

impl Fences {
    /// Lets `writer` in or refuses it; a bump takes effect at once.
    pub(crate) fn admit(&mut self, writer: Writer) -> Result<(), CommitError> {
        let allowed = match writer {
            Writer::Run { fence } => fence == self.fence,
            Writer::Guest { handovers } => handovers == self.handovers,
            Writer::Gateway { bump } => {
                self.fence += u64::from(bump);
                true
            }
            Writer::Client => true,
        };
        if allowed { Ok(()) } else { Err(CommitError::Fenced { current: self.fence }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_rule() {
        let mut fences = Fences { fence: 3, handovers: 1 };
        let fenced = Err(CommitError::Fenced { current: 3 });
        assert_eq!(fences.admit(Writer::Run { fence: 3 }), Ok(()));
        assert_eq!(fences.admit(Writer::Run { fence: 2 }), fenced);
        assert_eq!(fences.admit(Writer::Run { fence: 4 }), fenced);
        assert_eq!(fences.admit(Writer::Guest { handovers: 1 }), Ok(()));
        assert_eq!(fences.admit(Writer::Guest { handovers: 0 }), fenced);
        assert_eq!(fences.admit(Writer::Client), Ok(()));
        assert_eq!(fences.admit(Writer::Gateway { bump: false }), Ok(()));
        assert_eq!(fences.fence, 3);
        assert_eq!(fences.admit(Writer::Gateway { bump: true }), Ok(()));
        assert_eq!(fences.admit(Writer::Run { fence: 3 }), Err(CommitError::Fenced { current: 4 }));
    }
}
