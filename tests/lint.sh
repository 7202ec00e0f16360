#!/bin/sh
# lint.sh: the text of the library, as TAP: lengths, spaces, the order of rooms, comments on declarations, paths.
cd "$(dirname "$0")/.." || exit 1
out=tests/build/lint.log
mkdir -p tests/build
n=0
failed=0
report() { # report NAME: $out holds what is wrong
    n=$((n + 1))
    if test -s $out; then
        failed=1
        echo "not ok $n - $1"
        sed 's/^/# /' $out | head -n 40
    else
        echo "ok $n - $1"
    fi
}
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }
CODE=$(ls hrq.h hrq_simd.h examples/*.[ch] tests/*.[ch] bench/*.[ch] 2>/dev/null)
SOURCES="$CODE $(ls tests/*.sh README.md .ci/run 2>/dev/null)"
MAKES=$(ls examples/Makefile tests/Makefile bench/Makefile 2>/dev/null)

awk 'END { if (NR >= 13100) print "hrq.h has " NR " lines, budget 13100" }' hrq.h > $out 2>&1
report "hrq.h: fewer than 13100 lines"

# shellcheck disable=SC2086
awk 'length($0) > (FILENAME ~ /^hrq/ ? 120 : 130) { print FILENAME ":" FNR ": " length($0) " characters" }' $CODE > $out 2>&1
report "hrq.h, hrq_simd.h: no line beyond 120 characters; other sources 130"

# shellcheck disable=SC2086
grep -n ' $' $SOURCES $MAKES > $out 2>/dev/null
report "no space at the end of a line"

tab=$(printf '\t')
# shellcheck disable=SC2086
grep -n "$tab" $SOURCES > $out
report "no tab outside Makefiles"

# shellcheck disable=SC2086
grep -nE "/(home|work|root|tmp|usr/local)/[a-z]" $SOURCES $MAKES 2>/dev/null | grep -v 'lint.sh:.*grep' > $out
report "no path of one machine"

# a function's body stands between "{" and "}" in column 1, its head on the lines above
awk '/^[A-Za-z].*\(/ && !/;$/ { head = $0; start = FNR }
     /^{/ { open = FNR; if (start < FNR - 4) start = FNR }
     /^}/ && open { if (FNR - start + 1 >= 80) print FILENAME ":" start ": " FNR - start + 1 " lines: " head; open = 0 }' hrq.h hrq_simd.h > $out 2>&1
report "hrq.h, hrq_simd.h: no function of 80 lines or more"

awk '/\\$/ { if (!run) start = FNR; run++; next } { if (run >= 25) print FILENAME ":" start ": macro of " run + 1 " lines"; run = 0 }' hrq.h hrq_simd.h > $out 2>&1
report "hrq.h, hrq_simd.h: no macro of 25 lines or more"

# Rooms. Pass 1: in which room each hrq__name, HRQ__NAME and public function is defined (first column, or a typedef, an
# enum member, a table). Pass 2: every word used in another room must come from one on the "uses:" line; and these are
# of lower number. Comments and strings do not count.
awk '
function strip(s,   t) {
    gsub(/"([^"\\]|\\.)*"/, "\"\"", s)
    if (comment) { if (!match(s, /\*\//)) return ""; s = substr(s, RSTART + 2); comment = 0 }
    while (match(s, /\/\*/)) {
        t = substr(s, 1, RSTART - 1); s = substr(s, RSTART + 2)
        if (!match(s, /\*\//)) { comment = 1; return t }
        s = t " " substr(s, RSTART + 2)
    }
    sub(/\/\/.*/, "", s)
    return s
}
FNR == 1 { room = 0; comment = 0; pass++; want = 0 }
/^ *\/\/  \[[0-9]+i\] / { t = $0; sub(/^ *\/\/  \[/, "", t); room = t + 0; want = 1; next }
/^#undef|^#if.*IMPLEMENTATION/ && /undef/ { next }
room && want && /uses:/ {
    want = 0
    if (pass == 1) {
        has[room] = 1
        t = $0; sub(/.*uses: */, "", t); gsub(/,/, " ", t); gsub(/ - /, "-", t)
        k = split(t, w, " ")
        for (i = 1; i <= k; i++) {
            if (w[i] !~ /^[0-9]+(-[0-9]+)?$/) continue
            ends = split(w[i], span, "-")
            for (j = span[1] + 0; j <= span[ends] + 0; j++) {
                uses[room, j] = 1
                if (j >= room) print "[" room "] uses [" j "], which is not below"
            }
        }
    }
    next
}
room {
    line = strip($0)
    if (pass == 1) {
        name = ""
        if (line ~ /^(static|HRQ_API|HRQ__INLINE|extern)/ && match(line, /hrq_[a-z0-9_]+ *[(\[=;]/)) name = substr(line, RSTART)
        if (match(line, /^ *# *define +HRQ__/)) { name = line; sub(/^ *# *define +/, "", name) }
        if (match(line, /^(typedef )?struct hrq_/)) { name = line; sub(/^(typedef )?struct +/, "", name) }
        sub(/[^A-Za-z0-9_].*/, "", name)
        if (name != "" && !(name in home)) home[name] = room
        if (line ~ /^enum|^ +HRQ__[A-Z0-9_]+ = /) {
            t = line
            while (match(t, /HRQ__[A-Z0-9_]+/)) {
                name = substr(t, RSTART, RLENGTH)
                if (!(name in home)) home[name] = room
                t = substr(t, RSTART + RLENGTH)
                sub(/^ *= *[^,}]*/, "", t)
            }
        }
    } else if (line !~ /^ *# *undef/) {
        t = line
        while (match(t, /(hrq|HRQ)_[A-Za-z0-9_]+/)) {
            name = substr(t, RSTART, RLENGTH); t = substr(t, RSTART + RLENGTH)
            if (!(name in home)) continue
            seen[room]++
            d = home[name]
            if (d == room || d == 1 || (room, d) in uses) continue # [1] is for all
            print FILENAME ":" FNR ": [" room "] takes " name " from [" d "], which its banner does not name"
        }
    }
}
END {
    for (r = 2; r <= 16; r++) {
        if (seen[r] > 0 && !has[r]) print "room [" r "] has no uses: line"
        rooms += seen[r] > 0
        words += seen[r]
    }
    if (rooms < 10 || words < 500) print "only " rooms " rooms and " words " words recognized: the check sees nothing"
}' hrq.h hrq.h > $out 2>&1
report "hrq.h: a room takes only from rooms that its banner names, all lower"

# rooms stand in order, banner for banner; the declarations first
grep -n '^ *//  \[[0-9]*i*\] ' hrq.h | sed 's/^\([0-9]*\): *\/\/  \[\([0-9]*\)\(i*\)\].*/\1 \2 \3/' | awk '
{ if ($3 == "i") { if ($2 <= impl) print "line " $1 ": room [" $2 "i] out of order"; impl = $2; ni++ } else if (!ni) { if ($2 <= decl) print "line " $1 ": room [" $2 "] out of order"; decl = $2 } }
END { if (ni < 10) print "only " ni " rooms found" }' > $out 2>&1
report "hrq.h: rooms in order"

# a declaration has a comment above it, or shares one with the declaration right above
awk '/defined\(HRQ_IMPLEMENTATION\)/ && FNR > 100 && /^#if/ { exit }
     /^$/ { documented = 0 }
     /\*\/ *$/ { documented = 1 }
     /^HRQ_API/ { count++; if (!documented) print FILENAME ":" FNR ": no comment above " $0 }
     END { if (count < 30) print "only " count " declarations found" }' hrq.h > $out 2>&1
report "hrq.h: every public declaration has a comment"

# every public function is called by some test
sed '/^#if defined(HRQ_IMPLEMENTATION)/,$d' hrq.h | grep '^HRQ_API' | sed 's/(.*//; s/.*[ *]\(hrq_[a-z0-9_]*\)$/\1/' | while read -r name; do
    grep -q "\<$name\>" tests/test_*.c || echo "$name is in no test"
done > $out
report "every public function is in some test"

if command -v sh >/dev/null && command -v bash >/dev/null; then
    : > $out
    for f in tests/*.sh; do sh -n "$f" >> $out 2>&1; done
    test -f .ci/run && bash -n .ci/run >> $out 2>&1
    report "scripts parse"
else
    skip "scripts parse" "no bash"
fi
echo "1..$n"
exit $failed
