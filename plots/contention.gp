# contention.gp - share of CPU time spent waiting for locks, and what one acquisition waits.
stats data using 1 nooutput name "swept"
stats data using 2 nooutput name "spin"
stats data using 3 nooutput name "wait"
curves = swept_blocks
panels = 2
heading = "Lock contention"

do for [format in "png svg"] {
	reset
	load scripts . "/style.gp"
	load scripts . "/x_axis.gp"
	set multiplot

	set rmargin at screen 0.48
	set title "CPU time spent waiting for locks"
	set ylabel "share of CPU time (%)"
	set yrange [0 : spin_max > 0 ? 1.08 * spin_max : 1]
	plot for [i = 0 : curves - 1] data index i using 1:2 with linespoints linetype i + 1 notitle

	unset label
	set lmargin at screen 0.58
	set rmargin at screen 1 - 25.0 / width
	set title "Wait per acquisition of the most contended lock"
	set ylabel "wait per acquisition (µs)"
	set yrange [0 : wait_max > 0 ? 1.08 * wait_max : 1]
	plot for [i = 0 : curves - 1] data index i using 1:3 with linespoints linetype i + 1 \
		title columnheader(1)
	unset multiplot
	unset output
}
