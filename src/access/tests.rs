//! The door from outside: wrong assertions by the table, one exchange from end to end, keys by URL.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA384, RsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha384;

use super::assertion::AssertionFault;
use super::form::Form;
use super::*;
use crate::base::ids::FeedName;
use crate::base::{Digest, SeededRandom};
use crate::store::Answer;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const SECONDS: i64 = 1_700_000_000;
const BASE: &str = "https://gateway.example/fhir";
const TOKEN_URL: &str = "https://gateway.example/fhir/auth/token";
const JWKS_URL: &str = "https://clinic.example/jwks.json";
const STATIC_TOKEN: &str = "dGhpcyBpcyBhIHRlc3QgdG9rZW4gb25seQ";

/// Remembers in memory.
#[derive(Default)]
struct Memory {
    used: Mutex<HashSet<Digest>>,
    broken: bool,
}

impl AccessStore for Memory {
    fn use_once<'a>(&'a self, token: &'a Digest, now: Timestamp, expires_at: Timestamp) -> Answer<'a, bool> {
        assert!(expires_at > now, "what is remembered has a time to come");
        let first = self.used.lock().unwrap().insert(*token);
        let trouble = StoreError::Unavailable { operation: "use_once", reason: "test".to_owned() };
        Box::pin(std::future::ready(if self.broken { Err(trouble) } else { Ok(first) }))
    }

    fn secret<'a>(&'a self, _name: &'a str, fresh: &'a [u8]) -> Answer<'a, Vec<u8>> {
        Box::pin(std::future::ready(Ok(fresh.to_vec())))
    }
}

/// What a client publishes; counts the fetches.
#[derive(Default)]
struct Published {
    answer: Mutex<Option<FetchedJwks>>,
    fetches: AtomicU32,
}

impl JwksSource for Published {
    fn fetch<'a>(&'a self, url: &'a str) -> Pin<Box<dyn Future<Output = Result<FetchedJwks, JwksFault>> + Send + 'a>> {
        assert_eq!(url, JWKS_URL);
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let answer = self.answer.lock().unwrap().clone();
        Box::pin(std::future::ready(answer.ok_or_else(|| JwksFault("nobody answers".to_owned()))))
    }
}

/// A client's keys.
struct Keys {
    ec: EcdsaKeyPair,
    rsa: RsaKeyPair,
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

impl Keys {
    fn new() -> Self {
        let ec = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        Self { ec, rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap() }
    }

    fn ec_jwk(&self, key_id: &str) -> Value {
        let point = self.ec.public_key().as_ref();
        json!({ "kty": "EC", "crv": "P-384", "kid": key_id, "x": encode(&point[1..49]), "y": encode(&point[49..]) })
    }

    fn rsa_jwk(&self, key_id: &str) -> Value {
        // PKCS #1 in DER: a sequence of the modulus, with a zero in front, and the exponent 65537.
        let der = self.rsa.public_key().as_ref();
        let (n, e) = (&der[9..265], &der[267..]);
        json!({ "kty": "RSA", "use": "sig", "alg": "RS384", "kid": key_id, "n": encode(n), "e": encode(e) })
    }

    fn jwks(&self) -> Value {
        json!({ "keys": [self.ec_jwk("ec"), self.rsa_jwk("rsa")] })
    }

    /// Signs as the header says, HS384 with the public modulus as a confused server would have it.
    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let random = SystemRandom::new();
        let signature = match header["alg"].as_str() {
            Some("ES384") => self.ec.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
            Some("RS384") => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                self.rsa.sign(&RSA_PKCS1_SHA384, &random, signed.as_bytes(), &mut signature).unwrap();
                signature
            }
            Some("HS384") => {
                let secret = self.rsa_jwk("rsa")["n"].as_str().unwrap().to_owned();
                let mac = Hmac::<Sha384>::new_from_slice(secret.as_bytes()).unwrap();
                mac.chain_update(&signed).finalize().into_bytes().to_vec()
            }
            _ => Vec::new(),
        };
        format!("{signed}.{}", encode(signature))
    }
}

fn header() -> Value {
    json!({ "alg": "ES384", "typ": "JWT", "kid": "ec" })
}

fn claims() -> Value {
    json!({ "iss": "clinic", "sub": "clinic", "aud": TOKEN_URL, "exp": SECONDS + 300, "jti": "1" })
}

