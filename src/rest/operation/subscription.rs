//! `Subscription/x/$status` and `$events`: how a subscription stands (Subscriptions R5 Backport on R4, 1.1.0).
//!
//! No event is counted for subscriptions yet: deliveries to them are to come. What is answered says so by its numbers.

use super::parameters::{Output, empty};
use super::{Answered, Handler};
use crate::access::Interaction as Deed;
use crate::base::Timestamp;
use crate::fhir::{Node, Object, Resource};
use crate::rest::answer::Answer;
use crate::rest::server::Call;
use crate::rest::{Fault, Level, Server};

/// Which of the two is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Subscription {
    Status,
    Events,
}

impl Handler for Subscription {
    fn answer<'a>(&'a self, server: &'a Server, level: &'a Level, call: &'a Call<'a>) -> Answered<'a> {
        Box::pin(async move {
            let Level::Instance(key) = level else { return Err(Fault::not_found()) };
            server.reaches(call.caller, key, Deed::Read).await?;
            let version = super::meta::live(server, key).await?;
            let subscription = Resource::parse(&version.content).map_err(|_| Fault::gone())?;
            let status = self.status(&format!("{}/{key}", server.setup.base_url), &subscription);
            Ok(Answer::made(&self.bundle(status, call.now)))
        })
    }
}

impl Subscription {
    /// The notification status: Parameters of profile backport-subscription-status-r4.
    fn status(self, url: &str, subscription: &Resource) -> Resource {
        let reference: Object = [("reference", Node::from(url))].into_iter().collect();
        let status = subscription.text(&["status"]).unwrap_or("requested");
        let kind = if self == Self::Status { "query-status" } else { "query-event" };
        let mut output = Output::default().value("subscription", "valueReference", Node::Object(reference));
        if let Some(topic) = subscription.text(&["criteria"]).filter(|criteria| criteria.contains("://")) {
            output = output.value("topic", "valueCanonical", topic);
        }
        output
            .value("status", "valueCode", status)
            .value("type", "valueCode", kind)
            .value("events-since-subscription-start", "valueString", "0")
            .finish()
    }

    fn bundle(self, status: Resource, now: Timestamp) -> Resource {
        let mut bundle = empty("Bundle");
        let mut entry: Object = [("resource", status.into_node())].into_iter().collect();
        if self == Self::Status {
            bundle.object_mut().set("type", "searchset");
            entry.set("search", [("mode", Node::from("match"))].into_iter().collect::<Object>());
        } else {
            bundle.object_mut().set("type", "history");
            let request: [(&str, Node); 2] = [("method", "GET".into()), ("url", "$events".into())];
            entry.set("request", request.into_iter().collect::<Object>());
            entry.set("response", [("status", Node::from("200"))].into_iter().collect::<Object>());
        }
        bundle.object_mut().set("timestamp", now.to_string());
        bundle.object_mut().set("entry", vec![Node::Object(entry)]);
        bundle
    }
}
