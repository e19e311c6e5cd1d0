# Prints the given text files as C strings: "const char embed_<name>[]", "." in names becomes "_".
# Who uses one declares it in a header of its own.
FNR == 1 {
	if (NR > 1)
		print ";"
	name = FILENAME
	sub(/.*\//, "", name)
	gsub(/[^A-Za-z0-9]/, "_", name)
	printf "\nextern const char embed_%s[];\nconst char embed_%s[] =\n", name, name
}
{
	gsub(/\\/, "&&")
	gsub(/"/, "\\\\&")
	gsub(/\t/, "\\\\t")
	printf "\t\"%s\\n\"\n", $0
}
END { print ";" }
