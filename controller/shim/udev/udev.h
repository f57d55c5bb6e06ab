/*
 * libudev, as far as this process needs to be told of our pad: programs that load or link
 * it find these functions first.  What is not about joysticks is asked of the real one, if
 * there is one; then `struct udev`, and devices that are not the pad, are its own.
 */
#ifndef NITROPILOT_UDEV_H
#define NITROPILOT_UDEV_H

#include "../pad/pad.h"

#include <stdarg.h>
#include <sys/types.h>

struct udev;
struct udev_device;
struct udev_monitor;
struct udev_enumerate;
struct udev_hwdb;
struct udev_queue;

struct udev_list_entry { /* ours; those of the real one are not looked into */
    const char *name;
    const char *value;
};

typedef void udev_log(struct udev *udev, int priority, const char *file, int line,
                      const char *function, const char *format, va_list arguments);

/* Of the real library: NULL if there is none, or it has no such function. */
void *real_udev(const char *name);

/* Call the real function with these types, or give `otherwise`. */
#define PASS(type, name, otherwise, types, arguments) \
    do { \
        void *found = real_udev(#name); \
        type(*function) types; \
\
        if (!found) \
            return otherwise; \
        memcpy(&function, &found, sizeof function); \
        return function arguments; \
    } while (0)

#define PASS_ON(name, types, arguments) \
    do { \
        void *found = real_udev(#name); \
        void(*function) types; \
\
        if (!found) \
            return; \
        memcpy(&function, &found, sizeof function); \
        function arguments; \
    } while (0)

struct udev_list_entry *udev_list_entry_get_next(struct udev_list_entry *entry);
const char *udev_list_entry_get_name(struct udev_list_entry *entry);

enum node { NODE_EVENT, NODE_ADDED, NODE_REMOVED, NODE_INPUT, NODE_USB, NODES };

struct udev_device *node(enum node which);
bool is_node(const struct udev_device *device);
bool is_ours_entry(const struct udev_list_entry *entry); /* of a device of ours */
bool is_found_entry(const struct udev_list_entry *entry); /* of an enumeration of ours */
bool node_has(enum node which, const char *property, const char *value);
bool node_has_attribute(enum node which, const char *name, const char *value);
bool node_is_in(enum node which, const char *subsystem);
bool node_is_called(enum node which, const char *pattern);
bool node_is_below(enum node which, const struct udev_device *parent);
const char *node_path(enum node which);
bool is_hidden(const char *syspath);

#endif
