//! The desk: what is known when a batch is decided, and what its earlier decisions have already changed.
//!
//! Loaded in two reads for the whole batch: identities and referrals first, then the resources under the ids that the
//! patients turned out to have; batches with referrals take some more for what announcements show.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use bytes::Bytes;

use super::content::Text;
use super::identity::{self, Known};
use super::read::Reading;
use crate::base::ids::{MessageId, ReferralId};
use crate::base::{Digest, Timestamp};
use crate::fhir::{Node, Resource};
use crate::record::{Redirect, Referral, ReferralWrite, ResourceKey, ResourceWrite};
use crate::search;
use crate::store::{Load, Loaded, Store, StoreError};
use crate::workflow::{State, referral_id};

/// A resource as it stands on the desk: its text, read when somebody looks into it.
struct Held {
    version: u32,
    digest: Digest,
    content: Bytes,
    /// The latest message that it speaks for.
    message: Option<MessageId>,
    read: OnceCell<Option<Resource>>,
}

impl Held {
    fn new(version: u32, digest: Digest, content: Bytes, message: Option<MessageId>) -> Self {
        Self { version, digest, content, message, read: OnceCell::new() }
    }

    /// What we wrote can be read; a deleted resource has nothing to read and counts as unknown.
    fn resource(&self) -> Option<&Resource> {
        self.read.get_or_init(|| Resource::parse(&self.content).ok()).as_ref()
    }
}

/// A referral as it stands on the desk.
struct Open {
    version: u32,
    state: State,
}

/// Everything a batch's decisions read, and where they write what later ones must see.
#[derive(Default)]
pub struct Desk {
    pub known: Known,
    resources: HashMap<ResourceKey, Held>,
    /// Resources that the store was asked for, found or not.
    asked: HashSet<ResourceKey>,
    referrals: HashMap<ReferralId, Open>,
    /// The message whose decision is under way.
    cause: Option<MessageId>,
}

impl Desk {
    /// Loads what the decisions about these messages need.
    pub async fn load(store: &dyn Store, readings: &[Reading]) -> Result<Self, StoreError> {
        let mut desk = Self::default();
        let first = first_load(readings);
        let patients = first.open_referrals_of.clone();
        desk.fetch(store, first).await?;
        let second = desk.second_load(readings, &patients);
        desk.fetch(store, second).await?;
        desk.load_around_referrals(store).await?;
        Ok(desk)
    }

    /// Loads what the decisions about a request need: its resources as they stand, and the referrals around them.
    pub async fn load_request(store: &dyn Store, resources: &[&Resource]) -> Result<Self, StoreError> {
        let mut desk = Self::default();
        let mut load = Load::default();
        for resource in resources {
            load.resources.extend(key_of(resource));
            load.referrals.extend(named_referrals(resource));
            load.open_referrals_of.extend(patients_of(resource));
        }
        desk.fetch(store, load).await?;
        desk.load_around_referrals(store).await?;
        Ok(desk)
    }

    /// Loads one referral with what its announcements may show.
    pub async fn load_referral(store: &dyn Store, referral: ReferralId) -> Result<Self, StoreError> {
        let mut desk = Self::default();
        desk.fetch(store, Load { referrals: HashSet::from([referral]), ..Load::default() }).await?;
        desk.load_around_referrals(store).await?;
        Ok(desk)
    }

    /// Reads what has not been asked for yet; nothing to ask costs nothing.
    async fn fetch(&mut self, store: &dyn Store, mut load: Load) -> Result<(), StoreError> {
        load.resources.retain(|key| self.asked.insert(key.clone()));
        let nothing = load.resources.is_empty() && load.identifiers.is_empty();
        if nothing && load.referrals.is_empty() && load.open_referrals_of.is_empty() {
            return Ok(());
        }
        let loaded = store.load(&load).await?;
        self.take(loaded)
    }

    /// What the referrals' announcements may show: request, patient, appointments, and who asked: a role, and behind
    /// it the person.
    async fn load_around_referrals(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        let mut around = Load::default();
        self.want_referral_resources(&mut around);
        self.fetch(store, around).await?;
        for element in ["requester", "practitioner"] {
            let resources = if self.referrals.is_empty() { HashSet::new() } else { self.people(element) };
            self.fetch(store, Load { resources, ..Load::default() }).await?;
        }
        Ok(())
    }

