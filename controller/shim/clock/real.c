/*
 * Past everything that is defined here: system calls made without the C library, its real
 * functions, the true clock, waiting for words in memory, and a lock of them.
 */
#include "clock.h"
#include "../true_calls.h"
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <link.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where functions were first given these versions, by the kind of machine. */
#if defined __x86_64__
#define OLDEST "GLIBC_2.2.5"
#define CONDITIONS "GLIBC_2.3.2"
#elif defined __i386__
#define OLDEST "GLIBC_2.0"
#define CONDITIONS "GLIBC_2.3.2"
#elif defined __aarch64__
#define OLDEST "GLIBC_2.17"
#define CONDITIONS "GLIBC_2.17"
#else
#define OLDEST "GLIBC_2.4"
#define CONDITIONS "GLIBC_2.4"
#endif

/* The C library's own dlsym; ours answers for others (doors.c). */
clock_lookup *clock_real_dlsym(void)
{
    static _Atomic(clock_lookup *) real;
    clock_lookup *found = real;

    if (!found) {
        void *symbol = dlvsym(RTLD_NEXT, "dlsym", __GLIBC_PREREQ(2, 34) ? "GLIBC_2.34" : OLDEST);

        if (!symbol) /* built elsewhere */
            symbol = dlvsym(RTLD_NEXT, "dlsym", __GLIBC_PREREQ(2, 34) ? OLDEST : "GLIBC_2.34");
        memcpy(&found, &symbol, sizeof symbol);
        real = found;
    }
    return found;
}

void *clock_dlsym(void *handle, const char *name)
{
    clock_lookup *real = clock_real_dlsym();

    return real ? real(handle, name) : NULL;
}

long clock_raw(long number, long a, long b, long c, long d, long e, long f)
{
    return true_call(number, a, b, c, d, e, f);
}

void *clock_real(void *_Atomic *kept, const char *name)
{
    void *found = *kept;

    if (found)
        return found;
    /* Plain dlsym takes the oldest version there is: conditions of another layout. */
    if (strncmp(name, "pthread_cond_", 13) == 0)
        found = dlvsym(RTLD_NEXT, name, CONDITIONS);
    if (!found)
        found = clock_dlsym(RTLD_NEXT, name);
    *kept = found;
    return found;
}

struct wanted {
    const char *part;
    int count;
    char paths[8][512];
};

static int look(struct dl_phdr_info *info, size_t size, void *about)
{
    struct wanted *wanted = about;
    const char *file = strrchr(info->dlpi_name, '/');

    (void)size;
    if (file && strstr(file, wanted->part) && strlen(info->dlpi_name) < sizeof wanted->paths[0])
        strcpy(wanted->paths[wanted->count++], info->dlpi_name);
    return wanted->count == 8;
}

/* Also in libraries that the global search does not see, as those of plugins. */
void *clock_find(const char *name, const char *part_of_library)
{
    struct wanted wanted = { .part = part_of_library };
    void *found = clock_dlsym(RTLD_NEXT, name);

    if (found)
        return found;
    dl_iterate_phdr(look, &wanted);
    for (int i = 0; i < wanted.count && !found; i++) {
        void *library = dlopen(wanted.paths[i], RTLD_LAZY | RTLD_NOLOAD); /* kept: it is called */

        found = library ? clock_dlsym(library, name) : NULL;
    }
    return found;
}

/* The name of its file, without the folder; "" for one of no library. */
const char *clock_file_of(void *found)
{
    Dl_info info;
    const char *file;

    if (!found || !dladdr(found, &info) || !info.dli_fname)
        return "";
    file = strrchr(info.dli_fname, '/');
    return file ? file + 1 : info.dli_fname;
}

/* The C library's own, whatever else is preloaded, or the kernel.  An allocator may ask for the
 * time while it is set up: nothing here allocates, as dlopen would, and a failed look-up. */
ns clock_true_of(clockid_t id)
{
    typedef int read(clockid_t, struct timespec *);
    static _Atomic(read *) real;
    static _Atomic bool looked;
    read *found = real;
    struct timespec at;

    if (!looked) {
        void *symbol = clock_dlsym(RTLD_NEXT, "clock_gettime");

        if (strncmp(clock_file_of(symbol), "libc.so", 7) == 0) {
            memcpy(&found, &symbol, sizeof symbol);
            real = found;
        }
        looked = true;
    }
    if (found ? found(id, &at) : clock_raw(SYS_clock_gettime, id, (long)&at, 0, 0, 0, 0))
        return 0;
    return nanoseconds(&at);
}

ns clock_true(void)
{
    return clock_true_of(CLOCK_MONOTONIC);
}

/* Returns after a wake, a change of the word, a signal, or so many true nanoseconds. */
int clock_wait_word_errno(_Atomic uint32_t *word, uint32_t value, ns timeout)
{
    struct timespec span = timespec_of(timeout < 0 ? 0 : timeout);
    long result = clock_raw(
        SYS_futex, (long)word, FUTEX_WAIT, (long)value, timeout == FOREVER ? 0 : (long)&span, 0, 0);

    return result < 0 ? (int)-result : 0;
}

void clock_wait_word(_Atomic uint32_t *word, uint32_t value, ns timeout)
{
    clock_wait_word_errno(word, value, timeout);
}

void clock_wake_word(_Atomic uint32_t *word)
{
    clock_raw(SYS_futex, (long)word, FUTEX_WAKE, INT_MAX, 0, 0, 0);
}

/* Of all that several threads may change: forgotten as one in a child of fork. */
static _Atomic uint32_t locks[LOCKS];

/* A signal handler of the game's may come while its thread is in here: its calls are real. */
void clock_enter(enum lock lock)
{
    clock_inside++;
    clock_lock(&locks[lock]);
}

void clock_leave(enum lock lock)
{
    clock_unlock(&locks[lock]);
    clock_inside--;
}

void clock_forget_locks(void)
{
    for (int i = 0; i < LOCKS; i++)
        locks[i] = 0;
}

bool clock_try_lock(_Atomic uint32_t *lock)
{
    uint32_t free = 0;

    return atomic_compare_exchange_strong(lock, &free, 1);
}

void clock_lock(_Atomic uint32_t *lock)
{
    if (clock_try_lock(lock))
        return;
    while (atomic_exchange(lock, 2) != 0)
        clock_wait_word(lock, 2, FOREVER);
}

void clock_unlock(_Atomic uint32_t *lock)
{
    if (atomic_exchange(lock, 0) == 2)
        clock_wake_word(lock);
}
