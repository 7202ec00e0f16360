#!/bin/sh
# builds.sh: hrq.h with every compiler, standard and option that is here, as TAP. LONG=1: other optimisation levels and
# sanitized runs of bytes.c, beside the first build. What is not installed is skipped by name.
cd "$(dirname "$0")" || exit 1
CC=${CC:-cc}
dir=build/builds
mkdir -p $dir
WARN="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Werror"
n=0
failed=0

ok() { n=$((n + 1)); echo "ok $n - $1"; }
bad() { n=$((n + 1)); failed=1; echo "not ok $n - $1"; test -f $dir/log && sed 's/^/# /' $dir/log | head -n 15; }
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }
has() { command -v "$1" >/dev/null 2>&1; }
try() { # try NAME COMMAND...: the command must succeed
    name=$1
    shift
    if "$@" > $dir/log 2>&1; then ok "$name"; else bad "$name"; fi
}
refuse() { # refuse NAME TEXT COMMAND...: the command must fail, saying TEXT
    name=$1
    text=$2
    shift 2
    if "$@" > $dir/log 2>&1; then bad "$name"; elif grep -q "$text" $dir/log; then ok "$name"; else bad "$name"; fi
}
package() { case $1 in g++) echo g++ ;; clang*) echo clang ;; *) echo gcc ;; esac; }
native() { $1 -march=native -x c -c -o /dev/null /dev/null 2>/dev/null && echo -march=native; }
limited() { if has timeout; then timeout 120 "$@"; else "$@"; fi; }
echo 'int main(void){return 0;}' > $dir/n.c

# ---- one file, declarations alone and twice ----

printf '#include "../../../hrq.h"\n#include "../../../hrq.h"\nint use(void);\nint use(void) { return HRQ_OK; }\n' > $dir/decl.c
for build in "gcc -std=c99" "clang -std=c99" "g++ -std=c++17 -x c++" "clang++ -std=c++17 -x c++" "g++ -std=c++11 -x c++"; do
    cc=${build%% *}
    if ! has "$cc"; then skip "declarations: $build" "no $cc: apt-get install $(package "$cc")"; continue; fi
    # shellcheck disable=SC2086
    try "declarations, warnings as errors: $build" $build -O0 $WARN -c $dir/decl.c -o $dir/decl.o
done

# ---- the same bytes from every build, all warnings as errors ----

BUILDS="gcc -std=c99 -O0
gcc -std=c99 -O3 NATIVE
gcc -std=gnu99 -O2 NATIVE -ffp-contract=fast
clang -std=c99 -O0
clang -std=c99 -O3 NATIVE
gcc -std=c99 -O2 NATIVE -DHRQ_NO_SIMD
gcc -std=c99 -O2 -DHRQ_NO_AVX512
clang -std=c99 -O2 NATIVE -DHRQ_NO_AVX2
g++ -std=c++17 -O2 NATIVE -x c++
clang++ -std=c++17 -O1 -x c++"
# MemorySanitizer takes what AVX-512 stores by mask for not written: scalar kernels
test "$LONG" = 1 && BUILDS="gcc -std=c99 -O0
gcc -std=c99 -O1
gcc -std=c99 -Os NATIVE
gcc -std=c11 -O2
gcc -std=c99 -O2 -march=x86-64-v3
clang -std=gnu99 -O2 NATIVE
clang -std=c99 -Os
clang++ -std=c++17 -O3 NATIVE -x c++
g++ -std=c++20 -O0 -x c++
gcc -std=c99 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all
clang -std=c99 -O0 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all
clang -std=c99 -O1 -g -fsanitize=memory -fno-sanitize-recover=all -DHRQ_NO_SIMD"
rm -f $dir/first $dir/first.*
first=
i=0
IFS='
'
for build in $BUILDS; do
    IFS=' '
    i=$((i + 1))
    cc=${build%% *}
    if ! has "$cc"; then skip "bytes: $build" "no $cc: apt-get install $(package "$cc")"; continue; fi
    command=$(echo "$build" | sed "s/NATIVE/$(native "$cc")/")
    case $build in
    *sanitize*)
        kind=$(echo "$build" | sed 's/.*\(-fsanitize=[a-z,]*\).*/\1/')
        if ! $cc "$kind" -o $dir/n.out $dir/n.c > $dir/log 2>&1 || ! $dir/n.out; then
            skip "bytes: $build" "no runtime: apt-get install libclang-rt-14-dev"
            continue
        fi ;;
    *x86-64-v3*)
        if ! $cc -march=x86-64-v3 -o $dir/n.out $dir/n.c > $dir/log 2>&1 || ! grep -q avx2 /proc/cpuinfo 2>/dev/null; then
            skip "bytes: $build" "this machine is no x86-64-v3"
            continue
        fi ;;
    esac
    # shellcheck disable=SC2086
    warn=$WARN
    case $build in *sanitize*) warn= ;; esac # gcc sees conversions in its own instrumented code
    if ! $command $warn -o $dir/bytes$i bytes.c -lm > $dir/log 2>&1; then bad "builds without a warning: $build"; continue; fi
    ok "builds without a warning: $build"
    if ! limited ./$dir/bytes$i > $dir/bytes$i.txt 2> $dir/log; then bad "runs: $build"; continue; fi
    if test -z "$first"; then first=$i; ok "runs, $(wc -l < $dir/bytes$i.txt) checksums: $build"; continue; fi
    diff $dir/bytes$first.txt $dir/bytes$i.txt > $dir/log 2>&1 && ok "same bytes: $build" || bad "same bytes: $build"
