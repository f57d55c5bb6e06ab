/* What a program learns about a name or a descriptor without opening it. */
#include "pad.h"

#include <limits.h>
#include <sys/sysmacros.h>

static const mode_t device_mode = S_IFCHR | 0660;

static bool names_us(const char *path)
{
    const char *name = path ? strrchr(path, '/') : NULL;

    return path
        && (strncmp(path, DEVICE_FOLDER, sizeof DEVICE_FOLDER - 1) == 0
            || (page && strcmp(name ? name + 1 : path, DEVICE_NAME) == 0));
}

static bool is_client(int fd)
{
    bool found = false;

    if (hinted(fd) && pad_lock()) {
        found = client_of(fd) != NULL;
        pad_unlock();
    }
    return found;
}

#define BECOME_DEVICE(info) \
    do { \
        (info)->st_mode = device_mode; \
        (info)->st_rdev = makedev(PAD_MAJOR, PAD_MINOR); \
    } while (0)

/* By name, in both widths and with the calls of older programs. */
#define BY_NAME(name, buffer, parameters, arguments, at, path) \
    static __attribute__((noinline)) int name##_elsewhere parameters \
    { \
        char room[LONGEST_PATH]; \
        const bool device = is_device(at, path); \
        int result; \
\
        path = redirected(path, room); \
        result = real.name arguments; \
        if (result == 0 && device) \
            BECOME_DEVICE(buffer); \
        return result; \
    } \
    EXPORT int name parameters \
    { \
        NEED(name, -1); \
        return names_us(path) ? name##_elsewhere arguments : real.name arguments; \
    }

#define BY_DESCRIPTOR(name, buffer, parameters, arguments) \
    EXPORT int name parameters \
    { \
        int result; \
\
        NEED(name, -1); \
        result = real.name arguments; \
        if (result == 0 && is_client(fd)) \
            BECOME_DEVICE(buffer); \
        return result; \
    }

BY_NAME(stat, info, (const char *path, struct stat *info), (path, info), AT_FDCWD, path)
BY_NAME(stat64, info, (const char *path, struct stat64 *info), (path, info), AT_FDCWD, path)
BY_NAME(lstat, info, (const char *path, struct stat *info), (path, info), AT_FDCWD, path)
BY_NAME(lstat64, info, (const char *path, struct stat64 *info), (path, info), AT_FDCWD, path)
BY_NAME(fstatat, info, (int at, const char *path, struct stat *info, int flags),
        (at, path, info, flags), at, path)
BY_NAME(fstatat64, info, (int at, const char *path, struct stat64 *info, int flags),
        (at, path, info, flags), at, path)
BY_NAME(__xstat, info, (int version, const char *path, struct stat *info),
        (version, path, info), AT_FDCWD, path)
BY_NAME(__xstat64, info, (int version, const char *path, struct stat64 *info),
        (version, path, info), AT_FDCWD, path)
BY_NAME(__lxstat, info, (int version, const char *path, struct stat *info),
        (version, path, info), AT_FDCWD, path)
BY_NAME(__lxstat64, info, (int version, const char *path, struct stat64 *info),
        (version, path, info), AT_FDCWD, path)
BY_NAME(__fxstatat, info,
        (int version, int at, const char *path, struct stat *info, int flags),
        (version, at, path, info, flags), at, path)
BY_NAME(__fxstatat64, info,
        (int version, int at, const char *path, struct stat64 *info, int flags),
        (version, at, path, info, flags), at, path)

BY_DESCRIPTOR(fstat, info, (int fd, struct stat *info), (fd, info))
BY_DESCRIPTOR(fstat64, info, (int fd, struct stat64 *info), (fd, info))
BY_DESCRIPTOR(__fxstat, info, (int version, int fd, struct stat *info), (version, fd, info))
BY_DESCRIPTOR(__fxstat64, info, (int version, int fd, struct stat64 *info), (version, fd, info))

static __attribute__((noinline)) int statx_elsewhere(
    int at, const char *path, int flags, unsigned mask, struct statx *info)
{
    char room[LONGEST_PATH];
    const bool device = is_device(at, path) || (flags & AT_EMPTY_PATH && is_client(at));
    const int result = real.statx(at, redirected(path, room), flags, mask, info);

    if (result == 0 && device) {
        info->stx_mode = (uint16_t)device_mode;
        info->stx_rdev_major = PAD_MAJOR;
        info->stx_rdev_minor = PAD_MINOR;
    }
    return result;
}

EXPORT int statx(int at, const char *path, int flags, unsigned mask, struct statx *info)
{
    NEED(statx, -1);
    return names_us(path) || flags & AT_EMPTY_PATH ? statx_elsewhere(at, path, flags, mask, info)
                                                   : real.statx(at, path, flags, mask, info);
}

/* ---- Without a patch of what comes back ---- */

#define REDIRECTED(type, name, early, parameters, arguments) \
    static __attribute__((noinline)) type name##_elsewhere parameters \
    { \
        char room[LONGEST_PATH]; \
\
        path = redirected(path, room); \
        return real.name arguments; \
    } \
    EXPORT type name parameters \
    { \
        if (!real.name) \
            return (type)answer(early); \
        return names_us(path) ? name##_elsewhere arguments : real.name arguments; \
    }

REDIRECTED(int, access, true_call(SYS_faccessat, AT_FDCWD, (long)path, mode, 0, 0, 0), (const char *path, int mode), (path, mode))
REDIRECTED(int, euidaccess, true_call(SYS_faccessat, AT_FDCWD, (long)path, mode, 0, 0, 0), (const char *path, int mode), (path, mode))
REDIRECTED(int, faccessat, true_call(SYS_faccessat, at, (long)path, mode, flags, 0, 0),
           (int at, const char *path, int mode, int flags),
           (at, path, mode, flags))
REDIRECTED(ssize_t, readlink,
           true_call(SYS_readlinkat, AT_FDCWD, (long)path, (long)buffer, (long)size, 0, 0),
           (const char *path, char *buffer, size_t size),
           (path, buffer, size))
REDIRECTED(int, inotify_add_watch,
           true_call(SYS_inotify_add_watch, fd, (long)path, (long)mask, 0, 0, 0), (int fd, const char *path, uint32_t mask),
           (fd, path, mask))

EXPORT int eaccess(const char *path, int mode)
{
    return euidaccess(path, mode);
}

/* A name that leads into our folder is given back as the program knows it. */
static __attribute__((noinline)) char *real_name_elsewhere(const char *path, char *buffer)
{
    const size_t length = strlen(pad_folder);
    char room[LONGEST_PATH];
    char *found = real.realpath(redirected(path, room), buffer);

    if (found && page && strncmp(found, pad_folder, length) == 0) {
        const size_t rest = strlen(found + length) + 1;

        memmove(found + sizeof DEVICE_FOLDER - 1, found + length, rest);
        memcpy(found, DEVICE_FOLDER, sizeof DEVICE_FOLDER - 1);
    }
    return found;
}

EXPORT char *realpath(const char *path, char *buffer)
{
    NEED(realpath, NULL);
    return names_us(path) ? real_name_elsewhere(path, buffer) : real.realpath(path, buffer);
}
