/*
 * Chance that is ours, when the clock's page asks for it: random bytes come from the episode's
 * seed.  What programs make of the time of day comes from the page's clocks.
 * Who opens a file asks chance_open first (pad/opens.c), who reads one chance_go_on after it.
 */
#include "../clock/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEVICE_BYTES = 1 << 16, DEVICE_MODE = 01604, DEVICE_SEALS = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL };

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

/*
 * In place of the device stands a file in memory: poll, dup and fork do with it what they do with
 * any.  When it has been read to its end, whoever reads on finds new bytes in it.  What it is, it
 * bears on itself, so that it is known by any number.
 */
static bool fill(int fd)
{
    char bytes[1024];

    for (int64_t at = 0; at < DEVICE_BYTES; at += (int64_t)sizeof bytes) {
        chance_bytes(bytes, sizeof bytes);
        if (pwrite(fd, bytes, sizeof bytes, (off_t)at) != (ssize_t)sizeof bytes)
            return false;
    }
    return true;
}

static bool is_device(int fd)
{
    struct stat info;

    return fstat(fd, &info) == 0 && info.st_mode == (S_IFREG | DEVICE_MODE) && info.st_nlink == 0
        && info.st_size == DEVICE_BYTES && fcntl(fd, F_GET_SEALS) == DEVICE_SEALS;
}

static _Atomic bool opened; /* by this program: until then nobody has to look */

static bool names_device(const char *path)
{
    return path && (strcmp(path, "/dev/urandom") == 0 || strcmp(path, "/dev/random") == 0)
        && clock_asked(ASKED_CHANCE);
}

/* A descriptor of random bytes of ours in place of the device; -1: open what was asked for. */
int chance_open(const char *path, int flags)
{
    int before = errno, fd;

    if (!names_device(path) || (flags & O_ACCMODE) == O_WRONLY || flags & (O_PATH | O_DIRECTORY))
        return -1;
    fd = memfd_create("random", MFD_ALLOW_SEALING | (flags & O_CLOEXEC ? MFD_CLOEXEC : 0u));
    if (fd >= 0
        && (!fill(fd) || fchmod(fd, DEVICE_MODE) != 0 || fcntl(fd, F_ADD_SEALS, DEVICE_SEALS) != 0)) {
        close(fd);
        fd = -1;
    }
    opened = opened || fd >= 0;
    errno = before;
    return fd;
}

/* Of a read that gave `got` bytes: a device of chance gives all that it is asked for. */
ssize_t chance_go_on(int fd, void *to, size_t size, ssize_t got)
{
    int before = errno;

    if (!opened || got < 0 || (size_t)got >= size || !is_device(fd)) {
        errno = before;
        return got;
    }
    while ((size_t)got < size) {
        long more;

        if (clock_inside) { /* a handler of who fills it: it is not waited for */
            lseek(fd, 0, SEEK_SET);
        } else {
            clock_enter(LOCK_CHANCE); /* of several who stand at the end one fills it */
            if (lseek(fd, 0, SEEK_CUR) >= DEVICE_BYTES && fill(fd))
                lseek(fd, 0, SEEK_SET);
            clock_leave(LOCK_CHANCE);
        }
        more = clock_raw(SYS_read, fd, (long)((char *)to + got), (long)(size - (size_t)got), 0, 0, 0);
        if (more <= 0 && more != -EINTR)
            break;
        got += more > 0 ? more : 0;
    }
    errno = before;
    return got;
}

static ssize_t read_stream(void *fd, char *to, size_t size)
{
    (void)fd;
    return chance_bytes(to, size) ? (ssize_t)size : -1;
}

/* Who adds to the kernel's chance adds nothing to ours. */
static ssize_t write_stream(void *fd, const char *from, size_t size)
{
    (void)fd;
    (void)from;
    return (ssize_t)size;
}

static int close_stream(void *fd)
{
    return close((int)(intptr_t)fd);
}

/* The C library's streams read past us: this one asks us.  It has the descriptor as its number,
 * which is what C++ reads from. */
FILE *chance_open_stream(const char *path, const char *mode)
{
    const cookie_io_functions_t calls
        = { .read = read_stream, .write = write_stream, .close = close_stream };
    int fd = -1;
    FILE *stream;

    if (mode[0] == 'r')
        fd = chance_open(path, strchr(mode, 'e') ? O_RDONLY | O_CLOEXEC : O_RDONLY);
    if (fd < 0)
        return NULL;
    stream = fopencookie((void *)(intptr_t)fd, mode, calls);
    if (stream)
        stream->_fileno = fd;
    else
        close(fd);
    return stream;
}
