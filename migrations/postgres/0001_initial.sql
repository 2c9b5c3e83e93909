-- Everything the gateway keeps, first version. Instants are microseconds since 1970-01-01T00:00:00Z.
--
-- The tables are those of the SQLite schema, with what several replicas need: partitions, and leases on them.

-- Numbers of messages and of places in lanes. Given out under the locks of the lanes, so that they order each lane.
CREATE SEQUENCE message_number;

-- The journal: every reception that was answered, never changed, never deleted by the gateway.
CREATE TABLE message (
    id                bigint  PRIMARY KEY,
    feed              text    NOT NULL,
    sender            text    NOT NULL,
    control_id        text    NOT NULL,
    message_type      text    NOT NULL,
    charset_declared  text    NOT NULL,
    charset_detected  text    NOT NULL,
    content_digest    bytea    NOT NULL CONSTRAINT message_content_digest_is_sha256 CHECK (length(content_digest) = 32),
    received_at       bigint NOT NULL,
    is_refused        boolean NOT NULL,
    control_id_reused boolean NOT NULL,
    bytes             bytea    NOT NULL
);

-- Duplicates are found here, and people look for a control id here. Beginnings only: a row of an index holds 2,704 bytes
-- at most, and a sender may send a longer control id.
CREATE INDEX message_by_control_id ON message (left(control_id, 200), left(sender, 200), left(feed, 200))
    WHERE control_id <> '';

-- What became of a message. No row: pending, and nothing to say about it.
CREATE TABLE message_outcome (
    message         bigint PRIMARY KEY,
    outcome         text    NOT NULL CONSTRAINT message_outcome_is_known CHECK
        (outcome IN ('pending', 'processed', 'parked', 'no-mapping', 'released', 'diverted', 'refused')),
    concluded_at    bigint,
    tries           bigint NOT NULL DEFAULT 0,
    ack_unheard     boolean NOT NULL DEFAULT false,
    mapping_release text    NOT NULL DEFAULT '',
    issues          text    NOT NULL DEFAULT '[]'
);

-- The outcomes people ask for are rare; the common one is not indexed.
CREATE INDEX message_outcome_rare ON message_outcome (outcome, message) WHERE outcome <> 'processed';

-- Messages not yet concluded. `turn` is the place in the order of its lanes: the message's own number, or a later
-- number of the same sequence when it was put back to work. `blocked` counts the lanes in which others are before it.
CREATE TABLE pending (
    message bigint PRIMARY KEY,
    turn    bigint NOT NULL,
    partition smallint NOT NULL,
    blocked bigint NOT NULL CONSTRAINT pending_blocked_is_a_count CHECK (blocked >= 0),
    parked  boolean NOT NULL DEFAULT false,
    lanes   bytea    NOT NULL CONSTRAINT pending_lanes_are_int64 CHECK (length(lanes) >= 8 AND length(lanes) % 8 = 0)
);

-- A claim reads only what can be claimed.
CREATE INDEX pending_ready ON pending (turn) WHERE blocked = 0 AND NOT parked;
CREATE INDEX pending_parked ON pending (turn) WHERE parked;

-- The queue of each lane, unfinished messages only; the smallest turn is the head.
CREATE TABLE lane_entry (
    lane    bigint NOT NULL,
    turn    bigint NOT NULL,
    message bigint NOT NULL,
    CONSTRAINT lane_entry_pk PRIMARY KEY (lane, turn)
);

-- Every version of every resource, appended.
CREATE TABLE resource_version (
    kind       text    NOT NULL,
    id         text    NOT NULL,
    version    bigint  NOT NULL CONSTRAINT resource_version_counts_from_1 CHECK (version >= 1),
    deleted    boolean NOT NULL DEFAULT false,
    updated_at bigint  NOT NULL,
    digest     bytea   NOT NULL CONSTRAINT resource_version_digest_is_sha256 CHECK (length(digest) = 32),
    content    bytea   NOT NULL,
    CONSTRAINT resource_version_pk PRIMARY KEY (kind, id, version)
);

-- The current version of each resource. `keys` holds its index keys (each after its length, sorted), so that the next version
-- changes only the index rows that differ.
CREATE TABLE resource (
    kind    text   NOT NULL,
    id      text   NOT NULL,
    version bigint NOT NULL,
    keys    bytea  NOT NULL,
    CONSTRAINT resource_pk PRIMARY KEY (kind, id)
);

-- The search index: eight bytes of the digest of (kind, parameter, system or target kind), then the value. Values that
-- follow each other, as numbers do, lie beside each other, so that a commit touches few pages.
CREATE TABLE resource_index (
    key  bytea NOT NULL,
    kind text  NOT NULL,
    id   text  NOT NULL,
    CONSTRAINT resource_index_pk PRIMARY KEY (key, kind, id)
);

-- Merged identities, always collapsed: no target is itself redirected.
CREATE TABLE redirect (
    from_kind text NOT NULL,
    from_id   text NOT NULL,
    to_kind   text NOT NULL,
    to_id     text NOT NULL,
    CONSTRAINT redirect_pk PRIMARY KEY (from_kind, from_id),
    CONSTRAINT redirect_leads_elsewhere CHECK (from_kind <> to_kind OR from_id <> to_id)
);

