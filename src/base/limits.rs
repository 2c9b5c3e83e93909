//! Every limit of the gateway, with its name and its reason (P9). Settings may lower or raise those marked so.

use std::time::Duration;

/// Largest MLLP frame, in bytes. Large enough for an embedded scanned report, small enough that a hundred
/// connections in mid-frame do not exhaust a small machine. (setting `frame_bytes_max`)
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Longest silence inside a frame: a peer that stops in mid-message for longer has died. (setting)
pub const FRAME_READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Connections of one listener. Each costs a task and a buffer. (setting)
pub const CONNECTIONS_MAX: usize = 1024;

/// Messages in one intake commit: past this a commit takes longer than the window it saves.
pub const ADMIT_BATCH_MAX: usize = 256;

/// Messages in one processing batch and so in one concluding commit. A mapped message weighs about a hundred times its
/// bytes while it is decided: a batch is kept small enough that two of them fit a small machine.
pub const CONCLUDE_BATCH_MAX: usize = 64;

/// Threads that may block: a few readers of the embedded store and the mapping of two batches. More would only hold
/// memory.
pub const BLOCKING_THREADS_MAX: usize = 8;

/// Bytes of messages in one intake commit of PostgreSQL, where they travel as one parameter: past this the commit does
/// not wait for more. The server takes 1 GB.
pub const ADMIT_BATCH_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Senders waiting for an intake commit; past this the answer is "try again" (AR or CE with 207) at once.
pub const INTAKE_QUEUE_MAX: usize = 4096;

/// Deliveries in flight at once, over all endpoints.
pub const DELIVERIES_IN_FLIGHT_MAX: usize = 64;

/// Deliveries in flight at once to one endpoint, so that a slow one cannot take all permits.
pub const DELIVERIES_PER_ENDPOINT_MAX: usize = 8;

/// Lane partitions: the unit by which replicas share the work. Fixed for the life of a store.
pub const PARTITIONS: u16 = 64;

/// Nesting of JSON. FHIR's deepest resources stay below 30.
pub const JSON_DEPTH_MAX: usize = 64;

/// Bytes of a receiver's answer that are read and kept.
pub const RESPONSE_BYTES_MAX: usize = 64 * 1024;

/// How long a stopping process waits for work in hand.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// Messages of one connection that may be under way at once, so that a peer that pipelines shares a commit.
pub const PIPELINE_MAX: usize = 64;

/// How long a frame whose end block has come may miss its final carriage return before it is taken as it is.
pub const FRAME_END_TIMEOUT: Duration = Duration::from_millis(250);

/// How long a peer may refuse to take an answer: past this its connection holds memory for nobody.
pub const ANSWER_WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a TLS handshake may take.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long connecting to a receiver may take. (setting)
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a receiver over MLLP has to acknowledge. (setting)
pub const ACK_TIMEOUT: Duration = Duration::from_secs(30);

/// Largest acknowledgement that is read: an ERR per segment fits, a report does not.
pub const ACK_BYTES_MAX: usize = 256 * 1024;

/// How long a webhook receiver has to answer; Standard Webhooks recommends 15 to 30 seconds. (setting)
pub const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(20);

/// Bytes of a request body on the admin port, where no request needs one.
pub const ADMIN_BODY_BYTES_MAX: usize = 16 * 1024;

/// Oddities listed for one message: past this the text is not HL7 v2, and a longer list helps nobody.
pub const PARSE_ISSUES_MAX: usize = 100;

/// Longest sleep of a worker that has nothing to do: a lost wake-up costs at most this.
pub const WORKER_TICK: Duration = Duration::from_secs(1);

/// Pause after the store failed, so that a dead store is not hammered.
pub const WORKER_BACK_OFF: Duration = Duration::from_millis(500);

/// Life of a lease on partitions: how long a dead replica's lanes stand still.
pub const LEASE_SPAN: Duration = Duration::from_secs(15);

/// A lease is renewed three times in its life, so that two renewals may fail.
pub const LEASE_RENEWAL: Duration = Duration::from_secs(5);

/// How long an `applied` acknowledgement waits for the conclusion: below the 30 s after which senders resend.
pub const APPLIED_WAIT: Duration = Duration::from_secs(20);

/// Tries of a message that our own code fails on (a panic), before its lane is parked.
pub const TRIES_MAX: u32 = 3;

