-- One statement, since the definition of a table is in no transaction.
-- The default collation would let `abcdefgh` match `AbCdEfGh`; TIMESTAMP would end in 2038 and depend on the session.
CREATE TABLE api_keys (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    prefix VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    hashed_key VARCHAR(512) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    scopes TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT (''),
    created_at DATETIME(6) NOT NULL,
    expires_at DATETIME(6),
    disabled_at DATETIME(6),
    revoked_at DATETIME(6),
    last_used_at DATETIME(6),
    rotated_from VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    UNIQUE KEY api_keys_prefix (prefix),
    -- Pages of the list, newest first.
    KEY api_keys_created_at_id (created_at, id),
    -- Keys that expired or were revoked, to delete them.
    KEY api_keys_expires_at (expires_at),
    KEY api_keys_revoked_at (revoked_at),
    -- Pages of disabled keys.
    KEY api_keys_disabled_at (disabled_at),
    -- The successors of a key.
    KEY api_keys_rotated_from (rotated_from)
) ENGINE = InnoDB;
