# Sourced behind service.sh: a PostgreSQL server of this test's own on a free port of loopback, which does not
# run as root. Sets port. Its data is removed with the scratch folder.
# shellcheck shell=bash disable=SC2034,SC2154

pg_programs=$(find /usr/lib/postgresql -name initdb -printf '%h\n' | sort -V | tail -n 1)
pg_as=()
[[ $(id -u) -ne 0 ]] || pg_as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)

pg() { # PROGRAM ARGUMENT…
	(cd "$scratch/pg" && "${pg_as[@]}" "$pg_programs/$1" "${@:2}")
}

# A cluster whose owner is called that, and needs no password.
make_pg() {
	mkdir "$scratch/pg"
	[[ $(id -u) -ne 0 ]] || chown nobody:nogroup "$scratch/pg"
	port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
	pg initdb -D "$scratch/pg/data" -U owner -A trust -E UTF8 --no-sync
}

start_pg() {
	pg pg_ctl -D "$scratch/pg/data" -l "$scratch/pg/log" -w -o \
		"-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$scratch/pg" start >/dev/null
}
stop_pg() { # [MODE]
	pg pg_ctl -D "$scratch/pg/data" -m "${1:-fast}" -w stop >/dev/null
}
before_removal() {
	stop_pg immediate 2>/dev/null
}

database=postgres
query() { # SQL, of $database
	psql -h 127.0.0.1 -p "$port" -U owner -d "$database" -Atqc "$1"
}
