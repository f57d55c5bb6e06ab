/* Looking for devices: the pad among those that the real library finds, less other pads. */
#include "udev.h"

enum { SHOWN = 2 };
static const enum node shown[SHOWN] = { NODE_INPUT, NODE_EVENT };

struct criterion {
    bool given;
    bool met[SHOWN]; /* by any of what was given */
};

struct udev_enumerate {
    struct udev_enumerate *next;
    struct udev *udev;
    struct udev_enumerate *real;
    int references;
    struct criterion subsystem, property, attribute, name, parent, tag;
    bool refused[SHOWN];
    struct udev_list_entry *entries; /* to the first without a name */
    size_t count;
};

static struct udev_enumerate *all;

bool is_found_entry(const struct udev_list_entry *entry)
{
    bool found = false;

    if (!pad_lock())
        return false;
    for (const struct udev_enumerate *one = all; one && !found; one = one->next)
        found = one->entries
            && (uintptr_t)entry - (uintptr_t)one->entries < one->count * sizeof *one->entries;
    pad_unlock();
    return found;
}

static struct udev_enumerate *real_enumerate(struct udev *udev)
{
    PASS(struct udev_enumerate *, udev_enumerate_new, NULL, (struct udev *), (udev));
}

EXPORT struct udev_enumerate *udev_enumerate_new(struct udev *udev)
{
    struct udev_enumerate *made = udev ? calloc(1, sizeof *made) : NULL;

    if (!made)
        return NULL;
    made->udev = udev;
    made->references = 1;
    made->real = real_udev("udev_enumerate_new") ? real_enumerate(udev) : NULL;
    if (pad_lock()) {
        made->next = all;
        all = made;
        pad_unlock();
    }
    return made;
}

EXPORT struct udev_enumerate *udev_enumerate_ref(struct udev_enumerate *enumerate)
{
    if (enumerate)
        enumerate->references++;
    return enumerate;
}

static void forget_entries(struct udev_enumerate *enumerate)
{
    for (size_t i = 0; i < enumerate->count; i++)
        free((void *)(uintptr_t)enumerate->entries[i].name);
    free(enumerate->entries);
    enumerate->entries = NULL;
    enumerate->count = 0;
}

static void *drop_real(struct udev_enumerate *enumerate)
{
    PASS(void *, udev_enumerate_unref, NULL, (struct udev_enumerate *), (enumerate));
}

EXPORT struct udev_enumerate *udev_enumerate_unref(struct udev_enumerate *enumerate)
{
    struct udev_enumerate **place = &all;

    if (!enumerate || --enumerate->references > 0 || !pad_lock())
        return NULL;
    while (*place && *place != enumerate)
        place = &(*place)->next;
    if (*place)
        *place = enumerate->next;
    pad_unlock();
    if (enumerate->real)
        drop_real(enumerate->real);
    forget_entries(enumerate);
    free(enumerate);
    return NULL;
}

EXPORT struct udev *udev_enumerate_get_udev(struct udev_enumerate *enumerate)
{
    return enumerate ? enumerate->udev : NULL;
}

static void judge(struct criterion *criterion, bool (*meets)(enum node, const char *, const char *),
                  const char *name, const char *value)
{
    criterion->given = true;
    for (int i = 0; i < SHOWN; i++)
        criterion->met[i] = criterion->met[i] || meets(shown[i], name, value);
}

static bool in_subsystem(enum node which, const char *subsystem, const char *unused)
{
    (void)unused;
    return node_is_in(which, subsystem);
}

static bool called(enum node which, const char *pattern, const char *unused)
{
    (void)unused;
    return node_is_called(which, pattern);
}

static bool never(enum node which, const char *tag, const char *unused)
{
    (void)which;
    (void)tag;
    (void)unused;
    return false;
}

#define ONE_WORD(function, statement) \
    EXPORT int function(struct udev_enumerate *enumerate, const char *word) \
    { \
        if (!enumerate) \
            return -EINVAL; \
        statement; \
        if (!enumerate->real) \
            return 0; \
        PASS(int, function, 0, (struct udev_enumerate *, const char *), (enumerate->real, word)); \
    }

#define TWO_WORDS(function, statement) \
    EXPORT int function(struct udev_enumerate *enumerate, const char *name, const char *value) \
    { \
        if (!enumerate) \
            return -EINVAL; \
        statement; \
        if (!enumerate->real) \
            return 0; \
        PASS(int, function, 0, (struct udev_enumerate *, const char *, const char *), \
             (enumerate->real, name, value)); \
    }

#define REFUSE(meets, name, value) \
    for (int i = 0; i < SHOWN; i++) \
        enumerate->refused[i] = enumerate->refused[i] || meets(shown[i], name, value)

