//! Every statement of the SQLite backend, by name. Tests prepare each one and look at the plans of the hot ones.

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        $($(#[$doc])* pub const $name: &str = $text;)*

        /// All statements with their names, for the tests.
        #[cfg(test)]
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

/// A flush per commit is P1. The log is folded back every 16 MB, so that few commits pay for it. Caches are small, 8 MB
/// here and 2 MB for each reader: what they miss is in the system's page cache, which the file shares with nobody. The
/// file is not mapped: its pages would count as the process's own, up to the size of the store.
pub const WRITER_SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; \
     PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -8192; \
     PRAGMA temp_store = MEMORY;";

pub const READER_SETTINGS: &str =
    "PRAGMA query_only = ON; PRAGMA cache_size = -2048; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;";

pub const CREATE_MIGRATION_TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, \
     title TEXT NOT NULL, digest BLOB NOT NULL, applied_at INTEGER NOT NULL) STRICT";

pub const BEGIN: &str = "BEGIN IMMEDIATE";
pub const COMMIT: &str = "COMMIT";
pub const SAVEPOINT: &str = "SAVEPOINT job";
pub const UNDO: &str = "ROLLBACK TO job";
pub const KEEP: &str = "RELEASE job";

/// What became of a message, whether or not it has a row.
macro_rules! outcome {
    () => {
        "coalesce(o.outcome, iif(m.is_request, 'processed', 'pending'))"
    };
}

/// The columns of a message as `messages::read` takes them.
macro_rules! select_message {
    ($rest:literal) => {
        concat!(
            "SELECT m.id, m.feed, m.sender, m.control_id, m.message_type, m.bytes, m.charset_declared, ",
            "m.charset_detected, m.received_at, ",
            outcome!(),
            ", coalesce(o.concluded_at, iif(m.is_request, m.received_at, NULL)), o.issues, o.mapping_release, ",
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
    RECORD_MIGRATION = "INSERT INTO migration (number, title, digest, applied_at) VALUES (?1, ?2, ?3, ?4)";

    // Admission
    LAST_NUMBER = "SELECT last FROM message_number WHERE singleton = 1";
    KEEP_LAST_NUMBER = "UPDATE message_number SET last = ?1 WHERE singleton = 1";
    FIND_CONTROL_ID = "SELECT id, content_digest, received_at FROM message WHERE control_id = ?1 AND sender = ?2 \
        AND feed = ?3 AND control_id <> '' AND is_refused = 0 AND is_request = 0 AND received_at >= ?4 ORDER BY id";
    OUTCOME_OF = concat!("SELECT ", outcome!(), ", m.is_request FROM message m \
        LEFT JOIN message_outcome o ON o.message = m.id WHERE m.id = ?1");
    INSERT_MESSAGE = "INSERT INTO message (id, feed, sender, control_id, message_type, charset_declared, \
        charset_detected, content_digest, received_at, is_refused, control_id_reused, bytes) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    INSERT_PENDING = "INSERT INTO pending (message, turn, blocked, lanes) VALUES (?1, ?2, ?3, ?4)";
    INSERT_LANE_ENTRY = "INSERT INTO lane_entry (lane, turn, message) VALUES (?1, ?2, ?3)";
    LANE_HEAD = "SELECT message, turn FROM lane_entry WHERE lane = ?1 ORDER BY turn LIMIT 1";
    NOTE_UNHEARD = "INSERT INTO message_outcome (message, outcome, ack_unheard) VALUES (?1, 'pending', 1) \
        ON CONFLICT (message) DO UPDATE SET ack_unheard = 1";

    // Messages
    CLAIM_MESSAGES = select_message!("FROM pending p INDEXED BY pending_ready JOIN message m ON m.id = p.message \
        LEFT JOIN message_outcome o ON o.message = p.message WHERE p.blocked = 0 AND p.parked = 0 ORDER BY p.turn");
    GET_MESSAGE = select_message!("FROM message m LEFT JOIN message_outcome o ON o.message = m.id WHERE m.id = ?1");
    LIST_MESSAGES = select_message!("FROM message m LEFT JOIN message_outcome o ON o.message = m.id \
        WHERE m.id < ?1 AND (?2 IS NULL OR m.feed = ?2) AND (?3 IS NULL OR coalesce(o.outcome, iif(m.is_request, 'processed', 'pending')) = ?3) \
        ORDER BY m.id DESC LIMIT ?4");
    LIST_MESSAGES_BY_CONTROL_ID = select_message!("FROM message m LEFT JOIN message_outcome o ON o.message = m.id \
        WHERE m.id < ?1 AND (?2 IS NULL OR m.feed = ?2) AND (?3 IS NULL OR coalesce(o.outcome, iif(m.is_request, 'processed', 'pending')) = ?3) \
        AND m.control_id = ?5 AND m.control_id <> '' ORDER BY m.id DESC LIMIT ?4");
    LIST_MESSAGES_BY_OUTCOME = select_message!("FROM message_outcome o INDEXED BY message_outcome_rare \
        JOIN message m ON m.id = o.message WHERE o.outcome = ?3 AND o.outcome <> 'processed' AND o.message < ?1 \
        AND (?2 IS NULL OR m.feed = ?2) ORDER BY o.message DESC LIMIT ?4");
    LIST_MESSAGES_PENDING = select_message!("FROM pending p JOIN message m ON m.id = p.message \
        LEFT JOIN message_outcome o ON o.message = p.message WHERE p.message < ?1 AND p.parked = 0 \
        AND (?2 IS NULL OR m.feed = ?2) ORDER BY p.message DESC LIMIT ?4");
    COUNT_TRY = "INSERT INTO message_outcome (message, outcome, tries) VALUES (?1, 'pending', 1) \
        ON CONFLICT (message) DO UPDATE SET tries = tries + 1 RETURNING tries";

    // Lanes
    GET_PENDING = "SELECT turn, parked, lanes, blocked FROM pending WHERE message = ?1";
    DELETE_PENDING = "DELETE FROM pending WHERE message = ?1";
    DELETE_LANE_ENTRY = "DELETE FROM lane_entry WHERE lane = ?1 AND turn = ?2";
    UNBLOCK = "UPDATE pending SET blocked = blocked - 1 WHERE message = ?1";
    SET_PARKED = "UPDATE pending SET parked = ?2 WHERE message = ?1";
    LANES_PARKED = "SELECT p.lanes, p.message, o.issues, coalesce(o.concluded_at, m.received_at) \
        FROM pending p INDEXED BY pending_parked JOIN message m ON m.id = p.message \
        LEFT JOIN message_outcome o ON o.message = p.message WHERE p.parked = 1 ORDER BY p.turn LIMIT ?1";
    LANES_ALL = "SELECT h.lane, h.message, o.issues, coalesce(o.concluded_at, m.received_at), h.depth, p.parked FROM \
        (SELECT lane, message, min(turn) AS turn, count(*) AS depth FROM lane_entry GROUP BY lane) h \
        JOIN pending p ON p.message = h.message JOIN message m ON m.id = h.message \
        LEFT JOIN message_outcome o ON o.message = h.message ORDER BY h.turn LIMIT ?1";
    LANE_DEPTH = "SELECT count(*) FROM lane_entry WHERE lane = ?1";

    // Conclusions
    UPSERT_OUTCOME = "INSERT INTO message_outcome (message, outcome, concluded_at, mapping_release, issues) \
        VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (message) DO UPDATE SET outcome = excluded.outcome, \
        concluded_at = excluded.concluded_at, mapping_release = excluded.mapping_release, issues = excluded.issues";
    REPLACE_OUTCOME = "UPDATE message_outcome SET outcome = ?2, concluded_at = ?3, tries = 0 WHERE message = ?1";
    INSERT_WORK_ITEM = "INSERT INTO work_item (kind, referral, message, created_at, text) SELECT ?1, ?2, ?3, ?4, ?5 \
        WHERE NOT EXISTS (SELECT 1 FROM work_item w WHERE w.message = ?3 AND w.kind = ?1 AND w.text = ?5)";
    INSERT_AUDIT = "INSERT INTO audit (at, action, agent, message) VALUES (?1, ?2, ?3, ?4)";

    // The trail of mapping
    PUT_TRACE = "INSERT INTO message_trace (message, mapping_release, trace) VALUES (?1, ?2, ?3) \
        ON CONFLICT (message) DO UPDATE SET mapping_release = excluded.mapping_release, trace = excluded.trace";
    GET_TRACE = "SELECT mapping_release, trace FROM message_trace WHERE message = ?1";
    INSERT_UNMAPPED = "INSERT INTO unmapped_code (message, code_table, code, place) VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT DO NOTHING";
    DELETE_UNMAPPED = "DELETE FROM unmapped_code WHERE message = ?1";
    DELETE_TRACE = "DELETE FROM message_trace WHERE message = ?1";
    WAITING_CODES = "SELECT m.feed, u.code_table, u.code, count(*), min(u.message) FROM unmapped_code u \
        JOIN message m ON m.id = u.message GROUP BY m.feed, u.code_table, u.code \
        ORDER BY count(*) DESC, m.feed, u.code_table, u.code LIMIT ?1";
    WAITING_MESSAGES = "SELECT u.message FROM unmapped_code u JOIN message m ON m.id = u.message \
        WHERE u.code_table = ?1 AND u.code = ?2 AND m.feed = ?3 AND u.message > ?5 ORDER BY u.message LIMIT ?4";

    // Requests
    NEXT_NUMBER = "UPDATE message_number SET last = last + 1 WHERE singleton = 1 RETURNING last";
    INSERT_REQUEST = "INSERT INTO message (id, feed, sender, control_id, message_type, charset_declared, \
        charset_detected, content_digest, received_at, is_refused, control_id_reused, bytes, is_request) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 0, ?10, 1)";

    // Resources
    CURRENT_RESOURCE = "SELECT r.version, r.first, r.current, v.keys FROM resource r \
        JOIN resource_version v ON v.number = r.current WHERE r.kind = ?1 AND r.id = ?2";
    INSERT_VERSION = "INSERT INTO resource_version (kind, id, version, previous, updated_at, digest, keys, content, \
        message, deleted) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    INSERT_RESOURCE = "INSERT INTO resource (kind, id, version, first, current) VALUES (?1, ?2, 1, ?3, ?3) \
        ON CONFLICT DO NOTHING";
    UPDATE_RESOURCE = "UPDATE resource SET version = ?3, current = ?4 WHERE kind = ?1 AND id = ?2";
    INSERT_INDEX = "INSERT INTO resource_index (key, resource) VALUES (?1, ?2)";
    // `OR FAIL` spares the undo of this one statement, whose cost grows with what the job wrote before; a job that fails
    // is undone as a whole.
    INSERT_INDEX_8 = "INSERT OR FAIL INTO resource_index (key, resource) VALUES (?1, ?9), (?2, ?9), (?3, ?9), (?4, ?9), \
        (?5, ?9), (?6, ?9), (?7, ?9), (?8, ?9)";
    DELETE_INDEX = "DELETE FROM resource_index WHERE key = ?1 AND resource = ?2";
    PUT_TEXT = "INSERT INTO resource_text (rowid, kind, narrative, content) VALUES (?1, ?2, ?3, ?4)";
    DELETE_TEXT = "DELETE FROM resource_text WHERE rowid = ?1";
    LOAD_RESOURCE = select_version!("FROM resource r JOIN resource_version v ON v.number = r.current \
        WHERE r.kind = ?1 AND r.id = ?2");
    LOAD_VERSION = select_version!("FROM resource_version v WHERE v.number = ?1");
    /// From the current version back to the one that is asked for.
    FIND_VERSION = select_version!("FROM (WITH RECURSIVE chain (number, version) AS (SELECT current, version \
        FROM resource WHERE kind = ?1 AND id = ?2 UNION ALL SELECT o.previous, o.version - 1 FROM chain \
        JOIN resource_version o ON o.number = chain.number WHERE o.version > ?3) \
        SELECT number FROM chain WHERE version = ?3) c JOIN resource_version v ON v.number = c.number");
    HISTORY = select_version!("FROM (WITH RECURSIVE chain (number) AS (SELECT current FROM resource \
        WHERE kind = ?1 AND id = ?2 UNION ALL SELECT o.previous FROM chain \
        JOIN resource_version o ON o.number = chain.number WHERE o.previous IS NOT NULL) SELECT number FROM chain) c \
        JOIN resource_version v ON v.number = c.number ORDER BY v.version DESC");

    // Histories
    HISTORY_OF_RESOURCE = select_version!("FROM (WITH RECURSIVE chain (number) AS (SELECT current FROM resource \
        WHERE kind = ?1 AND id = ?2 UNION ALL SELECT o.previous FROM chain \
        JOIN resource_version o ON o.number = chain.number WHERE o.previous IS NOT NULL) SELECT number FROM chain) c \
        JOIN resource_version v ON v.number = c.number WHERE v.number < ?3 AND v.updated_at BETWEEN ?4 AND ?5 \
        ORDER BY v.version DESC LIMIT ?6");
    COUNT_HISTORY = "SELECT count(*) FROM (WITH RECURSIVE chain (number) AS (SELECT current FROM resource \
        WHERE kind = ?1 AND id = ?2 UNION ALL SELECT o.previous FROM chain \
        JOIN resource_version o ON o.number = chain.number WHERE o.previous IS NOT NULL) SELECT number FROM chain) c \
        JOIN resource_version v ON v.number = c.number WHERE v.updated_at BETWEEN ?3 AND ?4";
    HISTORY_OF_KIND = select_version!("FROM resource_version v INDEXED BY resource_version_by_kind WHERE v.kind = ?1 \
        AND v.number >= ?2 AND v.number < ?3 AND v.updated_at BETWEEN ?4 AND ?5 ORDER BY v.number DESC LIMIT ?6");
    HISTORY_OF_ALL = select_version!("FROM resource_version v WHERE v.number >= ?1 AND v.number < ?2 \
        AND v.updated_at BETWEEN ?3 AND ?4 ORDER BY v.number DESC LIMIT ?5");
    POSITION = "SELECT r.first, v.number, v.kind, v.keys FROM resource_version v \
        JOIN resource r ON r.kind = v.kind AND r.id = v.id WHERE v.number = ?1";
    /// The first version at or behind a number, and its instant.
    VERSION_AT = "SELECT number, updated_at FROM resource_version WHERE number >= ?1 ORDER BY number LIMIT 1";
    LATEST_VERSION = "SELECT coalesce(max(number), 0) FROM resource_version";
    SNAPSHOT = "SELECT v.number, v.kind, v.id, v.version, v.content, v.digest, v.updated_at, v.deleted, v.message, \
        r.current FROM resource_version v INDEXED BY resource_version_by_kind \
        JOIN resource r ON r.kind = v.kind AND r.id = v.id WHERE v.kind = ?1 AND v.number > ?2 AND v.number <= ?3 \
        AND v.deleted = 0 AND v.updated_at >= ?4 ORDER BY v.number";
    PREVIOUS_VERSION = "SELECT previous FROM resource_version WHERE number = ?1";
    CURRENT_AFTER = select_version!("FROM resource_version v JOIN resource r ON r.kind = v.kind AND r.id = v.id \
        WHERE v.number > ?1 AND r.current = v.number AND v.deleted = 0 ORDER BY v.number LIMIT ?2");

    // The index as a whole
    STANDING_OF_VERSION = "SELECT r.first, v.keys, v.kind FROM resource_version v \
        JOIN resource r ON r.kind = v.kind AND r.id = v.id \
        WHERE v.number = ?1 AND r.current = ?1 AND v.deleted = 0";
    REPLACE_KEYS = "UPDATE resource_version SET keys = ?2 WHERE number = ?1";
    INDEXED_BY = "SELECT definitions FROM search_index WHERE singleton = 1";
    SET_INDEXED_BY = "INSERT INTO search_index (singleton, definitions) VALUES (1, ?1) \
        ON CONFLICT (singleton) DO UPDATE SET definitions = excluded.definitions";

    // Exports, tokens and secrets
    PUT_EXPORT = "INSERT INTO export_job (id, client, asked_at, as_of, plan) VALUES (?1, ?2, ?3, ?4, ?5) \
        ON CONFLICT (id) DO UPDATE SET client = excluded.client, asked_at = excluded.asked_at, \
        as_of = excluded.as_of, plan = excluded.plan";
    GET_EXPORT = "SELECT id, client, asked_at, as_of, plan FROM export_job WHERE id = ?1";
    DROP_EXPORT = "DELETE FROM export_job WHERE id = ?1";
    FORGET_TOKENS = "DELETE FROM used_token WHERE expires_at < ?1";
    USE_TOKEN = "INSERT INTO used_token (token, expires_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    PUT_SECRET = "INSERT INTO secret (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    GET_SECRET = "SELECT value FROM secret WHERE name = ?1";

    // Identities
    FIND_IDENTIFIER = "SELECT v.kind, v.id FROM resource_index i JOIN resource_version v ON v.number = i.resource \
        WHERE i.key = ?1 ORDER BY i.resource";
    GET_REDIRECT = "SELECT to_kind, to_id FROM redirect WHERE from_kind = ?1 AND from_id = ?2";
    PUT_REDIRECT = "INSERT INTO redirect (from_kind, from_id, to_kind, to_id) VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT (from_kind, from_id) DO UPDATE SET to_kind = excluded.to_kind, to_id = excluded.to_id";
    COLLAPSE_REDIRECTS = "UPDATE redirect SET to_kind = ?3, to_id = ?4 WHERE to_kind = ?1 AND to_id = ?2";
    REDIRECTED_TO = "SELECT from_kind, from_id FROM redirect WHERE to_kind = ?1 AND to_id = ?2";

    // Referrals
    REFERRAL_VERSION = "SELECT version FROM referral WHERE id = ?1";
    PUT_REFERRAL = "INSERT INTO referral (id, version, patient_kind, patient_id, stage, is_open, updated_at, state) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET version = excluded.version, \
        patient_kind = excluded.patient_kind, patient_id = excluded.patient_id, stage = excluded.stage, \
        is_open = excluded.is_open, updated_at = excluded.updated_at, state = excluded.state";
    INSERT_EVENT = "INSERT INTO referral_event (referral, version, ordinal, at, event, note) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    GET_REFERRAL = "SELECT id, version, patient_kind, patient_id, stage, is_open, state FROM referral WHERE id = ?1";
    OPEN_REFERRALS = "SELECT id, version, patient_kind, patient_id, stage, is_open, state FROM referral \
        WHERE patient_kind = ?1 AND patient_id = ?2 AND is_open = 1";
    LIST_REFERRALS = "SELECT id, version, patient_kind, patient_id, stage, is_open, state FROM referral \
        ORDER BY updated_at DESC, id LIMIT ?1";
    TIMELINE = "SELECT at, event, note FROM referral_event WHERE referral = ?1 ORDER BY version, ordinal";
    START_TIMER = "INSERT INTO timer (referral, kind, due_at) VALUES (?1, ?2, ?3) \
        ON CONFLICT (referral, kind) DO UPDATE SET due_at = excluded.due_at";
    STOP_TIMER = "DELETE FROM timer WHERE referral = ?1 AND kind = ?2";
    FIRE_TIMER = "DELETE FROM timer WHERE referral = ?1 AND kind = ?2 AND due_at = ?3";
    DUE_TIMERS = "SELECT referral, kind, due_at FROM timer INDEXED BY timer_due WHERE due_at <= ?1 \
        ORDER BY due_at, referral, kind LIMIT ?2";
    LIST_WORK_ITEMS = "SELECT kind, referral, text FROM work_item ORDER BY number DESC LIMIT ?1";

    // Deliveries
    INSERT_DELIVERY = "INSERT INTO delivery (id, endpoint, subject, sequence, event, content_type, ready, created_at, \
        due_at, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9) ON CONFLICT (id) DO NOTHING";
    FIRST_OF_SUBJECT = "SELECT number, ready FROM delivery WHERE endpoint = ?1 AND subject = ?2 AND state = 'pending' \
        ORDER BY sequence, number LIMIT 1";
    CLEAR_READY = "UPDATE delivery SET ready = 0 WHERE endpoint = ?1 AND subject = ?2 AND ready = 1";
    SET_READY = "UPDATE delivery SET ready = 1 WHERE number = ?1";
    CLAIM_DELIVERIES = select_delivery!("INDEXED BY delivery_due WHERE ready = 1 AND due_at <= ?1 \
        ORDER BY due_at, number");
    NEXT_DUE = "SELECT min(due_at) FROM delivery INDEXED BY delivery_due WHERE ready = 1";
    GET_DELIVERY = "SELECT number, endpoint, subject, state, attempts, ready FROM delivery WHERE id = ?1";
    COUNT_ATTEMPT = "UPDATE delivery SET attempts = attempts + 1 WHERE number = ?1";
    BEGIN_ATTEMPT = "INSERT INTO delivery_attempt (delivery, number, started_at) VALUES (?1, ?2, ?3)";
    FINISH_ATTEMPT = "UPDATE delivery_attempt SET finished_at = ?3, class = ?4, code = ?5 \
        WHERE delivery = ?1 AND number = ?2 AND finished_at IS NULL";
    POSTPONE_DELIVERY = "UPDATE delivery SET due_at = ?2, last_failure = ?3 WHERE number = ?1";
    END_DELIVERY = "UPDATE delivery SET state = ?2, ready = 0, concluded_at = ?3, last_failure = ?4 WHERE number = ?1";
    LIST_DELIVERIES = select_delivery!("WHERE (?1 IS NULL OR endpoint = ?1) AND (?2 IS NULL OR state = ?2) \
        AND (?3 IS NULL OR subject = ?3) ORDER BY number DESC LIMIT ?4");

    // The store as a whole
    GET_LEASE = "SELECT instance, token FROM store_lease WHERE singleton = 1";
    TAKE_LEASE = "INSERT INTO store_lease (singleton, instance, token, expires_at) VALUES (1, ?1, 1, ?2) \
        ON CONFLICT (singleton) DO UPDATE SET token = token + (instance <> excluded.instance), \
        instance = excluded.instance, expires_at = excluded.expires_at RETURNING token";
    RELEASE_LEASE = "UPDATE store_lease SET token = token + 1, instance = '' WHERE singleton = 1 AND instance = ?1";
    PROBE = "INSERT INTO store_probe (singleton, count) VALUES (1, 1) ON CONFLICT (singleton) DO UPDATE SET count = count + 1";
    BACKLOG = "SELECT (SELECT count(*) FROM pending) - (SELECT count(*) FROM pending WHERE parked = 1), \
        (SELECT count(*) FROM delivery INDEXED BY delivery_order WHERE state = 'pending'), \
        (SELECT count(*) FROM delivery WHERE state = 'dead'), \
        (SELECT m.received_at FROM message m WHERE m.id = (SELECT min(message) FROM pending WHERE parked = 0))";
    PARKED_LANES = "SELECT lanes FROM pending WHERE parked = 1";
}
