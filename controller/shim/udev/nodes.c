/* The pad as udev would describe it: an event node, its input device, and the port it is in. */
#include "udev.h"

#include <fnmatch.h>
#include <sys/sysmacros.h>

#define USB_PATH "/sys/devices/nitropilot/usb1/1-1"
#define INPUT_PATH USB_PATH "/1-1:1.0/input/input0"
#define EVENT_PATH INPUT_PATH "/" DEVICE_NAME

enum { MOST = 16 };

struct udev_device {
    const char *path, *name, *subsystem, *type, *file, *action;
    enum node parent;
    struct udev_list_entry properties[MOST]; /* to the first without a name */
    struct udev_list_entry attributes[MOST];
};

#define IDENTITY \
    { "ID_INPUT", "1" }, { "ID_INPUT_JOYSTICK", "1" }, { "ID_BUS", "usb" }, \
    { "ID_VENDOR_ID", "045e" }, { "ID_MODEL_ID", "028e" }, { "ID_REVISION", "0114" }, \
    { "ID_VENDOR", "Microsoft" }, { "ID_MODEL", "X-Box_360_pad" }, { "SUBSYSTEM", "input" }

#define EVENT_NODE(what) \
    { \
        .path = EVENT_PATH, .name = DEVICE_NAME, .subsystem = "input", .file = DEVICE_PATH, \
        .action = what, .parent = NODE_INPUT, \
        .properties = { { "DEVNAME", DEVICE_PATH }, { "MAJOR", "13" }, { "MINOR", "64" }, \
                        IDENTITY, { NULL, NULL } }, \
        .attributes = { { "dev", "13:64" }, { NULL, NULL } }, \
    }

static struct udev_device nodes[NODES] = {
    [NODE_EVENT] = EVENT_NODE(NULL),
    [NODE_ADDED] = EVENT_NODE("add"),
    [NODE_REMOVED] = EVENT_NODE("remove"),
    [NODE_INPUT] = {
        .path = INPUT_PATH, .name = "input0", .subsystem = "input", .parent = NODE_USB,
        .properties = { { "NAME", "\"" PAD_NAME "\"" }, { "PRODUCT", "3/45e/28e/114" },
                        { "PHYS", "\"" PAD_PHYS "\"" }, IDENTITY, { NULL, NULL } },
        .attributes = {
            { "name", PAD_NAME }, { "phys", PAD_PHYS }, { "uniq", "" },
            { "id/bustype", "0003" }, { "id/vendor", "045e" }, { "id/product", "028e" },
            { "id/version", "0114" }, { "properties", "0" }, { "capabilities/ev", "20000b" },
            { "capabilities/key", "7cdb000000000000 0 0 0 0" }, { "capabilities/rel", "0" },
            { "capabilities/abs", "3003f" }, { "capabilities/ff", "107030000 0" },
            { NULL, NULL },
        },
    },
    [NODE_USB] = {
        .path = USB_PATH, .name = "1-1", .subsystem = "usb", .type = "usb_device",
        .parent = NODES,
        .properties = { { "SUBSYSTEM", "usb" }, { "DEVTYPE", "usb_device" }, { NULL, NULL } },
        .attributes = {
            { "idVendor", "045e" }, { "idProduct", "028e" }, { "bcdDevice", "0114" },
            { "manufacturer", "Microsoft" }, { "product", "Controller" }, { NULL, NULL },
        },
    },
};

struct udev_device *node(enum node which)
{
    return which < NODES ? &nodes[which] : NULL;
}

static bool is_in(const void *place, const void *start, size_t size)
{
    return (uintptr_t)place - (uintptr_t)start < size;
}

bool is_node(const struct udev_device *device)
{
    return is_in(device, nodes, sizeof nodes);
}

bool is_ours_entry(const struct udev_list_entry *entry)
{
    return is_in(entry, nodes, sizeof nodes);
}

bool is_hidden(const char *path)
{
    return path && (strstr(path, "/input/") || strstr(path, "/hidraw/"));
}

static const char *value_of(const struct udev_list_entry *entries, const char *name)
{
    for (; name && entries->name; entries++)
        if (strcmp(entries->name, name) == 0)
            return entries->value;
    return NULL;
}

static bool fits(const char *value, const char *pattern)
{
    return value && (!pattern || fnmatch(pattern, value, 0) == 0);
}

bool node_has(enum node which, const char *property, const char *value)
{
    return fits(value_of(nodes[which].properties, property), value);
}

bool node_has_attribute(enum node which, const char *name, const char *value)
{
    return fits(value_of(nodes[which].attributes, name), value);
}

bool node_is_in(enum node which, const char *subsystem)
{
    return subsystem && strcmp(nodes[which].subsystem, subsystem) == 0;
}

bool node_is_called(enum node which, const char *pattern)
{
    return pattern && fits(nodes[which].name, pattern);
}

bool node_is_below(enum node which, const struct udev_device *parent)
{
    for (const struct udev_device *at = node(which); at; at = node(at->parent))
        if (parent && is_node(parent) && strcmp(at->path, parent->path) == 0)
            return true;
    return false;
}

const char *node_path(enum node which)
{
    return nodes[which].path;
}

/* ---- Devices by their names ---- */

