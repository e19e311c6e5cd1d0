# Turns what `readelf -W -A -V -S -d -h -l -n -r --dyn-syms FILE…` prints into the facts that
# tests/lib/facts.c prints, each with the number of its file before it: "3 needed 1 [libc.so.6]".
function bare(hex) { sub(/^0x/, "", hex); sub(/^0+/, "", hex); return hex == "" ? "0" : hex }
function inside(s) { sub(/^[^[]*\[/, "[", s); return s }
function after_colon(s) { sub(/^[^:]*: */, "", s); return s }
function say(fact) { print number, fact }
function end_file() {
	if (textrel) say("is textrel")
	if (now) say("is bind-now")
	if (init) say("has init")
	textrel = now = init = needed = 0
}
in_symbols && /^ *[0-9]+: / {
	if ($1 == "0:" || $4 == "SECTION")
		next
	gsub(/ \[[^]]*\] /, " ")
	sub(/<OS specific>: 10/, "UNIQUE") # its name where EI_OSABI is not GNU
	sub(/ \([0-9]+\)$/, "")
	if ($4 ~ /^</) $4 = "?"
	if ($5 ~ /^</) $5 = "?"
	say("symbol " bare($2) " " $3 " " $4 " " $5 " " $6 " " ($7 == "UND" ? "UND" : "DEF") " " $8)
	next
}
# Offset, symbol and type in one number, the type's name, the symbol's value and name, the addend
# behind a sign if there is a symbol.
in_relocs && /^[0-9a-f]+ +[0-9a-f]+ / {
	if (machine ~ /MIPS/)
		next
	addend = ""
	if (addends)
		addend = " " ($(NF - 1) == "-" ? "-" : "") bare($NF)
	say("reloc " bare($1) " " bare($2) addend)
	next
}
in_relocs && / Offset +Info / { addends = / Addend/ }
/^[A-Z]/ {
	in_needs = /^Version needs section/
	in_symbols = /^Symbol table .*\.dynsym/
	in_relocs = /^Relocation section .* contains [0-9]+ entr/ && !/\.relr/
	if (in_relocs)
		for (i = 1; i < NF; i++)
			if ($i == "contains")
				say("relocs " $(i + 1))
}
/^ELF Header:/ { end_file(); number++ }
/^  Class:/ { say("class " $2) }
/^  Data:/ { say("data " $(NF - 1)) }
/^  OS\/ABI:/ { say("osabi " after_colon($0)) }
/^  Type:/ { say("type " $2) }
/^  Machine:/ { machine = after_colon($0); say("machine " machine) }
/^  Flags:/ { sub(/,$/, "", $2); say("flags " $2) }
/^  Entry point address:/ { say("entry " $4) }
/^  (LOAD|DYNAMIC|INTERP|NOTE|TLS|GNU_EH_FRAME|GNU_STACK|GNU_RELRO) / {
	flags = ""
	for (i = 7; i < NF; i++)
		flags = flags $i
	say("segment " $1 " offset " bare($2) " vaddr " bare($3) " filesz " bare($5) \
		" memsz " bare($6) " align " bare($NF) " flags " flags)
}
/Requesting program interpreter:/ { sub(/\]$/, "", $NF); say("interp " $NF) }
/^ 0x[0-9a-f]+ \(/ {
	tag = $2
	if (tag == "(NEEDED)") say("needed " ++needed " " inside($0))
	if (tag == "(SONAME)") say("soname " inside($0))
	if (tag == "(RPATH)") say("rpath " inside($0))
	if (tag == "(RUNPATH)") say("runpath " inside($0))
	if (tag == "(TEXTREL)" || tag == "(FLAGS)" && / TEXTREL/) textrel = 1
	if (tag == "(BIND_NOW)" || tag == "(FLAGS)" && / BIND_NOW/) now = 1
	if (tag == "(FLAGS_1)" && / NOW/) now = 1
	if (tag == "(FLAGS)" && / STATIC_TLS/) say("is static-tls")
	if (tag == "(RELR)") say("has relr")
	if (tag == "(HASH)") say("has hash")
	if (tag == "(GNU_HASH)") say("has gnu-hash")
	if (tag == "(INIT)" && $3 != "0x0" || tag == "(INIT_ARRAYSZ)" && $3 != "0") init = 1
}
# Number, name (section 0 has none), type, address, offset, size; types that readelf does not know
# are two words.
/^  \[ *[0-9]+\] / {
	sub(/^  \[ */, "")
	index_ = $1
	sub(/\]$/, "", index_)
	if (index_ == 0) { name = ""; at = 3 } else { name = $2; at = 4 }
	if ($(at - 1) ~ /^</) at++
	if (name ~ /^\.z?debug_info$/ && $(at - 1) == "PROGBITS") say("has debug-info")
	say("section " index_ " [" name "] addr " bare($at) " offset " bare($(at + 1)) " size " bare($(at + 2)))
}
/^  Tag_CPU_arch: v/ { say("arm-arch " substr($2, 2, 1)) }
/[ \t]Build ID: / { say("build-id " $NF) }
in_needs && / File: / { sub(/.* File: /, ""); sub(/ *Cnt:.*/, ""); file = $0 }
in_needs && / Name: / {
	weak = / Flags: WEAK/ ? " WEAK" : ""
	sub(/.* Name: /, ""); sub(/ *Flags:.*/, "")
	say("version " file " " $0 weak)
}
END { end_file() }
