// kernels.c: the kernel table, and behind it every kernel, as an object that all programs compiled with HRQ__TABLE_APART
// share: the kernels take a compiler three times as long as the rest of the library.

#define hrq__kernel_table own_table
#define hrq__kernel_rows  own_rows
#define hrq__isa_have     own_have
#define HRQ_STATIC
#include "../hrq.h"
#undef hrq__kernel_table
#undef hrq__kernel_rows
#undef hrq__isa_have

extern const hrq__kernels *const hrq__kernel_table;
extern const size_t hrq__kernel_rows;
unsigned hrq__isa_have(void);

const hrq__kernels *const hrq__kernel_table = own_table;
const size_t hrq__kernel_rows = sizeof own_table / sizeof own_table[0];
unsigned hrq__isa_have(void) { return own_have(); }
