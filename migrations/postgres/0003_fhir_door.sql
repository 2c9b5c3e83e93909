-- The FHIR door: requests in the journal, an index of every search parameter, full text, exports, tokens and secrets.

-- A request is answered with what came of it: without a row in message_outcome it is processed, not pending.
ALTER TABLE message ADD COLUMN is_request boolean NOT NULL DEFAULT false;

-- Numbers all versions of all resources, rising. Taken under a shared lock that is held to the end of the transaction.
CREATE SEQUENCE version_number;

-- `number` and `keys` as in the SQLite schema: the rising number, and the index keys of this version, sorted. Versions
-- of before are numbered by their instants, each after the one that it follows.
ALTER TABLE resource_version ADD COLUMN number bigint, ADD COLUMN keys bytea[] NOT NULL DEFAULT '{}';

UPDATE resource_version v SET number = n.number FROM (
    SELECT o.kind, o.id, o.version, row_number() OVER (ORDER BY o.instant, o.kind, o.id, o.version) AS number FROM (
        SELECT kind, id, version, max(updated_at) OVER (PARTITION BY kind, id ORDER BY version) AS instant
        FROM resource_version
    ) o
) n WHERE v.kind = n.kind AND v.id = n.id AND v.version = n.version;

SELECT setval('version_number', coalesce(max(number), 0) + 1, false) FROM resource_version;

ALTER TABLE resource_version ALTER COLUMN number SET NOT NULL,
    ADD CONSTRAINT resource_version_number_is_unique UNIQUE (number);

-- The history of a type and its state at an instant.
CREATE INDEX resource_version_by_kind ON resource_version (kind, number);

-- `first` is the number of the first version of a resource and names it in the index; `current` that of its current one.
ALTER TABLE resource DROP COLUMN keys, ADD COLUMN first bigint, ADD COLUMN current bigint;

UPDATE resource r SET first = f.number, current = c.number FROM resource_version f, resource_version c
    WHERE f.kind = r.kind AND f.id = r.id AND f.version = 1
    AND c.kind = r.kind AND c.id = r.id AND c.version = r.version;

ALTER TABLE resource ALTER COLUMN first SET NOT NULL, ALTER COLUMN current SET NOT NULL;

-- The resources of a type in the order of their creation.
CREATE UNIQUE INDEX resource_by_kind ON resource (kind, first);

-- The index of before was made in another form. The gateway makes it anew when it starts.
DROP TABLE resource_index;
CREATE TABLE resource_index (
    key      bytea  NOT NULL,
    resource bigint NOT NULL,
    CONSTRAINT resource_index_pk PRIMARY KEY (key, resource)
);

-- The words of current resources that have any.
CREATE TABLE resource_text (
    resource  bigint   NOT NULL,
    kind      text     NOT NULL,
    narrative tsvector NOT NULL,
    content   tsvector NOT NULL,
    CONSTRAINT resource_text_pk PRIMARY KEY (resource)
);

CREATE INDEX resource_text_narrative ON resource_text USING gin (narrative);
CREATE INDEX resource_text_content ON resource_text USING gin (content);

-- By which definitions of search parameters the index was made; no row: it is still to be made.
CREATE TABLE search_index (
    singleton   bigint PRIMARY KEY CONSTRAINT search_index_is_one_row CHECK (singleton = 1),
    definitions bytea  NOT NULL CONSTRAINT search_index_definitions_is_sha256 CHECK (length(definitions) = 32)
);

-- Bulk exports that were asked for. What is in one is fixed by the number of the latest version at its start.
CREATE TABLE export_job (
    id       text   NOT NULL CONSTRAINT export_job_pk PRIMARY KEY,
    client   text   NOT NULL,
    asked_at bigint NOT NULL,
    as_of    bigint NOT NULL,
    plan     text   NOT NULL
);

-- Tokens that may be used once, until they expire by themselves.
CREATE TABLE used_token (
    token      bytea  NOT NULL CONSTRAINT used_token_pk PRIMARY KEY,
    expires_at bigint NOT NULL,
    CONSTRAINT used_token_is_sha256 CHECK (length(token) = 32)
);

CREATE INDEX used_token_by_expiry ON used_token (expires_at);

-- Secrets of the store's own making that its replicas share.
CREATE TABLE secret (
    name  text  NOT NULL CONSTRAINT secret_pk PRIMARY KEY,
    value bytea NOT NULL
);
