-- Everything the gateway keeps, first version. Instants are microseconds since 1970-01-01T00:00:00Z.
--
-- What is written per message is kept small: small integer keys, append-only tables for what is large, partial
-- indexes that hold only unfinished work. There are no foreign keys: nothing is deleted but what is finished, and a
-- check per row would cost more than it finds with one writer.

-- The highest number given to a message or a place in a lane. A row, and not a count in memory: a second process may
-- write beside the gateway.
CREATE TABLE message_number (
    singleton INTEGER PRIMARY KEY CONSTRAINT message_number_is_one_row CHECK (singleton = 1),
    last      INTEGER NOT NULL
) STRICT;

INSERT INTO message_number (singleton, last) VALUES (1, 0);

-- The journal: every reception that was answered, never changed, never deleted by the gateway.
CREATE TABLE message (
    id                INTEGER PRIMARY KEY,
    feed              TEXT    NOT NULL,
    sender            TEXT    NOT NULL,
    control_id        TEXT    NOT NULL,
    message_type      TEXT    NOT NULL,
    charset_declared  TEXT    NOT NULL,
    charset_detected  TEXT    NOT NULL,
    content_digest    BLOB    NOT NULL CONSTRAINT message_content_digest_is_sha256 CHECK (length(content_digest) = 32),
    received_at       INTEGER NOT NULL,
    is_refused        INTEGER NOT NULL CONSTRAINT message_is_refused_is_boolean CHECK (is_refused IN (0, 1)),
    control_id_reused INTEGER NOT NULL CONSTRAINT message_control_id_reused_is_boolean CHECK (control_id_reused IN (0, 1)),
    bytes             BLOB    NOT NULL
) STRICT;

-- Duplicates are found here, and people look for a control id here.
CREATE INDEX message_by_control_id ON message (control_id, sender, feed) WHERE control_id <> '';

-- What became of a message. No row: pending, and nothing to say about it.
CREATE TABLE message_outcome (
    message         INTEGER PRIMARY KEY,
    outcome         TEXT    NOT NULL CONSTRAINT message_outcome_is_known CHECK
        (outcome IN ('pending', 'processed', 'parked', 'no-mapping', 'released', 'diverted', 'refused')),
    concluded_at    INTEGER,
    tries           INTEGER NOT NULL DEFAULT 0,
    ack_unheard     INTEGER NOT NULL DEFAULT 0,
    mapping_release TEXT    NOT NULL DEFAULT '',
    issues          TEXT    NOT NULL DEFAULT '[]'
) STRICT;

-- The outcomes people ask for are rare; the common one is not indexed.
CREATE INDEX message_outcome_rare ON message_outcome (outcome, message) WHERE outcome <> 'processed';

-- Messages not yet concluded. `turn` is the place in the order of its lanes: the message's own number, or a later
-- number of the same sequence when it was put back to work. `blocked` counts the lanes in which others are before it.
CREATE TABLE pending (
    message INTEGER PRIMARY KEY,
    turn    INTEGER NOT NULL,
    blocked INTEGER NOT NULL CONSTRAINT pending_blocked_is_a_count CHECK (blocked >= 0),
    parked  INTEGER NOT NULL DEFAULT 0 CONSTRAINT pending_parked_is_boolean CHECK (parked IN (0, 1)),
    lanes   BLOB    NOT NULL CONSTRAINT pending_lanes_are_int64 CHECK (length(lanes) >= 8 AND length(lanes) % 8 = 0)
) STRICT;

-- A claim reads only what can be claimed.
CREATE INDEX pending_ready ON pending (turn) WHERE blocked = 0 AND parked = 0;
CREATE INDEX pending_parked ON pending (turn) WHERE parked = 1;

-- The queue of each lane, unfinished messages only; the smallest turn is the head.
CREATE TABLE lane_entry (
    lane    INTEGER NOT NULL,
    turn    INTEGER NOT NULL,
    message INTEGER NOT NULL,
    CONSTRAINT lane_entry_pk PRIMARY KEY (lane, turn)
) STRICT, WITHOUT ROWID;

-- Every version of every resource, appended. `previous` leads to the version before; `keys` holds the index keys of
-- this version (each after its length, sorted), so that the next version changes only the index rows that differ.
CREATE TABLE resource_version (
    number     INTEGER PRIMARY KEY,
    kind       TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    previous   INTEGER,
    deleted    INTEGER NOT NULL DEFAULT 0,
    updated_at INTEGER NOT NULL,
    digest     BLOB    NOT NULL CONSTRAINT resource_version_digest_is_sha256 CHECK (length(digest) = 32),
    keys       BLOB    NOT NULL,
    content    BLOB    NOT NULL,
    CONSTRAINT resource_version_first_has_no_previous CHECK ((version = 1) = (previous IS NULL))
) STRICT;