/// Repetitions of load and decide when another batch or replica changed the same resources in between.
pub const CONFLICTS_MAX: u32 = 16;

/// Write jobs that share one commit of the store: past this the first waits longer than the flush it saves.
pub const WRITE_JOBS_PER_COMMIT_MAX: usize = 128;

/// Write jobs waiting for the store's writer; past this their callers wait before they may queue.
pub const WRITE_QUEUE_MAX: usize = 1024;

/// Reading connections to SQLite: a few, since each occupies a thread and a page cache while it reads.
pub const READ_CONNECTIONS_MAX: usize = 4;

/// Connections of one replica to PostgreSQL for all but admission, waking and presence, which have one each. (setting)
pub const POSTGRES_CONNECTIONS_MAX: u32 = 8;

/// Event keys a referral remembers, to change nothing when one comes again. The journal refuses resent messages
/// before; this covers a replay of a referral's recent past.
pub const REFERRAL_EVENTS_REMEMBERED_MAX: usize = 128;

/// Appointments of one referral. A series of weekly visits over two years stays below; past it the oldest that is
/// over is forgotten.
pub const REFERRAL_APPOINTMENTS_MAX: usize = 128;

/// ERR segments of one acknowledgement: a sender that mends these first hears of the rest next time.
pub const ACK_ERRORS_MAX: usize = 20;

/// How far back a control id is looked up for duplicates: senders resend within days, and restart their counters.
pub const DUPLICATE_WINDOW: Duration = Duration::from_hours(30 * 24);

/// Line ends, blanks and NUL that may follow an end block without its last byte. Senders put one or two there; a
/// bound keeps the look back short on a frame of nothing but blanks.
pub const FRAME_FILLER_BYTES_MAX: usize = 16;

/// How often the gauges of what waits are brought up to date: what a scraper sees is at most this old.
pub const BACKLOG_PERIOD: Duration = Duration::from_secs(2);

/// Resources that one outgoing message is written from: a report with a hundred results stays below.
pub const RENDER_RESOURCES_MAX: usize = 512;

/// How often a sender that waits for `applied` is looked up in the store: another replica may have concluded its message.
pub const APPLIED_LOOK_PERIOD: Duration = Duration::from_millis(250);

/// Requests under way at one HTTP port: probes and scrapers are few, and more would only queue for the store.
pub const HTTP_REQUESTS_MAX: usize = 64;

/// The longest text that is taken for a code, in characters: the codes of HL7, LOINC and SNOMED CT have far fewer.
pub const CODE_LENGTH_MAX: usize = 64;

/// Characters of a value's shape that are shown: enough for every identifier and date, and a line of a terminal.
pub const SHAPE_LENGTH_MAX: usize = 48;

/// Kinds of findings that a report over a corpus keeps apart, of each sort: past this it counts them together, since
/// nobody works through a longer list and a corpus must not fill the memory.
pub const REPORT_ROWS_MAX: usize = 10_000;

/// Largest file of a corpus that is read: a day of a busy feed. A larger one is named and left out.
pub const CORPUS_FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Codes without a map that are looked at together: past this a person maps the frequent ones first.
pub const WAITING_CODES_MAX: u32 = 10_000;

/// Messages that a replay reads at once: a page of large ones stays in memory.
pub const REPLAY_PAGE_MESSAGES: u32 = 200;

/// Sample messages whose control ids, contents and identifiers are remembered to find duplicates: some 100 bytes each.
pub const SAMPLES_REMEMBERED_MAX: usize = 1_000_000;

/// Issues listed for one validated resource: past this a longer list helps nobody, and a hostile Bundle could grow it.
pub const VALIDATION_ISSUES_MAX: usize = 500;

/// Nesting of a FHIRPath expression, and operators in a row: the longest search parameter of R4 joins 35 paths, and the
/// stack of a worker holds this many.
pub const FHIRPATH_DEPTH_MAX: usize = 100;

/// Bytes of a FHIRPath expression: the longest of R4 has 4,000.
pub const FHIRPATH_TEXT_BYTES_MAX: usize = 32 * 1024;

/// Items and pieces of text that one evaluation of a FHIRPath expression may touch. An invariant over the largest
/// Bundle stays below; a product of loops does not.
pub const FHIRPATH_WORK_MAX: usize = 1_000_000;

