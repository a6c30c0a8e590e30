# windows.gp - distribution of the stale windows: share of unmapped ranges that a device can still
# reach so long after the unmap has returned. Windows of 0 are told in the legend; the longest
# window that a policy promises, its bound and one flush, is a vertical line.
stats data using 1 nooutput name "time"
curves = time_blocks
panels = 1
heading = "Stale-mapping windows, measured from the caches"

# Macros, since a loop of no promises would be an error.
reached = "for [i = 0 : curves - promises - 1] data index i using 1:(100 - $2) with lines linetype i + 1 title columnheader(1)"
promised = "for [i = curves - promises : curves - 1] data index i using 1:2 with lines linecolor rgb '#555555' linewidth 1.5 dashtype 3 title columnheader(1)"

do for [format in "png svg"] {
	reset
	load scripts . "/style.gp"
	set xlabel "time after the return of unmap (µs)"
	set ylabel "ranges still reachable (%)"
	load scripts . "/time_axis.gp"
	set yrange [0 : 102]
	if (promises > 0) { plot @reached, @promised } else { plot @reached }
	unset output
}
