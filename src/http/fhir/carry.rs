//! Headers and responses carried between HTTP and plain values.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::rest::{self, Format, Headers, Terms};

/// The headers that matter to an interaction.
pub fn text(headers: &HeaderMap) -> Headers {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Headers {
        accept: all(headers, "accept"),
        content_type: value("content-type"),
        if_match: value("if-match"),
        if_none_match: value("if-none-match"),
        if_modified_since: value("if-modified-since"),
        if_none_exist: value("if-none-exist"),
        prefer: all(headers, "prefer"),
        request_id: value("x-request-id").filter(|id| id.len() <= 64),
    }
}

/// A list may come in several lines (RFC 9110 5.3).
fn all(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

/// The form of a failure that comes before the interaction.
pub fn wanted(headers: &HeaderMap) -> Format {
    Terms::of(&text(headers), &Vec::new()).map(|terms| terms.format).unwrap_or_default()
}

/// The response over HTTP. A `HEAD` has the length of the body that it does not bring.
pub fn carried(response: rest::Response, is_head: bool) -> Response {
    let length = response.body.len();
    let mut carried = Response::new(if is_head { Body::empty() } else { Body::from(response.body) });
    *carried.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = carried.headers_mut();
    for (name, value) in response.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    // What stands may change at any time: a copy is asked about before it is used again.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("accept, authorization, prefer"));
    if is_head {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    carried
}

/// An answer of the authorisation endpoints, which nobody keeps.
pub fn json(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
