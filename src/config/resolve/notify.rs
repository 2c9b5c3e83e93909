//! What a partner is told, and of which referrals: nobody hears of every referral unless the configuration says so.

use std::collections::BTreeMap;

use super::Section;
use crate::config::diagnostic::Fault;
use crate::config::options::ORDER_STATUS;
use crate::config::settings::Notify;

/// The lists that say which referrals are meant.
const FILTERS: [&str; 3] = ["facilities", "senders", "authorities"];

pub(super) fn notify(endpoint: &Section<'_>, faults: &mut Vec<Fault>) -> Notify {
    let section = endpoint.inner("notify");
    check_filters(&section, faults);
    for sender in section.texts("senders").iter().filter(|sender| sender.split('|').count() != 2) {
        let text = format!("`{sender}` is no sender");
        faults.push(Fault::new(&section.place("senders"), "bad-value", text).hint("expected \"application|facility\""));
    }
    if section.is_given("order_status") && endpoint.text("kind") == Some("webhook") {
        let text = "`notify.order_status` means nothing for an endpoint of kind \"webhook\"";
        faults.push(Fault::new(&section.place("order_status"), "conflict", text));
    }
    Notify {
        facilities: section.texts("facilities"),
        senders: section.texts("senders"),
        authorities: section.texts("authorities"),
        events: section.texts("events"),
        order_status: order_status(&section.inner("order_status"), faults),
    }
}

fn check_filters(section: &Section<'_>, faults: &mut Vec<Fault>) {
    let filter = FILTERS.into_iter().find(|key| !section.texts(key).is_empty());
    match (filter, section.boolean("all_referrals")) {
        (None, false) => {
            let text = "this partner would be told of every referral, with the data of the patient";
            let fault = Fault::new(&section.place, "open-endpoint", text);
            faults.push(fault.hint(
                "name `notify.facilities`, `notify.senders` or `notify.authorities`, or set `notify.all_referrals = true`",
            ));
        }
        (Some(key), true) => {
            let text = format!("`notify.{key}` and `notify.all_referrals` cannot both be given");
            faults.push(Fault::new(&section.place("all_referrals"), "conflict", text));
        }
        _ => {}
    }
}

fn order_status(section: &Section<'_>, faults: &mut Vec<Fault>) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    for key in ORDER_STATUS.iter().map(|option| option.key) {
        let Some(written) = section.text(key) else { continue };
        if !written.split_once('/').is_some_and(|(control, status)| !control.is_empty() && !status.contains('/')) {
            let text = format!("`{key}` is no order status");
            let fault = Fault::new(&section.place(key), "bad-value", text);
            faults.push(fault.hint("expected ORC-1 and ORC-5: \"OK/IP\", or \"RR/\" without ORC-5"));
        }
        pairs.insert(key.to_owned(), written.to_owned());
    }
    pairs
}