#define OURS(path_asked) \
    for (int i = 0; page && (path_asked) && i < NODES; i++) \
        if (strcmp(nodes[i].path, (path_asked)) == 0) \
            return &nodes[i];

EXPORT struct udev_device *udev_device_new_from_syspath(struct udev *udev, const char *path)
{
    OURS(path)
    PASS(struct udev_device *, udev_device_new_from_syspath, NULL,
         (struct udev *, const char *), (udev, path));
}

EXPORT struct udev_device *udev_device_new_from_devnum(struct udev *udev, char type, dev_t number)
{
    if (page && type == 'c' && number == makedev(PAD_MAJOR, PAD_MINOR))
        return &nodes[NODE_EVENT];
    PASS(struct udev_device *, udev_device_new_from_devnum, NULL, (struct udev *, char, dev_t),
         (udev, type, number));
}

EXPORT struct udev_device *udev_device_new_from_subsystem_sysname(
    struct udev *udev, const char *subsystem, const char *name)
{
    for (int i = 0; page && name && i < NODES; i++)
        if (node_is_in(i, subsystem) && strcmp(nodes[i].name, name) == 0)
            return &nodes[i];
    PASS(struct udev_device *, udev_device_new_from_subsystem_sysname, NULL,
         (struct udev *, const char *, const char *), (udev, subsystem, name));
}

EXPORT struct udev_device *udev_device_new_from_device_id(struct udev *udev, const char *id)
{
    if (page && id && strcmp(id, "c13:64") == 0)
        return &nodes[NODE_EVENT];
    PASS(struct udev_device *, udev_device_new_from_device_id, NULL,
         (struct udev *, const char *), (udev, id));
}

EXPORT struct udev_device *udev_device_get_parent_with_subsystem_devtype(
    struct udev_device *device, const char *subsystem, const char *type)
{
    if (is_node(device)) {
        for (struct udev_device *at = node(device->parent); at; at = node(at->parent))
            if (subsystem && strcmp(at->subsystem, subsystem) == 0
                && (!type || (at->type && strcmp(at->type, type) == 0)))
                return at;
        return NULL;
    }
    PASS(struct udev_device *, udev_device_get_parent_with_subsystem_devtype, NULL,
         (struct udev_device *, const char *, const char *), (device, subsystem, type));
}

/* ---- What a device tells: ours of itself, another's through the real library ---- */

#define TELLS(type, name, ours, otherwise) \
    EXPORT type name(struct udev_device *device) \
    { \
        if (is_node(device)) \
            return ours; \
        PASS(type, name, otherwise, (struct udev_device *), (device)); \
    }

TELLS(struct udev_device *, udev_device_ref, device, NULL)
TELLS(struct udev_device *, udev_device_unref, NULL, NULL)
TELLS(struct udev_device *, udev_device_get_parent, node(device->parent), NULL)
TELLS(const char *, udev_device_get_devpath, device->path + sizeof "/sys" - 1, NULL)
TELLS(const char *, udev_device_get_subsystem, device->subsystem, NULL)
TELLS(const char *, udev_device_get_devtype, device->type, NULL)
TELLS(const char *, udev_device_get_syspath, device->path, NULL)
TELLS(const char *, udev_device_get_sysname, device->name, NULL)
TELLS(const char *, udev_device_get_sysnum, device->name + strlen(device->name) - 1, NULL)
TELLS(const char *, udev_device_get_devnode, device->file, NULL)
TELLS(const char *, udev_device_get_driver, NULL, NULL)
TELLS(const char *, udev_device_get_action, device->action, NULL)
TELLS(int, udev_device_get_is_initialized, 1, 0)
TELLS(unsigned long long, udev_device_get_seqnum, 0, 0)
TELLS(unsigned long long, udev_device_get_usec_since_initialized, 1000000, 0)
TELLS(dev_t, udev_device_get_devnum, device->file ? makedev(PAD_MAJOR, PAD_MINOR) : 0, 0)
TELLS(struct udev_list_entry *, udev_device_get_properties_list_entry, device->properties, NULL)
TELLS(struct udev_list_entry *, udev_device_get_sysattr_list_entry, device->attributes, NULL)
TELLS(struct udev_list_entry *, udev_device_get_devlinks_list_entry, NULL, NULL)
TELLS(struct udev_list_entry *, udev_device_get_tags_list_entry, NULL, NULL)
TELLS(struct udev_list_entry *, udev_device_get_current_tags_list_entry, NULL, NULL)

#define TELLS_OF(type, name, ours) \
    EXPORT type name(struct udev_device *device, const char *key) \
    { \
        if (is_node(device)) \
            return ours; \
        PASS(type, name, 0, (struct udev_device *, const char *), (device, key)); \
    }

TELLS_OF(const char *, udev_device_get_property_value, value_of(device->properties, key))
TELLS_OF(const char *, udev_device_get_sysattr_value, value_of(device->attributes, key))
TELLS_OF(int, udev_device_has_tag, 0)
TELLS_OF(int, udev_device_has_current_tag, 0)

EXPORT int udev_device_set_sysattr_value(
    struct udev_device *device, const char *name, const char *value)
{
    if (is_node(device))
        return -EACCES;
    PASS(int, udev_device_set_sysattr_value, -ENOSYS,
         (struct udev_device *, const char *, const char *), (device, name, value));
}
