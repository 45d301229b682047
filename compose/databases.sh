#!/bin/bash
# PostgreSQL's image runs this script once, when its volume is empty. It creates a role and a database for each part.
set -euo pipefail
for role in sentiment airflow mlflow; do
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        --set role="$role" --set password="$(cat "/var/lib/sentiment/$role-password")" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"role" OWNER :"role" TEMPLATE template0;
REVOKE ALL ON DATABASE :"role" FROM PUBLIC;
SQL
done
# sentiment's migrations create the roles of analysts and writers. The service's user belongs to a separate role, to
# which the migrations grant privileges.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set password="$(cat /var/lib/sentiment/sentiment_api-password)" <<'SQL'
ALTER ROLE sentiment CREATEROLE;
CREATE ROLE sentiment_service NOLOGIN;
CREATE ROLE sentiment_api LOGIN PASSWORD :'password' IN ROLE sentiment_service;
GRANT CONNECT ON DATABASE sentiment TO sentiment_api;
SQL
