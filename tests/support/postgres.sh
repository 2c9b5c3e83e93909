#!/bin/sh
# A throw-away PostgreSQL for the tests.
#
#   eval "$(tests/support/postgres.sh)"        start one and export LOOPGATE_TEST_POSTGRES
#   tests/support/postgres.sh stop             stop the one this variable names, and remove its data
#
# The server listens on 127.0.0.1 and a unix socket inside its own temporary directory, on a random port. It runs as an
# ordinary user: as the caller, or as `postgres` (else `nobody`) when root calls.
set -eu

say() { echo "postgres.sh: $*" >&2; }

as_server_user() {
    if [ "$(id -u)" = 0 ]; then
        # `runuser` needs no password and no terminal.
        (cd / && runuser -u "$server_user" -- "$@")
    else
        "$@"
    fi
}

find_binaries() {
    # The newest version that is there.
    ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n | tail -n 1
}

choose_user() {
    server_user=$(id -un)
    if [ "$(id -u)" = 0 ]; then
        server_user=nobody
        if id postgres >/dev/null 2>&1; then server_user=postgres; fi
    fi
}

stop() {
    data=${LOOPGATE_TEST_POSTGRES_DATA:-}
    if [ -z "$data" ] || [ ! -f "$data/cluster/PG_VERSION" ]; then
        say "nothing to stop: LOOPGATE_TEST_POSTGRES_DATA names no cluster of this script"
        exit 0
    fi
    choose_user
    as_server_user "$(find_binaries)/pg_ctl" -D "$data/cluster" -m immediate -w stop >&2 || true
    rm -rf "$data"
    echo "unset LOOPGATE_TEST_POSTGRES LOOPGATE_TEST_POSTGRES_DATA"
}

start() {
    if [ -z "$(find_binaries)" ]; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
            say "installing PostgreSQL"
            apt-get install -y --no-install-recommends postgresql >&2
        else
            say "PostgreSQL is not installed. As root: apt-get install -y postgresql"
            exit 1
        fi
    fi
    binaries=$(find_binaries)
    choose_user
    data=$(mktemp -d "${TMPDIR:-/tmp}/loopgate-postgres.XXXXXX")
    chmod 700 "$data"
    if [ "$(id -u)" = 0 ]; then chown "$server_user" "$data"; fi
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    printf '%s' "$password" >"$data/password"
    chmod 644 "$data/password"
    as_server_user "$binaries/initdb" -D "$data/cluster" -U loopgate --auth=scram-sha-256 \
        --pwfile="$data/password" -E UTF8 --locale=C >/dev/null
    rm "$data/password"
    for _ in 1 2 3 4 5; do
        port=$((20000 + $(od -An -N2 -tu2 /dev/urandom | tr -d ' ') % 20000))
        if as_server_user "$binaries/pg_ctl" -D "$data/cluster" -l "$data/log" -w -t 60 \
            -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$data -c max_connections=200" \
            start >/dev/null; then
            echo "export LOOPGATE_TEST_POSTGRES=postgres://loopgate:$password@127.0.0.1:$port/postgres"
            echo "export LOOPGATE_TEST_POSTGRES_DATA=$data"
            return
        fi
    done
    say "the server did not start; its log is in $data/log"
    exit 1
}

case "${1:-start}" in
start) start ;;
stop) stop ;;
*)
    say "expected no argument, 'start' or 'stop'"
    exit 2
    ;;
esac