fn form(assertion: &str, scope: &str) -> Vec<u8> {
    let scope = scope.replace(' ', "+");
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    format!("grant_type=client_credentials&scope={scope}&client_assertion_type={kind}&client_assertion={assertion}")
        .into_bytes()
}

fn client(name: &str, proof: Proof) -> ClientSettings {
    let scopes = Scopes::registered(["system/Patient.rs", "system/Task.cruds"]).unwrap();
    ClientSettings { name: FeedName::new(name), proof, scopes, organization: None }
}

/// A door for `clinic` with `keys` given, `remote` with keys by URL, and `billing` with a static token.
fn keeper(keys: &Keys, store: Memory, published: &Arc<Published>) -> Keeper {
    let given = KeySet::parse(&keys.jwks().to_string()).unwrap();
    let clients = vec![
        client("clinic", Proof::Keys(KeySource::Given(given))),
        client("remote", Proof::Keys(KeySource::Url(JWKS_URL.to_owned()))),
        client("billing", Proof::Bearer(BearerDigest::of(STATIC_TOKEN).unwrap())),
    ];
    Keeper::new(clients, TOKEN_URL, &[1; 32], Arc::new(store), published.clone())
}

fn with(mut object: Value, key: &str, value: Value) -> Value {
    if value.is_null() {
        object.as_object_mut().unwrap().remove(key);
    } else {
        object[key] = value;
    }
    object
}

async fn fault(keeper: &Keeper, assertion: &str) -> Option<AssertionFault> {
    keeper.verify(assertion, None, NOW).await.err()
}

#[tokio::test]
async fn each_wrong_assertion_is_refused_for_its_own_reason() {
    use AssertionFault as F;
    let (keys, strangers) = (Keys::new(), Keys::new());
    let keeper = keeper(&keys, Memory::default(), &Arc::default());
    for (key, value, expected) in [
        ("alg", json!("none"), F::Algorithm),
        ("alg", json!("HS384"), F::Algorithm),
        ("alg", json!("RS256"), F::Algorithm),
        ("alg", json!("es384"), F::Algorithm),
        ("alg", json!("RS384"), F::UnknownKey),
        ("alg", json!(null), F::Malformed),
        ("typ", json!("at+jwt"), F::Type),
        ("typ", json!(null), F::Type),
        ("kid", json!(null), F::KeyIdMissing),
        ("kid", json!("other"), F::UnknownKey),
        ("kid", json!("rsa"), F::UnknownKey),
        ("jku", json!(JWKS_URL), F::KeySetUrl),
        ("crit", json!(["b64"]), F::Critical),
    ] {
        let assertion = keys.sign(&with(header(), key, value.clone()), &claims());
        assert_eq!(fault(&keeper, &assertion).await, Some(expected), "{key} = {value}");
    }
    for (key, value, expected) in [
        ("iss", json!("nobody"), F::UnknownClient),
        ("iss", json!("billing"), F::UnknownClient),
        ("iss", json!(null), F::Malformed),
        ("sub", json!("remote"), F::Subject),
        ("sub", json!(null), F::Malformed),
        ("aud", json!(BASE), F::Audience),
        ("aud", json!(format!("{TOKEN_URL}/")), F::Audience),
        ("aud", json!([TOKEN_URL, "https://other.example/token"]), F::Audience),
        ("aud", json!([]), F::Audience),
        ("aud", json!(null), F::Malformed),
        ("exp", json!(SECONDS - 30), F::Expired),
        ("exp", json!(0), F::Expired),
        ("exp", json!(-1e300), F::Expired),
        ("exp", json!(SECONDS + 331), F::TooLong),
        ("exp", json!(1e300), F::TooLong),
        ("exp", json!((SECONDS + 300).to_string()), F::Malformed),
        ("exp", json!(null), F::Malformed),
        ("nbf", json!(SECONDS + 31), F::NotYet),
        ("iat", json!(SECONDS + 31), F::NotYet),
        ("jti", json!(null), F::NoTokenId),
        ("jti", json!(""), F::NoTokenId),
        ("jti", json!("x".repeat(limits::CLAIM_LENGTH_MAX + 1)), F::NoTokenId),
        ("jti", json!(1), F::Malformed),
    ] {
        let assertion = keys.sign(&header(), &with(claims(), key, value.clone()));
        assert_eq!(fault(&keeper, &assertion).await, Some(expected), "{key} = {value}");
    }
    assert_eq!(fault(&keeper, &strangers.sign(&header(), &claims())).await, Some(F::Signature));
}

