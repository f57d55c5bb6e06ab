/*
 * Chance that is ours, when the clock's page asks for it: random bytes come from the episode's
 * seed.  What programs make of the time of day comes from the page's clocks.
 * Who opens a file asks chance_open first (pad/opens.c).
 */
#include "../clock/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEVICE_BYTES = 1 << 16 };

/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static uint64_t next(void)
{
    static _Atomic uint64_t drawn;
    uint64_t word = clock_page->seed + UINT64_C(0x9e3779b97f4a7c15) * ++drawn;

    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}

/* False: chance is not ours. */
bool chance_bytes(void *to, size_t size)
{
    char *at = to;

    if (!clock_asked(ASKED_CHANCE))
        return false;
    clock_use(USED_CHANCE);
    while (size) {
        uint64_t word = next();
        size_t part = size < sizeof word ? size : sizeof word;

        memcpy(at, &word, part);
        at += part;
        size -= part;
    }
    return true;
}

EXPORT ssize_t getrandom(void *to, size_t size, unsigned flags)
{
    if (chance_bytes(to, size))
        return (ssize_t)size;
    return REAL(getrandom)(to, size, flags);
}

EXPORT int getentropy(void *to, size_t size)
{
    if (size <= 256 && chance_bytes(to, size))
        return 0;
    return REAL(getentropy)(to, size);
}

static uint32_t number(void)
{
    uint32_t drawn = 0;

    if (!chance_bytes(&drawn, sizeof drawn)
        && clock_raw(SYS_getrandom, (long)&drawn, sizeof drawn, 0, 0, 0, 0) < 0)
        drawn = (uint32_t)clock_true();
    return drawn;
}

/* glibc 2.36 has these, libbsd before it. */
EXPORT uint32_t arc4random(void)
{
    return number();
}

EXPORT void arc4random_buf(void *to, size_t size)
{
    char *at = to;

    if (chance_bytes(to, size))
        return;
    while (size) {
        long got = clock_raw(SYS_getrandom, (long)at, (long)size, 0, 0, 0, 0);

        if (got > 0) {
            at += got;
            size -= (size_t)got;
        } else if (got != -EINTR) {
            return;
        }
    }
}

EXPORT uint32_t arc4random_uniform(uint32_t bound)
{
    uint32_t least = bound ? -bound % bound : 0, drawn;

    do
        drawn = number();
    while (drawn < least);
    return bound ? drawn % bound : 0;
}

/* std::random_device::_M_getval(): it would ask the processor. */
EXPORT unsigned clock_random_device(void *device) __asm__("_ZNSt13random_device9_M_getvalEv");
EXPORT unsigned clock_random_device(void *device)
{
    typedef unsigned get(void *);
    static void *_Atomic kept;
    unsigned drawn = 0;
    void *real;

    if (chance_bytes(&drawn, sizeof drawn))
        return drawn;
    real = clock_real(&kept, "_ZNSt13random_device9_M_getvalEv");
    if (!real)
        kept = real = clock_find("_ZNSt13random_device9_M_getvalEv", "libstdc++");
    return real ? (*(get **)&real)(device) : number();
}

/* A descriptor of random bytes of ours in place of the device; -1: open what was asked for. */
int chance_open(const char *path)
{
    static char bytes[DEVICE_BYTES];
    static _Atomic uint32_t lock;
    int fd;

    if (!path || (strcmp(path, "/dev/urandom") != 0 && strcmp(path, "/dev/random") != 0)
        || !clock_asked(ASKED_CHANCE))
        return -1;
    fd = memfd_create("random", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    clock_lock(&lock);
    chance_bytes(bytes, sizeof bytes);
    if (write(fd, bytes, sizeof bytes) != sizeof bytes || lseek(fd, 0, SEEK_SET) != 0) {
        close(fd);
        fd = -1;
    }
    clock_unlock(&lock);
    return fd;
}
