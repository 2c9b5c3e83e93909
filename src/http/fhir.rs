//! The FHIR door over HTTP: bytes in and out for `rest`, and what only a transport can refuse.
//!
//! Cast: the *door* holds the server, the keeper of access and the limits. One handler takes every path: it lets the
//! caller in, reads the body within its limit, and hands a plain request on. A request runs as a task of its own, so
//! that its panic is an answer (500) and a peer that hangs up takes nothing back that was begun.
//!
//! It logs no URL, no query and no body (P8). It must not know what an interaction means.

mod carry;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::access::{Access, Caller};
use crate::base::{Clock, limits};
use crate::rest::{Cause, Fault, Method, Server, failure};
use carry::{carried, json, text, wanted};

/// Where the FHIR server stands below the address of the port.
const BASE: &str = "/fhir";

/// The unit in which room for bodies is counted.
const KIB: usize = 1024;

/// What the handler of the door needs.
#[derive(Clone)]
struct Door {
    server: Arc<Server>,
    access: Arc<Access>,
    clock: Arc<dyn Clock>,
    /// One for each request that may be under way.
    permits: Arc<Semaphore>,
    /// One for each KiB of the bodies that may be in hand.
    room: Arc<Semaphore>,
    body_bytes_max: usize,
}

/// The routes of the door: all that is below `/fhir`.
pub fn router(server: Arc<Server>, access: Arc<Access>, clock: Arc<dyn Clock>, bounds: Bounds) -> Router {
    let permits = Arc::new(Semaphore::new(bounds.requests_max));
    let room = Arc::new(Semaphore::new(limits::FHIR_BODIES_BYTES_MAX.max(bounds.body_bytes_max) / KIB + 1));
    let door = Door { server, access, clock, permits, room, body_bytes_max: bounds.body_bytes_max };
    Router::new().fallback(answer).layer(DefaultBodyLimit::max(bounds.body_bytes_max)).with_state(door)
}

/// How much comes in at once.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Requests under way.
    pub requests_max: usize,
    /// Bytes of one body.
    pub body_bytes_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { requests_max: limits::FHIR_REQUESTS_MAX, body_bytes_max: limits::FHIR_BODY_BYTES_MAX }
    }
}

/// What is said when the time is over: a write that has begun is not taken back.
const LATE: &str = "the request took too long: a write may still be carried out, so look before asking again, for less";

/// Never waits for a place: a client that is told to come back does better than one that hangs (429).
async fn answer(State(door): State<Door>, request: Request) -> Response {
    let (format, is_head) = (wanted(request.headers()), request.method() == axum::http::Method::HEAD);
    let answered = match Arc::clone(&door.permits).try_acquire_owned() {
        Err(_) => Err(Fault::new(Cause::Throttled, "too many requests are under way: try again in a second")),
        Ok(permit) => {
            let answered = tokio::time::timeout(limits::FHIR_REQUEST_TIMEOUT, door.enter(request, permit)).await;
            answered.unwrap_or_else(|_| Err(Fault::new(Cause::TimedOut, LATE)))
        }
    };
    answered.unwrap_or_else(|fault| carried(failure(&fault, format), is_head))
}

impl Door {
    /// The permit and the room stay with the work, which goes on when nobody waits for its answer any more.
    async fn enter(&self, request: Request, permit: OwnedSemaphorePermit) -> Result<Response, Fault> {
        let (parts, body) = request.into_parts();
        let path = below_base(parts.uri.path())?.to_owned();
        match path.as_str() {
            ".well-known/smart-configuration" => return self.discovery(),
            "auth/token" => return self.token(parts, body).await,
            _ => {}
        }
        let caller = match self.let_in(&path, &parts.headers) {
            Ok(caller) => caller,
            Err(refusal) => return Ok(*refusal),
        };
        plain(&parts.headers, self.body_bytes_max)?;
        let room = self.room_for(&parts.method, &parts.headers)?;
        let method =
            Method::of(parts.method.as_str()).ok_or_else(|| Fault::new(Cause::Method, "no such method here"))?;
        let is_head = parts.method == axum::http::Method::HEAD;
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let headers = text(&parts.headers);
        let body = read(Request::from_parts(parts, body), self.body_bytes_max).await?;
        let request = crate::rest::Request { method, path, query, headers, body, caller };
        let server = Arc::clone(&self.server);
        let response = tokio::spawn(async move {
            let _held = (room, permit);
            server.handle(request).await
        })
        .await;
        let response = response
            .map_err(|_| Fault::new(Cause::Internal, "the request failed here: tell the operator when it was"))?;
        Ok(carried(response, is_head))
    }

