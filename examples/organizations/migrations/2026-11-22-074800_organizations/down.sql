DROP TABLE organization_api_keys;
DROP TABLE reports;
DROP TABLE users;
DROP TABLE organizations;
