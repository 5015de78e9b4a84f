"""The tables: indexing is data, so a document has the times at which it comes into sight and goes."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS datasource (
    name TEXT PRIMARY KEY,               -- lower case: names differ by more than case
    config TEXT NOT NULL,                -- the CustomDatasourceConfig as it was sent
    visibility TEXT NOT NULL DEFAULT 'NOT_ENABLED'
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tester (
    datasource TEXT NOT NULL, email TEXT NOT NULL, PRIMARY KEY (datasource, email)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS processing (
    datasource TEXT NOT NULL,            -- '' stands for all datasources
    started_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS upload (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: documents point at it
    datasource TEXT NOT NULL,
    upload_id TEXT NOT NULL,
    started_at REAL NOT NULL,
    finished_at REAL,                    -- null while the upload is open
    pages INTEGER NOT NULL DEFAULT 0,
    existed INTEGER NOT NULL,            -- documents there before its first page
    paused_until REAL                    -- when a stale deletion that was held back happens
);
CREATE INDEX IF NOT EXISTS upload_of ON upload (datasource, number);
CREATE TABLE IF NOT EXISTS document (
    number INTEGER PRIMARY KEY,          -- one row a version of a document
    datasource TEXT NOT NULL,
    key TEXT NOT NULL,                   -- objectType/id in lower case
    object_type TEXT NOT NULL,
    id TEXT NOT NULL,
    glean_id TEXT NOT NULL,              -- the index-wide id
    version INTEGER,
    upload INTEGER,
    uploaded_at REAL NOT NULL,
    visible_at REAL,                     -- null: accepted, but never indexed
    gone_at REAL,
    superseded INTEGER NOT NULL DEFAULT 0,
    anonymous INTEGER NOT NULL,
    readers TEXT NOT NULL,               -- JSON list of e-mail addresses in lower case
    permissions TEXT NOT NULL,
    created_at INTEGER,
    updated_at INTEGER,
    url TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS document_key ON document (datasource, key);
CREATE INDEX IF NOT EXISTS document_upload ON document (upload, visible_at);
CREATE INDEX IF NOT EXISTS document_going ON document (datasource, gone_at)
    WHERE gone_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS document_glean_id ON document (glean_id);
CREATE TABLE IF NOT EXISTS override (
    glean_id TEXT PRIMARY KEY, kind TEXT NOT NULL
) WITHOUT ROWID;
CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5 (
    datasource, title, body,
    content = 'document', content_rowid = 'number',
    tokenize = 'porter unicode61 remove_diacritics 2'
);
"""
