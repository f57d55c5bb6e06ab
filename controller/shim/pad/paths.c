/* /dev/input is a folder beside the page, whose event0 is a plain file that is never opened. */
#include "pad.h"

#include <sys/sysmacros.h>

static bool starts(const char *path, const char *folder, size_t length)
{
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static bool in_device_folder(const char *path)
{
    if (!path || !starts(path, DEVICE_FOLDER, sizeof DEVICE_FOLDER - 1)
        || strstr(path, "/..")) /* which leads elsewhere from a folder that is elsewhere */
        return false;
    if (!page)
        miss_page();
    return page != NULL;
}

/*
 * Where to look for what the program calls `path`: `path` itself, or a name put together
 * in `room`, of LONGEST_PATH bytes.
 */
const char *redirected(const char *path, char *room)
{
    if (!in_device_folder(path))
        return path;
    if (snprintf(room, LONGEST_PATH, "%s%s", pad_folder, path + sizeof DEVICE_FOLDER - 1)
        >= LONGEST_PATH)
        return path;
    return room;
}

static bool file_at(int at, const char *path, int flags, struct statx *info)
{
    return true_call(SYS_statx, at, (long)path, flags, STATX_INO | STATX_TYPE, (long)info, 0) == 0;
}

static bool same_file(const struct statx *one, const struct statx *other)
{
    return one->stx_ino == other->stx_ino && one->stx_dev_major == other->stx_dev_major
        && one->stx_dev_minor == other->stx_dev_minor;
}

static bool placeholder(struct statx *info)
{
    char name[LONGEST_PATH];

    return file_at(AT_FDCWD, redirected(DEVICE_PATH, name), 0, info);
}

/* Whether what a program means by a name is the pad, by whatever folder it stands in. */
bool is_device(int at, const char *path)
{
    const char *name = path ? strrchr(path, '/') : NULL;
    struct statx asked, device;

    if (!page || !path || strcmp(name ? name + 1 : path, DEVICE_NAME) != 0)
        return false;
    if (path[0] == '/' && in_device_folder(path))
        return strcmp(path, DEVICE_PATH) == 0;
    return file_at(at, path, 0, &asked) && placeholder(&device) && same_file(&asked, &device);
}

bool is_placeholder(dev_t device, ino_t inode)
{
    struct statx info;

    return page && placeholder(&info) && info.stx_ino == inode
        && makedev(info.stx_dev_major, info.stx_dev_minor) == device;
}
