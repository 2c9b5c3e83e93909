//! A request and its response, as plain values: what the transport fills and sends.

use bytes::Bytes;

use crate::access::Caller;

/// What a client asks.
pub struct Request {
    pub method: Method,
    /// Below the base, without the slash at its front: `Patient/x/_history`. As it was written, percent signs and all.
    pub path: String,
    /// What stood behind the `?`, as it was written.
    pub query: String,
    pub headers: Headers,
    pub body: Bytes,
    pub caller: Caller,
}

/// The methods that FHIR uses. `HEAD` is answered as `GET`; the transport leaves the body out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// By its name in capitals, as in HTTP and in `Bundle.entry.request.method`.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "GET" | "HEAD" => Self::Get,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            _ => return None,
        })
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// The headers that matter, as they were written.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    pub accept: Option<String>,
    pub content_type: Option<String>,
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    pub if_modified_since: Option<String>,
    pub if_none_exist: Option<String>,
    pub prefer: Option<String>,
    /// `X-Request-Id`: the client's own name for the request, kept with it in the journal.
    pub request_id: Option<String>,
}

/// What is answered.
#[derive(Clone)]
pub struct Response {
    pub status: u16,
    /// Names in small letters.
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

impl Response {
    pub const fn of(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}
