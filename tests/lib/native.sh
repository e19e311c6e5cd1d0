# Sourced after service.sh by tests that need a real sqlite3: its addon for this machine, which the service
# builds from npm's package once, and which is then kept in the cache.
# shellcheck shell=bash disable=SC2034,SC2154

sqlite3_package=sqlite3@6.0.1
native=${npm_packages%/*}/test-native/${sqlite3_package}-$target/node_sqlite3.node

# Makes sure of the file in `native`.
need_native() {
	[[ ! -s $native ]] || return 0
	serve native-build --workers 1
	mkdir -p "${native%/*}"
	{
		"$ctl" build "$sqlite3_package" --target "$target" --server "$url" &&
			"$ctl" fetch "$sqlite3_package" --target "$target" --server "$url" --layout raw --output "$native"
	} >"$scratch/native.log" 2>&1
	ended $? "the service builds $sqlite3_package" "$(tail -n 12 "$scratch/native.log")"
	end_process "$pid"
}
