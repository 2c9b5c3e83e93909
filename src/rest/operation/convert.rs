//! `$convert`: an HL7 v2 message in, the resources that it maps to out; nothing is kept. With `trace`, where each leaf
//! came from.
//!
//! The body is the message (`text/plain`, `x-application/hl7-v2+er7`), or Parameters with it as `message`; `feed` names
//! the feed by whose mapping it is read.

use std::sync::Arc;

use smol_str::SmolStr;

use super::parameters::{Input, Output};
use super::{Answered, Handler};
use crate::base::ids::{FeedName, MessageId};
use crate::engine::read::Reader;
use crate::fhir::{Node, Resource};
use crate::hl7v2::Header;
use crate::mapping::{self, Leaf, Mapped};
use crate::profile;
use crate::record::{MessageOutcome, StoredMessage};
use crate::rest::answer::Answer;
use crate::rest::body::Body;
use crate::rest::server::Call;
use crate::rest::{Cause, Fault, Level, Server};

pub struct Convert {
    pub reader: Arc<Reader>,
}

impl Handler for Convert {
    fn answer<'a>(&'a self, _server: &'a Server, _level: &'a Level, call: &'a Call<'a>) -> Answered<'a> {
        Box::pin(async move {
            let asked = Asked::of(call)?;
            let message = asked.message(call)?;
            let unmapped = || Fault::new(Cause::Unprocessable, "there is no map for this type of message");
            let mapped = self.reader.map(&message).ok_or_else(unmapped)?;
            let bundle = mapping::bundle(&mapped);
            if !asked.trace {
                return Ok(Answer::made(&bundle));
            }
            let outcome = profile::operation_outcome(&mapped.issues);
            let output = Output::default().resource("bundle", bundle).resource("issues", outcome);
            let leaves = trace(&mapped);
            Ok(Answer::made(&leaves.into_iter().fold(output, |output, leaf| output.part("leaf", leaf)).finish()))
        })
    }
}

/// What is to be converted, and how.
struct Asked {
    bytes: bytes::Bytes,
    feed: FeedName,
    trace: bool,
}

impl Asked {
    fn of(call: &Call<'_>) -> Result<Self, Fault> {
        let feed = call.parameter("feed").unwrap_or_default();
        let trace = call.parameter("trace") == Some("true");
        if let Body::Sent { content_type: Some(content_type), bytes } = &call.body
            && is_hl7v2(content_type)
        {
            return Ok(Self { bytes: (*bytes).clone(), feed: FeedName::new(feed), trace });
        }
        let input = Input::of(call)?;
        let message = input.text("message").ok_or_else(|| {
            Fault::invalid("send the message as text/plain, or Parameters with it as the string `message`")
        })?;
        Ok(Self {
            bytes: message.replace("\r\n", "\r").replace('\n', "\r").into_bytes().into(),
            feed: FeedName::new(input.text("feed").unwrap_or(feed)),
            trace: trace || input.flag("trace"),
        })
    }

    fn message(&self, call: &Call<'_>) -> Result<StoredMessage, Fault> {
        let header = Header::read(&self.bytes).map_err(|fault| Fault::invalid(fault.to_string()))?;
        Ok(StoredMessage {
            id: MessageId(0),
            feed: self.feed.clone(),
            sender: header.sender(),
            control_id: header.control_id.clone(),
            message_type: header.message_type(),
            bytes: self.bytes.clone(),
            charset_declared: SmolStr::default(),
            charset_detected: SmolStr::default(),
            received_at: call.now,
            outcome: MessageOutcome::Pending,
            concluded_at: None,
            issues: SmolStr::default(),
            release: SmolStr::default(),
            control_id_reused: false,
            tries: 0,
        })
    }
}

fn is_hl7v2(content_type: &str) -> bool {
    let media = content_type.split(';').next().unwrap_or_default().trim();
    ["text/plain", "x-application/hl7-v2+er7", "application/hl7-v2", "application/octet-stream"]
        .iter()
        .any(|known| media.eq_ignore_ascii_case(known))
}

/// One part list for each leaf: its resource and path, the places of the message it was made of, and the rule.
fn trace(mapped: &Mapped) -> Vec<Output> {
    let Some(trace) = &mapped.trace else { return Vec::new() };
    let leaves = (0..).map_while(|index| trace.leaf(index));
    leaves.map(|leaf| told(mapped, leaf)).collect()
}

fn told(mapped: &Mapped, leaf: Leaf<'_>) -> Output {
    let resource = mapped.resources.get(leaf.resource()).map(reference).unwrap_or_default();
    let mut output =
        Output::default().value("resource", "valueString", resource).value("path", "valueString", leaf.path());
    for source in leaf.sources() {
        output = output.value("source", "valueString", source.to_string());
    }
    match leaf.rule() {
        Some(rule) => output.value("rule", "valueString", Node::from(rule.place())),
        None => output,
    }
}

fn reference(resource: &Resource) -> String {
    format!("{}/{}", resource.kind(), resource.id().unwrap_or_default())
}
