//! What the gateway keeps, and in which states: messages, resources, referrals, deliveries, work for people.
//!
//! Cast: a *reception* is what intake wants admitted; a *conclusion* is everything that follows from one cause (a
//! message, a timer, a person) and is written in one transaction (P6); a *delivery* is one thing owed to one endpoint;
//! a *work item* is something a person must look at.
//!
//! Plain values: it knows neither SQL nor protocols, nor how a decision is made.

pub mod announcement;
pub mod conclusion;
pub mod delivery;
pub mod export;
pub mod index;
pub mod lane;
pub mod message;
pub mod request;
pub mod resource;
pub mod search;
pub mod trail;

pub use announcement::{Announcement, AnnouncementKind, OrderStatus};
pub use conclusion::{Audit, Cause, Conclusion, Referral, ReferralWrite, Timer, TimerChange, WorkItem, WorkItemKind};
pub use delivery::{Attempt, Delivery, DeliveryState, FailureClass, NewDelivery, Payload};
pub use export::ExportJob;
pub use index::{IndexKey, KeyTest, Range, Relation, Scan, Space, reference_key, token_key};
pub use lane::{Lane, Lanes};
pub use message::{Disposition, MessageOutcome, Reception, ReusePolicy, StoredMessage};
pub use request::{Committed, Guard, Request};
pub use resource::{IdentifierKey, Redirect, ResourceKey, ResourceVersion, ResourceWrite};
pub use search::{
    Counting, Criterion, HistoryPage, HistoryQuery, HistoryScope, KindQuery, Order, ResourceText, SearchPage,
    SearchQuery, SnapshotQuery, TextPart, VersionNumber,
};
pub use trail::{StoredTrace, Trail, UnmappedCode, WaitingCode};
