//! Bundles that ask: batches, whose entries stand alone, and transactions, whose entries are written together or not at
//! all (R4 http 3.1.0.11).

mod entry;

use entry::Entry;

use super::answer::{Answer, Content};
use super::page::{Bundle, EntryResponse};
use super::server::Call;
use super::write::{Letter, Wish, wish};
use super::{Fault, Interaction, Server, form};
use crate::base::limits;
use crate::fhir::{Node, Resource};

impl Server {
    pub(super) async fn bundle(&self, call: &Call<'_>) -> Result<Answer, Fault> {
        let bundle = call.body.resource()?;
        if bundle.kind() != "Bundle" {
            return Err(Fault::invalid("the base takes a Bundle: send other resources to their type"));
        }
        let entries = bundle.get("entry").map_or(0, |entries| entries.items().len());
        if entries > limits::BUNDLE_ENTRIES_MAX {
            return Err(Fault::new(
                super::Cause::TooLarge,
                format!("a Bundle has at most {} entries here: send it in parts", limits::BUNDLE_ENTRIES_MAX),
            ));
        }
        match bundle.text(&["type"]) {
            Some("batch") => self.batch(bundle, call).await,
            Some("transaction") => self.transaction(bundle, call).await,
            Some("message") => Err(Fault::invalid("a message goes to $process-message")),
            _ => Err(Fault::invalid("the base takes a Bundle of type batch or transaction")),
        }
    }

    /// Each entry by itself: what fails is told in its place.
    async fn batch(&self, bundle: Resource, call: &Call<'_>) -> Result<Answer, Fault> {
        let mut response = self.response_bundle("batch-response", call);
        for (at, node) in entries(bundle).into_iter().enumerate() {
            let answered = match Entry::read(node, at, &self.setup.base_url) {
                Ok(entry) => self.entry(&entry, call).await,
                Err(fault) => Err(fault),
            };
            self.append(&mut response, answered);
        }
        Ok(Answer::of(200, Content::Made(response.finish().into())))
    }

    /// All writes as one submission; then the reads, which see what was written.
    async fn transaction(&self, bundle: Resource, call: &Call<'_>) -> Result<Answer, Fault> {
        let reads = self.reads_of(&bundle)?;
        let mut parsed = Some(bundle);
        let make = || {
            let bundle = parsed.take().map_or_else(|| call.body.resource(), Ok)?;
            self.wishes(bundle, call)
        };
        let letter = Letter { label: "POST transaction".into(), body: call.body.bytes(), is_transaction: true };
        let mut written = self.write(make, &letter, call).await?.into_iter();
        let mut response = self.response_bundle("transaction-response", call);
        for read in reads {
            let answered = match read {
                Some(entry) => self.entry(&entry, call).await.map_err(|fault| fault.at(entry.place.clone())),
                None => Ok(written.next().unwrap_or_else(|| Answer::of(200, Content::Nothing))),
            };
            self.append(&mut response, answered);
        }
        Ok(Answer::of(200, Content::Made(response.finish().into())))
    }

    /// For each entry: the read that it is, or nothing for a write.
    fn reads_of(&self, bundle: &Resource) -> Result<Vec<Option<Entry>>, Fault> {
        let nodes = bundle.get("entry").map_or(&[][..], Node::items);
        let mut reads = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let is_read = matches!(node.text(&["request", "method"]), Some("GET" | "HEAD"));
            reads.push(if is_read { Some(Entry::read(node.clone(), at, &self.setup.base_url)?) } else { None });
        }
        Ok(reads)
    }

    fn wishes(&self, bundle: Resource, call: &Call<'_>) -> Result<Vec<Wish>, Fault> {
        let mut wishes = Vec::new();
        for (at, node) in entries(bundle).into_iter().enumerate() {
            if matches!(node.text(&["request", "method"]), Some("GET" | "HEAD")) {
                continue;
            }
            let entry = Entry::read(node, at, &self.setup.base_url)?;
            wishes.push(wish_of(&entry, call).map_err(|fault| fault.at(entry.place.clone()))?);
        }
        Ok(wishes)
    }

    async fn entry(&self, entry: &Entry, call: &Call<'_>) -> Result<Answer, Fault> {
        let terms = entry.terms(call)?;
        let mut answer = self.perform(entry.interaction.clone(), &entry.call(&terms, call)).await?;
        if let Content::Stored(content) = &answer.content {
            answer.content = Content::Made(form::part(content, &terms)?);
        }
        Ok(answer)
    }

    fn response_bundle(&self, kind: &str, call: &Call<'_>) -> Bundle {
        Bundle::new(kind, &self.new_id(), call.now, None, &[])
    }

    /// What came of an entry; a failure is told in its place.
    fn append(&self, response: &mut Bundle, answered: Result<Answer, Fault>) {
        let answer = match answered {
            Ok(answer) => answer,
            Err(fault) => Answer::of(fault.status(), Content::Outcome(fault.outcome())),
        };
        let (resource, outcome) = match answer.content {
            Content::Stored(bytes) | Content::Made(bytes) => (Some(bytes), None),
            Content::Outcome(outcome) => (None, Some(outcome)),
            Content::Nothing | Content::File { .. } => (None, None),
        };
        let entry =
            EntryResponse { status: answer.status, version: answer.version, location: answer.location, outcome };
        response.done(&self.setup.base_url, resource.as_deref(), &entry);
    }
}

fn wish_of(entry: &Entry, call: &Call<'_>) -> Result<Wish, Fault> {
    if matches!(entry.interaction, Interaction::Operation(..) | Interaction::Bundle) {
        return Err(Fault::invalid("a transaction reads and writes resources: send operations by themselves"));
    }
    let terms = entry.terms(call)?;
    let wish = wish(&entry.interaction, &entry.call(&terms, call))?;
    Ok(Wish { place: Some(entry.place.clone()), aliases: entry.aliases(), ..wish })
}

/// The entries of a Bundle, taken out of it.
fn entries(mut bundle: Resource) -> Vec<Node> {
    match bundle.object_mut().remove("entry") {
        Some(Node::Array(entries)) => entries,
        Some(one) => vec![one],
        None => Vec::new(),
    }
}
