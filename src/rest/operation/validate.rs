//! `$validate`: a resource judged by R4 and by profiles, kept or not (FHIR R4 resource-operation-validate).

use super::parameters::Input;
use super::{Answered, Handler};
use crate::access::Interaction as Deed;
use crate::base::{Issue, IssueCode};
use crate::fhir::Resource;
use crate::profile::{self, Validator};
use crate::rest::answer::Answer;
use crate::rest::server::Call;
use crate::rest::{Fault, Level, Server};

pub struct Validate;

impl Handler for Validate {
    fn answer<'a>(&'a self, server: &'a Server, level: &'a Level, call: &'a Call<'a>) -> Answered<'a> {
        Box::pin(async move {
            let input = Input::of(call)?;
            let mode = Mode::of(input.text("mode"))?;
            let resource = subject(server, level, &input, call).await?;
            let issues = match resource {
                Some(resource) => judged(&resource, level, mode, &input.texts("profile")),
                None if mode == Mode::Delete => Vec::new(),
                None => return Err(Fault::invalid("nothing to validate: send a resource, or a parameter `resource`")),
            };
            Ok(Answer::made(&profile::operation_outcome(&issues)))
        })
    }
}

/// What the resource is meant for (FHIR value set resource-validation-mode).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    None,
    Create,
    Update,
    Delete,
    Profile,
}

impl Mode {
    fn of(text: Option<&str>) -> Result<Self, Fault> {
        Ok(match text {
            None => Self::None,
            Some("create") => Self::Create,
            Some("update") => Self::Update,
            Some("delete") => Self::Delete,
            Some("profile") => Self::Profile,
            Some(_) => return Err(Fault::invalid("`mode` is create, update, delete or profile")),
        })
    }
}

/// What was sent, else what is kept at the place.
async fn subject(server: &Server, level: &Level, input: &Input, call: &Call<'_>) -> Result<Option<Resource>, Fault> {
    if let Some(sent) = input.resource("resource") {
        return Ok(Some(sent));
    }
    let Level::Instance(key) = level else { return Ok(None) };
    server.reaches(call.caller, key, Deed::Read).await?;
    let version = server.store.read(key, None).await?.ok_or_else(Fault::not_found)?;
    if version.deleted {
        return Err(Fault::gone());
    }
    Ok(Resource::parse(&version.content).ok())
}

fn judged(resource: &Resource, level: &Level, mode: Mode, profiles: &[String]) -> Vec<Issue> {
    let mut issues = Validator::builtin().validate_as(resource, profiles);
    let wrong = |text| Issue::error(IssueCode::Structure, text);
    match level {
        Level::Kind(kind) if resource.kind() != *kind => {
            issues.push(wrong("the resource is not of the type that the URL names"));
        }
        Level::Instance(key) if resource.kind() != key.kind || resource.id() != Some(&*key.id) => {
            issues.push(wrong("the resource is not the one that the URL names"));
        }
        _ => {}
    }
    if mode == Mode::Update && resource.id().is_none() {
        issues.push(wrong("an update needs the id of the resource"));
    }
    issues
}
