//! Answers and faults put into the form that the client asked for: format, layout, parts, headers.

use bytes::Bytes;

use super::answer::{Answer, Content, etag, http_date};
use super::negotiation::{Format, Terms};
use super::{Cause, Fault, Response};
use crate::fhir::{Node, Resource, subset, xml};

/// The response to an answer. `base` is the address of the server, for `Location`.
pub fn response(answer: Answer, terms: &Terms, base: &str) -> Result<Response, Fault> {
    let mut response = Response::of(answer.status);
    if let Some((version, updated_at)) = answer.version {
        response = response.with("etag", etag(version)).with("last-modified", http_date(updated_at));
    }
    if let Some(location) = answer.location {
        response = response.with("location", format!("{base}/{location}"));
    }
    response.headers.extend(answer.headers);
    let (media_type, body) = match answer.content {
        Content::Nothing => return Ok(response),
        Content::File { media_type, bytes } => (media_type.to_string(), bytes),
        Content::Outcome(outcome) => {
            (terms.format.media_type().to_owned(), written(&outcome, terms.format, terms.is_pretty).into())
        }
        Content::Stored(bytes) => (terms.format.media_type().to_owned(), shown(&bytes, terms, true)?),
        Content::Made(bytes) => (terms.format.media_type().to_owned(), shown(&bytes, terms, false)?),
    };
    response.body = body;
    Ok(response.with("content-type", media_type))
}

/// The response to a failure.
pub fn failure(fault: &Fault, format: Format) -> Response {
    let mut response = Response::of(fault.status()).with("content-type", format.media_type());
    if let Some(allow) = fault.allow {
        response = response.with("allow", allow);
    }
    if fault.cause == Cause::Throttled {
        response = response.with("retry-after", "1");
    }
    response.body = written(&fault.outcome(), format, false).into();
    response
}

/// A kept resource as it is shown inside a Bundle: JSON, in parts when parts are asked for.
pub fn part(content: &Bytes, terms: &Terms) -> Result<Bytes, Fault> {
    if terms.is_whole() { Ok(content.clone()) } else { Ok(subsetted(parsed(content)?, terms).to_json().into()) }
}

fn shown(content: &Bytes, terms: &Terms, in_parts: bool) -> Result<Bytes, Fault> {
    let in_parts = in_parts && !terms.is_whole();
    if !in_parts && !terms.is_pretty && terms.format == Format::Json {
        return Ok(content.clone());
    }
    let mut resource = parsed(content)?;
    if in_parts {
        resource = subsetted(resource, terms);
    }
    Ok(written(&resource, terms.format, terms.is_pretty).into())
}

/// What is kept was read once before.
pub fn parsed(content: &[u8]) -> Result<Resource, Fault> {
    Resource::parse(content)
        .map_err(|_| Fault::new(Cause::Internal, "a stored resource cannot be read: tell the operator"))
}

fn subsetted(resource: Resource, terms: &Terms) -> Resource {
    let resource = match terms.summary {
        Some(summary) => subset::summary(&resource, summary),
        None => resource,
    };
    if terms.elements.is_empty() {
        return resource;
    }
    let names: Vec<&str> = terms.elements.iter().map(String::as_str).collect();
    subset::elements(&resource, &names)
}

fn written(resource: &Resource, format: Format, is_pretty: bool) -> Vec<u8> {
    match (format, is_pretty) {
        (Format::Xml, is_pretty) => xml::write(resource, is_pretty),
        (Format::Json, false) => resource.to_json(),
        (Format::Json, true) => {
            let mut out = Vec::with_capacity(4096);
            pretty(&Node::Object(resource.object().clone()), 0, &mut out);
            out
        }
    }
}

/// JSON with a line for each member, two blanks a level.
fn pretty(node: &Node, depth: usize, out: &mut Vec<u8>) {
    match node {
        Node::Array(items) if !items.is_empty() => {
            lines(items, depth, *b"[]", out, |item, out| pretty(item, depth + 1, out));
        }
        Node::Object(object) if !object.is_empty() => {
            let members: Vec<(&str, &Node)> = object.iter().collect();
            lines(&members, depth, *b"{}", out, |(name, node), out| {
                Node::from(*name).write(out);
                out.extend_from_slice(b": ");
                pretty(node, depth + 1, out);
            });
        }
        plain => plain.write(out),
    }
}

fn lines<T>(items: &[T], depth: usize, brackets: [u8; 2], out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(brackets[0]);
    for (at, item) in items.iter().enumerate() {
        out.extend_from_slice(if at == 0 { b"\n" } else { b",\n" });
        out.resize(out.len() + 2 * (depth + 1), b' ');
        write(item, out);
    }
    out.push(b'\n');
    out.resize(out.len() + 2 * depth, b' ');
    out.push(brackets[1]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pretty_json_is_the_same_resource() {
        let text = br#"{"resourceType":"Patient","name":[{"given":["A","B"]},{}],"active":true,"contact":[]}"#;
        let resource = Resource::parse(text).unwrap();
        let pretty = written(&resource, Format::Json, true);
        let lines = String::from_utf8_lossy(&pretty).lines().count();
        assert!(lines > 8, "{}", String::from_utf8_lossy(&pretty));
        assert!(Resource::parse(&pretty).unwrap() == resource);
    }
}