    fn people(&self, element: &str) -> HashSet<ResourceKey> {
        let pointers =
            self.resources.iter().filter(|(key, _)| matches!(key.kind.as_str(), "ServiceRequest" | "PractitionerRole"));
        let pointers = pointers.filter_map(|(_, held)| held.resource());
        pointers.filter_map(|resource| ResourceKey::from_reference(resource.text(&[element, "reference"])?)).collect()
    }

    /// What the second read must bring: the resources named by the messages under their patients' true ids, the open
    /// referrals of those patients, and what the referrals' announcements show.
    fn second_load(&self, readings: &[Reading], patients: &HashSet<ResourceKey>) -> Load {
        let mut load = Load::default();
        for reading in readings {
            let (renames, _) = identity::resolve(&reading.resources, &self.known);
            for key in reading.resources.iter().filter(|resource| is_stored(resource)).filter_map(key_of) {
                let key = renames.key(key);
                if key.kind == "Patient" && !patients.contains(&key) {
                    load.open_referrals_of.insert(key.clone());
                }
                load.resources.insert(key);
            }
        }
        self.want_referral_resources(&mut load);
        load
    }

    fn want_referral_resources(&self, load: &mut Load) {
        for open in self.referrals.values() {
            let state = &open.state;
            load.resources.insert(ResourceKey::new("ServiceRequest", state.request.service_request.as_str()));
            load.resources.insert(ResourceKey::new("Task", state.task()));
            load.resources.extend(ResourceKey::from_reference(&state.request.patient));
            let appointments =
                state.appointments.iter().map(|known| ResourceKey::new("Appointment", known.id.as_str()));
            load.resources.extend(appointments);
        }
    }

    fn take(&mut self, loaded: Loaded) -> Result<(), StoreError> {
        for redirect in &loaded.redirects {
            self.known.redirect(redirect);
        }
        for (key, owner) in loaded.identifiers {
            let owners = self.known.owners.entry(key).or_default();
            if !owners.contains(&owner.id) {
                owners.push(owner.id);
            }
        }
        for stored in loaded.resources {
            self.resources.insert(stored.key, Held::new(stored.version, stored.digest, stored.content, stored.message));
        }
        for Referral { id, version, state, .. } in loaded.referrals {
            let state = State::from_bytes(&state).map_err(|_| corrupt("referral", "state", &id))?;
            self.referrals.insert(id, Open { version, state });
        }
        Ok(())
    }

    /// Whose decision is under way: what is put from here on is made by it.
    pub const fn begin(&mut self, cause: Option<MessageId>) {
        self.cause = cause;
    }

    /// A later message than the one at hand made what stands: the one at hand is run again, or was overtaken.
    pub fn is_overtaken(&self, said: &Resource) -> bool {
        let standing = key_of(said).and_then(|key| self.resources.get(&key)?.message);
        matches!((standing, self.cause), (Some(standing), Some(cause)) if standing > cause)
    }

    pub fn resource(&self, key: &ResourceKey) -> Option<&Resource> {
        self.resources.get(key)?.resource()
    }

    pub fn referral(&self, id: ReferralId) -> Option<&State> {
        self.referrals.get(&id).map(|open| &open.state)
    }

    pub fn referrals(&self) -> impl Iterator<Item = &State> {
        self.referrals.values().map(|open| &open.state)
    }

