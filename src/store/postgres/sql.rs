//! Every statement of the PostgreSQL backend, by name. Tests prepare each one and look at the plans of the hot ones.
//!
//! What comes in numbers comes as arrays, one statement for a batch.

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        $($(#[$doc])* pub const $name: &str = $text;)*

        /// All statements with their names, for the tests.
        #[cfg(test)]
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

pub const CREATE_MIGRATION_TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (number bigint PRIMARY KEY, \
     title text NOT NULL, digest bytea NOT NULL, applied_at bigint NOT NULL)";

/// Where replicas tell each other that there may be work.
pub const CHANNEL: &str = "loopgate_work";

/// What became of a message, whether or not it has a row.
macro_rules! outcome {
    () => {
        "coalesce(o.outcome, CASE WHEN m.is_request THEN 'processed' ELSE 'pending' END)"
    };
}

/// The columns of a message as `messages::read` takes them.
macro_rules! select_message {
    ($rest:literal) => {
        concat!(
            "SELECT m.id, m.feed, m.sender, m.control_id, m.message_type, m.bytes, m.charset_declared, ",
            "m.charset_detected, m.received_at, ",
            outcome!(),
            ", coalesce(o.concluded_at, CASE WHEN m.is_request THEN m.received_at END), o.issues, o.mapping_release, ",
            "m.control_id_reused, o.tries ",
            $rest
        )
    };
}

/// The columns of a version as `versions::read` takes them.
macro_rules! select_version {
    ($rest:literal) => {
        concat!(
            "SELECT v.number, v.kind, v.id, v.version, v.content, v.digest, v.updated_at, v.deleted, v.message ",
            $rest
        )
    };
}

/// The columns of a delivery as `deliveries::read` takes them.
macro_rules! select_delivery {
    ($rest:literal) => {
        concat!(
            "SELECT id, endpoint, subject, sequence, event, content_type, payload, state, created_at, due_at, ",
            "attempts, last_failure, concluded_at FROM delivery ",
            $rest
        )
    };
}

statements! {
    APPLIED_MIGRATIONS = "SELECT number, digest FROM migration ORDER BY number";
    RECORD_MIGRATION = "INSERT INTO migration (number, title, digest, applied_at) VALUES ($1, $2, $3, $4)";
    LOCK = "SELECT pg_advisory_xact_lock(k.space, k.bucket) \
        FROM unnest($1::int4[], $2::int4[]) AS k (space, bucket)";
    NOTIFY = "SELECT pg_notify($1, $2)";
    NEXT_NUMBERS = "SELECT nextval('message_number') FROM generate_series(1, $1::bigint)";

    // Admission
    /// `OFFSET 0` keeps the look-up per key, whatever the planner believes of a table it has no statistics of.
    FIND_CONTROL_IDS = "SELECT f.control_id, f.sender, f.feed, f.id, f.content_digest, f.received_at, \
        coalesce(o.outcome, 'pending') FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) \
        AS k (control_id, sender, feed, since) CROSS JOIN LATERAL (SELECT m.control_id, m.sender, m.feed, m.id, \
        m.content_digest, m.received_at FROM message m WHERE left(m.control_id, 200) = left(k.control_id, 200) \
        AND left(m.sender, 200) = left(k.sender, 200) AND left(m.feed, 200) = left(k.feed, 200) \
        AND m.control_id <> '' AND m.control_id = k.control_id AND m.sender = k.sender AND m.feed = k.feed \
        AND NOT m.is_refused AND NOT m.is_request AND m.received_at >= k.since OFFSET 0) f \
        LEFT JOIN message_outcome o ON o.message = f.id";
    OCCUPIED_LANES = "SELECT l.lane FROM unnest($1::bigint[]) AS l (lane) \
        WHERE EXISTS (SELECT 1 FROM lane_entry e WHERE e.lane = l.lane)";
    INSERT_MESSAGES = "INSERT INTO message (id, feed, sender, control_id, message_type, charset_declared, \
        charset_detected, content_digest, received_at, is_refused, control_id_reused, bytes) \
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], \
        $8::bytea[], $9::bigint[], $10::boolean[], $11::boolean[], $12::bytea[])";
    INSERT_PENDING = "INSERT INTO pending (message, turn, partition, blocked, lanes) \
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bytea[])";
    INSERT_LANE_ENTRIES = "INSERT INTO lane_entry (lane, turn, message) \
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])";
    NOTE_UNHEARD = "INSERT INTO message_outcome (message, outcome, ack_unheard) VALUES ($1, 'pending', true) \
        ON CONFLICT (message) DO UPDATE SET ack_unheard = true";

    // Messages
    CLAIM_MESSAGES = select_message!("FROM pending p JOIN message m ON m.id = p.message \
        LEFT JOIN message_outcome o ON o.message = p.message WHERE p.blocked = 0 AND NOT p.parked \
        AND p.partition = ANY ($1::smallint[]) AND p.message <> ALL ($2::bigint[]) ORDER BY p.turn LIMIT $3::bigint");
    GET_MESSAGE = select_message!("FROM message m LEFT JOIN message_outcome o ON o.message = m.id WHERE m.id = $1");
    LIST_MESSAGES = select_message!("FROM message m LEFT JOIN message_outcome o ON o.message = m.id \
        WHERE m.id < $1 AND ($2::text IS NULL OR m.feed = $2) \
        AND ($3::text IS NULL OR coalesce(o.outcome, CASE WHEN m.is_request THEN 'processed' ELSE 'pending' END) = $3) ORDER BY m.id DESC LIMIT $4::bigint");
    LIST_MESSAGES_BY_CONTROL_ID = select_message!("FROM message m LEFT JOIN message_outcome o ON o.message = m.id \
        WHERE m.id < $1 AND ($2::text IS NULL OR m.feed = $2) \
        AND ($3::text IS NULL OR coalesce(o.outcome, CASE WHEN m.is_request THEN 'processed' ELSE 'pending' END) = $3) AND left(m.control_id, 200) = left($5::text, 200) \
        AND m.control_id = $5::text AND m.control_id <> '' ORDER BY m.id DESC LIMIT $4::bigint");
    LIST_MESSAGES_BY_OUTCOME = select_message!("FROM message_outcome o JOIN message m ON m.id = o.message \
        WHERE o.outcome = $3::text AND o.outcome <> 'processed' AND o.message < $1 \
        AND ($2::text IS NULL OR m.feed = $2) ORDER BY o.message DESC LIMIT $4::bigint");
    LIST_MESSAGES_PENDING = select_message!("FROM pending p JOIN message m ON m.id = p.message \
        LEFT JOIN message_outcome o ON o.message = p.message WHERE p.message < $1 AND NOT p.parked \
        AND ($2::text IS NULL OR m.feed = $2) AND $3::text IS NOT NULL ORDER BY p.message DESC LIMIT $4::bigint");
    COUNT_TRY = "INSERT INTO message_outcome (message, outcome, tries) VALUES ($1, 'pending', 1) \
        ON CONFLICT (message) DO UPDATE SET tries = message_outcome.tries + 1 RETURNING tries";
    OUTCOME_OF = "SELECT o.outcome FROM message_outcome o JOIN message m ON m.id = o.message \
        WHERE o.message = $1 AND NOT m.is_request FOR UPDATE OF o";

    // Lanes
    GET_PENDING = "SELECT message, turn, parked, lanes FROM pending WHERE message = ANY ($1::bigint[])";
    DELETE_PENDING = "DELETE FROM pending WHERE message = ANY ($1::bigint[]) AND blocked = 0 AND parked = $2";
    DELETE_LANE_ENTRIES = "DELETE FROM lane_entry e USING unnest($1::bigint[], $2::bigint[]) AS k (lane, turn) \
        WHERE e.lane = k.lane AND e.turn = k.turn";
    UNBLOCK = "UPDATE pending p SET blocked = p.blocked - n.count FROM (SELECT h.message, count(*) AS count \
        FROM unnest($1::bigint[]) AS l (lane) CROSS JOIN LATERAL \
        (SELECT e.message FROM lane_entry e WHERE e.lane = l.lane ORDER BY e.turn LIMIT 1) h GROUP BY h.message) n \
        WHERE p.message = n.message";
    SET_PARKED = "UPDATE pending SET parked = $2 WHERE message = ANY ($1::bigint[]) AND blocked = 0 AND parked <> $2";
    LANE_HEAD = "SELECT e.message, p.turn, p.parked, p.lanes FROM lane_entry e JOIN pending p ON p.message = e.message \
        WHERE e.lane = $1 ORDER BY e.turn LIMIT 1";
    LANES_PARKED = "SELECT p.lanes, p.message, o.issues, coalesce(o.concluded_at, m.received_at) \
        FROM pending p JOIN message m ON m.id = p.message LEFT JOIN message_outcome o ON o.message = p.message \
        WHERE p.parked ORDER BY p.turn LIMIT $1::bigint";
    LANE_DEPTHS = "SELECT lane, count(*) FROM lane_entry WHERE lane = ANY ($1::bigint[]) GROUP BY lane";
    LANES_ALL = "SELECT e.lane, e.message, o.issues, coalesce(o.concluded_at, m.received_at), h.depth, p.parked FROM \
        (SELECT lane, min(turn) AS turn, count(*) AS depth FROM lane_entry GROUP BY lane) h \
        JOIN lane_entry e ON e.lane = h.lane AND e.turn = h.turn JOIN pending p ON p.message = e.message \
        JOIN message m ON m.id = e.message LEFT JOIN message_outcome o ON o.message = e.message \
        ORDER BY h.turn, h.lane LIMIT $1::bigint";

    // Conclusions
    PUT_OUTCOMES = "INSERT INTO message_outcome (message, outcome, concluded_at, mapping_release, issues) \
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[]) \
        ON CONFLICT (message) DO UPDATE SET outcome = excluded.outcome, concluded_at = excluded.concluded_at, \
        mapping_release = excluded.mapping_release, issues = excluded.issues";
    REPLACE_OUTCOME = "UPDATE message_outcome SET outcome = $2, concluded_at = $3, tries = 0 WHERE message = $1";
    INSERT_WORK_ITEMS = "INSERT INTO work_item (kind, referral, message, created_at, text) \
        SELECT k.* FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::bigint[], $5::text[]) \
        AS k (kind, referral, message, created_at, text) WHERE NOT EXISTS (SELECT 1 FROM work_item w \
        WHERE w.message = k.message AND w.kind = k.kind AND w.text = k.text)";
    INSERT_AUDIT = "INSERT INTO audit (at, action, agent, message) \
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])";

    // The trail of mapping
    PUT_TRACES = "INSERT INTO message_trace (message, mapping_release, trace) \
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[]) \
        ON CONFLICT (message) DO UPDATE SET mapping_release = excluded.mapping_release, trace = excluded.trace";
    GET_TRACE = "SELECT mapping_release, trace FROM message_trace WHERE message = $1";
    INSERT_UNMAPPED = "INSERT INTO unmapped_code (message, code_table, code, place) \
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING";
    DELETE_UNMAPPED = "DELETE FROM unmapped_code WHERE message = $1";
    DELETE_TRACE = "DELETE FROM message_trace WHERE message = $1";
    WAITING_CODES = "SELECT m.feed, u.code_table, u.code, count(*), min(u.message) FROM unmapped_code u \
        JOIN message m ON m.id = u.message GROUP BY m.feed, u.code_table, u.code \
        ORDER BY count(*) DESC, m.feed, u.code_table, u.code LIMIT $1::bigint";
    WAITING_MESSAGES = "SELECT u.message FROM unmapped_code u JOIN message m ON m.id = u.message \
        WHERE u.code_table = $1 AND u.code = $2 AND m.feed = $3 AND u.message > $5 ORDER BY u.message LIMIT $4::bigint";

    // Requests
    INSERT_REQUESTS = "INSERT INTO message (id, feed, sender, control_id, message_type, charset_declared, \
        charset_detected, content_digest, received_at, bytes, is_refused, control_id_reused, is_request) \
        SELECT k.*, false, false, true FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], \
        $6::text[], $7::text[], $8::bytea[], $9::bigint[], $10::bytea[]) AS k";
    REFERRAL_VERSIONS = "SELECT id, version FROM referral WHERE id = ANY ($1::bytea[]) ORDER BY id FOR UPDATE";

    // Resources
    CURRENT_RESOURCES = "SELECT r.kind, r.id, r.version, r.first, v.keys \
        FROM unnest($1::text[], $2::text[]) AS k (kind, id) JOIN resource r ON r.kind = k.kind AND r.id = k.id \
        JOIN resource_version v ON v.number = r.current ORDER BY r.kind, r.id FOR UPDATE OF r";
    /// The shared lock is held to the end of the transaction, so that whoever takes it alone knows all numbers.
    NEXT_VERSIONS = "WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared($2, $3)) \
        SELECT nextval('version_number') FROM held, generate_series(1, $1::bigint)";
    INSERT_RESOURCES = "INSERT INTO resource (kind, id, version, first, current) \
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) ON CONFLICT DO NOTHING";
    UPDATE_RESOURCES = "UPDATE resource r SET version = k.version, current = k.current \
        FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) \
        AS k (kind, id, version, first, current) WHERE r.kind = k.kind AND r.id = k.id";
    INSERT_VERSIONS = "INSERT INTO resource_version (number, kind, id, version, deleted, updated_at, digest, keys, \
        content, message) SELECT k.number, k.kind, k.id, k.version, k.deleted, k.updated_at, k.digest, \
        k.keys::bytea[], k.content, k.message FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], \
        $5::boolean[], $6::bigint[], $7::bytea[], $8::text[], $9::bytea[], $10::bigint[]) \
        AS k (number, kind, id, version, deleted, updated_at, digest, keys, content, message)";
    INSERT_INDEX = "INSERT INTO resource_index (key, resource) SELECT * FROM unnest($1::bytea[], $2::bigint[])";
    DELETE_INDEX = "DELETE FROM resource_index i USING unnest($1::bytea[], $2::bigint[]) AS k (key, resource) \
        WHERE i.key = k.key AND i.resource = k.resource";
    INSERT_TEXTS = "INSERT INTO resource_text (resource, kind, narrative, content) \
        SELECT k.resource, k.kind, array_to_tsvector(string_to_array(k.narrative, ' ')), \
        array_to_tsvector(string_to_array(k.content, ' ')) \
        FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS k (resource, kind, narrative, content)";
    DELETE_TEXTS = "DELETE FROM resource_text WHERE resource = ANY ($1::bigint[])";
    LOAD_RESOURCES = select_version!("FROM unnest($1::text[], $2::text[]) AS k (kind, id) \
        JOIN resource r ON r.kind = k.kind AND r.id = k.id JOIN resource_version v ON v.number = r.current");
    LOAD_RESOURCE = select_version!("FROM resource r JOIN resource_version v ON v.number = r.current \
        WHERE r.kind = $1 AND r.id = $2");
    LOAD_VERSIONS = select_version!("FROM unnest($1::bigint[]) AS k (number) \
        JOIN resource_version v ON v.number = k.number");
    FIND_VERSION = select_version!("FROM resource_version v WHERE v.kind = $1 AND v.id = $2 AND v.version = $3");
    POSITION = "SELECT r.first, v.number, v.kind, v.keys FROM resource_version v \
        JOIN resource r ON r.kind = v.kind AND r.id = v.id WHERE v.number = $1";
    HISTORY = select_version!("FROM resource_version v WHERE v.kind = $1 AND v.id = $2 ORDER BY v.version DESC");
    FIND_IDENTIFIERS = "SELECT i.key, v.kind, v.id FROM unnest($1::bytea[]) AS k (key) \
        JOIN resource_index i ON i.key = k.key JOIN resource_version v ON v.number = i.resource ORDER BY i.resource";

    // Histories
    HISTORY_OF_RESOURCE = select_version!("FROM resource_version v WHERE v.kind = $1 AND v.id = $2 AND v.number < $3 \
        AND v.updated_at BETWEEN $4 AND $5 ORDER BY v.version DESC LIMIT $6::bigint");
    COUNT_HISTORY = "SELECT count(*) FROM resource_version WHERE kind = $1 AND id = $2 AND updated_at BETWEEN $3 AND $4";
    HISTORY_OF_KIND = select_version!("FROM resource_version v WHERE v.kind = $1 AND v.number >= $2 AND v.number < $3 \
        AND v.updated_at BETWEEN $4 AND $5 ORDER BY v.number DESC LIMIT $6::bigint");
    HISTORY_OF_ALL = select_version!("FROM resource_version v WHERE v.number >= $1 AND v.number < $2 \
        AND v.updated_at BETWEEN $3 AND $4 ORDER BY v.number DESC LIMIT $5::bigint");
    /// The first version at or behind a number, and its instant.
    VERSION_AT = "SELECT number, updated_at FROM resource_version WHERE number >= $1 ORDER BY number LIMIT 1";
    LATEST_VERSION = "SELECT coalesce(max(number), 0) FROM resource_version";
    SNAPSHOT = select_version!("FROM resource_version v WHERE v.kind = $1 AND v.number > $2 AND v.number <= $3 \
        AND NOT v.deleted AND v.updated_at >= $4 AND NOT EXISTS (SELECT 1 FROM resource_version n \
        WHERE n.kind = v.kind AND n.id = v.id AND n.version = v.version + 1 AND n.number <= $3) \
        ORDER BY v.number LIMIT $5::bigint");
    CURRENT_AFTER = select_version!("FROM resource_version v JOIN resource r ON r.kind = v.kind AND r.id = v.id \
        WHERE v.number > $1 AND r.current = v.number AND NOT v.deleted ORDER BY v.number LIMIT $2::bigint");

    // The index as a whole
    STANDING_OF_VERSIONS = "SELECT v.number, r.first, r.kind, v.keys FROM unnest($1::bigint[]) AS k (number) \
        JOIN resource_version v ON v.number = k.number JOIN resource r ON r.kind = v.kind AND r.id = v.id \
        WHERE r.current = v.number AND NOT v.deleted ORDER BY r.kind, r.id FOR UPDATE OF r";
    REPLACE_KEYS = "UPDATE resource_version v SET keys = k.keys::bytea[] \
        FROM unnest($1::bigint[], $2::text[]) AS k (number, keys) WHERE v.number = k.number";
    INDEXED_BY = "SELECT definitions FROM search_index WHERE singleton = 1";
    SET_INDEXED_BY = "INSERT INTO search_index (singleton, definitions) VALUES (1, $1) \
        ON CONFLICT (singleton) DO UPDATE SET definitions = excluded.definitions";

    // Exports, tokens and secrets
    PUT_EXPORT = "INSERT INTO export_job (id, client, asked_at, as_of, plan) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (id) DO UPDATE SET client = excluded.client, asked_at = excluded.asked_at, \
        as_of = excluded.as_of, plan = excluded.plan";
    GET_EXPORT = "SELECT id, client, asked_at, as_of, plan FROM export_job WHERE id = $1";
    DROP_EXPORT = "DELETE FROM export_job WHERE id = $1";
    FORGET_TOKENS = "DELETE FROM used_token WHERE token = ANY (array(SELECT token FROM used_token \
        WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED))";
    USE_TOKEN = "INSERT INTO used_token (token, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    PUT_SECRET = "INSERT INTO secret (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    GET_SECRET = "SELECT value FROM secret WHERE name = $1";

    // Identities
    GET_REDIRECTS = "SELECT r.from_kind, r.from_id, r.to_kind, r.to_id \
        FROM unnest($1::text[], $2::text[]) AS k (kind, id) \
        JOIN redirect r ON r.from_kind = k.kind AND r.from_id = k.id";
    PUT_REDIRECT = "INSERT INTO redirect (from_kind, from_id, to_kind, to_id) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (from_kind, from_id) DO UPDATE SET to_kind = excluded.to_kind, to_id = excluded.to_id";
    COLLAPSE_REDIRECTS = "UPDATE redirect SET to_kind = $3, to_id = $4 WHERE to_kind = $1 AND to_id = $2";
    REDIRECTED_TO = "SELECT r.from_kind, r.from_id FROM unnest($1::text[], $2::text[]) AS k (kind, id) \
        JOIN redirect r ON r.to_kind = k.kind AND r.to_id = k.id";

    // Referrals
    REFERRAL_VERSION = "SELECT version FROM referral WHERE id = $1 FOR UPDATE";
    INSERT_REFERRAL = "INSERT INTO referral (id, version, patient_kind, patient_id, stage, is_open, updated_at, state) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    UPDATE_REFERRAL = "UPDATE referral SET version = $2, patient_kind = $3, patient_id = $4, stage = $5, is_open = $6, \
        updated_at = $7, state = $8 WHERE id = $1";
    INSERT_EVENTS = "INSERT INTO referral_event (referral, version, ordinal, at, event, note) \
        SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[])";
    GET_REFERRALS = "SELECT id, version, patient_kind, patient_id, stage, is_open, state FROM referral \
        WHERE id = ANY ($1::bytea[])";
    OPEN_REFERRALS = "SELECT r.id, r.version, r.patient_kind, r.patient_id, r.stage, r.is_open, r.state \
        FROM unnest($1::text[], $2::text[]) AS k (kind, id) \
        JOIN referral r ON r.patient_kind = k.kind AND r.patient_id = k.id AND r.is_open";
    LIST_REFERRALS = "SELECT id, version, patient_kind, patient_id, stage, is_open, state FROM referral \
        ORDER BY updated_at DESC, id LIMIT $1::bigint";
    TIMELINE = "SELECT at, event, note FROM referral_event WHERE referral = $1 ORDER BY version, ordinal";
    START_TIMER = "INSERT INTO timer (referral, kind, partition, due_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (referral, kind) DO UPDATE SET due_at = excluded.due_at";
    STOP_TIMER = "DELETE FROM timer WHERE referral = $1 AND kind = $2";
    FIRE_TIMER = "DELETE FROM timer WHERE referral = $1 AND kind = $2 AND due_at = $3";
    DUE_TIMERS = "SELECT referral, kind, due_at FROM timer WHERE due_at <= $1 AND partition = ANY ($2::smallint[]) \
        ORDER BY due_at, referral, kind LIMIT $3::bigint";
    LIST_WORK_ITEMS = "SELECT kind, referral, text FROM work_item ORDER BY number DESC LIMIT $1::bigint";

    // Deliveries
    INSERT_DELIVERIES = "INSERT INTO delivery (id, endpoint, subject, sequence, event, content_type, partition, ready, \
        created_at, due_at, payload) SELECT k.id, k.endpoint, k.subject, k.sequence, k.event, k.content_type, \
        k.partition, false, k.created_at, k.due_at, k.payload FROM unnest($1::bytea[], $2::text[], $3::text[], \
        $4::bigint[], $5::text[], $6::text[], $7::smallint[], $8::bigint[], $9::bigint[], $10::bytea[]) WITH ORDINALITY \
        AS k (id, endpoint, subject, sequence, event, content_type, partition, created_at, due_at, payload, ordinal) \
        ORDER BY k.ordinal ON CONFLICT (id) DO NOTHING";
    CLEAR_READY = "UPDATE delivery d SET ready = false FROM unnest($1::text[], $2::text[]) AS k (endpoint, subject) \
        WHERE d.endpoint = k.endpoint AND d.subject = k.subject AND d.ready AND d.number <> (SELECT f.number \
        FROM delivery f WHERE f.endpoint = k.endpoint AND f.subject = k.subject AND f.state = 'pending' \
        ORDER BY f.sequence, f.number LIMIT 1)";
    SET_READY = "UPDATE delivery d SET ready = true FROM unnest($1::text[], $2::text[]) AS k (endpoint, subject) \
        CROSS JOIN LATERAL (SELECT f.number FROM delivery f WHERE f.endpoint = k.endpoint AND f.subject = k.subject \
        AND f.state = 'pending' ORDER BY f.sequence, f.number LIMIT 1) h WHERE d.number = h.number AND NOT d.ready";
    CLAIM_DELIVERIES = select_delivery!("WHERE ready AND due_at <= $1 AND partition = ANY ($2::smallint[]) \
        AND id <> ALL ($3::bytea[]) AND endpoint <> ALL ($4::text[]) ORDER BY due_at, number LIMIT $5::bigint");
    NEXT_DUE = "SELECT due_at FROM delivery WHERE ready AND partition = ANY ($1::smallint[]) ORDER BY due_at LIMIT 1";
    SUBJECT_OF = "SELECT endpoint, subject FROM delivery WHERE id = $1";
    GET_DELIVERY = "SELECT number, state, attempts, ready FROM delivery WHERE id = $1 FOR UPDATE";
    COUNT_ATTEMPT = "UPDATE delivery SET attempts = attempts + 1 WHERE number = $1";
    BEGIN_ATTEMPT = "INSERT INTO delivery_attempt (delivery, number, started_at) VALUES ($1, $2, $3)";
    FINISH_ATTEMPT = "UPDATE delivery_attempt SET finished_at = $3, class = $4, code = $5 \
        WHERE delivery = $1 AND number = $2 AND finished_at IS NULL";
    POSTPONE_DELIVERY = "UPDATE delivery SET due_at = $2, last_failure = $3 WHERE number = $1";
    END_DELIVERY = "UPDATE delivery SET state = $2, ready = false, concluded_at = $3, last_failure = $4 \
        WHERE number = $1";
    LIST_DELIVERIES = select_delivery!("WHERE ($1::text IS NULL OR endpoint = $1) \
        AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR subject = $3) ORDER BY number DESC LIMIT $4::bigint");

    // Leases
    /// The lock goes with the session that made it.
    HOLD_PRESENCE = "WITH own AS MATERIALIZED (SELECT nextval('lease_token') AS number) \
        SELECT number, pg_advisory_lock(number)::text FROM own";
    /// The key of a replica's row is its token: a renewal leaves it, whoever takes a partition away does not.
    CHECK_LEASE = "SELECT 1 FROM replica WHERE token = $1 FOR KEY SHARE";
    /// A presence that can be locked is held by nobody: its process is gone.
    DROP_GONE = "DELETE FROM replica WHERE instance <> $2 \
        AND (expires_at <= $1 OR pg_try_advisory_xact_lock(presence))";
    RENEW_REPLICA = "INSERT INTO replica (instance, token, presence, expires_at) \
        VALUES ($1, nextval('lease_token'), $2, $3) \
        ON CONFLICT (instance) DO UPDATE SET presence = excluded.presence, expires_at = excluded.expires_at";
    COUNT_REPLICAS = "SELECT count(*) FROM replica";
    GIVE_UP_PARTITIONS = "DELETE FROM partition_lease WHERE instance = $1 AND partition IN \
        (SELECT partition FROM partition_lease WHERE instance = $1 ORDER BY partition OFFSET $2::bigint)";
    NEW_TOKEN = "UPDATE replica SET token = nextval('lease_token') WHERE instance = $1";
    TAKE_PARTITIONS = "INSERT INTO partition_lease (partition, instance) SELECT free.partition, $1 FROM \
        generate_series(0, $2::bigint - 1) AS free (partition) WHERE NOT EXISTS \
        (SELECT 1 FROM partition_lease l WHERE l.partition = free.partition) ORDER BY free.partition \
        LIMIT greatest(0, $3::bigint - (SELECT count(*) FROM partition_lease WHERE instance = $1))";
    GET_LEASE = "SELECT r.token, array(SELECT l.partition FROM partition_lease l WHERE l.instance = r.instance \
        ORDER BY l.partition) FROM replica r WHERE r.instance = $1";
    RELEASE_LEASE = "DELETE FROM replica WHERE instance = $1";

    // The store as a whole
    PROBE = "INSERT INTO store_probe (singleton, count) VALUES (1, 1) \
        ON CONFLICT (singleton) DO UPDATE SET count = store_probe.count + 1";
    BACKLOG = "SELECT (SELECT count(*) FROM pending WHERE NOT parked), \
        (SELECT coalesce(sum(length(lanes) / 8), 0)::bigint FROM pending WHERE parked), \
        (SELECT count(*) FROM delivery WHERE state = 'pending'), (SELECT count(*) FROM delivery WHERE state = 'dead'), \
        (SELECT m.received_at FROM message m WHERE m.id = (SELECT min(message) FROM pending WHERE NOT parked))";
}
