# Files of at most 400 lines, functions of at most 70.
# usage: awk -f sizes.awk FILE...

FNR == 1 {
	inside = 0
}

FNR == 401 {
	printf "%s: more than 400 lines\n", FILENAME
	bad = 1
}

# By the project's style a function's braces stand in the first column.
/^\{/ {
	inside = FNR
}

/^\}/ && inside {
	if (FNR - inside - 1 > 70) {
		printf "%s:%d: a function of %d lines\n", FILENAME, inside, FNR - inside - 1
		bad = 1
	}
	inside = 0
}

END {
	exit bad
}
