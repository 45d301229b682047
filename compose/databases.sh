#!/bin/bash
# Run by PostgreSQL's image once, when its volume is empty: a role and a database for each part.
set -euo pipefail
for role in sentiment airflow mlflow; do
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        --set role="$role" --set password="$(cat "/var/lib/sentiment/$role-password")" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"role" OWNER :"role" TEMPLATE template0;
REVOKE ALL ON DATABASE :"role" FROM PUBLIC;
SQL
done
# Its migrations make the roles sentiment_reader and sentiment_writer.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --command 'ALTER ROLE sentiment CREATEROLE'
