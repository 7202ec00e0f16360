// tap.h: a test program is a list of cases; each case is one TAP line, however many things it expects.
//
//     int main(void)
//     {
//         tap_begin("round trip of every format");
//         for (...) EXPECT(status == HRQ_OK, "%s: %s", name, hrq_status_text(status));
//         tap_end();
//         if (!file) tap_skip("real model", "no ../shared/data");
//         return tap_finish();
//     }
//
// A case fails where one expectation does; the first ten that do are shown as "# file:line: text".

#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
    const char *name;
    int cases, failed, skipped, expected, broken;
} tap;

static inline void tap_begin(const char *name)
{
    tap.name = name;
    tap.expected = tap.broken = 0;
}

static inline void tap_end(void)
{
    int bad = tap.broken > 0 || tap.expected == 0; /* a case that expects nothing cannot fail: that is a failure */
    tap.cases++;
    tap.failed += bad;
    printf("%sok %d - %s (%d expectations)\n", bad ? "not " : "", tap.cases, tap.name, tap.expected);
    if (tap.broken > 10) printf("# ... %d in all\n", tap.broken);
    fflush(stdout);
}

static inline void tap_skip(const char *name, const char *why)
{
    tap.cases++;
    tap.skipped++;
    printf("ok %d - %s # SKIP %s\n", tap.cases, name, why);
}

static inline int tap_finish(void)
{
    printf("1..%d\n", tap.cases);
    return tap.failed > 0;
}

#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
static inline int tap_expect(int holds, const char *file, int line, const char *format, ...)
{
    tap.expected++;
    if (!holds && ++tap.broken <= 10) {
        va_list args;
        va_start(args, format);
        printf("# %s:%d: ", file, line);
        vprintf(format, args);
        printf("\n");
        va_end(args);
    }
    return holds;
}

/* EXPECT(condition, "what was seen", ...): the text is printed where the condition does not hold. Its value is
   the condition's. */
#define EXPECT(condition, ...) tap_expect((condition) != 0, __FILE__, __LINE__, __VA_ARGS__)

#endif
