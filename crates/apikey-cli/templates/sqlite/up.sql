-- Times are text of one fixed form, `2025-11-22T06:19:37.000000Z`, so that the order of texts is the order of times.
CREATE TABLE {table} (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Your own columns go here, each line with a comma at its end:
    -- organization_id INTEGER NOT NULL REFERENCES organizations (id),
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

-- Pages of the list, newest first.
CREATE INDEX {table}_created_at_id ON {table} (created_at, id);
-- Pages of one owner's list, if keys have an owner:
-- CREATE INDEX {table}_owner ON {table} (organization_id, created_at, id);
-- Keys that expired or were revoked, to delete them; most rows are neither and take no room here.
CREATE INDEX {table}_expires_at ON {table} (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX {table}_revoked_at ON {table} (revoked_at) WHERE revoked_at IS NOT NULL;
-- The successors of a key; most rows are none.
CREATE INDEX {table}_rotated_from ON {table} (rotated_from) WHERE rotated_from IS NOT NULL;
-- Pages of revoked and of disabled keys.
CREATE INDEX {table}_revoked ON {table} (created_at, id) WHERE revoked_at IS NOT NULL;
CREATE INDEX {table}_disabled ON {table} (created_at, id) WHERE disabled_at IS NOT NULL;
