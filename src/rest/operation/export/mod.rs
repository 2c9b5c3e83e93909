//! Bulk export: `$export` of everything, of all patients, of a group (Bulk Data Access 2.0.0).
//!
//! An export is fixed by the version number at its start: what is written afterwards is not in it, and what was there
//! stays in it. Its files are not written anywhere: a background task finds where each begins and ends, and a file is
//! read from the store when it is fetched, by any replica. So an export costs nothing to keep, and nothing of it lies
//! about.
//!
//! `$export` starts it, `$export-status?job=` tells of it and ends it, `$export-file?job=&file=` is one file.

mod files;
mod plan;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use smol_str::SmolStr;

use self::files::Files;
use self::plan::{Plan, Progress, Scope};
use super::parameters::Input;
use super::{Answered, Handler};
use crate::access::{Interaction as Deed, Permission};
use crate::base::{Timestamp, limits};
use crate::fhir::definitions;
use crate::record::ExportJob;
use crate::rest::answer::{Answer, Content};
use crate::rest::period::Period;
use crate::rest::query;
use crate::rest::server::Call;
use crate::rest::{Cause, Fault, Level, Method, Server};
use crate::store::Store;

/// Newline-delimited JSON, one resource on each line.
const NDJSON: &str = "application/fhir+ndjson";

/// Starts exports and knows which are under way in this process.
#[derive(Clone, Default)]
pub struct Export {
    under_way: Arc<Mutex<HashSet<SmolStr>>>,
}

/// Tells of an export, and ends it.
pub struct Status(pub Export);

/// One file of an export.
pub struct File;

impl Handler for Export {
    fn answer<'a>(&'a self, server: &'a Server, level: &'a Level, call: &'a Call<'a>) -> Answered<'a> {
        Box::pin(async move {
            if !call.terms.prefer.is_async {
                return Err(Fault::invalid("an export is asked for with `Prefer: respond-async`"));
            }
            let plan = plan(server, level, call).await?;
            if self.under_way.lock().unwrap_or_else(PoisonError::into_inner).len() >= limits::EXPORTS_MAX {
                return Err(Fault::new(Cause::Throttled, "other exports are under way: try again when they are done"));
            }
            let job = ExportJob {
                id: SmolStr::new(server.new_id()),
                client: SmolStr::new(call.caller.name().as_str()),
                asked_at: call.now,
                as_of: server.store.latest_version().await?,
                plan: plan.to_json(),
            };
            server.store.keep_export(&job).await?;
            self.begin(&server.store, job.clone(), plan);
            let status = format!("{}/$export-status?job={}", server.setup.base_url, job.id);
            let mut answer = Answer::of(202, Content::Nothing);
            answer.headers.push(("content-location", status));
            Ok(answer)
        })
    }
}

impl Export {
    /// Finds the files in the background, unless that is being done.
    fn begin(&self, store: &Arc<dyn Store>, job: ExportJob, plan: Plan) {
        let claimed = self.under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(job.id.clone());
        if !claimed {
            return;
        }
        let (store, under_way) = (Arc::clone(store), Arc::clone(&self.under_way));
        tokio::spawn(async move {
            let id = job.id.clone();
            if let Err(error) = files::lay_out(store.as_ref(), job, plan).await {
                tracing::warn!(%error, "an export was cut off; it goes on when its client asks for it again");
            }
            under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        });
    }
}

/// What is to be exported. A client that sees only what belongs to its organisation exports nothing: it searches.
async fn plan(server: &Server, level: &Level, call: &Call<'_>) -> Result<Plan, Fault> {
    if call.caller.organization().is_some() {
        let text = "exports are for clients that see everything: search, with `_lastUpdated` for what is new";
        return Err(Fault::new(Cause::Forbidden, text));
    }
    let input = Input::of(call)?;
    let format = input.text("_outputFormat").unwrap_or(NDJSON).replace("fhir ", "fhir+");
    if ![NDJSON, "application/ndjson", "ndjson"].contains(&format.as_str()) {
        return Err(Fault::invalid("`_outputFormat` is application/fhir+ndjson"));
    }
    for unknown in ["_typeFilter", "_elements", "patient", "includeAssociatedData"] {
        if call.terms.prefer.is_strict && input.text(unknown).is_some() {
            return Err(Fault::invalid("_typeFilter, _elements, patient and includeAssociatedData are not supported"));
        }
    }
    let since = input.text("_since").map(|text| Period::of(text).map(|period| period.from));
    let scope = match level {
        Level::Instance(group) => {
            server.reaches(call.caller, group, Deed::Read).await?;
            super::meta::live(server, group).await?;
            Scope::Group(group.id.to_string())
        }
        Level::Kind(_) => Scope::Patients,
        Level::System => Scope::System,
    };
    Ok(Plan {
        request: asked(server, call),
        kinds: kinds(&scope, &input.texts("_type"), call)?,
        scope,
        since: since.transpose()?.map(Timestamp::as_micros),
        progress: Progress::default(),
    })
}

