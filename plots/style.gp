# style.gp - what all figures share: size, fonts, colours, titles, legend below the panels.
#
# `iommusim plot` sets these for every figure:
#   scripts  folder of the scripts       data     data file
#   base     picture without its ending  subtitle what all curves share
#   x_label  of the swept quantity       shown    which points are shown, or ""
#   unit     what the workload delivers  promises curves at the end of the windows' data that are so
# The figure loads this once per format, after setting
#   format   "png" or "svg"              panels   1 or 2, side by side
#   heading  title                       curves   entries of the legend
# All lengths are pixels.

legend_height = 20 * curves + 12
head_height = panels == 2 ? 100 : 70
foot_height = 66
width = panels == 2 ? 1120 : 860
height = head_height + 340 + foot_height + legend_height

if (format eq "png") {
	set terminal pngcairo noenhanced size width, height font "Sans,12" background "white"
} else {
	set terminal svg noenhanced size width, height font "Sans,12" background "white"
}
set output base . "." . format
set datafile separator "\t"
set encoding utf8

# Colours that the colour-blind can tell apart (Okabe and Ito 2008); every curve that has points has
# its own type of them too.
array colour[8] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D1F"]
array point_type[8] = [7, 5, 9, 13, 11, 6, 4, 8]
do for [i = 1:24] {
	k = (i - 1) % 8 + 1
	set linetype i linecolor rgb colour[k] linewidth 2.2 pointtype point_type[k] pointsize 1
}

set border 3 linecolor rgb "#555555"
set tics nomirror out textcolor rgb "#333333"
set grid back linecolor rgb "#DDDDDD" linetype 1 linewidth 0.8

set label 1 heading at screen 0.5, screen 1 - 20.0 / height center font "Sans,15"
second_line = shown eq "" ? subtitle : subtitle . ", " . shown
set label 2 second_line at screen 0.5, screen 1 - 44.0 / height center \
	font "Sans,11" textcolor rgb "#666666"
set tmargin at screen 1 - real(head_height) / height
set bmargin at screen real(legend_height + foot_height) / height
set lmargin at screen 85.0 / width
set rmargin at screen 1 - 25.0 / width
set key at screen 0.5, screen (legend_height - 4.0) / height center top vertical maxrows curves \
	Left reverse samplen 2.5 noenhanced