/// Memory of one compiled regular expression of FHIRPath. Those of the R4 invariants take less than a megabyte.
pub const FHIRPATH_PATTERN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Profiles that stand inside one another, as a type's profile within a resource's: real guides have four.
pub const PROFILE_DEPTH_MAX: usize = 8;

/// How far the clocks of replicas, or one clock before and after it was set, may lie apart.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_hours(1);

/// Resources indexed anew in one step after an upgrade: a page of large ones stays in memory.
pub const REINDEX_PAGE_RESOURCES: u32 = 1_000;

/// Parameters of one query string or form: a search has a dozen, and each costs a pass over the definitions.
pub const QUERY_PARAMETERS_MAX: usize = 256;

/// Life of an access token of the FHIR door: SMART Backend Services asks for no more.
pub const ACCESS_TOKEN_LIFE: Duration = Duration::from_mins(5);

/// How far ahead a client assertion may expire (SMART Backend Services), and so how long one could be replayed.
pub const ASSERTION_LIFE_MAX: Duration = Duration::from_mins(5);

/// How far a client's clock may be off ours: machines that keep the time by network stay far below.
pub const ASSERTION_LEEWAY: Duration = Duration::from_secs(30);

/// Bytes of a token request: an assertion signed by an 8192-bit key with every claim and a hundred scopes fits.
pub const TOKEN_REQUEST_BYTES_MAX: usize = 16 * 1024;

/// Characters of a claim or header of an assertion that we keep or compare: longer ones are nobody's names.
pub const CLAIM_LENGTH_MAX: usize = 512;

/// Scopes of one client or one request: three for each of the types that a partner exchanges.
pub const SCOPES_MAX: usize = 100;

/// Characters of a static bearer token at least: 32 of base64 hold 192 bits of chance.
pub const BEARER_LENGTH_MIN: usize = 32;

/// Keys of one JWK Set: a client that changes its keys has two or three.
pub const JWKS_KEYS_MAX: usize = 32;

/// Longest use of a fetched JWK Set, whatever its `Cache-Control` says: how long a withdrawn key is believed.
pub const JWKS_AGE_MAX: Duration = Duration::from_hours(1);

/// Use of a fetched JWK Set whose answer says nothing of caching.
pub const JWKS_AGE_DEFAULT: Duration = Duration::from_mins(5);

/// Pause between two fetches of one client's JWK Set, also when it may not be cached at all: strangers who name keys
/// that do not exist must not make us hammer its server.
pub const JWKS_FETCH_FLOOR: Duration = Duration::from_secs(10);

/// Bytes of one XML text: as much as the largest Bundle that the doors take. A tree is some eight times its text.
pub const XML_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Elements of a narrative inside one another: hand-written XHTML stays below 30, tables within tables too.
pub const XHTML_DEPTH_MAX: usize = 256;

/// Resources of a page of a search or history when the client does not say: a screen or two.
pub const SEARCH_PAGE_DEFAULT: u32 = 50;

/// Resources of a page of a search or history at most: a page is held in memory as a whole.
pub const SEARCH_PAGE_MAX: u32 = 1_000;

/// How often what was included may include more (`:iterate`): deeper chains of references are followed by the client.
pub const INCLUDE_ROUNDS_MAX: usize = 8;

/// Resources included with one page of a search: with a full page of matches they still fit into memory.
pub const INCLUDED_MAX: usize = 5_000;

/// Entries of one batch or transaction: a patient's life has some thousands, and the limit of the body comes first.
pub const BUNDLE_ENTRIES_MAX: usize = 50_000;

/// Candidates that one search of `$match` brings: who shares so much with more than these is not found by it.
pub const MATCH_CANDIDATES_MAX: u32 = 50;

/// Matches that `$match` answers with: a person looks through no more.
pub const MATCHES_MAX: usize = 50;

/// Resources of one export file: some 30 MB of memory while it is sent.
pub const EXPORT_FILE_RESOURCES: u64 = 10_000;

/// Versions that an export reads at once.
pub const EXPORT_PAGE_RESOURCES: u32 = 1_000;

/// When a client is to ask again how its export stands.
pub const EXPORT_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Requests under way at the FHIR door. The next is told to come back (429): more would only wait for the store, and hold
/// their bodies meanwhile.
pub const FHIR_REQUESTS_MAX: usize = 512;

