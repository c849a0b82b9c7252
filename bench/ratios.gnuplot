# SPDX-License-Identifier: GPL-2.0-or-later
# ratios.svg from ratios.dat, both in dir.
set terminal svg size 1200,560 font "sans,12"
set output dir."/ratios.svg"
set title "time as a multiple of native (less is better)"
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.8 border -1
set logscale y
set yrange [0.5:*]
set grid ytics
set xtics rotate by -35
set key top left
set datafile missing "NaN"
plot 1 notitle with lines lc "black", \
	for [i=2:5] dir."/ratios.dat" using i:xtic(1) title columnheader(i)
