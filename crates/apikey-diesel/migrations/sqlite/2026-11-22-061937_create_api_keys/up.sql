-- Times are text of one fixed form, `2025-11-22T06:19:37.000000Z`, so that the order of texts is the order of times.
CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
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
CREATE INDEX api_keys_created_at_id ON api_keys (created_at, id);
-- Keys that expired or were revoked, to delete them; most rows are neither and take no room here.
CREATE INDEX api_keys_expires_at ON api_keys (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX api_keys_revoked_at ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;
-- The successors of a key; most rows are none.
CREATE INDEX api_keys_rotated_from ON api_keys (rotated_from) WHERE rotated_from IS NOT NULL;
-- Pages of revoked and of disabled keys.
CREATE INDEX api_keys_revoked ON api_keys (created_at, id) WHERE revoked_at IS NOT NULL;
CREATE INDEX api_keys_disabled ON api_keys (created_at, id) WHERE disabled_at IS NOT NULL;
