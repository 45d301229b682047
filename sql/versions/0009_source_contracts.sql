-- Contracts of sources: how the files of each source are read (docs/sources.md).

CREATE TABLE sentiment.source_contract (
    source   text NOT NULL,
    version  integer NOT NULL CHECK (version > 0),
    contract jsonb NOT NULL,
    note     text NOT NULL DEFAULT '',
    set_by   text NOT NULL,
    set_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (source, version)
);
COMMENT ON TABLE sentiment.source_contract IS 'Contracts of sources. The greatest version of a source is in force. Rows are never changed.';
COMMENT ON COLUMN sentiment.source_contract.source IS 'Source: the first part of the key below the prefix; empty for files without one.';
COMMENT ON COLUMN sentiment.source_contract.version IS 'Counts from 1 for each source.';
COMMENT ON COLUMN sentiment.source_contract.contract IS 'What the contract declares; {} declares nothing (docs/sources.md).';
COMMENT ON COLUMN sentiment.source_contract.note IS 'Why it was set.';
COMMENT ON COLUMN sentiment.source_contract.set_by IS 'User who set it.';
COMMENT ON COLUMN sentiment.source_contract.set_at IS 'Time at which it was set.';

GRANT SELECT ON sentiment.source_contract TO sentiment_reader, sentiment_writer;
GRANT INSERT ON sentiment.source_contract TO sentiment_writer;
