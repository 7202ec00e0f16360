#!/bin/sh
# arch.sh simde|aarch64|x86_64: kernels that this machine may lack, and the bytes of the whole library with them, as TAP.
#   simde     NEON, AVX2, AVX-VNNI and AVX-512 kernels through SIMDe. Its fused multiply-adds are fused only where the
#             machine has them; AVX-512 stands on AVX2
#   aarch64   under qemu-aarch64, one CPU for each row
#   x86_64    AVX2 under qemu-x86_64
# Which rows ran stands in the cases: "... kernels of NAME (...)". What is not installed is skipped by name.
cd "$(dirname "$0")" || exit 1
CC=${CC:-cc}
CROSS=${CROSS:-aarch64-linux-gnu-gcc}
dir=build/$1
mkdir -p "$dir"
WARN="-Wall -Wextra -Wpedantic -Wshadow -Wundef -Werror"
TESTS="test_kernels test_kernels_encode test_kernels_lattice test_trellis"
n=0
failed=0

ok() { n=$((n + 1)); echo "ok $n - $1"; }
bad() { n=$((n + 1)); failed=1; echo "not ok $n - $1"; test -f "$dir/log" && sed 's/^/# /' "$dir/log" | head -n 25; }
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; echo "$1: SKIP $2" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }
cpu() { grep -qw "$1" /proc/cpuinfo 2>/dev/null; }
limited() { if has timeout; then timeout 600 "$@"; else "$@"; fi; }
build() { # build JOB COMPILER FLAGS...: all programs, as $dir/NAME; the kernels once, at -O2 where the flags say nothing
    job=$1
    compiler=$2
    shift 2
    set -- $compiler -O2 "$@"
    "$@" -std=c99 -c -o $dir/kernels.o kernels.c > $dir/log 2>&1 || { bad "builds: $job: kernels"; return 1; }
    for program in $TESTS bytes; do
        "$@" -O1 -std=c99 -DHRQ__TABLE_APART -o $dir/$program $program.c $dir/kernels.o -lm > $dir/log 2>&1 \
            || { bad "builds: $job: $program"; return 1; }
    done
}
run() { # run JOB ROWS COMMAND...: the tests, the first with cases of these rows, and bytes.c
    job=$1
    rows=$2
    shift 2
    for program in $TESTS; do
        quick=
        case $program in test_trellis | test_kernels_lattice) quick=1 ;; esac # minutes less under qemu, the same kernels
        if ! QUICK=$quick limited "$@" $dir/$program > $dir/log 2>&1 || ! grep -q '^1\.\.' $dir/log; then
            bad "$job: $program"
        elif test $program = test_kernels; then
            for row in $rows; do
                line=$(grep "^ok .*kernels of $row (" $dir/log)
                if test -n "$line"; then ok "$job: ${line#*- }"; else bad "$job: kernels of $row"; fi
            done
        else
            ok "$job: $program: $(grep -c '^ok .*[0-9] expectations)$' $dir/log) cases"
        fi
    done
    same "$job" "$@"
}
same() { # same JOB COMMAND...: bytes.c
    job=$1
    shift
    limited "$@" $dir/bytes > $dir/bytes.txt 2> $dir/log && diff $dir/scalar.txt $dir/bytes.txt > $dir/log 2>&1 \
        && ok "$job: same bytes as the scalar kernels here" || bad "$job: same bytes as the scalar kernels here"
}

# the reference: the scalar kernels of this machine
native=$($CC -march=native -x c -c -o /dev/null /dev/null 2>/dev/null && echo -march=native)
if $CC -std=c99 -O2 $native -o $dir/scalar bytes.c -lm > $dir/log 2>&1 && HRQ_ISA=scalar limited $dir/scalar > $dir/scalar.txt 2> $dir/log; then
    ok "bytes of the scalar kernels: $(wc -l < $dir/scalar.txt) checksums"
else
    bad "bytes of the scalar kernels"
fi

case $1 in
simde)
    if ! printf '#include <simde/arm/neon.h>\n' | $CC -E -x c - > /dev/null 2>&1; then
        skip "kernels through SIMDe" "no SIMDe: apt-get install libsimde-dev"
    elif ! cpu fma || ! cpu f16c; then
        skip "kernels through SIMDe" "this machine has no FMA and F16C"
    else
        build "SIMDe NEON" "$CC" -w -mfma -mf16c -DHRQ_SIMDE_NEON && run "SIMDe NEON" "neon neon_dotprod" env
        build "SIMDe AVX2" "$CC" -w -mfma -mf16c -mno-avx2 -DHRQ_SIMDE_AVX2 && run "SIMDe AVX2" avx2 env
        # -O1: at -O2 GCC 12 gives other bytes for arguments of 64 bytes, but where its interprocedural passes are off
        if cpu avx2; then
            build "SIMDe AVX-512" "$CC" -w -O1 -mavx2 -mfma -mf16c -DHRQ_SIMDE_AVX512 -include simde_avx512.h \
                && run "SIMDe AVX-512" "avx2vnni avx512 avx512vnni" env
        else
            skip "AVX-512 through SIMDe" "this machine has no AVX2"
        fi
        echo "# neon_i8mm: not through SIMDe, whose vmmlaq_s32 is younger; make qemu runs it"
    fi ;;
aarch64)
    if ! has "$CROSS"; then
        skip "kernels of AArch64" "no $CROSS: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
    elif ! has qemu-aarch64; then
        skip "kernels of AArch64" "no qemu-aarch64: apt-get install qemu-user"
    elif build "AArch64" "$CROSS" -static $WARN; then
        run "qemu-aarch64 -cpu max" "neon neon_dotprod neon_i8mm" qemu-aarch64 -cpu max
        run "qemu-aarch64 -cpu neoverse-n1" "neon neon_dotprod" qemu-aarch64 -cpu neoverse-n1
        run "qemu-aarch64 -cpu cortex-a53" "neon" qemu-aarch64 -cpu cortex-a53
        if "$CROSS" -static -std=c99 -O2 $WARN -DHRQ_NO_NEON -o $dir/bytes bytes.c -lm > $dir/log 2>&1; then
            same "AArch64 with HRQ_NO_NEON" qemu-aarch64 -cpu max
        else
            bad "builds without a warning: AArch64 with HRQ_NO_NEON"
        fi
    fi ;;
x86_64)
    if ! has qemu-x86_64; then
        skip "AVX2 under qemu-x86_64" "no qemu-x86_64: apt-get install qemu-user"
    elif ! $CC -dM -E -x c /dev/null | grep -q __x86_64__; then
        skip "AVX2 under qemu-x86_64" "$CC makes no x86-64 programs"
    elif build "x86-64" "$CC"; then
        run "qemu-x86_64 -cpu max" avx2 env HRQ_ISA=avx2 qemu-x86_64 -cpu max
    fi ;;
esac
echo "1..$n"
exit $failed
