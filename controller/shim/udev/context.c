/* udev itself, entries of its lists, and what has nothing to do with joysticks. */
#include "udev.h"

static char stand_in; /* `struct udev` where there is no real one */

static struct udev *ours(void)
{
    return (struct udev *)(void *)&stand_in;
}

static struct udev *made(struct udev *udev)
{
    if (!page)
        miss_page();
    return udev || !page ? udev : ours();
}

static struct udev *real_new(void)
{
    PASS(struct udev *, udev_new, NULL, (void), ());
}

EXPORT struct udev *udev_new(void)
{
    return made(real_new());
}

#define OF_UDEV(type, name, otherwise) \
    EXPORT type name(struct udev *udev) \
    { \
        if (udev == ours()) \
            return otherwise; \
        PASS(type, name, otherwise, (struct udev *), (udev)); \
    }

OF_UDEV(struct udev *, udev_ref, udev)
OF_UDEV(struct udev *, udev_unref, NULL)
OF_UDEV(int, udev_get_log_priority, 0)
OF_UDEV(void *, udev_get_userdata, NULL)

EXPORT struct udev_device *udev_device_new_from_environment(struct udev *udev)
{
    if (udev == ours())
        return NULL;
    PASS(struct udev_device *, udev_device_new_from_environment, NULL, (struct udev *), (udev));
}

EXPORT void udev_set_log_fn(struct udev *udev, udev_log *log)
{
    if (udev != ours())
        PASS_ON(udev_set_log_fn, (struct udev *, udev_log *), (udev, log));
}

EXPORT void udev_set_log_priority(struct udev *udev, int priority)
{
    if (udev != ours())
        PASS_ON(udev_set_log_priority, (struct udev *, int), (udev, priority));
}

EXPORT void udev_set_userdata(struct udev *udev, void *data)
{
    if (udev != ours())
        PASS_ON(udev_set_userdata, (struct udev *, void *), (udev, data));
}

/* ---- Entries ---- */

static bool known(const struct udev_list_entry *entry)
{
    return entry && (is_ours_entry(entry) || is_found_entry(entry));
}

EXPORT struct udev_list_entry *udev_list_entry_get_next(struct udev_list_entry *entry)
{
    if (!entry)
        return NULL;
    if (known(entry))
        return entry[1].name ? entry + 1 : NULL;
    PASS(struct udev_list_entry *, udev_list_entry_get_next, NULL, (struct udev_list_entry *),
         (entry));
}

EXPORT const char *udev_list_entry_get_name(struct udev_list_entry *entry)
{
    if (!entry)
        return NULL;
    if (known(entry))
        return entry->name;
    PASS(const char *, udev_list_entry_get_name, NULL, (struct udev_list_entry *), (entry));
}

EXPORT const char *udev_list_entry_get_value(struct udev_list_entry *entry)
{
    if (!entry)
        return NULL;
    if (known(entry))
        return entry->value;
    PASS(const char *, udev_list_entry_get_value, NULL, (struct udev_list_entry *), (entry));
}

EXPORT struct udev_list_entry *udev_list_entry_get_by_name(
    struct udev_list_entry *entry, const char *name)
{
    if (!entry || !name)
        return NULL;
    if (known(entry)) {
        for (; entry->name; entry++)
            if (strcmp(entry->name, name) == 0)
                return entry;
        return NULL;
    }
    PASS(struct udev_list_entry *, udev_list_entry_get_by_name, NULL,
         (struct udev_list_entry *, const char *), (entry, name));
}

/* ---- The rest of the library, so that who loads us in its place misses nothing ---- */

#define PASSED_ON(name) \
    EXPORT long name(long a, long b, long c, long d); \
    EXPORT long name(long a, long b, long c, long d) \
    { \
        PASS(long, name, 0, (long, long, long, long), (a, b, c, d)); \
    }

PASSED_ON(udev_hwdb_new)
PASSED_ON(udev_hwdb_ref)
PASSED_ON(udev_hwdb_unref)
PASSED_ON(udev_hwdb_get_properties_list_entry)
PASSED_ON(udev_queue_new)
PASSED_ON(udev_queue_ref)
PASSED_ON(udev_queue_unref)
PASSED_ON(udev_queue_get_udev)
PASSED_ON(udev_queue_get_udev_is_active)
PASSED_ON(udev_queue_get_queue_is_empty)
PASSED_ON(udev_queue_get_queued_list_entry)
PASSED_ON(udev_queue_get_fd)
PASSED_ON(udev_queue_flush)
PASSED_ON(udev_util_encode_string)
