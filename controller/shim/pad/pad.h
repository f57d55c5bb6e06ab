/* What the files of the pad share with each other and with udev's stand-in. */
#ifndef NITROPILOT_PAD_H
#define NITROPILOT_PAD_H

#include "../shim.h"

#include <linux/input.h>
#include <pthread.h>

/*
 * The pad, numbered as the kernel's xpad driver numbers a wired one: many games read
 * numbers and not names, and SDL's and Godot's tables know it by its identity.
 */
#define PAD_NAME "Microsoft X-Box 360 pad"
#define PAD_PHYS "nitropilot/input0"
enum { PAD_BUS = BUS_USB, PAD_VENDOR = 0x045e, PAD_PRODUCT = 0x028e, PAD_VERSION = 0x0114 };
enum { PAD_MAJOR = 13, PAD_MINOR = 64, PAD_EFFECTS = 16 };
enum { AXES = 8, BUTTONS = 11 };

#define DEVICE_FOLDER "/dev/input"
#define DEVICE_NAME "event0"
#define DEVICE_PATH DEVICE_FOLDER "/" DEVICE_NAME

struct axis {
    uint16_t code;
    struct input_absinfo range;
};

extern const struct axis pad_axes[AXES];
extern const uint16_t pad_buttons[BUTTONS]; /* in the order of the page's bits */

struct pad_state {
    int32_t axes[AXES];
    uint32_t buttons; /* bit i: pad_buttons[i] */
};

/* ---- page.c ---- */

enum reading { READ_WHOLE, READ_TORN, READ_EXPIRED };

extern char pad_folder[]; /* what the game finds at /dev/input */

void miss_page(void); /* there is none, and the program looks for a pad */
enum reading read_page(struct pad_state *state);
uint32_t page_stamp(void);
void count_poll(void);
void count_attached(void);

/* ---- readers.c: who has the device open ---- */

enum { CLIENTS = 32 };

struct client {
    int fd; /* our end of the socket pair, -1 for a free place */
    uint64_t ours, theirs; /* cookies: a descriptor may have become something else */
    struct pad_state told;
    bool behind; /* its queue was full when something was to be told */
    bool gone; /* its device was unplugged */
    bool reading; /* it has read at least once */
    clockid_t clock;
};

extern struct client pad_clients[CLIENTS];
extern struct client *pad_grabber; /* who alone is told, or NULL */

bool pad_lock(void); /* false: this thread is inside already */
void pad_unlock(void);
int pad_open(int flags);
struct client *client_of(int fd); /* under the lock; NULL: not one of ours */
bool hinted(int fd); /* whether a look at client_of is worth it */
void hint(int fd);
uint64_t cookie_of(int fd);
bool has_our_end(const struct client *client);
void hear_all(void); /* under the lock: what games write, and who hung up */

extern _Atomic unsigned pad_watchers; /* descriptors, monitors: whom somebody must feed */

/* ---- device.c: what they are told ---- */

void current_state(struct pad_state *state); /* under the lock */
uint64_t pad_work(uint64_t idle); /* under the lock; nanoseconds until there is more to do */

/* ---- feeder.c ---- */

bool start_feeder(void);
void wake_feeder(void);

/* ---- ioctl.c ---- */

int pad_ioctl(struct client *client, unsigned long request, void *argument);

/* ---- paths.c ---- */

enum { LONGEST_PATH = 4096 };

bool is_device(int at, const char *path);
const char *redirected(const char *path, char *room);
bool is_placeholder(dev_t device, ino_t inode);

/* ---- udev/monitor.c ---- */

void tell_monitors(bool plugged);

#endif
