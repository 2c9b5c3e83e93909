//! The routing table: which endpoints hear an announcement, and in which form (STANDARDS 1.10).

use serde::Deserialize;
use smol_str::SmolStr;

use crate::base::ids::{EndpointName, ReferralId};
use crate::record::{Announcement, AnnouncementKind, OrderStatus};

/// What a referrer hears unless its route says otherwise: the decision, what is asked of it, the appointment, the
/// visit, the report, and every bad end. Not its own closing.
pub const DEFAULT_KINDS: [AnnouncementKind; 15] = [
    AnnouncementKind::Received,
    AnnouncementKind::Accepted,
    AnnouncementKind::Declined,
    AnnouncementKind::NeedInformation,
    AnnouncementKind::Scheduled,
    AnnouncementKind::Rescheduled,
    AnnouncementKind::AppointmentCancelled,
    AnnouncementKind::NoShow,
    AnnouncementKind::Seen,
    AnnouncementKind::InterimReport,
    AnnouncementKind::Report,
    AnnouncementKind::Cancelled,
    AnnouncementKind::CancellationRefused,
    AnnouncementKind::Failed,
    AnnouncementKind::Expired,
];

/// A route as written in the settings. Of the four ways to match, those given must all hold; none given matches every
/// referral.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteSettings {
    pub endpoint: String,
    /// `application|facility` that sent the request.
    pub sender: Option<String>,
    /// The facility alone.
    pub facility: Option<String>,
    /// The system of the referral number.
    pub authority: Option<String>,
    /// Names of announcements (`accepted`, `no-show`, …); the default policy when left out.
    pub announce: Option<Vec<String>>,
    pub style: Style,
    /// Other ORC-1 and ORC-5 for this partner: `accepted = "SC/IP"`.
    #[serde(default)]
    pub order_status: std::collections::BTreeMap<String, String>,
}

/// How a partner hears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    /// HL7 v2: OSU for the order, SIU for its appointments, ORU for reports.
    #[default]
    Order,
    /// A thin JSON notification.
    Webhook,
}

/// A checked route.
#[derive(Clone, Debug)]
pub struct Route {
    endpoint: EndpointName,
    sender: Option<String>,
    facility: Option<String>,
    authority: Option<String>,
    kinds: Vec<AnnouncementKind>,
    style: Style,
    order_status: Vec<(AnnouncementKind, OrderStatus)>,
}

/// All routes, in the order of the settings.
#[derive(Clone, Debug, Default)]
pub struct Table(Vec<Route>);

/// A route that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteFault {
    #[error("route to {endpoint}: `{name}` is no announcement")]
    UnknownAnnouncement { endpoint: String, name: String },
    #[error("route to {endpoint}: `{written}` is no order status, write it as `OK/IP`")]
    OrderStatus { endpoint: String, written: String },
    #[error("a route names no endpoint")]
    NoEndpoint,
}

/// What routing needs to know of a referral.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferralSummary {
    pub id: ReferralId,
    /// `application|facility` that sent the request.
    pub sender: SmolStr,
    /// The referral number of the placer, and its system.
    pub placer_number: SmolStr,
    pub placer_system: SmolStr,
}

/// One endpoint that is to hear it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    pub endpoint: EndpointName,
    pub form: Form,
}

