//! One entry of a batch or transaction: an interaction as any request, said in elements instead of HTTP.

use smol_str::SmolStr;

use crate::fhir::{Node, Resource};
use crate::record::ResourceKey;
use crate::rest::body::Body;
use crate::rest::conditions::Conditions;
use crate::rest::negotiation::{Format, Terms};
use crate::rest::query::{self, Pairs};
use crate::rest::server::Call;
use crate::rest::{Fault, Headers, Interaction, Method};

/// An entry, read.
pub struct Entry {
    /// `Bundle.entry[3]`.
    pub place: SmolStr,
    pub interaction: Interaction,
    method: Method,
    path: String,
    pairs: Pairs,
    conditions: Conditions,
    full_url: Option<SmolStr>,
    resource: Option<Resource>,
}

impl Entry {
    /// `base` is the address of this server: an absolute URL of it means the same as a relative one.
    pub fn read(node: Node, at: usize, base: &str) -> Result<Self, Fault> {
        let place = smol_str::format_smolstr!("Bundle.entry[{at}]");
        Self::parse(node, place.clone(), base).map_err(|fault| fault.at(place))
    }

    fn parse(mut node: Node, place: SmolStr, base: &str) -> Result<Self, Fault> {
        let request = node.get("request").ok_or_else(|| Fault::invalid("an entry needs a request"))?;
        let method = request.text(&["method"]).and_then(Method::of);
        let method = method.ok_or_else(|| Fault::invalid("request.method is GET, HEAD, POST, PUT, PATCH or DELETE"))?;
        let url = request.text(&["url"]).ok_or_else(|| Fault::invalid("an entry needs request.url"))?;
        let (path, query) = below(url, base)?;
        let interaction = Interaction::parse(method, path)?;
        let (path, pairs) = (path.to_owned(), query::decode(query)?);
        let conditions = Conditions::of_entry(request)?;
        let full_url = node.text(&["fullUrl"]).map(SmolStr::new);
        let resource = node.as_object_mut().and_then(|entry| entry.remove("resource"));
        let resource = resource.map(|node| match node {
            Node::Object(object) => Resource::from_object(object).map_err(|_| untyped()),
            _ => Err(untyped()),
        });
        Ok(Self { place, interaction, method, path, pairs, conditions, full_url, resource: resource.transpose()? })
    }

    /// The form of its answer: parts as its own query asks for them, all else as the request does.
    pub fn terms(&self, call: &Call<'_>) -> Result<Terms, Fault> {
        let own = Terms::of(&Headers::default(), &self.pairs)?;
        Ok(Terms { format: Format::Json, is_pretty: false, prefer: call.terms.prefer, ..own })
    }

    pub fn call<'c>(&'c self, terms: &'c Terms, call: &Call<'c>) -> Call<'c> {
        Call {
            caller: call.caller,
            terms,
            conditions: self.conditions.clone(),
            pairs: self.pairs.clone(),
            path: &self.path,
            method: self.method,
            body: Body::Entry(self.resource.as_ref()),
            request_id: call.request_id,
            now: call.now,
        }
    }

    /// By what other entries may refer to its resource: its `fullUrl`, that as `Type/id`, and the id that it came with.
    pub fn aliases(&self) -> Vec<SmolStr> {
        let mut aliases: Vec<SmolStr> = self.full_url.iter().cloned().collect();
        aliases.extend(self.full_url.as_deref().and_then(relative));
        // The id of a resource that has a fullUrl is its sender's, and may be that of another one here.
        if aliases.is_empty()
            && let Some((resource, id)) = self.resource.as_ref().and_then(|resource| Some((resource, resource.id()?)))
        {
            aliases.push(smol_str::format_smolstr!("{}/{id}", resource.kind()));
        }
        aliases
    }
}

fn untyped() -> Fault {
    Fault::invalid("entry.resource is an object with a resourceType")
}

/// Path and query of a URL below the base.
fn below<'u>(url: &'u str, base: &str) -> Result<(&'u str, &'u str), Fault> {
    let relative = url.strip_prefix(base).unwrap_or(url);
    if relative.contains("://") && !relative.contains('?') {
        return Err(Fault::invalid("request.url is relative to this server, or an address of it"));
    }
    let relative = relative.strip_prefix('/').unwrap_or(relative);
    Ok(relative.split_once('?').unwrap_or((relative, "")))
}

/// `Type/id` of a RESTful address (R4 2.36.4.1).
fn relative(full_url: &str) -> Option<SmolStr> {
    let mut segments = full_url.strip_prefix("http")?.rsplit('/');
    let (id, kind) = (segments.next()?, segments.next()?);
    let key = ResourceKey::from_reference(&format!("{kind}/{id}"))?;
    crate::fhir::definitions::is_resource(&key.kind).then(|| smol_str::format_smolstr!("{key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> Result<Entry, Fault> {
        Entry::read(Node::parse(text.as_bytes()).unwrap(), 2, "http://own/fhir")
    }

    #[test]
    fn entries_are_interactions() {
        for (method, url, expected) in [
            ("GET", "Patient/x", "read"),
            ("GET", "/Patient/x", "read"),
            ("GET", "http://own/fhir/Patient/x/_history/1", "vread"),
            ("PUT", "Patient?identifier=http://a|b", "update"),
            ("POST", "Patient", "create"),
            ("GET", "Patient?name=a", "search-type"),
            ("POST", "Patient/$match", "operation"),
        ] {
            let text = format!(r#"{{"request":{{"method":"{method}","url":"{url}"}}}}"#);
            assert_eq!(entry(&text).ok().unwrap().interaction.name(), expected, "{method} {url}");
        }
        for (text, status) in [
            (r"{}", 400),
            (r#"{"request":{"method":"GET"}}"#, 400),
            (r#"{"request":{"method":"MOVE","url":"Patient"}}"#, 400),
            (r#"{"request":{"method":"GET","url":"http://other/fhir/Patient/x"}}"#, 400),
            (r#"{"request":{"method":"GET","url":"Nobody/x"}}"#, 404),
            (r#"{"resource":{"id":"x"},"request":{"method":"POST","url":"Patient"}}"#, 400),
        ] {
            let fault = entry(text).err().unwrap();
            assert_eq!((fault.status(), fault.place.as_deref()), (status, Some("Bundle.entry[2]")), "{text}");
        }
    }

    #[test]
    fn entries_are_known_by_several_names() {
        let text = r#"{"fullUrl":"http://elsewhere/fhir/Patient/1","resource":{"resourceType":"Patient","id":"2"},
            "request":{"method":"POST","url":"Patient"}}"#;
        assert_eq!(entry(text).ok().unwrap().aliases(), ["http://elsewhere/fhir/Patient/1", "Patient/1"]);
        let without = text.replace(r#""fullUrl":"http://elsewhere/fhir/Patient/1","#, "");
        assert_eq!(entry(&without).ok().unwrap().aliases(), ["Patient/2"]);
    }
}
