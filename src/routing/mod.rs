//! Who is told what: a table of routes from settings, asked once per announcement, in the transaction of the change.
//!
//! Cast: a *route* gives one endpoint the announcements of some referrals in one style; a *destination* is one endpoint
//! with the form in which it hears this announcement. It sends nothing and knows no protocol beyond the names of forms.

pub mod table;
pub mod webhook;

pub use table::{Destination, Form, ReferralSummary, Route, RouteFault, RouteSettings, Style, Table, destinations};
pub use webhook::webhook_body;