done
unset IFS
rm -f $dir/log
if test "$LONG" = 1; then
    echo "1..$n"
    exit $failed
fi

last=2
test -x $dir/bytes$last || last=1
if test -x $dir/bytes$last; then
    for rows in 1 5 16 36; do
        limited ./$dir/bytes$last $rows > $dir/rows.txt && diff $dir/bytes$last.txt $dir/rows.txt > $dir/log 2>&1 \
            && ok "same bytes: $rows rows at a time" || bad "same bytes: $rows rows at a time"
    done
    HRQ_ISA=scalar ./$dir/bytes$last > $dir/rows.txt && diff $dir/bytes$last.txt $dir/rows.txt > $dir/log 2>&1 \
        && ok "same bytes: HRQ_ISA=scalar" || bad "same bytes: HRQ_ISA=scalar"
fi

# ---- one program: implementation, a user, and a private copy ----

cat > $dir/impl.c <<'END'
#define HRQ_IMPLEMENTATION
#include "../../../hrq.h"
END
cat > $dir/user.c <<'END'
#include "../../../hrq.h"
#ifdef __cplusplus
extern "C"
#endif
int hrq_private_text(void);
int main(void)
{
    hrq_format f;
    return hrq_format_parse(&f, "int4:g64+had") != HRQ_OK || hrq_mat_bytes(&f, 4, 64) == 0 || hrq_private_text() != 7;
}
END
cat > $dir/private.c <<'END'
#define HRQ_STATIC
#include "../../../hrq.h"
#ifdef __cplusplus
extern "C" {
#endif
int hrq_private_text(void);
int hrq_private_text(void)
{
    float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    return hrq_hadamard(x, 1, 8, 8, 1, 0) == HRQ_OK && hrq_isa_limit("scalar") == HRQ_OK && hrq_isa_text()[0] == 's' ? 7 : 0;
}
#ifdef __cplusplus
}
#endif
END
link_c() { # the static copy uses a part of the library only: what it does not use may stay
    $CC -std=c99 -O0 $WARN -c $dir/impl.c -o $dir/impl.o && $CC -std=c99 -O0 $WARN -c $dir/user.c -o $dir/user.o &&
        $CC -std=c99 -O0 $WARN -c $dir/private.c -o $dir/private.o && $CC -o $dir/linked $dir/impl.o $dir/user.o $dir/private.o -lm && ./$dir/linked
}
link_cpp() {
    g++ -std=c++17 -x c++ -O0 $WARN -c $dir/user.c -o $dir/user_cpp.o && g++ -std=c++17 -x c++ -O0 $WARN -c $dir/private.c -o $dir/private_cpp.o &&
        g++ -o $dir/linked_cpp $dir/impl.o $dir/user_cpp.o $dir/private_cpp.o -lm && ./$dir/linked_cpp
}
try "implementation, user and HRQ_STATIC copy in one C program" link_c
if has g++; then try "the same, C implementation under C++ users" link_cpp; else skip "C++ program" "no g++: apt-get install g++"; fi

# ---- symbols ----

