# Prints the C table of targets from toolchains/targets/*.conf ("key = value" lines, # comments).
# A missing key is an error that names the file: a target must be described completely. A description
# with pe_machine is one of PE files (Windows), one with macho_cpu of Mach-O files (macOS), the others
# are of ELF files. Without `loadtest` nothing is loaded for the target.
function value(key)
{
	if (!(key in conf)) {
		printf "%s: no \"%s\"\n", file, key > "/dev/stderr"
		failed = 1
	}
	return conf[key]
}
# The constant that a word stands for.
function known(words, key, fallback,    word)
{
	word = key in conf || fallback == "" ? value(key) : fallback
	if (!(word in words)) {
		printf "%s: %s \"%s\" is not known\n", file, key, word > "/dev/stderr"
		failed = 1
	}
	return words[word]
}
function row(    floor)
{
	if (file == "")
		return
	split(value("floor"), floor, ".")
	printf "\t{.triple = \"%s\", .node_platform = \"%s\", .node_arch = \"%s\",\n", \
	    value("triple"), value("node_platform"), value("node_arch")
	printf "\t .libc = %s, .floor_major = %d, .floor_minor = %d,\n", \
	    known(libc, "libc", ""), floor[1], floor[2]
	printf "\t .recipe = %s, .load_tested = %d,\n", known(recipe, "recipe", "packages"), "loadtest" in conf
	if ("pe_machine" in conf)
		printf "\t .pe_machine = %s, .loader = \"\"},\n", conf["pe_machine"]
	else if ("macho_cpu" in conf)
		printf "\t .macho_cpu = %s, .page_align = %s, .loader = \"\"},\n", \
		    conf["macho_cpu"], value("page_align")
	else
		elf()
	delete conf
}
function elf()
{
	printf "\t .elf_class = %d, .elf_data = %d, .elf_machine = %s,\n", \
	    value("elf_class") == 64 ? 2 : 1, value("elf_data") == "msb" ? 2 : 1, value("elf_machine")
	printf "\t .elf_flags_mask = %s, .elf_flags_value = %s, .page_align = %s,\n", \
	    value("elf_flags_mask"), value("elf_flags_value"), value("page_align")
	printf "\t .loader = \"%s\"},\n", value("loader")
}
BEGIN {
	libc["glibc"] = "LIBC_GLIBC"
	libc["musl"] = "LIBC_MUSL"
	libc["msvcrt"] = "LIBC_MSVCRT"
	libc["system"] = "LIBC_SYSTEM"
	recipe["packages"] = "RECIPE_PACKAGES"
	recipe["macos-sdk"] = "RECIPE_MACOS_SDK"
	recipe["none"] = "RECIPE_NONE"
}
FNR == 1 { row(); file = FILENAME }
{
	sub(/#.*/, "")
	at = index($0, "=")
	if (at == 0)
		next
	key = substr($0, 1, at - 1)
	val = substr($0, at + 1)
	gsub(/^[ \t]+|[ \t]+$/, "", key)
	gsub(/^[ \t]+|[ \t]+$/, "", val)
	conf[key] = val
}
END { row(); exit failed }