    /// How what is said of a resource compares with what stands on the desk.
    pub fn compare(&self, said: &Resource) -> Comparison<'_> {
        let text = Text::of(said);
        match key_of(said).and_then(|key| self.resources.get(&key)) {
            None => Comparison::Unknown(text),
            Some(held) if held.digest == text.digest() => Comparison::Same,
            Some(held) => held.resource().map_or(Comparison::Unknown(text), Comparison::Other),
        }
    }

    /// The version and digest of what stands; nothing when it is not on the desk.
    pub fn standing(&self, key: &ResourceKey) -> Option<(u32, Digest)> {
        self.resources.get(key).map(|held| (held.version, held.digest))
    }

    /// Takes note of a version that was written elsewhere in the same transaction: what follows it is put here.
    pub fn hold(&mut self, write: &ResourceWrite) {
        let held = Held::new(write.follows + 1, write.digest, write.content.clone(), write.message);
        self.resources.insert(write.key.clone(), held);
    }

    /// Puts a resource on the desk; the write that makes it durable, or nothing when it says what is known already.
    pub fn put(&mut self, resource: &Resource, now: Timestamp) -> Option<ResourceWrite> {
        self.put_text(resource, &Text::of(resource), now)
    }

    /// The same with the resource's text already written.
    pub fn put_text(&mut self, resource: &Resource, text: &Text, now: Timestamp) -> Option<ResourceWrite> {
        let key = key_of(resource)?;
        let digest = text.digest();
        let (follows, message) = match self.resources.get(&key) {
            Some(held) if held.digest == digest => return None,
            Some(held) => (held.version, held.message.max(self.cause)),
            None => (0, self.cause),
        };
        let version = follows + 1;
        let content: Bytes = text.with_meta(version, now).into();
        if resource.kind() == "Patient" {
            self.known.learn(resource);
        }
        self.resources.insert(key.clone(), Held::new(version, digest, content.clone(), message));
        Some(ResourceWrite {
            key,
            follows,
            content,
            digest,
            message,
            index: search::index(resource, now),
            text: search::text(resource),
            deleted: false,
        })
    }

    /// Puts a referral on the desk; the write that makes it durable. `events` and `timers` are the caller's to fill.
    pub fn put_referral(&mut self, state: State) -> ReferralWrite {
        let version = self.referrals.get(&state.id()).map_or(0, |open| open.version);
        let referral = state.to_referral(version);
        self.referrals.insert(state.id(), Open { version: version + 1, state });
        ReferralWrite { referral, events: Vec::new(), timers: Vec::new() }
    }

    /// Records that one patient is now another.
    pub fn redirect(&mut self, redirect: &Redirect) {
        self.known.redirect(redirect);
    }
}

fn corrupt(table: &'static str, column: &'static str, row: &dyn std::fmt::Display) -> StoreError {
    StoreError::Corrupt { table, column, row: row.to_string() }
}

/// A MessageHeader describes the message, which is kept; a Task made of an order status message carries the codes of the
/// order (`urn:loopgate:order-control` and kin) and is the machine's to read.
pub fn is_stored(resource: &Resource) -> bool {
    match resource.kind() {
        "MessageHeader" => false,
        "Task" => {
            let extensions = resource.get("extension").into_iter().flat_map(Node::items);
            !extensions.filter_map(|extension| extension.text(&["url"])).any(|url| url.starts_with("urn:loopgate:"))
        }
        _ => true,
    }
}

pub fn key_of(resource: &Resource) -> Option<ResourceKey> {
    Some(ResourceKey::new(resource.kind(), resource.id()?))
}

/// What is said of a resource, beside what stands.
pub enum Comparison<'d> {
    /// Nothing stands: here is its text.
    Unknown(Text),
    /// It stands exactly so: there is nothing to merge or to write.
    Same,
    /// Something else stands.
    Other(&'d Resource),
}

/// Who the patients are, and the referrals that the messages name or whose patient they are about.
fn first_load(readings: &[Reading]) -> Load {
    let mut load = Load::default();
    for resource in readings.iter().flat_map(|reading| &reading.resources) {
        if resource.kind() == "Patient" {
            load.identifiers.extend(identity::identity_keys(resource));
            let key = key_of(resource);
            load.resources.extend(key.clone());
            load.open_referrals_of.extend(key);
        }
        load.referrals.extend(named_referrals(resource));
    }
    load
}

/// The patients that a resource is about.
fn patients_of(resource: &Resource) -> Vec<ResourceKey> {
    let subjects =
        ["subject", "for", "patient"].into_iter().filter_map(|element| resource.text(&[element, "reference"]));
    let participants = resource.get("participant").into_iter().flat_map(Node::items);
    let actors = participants.filter_map(|participant| participant.text(&["actor", "reference"]));
    let own = key_of(resource).filter(|key| key.kind == "Patient");
    let named = subjects.chain(actors).filter_map(ResourceKey::from_reference).filter(|key| key.kind == "Patient");
    named.chain(own).collect()
}

/// The referrals that a resource is or points to.
fn named_referrals(resource: &Resource) -> Vec<ReferralId> {
    let own = resource.id().filter(|_| resource.kind() == "ServiceRequest").map(referral_id);
    let pointers = ["basedOn", "focus"].into_iter().filter_map(|element| resource.get(element)).flat_map(Node::items);
    let pointed = pointers
        .filter_map(|node| ResourceKey::from_reference(node.text(&["reference"])?))
        .filter(|key| key.kind == "ServiceRequest");
    own.into_iter().chain(pointed.map(|key| referral_id(&key.id))).collect()
}
