//! Why somebody is not let in, told so that it helps the client and not the attacker.

/// Why a request is answered 401 (RFC 6750 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessFault {
    /// No credentials at all: `WWW-Authenticate: Bearer` without an error code.
    #[error("this server wants an access token: send `Authorization: Bearer …`")]
    Missing,
    /// Credentials that are not `Bearer` and a token.
    #[error("the Authorization header is not `Bearer` and an access token")]
    Malformed,
    /// Unknown, forged, withdrawn: it is not told which.
    #[error("the access token is not valid")]
    Invalid,
    /// One of ours, but its time is over.
    #[error("the access token has expired: ask the token endpoint for a new one")]
    Expired,
}

impl AccessFault {
    /// The value of `WWW-Authenticate`. `error` stands in it only where a token was sent (RFC 6750 3.1).
    pub fn challenge(self) -> String {
        match self {
            Self::Missing => r#"Bearer realm="fhir""#.to_owned(),
            Self::Malformed => r#"Bearer realm="fhir", error="invalid_request""#.to_owned(),
            Self::Invalid | Self::Expired => {
                format!(r#"Bearer realm="fhir", error="invalid_token", error_description="{self}""#)
            }
        }
    }
}

/// Why the token endpoint grants nothing (RFC 6749 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    InvalidRequest,
    InvalidClient,
    InvalidScope,
    UnsupportedGrantType,
}

impl TokenError {
    /// The value of `error`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidScope => "invalid_scope",
            Self::UnsupportedGrantType => "unsupported_grant_type",
        }
    }

    /// The status of the answer: 401 for a client that is not believed, else 400.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient => 401,
            _ => 400,
        }
    }
}
