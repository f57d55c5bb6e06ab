/* The real libudev, and what becomes of a program's wish to load it. */
#include "udev.h"

static const char *const libraries[] = { "libudev.so.1", "libudev.so.0", "libudev.so" };
enum { LIBRARIES = sizeof libraries / sizeof *libraries };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void *library;

static void load(void)
{
    for (int i = 0; i < LIBRARIES && real.dlopen && !library; i++)
        library = real.dlopen(libraries[i], RTLD_LAZY | RTLD_LOCAL);
}

void *real_udev(const char *name)
{
    pthread_once(&once, load);
    return library ? dlsym(library, name) : NULL;
}

static bool is_udev(const char *path)
{
    const char *name = path ? strrchr(path, '/') : NULL;

    for (int i = 0; path && i < LIBRARIES; i++)
        if (strcmp(name ? name + 1 : path, libraries[i]) == 0)
            return true;
    return false;
}

static __attribute__((noinline)) void *ourselves(int flags)
{
    Dl_info info;

    if (!dladdr((void *)(uintptr_t)&is_udev, &info))
        return NULL;
    return real.dlopen(info.dli_fname, flags | RTLD_NOLOAD);
}

/*
 * The real dlopen looks at its caller (whose folders are searched?), so it is jumped to,
 * not called: the address that it would return to is the program's.
 */
EXPORT void *dlopen(const char *path, int flags)
{
    NEED(dlopen, NULL);
    if (flags & RTLD_DEEPBIND)
        clock_is_passed_by();
    if (page && is_udev(path)) {
        void *found = ourselves(flags);

        if (found)
            return found;
    }
    return real.dlopen(path, flags);
}
