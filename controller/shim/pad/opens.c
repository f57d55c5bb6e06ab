/* The names under which a program opens a file, a folder or a library. */
#include "pad.h"

#include <stdarg.h>

/* Before the library is loaded, and for one that the system's C library has not. */
static int pass_open(int at, const char *path, int flags, mode_t mode)
{
    if (!real.openat)
        return (int)answer(true_call(SYS_openat, at, (long)path, flags, (long)mode, 0, 0));
    return real.openat(at, path, flags, mode);
}

static __attribute__((noinline)) int open_elsewhere(int at, const char *path, int flags, mode_t mode)
{
    char room[LONGEST_PATH];

    if (is_device(at, path) && !(flags & (O_PATH | O_DIRECTORY))) {
        if (atomic_load(&page->plugged))
            return pad_open(flags);
        return (int)answer(-ENOENT);
    }
    return pass_open(at, redirected(path, room), flags, mode);
}

/* Nearly every name is none of ours: this costs them a comparison or two. */
static bool concerns_us(const char *path)
{
    const char *name;

    if (!path)
        return false;
    if (path[0] == '/')
        return strncmp(path, DEVICE_FOLDER, sizeof DEVICE_FOLDER - 1) == 0
            || (page && strncmp(path, pad_folder, strlen(pad_folder)) == 0);
    name = strrchr(path, '/');
    return page && strcmp(name ? name + 1 : path, DEVICE_NAME) == 0;
}

static int open_any(int at, const char *path, int flags, mode_t mode)
{
    const int chance = chance_open(path, flags);

    if (chance >= 0)
        return chance;
    return concerns_us(path) ? open_elsewhere(at, path, flags, mode)
                             : pass_open(at, path, flags, mode);
}

static bool makes_file(int flags)
{
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

#define READ_MODE(last, mode) \
    if (makes_file(flags)) { \
        va_list more; \
        va_start(more, last); \
        mode = va_arg(more, mode_t); \
        va_end(more); \
    }

EXPORT int open(const char *path, int flags, ...)
{
    mode_t mode = 0;

    READ_MODE(flags, mode)
    return open_any(AT_FDCWD, path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
    mode_t mode = 0;

    READ_MODE(flags, mode)
    return open_any(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

EXPORT int openat(int at, const char *path, int flags, ...)
{
    mode_t mode = 0;

    READ_MODE(flags, mode)
    return open_any(at, path, flags, mode);
}

EXPORT int openat64(int at, const char *path, int flags, ...)
{
    mode_t mode = 0;

    READ_MODE(flags, mode)
    return open_any(at, path, flags | O_LARGEFILE, mode);
}

/* What a program that was built with checks calls instead. */
EXPORT int __open_2(const char *path, int flags);
EXPORT int __open64_2(const char *path, int flags);
EXPORT int __openat_2(int at, const char *path, int flags);
EXPORT int __openat64_2(int at, const char *path, int flags);

EXPORT int __open_2(const char *path, int flags)
{
    return open_any(AT_FDCWD, path, flags, 0);
}

EXPORT int __open64_2(const char *path, int flags)
{
    return open_any(AT_FDCWD, path, flags | O_LARGEFILE, 0);
}

EXPORT int __openat_2(int at, const char *path, int flags)
{
    return open_any(at, path, flags, 0);
}

EXPORT int __openat64_2(int at, const char *path, int flags)
{
    return open_any(at, path, flags | O_LARGEFILE, 0);
}

/* ---- Streams and folders ---- */

/* A stream over the descriptor that we give out; anything else is the C library's matter. */
static __attribute__((noinline)) FILE *stream_elsewhere(
    const char *path, const char *mode, __typeof__(fopen) *pass)
{
    char room[LONGEST_PATH];
    FILE *stream;
    int fd;

    if (!is_device(AT_FDCWD, path))
        return pass(redirected(path, room), mode);
    fd = open_elsewhere(AT_FDCWD, path, strchr(mode, 'e') ? O_RDWR | O_CLOEXEC : O_RDWR, 0);
    stream = fd < 0 ? NULL : fdopen(fd, mode);
    if (fd >= 0 && !stream)
        close(fd);
    return stream;
}

static FILE *open_stream(const char *path, const char *mode, __typeof__(fopen) *pass)
{
    FILE *const chance = chance_open_stream(path, mode);

    if (chance)
        return chance;
    return concerns_us(path) ? stream_elsewhere(path, mode, pass) : pass(path, mode);
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
    NEED(fopen, NULL);
    return open_stream(path, mode, real.fopen);
}

EXPORT FILE *fopen64(const char *path, const char *mode)
{
    NEED(fopen64, NULL);
    return open_stream(path, mode, real.fopen64);
}

static __attribute__((noinline)) DIR *folder_elsewhere(const char *path)
{
    char room[LONGEST_PATH];

    return real.opendir(redirected(path, room));
}

EXPORT DIR *opendir(const char *path)
{
    NEED(opendir, NULL);
    return concerns_us(path) ? folder_elsewhere(path) : real.opendir(path);
}

/* The plain file that stands for the pad is a device to who asks. */
#define READDIR(name, entry_type) \
    EXPORT struct entry_type *name(DIR *folder) \
    { \
        struct entry_type *entry; \
        struct stat info; \
\
        NEED(name, NULL); \
        entry = real.name(folder); \
        if (entry && page && strcmp(entry->d_name, DEVICE_NAME) == 0 && entry->d_type == DT_REG \
            && real.fstat && real.fstat(dirfd(folder), &info) == 0 \
            && is_placeholder(info.st_dev, (ino_t)entry->d_ino)) \
            entry->d_type = DT_CHR; \
        return entry; \
    }

READDIR(readdir, dirent)
READDIR(readdir64, dirent64)

#define SCANDIR(name, entry_type) \
    static __attribute__((noinline)) int name##_elsewhere(const char *path, \
        struct entry_type ***found, int (*wanted)(const struct entry_type *), \
        int (*order)(const struct entry_type **, const struct entry_type **)) \
    { \
        char room[LONGEST_PATH]; \
\
        return real.name(redirected(path, room), found, wanted, order); \
    } \
    EXPORT int name(const char *path, struct entry_type ***found, \
        int (*wanted)(const struct entry_type *), \
        int (*order)(const struct entry_type **, const struct entry_type **)) \
    { \
        NEED(name, -1); \
        return concerns_us(path) ? name##_elsewhere(path, found, wanted, order) \
                                 : real.name(path, found, wanted, order); \
    }

SCANDIR(scandir, dirent)
SCANDIR(scandir64, dirent64)
