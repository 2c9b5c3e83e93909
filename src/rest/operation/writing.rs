//! Operations that write: a submission like that of any interaction.

use smol_str::SmolStr;

use crate::access::{Interaction as Deed, Permission};
use crate::engine::request::{Change, Standing, Submission, Submitted, Written};
use crate::fhir::Resource;
use crate::record::{Redirect, ResourceVersion};
use crate::rest::server::Call;
use crate::rest::{Cause, Fault, Server};
use crate::rest::{body, guard};

/// Makes the changes, or none. `label` is what the journal calls it.
pub async fn submit(
    server: &Server,
    label: &'static str,
    changes: Vec<Change>,
    redirects: Vec<Redirect>,
    call: &Call<'_>,
) -> Result<Vec<Written>, Fault> {
    // Whoever sees only the compartment of an organisation writes by interactions, which look at every reference.
    // A restricted scope is held against resources by interactions only.
    let is_open = |change: &Change| match change {
        Change::Put { resource, .. } => call.caller.permits(resource.kind(), Deed::Update) == Permission::All,
        Change::Delete { key, .. } => call.caller.permits(&key.kind, Deed::Delete) == Permission::All,
    };
    if call.caller.organization().is_some() || !changes.iter().all(is_open) {
        return Err(guard::forbidden());
    }
    let submission = Submission {
        client: call.caller.name().clone(),
        sender: call.caller.name().as_str().into(),
        label: SmolStr::new_static(label),
        control_id: call.request_id.into(),
        body: call.body.bytes(),
        received_at: call.now,
        changes,
        redirects,
        guards: Vec::new(),
    };
    match server.requests.submit(submission).await? {
        Submitted::Done { written, .. } => Ok(written),
        Submitted::Refused(issues) => Err(Fault::of_issues(Cause::Unprocessable, issues)),
        Submitted::Conflict | Submitted::GuardFailed(_) => {
            Err(Fault::new(Cause::Conflict, "it was changed meanwhile: look again, then ask again"))
        }
    }
}

/// Puts a resource over what stands; what it is then.
pub async fn replace(
    server: &Server,
    label: &'static str,
    resource: Resource,
    standing: &ResourceVersion,
    call: &Call<'_>,
) -> Result<Resource, Fault> {
    body::in_order(&resource)?;
    let change = Change::Put { resource: resource.clone(), over: Some(Standing::of(standing)) };
    let written = submit(server, label, vec![change], Vec::new(), call).await?;
    let stands = written.first().filter(|written| !written.unchanged);
    Ok(stands.and_then(|written| Resource::parse(&written.content).ok()).unwrap_or(resource))
}
