# Hold every include to tests/lint/layers.txt.
# usage: awk -f layers.awk layers.txt FILE... (names relative to the root of the tree)

# The layer of a path: the longest folder of the list that holds it.
function layer(path,    best, folder)
{
	best = ""
	for (folder in known)
		if (index(path, folder "/") == 1 && length(folder) > length(best))
			best = folder
	return best
}

function complain(text)
{
	printf "%s:%d: %s\n", FILENAME, FNR, text
	bad = 1
}

FNR == NR {
	sub(/#.*/, "")
	if ($1 ~ /^</) {
		keeper[$1] = $3
		for (i = 3; i <= NF; i++)
			keeps[$1, $i]
	}
	else if ($1 != "") {
		known[$1]
		for (i = 3; i <= NF; i++)
			may[$1, $i]
	}
	next
}

/^[ \t]*#[ \t]*include[ \t]*</ {
	header = $0
	sub(/^[^<]*/, "", header)
	sub(/>.*/, ">", header)
	if (header in keeper && !((header, FILENAME) in keeps))
		complain("only " keeper[header] " may include " header)
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, part, "\"")
	header = part[2]
	from = layer(FILENAME)
	to = layer(header)
	if (to == "")
		to = layer("sim/" header)
	if (from == "")
		complain("the file belongs to no layer")
	else if (to == "")
		complain("\"" header "\" belongs to no layer; name it from sim/ or from the root")
	else if (to != from && !((from, to) in may))
		complain(from " may not include " to " (" header ")")
}

END {
	exit bad
}
