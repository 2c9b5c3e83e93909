//! The server: requests in, responses out, one interaction after the other through the same code.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::answer::Answer;
use super::body::Body;
use super::conditions::Conditions;
use super::negotiation::{Format, Terms};
use super::operation::Operations;
use super::query::{self, Pairs};
use super::{Cause, Fault, Interaction, Method, Request, Response, form};
use crate::access::Caller;
use crate::base::{Clock, Random, Timestamp, limits};
use crate::engine::request::Requests;
use crate::store::Store;
use crate::telemetry::names::{Label, Metric, count, observe};

/// What a site decides about the door.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The public address of the server, without a slash at its end: `https://gateway.example/fhir`.
    pub base_url: String,
    pub policy: Policy,
    /// When this program was built, as a FHIR dateTime: the `date` of the CapabilityStatement.
    pub built: &'static str,
    /// The version of this program.
    pub version: &'static str,
    /// Whether clients show who they are by SMART Backend Services: told in the CapabilityStatement.
    pub is_guarded: bool,
}

/// What R4 leaves to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// An update of an id that is not there makes the resource (R4 3.1.0.4.1).
    pub creates_by_update: bool,
    /// `DELETE Type?criteria` deletes the one that matches.
    pub conditional_delete: bool,
    pub integrity: Integrity,
    /// Matches of a page whose client did not say how many.
    pub page_size: u32,
    /// Matches of a page at most.
    pub page_size_max: u32,
}

/// Whether references to resources of this server must lead somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Integrity {
    #[default]
    Off,
    /// Nothing is written that refers to what is not there, and nothing is deleted that is still referred to.
    Enforce,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            creates_by_update: true,
            conditional_delete: true,
            integrity: Integrity::Off,
            page_size: limits::SEARCH_PAGE_DEFAULT,
            page_size_max: limits::SEARCH_PAGE_MAX,
        }
    }
}

/// The FHIR server, without HTTP. Cheap calls, shared as `Arc<Server>`.
pub struct Server {
    pub(super) store: Arc<dyn Store>,
    pub(super) requests: Arc<Requests>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) setup: Setup,
    pub(super) operations: Operations,
    /// The CapabilityStatement, made once.
    pub(super) capabilities: OnceLock<Bytes>,
    /// The OpenAPI document, made once.
    pub(super) openapi: OnceLock<Bytes>,
}

/// One interaction as it is asked for: by a request, or by an entry of a Bundle.
pub struct Call<'c> {
    pub caller: &'c Caller,
    pub terms: &'c Terms,
    pub conditions: Conditions,
    /// The parameters of the query.
    pub pairs: Pairs,
    /// Path and query, below the base, for links to itself.
    pub path: &'c str,
    pub method: Method,
    pub body: Body<'c>,
    /// The client's name for the request.
    pub request_id: &'c str,
    pub now: Timestamp,
}

impl Server {
    pub fn new(
        store: Arc<dyn Store>,
        requests: Arc<Requests>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        setup: Setup,
        operations: Operations,
    ) -> Self {
        let (capabilities, openapi) = (OnceLock::new(), OnceLock::new());
        Self { store, requests, clock, random, setup, operations, capabilities, openapi }
    }

    /// Answers a request. Never fails: what goes wrong is told as an OperationOutcome.
    pub async fn handle(&self, request: Request) -> Response {
        let started = self.clock.now();
        let interaction = Interaction::parse(request.method, &request.path);
        let name = interaction.as_ref().map_or("unknown", Interaction::name);
        let response = self.respond(interaction, &request, started).await;
        let status = smol_str::format_smolstr!("{}", response.status);
        count(Metric::FhirRequests, &[(Label::Interaction, name), (Label::Code, &status)]);
        let seconds = self.clock.now().since(started).as_secs_f64();
        observe(Metric::FhirRequestSeconds, seconds, &[(Label::Interaction, name)]);
        response
    }

    async fn respond(&self, interaction: Result<Interaction, Fault>, request: &Request, now: Timestamp) -> Response {
        let (pairs, terms) = match asked(request, interaction.as_ref().ok()) {
            Ok(asked) => asked,
            Err(fault) => return form::failure(&fault, Format::Json),
        };
        let answered = match interaction {
            Ok(interaction) => self.ask(interaction, request, pairs, &terms, now).await,
            Err(fault) => Err(fault),
        };
        let formed = answered.and_then(|answer| form::response(answer, &terms, &self.setup.base_url));
        formed.unwrap_or_else(|fault| form::failure(&fault, terms.format))
    }

    async fn ask(
        &self,
        interaction: Interaction,
        request: &Request,
        pairs: Pairs,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Answer, Fault> {
        let call = Call {
            caller: &request.caller,
            terms,
            conditions: Conditions::of_headers(&request.headers)?,
            pairs,
            path: &request.path,
            method: request.method,
            body: Body::Sent { content_type: request.headers.content_type.as_deref(), bytes: &request.body },
            request_id: request.headers.request_id.as_deref().unwrap_or_default(),
            now,
        };
        match interaction {
            Interaction::Bundle => self.bundle(&call).await,
            interaction => self.perform(interaction, &call).await,
        }
    }

    /// Any interaction that may be an entry of a Bundle as well.
    pub(super) async fn perform(&self, interaction: Interaction, call: &Call<'_>) -> Result<Answer, Fault> {
        match interaction {
            Interaction::Capabilities => Ok(self.capabilities()),
            Interaction::OpenApi => Ok(self.openapi()),
            Interaction::Read(key) => self.read(&key, call).await,
            Interaction::VersionRead(key, version) => self.version_read(&key, version, call).await,
            Interaction::History(scope) => self.history(scope, call).await,
            Interaction::Search(scope) => self.search(scope, call).await,
            Interaction::Operation(name, level) => self.operate(&name, level, call).await,
            Interaction::Bundle => Err(Fault::invalid("a Bundle cannot be an entry of a Bundle: send it to the base")),
            write => self.write_one(write, call).await,
        }
    }
}

/// The parameters of a request, those of a form among them, and the form of the answer that they ask for.
fn asked(request: &Request, interaction: Option<&Interaction>) -> Result<(Pairs, Terms), Fault> {
    let mut pairs = query::decode(&request.query)?;
    if request.method == Method::Post && matches!(interaction, Some(Interaction::Search(_))) {
        pairs.extend(form_pairs(request)?);
    }
    let terms = Terms::of(&request.headers, &pairs)?;
    Ok((pairs, terms))
}

/// A search by POST has its parameters in a form (R4 search 3.1.1.1).
fn form_pairs(request: &Request) -> Result<Pairs, Fault> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let content_type = request.headers.content_type.as_deref().unwrap_or(FORM);
    let media = content_type.split(';').next().unwrap_or_default().trim();
    if !request.body.is_empty() && !media.eq_ignore_ascii_case(FORM) {
        return Err(Fault::new(Cause::UnsupportedMedia, "the body of a search is application/x-www-form-urlencoded"));
    }
    let text = std::str::from_utf8(&request.body).map_err(|_| Fault::invalid("a form is UTF-8"))?;
    query::decode(text)
}

impl Call<'_> {
    /// The value of the first parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