/// Bytes of one body at the FHIR door: the largest Synthea patients have some 10 MB as one transaction.
pub const FHIR_BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How long a request at the FHIR door may take: clients and proxies give up about then.
pub const FHIR_REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// Characters of the name of a feed, an endpoint or a client: it stands in every line of a log, and in tokens.
pub const NAME_LENGTH_MAX: usize = 100;

/// How long fetching a JWK Set may take: a token request waits for it.
pub const JWKS_FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Operations of one patch: each may walk the resource. Clients send a handful.
pub const PATCH_OPERATIONS_MAX: usize = 1000;

/// Bytes that the copies of one JSON Patch may add up to: a copy of a copy doubles what is there.
pub const PATCH_GROWTH_MAX: usize = 4 * 1024 * 1024;

/// Members of one JSON object: FHIR's widest type has some 60 elements, twice with companions.
pub const JSON_MEMBERS_MAX: usize = 1024;

/// Characters of one JSON number: FHIR asks for 18 digits; whoever computes with it must come to an end.
pub const JSON_NUMBER_LENGTH_MAX: usize = 256;

/// Digits of the exponent of a JSON number: past a few hundred nothing is measured.
pub const JSON_EXPONENT_DIGITS_MAX: usize = 4;

/// How long one search may take before it is stopped: a client's own patience, and what one careless question may cost
/// the others.
pub const SEARCH_TIMEOUT: Duration = Duration::from_secs(10);

/// Steps of the database that the search of a guard may take (some two seconds): it runs where all writers wait for it.
pub const GUARD_STEPS_MAX: u32 = 50_000_000;

/// Entries of the index that are counted to learn how many a criterion has: past this it does not matter how many more.
pub const SEARCH_ESTIMATE_MAX: u32 = 10_000;

/// Matches that are sorted in memory. Past this the index is walked in the order that is asked for.
pub const SEARCH_SORT_MAX: usize = 2_000;

/// Matches of a page that are read on the thread that asks, without a hop to another: some 0.1 ms.
pub const INLINE_MATCHES_MAX: u32 = 32;

/// Bytes of a text in a key of the search index; of a longer one the beginning and a digest are kept. A composite of two
/// tokens stays below the third of a page at which PostgreSQL refuses a key.
pub const INDEX_VALUE_BYTES_MAX: usize = 300;

/// Levels of a URI that `:above` looks at.
pub const SEARCH_URI_LEVELS_MAX: usize = 64;

/// Parameters of one search: forms of applications have a dozen.
pub const SEARCH_PARAMETERS_MAX: usize = 200;

/// Values of one search parameter, joined by commas: clients ask for a page of ids at once.
pub const SEARCH_VALUES_MAX: usize = 1000;

/// Resource types from end to end of a chain or a reverse chain: each is another join.
pub const SEARCH_CHAIN_MAX: usize = 5;

/// Ways that one chained parameter may go when its references may be to several types.
pub const SEARCH_BRANCHES_MAX: usize = 64;

/// `_include` and `_revinclude` of one search.
pub const SEARCH_INCLUDES_MAX: usize = 32;

/// Orders of one search: each is another join.
pub const SEARCH_ORDERS_MAX: usize = 4;

/// Different conditional references in one transaction: each is a search. A hospital's Bundle names some dozens of
/// practitioners and places so.
pub const CONDITIONAL_REFERENCES_MAX: usize = 1_000;
/// How long a peer may take to send the head of a request over HTTP, and so how long a connection may be idle: one that
/// sends a byte a minute must not hold its place.
pub const HTTP_HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of request bodies in hand at the FHIR door, all together: each becomes a tree of about twelve times its size.
pub const FHIR_BODIES_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How long a body may take to arrive at the FHIR door: the largest one over a slow line.
pub const FHIR_BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest text of an element that is no document (FHIR R4 2.24.0.1: strings have at most 1 MB).
pub const STRING_BYTES_MAX: usize = 1024 * 1024;

/// Exports whose files are being found at once: each walks the store.
pub const EXPORTS_MAX: usize = 4;

/// Searches that `$match` makes for one patient: real ones have a handful of identifiers, names and numbers.
pub const MATCH_SEARCHES_MAX: usize = 64;
