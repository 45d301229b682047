#!/bin/bash
# What the entrypoint of PostgreSQL's image does with the variables and folders that docker-compose.yaml uses.
set -euo pipefail
if [[ $(id -u) == 0 ]]; then
    exec setpriv --reuid=postgres --regid=postgres --init-groups bash "$0" "$@"
fi
if [[ ! -s $PGDATA/PG_VERSION ]]; then
    # shellcheck disable=SC2086
    initdb --pgdata="$PGDATA" --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth-host=scram-sha-256 \
        --auth-local=trust $POSTGRES_INITDB_ARGS
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    pg_ctl --pgdata="$PGDATA" --wait start -o "-c listen_addresses='' -c unix_socket_directories=/tmp"
    export PGHOST=/tmp
    for script in /docker-entrypoint-initdb.d/*.sh; do bash "$script"; done
    pg_ctl --pgdata="$PGDATA" --wait stop
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp
