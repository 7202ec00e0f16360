#!/bin/sh
# tally.sh NAME...: one TAP stream out of build/NAME.tap, and the line "N passed, M failed[, K skipped]" under it.
# A program that is not there, crashed, or ended before its plan adds a failed case of its own.
cd "$(dirname "$0")" || exit 1
list=
for name in "$@"; do
    if ! test -f "build/$name.tap"; then
        printf '# %s did not build or did not run\nnot ok 1 - %s\n1..1\n# exit 0\n' "$name" "$name" > "build/$name.tap"
    fi
    list="$list build/$name.tap"
done
# shellcheck disable=SC2086
awk '
function finish() {
    if (file == "") return
    if (!ended || plan != cases || (code != 0 && !broken)) {
        total++; failed++
        printf "not ok %d - %s: ran %d cases, plan %s, exit %s\n", total, file, cases, plan < 0 ? "missing" : plan, code
    }
}
FNR == 1 { finish(); file = FILENAME; cases = 0; plan = -1; code = "missing"; ended = 0; broken = 0; print "# " FILENAME }
/^# exit / { code = $3; ended = 1; next }
/^1\.\.[0-9]+$/ { plan = substr($0, 4) + 0; next }
/^ok |^not ok / {
    bad = /^not ok/
    line = $0
    sub(/^(not )?ok [0-9]* *-? */, "", line)
    cases++; total++
    if (bad) { failed++; broken = 1 }
    else if (line ~ /# SKIP/) { skipped++; skips = skips "# SKIPPED: " line "\n" }
    else passed++
    printf "%sok %d - %s\n", bad ? "not " : "", total, line
    next
}
{ print }
END {
    finish()
    printf "1..%d\n%s", total, skips
    printf "%d passed, %d failed", passed, failed
    if (skipped) printf ", %d skipped", skipped
    printf "\n"
    exit failed > 0
}' $list