#[tokio::test]
async fn what_is_no_signed_token_is_malformed() {
    let keys = Keys::new();
    let keeper = keeper(&keys, Memory::default(), &Arc::default());
    let good = keys.sign(&header(), &claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let twice = encode(r#"{"alg":"none","typ":"JWT","kid":"ec","alg":"ES384"}"#);
    for text in [
        String::new(),
        "a.b".to_owned(),
        "..".to_owned(),
        signed.to_owned(),
        format!("{good}.{signature}"),
        format!("{good}="),
        format!("{}.{signature}", signed.replace('.', ".!")),
        format!("{twice}.{}.{signature}", signed.split_once('.').unwrap().1),
    ] {
        assert_eq!(fault(&keeper, &text).await, Some(AssertionFault::Malformed), "{text}");
    }
    for text in [format!("{signed}."), format!("{signed}.{}", &signature[..signature.len() - 4])] {
        assert_eq!(fault(&keeper, &text).await, Some(AssertionFault::Signature), "{text}");
    }
    let other = encode(with(claims(), "jti", json!("2")).to_string());
    let moved = format!("{}.{other}.{signature}", signed.split_once('.').unwrap().0);
    assert_eq!(fault(&keeper, &moved).await, Some(AssertionFault::Signature));
}

#[tokio::test]
async fn assertions_within_the_leeway_and_by_either_algorithm_are_believed() {
    let keys = Keys::new();
    let keeper = keeper(&keys, Memory::default(), &Arc::default());
    for claims in [
        claims(),
        with(claims(), "exp", json!(SECONDS - 29)),
        with(claims(), "exp", json!(SECONDS + 330)),
        with(claims(), "exp", json!(1_700_000_100.5)),
        with(claims(), "aud", json!([TOKEN_URL])),
        with(claims(), "iat", json!(SECONDS)),
        with(claims(), "unheard-of", json!({ "a": [1] })),
    ] {
        assert_eq!(fault(&keeper, &keys.sign(&header(), &claims)).await, None, "{claims}");
    }
    let rsa = with(with(header(), "alg", json!("RS384")), "kid", json!("rsa"));
    assert_eq!(fault(&keeper, &keys.sign(&rsa, &claims())).await, None);
    let wrong_name = keeper.verify(&keys.sign(&header(), &claims()), Some("billing"), NOW).await.err();
    assert_eq!(wrong_name, Some(AssertionFault::ClientId));
}

#[tokio::test]
async fn an_assertion_counts_once_for_its_issuer() {
    let keys = Keys::new();
    let published = Arc::new(Published::default());
    *published.answer.lock().unwrap() = Some(FetchedJwks { text: keys.jwks().to_string(), max_age: None });
    let keeper = keeper(&keys, Memory::default(), &published);
    let believe = async |issuer: &str, jti: &str| {
        let claims = with(with(with(claims(), "iss", json!(issuer)), "sub", json!(issuer)), "jti", json!(jti));
        let body = form(&keys.sign(&header(), &claims), "");
        keeper.believe(&Form::parse(&body).unwrap(), NOW).await.unwrap().err()
    };
    assert_eq!(believe("clinic", "1").await, None);
    assert_eq!(believe("clinic", "1").await, Some(AssertionFault::Replayed), "signed anew, and yet the same");
    assert_eq!(believe("clinic", "2").await, None);
    assert_eq!(believe("remote", "1").await, None, "another issuer's");
}

#[tokio::test]
async fn what_is_not_signed_is_not_remembered() {
    let (keys, strangers) = (Keys::new(), Keys::new());
    let keeper = keeper(&keys, Memory::default(), &Arc::default());
    let answer = keeper.exchange(&form(&strangers.sign(&header(), &claims()), "system/*.rs"), NOW).await.unwrap();
    assert_eq!(answer.err(), Some(TokenError::InvalidClient));
    let answer = keeper.exchange(&form(&keys.sign(&header(), &claims()), "system/*.rs"), NOW).await.unwrap();
    assert!(answer.is_ok(), "a stranger cannot use up a client's token ids");
}

#[tokio::test]
async fn fields_of_the_form_are_checked_one_by_one() {
    let keys = Keys::new();
    let keeper = keeper(&keys, Memory::default(), &Arc::default());
    let good = String::from_utf8(form(&keys.sign(&header(), &claims()), "system/Patient.rs")).unwrap();
    let swap = |from: &str, to: &str| good.replacen(from, to, 1);
    for (body, expected) in [
        (String::new(), TokenError::InvalidRequest),
        (swap("grant_type=client_credentials&", ""), TokenError::InvalidRequest),
        (format!("{good}&scope=system/*.rs"), TokenError::InvalidRequest),
        (format!("{good}&x=%zz"), TokenError::InvalidRequest),
        (format!("{good}&x={}", "x".repeat(limits::TOKEN_REQUEST_BYTES_MAX)), TokenError::InvalidRequest),
        (swap("client_credentials", "authorization_code"), TokenError::UnsupportedGrantType),
        (swap("jwt-bearer", "saml2-bearer"), TokenError::InvalidClient),
        (swap("client_assertion=", "assertion="), TokenError::InvalidClient),
        (format!("{good}&client_secret=x"), TokenError::InvalidClient),
        (format!("{good}&client_id=billing"), TokenError::InvalidClient),
    ] {
        assert_eq!(keeper.exchange(body.as_bytes(), NOW).await.unwrap().err(), Some(expected), "{body}");
    }
    let unheard_of = format!("{good}&unheard-of=1&client_id=clinic");
    assert!(keeper.exchange(unheard_of.as_bytes(), NOW).await.unwrap().is_ok());
}

#[tokio::test]
async fn only_what_is_registered_is_granted() {
    let keys = Keys::new();
    let keeper = keeper(&keys, Memory::default(), &Arc::default());
    for (at, (asked, granted)) in [
        ("system/Patient.rs", Some("system/Patient.rs")),
        ("system/Patient.read", Some("system/Patient.rs")),
        ("system/*.rs", Some("system/Patient.rs system/Task.rs")),
        ("system/*.*", Some("system/Patient.rs system/Task.cruds")),
        ("launch openid user/Patient.rs system/Task.cu", Some("system/Task.cu")),
        ("", None),
        ("system/Observation.rs", None),
        ("system/Patient.write", None),
        ("user/*.cruds", None),
    ]
    .into_iter()
    .enumerate()
    {
        let assertion = keys.sign(&header(), &with(claims(), "jti", json!(format!("{at}"))));
        let grant = keeper.exchange(&form(&assertion, asked), NOW).await.unwrap();
        let scopes = grant.map(|grant| grant.scopes.to_string()).map_err(TokenError::code);
        assert_eq!(scopes.as_deref(), granted.ok_or("invalid_scope").as_ref().copied(), "{asked}");
    }
}

#[tokio::test]
async fn a_token_is_asked_for_used_and_expires() {
    let keys = Keys::new();
    let clients =
        || vec![client("clinic", Proof::Keys(KeySource::Given(KeySet::parse(&keys.jwks().to_string()).unwrap())))];
    let store: Arc<dyn AccessStore> = Arc::new(Memory::default());
    let random = SeededRandom::new(1);
    let access = Access::new(clients(), BASE, store.clone(), Arc::new(Published::default()), &random).await.unwrap();

    let configuration: Value = serde_json::from_str(&access.smart_configuration().unwrap()).unwrap();
    let assertion = keys.sign(&header(), &with(claims(), "aud", configuration["token_endpoint"].clone()));
    let answer = access.token(&form(&assertion, "system/Task.rs system/Patient.s"), NOW).await.unwrap();
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(
        (&body["token_type"], &body["expires_in"], &body["scope"]),
        (&json!("bearer"), &json!(300), &json!("system/Task.rs system/Patient.s"))
    );

    let header = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let caller = access.authenticate(Some(&header), NOW.plus(Duration::from_secs(299))).ok().unwrap();
    assert_eq!(caller.name().as_str(), "clinic");
    assert_eq!(caller.permits("Task", Interaction::Read), Permission::All);
    assert_eq!(caller.permits("Task", Interaction::Create), Permission::None);
    assert_eq!(caller.permits("Patient", Interaction::Read), Permission::None);
    let late = access.authenticate(Some(&header), NOW.plus(limits::ACCESS_TOKEN_LIFE));
    assert_eq!(late.err(), Some(AccessFault::Expired));

    let replayed = access.token(&form(&assertion, "system/Task.rs"), NOW).await.unwrap();
    assert_eq!(replayed, TokenAnswer { status: 401, body: r#"{"error":"invalid_client"}"#.to_owned() });

    let mut narrowed = clients();
    narrowed[0].scopes = Scopes::registered(["system/Patient.rs"]).unwrap();
    let random = SeededRandom::new(1);
    let changed = Access::new(narrowed, BASE, store, Arc::new(Published::default()), &random).await.unwrap();
    assert_eq!(changed.authenticate(Some(&header), NOW).err(), Some(AccessFault::Invalid), "registered otherwise now");
}

#[tokio::test]
async fn who_sends_a_header_is_told_from_who_does_not() {
    let keeper = keeper(&Keys::new(), Memory::default(), &Arc::default());
    for (header, expected) in [
        (None, AccessFault::Missing),
        (Some(""), AccessFault::Malformed),
        (Some("Bearer"), AccessFault::Malformed),
        (Some("Bearer  "), AccessFault::Malformed),
        (Some("Basic dXNlcjpwYXNz"), AccessFault::Malformed),
        (Some("Bearer x"), AccessFault::Invalid),
        (Some("Bearer lgt_x"), AccessFault::Invalid),
        (Some("Bearer lgt_"), AccessFault::Invalid),
        (Some("Bearer dGhpcyBpcyBhIHRlc3QgdG9rZW4gb25seR"), AccessFault::Invalid),
    ] {
        assert_eq!(keeper.authenticate(header, NOW).err(), Some(expected), "{header:?}");
    }
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let caller = keeper.authenticate(Some(&format!("{scheme} {STATIC_TOKEN}")), NOW).ok().unwrap();
        assert_eq!(caller.name().as_str(), "billing");
        assert_eq!(caller.scopes().to_string(), "system/Patient.rs system/Task.cruds");
    }
}

#[tokio::test]
async fn an_open_door_lets_everybody_in_and_gives_no_tokens() {
    let access = Access::open();
    let caller = access.authenticate(None, NOW).ok().unwrap();
    assert_eq!(caller.permits("Patient", Interaction::Delete), Permission::All);
    assert_eq!(access.smart_configuration(), None);
    assert_eq!(access.token(b"grant_type=client_credentials", NOW).await.unwrap().status, 401);
}

#[tokio::test]
async fn trouble_of_the_store_is_no_refusal() {
    let keys = Keys::new();
    let keeper = keeper(&keys, Memory { broken: true, ..Memory::default() }, &Arc::default());
    assert!(keeper.exchange(&form(&keys.sign(&header(), &claims()), "system/*.rs"), NOW).await.is_err());
}

/// A client whose keys are fetched, and what it publishes.
struct Remote {
    keys: Keys,
    published: Arc<Published>,
    keeper: Keeper,
}

impl Remote {
    fn new(max_age: Option<Duration>) -> Self {
        let keys = Keys::new();
        let published = Arc::new(Published::default());
        let keeper = keeper(&keys, Memory::default(), &published);
        let remote = Self { keys, published, keeper };
        remote.publish("a", max_age);
        remote
    }

    fn publish(&self, key_id: &str, max_age: Option<Duration>) {
        let text = json!({ "keys": [self.keys.ec_jwk(key_id)] }).to_string();
        *self.published.answer.lock().unwrap() = Some(FetchedJwks { text, max_age });
    }

    /// Shows an assertion some seconds after the start: why it is refused, and the fetches so far.
    async fn find(&self, key_id: &str, after: u64) -> (Option<AssertionFault>, u32) {
        let now = NOW.plus(Duration::from_secs(after));
        let seconds = now.as_micros() / 1_000_000;
        let claims = json!({ "iss": "remote", "sub": "remote", "aud": TOKEN_URL, "exp": seconds + 60, "jti": "1" });
        let header = with(with(header(), "kid", json!(key_id)), "jku", json!(JWKS_URL));
        let fault = self.keeper.verify(&self.keys.sign(&header, &claims), None, now).await.err();
        (fault, self.published.fetches.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn keys_by_url_are_kept_as_long_as_they_may_be() {
    let hour = 3600;
    for (max_age, kept) in [(None, 300), (Some(60), 60), (Some(86_400), hour), (Some(0), 10)] {
        let remote = Remote::new(max_age.map(Duration::from_secs));
        assert_eq!(remote.find("a", 0).await, (None, 1));
        assert_eq!(remote.find("a", kept - 1).await, (None, 1), "{max_age:?}");
        assert_eq!(remote.find("a", kept).await, (None, 2), "{max_age:?}");
    }
}

#[tokio::test]
async fn an_unknown_key_is_asked_for_once_in_a_while() {
    let remote = Remote::new(Some(Duration::from_mins(30)));
    let unknown = Some(AssertionFault::UnknownKey);
    assert_eq!(remote.find("a", 0).await, (None, 1));
    remote.publish("b", None);
    assert_eq!(remote.find("b", 9).await, (unknown, 1), "too soon");
    assert_eq!(remote.find("b", 10).await, (None, 2), "the keys were changed");
    assert_eq!(remote.find("a", 11).await, (unknown, 2), "and the old one is withdrawn");
    assert_eq!(remote.find("c", 20).await, (unknown, 3));
    assert_eq!(remote.find("c", 29).await, (unknown, 3));
}

#[tokio::test]
async fn a_client_whose_keys_cannot_be_had_is_let_in_while_the_old_ones_hold() {
    let remote = Remote::new(Some(Duration::from_mins(1)));
    assert_eq!(remote.find("a", 0).await, (None, 1));
    *remote.published.answer.lock().unwrap() = None;
    assert_eq!(remote.find("b", 10).await, (Some(AssertionFault::UnknownKey), 2));
    assert_eq!(remote.find("a", 59).await, (None, 2), "the failure takes nothing away");
    assert_eq!(remote.find("a", 60).await, (Some(AssertionFault::KeysUnavailable), 3));
    assert_eq!(remote.find("a", 69).await, (Some(AssertionFault::KeysUnavailable), 3), "nobody is hammered");
}

#[test]
fn key_sets_that_cannot_be_used_are_told() {
    let keys = Keys::new();
    let (ec, rsa) = (keys.ec_jwk("1"), keys.rsa_jwk("2"));
    let check = |keys: Value| KeySet::parse(&json!({ "keys": keys }).to_string()).err();
    assert_eq!(check(json!([ec, rsa])), None);
    assert_eq!(check(json!([ec, keys.rsa_jwk("1")])), None, "one kid for two kinds of keys");
    assert_eq!(check(json!([ec, { "kty": "OKP", "crv": "Ed25519", "x": "" }])), None, "others are passed over");
    assert_eq!(check(json!([ec, ec])), Some(JwkSetFault::SameKeyId));
    assert_eq!(check(json!([ec, with(rsa.clone(), "d", json!("AQ"))])), Some(JwkSetFault::Private));
    assert_eq!(check(json!([ec, { "kty": "oct", "k": "c2VjcmV0" }])), Some(JwkSetFault::Private));
    assert_eq!(check(json!(vec![ec.clone(); limits::JWKS_KEYS_MAX + 1])), Some(JwkSetFault::TooMany));
    assert_eq!(KeySet::parse("{}").err(), Some(JwkSetFault::Json));
    assert_eq!(KeySet::parse("[]").err(), Some(JwkSetFault::Json));
    let short = encode([0xff; 128]);
    let off_the_curve = encode([1; 48]);
    for (jwk, key, value) in [
        (&ec, "kid", json!(null)),
        (&ec, "kid", json!("")),
        (&ec, "crv", json!("P-256")),
        (&ec, "use", json!("enc")),
        (&ec, "alg", json!("RS384")),
        (&ec, "key_ops", json!(["sign"])),
        (&ec, "x", json!("AQ")),
        (&ec, "y", json!(off_the_curve)),
        (&ec, "kty", json!("RSA")),
        (&rsa, "alg", json!("RS256")),
        (&rsa, "n", json!(short)),
        (&rsa, "e", json!(null)),
        (&rsa, "kty", json!("EC")),
    ] {
        assert_eq!(check(json!([with(jwk.clone(), key, value.clone())])), Some(JwkSetFault::NoKey), "{key} = {value}");
    }
}
