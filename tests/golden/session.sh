#!/bin/sh
# usage: session.sh IOMMUSIM FOLDER - each session.in of the folder must be answered as in session.out.
"$1" machine <"$2/session.in" | diff -u "$2/session.out" -
