//! Typed identifiers, made by two macros in this file: a bare string or number never names a thing in a signature.

use smol_str::SmolStr;

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;

            /// Reads the displayed form; the prefix may be left out.
            fn from_str(text: &str) -> Result<Self, BadId> {
                let digits = text.strip_prefix($prefix).unwrap_or(text);
                digits.parse().map(Self).map_err(|_| BadId { expected: concat!($prefix, "<number>") })
            }
        }
    };
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                text.parse().map(Self).map_err(|_| BadId { expected: "a UUID" })
            }
        }
    };
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub SmolStr);

        impl $name {
            pub fn new(text: impl Into<SmolStr>) -> Self {
                Self(text.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// The text is not an identifier of the kind asked for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of this kind: expected {expected}")]
pub struct BadId {
    pub expected: &'static str,
}

number_id!(
    /// A received message, numbered by the store in the order of admission.
    MessageId, "m"
);
uuid_id!(
    /// A thing to be delivered to one endpoint. The same value on every attempt: the receiver's idempotency key.
    DeliveryId
);
uuid_id!(
    /// A referral as the workflow knows it; also the logical id of its Task.
    ReferralId
);
name_id!(
    /// A configured inbound feed.
    FeedName
);
name_id!(
    /// A configured outbound endpoint of a partner.
    EndpointName
);

impl DeliveryId {
    /// The message control id under which this delivery travels over HL7 v2: 20 characters, the limit of MSH-10
    /// up to v2.6 (HL7 v2.5.1 2.15.9.10), made from 100 bits of the digest of the id.
    pub fn control_id(self) -> String {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let digest = super::Digest::of(self.0.as_bytes());
        digest.0[..20].iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
    }
}
