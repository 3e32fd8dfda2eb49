CREATE TABLE organizations (
    id INTEGER PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    active INTEGER NOT NULL CHECK (active IN (0, 1))
) STRICT;

CREATE TABLE users (
    id INTEGER PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    organization_id INTEGER NOT NULL REFERENCES organizations (id)
) STRICT;

CREATE TABLE reports (
    id INTEGER PRIMARY KEY NOT NULL,
    title TEXT NOT NULL,
    organization_id INTEGER NOT NULL REFERENCES organizations (id)
) STRICT;

-- As `apikey migration --backend sqlite --table organization_api_keys` prints it.
CREATE TABLE organization_api_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    organization_id INTEGER NOT NULL REFERENCES organizations (id),
    prefix TEXT NOT NULL COLLATE BINARY UNIQUE,
    hashed_key TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    expires_at TEXT,
    disabled_at TEXT,
    revoked_at TEXT,
    last_used_at TEXT,
    rotated_from TEXT
) STRICT;

-- Pages of one owner's list, newest first.
CREATE INDEX organization_api_keys_owner ON organization_api_keys (organization_id, created_at, id);
-- Keys that expired or were revoked, to delete them.
CREATE INDEX organization_api_keys_expires_at ON organization_api_keys (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX organization_api_keys_revoked_at ON organization_api_keys (revoked_at) WHERE revoked_at IS NOT NULL;