-- The current version of each resource. `first` is the number of its first version and names it in the index.
CREATE TABLE resource (
    kind    TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL CONSTRAINT resource_version_counts_from_1 CHECK (version >= 1),
    first   INTEGER NOT NULL,
    current INTEGER NOT NULL,
    CONSTRAINT resource_pk PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- The search index: eight bytes of the digest of (kind, parameter, system or target kind), then the value. Values that
-- follow each other, as numbers do, lie beside each other, so that a commit touches few pages.
CREATE TABLE resource_index (
    key      BLOB    NOT NULL,
    resource INTEGER NOT NULL,
    CONSTRAINT resource_index_pk PRIMARY KEY (key, resource)
) STRICT, WITHOUT ROWID;

-- Merged identities, always collapsed: no target is itself redirected.
CREATE TABLE redirect (
    from_kind TEXT NOT NULL,
    from_id   TEXT NOT NULL,
    to_kind   TEXT NOT NULL,
    to_id     TEXT NOT NULL,
    CONSTRAINT redirect_pk PRIMARY KEY (from_kind, from_id),
    CONSTRAINT redirect_leads_elsewhere CHECK (from_kind <> to_kind OR from_id <> to_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX redirect_by_target ON redirect (to_kind, to_id);

CREATE TABLE referral (
    id           BLOB    NOT NULL CONSTRAINT referral_id_is_uuid CHECK (length(id) = 16),
    version      INTEGER NOT NULL CONSTRAINT referral_version_counts_from_1 CHECK (version >= 1),
    patient_kind TEXT    NOT NULL,
    patient_id   TEXT    NOT NULL,
    stage        TEXT    NOT NULL,
    is_open      INTEGER NOT NULL CONSTRAINT referral_is_open_is_boolean CHECK (is_open IN (0, 1)),
    updated_at   INTEGER NOT NULL,
    state        BLOB    NOT NULL,
    CONSTRAINT referral_pk PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;

CREATE INDEX referral_open ON referral (patient_kind, patient_id) WHERE is_open = 1;
CREATE INDEX referral_by_update ON referral (updated_at);

-- The timeline of a referral: the events of each of its versions, in order.
CREATE TABLE referral_event (
    referral BLOB    NOT NULL,
    version  INTEGER NOT NULL,
    ordinal  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    event    TEXT    NOT NULL,
    note     TEXT    NOT NULL,
    CONSTRAINT referral_event_pk PRIMARY KEY (referral, version, ordinal)
) STRICT, WITHOUT ROWID;

-- Running timers: at most one of each kind.
CREATE TABLE timer (
    referral BLOB    NOT NULL,
    kind     TEXT    NOT NULL,
    due_at   INTEGER NOT NULL,
    CONSTRAINT timer_pk PRIMARY KEY (referral, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX timer_due ON timer (due_at);

CREATE TABLE work_item (
    number     INTEGER PRIMARY KEY,
    kind       TEXT    NOT NULL,
    referral   BLOB,
    message    INTEGER,
    created_at INTEGER NOT NULL,
    text       TEXT    NOT NULL
) STRICT;

-- The delivery queue. `ready`: the first unfinished of its endpoint and subject.
CREATE TABLE delivery (
    number       INTEGER PRIMARY KEY,
    id           BLOB    NOT NULL CONSTRAINT delivery_id_is_unique UNIQUE,
    endpoint     TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    sequence     INTEGER NOT NULL,
    event        TEXT    NOT NULL,
    content_type TEXT    NOT NULL,
    state        TEXT    NOT NULL DEFAULT 'pending' CONSTRAINT delivery_state_is_known CHECK
        (state IN ('pending', 'delivered', 'dead')),
    ready        INTEGER NOT NULL CONSTRAINT delivery_ready_is_boolean CHECK (ready IN (0, 1)),
    attempts     INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    concluded_at INTEGER,
    last_failure TEXT    NOT NULL DEFAULT '',
    payload      BLOB    NOT NULL,
    CONSTRAINT delivery_concluded_has_an_instant CHECK ((state = 'pending') = (concluded_at IS NULL)),
    CONSTRAINT delivery_ready_is_pending CHECK (ready = 0 OR state = 'pending')
) STRICT;

CREATE INDEX delivery_due ON delivery (due_at, number) WHERE ready = 1;
CREATE INDEX delivery_order ON delivery (endpoint, subject, sequence, number) WHERE state = 'pending';
CREATE UNIQUE INDEX delivery_one_ready_per_subject ON delivery (endpoint, subject) WHERE ready = 1;
CREATE INDEX delivery_dead ON delivery (number) WHERE state = 'dead';

CREATE TABLE delivery_attempt (
    delivery    INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    class       TEXT,
    code        TEXT,
    CONSTRAINT delivery_attempt_pk PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

-- Who did what, without content.
CREATE TABLE audit (
    number  INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    action  TEXT    NOT NULL,
    agent   TEXT    NOT NULL,
    message INTEGER
) STRICT;

-- Who works on this store. One process does; the token changes when another takes over.
CREATE TABLE store_lease (
    singleton  INTEGER PRIMARY KEY CONSTRAINT store_lease_is_one_row CHECK (singleton = 1),
    instance   TEXT    NOT NULL,
    token      INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- Written by the readiness probe: proof that a durable write succeeds.
CREATE TABLE store_probe (
    singleton INTEGER PRIMARY KEY CONSTRAINT store_probe_is_one_row CHECK (singleton = 1),
    count     INTEGER NOT NULL
) STRICT;
