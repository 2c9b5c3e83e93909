-- The FHIR door: requests in the journal, an index of every search parameter, full text, exports, tokens and secrets.

-- A request is answered with what came of it: without a row in message_outcome it is processed, not pending.
ALTER TABLE message ADD COLUMN is_request INTEGER NOT NULL DEFAULT 0
    CONSTRAINT message_is_request_is_boolean CHECK (is_request IN (0, 1));

-- The index of before was made in another form. The gateway makes it anew when it starts.
DELETE FROM resource_index;
UPDATE resource_version SET keys = x'';

-- The history of a type and its state at an instant; each entry ends with the row's number and they order by it.
CREATE INDEX resource_version_by_kind ON resource_version (kind);

-- The words of current resources that have any; the row's number is that of the resource's first version. Words come
-- ready made, so that nothing that counts as a letter or digit parts them.
CREATE VIRTUAL TABLE resource_text USING fts5 (
    kind, narrative, content,
    content = '', contentless_delete = 1, detail = 'column',
    tokenize = "unicode61 remove_diacritics 2 categories 'L* M* N* S* Co'"
);

-- By which definitions of search parameters the index was made; no row: it is still to be made.
CREATE TABLE search_index (
    singleton   INTEGER PRIMARY KEY CONSTRAINT search_index_is_one_row CHECK (singleton = 1),
    definitions BLOB    NOT NULL CONSTRAINT search_index_definitions_is_sha256 CHECK (length(definitions) = 32)
) STRICT;

-- Bulk exports that were asked for. What is in one is fixed by the number of the latest version at its start.
CREATE TABLE export_job (
    id       TEXT    NOT NULL,
    client   TEXT    NOT NULL,
    asked_at INTEGER NOT NULL,
    as_of    INTEGER NOT NULL,
    plan     TEXT    NOT NULL,
    CONSTRAINT export_job_pk PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;

-- Tokens that may be used once, until they expire by themselves.
CREATE TABLE used_token (
    token      BLOB    NOT NULL CONSTRAINT used_token_is_sha256 CHECK (length(token) = 32),
    expires_at INTEGER NOT NULL,
    CONSTRAINT used_token_pk PRIMARY KEY (token)
) STRICT, WITHOUT ROWID;

CREATE INDEX used_token_by_expiry ON used_token (expires_at);

-- Secrets of the store's own making that its replicas share.
CREATE TABLE secret (
    name  TEXT NOT NULL,
    value BLOB NOT NULL,
    CONSTRAINT secret_pk PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;
