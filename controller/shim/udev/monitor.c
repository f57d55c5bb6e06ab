/* Waiting for devices to come and go: the pad's own coming and going, and the real library's. */
#include "udev.h"

struct udev_monitor {
    struct udev_monitor *next;
    struct udev *udev;
    struct udev_monitor *real; /* NULL: there is none */
    int references;
    bool filtered, wants_pad; /* by subsystem */
    int both; /* epoll: readable when either is */
    int hears, says; /* a pipe: one byte for each time that the pad came or went */
};

static struct udev_monitor *all;

EXPORT struct udev_monitor *udev_monitor_ref(struct udev_monitor *monitor);
EXPORT struct udev_monitor *udev_monitor_unref(struct udev_monitor *monitor);

static struct udev_monitor *real_monitor(struct udev *udev, const char *name)
{
    PASS(struct udev_monitor *, udev_monitor_new_from_netlink, NULL,
         (struct udev *, const char *), (udev, name));
}

static int real_fd(struct udev_monitor *monitor)
{
    PASS(int, udev_monitor_get_fd, -1, (struct udev_monitor *), (monitor));
}

static void *drop_real(struct udev_monitor *monitor)
{
    PASS(void *, udev_monitor_unref, NULL, (struct udev_monitor *), (monitor));
}

static void add_to(int both, int fd)
{
    struct epoll_event event = { .events = EPOLLIN };

    if (fd >= 0)
        epoll_ctl(both, EPOLL_CTL_ADD, fd, &event);
}

EXPORT struct udev_monitor *udev_monitor_new_from_netlink(struct udev *udev, const char *name)
{
    struct udev_monitor *made = udev ? calloc(1, sizeof *made) : NULL;
    int pair[2];

    if (!made)
        return NULL;
    made->udev = udev;
    made->references = 1;
    made->real = real_monitor(udev, name);
    made->both = epoll_create1(EPOLL_CLOEXEC);
    if (made->both < 0 || pipe2(pair, O_CLOEXEC | O_NONBLOCK) != 0) {
        if (made->both >= 0)
            close(made->both);
        if (made->real)
            drop_real(made->real);
        free(made);
        return NULL;
    }
    made->hears = pair[0];
    made->says = pair[1];
    add_to(made->both, made->hears);
    if (made->real)
        add_to(made->both, real_fd(made->real));
    return made;
}

EXPORT struct udev_monitor *udev_monitor_ref(struct udev_monitor *monitor)
{
    if (monitor)
        monitor->references++;
    return monitor;
}

static bool take_out(struct udev_monitor *monitor)
{
    struct udev_monitor **place = &all;

    while (*place && *place != monitor)
        place = &(*place)->next;
    if (!*place)
        return false;
    *place = monitor->next;
    return true;
}

EXPORT struct udev_monitor *udev_monitor_unref(struct udev_monitor *monitor)
{
    if (!monitor || --monitor->references > 0 || !pad_lock())
        return NULL;
    if (take_out(monitor) && atomic_load(&pad_watchers)) /* which a fork has forgotten */
        atomic_fetch_sub(&pad_watchers, 1);
    pad_unlock();
    close(monitor->both);
    close(monitor->hears);
    close(monitor->says);
    if (monitor->real)
        drop_real(monitor->real);
    free(monitor);
    return NULL;
}

EXPORT struct udev *udev_monitor_get_udev(struct udev_monitor *monitor)
{
    return monitor ? monitor->udev : NULL;
}

EXPORT int udev_monitor_get_fd(struct udev_monitor *monitor)
{
    return monitor ? monitor->both : -EINVAL;
}

#define OF_MONITOR(function, parameters, types, arguments, statement) \
    EXPORT int function parameters \
    { \
        if (!monitor) \
            return -EINVAL; \
        statement; \
        if (!monitor->real) \
            return 0; \
        PASS(int, function, 0, types, arguments); \
    }

OF_MONITOR(udev_monitor_filter_add_match_subsystem_devtype,
           (struct udev_monitor *monitor, const char *subsystem, const char *type),
           (struct udev_monitor *, const char *, const char *), (monitor->real, subsystem, type),
           monitor->filtered = true;
           monitor->wants_pad = monitor->wants_pad
               || (subsystem && strcmp(subsystem, "input") == 0 && !type))
OF_MONITOR(udev_monitor_filter_add_match_tag, (struct udev_monitor *monitor, const char *tag),
           (struct udev_monitor *, const char *), (monitor->real, tag), monitor->filtered = true)
OF_MONITOR(udev_monitor_filter_update, (struct udev_monitor *monitor), (struct udev_monitor *),
           (monitor->real), (void)0)
OF_MONITOR(udev_monitor_filter_remove, (struct udev_monitor *monitor), (struct udev_monitor *),
           (monitor->real), monitor->filtered = false)
OF_MONITOR(udev_monitor_set_receive_buffer_size, (struct udev_monitor *monitor, int size),
           (struct udev_monitor *, int), (monitor->real, size), (void)0)

static void begin(struct udev_monitor *monitor)
{
    struct pad_state now;
    bool begun = false;

    if (!page || !pad_lock())
        return;
    current_state(&now); /* what changes after this is told */
    if (!take_out(monitor)) {
        atomic_fetch_add(&pad_watchers, 1);
        begun = true;
    }
    monitor->next = all;
    all = monitor;
    pad_unlock();
    if (begun && !start_feeder())
        complain(ERROR_NO_THREAD, "no thread to watch it", "");
}

OF_MONITOR(udev_monitor_enable_receiving, (struct udev_monitor *monitor), (struct udev_monitor *),
           (monitor->real), begin(monitor))

/* Under the lock. */
void tell_monitors(bool plugged)
{
    const char word = plugged ? '+' : '-';

    for (const struct udev_monitor *one = all; one; one = one->next)
        if (one->wants_pad || !one->filtered)
            true_call(SYS_write, one->says, (long)&word, 1, 0, 0, 0);
}

static struct udev_device *next_real(struct udev_monitor *monitor)
{
    PASS(struct udev_device *, udev_monitor_receive_device, NULL, (struct udev_monitor *),
         (monitor));
}

static const char *path_of(struct udev_device *device)
{
    PASS(const char *, udev_device_get_syspath, NULL, (struct udev_device *), (device));
}

static void *drop_device(struct udev_device *device)
{
    PASS(void *, udev_device_unref, NULL, (struct udev_device *), (device));
}

/* Other pads come and go unseen. */
EXPORT struct udev_device *udev_monitor_receive_device(struct udev_monitor *monitor)
{
    struct udev_device *device;
    char word;

    if (!monitor)
        return NULL;
    if (true_call(SYS_read, monitor->hears, (long)&word, 1, 0, 0, 0) == 1)
        return node(word == '+' ? NODE_ADDED : NODE_REMOVED);
    device = monitor->real ? next_real(monitor->real) : NULL;
    if (device && page && is_hidden(path_of(device))) {
        drop_device(device);
        return NULL;
    }
    return device;
}