/// In which form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// OSU^O51 with this ORC-1 and ORC-5.
    OrderStatus(OrderStatus),
    /// SIU with this trigger event.
    Appointment { trigger: &'static str },
    /// ORU^R01 with this OBR-25: `P` or `F`.
    Result { status: &'static str },
    /// The JSON of `webhook_body`.
    Webhook,
}

impl Table {
    /// Checks the routes; every fault is reported, not the first alone.
    pub fn new(settings: Vec<RouteSettings>) -> Result<Self, Vec<RouteFault>> {
        let mut faults = Vec::new();
        let routes = settings.into_iter().filter_map(|one| Route::new(one, &mut faults)).collect();
        if faults.is_empty() { Ok(Self(routes)) } else { Err(faults) }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The endpoints in use, for checking that they exist.
    pub fn endpoints(&self) -> impl Iterator<Item = &EndpointName> {
        self.0.iter().map(|route| &route.endpoint)
    }
}

/// Who hears this announcement of this referral: each endpoint once, by the first of its routes that matches.
pub fn destinations(table: &Table, referral: &ReferralSummary, announcement: &Announcement) -> Vec<Destination> {
    let mut found: Vec<Destination> = Vec::new();
    for route in table.0.iter().filter(|route| route.concerns(referral) && route.kinds.contains(&announcement.kind)) {
        if found.iter().any(|known| known.endpoint == route.endpoint) {
            continue;
        }
        if let Some(form) = route.form(announcement) {
            found.push(Destination { endpoint: route.endpoint.clone(), form });
        }
    }
    found
}

impl Route {
    /// Nothing when the route has faults, which are added to the list.
    fn new(settings: RouteSettings, faults: &mut Vec<RouteFault>) -> Option<Self> {
        let RouteSettings { endpoint, sender, facility, authority, announce, style, order_status } = settings;
        let faults_before = faults.len();
        if endpoint.is_empty() {
            faults.push(RouteFault::NoEndpoint);
        }
        let mut kind_of = |name: String| {
            let kind = AnnouncementKind::from_name(&name);
            if kind.is_none() {
                faults.push(RouteFault::UnknownAnnouncement { endpoint: endpoint.clone(), name });
            }
            kind
        };
        let kinds = announce.map(|names| names.into_iter().filter_map(&mut kind_of).collect());
        let pairs: Vec<_> =
            order_status.into_iter().filter_map(|(name, written)| Some((kind_of(name)?, written))).collect();
        let mut statuses = Vec::new();
        for (kind, written) in pairs {
            match order_status_of(&written) {
                Some(status) => statuses.push((kind, status)),
                None => faults.push(RouteFault::OrderStatus { endpoint: endpoint.clone(), written }),
            }
        }
        (faults.len() == faults_before).then(|| Self {
            endpoint: EndpointName::new(endpoint),
            sender,
            facility,
            authority,
            kinds: kinds.unwrap_or_else(|| DEFAULT_KINDS.to_vec()),
            style,
            order_status: statuses,
        })
    }

    fn concerns(&self, referral: &ReferralSummary) -> bool {
        let facility = referral.sender.split_once('|').map_or("", |(_, facility)| facility);
        let holds = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        holds(&self.sender, &referral.sender)
            && holds(&self.facility, facility)
            && holds(&self.authority, &referral.placer_system)
    }

    /// Nothing when the style has no message for it.
    fn form(&self, announcement: &Announcement) -> Option<Form> {
        match self.style {
            Style::Webhook => Some(Form::Webhook),
            Style::Order => self.order_form(announcement),
        }
    }

    fn order_form(&self, announcement: &Announcement) -> Option<Form> {
        let overridden = self.order_status.iter().find(|(kind, _)| *kind == announcement.kind);
        if let Some((_, status)) = overridden {
            return Some(Form::OrderStatus(status.clone()));
        }
        match (announcement.kind, announcement.trigger, &announcement.report) {
            (_, Some(trigger), _) => Some(Form::Appointment { trigger }),
            (AnnouncementKind::Report, _, Some(_)) => Some(Form::Result { status: "F" }),
            (AnnouncementKind::InterimReport, _, Some(_)) => Some(Form::Result { status: "P" }),
            _ => announcement.order_status.clone().map(Form::OrderStatus),
        }
    }
}

fn order_status_of(written: &str) -> Option<OrderStatus> {
    let (control, status) = written.split_once('/')?;
    (!control.is_empty()).then(|| OrderStatus { control: control.into(), status: status.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    fn announcement(kind: AnnouncementKind) -> Announcement {
        Announcement {
            kind,
            sequence: 1,
            occurred_at: Timestamp::default(),
            stage: "New",
            order_status: Some(OrderStatus::new_static("OK", "IP")),
            trigger: None,
            appointment: None,
            report: None,
            reason: None,
        }
    }

    fn summary() -> ReferralSummary {
        ReferralSummary {
            id: ReferralId(uuid::Uuid::nil()),
            sender: "EMR|NORTH".into(),
            placer_number: "1".into(),
            placer_system: "urn:example:north".into(),
        }
    }

    fn route(endpoint: &str) -> RouteSettings {
        RouteSettings { endpoint: endpoint.into(), ..RouteSettings::default() }
    }

    fn check(settings: Vec<RouteSettings>, announcement: &Announcement, expected: &[(&str, Form)]) {
        let table = Table::new(settings).unwrap();
        let found = destinations(&table, &summary(), announcement);
        let found: Vec<_> = found.into_iter().map(|one| (one.endpoint.to_string(), one.form)).collect();
        let expected: Vec<_> = expected.iter().map(|(name, form)| ((*name).to_owned(), form.clone())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn routes_match_by_sender_facility_and_authority() {
        let accepted = announcement(AnnouncementKind::Accepted);
        let order = || Form::OrderStatus(OrderStatus::new_static("OK", "IP"));
        check(vec![route("all")], &accepted, &[("all", order())]);
        for (sender, facility, authority, expected) in [
            (Some("EMR|NORTH"), None, None, true),
            (Some("EMR|SOUTH"), None, None, false),
            (None, Some("NORTH"), None, true),
            (None, Some("EMR"), None, false),
            (None, Some("NORTH"), Some("urn:example:south"), false),
            (None, Some("NORTH"), Some("urn:example:north"), true),
        ] {
            let text = |part: Option<&str>| part.map(str::to_owned);
            let one = RouteSettings {
                sender: text(sender),
                facility: text(facility),
                authority: text(authority),
                ..route("one")
            };
            let wanted: &[_] = if expected { &[("one", order())] } else { &[] };
            check(vec![one], &accepted, wanted);
        }
    }

    #[test]
    fn each_endpoint_hears_once_and_only_what_its_policy_says() {
        let quiet = RouteSettings { announce: Some(vec!["report".into()]), ..route("quiet") };
        let hook = RouteSettings { style: Style::Webhook, ..route("hook") };
        let routes = vec![quiet, hook.clone(), hook];
        check(routes.clone(), &announcement(AnnouncementKind::Accepted), &[("hook", Form::Webhook)]);
        check(routes, &announcement(AnnouncementKind::Closed), &[]);
        for kind in AnnouncementKind::ALL {
            let heard =
                !destinations(&Table::new(vec![route("p")]).unwrap(), &summary(), &announcement(kind)).is_empty();
            assert_eq!(heard, kind != AnnouncementKind::Closed, "{}", kind.as_str());
        }
    }

    #[test]
    fn the_order_style_chooses_its_message_by_the_change() {
        let booked = Announcement { trigger: Some("S12"), ..announcement(AnnouncementKind::Scheduled) };
        check(vec![route("p")], &booked, &[("p", Form::Appointment { trigger: "S12" })]);
        let report =
            Announcement { report: Some("DiagnosticReport/1".into()), ..announcement(AnnouncementKind::Report) };
        check(vec![route("p")], &report, &[("p", Form::Result { status: "F" })]);
        let own = RouteSettings { order_status: [("accepted".into(), "SC/IP".into())].into(), ..route("p") };
        let expected = Form::OrderStatus(OrderStatus::new_static("SC", "IP"));
        check(vec![own], &announcement(AnnouncementKind::Accepted), &[("p", expected)]);
        let silent = Announcement { order_status: None, ..announcement(AnnouncementKind::Failed) };
        check(vec![route("p")], &silent, &[]);
    }

    #[test]
    fn every_fault_of_the_settings_is_reported() {
        let wrong = RouteSettings {
            announce: Some(vec!["acepted".into()]),
            order_status: [("failed".into(), "OD".into())].into(),
            ..route("p")
        };
        let faults = Table::new(vec![wrong, route("")]).unwrap_err();
        let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "route to p: `acepted` is no announcement",
                "route to p: `OD` is no order status, write it as `OK/IP`",
                "a route names no endpoint"
            ]
        );
    }
}
