# Rows of configuration and metric tables whose member no code ever names: a promise that nobody keeps.
# usage: awk -f table_rows.awk FILE...

# F(u32, entries, ...  M(COUNTER, hits, ...
match($0, /^[ \t]*[FM]\([A-Za-z0-9]+, *[a-z0-9_]+,/) {
	name = substr($0, RSTART, RLENGTH - 1)
	sub(/.*, */, "", name)
	if (!(name in row))
		row[name] = FILENAME ":" FNR
	next
}

{
	# by_##trigger names every row that begins so.
	text = $0
	while (match(text, /[a-z0-9_]+_##/)) {
		prefix[substr(text, RSTART, RLENGTH - 2)]
		text = substr(text, RSTART + RLENGTH)
	}
	text = $0
	while (match(text, /(->|\.)[a-z0-9_]+/)) {
		word = substr(text, RSTART, RLENGTH)
		sub(/^(->|\.)/, "", word)
		used[word]
		text = substr(text, RSTART + RLENGTH)
	}
}

function is_pasted(name,    p)
{
	for (p in prefix)
		if (index(name, p) == 1)
			return 1
	return 0
}

END {
	for (name in row)
		if (!(name in used) && !is_pasted(name)) {
			printf "%s: '%s' is in a table but in no code\n", row[name], name
			bad = 1
		}
	exit bad
}
