//! What each endpoint is told, as configured beside it, turned into the routing table.

use smol_str::SmolStr;

use super::StartError;
use crate::config::{Endpoint, Notify, Target};
use crate::routing::{RouteSettings, Style, Table};

/// One route for each combination of what an endpoint names; what it leaves out matches any.
pub fn table(endpoints: &[Endpoint]) -> Result<Table, StartError> {
    let routes = endpoints.iter().flat_map(routes).collect();
    Table::new(routes).map_err(|mut faults| StartError::Route(faults.remove(0)))
}

fn routes(endpoint: &Endpoint) -> Vec<RouteSettings> {
    let Notify { facilities, senders, authorities, events, order_status } = &endpoint.notify;
    let style = match endpoint.target {
        Target::Mllp { .. } => Style::Order,
        Target::Webhook(_) => Style::Webhook,
    };
    let announce = (!events.is_empty()).then(|| events.iter().map(ToString::to_string).collect());
    let mut routes = Vec::new();
    for facility in each_or_any(facilities) {
        for sender in each_or_any(senders) {
            for authority in each_or_any(authorities) {
                routes.push(RouteSettings {
                    endpoint: endpoint.name().to_string(),
                    sender: sender.clone(),
                    facility: facility.clone(),
                    authority,
                    announce: Option::clone(&announce),
                    style,
                    order_status: order_status.clone(),
                });
            }
        }
    }
    routes
}

fn each_or_any(named: &[SmolStr]) -> Vec<Option<String>> {
    if named.is_empty() {
        return vec![None];
    }
    named.iter().map(|name| Some(name.to_string())).collect()
}