symbols() {
    nm -g --defined-only $dir/impl.o | awk 'NF >= 3 && $3 !~ /^_?hrq_[a-z0-9]/ { print "stray " $3; bad = 1 } NF >= 3 && $3 ~ /^_?hrq__/ { print "private " $3; bad = 1 } END { exit bad }'
}
static_symbols() { nm -g --defined-only $dir/private.o | awk 'NF >= 3 && $3 !~ /hrq_private_text$/ { print "stray " $3; bad = 1 } END { exit bad }'; }
every_declaration() { # what is declared is defined
    nm -g --defined-only $dir/impl.o | awk 'NF >= 3 { print $3 }' | sed 's/^_h/h/' | sort > $dir/defined
    sed '/ifdef HRQ_IMPLEMENTATION\|defined(HRQ_IMPLEMENTATION)/,$d' ../hrq.h | grep '^HRQ_API' | sed 's/(.*//; s/.*[ *]\(hrq_[a-z0-9_]*\)$/\1/' | sort > $dir/declared
    diff $dir/declared $dir/defined
}
nostd_symbols() { ! nm -u $dir/nostd.o | grep -w 'malloc\|free\|getenv\|calloc\|realloc\|printf\|fprintf\|abort\|exit'; }
if has nm; then
    try "nm: only hrq_ names, none private" symbols
    try "nm: an HRQ_STATIC copy exports nothing" static_symbols
    try "nm: every declaration is defined, nothing else" every_declaration
else
    skip "nm" "no nm: apt-get install binutils"
fi

# ---- options ----

cat > $dir/nostd.c <<'END'
#include <stddef.h>
void *my_malloc(size_t bytes);
void my_free(void *block);
#define HRQ_NO_STDLIB
#define HRQ_MALLOC(bytes) my_malloc(bytes)
#define HRQ_FREE(block) my_free(block)
#define HRQ_IMPLEMENTATION
#include "../../../hrq.h"
static union { double align; unsigned char bytes[1 << 20]; } arena;
static size_t taken;
int calls, frees;
extern int calls, frees;
void *my_malloc(size_t bytes)
{
    void *p = arena.bytes + taken;
    calls++;
    taken += (bytes + 15) / 16 * 16;
    return taken <= sizeof arena.bytes ? p : NULL;
}
void my_free(void *block) { frees += block != NULL; }
int main(void)
{
    float x[64], y[64];
    unsigned char data[4096];
    hrq_format f;
    hrq_mat m;
    int i;
    for (i = 0; i < 64; i++) x[i] = (float)(i % 7 - 3);
    if (hrq_format_parse(&f, "int8+had") || hrq_mat_init(&m, &f, 1, 64, 3, data, sizeof data) || hrq_mat_encode(&m, 0, 1, x, 64, NULL)) return 1;
    if (calls != 1 || frees != 1) return 2;
    if (hrq_matmul(&m, HRQ_ACT_INT8, x, 1, 64, y, 1, NULL)) return 3;
    return calls != 2 || frees != 2;
}
END
printf '#define HRQ_NO_STDLIB\n#define HRQ_IMPLEMENTATION\n#include "../../../hrq.h"\n' > $dir/nomem.c
nostd() { $CC -std=c99 -O0 $WARN -c $dir/nostd.c -o $dir/nostd.o && $CC -o $dir/nostd $dir/nostd.o -lm && ./$dir/nostd; }
try "HRQ_NO_STDLIB with HRQ_MALLOC and HRQ_FREE of one's own, and they are what is called" nostd
has nm && try "HRQ_NO_STDLIB: no malloc, free, getenv, output or exit" nostd_symbols
try "HRQ_NO_STDLIB alone" $CC -std=c99 -O0 $WARN -c $dir/nomem.c -o $dir/nomem.o
without() { # without OPTION KERNELS: nothing of these is in the object
    $CC -std=c99 -O0 $WARN "-D$1" -c $dir/impl.c -o $dir/without.o && ! nm $dir/without.o | grep "hrq__.*_\($2\)"
}
if has nm; then
    try "HRQ_NO_SIMD: no kernel but the scalar ones" without HRQ_NO_SIMD 'avx2\|avx512\|vnni\|neon'
    try "HRQ_NO_AVX512: no kernel of AVX-512" without HRQ_NO_AVX512 'avx512\|vnni'
    try "HRQ_NO_AVX2: none of AVX-512 either" without HRQ_NO_AVX2 'avx2\|avx512\|vnni'
fi
refuse "HRQ_MALLOC without HRQ_FREE is refused" "define HRQ_MALLOC and HRQ_FREE together" $CC -std=c99 "-DHRQ_MALLOC(x)=NULL" -c $dir/impl.c -o $dir/x.o
refuse "-ffast-math is refused" "ffast-math" $CC -std=c99 -ffast-math -c $dir/impl.c -o $dir/x.o

echo "1..$n"
exit $failed
