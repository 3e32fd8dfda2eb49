-- The default collation would let `abcdefgh` match `AbCdEfGh`; TIMESTAMP would end in 2038 and depend on the session.
CREATE TABLE {table} (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    -- Your own columns go here, each line with a comma at its end:
    -- organization_id INTEGER NOT NULL,
    -- FOREIGN KEY (organization_id) REFERENCES organizations (id),
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
    UNIQUE KEY {table}_prefix (prefix),
    -- Pages of the list, newest first.
    KEY {table}_created_at_id (created_at, id),
    -- Pages of one owner's list, if keys have an owner:
    -- KEY {table}_owner (organization_id, created_at, id),
    -- Keys that expired or were revoked, to delete them.
    KEY {table}_expires_at (expires_at),
    KEY {table}_revoked_at (revoked_at),
    -- Pages of disabled keys.
    KEY {table}_disabled_at (disabled_at),
    -- The successors of a key.
    KEY {table}_rotated_from (rotated_from)
) ENGINE = InnoDB;
