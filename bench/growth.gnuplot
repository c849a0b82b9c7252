# SPDX-License-Identifier: GPL-2.0-or-later
# growth.svg from growth.dat, both in dir: blocks of five file systems for each of the four plots.
set terminal svg size 1200,800 font "sans,12"
set output dir."/growth.svg"
set multiplot layout 2,2
set logscale xy
set grid
set key top left
set ylabel "ns for each file"
set datafile missing "NaN"
array titles[4] = ["files of a tree, first walk", "files of a tree, warm walk", \
	"files of one directory, first walk", "files of one directory, warm walk"]
do for [p=1:4] {
	set title titles[p]
	plot for [i=0:4] dir."/growth.dat" index (p - 1) * 5 + i with linespoints title columnheader(1)
}
