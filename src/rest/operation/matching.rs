//! `Patient/$match`: who of the known patients may be the one that is described, with a grade for each (FHIR R4
//! patient-operation-match).

use std::collections::BTreeMap;

use super::parameters::Input;
use super::{Answered, Handler};
use crate::base::limits;
use crate::engine::likeness::{Grade, Likeness, likeness};
use crate::fhir::{Node, Object, Resource};
use crate::record::{Counting, Criterion, KindQuery, ResourceKey, SearchQuery};
use crate::rest::answer::Answer;
use crate::rest::server::Call;
use crate::rest::{Fault, Level, Server};

pub struct Match;

/// The extension of an entry's `search` that holds the grade.
const GRADE: &str = "http://hl7.org/fhir/StructureDefinition/match-grade";

impl Handler for Match {
    fn answer<'a>(&'a self, server: &'a Server, _level: &'a Level, call: &'a Call<'a>) -> Answered<'a> {
        Box::pin(async move {
            let input = Input::of(call)?;
            let asked = input.resource("resource").filter(|resource| resource.kind() == "Patient");
            let asked = asked.ok_or_else(|| Fault::invalid("a parameter `resource` with a Patient is needed"))?;
            let least = if input.flag("onlyCertainMatches") { Grade::Certain } else { Grade::Possible };
            let mut found = candidates(server, &asked, call).await?;
            found.retain(|(_, likeness)| likeness.grade >= least);
            found.sort_by(|(_, one), (_, other)| other.score.total_cmp(&one.score));
            let count = input.text("count").and_then(|count| count.parse().ok());
            found.truncate(count.unwrap_or(limits::MATCHES_MAX).min(limits::MATCHES_MAX));
            Ok(Answer::made(&bundle(&server.setup.base_url, &found)))
        })
    }
}

/// Everyone who shares something telling with who is asked for, each compared as a whole.
async fn candidates(server: &Server, asked: &Resource, call: &Call<'_>) -> Result<Vec<(Resource, Likeness)>, Fault> {
    let mut found: BTreeMap<ResourceKey, (Resource, Likeness)> = BTreeMap::new();
    for pairs in searches(asked).into_iter().take(limits::MATCH_SEARCHES_MAX) {
        let criterion = server.criterion("Patient", &pairs)?;
        let criterion = server.confined(call.caller, "Patient", criterion)?;
        for version in search(server, criterion).await? {
            if let Ok(known) = Resource::parse(&version.content) {
                let likeness = likeness(asked, &known);
                found.insert(version.key, (known, likeness));
            }
        }
    }
    Ok(found.into_values().collect())
}

async fn search(server: &Server, criterion: Criterion) -> Result<Vec<crate::record::ResourceVersion>, Fault> {
    let kinds = vec![KindQuery { kind: "Patient".into(), criterion, order: Vec::new() }];
    let limit = limits::MATCH_CANDIDATES_MAX;
    let query = SearchQuery { kinds, after: None, limit, count: Counting::WhenKnown };
    Ok(server.store.search(&query).await?.matches)
}

/// What finds candidates: each search is narrow enough to find few.
fn searches(asked: &Resource) -> Vec<Vec<(String, String)>> {
    let mut searches = Vec::new();
    let list = |name: &str| asked.get(name).into_iter().flat_map(Node::items).cloned().collect::<Vec<_>>();
    for identifier in list("identifier") {
        if let (Some(system), Some(value)) = (identifier.text(&["system"]), identifier.text(&["value"])) {
            searches.push(vec![pair("identifier", &format!("{}|{}", escaped(system), escaped(value)))]);
        }
    }
    let birth = asked.text(&["birthDate"]).map(|date| pair("birthdate", date));
    for name in list("name") {
        let family = name.text(&["family"]).map(|family| pair("family", &escaped(family)));
        let given = name.text(&["given"]).map(|given| pair("given", &escaped(given)));
        for pairs in [[family.clone(), birth.clone()], [given.clone(), birth.clone()], [family, given]] {
            searches.extend(pairs.into_iter().collect::<Option<Vec<_>>>());
        }
    }
    for telecom in list("telecom") {
        searches.extend(telecom.text(&["value"]).map(|value| vec![pair("telecom", &escaped(value))]));
    }
    searches
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// A value as it stands in a search (FHIR R4 search 3.1.1.3.3).
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for letter in value.chars() {
        if matches!(letter, '\\' | '|' | ',' | '$') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

fn bundle(base: &str, found: &[(Resource, Likeness)]) -> Resource {
    let mut bundle = super::parameters::empty("Bundle");
    bundle.object_mut().set("type", "searchset");
    let total = u32::try_from(found.len()).unwrap_or(u32::MAX);
    bundle.object_mut().set("total", Node::Number(total.to_string().into()));
    let entries: Vec<Node> = found.iter().map(|(patient, likeness)| entry(base, patient, *likeness)).collect();
    if !entries.is_empty() {
        bundle.object_mut().set("entry", entries);
    }
    bundle
}

fn entry(base: &str, patient: &Resource, likeness: Likeness) -> Node {
    let grade: [(&str, Node); 2] = [("url", GRADE.into()), ("valueCode", likeness.grade.code().into())];
    let grade: Object = grade.into_iter().collect();
    let search: [(&str, Node); 3] = [
        ("extension", Node::Array(vec![Node::Object(grade)])),
        ("mode", "match".into()),
        ("score", Node::Number(format!("{:.2}", likeness.score).into())),
    ];
    let members: [(&str, Node); 3] = [
        ("fullUrl", format!("{base}/Patient/{}", patient.id().unwrap_or_default()).into()),
        ("resource", patient.clone().into_node()),
        ("search", Node::Object(search.into_iter().collect())),
    ];
    Node::Object(members.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_are_made_of_what_is_said_and_escaped() {
        let asked = Resource::parse(
            br#"{"resourceType":"Patient","identifier":[{"system":"s","value":"1|2"},{"value":"no system"}],"name":[{"family":"Doe, Jr","given":["Ann"]}],"birthDate":"1970-01-01"}"#,
        );
        let written: Vec<String> = searches(&asked.unwrap())
            .into_iter()
            .map(|pairs| pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"))
            .collect();
        assert_eq!(
            written,
            [
                "identifier=s|1\\|2",
                "family=Doe\\, Jr&birthdate=1970-01-01",
                "given=Ann&birthdate=1970-01-01",
                "family=Doe\\, Jr&given=Ann"
            ]
        );
        assert!(searches(&Resource::new("Patient", "x")).is_empty());
    }
}