CREATE INDEX redirect_by_target ON redirect (to_kind, to_id);

CREATE TABLE referral (
    id           bytea    NOT NULL CONSTRAINT referral_id_is_uuid CHECK (length(id) = 16),
    version      bigint NOT NULL CONSTRAINT referral_version_counts_from_1 CHECK (version >= 1),
    patient_kind text    NOT NULL,
    patient_id   text    NOT NULL,
    stage        text    NOT NULL,
    is_open      boolean NOT NULL,
    updated_at   bigint NOT NULL,
    state        bytea    NOT NULL,
    CONSTRAINT referral_pk PRIMARY KEY (id)
);

CREATE INDEX referral_open ON referral (patient_kind, patient_id) WHERE is_open;
CREATE INDEX referral_by_update ON referral (updated_at);

-- The timeline of a referral: the events of each of its versions, in order.
CREATE TABLE referral_event (
    referral bytea    NOT NULL,
    version  bigint NOT NULL,
    ordinal  bigint NOT NULL,
    at       bigint NOT NULL,
    event    text    NOT NULL,
    note     text    NOT NULL,
    CONSTRAINT referral_event_pk PRIMARY KEY (referral, version, ordinal)
);

-- Running timers: at most one of each kind.
CREATE TABLE timer (
    referral bytea    NOT NULL,
    kind     text    NOT NULL,
    partition smallint NOT NULL,
    due_at   bigint NOT NULL,
    CONSTRAINT timer_pk PRIMARY KEY (referral, kind)
);

CREATE INDEX timer_due ON timer (due_at);

CREATE TABLE work_item (
    number     bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text    NOT NULL,
    referral   bytea,
    message    bigint,
    created_at bigint NOT NULL,
    text       text    NOT NULL
);

-- The delivery queue. `ready`: the first unfinished of its endpoint and subject.
CREATE TABLE delivery (
    number       bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           bytea    NOT NULL CONSTRAINT delivery_id_is_unique UNIQUE,
    endpoint     text    NOT NULL,
    subject      text    NOT NULL,
    sequence     bigint NOT NULL,
    event        text    NOT NULL,
    content_type text    NOT NULL,
    partition    smallint NOT NULL,
    state        text    NOT NULL DEFAULT 'pending' CONSTRAINT delivery_state_is_known CHECK
        (state IN ('pending', 'delivered', 'dead')),
    ready        boolean NOT NULL,
    attempts     bigint NOT NULL DEFAULT 0,
    created_at   bigint NOT NULL,
    due_at       bigint NOT NULL,
    concluded_at bigint,
    last_failure text    NOT NULL DEFAULT '',
    payload      bytea    NOT NULL,
    CONSTRAINT delivery_concluded_has_an_instant CHECK ((state = 'pending') = (concluded_at IS NULL)),
    CONSTRAINT delivery_ready_is_pending CHECK (NOT ready OR state = 'pending')
);

CREATE INDEX delivery_due ON delivery (due_at, number) WHERE ready;
CREATE INDEX delivery_order ON delivery (endpoint, subject, sequence, number) WHERE state = 'pending';
CREATE UNIQUE INDEX delivery_one_ready_per_subject ON delivery (endpoint, subject) WHERE ready;
CREATE INDEX delivery_dead ON delivery (number) WHERE state = 'dead';

CREATE TABLE delivery_attempt (
    delivery    bigint NOT NULL,
    number      bigint NOT NULL,
    started_at  bigint NOT NULL,
    finished_at bigint,
    class       text,
    code        text,
    CONSTRAINT delivery_attempt_pk PRIMARY KEY (delivery, number)
);

-- Who did what, without content.
CREATE TABLE audit (
    number  bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      bigint NOT NULL,
    action  text    NOT NULL,
    agent   text    NOT NULL,
    message bigint
);

-- Who works on this store. `token` changes when the replica loses a partition, so that what it began under the old
-- one is refused. `presence` is the advisory lock that the replica's process holds while it lives. `token` is unique
-- and `presence` is in no index: a renewal must not wait for those who hold the row's key.
CREATE TABLE replica (
    instance   text   NOT NULL CONSTRAINT replica_pk PRIMARY KEY,
    token      bigint NOT NULL CONSTRAINT replica_token_is_unique UNIQUE,
    presence   bigint NOT NULL,
    expires_at bigint NOT NULL
);

-- Which replica works on which partition; no row: nobody.
CREATE TABLE partition_lease (
    partition smallint NOT NULL CONSTRAINT partition_lease_pk PRIMARY KEY,
    instance  text     NOT NULL CONSTRAINT partition_lease_of_replica REFERENCES replica ON DELETE CASCADE
);

CREATE SEQUENCE lease_token;

-- Written by the readiness probe: proof that a durable write succeeds.
CREATE TABLE store_probe (
    singleton bigint PRIMARY KEY CONSTRAINT store_probe_is_one_row CHECK (singleton = 1),
    count     bigint NOT NULL
);

-- Queues whose rows live for moments: vacuumed by count, not by share, so that a claim does not wade through the dead.
ALTER TABLE pending SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, fillfactor = 80);
ALTER TABLE lane_entry SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