    /// Room for the body while it is in hand: a tree of it takes many times its bytes. One that does not say how long it is
    /// takes the room of the longest.
    fn room_for(&self, method: &axum::http::Method, headers: &HeaderMap) -> Result<OwnedSemaphorePermit, Fault> {
        let said = length(headers).unwrap_or(if headers.contains_key(header::TRANSFER_ENCODING) {
            self.body_bytes_max
        } else {
            0
        });
        let kib = if method.is_safe() { 0 } else { u32::try_from(said.div_ceil(KIB)).unwrap_or(u32::MAX) };
        Arc::clone(&self.room).try_acquire_many_owned(kib).map_err(|_| {
            Fault::new(Cause::Throttled, "too many bytes are in hand: try again in a second, with smaller bodies")
        })
    }

    /// The caller, or 401 with what is wanted. What the server offers everybody may know.
    fn let_in(&self, path: &str, headers: &HeaderMap) -> Result<Caller, Box<Response>> {
        let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        match self.access.authenticate(authorization, self.clock.now()) {
            Ok(caller) => Ok(caller),
            Err(_) if matches!(path, "metadata" | "openapi.json") && authorization.is_none() => Ok(Caller::anyone()),
            Err(fault) => {
                let outcome = failure(&Fault::new(Cause::Login, fault.to_string()), wanted(headers));
                Err(Box::new(carried(outcome.with("www-authenticate", fault.challenge()), false)))
            }
        }
    }

    fn discovery(&self) -> Result<Response, Fault> {
        let configuration = self.access.smart_configuration().ok_or_else(Fault::not_found)?;
        Ok(json(StatusCode::OK, configuration))
    }

    async fn token(&self, parts: Parts, body: axum::body::Body) -> Result<Response, Fault> {
        if parts.method != axum::http::Method::POST {
            return Err(Fault { allow: Some("POST"), ..Fault::new(Cause::Method, "a token is asked for by POST") });
        }
        let form = read(Request::from_parts(parts, body), self.body_bytes_max).await?;
        let answer = self.access.token(&form, self.clock.now()).await?;
        Ok(json(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_REQUEST), answer.body))
    }
}

fn below_base(path: &str) -> Result<&str, Fault> {
    let below = path.strip_prefix(BASE).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let below = below.ok_or_else(|| Fault::new(Cause::NotFound, "the FHIR server stands below /fhir"))?;
    Ok(below.strip_prefix('/').unwrap_or(below))
}

/// Packed bodies are not unpacked: what they grow to is not known before. What is said to be too long is not awaited.
fn plain(headers: &HeaderMap, body_bytes_max: usize) -> Result<(), Fault> {
    if length(headers).is_some_and(|length| length > body_bytes_max) {
        return Err(too_large(body_bytes_max));
    }
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            Err(Fault::new(Cause::UnsupportedMedia, "send the body as it is, without a Content-Encoding"))
        }
        _ => Ok(()),
    }
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn read(request: Request, body_bytes_max: usize) -> Result<Bytes, Fault> {
    let arriving = Bytes::from_request(request, &());
    let slow = || Fault::new(Cause::SlowBody, "the body came too slowly: send it again");
    tokio::time::timeout(limits::FHIR_BODY_TIMEOUT, arriving).await.map_err(|_| slow())?.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return too_large(body_bytes_max);
        }
        Fault::invalid("the body did not arrive as a whole")
    })
}

fn too_large(body_bytes_max: usize) -> Fault {
    let text = format!("a body has at most {body_bytes_max} bytes here: send it in parts");
    Fault::new(Cause::TooLarge, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_the_base_are_ours() {
        for (path, expected) in [
            ("/fhir", Some("")),
            ("/fhir/", Some("")),
            ("/fhir/Patient/x", Some("Patient/x")),
            ("/fhirs/Patient", None),
            ("/Patient", None),
        ] {
            assert_eq!(below_base(path).ok(), expected, "{path}");
        }
    }

    #[test]
    fn packed_bodies_are_refused() {
        for (encoding, is_plain) in [("identity", true), ("gzip", false), ("br", false)] {
            let headers = [(header::CONTENT_ENCODING, encoding.parse().unwrap())].into_iter().collect();
            assert_eq!(plain(&headers, 10).is_ok(), is_plain, "{encoding}");
        }
        assert!(plain(&HeaderMap::new(), 10).is_ok());
    }
}
