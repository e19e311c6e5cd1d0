# shellcheck shell=bash
# The parts of a Windows target that are its own: runtime/ with Wine, and Node for Windows.

# windows_loadtest CONF USED FOLDER ROOT
windows_loadtest() {
	local conf=$1 used=$2 folder=$3 root=$4 debs=$TMP/debs line library unix
	rm -rf "$debs"
	mkdir -p "$debs" "$folder/root/lib" "$folder/wine/lib/wine" "$folder/wine/share/wine" \
		"$folder/wine/lib/x86_64-linux-gnu/wine/x86_64-windows" "$folder/wine/lib/x86_64-linux-gnu/wine/x86_64-unix"
	: >"$TMP/prune"
	# shellcheck disable=SC2046 # words
	loadtest_unpack "$debs" "$used" $(conf "$conf" loadtest_debs)
	line=$(conf "$conf" loadtest_npm)
	line=$(grep "^npm ${line%@*} " "$used")
	tar --extract --gzip --file "$(package_file "$line")" --directory "$folder" --strip-components 2 \
		--no-same-owner --no-same-permissions package/bin/node.exe
	# By another name, as in Electron or a packaged application: an addon that only loads in a program
	# that is called node.exe fails its test.
	mv "$folder/node.exe" "$folder/program.exe"
	cp "$HERE/windows/run-node" "$folder/"

	cp "$debs/usr/lib/wine/wine64" "$folder/wine/lib/wine/"
	# The file of this name in the package is a script that knows only the package's own place.
	cp "$debs/usr/lib/wine/wineserver64" "$folder/wine/lib/wine/wineserver"
	cp -R "$debs/usr/share/wine/nls" "$folder/wine/share/wine/"
	find "$debs/lib" "$debs/usr/lib/x86_64-linux-gnu" -maxdepth 2 -name 'lib*.so.*' -exec cp -P {} "$folder/root/lib/" \;
	cp "$debs/usr/$(conf_need "$conf" debs_prefix)/lib/zlib1.dll" "$debs/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/"

	conf "$conf" wine_dlls | tr -s ' ' '\n' >"$debs/wanted"
	sandbox "$root" --bind "$debs" /work/debs --ro-bind "$folder/program.exe" /work/node.exe -- \
		/work/recipe/sandbox/wine-libraries.sh
	while IFS= read -r library; do
		cp "$debs/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/$library" \
			"$folder/wine/lib/x86_64-linux-gnu/wine/x86_64-windows/"
		unix=$debs/usr/lib/x86_64-linux-gnu/wine/x86_64-unix/${library%.*}.so
		[[ ! -e $unix ]] || cp "$unix" "$folder/wine/lib/x86_64-linux-gnu/wine/x86_64-unix/"
	done <"$debs/libraries"
}
