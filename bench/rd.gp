# rd.gp: draws build/rd.tsv (rd.c) as build/rd.svg, build/rd.png and build/product.svg, build/product.png

data = "build/rd.tsv"
set encoding utf8
set datafile separator "\t"
set datafile missing NaN

# Families in the order of the legend, what it says of them, colour and point; of these, the ones that are there.
families = "int float mx zn d4 e8 e8h e8b tcq sketch other"
names = "'INT' 'FP e<E>m<M>' 'MX, NVFP4' 'Z⁸ Voronoi, zn' 'D₄ Voronoi, d4' 'E₈ Voronoi, e8' " \
    . "'E₈ nested, e8h' 'E₈ box, e8b' 'trellis, tcq' 'sketch, +keep' 'others'"
colours = "#7f7f7f #8c564b #bc8f00 #17a2b8 #2ca02c #1f4fd8 #8f6fe0 #d957b0 #d62728 #ff7f0e #000000"
points = "5 9 11 4 13 7 6 15 3 8 2"

seen = drawn = ""
gap = ratio = 0 # the largest
larger(y, column) = valid(column) && strcol(2) ne "plain" && column(column) > y ? column(column) : y
stats data using (seen = seen . " " . strcol(2), gap = larger(gap, 6), ratio = larger(ratio, 11), 1) nooutput
do for [i = 1:words(families)] {
    if (strstrt(seen . " ", " " . word(families, i) . " ")) { drawn = drawn . " " . i }
}
of(i, y) = strcol(2) eq word(families, int(i)) ? y : NaN
hadamard(y) = strlen(strcol(1)) == 8 && strcol(1)[1:3] eq "int" && strcol(1)[5:8] eq "+had" ? y : NaN

set style line 1 linecolor rgb "#404040" linewidth 2
set style line 2 linecolor rgb "#404040" linewidth 1.5 dashtype 2
set style line 3 linecolor rgb "#7f7f7f" linewidth 1.5
set grid xtics ytics linecolor rgb "#d8d8d8" linewidth 1 linetype 1
set border 3 linecolor rgb "#404040"
set tics nomirror out
set key at graph 1.02, graph 1 left top Left reverse samplen 2 spacing 1.25
set lmargin 11
set rmargin 27
set xlabel "true bits an entry"
set xrange [0:9]
set xtics 1

points_of(column) = sprintf("for [i in drawn] data using 3:(of(i, $%d)) with points pointsize dot linewidth 1.6 \
    pointtype int(word(points, int(i))) linecolor rgb word(colours, int(i)) title word(names, int(i))", column)

# Scaled by the square root of the bits lost, so that there is room near the limit.
draw_rate = 'unset nonlinear y; set yrange [0:1.1 * gap]; set nonlinear y via sqrt(y) inverse y**2; \
    set ytics (0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1, 1.2, 1.5, 2, 3, 4); \
    set title "Iid Gaussian rows of 4096: what a format loses to the rate-distortion function"; \
    set ylabel "gap to D(R), bits an entry"; \
    plot 0 linestyle 1 title "D(R)", \
        log(pi * exp(1) / 6) / log(4) linestyle 2 title "entropy-coded scalar", ' . points_of(6)

# The same: an error is the square of 2 to the bits lost.
draw_product = 'unset nonlinear y; set yrange [1:1.2 * ratio]; \
    set nonlinear y via (y < 1 ? -sqrt(-log(y)) : sqrt(log(y))) inverse (y < 0 ? exp(-y**2) : exp(y**2)); \
    set ytics (1, 1.05, 1.1, 1.2, 1.4, 1.7, 2, 3, 4, 5, 7, 10, 20, 50, 100, 200); \
    set title "Product of two quantized Gaussian matrices, 4096 columns: error over its limit"; \
    set ylabel "error / Γ(R)"; \
    plot 1 linestyle 1 title "Γ(R)", \
        data using 3:(hadamard($11)) smooth unique with lines linestyle 3 title "Hadamard and INT", ' . points_of(11)

size = " size 960, 560 background rgb 'white' font "
svg = "set terminal svg" . size . "'Helvetica, Arial, sans-serif, 14'"
png = "set terminal " . (strstrt(GPVAL_TERMINALS, "pngcairo") ? "pngcairo" : "png") . size . "'Sans, 11'"
do for [picture in "rd product"] {
    do for [type in "svg png"] {
        eval(type eq "svg" ? svg : png)
        dot = type eq "svg" ? 0.8 : 1.1
        set output "build/" . picture . "." . type
        eval(picture eq "rd" ? draw_rate : draw_product)
    }
}
