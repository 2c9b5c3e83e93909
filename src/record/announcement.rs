//! An announcement: one change of a referral that its referrer may be told, numbered by the referral itself.
//!
//! `workflow` makes it, `routing` decides who hears it, the engine turns it into deliveries.

use smol_str::SmolStr;

use crate::base::Timestamp;

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnnouncementKind {
    Received,
    Accepted,
    Declined,
    NeedInformation,
    Scheduled,
    Rescheduled,
    AppointmentCancelled,
    NoShow,
    Seen,
    InterimReport,
    Report,
    Cancelled,
    CancellationRefused,
    Failed,
    Expired,
    Closed,
}

impl AnnouncementKind {
    pub const ALL: [Self; 16] = [
        Self::Received,
        Self::Accepted,
        Self::Declined,
        Self::NeedInformation,
        Self::Scheduled,
        Self::Rescheduled,
        Self::AppointmentCancelled,
        Self::NoShow,
        Self::Seen,
        Self::InterimReport,
        Self::Report,
        Self::Cancelled,
        Self::CancellationRefused,
        Self::Failed,
        Self::Expired,
        Self::Closed,
    ];

    /// The name in settings and in webhook bodies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::NeedInformation => "need-information",
            Self::Scheduled => "scheduled",
            Self::Rescheduled => "rescheduled",
            Self::AppointmentCancelled => "appointment-cancelled",
            Self::NoShow => "no-show",
            Self::Seen => "seen",
            Self::InterimReport => "interim-report",
            Self::Report => "report",
            Self::Cancelled => "cancelled",
            Self::CancellationRefused => "cancellation-refused",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Closed => "closed",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The event name of a delivery: `referral.no-show`.
    pub fn event_name(self) -> SmolStr {
        smol_str::format_smolstr!("referral.{}", self.as_str())
    }
}

/// ORC-1 (table 0119) and ORC-5 (table 0038) of an order status message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OrderStatus {
    pub control: SmolStr,
    /// Empty when the message leaves ORC-5 out.
    pub status: SmolStr,
}

impl OrderStatus {
    pub const fn new_static(control: &'static str, status: &'static str) -> Self {
        Self { control: SmolStr::new_static(control), status: SmolStr::new_static(status) }
    }
}

/// One change to be told.
#[derive(Clone, PartialEq, Eq)]
pub struct Announcement {
    pub kind: AnnouncementKind,
    /// Counts the announcements of this referral from 1: what a receiver orders by.
    pub sequence: u32,
    pub occurred_at: Timestamp,
    /// The pipeline column after the change.
    pub stage: &'static str,
    /// For an order status message (OSU); absent when the change travels as SIU or is not told over HL7 v2.
    pub order_status: Option<OrderStatus>,
    /// The SIU trigger event (`S12`), when the change is one of an appointment.
    pub trigger: Option<&'static str>,
    /// Logical id of the Appointment concerned.
    pub appointment: Option<SmolStr>,
    /// The document concerned: `DiagnosticReport/id` or `DocumentReference/id`.
    pub report: Option<SmolStr>,
    /// ORC-16: code and text of the reason, of a negative status.
    pub reason: Option<(SmolStr, SmolStr)>,
}

impl std::fmt::Debug for Announcement {
    /// Shows what and when; the reason's text may have been typed by a person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} #{}", self.kind.as_str(), self.sequence)?;
        if let Some(OrderStatus { control, status }) = &self.order_status {
            write!(f, " {control}/{status}")?;
        }
        self.trigger.map_or(Ok(()), |trigger| write!(f, " {trigger}"))
    }
}
