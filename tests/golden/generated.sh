#!/bin/sh
# usage: generated.sh IOMMUSIM OPTION FILE - FILE must be what `iommusim help OPTION` prints.
if "$1" help "$2" | diff -u "$3" -; then
	exit 0
fi
echo "$3 is out of date: iommusim help $2 > $3"
exit 1
