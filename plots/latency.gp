# latency.gp - distribution of DMA latency: share of DMAs that took at most so long.
stats data using 1 nooutput name "time"
curves = time_blocks
panels = 1
heading = "DMA latency"

do for [format in "png svg"] {
	reset
	load scripts . "/style.gp"
	set xlabel "latency of a DMA (µs)"
	set ylabel "DMAs that took at most so long (%)"
	load scripts . "/time_axis.gp"
	set yrange [0 : 102]
	plot for [i = 0 : curves - 1] data index i using 1:2 with lines linetype i + 1 \
		title columnheader(1)
	unset output
}