/// The URL of the request, its query with it.
fn asked(server: &Server, call: &Call<'_>) -> String {
    let query = query::encode(call.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}/{}{mark}{query}", server.setup.base_url, call.path)
}

fn is_open(kind: &str, call: &Call<'_>) -> bool {
    [Deed::Read, Deed::Search].iter().all(|deed| call.caller.permits(kind, *deed) == Permission::All)
}

/// The types that are asked for and open to the caller; 403 when one that was named is not.
fn kinds(scope: &Scope, asked: &[String], call: &Call<'_>) -> Result<Vec<String>, Fault> {
    let is_open = |kind: &str| is_open(kind, call);
    let named: Vec<&str> = asked.iter().flat_map(|list| list.split(',')).filter(|kind| !kind.is_empty()).collect();
    if let Some(unknown) = named.iter().find(|kind| definitions::resource(kind).is_none()) {
        let place = definitions::resources().find(|kind| kind.eq_ignore_ascii_case(unknown)).unwrap_or("_type");
        return Err(Fault::invalid("`_type` names something that is no resource type").at(place));
    }
    if named.iter().any(|kind| !is_open(kind)) {
        return Err(crate::rest::guard::forbidden());
    }
    let is_asked = |kind: &str| if named.is_empty() { is_open(kind) } else { named.contains(&kind) };
    let kinds: Vec<String> =
        definitions::resources().filter(|kind| scope.may_hold(kind) && is_asked(kind)).map(str::to_owned).collect();
    if kinds.is_empty() { Err(crate::rest::guard::forbidden()) } else { Ok(kinds) }
}

impl Handler for Status {
    fn answer<'a>(&'a self, server: &'a Server, _level: &'a Level, call: &'a Call<'a>) -> Answered<'a> {
        Box::pin(async move {
            let job = job(server, call).await?;
            if call.method == Method::Delete {
                server.store.drop_export(&job.id).await?;
                return Ok(Answer::of(202, Content::Nothing));
            }
            let plan = Plan::of(&job)?;
            if !plan.progress.is_done {
                let told = format!("{} of {} types", plan.progress.kinds_done, plan.kinds.len());
                self.0.begin(&server.store, job, plan);
                let mut answer = Answer::of(202, Content::Nothing);
                answer.headers.push(("x-progress", told));
                answer.headers.push(("retry-after", limits::EXPORT_RETRY_AFTER.as_secs().to_string()));
                return Ok(answer);
            }
            let manifest = plan.manifest(&job, &server.setup.base_url, server.setup.is_guarded);
            Ok(Answer::of(200, Content::File { media_type: "application/json".into(), bytes: manifest.into() }))
        })
    }
}

impl Handler for File {
    fn answer<'a>(&'a self, server: &'a Server, _level: &'a Level, call: &'a Call<'a>) -> Answered<'a> {
        Box::pin(async move {
            let job = job(server, call).await?;
            let plan = Plan::of(&job)?;
            if plan.kinds.iter().any(|kind| !is_open(kind, call)) {
                return Err(crate::rest::guard::forbidden());
            }
            let number = call.parameter("file").and_then(|number| number.parse::<usize>().ok());
            let file = number.and_then(|number| plan.progress.files.get(number)).ok_or_else(Fault::not_found)?;
            let bytes = Files::of(server.store.as_ref(), &job, &plan).await?.read(file).await?;
            Ok(Answer::of(200, Content::File { media_type: NDJSON.into(), bytes: bytes.into() }))
        })
    }
}

/// The caller's own export. That of another client is as unknown as one that never was.
async fn job(server: &Server, call: &Call<'_>) -> Result<ExportJob, Fault> {
    let id = call.parameter("job").ok_or_else(Fault::not_found)?;
    let job = server.store.export(id).await?.ok_or_else(Fault::not_found)?;
    if job.client == call.caller.name().as_str() { Ok(job) } else { Err(Fault::not_found()) }
}
