# time_axis.gp - times from time_min to time_max microseconds: linear from 0 where they are within a
# factor of 10, otherwise logarithmic; with less than two powers of ten, 2 and 5 times these are ticks.
span = time_max / time_min
if (span < 10) {
	set xrange [0 : 1.05 * time_max]
} else {
	set logscale x 10
	set xrange [0.8 * time_min : 1.25 * time_max]
}
if (span >= 10 && span < 100) {
	set xtics ()
	do for [power = floor(log10(0.8 * time_min)) : ceil(log10(time_max))] {
		do for [digit in "1 2 5"] {
			tick = digit * 10.0 ** power
			set xtics add (sprintf("%g", tick) tick)
		}
	}
}
