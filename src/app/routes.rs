//! What each endpoint is told, as configured beside it, turned into the routing table.

use super::StartError;
use crate::config::{Endpoint, Notify, Target};
use crate::routing::{RouteSettings, Style, Table};

/// One route for each facility an endpoint names, or one for all.
pub fn table(endpoints: &[Endpoint]) -> Result<Table, StartError> {
    let routes = endpoints.iter().flat_map(routes).collect();
    Table::new(routes).map_err(|mut faults| StartError::Route(faults.remove(0)))
}

fn routes(endpoint: &Endpoint) -> Vec<RouteSettings> {
    let Notify { facilities, events } = &endpoint.notify;
    let style = match endpoint.target {
        Target::Mllp { .. } => Style::Order,
        Target::Webhook(_) => Style::Webhook,
    };
    let announce = (!events.is_empty()).then(|| events.iter().map(ToString::to_string).collect());
    let route = |facility: Option<String>| RouteSettings {
        endpoint: endpoint.name().to_string(),
        facility,
        announce: Option::clone(&announce),
        style,
        ..RouteSettings::default()
    };
    if facilities.is_empty() {
        return vec![route(None)];
    }
    facilities.iter().map(|facility| route(Some(facility.to_string()))).collect()
}
