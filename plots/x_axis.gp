# x_axis.gp - the swept quantity between swept_min and swept_max: a tick per power of two where it
# spans many, and room beside the outer points. An experiment of one point gets an axis around it.
set xlabel x_label
if (swept_min >= 1 && swept_max >= 4 * swept_min) {
	set logscale x 2
	set xrange [swept_min / 1.15 : swept_max * 1.15]
} else {
	margin = swept_max > swept_min ? 0.06 * (swept_max - swept_min) : 1
	set xrange [swept_min - margin : swept_max + margin]
	if (swept_max - swept_min < 8) { set xtics 1 }
	if (swept_max == swept_min) { set xtics (swept_min) }
}
