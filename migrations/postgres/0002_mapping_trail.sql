-- What mapping leaves beside its result: where every leaf came from, and the codes that no table knew.

-- The latest message that a version speaks for; none where no message did, and for versions before this column.
ALTER TABLE resource_version ADD COLUMN message bigint;

-- The compact trace of the last run of a message. Its rule numbers are those of the release.
CREATE TABLE message_trace (
    message         bigint PRIMARY KEY,
    mapping_release text  NOT NULL,
    trace           bytea NOT NULL
);

-- Codes that wait for a map, and the messages that wait with them.
CREATE TABLE unmapped_code (
    message    bigint NOT NULL,
    code_table text   NOT NULL,
    code       text   NOT NULL,
    place      text   NOT NULL,
    CONSTRAINT unmapped_code_pk PRIMARY KEY (message, code_table, code)
);

CREATE INDEX unmapped_code_by_code ON unmapped_code (code_table, code, message);

-- A message that is run again asks for nothing twice.
CREATE INDEX work_item_by_message ON work_item (message) WHERE message IS NOT NULL;
