-- The service stores corrections, and waits for the schema that can hold them: a role for its user to be in.
DO $$
BEGIN
    -- Roles belong to the whole server, so another database of it may have made this one already.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sentiment_service') THEN
        CREATE ROLE sentiment_service NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- made by a migration of another database in this very moment
END
$$;
GRANT USAGE ON SCHEMA sentiment TO sentiment_service;
GRANT INSERT, SELECT (feedback_key) ON sentiment.feedback TO sentiment_service;
GRANT SELECT ON sentiment.schema_version TO sentiment_service;