ONE_WORD(udev_enumerate_add_match_subsystem, judge(&enumerate->subsystem, in_subsystem, word, NULL))
ONE_WORD(udev_enumerate_add_nomatch_subsystem, REFUSE(in_subsystem, word, NULL))
ONE_WORD(udev_enumerate_add_match_sysname, judge(&enumerate->name, called, word, NULL))
ONE_WORD(udev_enumerate_add_match_tag, judge(&enumerate->tag, never, word, NULL))
ONE_WORD(udev_enumerate_add_syspath, (void)0)
TWO_WORDS(udev_enumerate_add_match_property, judge(&enumerate->property, node_has, name, value))
TWO_WORDS(udev_enumerate_add_match_sysattr,
          judge(&enumerate->attribute, node_has_attribute, name, value))
TWO_WORDS(udev_enumerate_add_nomatch_sysattr, REFUSE(node_has_attribute, name, value))

EXPORT int udev_enumerate_add_match_is_initialized(struct udev_enumerate *enumerate)
{
    if (!enumerate || !enumerate->real)
        return enumerate ? 0 : -EINVAL;
    PASS(int, udev_enumerate_add_match_is_initialized, 0, (struct udev_enumerate *),
         (enumerate->real));
}

EXPORT int udev_enumerate_add_match_parent(
    struct udev_enumerate *enumerate, struct udev_device *parent)
{
    if (!enumerate)
        return -EINVAL;
    enumerate->parent.given = true;
    for (int i = 0; i < SHOWN; i++)
        enumerate->parent.met[i] = enumerate->parent.met[i] || node_is_below(shown[i], parent);
    if (!enumerate->real)
        return 0;
    if (is_node(parent)) { /* the real library knows nothing that is below it */
        drop_real(enumerate->real);
        enumerate->real = NULL;
        return 0;
    }
    PASS(int, udev_enumerate_add_match_parent, 0,
         (struct udev_enumerate *, struct udev_device *), (enumerate->real, parent));
}

/* ---- Scanning ---- */

static bool meets(const struct udev_enumerate *enumerate, int i)
{
    const struct criterion *criteria[] = {
        &enumerate->subsystem, &enumerate->property, &enumerate->attribute,
        &enumerate->name, &enumerate->parent, &enumerate->tag,
    };

    for (size_t n = 0; n < sizeof criteria / sizeof *criteria; n++)
        if (criteria[n]->given && !criteria[n]->met[i])
            return false;
    return page && atomic_load(&page->plugged) && !enumerate->refused[i];
}

static bool append(struct udev_enumerate *enumerate, const char *path)
{
    const size_t size = (enumerate->count + 2) * sizeof *enumerate->entries;
    struct udev_list_entry *entries = realloc(enumerate->entries, size);
    char *name = entries ? strdup(path) : NULL;

    if (entries)
        enumerate->entries = entries;
    if (!name)
        return false;
    entries[enumerate->count] = (struct udev_list_entry){ name, NULL };
    entries[++enumerate->count] = (struct udev_list_entry){ NULL, NULL };
    return true;
}

static struct udev_list_entry *real_list(struct udev_enumerate *enumerate)
{
    PASS(struct udev_list_entry *, udev_enumerate_get_list_entry, NULL,
         (struct udev_enumerate *), (enumerate));
}

static int scan_real(struct udev_enumerate *enumerate, bool subsystems)
{
    if (subsystems)
        PASS(int, udev_enumerate_scan_subsystems, 0, (struct udev_enumerate *), (enumerate));
    PASS(int, udev_enumerate_scan_devices, 0, (struct udev_enumerate *), (enumerate));
}

static int scan(struct udev_enumerate *enumerate, bool subsystems)
{
    struct udev_list_entry *entry = NULL;

    if (!enumerate)
        return -EINVAL;
    forget_entries(enumerate);
    if (enumerate->real) {
        scan_real(enumerate->real, subsystems);
        entry = real_list(enumerate->real);
    }
    for (int i = 0; i < SHOWN && !subsystems; i++)
        if (meets(enumerate, i) && !append(enumerate, node_path(shown[i])))
            return -ENOMEM;
    for (; entry; entry = udev_list_entry_get_next(entry)) {
        const char *path = udev_list_entry_get_name(entry);

        if (path && !(page && is_hidden(path)) && !append(enumerate, path))
            return -ENOMEM;
    }
    return 0;
}

EXPORT int udev_enumerate_scan_devices(struct udev_enumerate *enumerate)
{
    return scan(enumerate, false);
}

EXPORT int udev_enumerate_scan_subsystems(struct udev_enumerate *enumerate)
{
    return scan(enumerate, true);
}

EXPORT struct udev_list_entry *udev_enumerate_get_list_entry(struct udev_enumerate *enumerate)
{
    return enumerate && enumerate->count ? enumerate->entries : NULL;
}
