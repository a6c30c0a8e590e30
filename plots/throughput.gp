# throughput.gp - payload delivered by the device.
stats data using 1 nooutput name "swept"
stats data using 4 nooutput name "rate"
curves = swept_blocks
panels = 1
heading = "Throughput"

do for [format in "png svg"] {
	reset
	load scripts . "/style.gp"
	load scripts . "/x_axis.gp"
	set ylabel sprintf("payload of delivered %s (Gb/s)", unit)
	set yrange [0 : rate_max > 0 ? 1.08 * rate_max : 1]
	plot for [i = 0 : curves - 1] data index i using 1:4 with linespoints linetype i + 1 \
		title columnheader(1)
	unset output
}
