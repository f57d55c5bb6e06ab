/* The functions of the C library that this library stands in front of. */
#include "shim.h"

struct real_calls real;

static void find(void *place, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    memcpy(place, &found, sizeof found);
}

/* Who comes here while he is in here finds nothing, and has to do without. */
void load_real_calls(void)
{
    static atomic_flag loading = ATOMIC_FLAG_INIT;

    if (atomic_flag_test_and_set(&loading))
        return;
#define X(name) find(&real.name, #name);
    REAL_CALLS(X)
#undef X
    atomic_flag_clear(&loading);
}

/* Everything that has to be ready before the game's first call, in this order. */
__attribute__((constructor)) static void start(void)
{
    int before = errno;

    load_real_calls();
    map_page();
    if (page)
        prepare_readers();
    errno = before;
}
