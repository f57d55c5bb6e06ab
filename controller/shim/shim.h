/*
 * What the parts of the preloaded library share.
 *
 * It must never harm a program: without a page nothing here does anything, and whatever
 * goes wrong, the call that the program made is passed on.  The functions of the C library
 * that we stand in front of are looked up once: when this library starts, or when another
 * one, which starts earlier, calls one of them.  Not so those few that an allocator calls in
 * its first breath: a look-up may allocate, so that until then they are system calls.
 */
#ifndef NITROPILOT_SHIM_H
#define NITROPILOT_SHIM_H

#include "promises.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "true_calls.h"

#define EXPORT __attribute__((visibility("default")))

/* Older programs call these; newer headers have forgotten them. */
EXPORT int __xstat(int version, const char *path, struct stat *info);
EXPORT int __lxstat(int version, const char *path, struct stat *info);
EXPORT int __fxstat(int version, int fd, struct stat *info);
EXPORT int __fxstatat(int version, int at, const char *path, struct stat *info, int flags);
EXPORT int __xstat64(int version, const char *path, struct stat64 *info);
EXPORT int __lxstat64(int version, const char *path, struct stat64 *info);
EXPORT int __fxstat64(int version, int fd, struct stat64 *info);
EXPORT int __fxstatat64(int version, int at, const char *path, struct stat64 *info, int flags);

#define REAL_CALLS(X) \
    X(openat) X(fopen) X(fopen64) X(dlopen) \
    X(opendir) X(readdir) X(readdir64) X(scandir) X(scandir64) \
    X(stat) X(stat64) X(lstat) X(lstat64) X(fstat) X(fstat64) X(fstatat) X(fstatat64) X(statx) \
    X(__xstat) X(__xstat64) X(__lxstat) X(__lxstat64) X(__fxstat) X(__fxstat64) \
    X(__fxstatat) X(__fxstatat64) \
    X(access) X(faccessat) X(euidaccess) X(readlink) X(realpath) X(inotify_add_watch) \
    X(read) X(readv) X(ioctl)

struct real_calls {
#define X(name) __typeof__(name) *name;
    REAL_CALLS(X)
#undef X
};

extern struct real_calls real; /* all NULL until they are looked up */

/* ---- The page, shared with controller/pads/pad_page.py: change both and the version. ---- */

enum { PAGE_VERSION = 3, PAGE_BYTES = 4096, CELLS = 4 };
enum { ERROR_NO_DESCRIPTOR = 1, ERROR_NO_THREAD = 2 };

/*
 * A state is four cells, each written and read as one 64-bit word together with the
 * number of the write it belongs to.  Four equal numbers make a whole state, in
 * whatever order the processor moves the words, and a writer that dies in between
 * blocks nobody.
 */
struct cell {
    uint32_t stamp;
    int16_t values[2];
};

struct page {
    char magic[8];
    uint32_t version;
    uint32_t unused[13];
    _Atomic uint64_t cells[CELLS]; /* left stick, right stick, triggers, buttons */
    _Atomic uint64_t expires; /* of this state, in nanoseconds of CLOCK_MONOTONIC */
    _Atomic uint32_t plugged; /* 0: no pad; another number is another time of being plugged */
    uint32_t unused_too[5];
    _Atomic uint32_t attached; /* from here on written by the game */
    _Atomic uint32_t pid;
    _Atomic uint32_t error;
    uint32_t unused_last;
    _Atomic uint64_t polls;
};

_Static_assert(sizeof(struct cell) == sizeof(uint64_t), "a cell is one atomic word");
_Static_assert(offsetof(struct page, cells) == 64, "layout of pad_page.py");
_Static_assert(offsetof(struct page, expires) == 96, "layout of pad_page.py");
_Static_assert(offsetof(struct page, plugged) == 104, "layout of pad_page.py");
_Static_assert(offsetof(struct page, attached) == 128, "layout of pad_page.py");
_Static_assert(offsetof(struct page, polls) == 144, "layout of pad_page.py");

extern struct page *page; /* NULL: the game runs without our pad */

void load_real_calls(void); /* real_calls.c */

/* At the head of a function that stands in front of `name`. */
#define NEED(name, failed) \
    do { \
        if (!real.name) \
            load_real_calls(); \
        if (!real.name) { \
            errno = ENOSYS; \
            return failed; \
        } \
    } while (0)

void map_page(void); /* pad/page.c, when the library starts */
void prepare_readers(void); /* pad/readers.c, then as well */
void complain(uint32_t code, const char *what, const char *detail);

/* chance/chance.c: a descriptor in place of the kernel's chance, -1 for any other name. */
int chance_open(const char *path, int flags);
FILE *chance_open_stream(const char *path, const char *mode); /* NULL for any other name */
ssize_t chance_go_on(int fd, void *to, size_t size, ssize_t got);

/* clock/doors.c: a library is loaded that finds the C library before it finds us. */
void clock_is_passed_by(void);

/* ---- The pad, for whoever decides when the game sees what. ---- */

/*
 * Bring what readers find in their descriptors up to date with the page.  To be called
 * before a read or a wait of the game's own; costs nothing while nobody has the pad open.
 * Under pad_hold only what is owed from the last push is delivered.
 */
void pad_refresh(void);

/*
 * From now on (true) the pad changes at pad_push and at no other time, for a game that
 * goes by frames.
 */
void pad_hold(bool held);

/* Take the state of the page at this moment, and deliver it.  Expiry is by the true clock. */
void pad_push(void);

/* Nanoseconds that events bear, of one of the game's clocks; whoever gives the game a clock
 * of its own puts another function here. */
extern uint64_t (*pad_event_time)(clockid_t id);

#endif
