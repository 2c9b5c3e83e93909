//! The cancellation region: a referrer asks, the receiver confirms or refuses.

use serde::{Deserialize, Serialize};

use super::event::Happening;

/// Where a request to cancel stands. `Requested` lies beside fulfilment and does not move it: when it is refused, the
/// referral is where its own events have brought it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cancellation {
    #[default]
    None,
    Requested,
    Refused,
    Confirmed,
}

impl Cancellation {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Requested => "requested",
            Self::Refused => "refused",
            Self::Confirmed => "confirmed",
        }
    }

    /// Rows 26 to 29 of the transition table; nothing when the event does not concern the region.
    pub(super) const fn after(self, happening: &Happening) -> Option<Self> {
        match (self, happening) {
            (_, Happening::CancelRequested) => Some(Self::Requested),
            (Self::Requested, Happening::CancellationConfirmed) => Some(Self::Confirmed),
            (Self::Requested, Happening::CancellationRefused(_) | Happening::FinalReport(_)) => Some(Self::Refused),
            _ => None,
        }
    }
}
