# windows.gp - distribution of the stale windows: share of unmapped ranges that are still exposed so
# long after the unmap has returned. Left: to the hardware, until no cache can translate the range;
# right: to the policy, until its invalidation is complete. The longest window that a policy promises,
# its bound and one flush, is a vertical line.
stats data using 1 nooutput name "time"
exposed = (time_blocks - promises) / 2
curves = exposed + promises
panels = 2
heading = "Stale-mapping windows"

# Macros, since a loop of no promises would be an error.
hw = "for [i = 0 : exposed - 1] data index i using 1:(100 - $2) with lines linetype i + 1 notitle"
policy = "for [i = 0 : exposed - 1] data index exposed + i using 1:(100 - $2) with lines linetype i + 1 title columnheader(1)"
promised = "for [i = 2 * exposed : time_blocks - 1] data index i using 1:2 with lines linecolor rgb '#555555' linewidth 1.5 dashtype 3"

do for [format in "png svg"] {
	reset
	load scripts . "/style.gp"
	load scripts . "/time_axis.gp"
	set xlabel "time after the return of unmap (µs)"
	set yrange [0 : 102]
	set multiplot

	set rmargin at screen 0.48
	set title "hw window: a cache can still translate"
	set ylabel "unmapped ranges (%)"
	if (promises > 0) { plot @hw, @promised notitle } else { plot @hw }

	unset label
	set lmargin at screen 0.58
	set rmargin at screen 1 - 25.0 / width
	set title "policy window: not yet invalidated"
	if (promises > 0) { plot @policy, @promised title columnheader(1) } else { plot @policy }
	unset multiplot
	unset output
}
