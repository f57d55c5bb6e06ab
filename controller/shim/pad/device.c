/*
 * Who has the device open, and what they are told.
 *
 * An open device is one end of a socket pair, so that read, poll, select, epoll, dup and
 * fork do in the kernel what they do with any descriptor.  Our end is written to, with
 * what differs between what this reader was told last and what is pressed now.  It hangs
 * up when the last copy of the game's end is closed, so nobody has to watch close().
 */
#include "pad.h"

#include <signal.h>
#include <sys/socket.h>

enum { HINTS = 1024, HIGH_NUMBER = 300, QUEUE_BYTES = 48 * 1024 };

static struct client clients[CLIENTS];
static unsigned char hints[HINTS]; /* numbers that an open returned; they may be others' by now */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread bool inside __attribute__((tls_model("initial-exec")));

_Atomic unsigned pad_watchers;
struct client *pad_grabber;

/* A signal handler of the game's may read while its thread is in here. */
bool pad_lock(void)
{
    if (inside)
        return false;
    inside = true;
    pthread_mutex_lock(&lock);
    return true;
}

void pad_unlock(void)
{
    pthread_mutex_unlock(&lock);
    inside = false;
}

/* The kernel never gives two sockets one; 0 for what is no socket. */
uint64_t cookie_of(int fd)
{
    uint64_t cookie = 0;
    socklen_t size = sizeof cookie;

    if (true_call(SYS_getsockopt, fd, SOL_SOCKET, SO_COOKIE, (long)&cookie, (long)&size, 0) != 0)
        return 0;
    return cookie;
}

bool hinted(int fd)
{
    return fd >= 0 && fd < HINTS && hints[fd] && page;
}

void hint(int fd)
{
    if (fd >= 0 && fd < HINTS)
        hints[fd] = 1;
}

struct client *client_of(int fd)
{
    const uint64_t cookie = cookie_of(fd);

    for (int i = 0; cookie && i < CLIENTS; i++)
        if (clients[i].theirs == cookie)
            return &clients[i];
    if (fd >= 0 && fd < HINTS)
        hints[fd] = 0;
    return NULL;
}

/* Our end, unless the program has closed it as one that it did not know. */
static bool is_ours(const struct client *client)
{
    return client->fd >= 0 && cookie_of(client->fd) == client->ours;
}

void close_client(struct client *client)
{
    if (is_ours(client))
        true_call(SYS_close, client->fd, 0, 0, 0, 0, 0);
    if (client == pad_grabber)
        pad_grabber = NULL;
    memset(client, 0, sizeof *client);
    client->fd = -1;
    atomic_fetch_sub(&pad_watchers, 1);
}

/* What the game writes (rumble) is taken and forgotten; whoever hung up is forgotten too. */
static void hear(struct client *client)
{
    char forgotten[1024];
    long taken;

    if (!is_ours(client)) {
        close_client(client);
        return;
    }
    do
        taken = true_call(SYS_recvfrom, client->fd, (long)forgotten, sizeof forgotten,
                          MSG_DONTWAIT, 0, 0);
    while (taken == (long)sizeof forgotten);
    if (taken == 0 || taken == -ECONNRESET)
        close_client(client);
}

static void hear_all(void)
{
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].theirs && clients[i].fd >= 0)
            hear(&clients[i]);
}

/* ---- What is pressed, and the events that lead there. ---- */

static struct pad_state now;
static _Atomic uint32_t taken_stamp, taken_plug;
static _Atomic bool settled; /* what was taken cannot change without another stamp */
static bool held;

static uint64_t true_time(clockid_t id)
{
    return true_now(id);
}

uint64_t (*pad_event_time)(clockid_t id) = true_time;

typedef __typeof__(((struct input_event *)NULL)->input_event_sec) event_time;

struct report {
    struct input_event events[2 + BUTTONS + AXES + 1];
    unsigned count;
};

static void add(struct report *report, uint16_t type, uint16_t code, int32_t value)
{
    struct input_event *event = &report->events[report->count++];

    event->type = type;
    event->code = code;
    event->value = value;
}

static void differences(struct report *report, const struct client *client)
{
    const uint32_t changed = client->told.buttons ^ now.buttons;

    if (client->behind) {
        add(report, EV_SYN, SYN_DROPPED, 0);
        add(report, EV_SYN, SYN_REPORT, 0);
    }
    for (unsigned i = 0; i < BUTTONS; i++)
        if (changed >> i & 1)
            add(report, EV_KEY, pad_buttons[i], now.buttons >> i & 1);
    for (unsigned i = 0; i < AXES; i++)
        if (client->told.axes[i] != now.axes[i])
            add(report, EV_ABS, pad_axes[i].code, now.axes[i]);
    if (report->count > (client->behind ? 2u : 0u))
        add(report, EV_SYN, SYN_REPORT, 0);
}

static void tell(struct client *client)
{
    struct report report = { .count = 0 };
    uint64_t at;
    long sent;

    differences(&report, client);
    if (!report.count || !is_ours(client))
        return;
    at = pad_event_time(client->clock);
    for (unsigned i = 0; i < report.count; i++) {
        report.events[i].input_event_sec = (event_time)(at / 1000000000u);
        report.events[i].input_event_usec = (event_time)(at % 1000000000u / 1000u);
    }
    sent = true_call(SYS_sendto, client->fd, (long)report.events,
                     (long)(report.count * sizeof *report.events),
                     MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
    client->behind = sent < 0;
    if (sent > 0)
        client->told = now;
}

static bool deaf(const struct client *client)
{
    return !client->theirs || client->gone || (pad_grabber && client != pad_grabber);
}

/* Whom another grabs the pad from is told nothing, and nothing of it later. */
static void deliver(void)
{
    for (int i = 0; i < CLIENTS; i++)
        if (!deaf(&clients[i]))
            tell(&clients[i]);
        else if (clients[i].theirs && !clients[i].gone)
            clients[i].told = now;
}

/* A device that is unplugged says so to who reads it, and never comes back to them. */
static void notice_plug(void)
{
    const uint32_t plug = atomic_load(&page->plugged);

    if (plug == taken_plug)
        return;
    if (taken_plug) {
        for (int i = 0; i < CLIENTS; i++)
            if (clients[i].theirs && !clients[i].gone && is_ours(&clients[i])) {
                true_call(SYS_shutdown, clients[i].fd, SHUT_WR, 0, 0, 0, 0);
                clients[i].gone = true;
            }
        tell_monitors(false);
    }
    taken_plug = plug;
    if (plug)
        tell_monitors(true);
}

static void take(void)
{
    static const struct pad_state rest;
    const uint32_t stamp = page_stamp();
    enum reading reading;

    notice_plug();
    reading = read_page(&now);
    taken_stamp = stamp;
    settled = reading == READ_WHOLE && memcmp(&now, &rest, sizeof now) == 0;
}

/* As page_stamp was when it was taken: nothing is pressed, or nobody could say. */
static bool is_settled(void)
{
    return settled && page_stamp() == taken_stamp && atomic_load(&page->plugged) == taken_plug;
}

void current_state(struct pad_state *state)
{
    if (!held)
        take();
    *state = now;
}

/* ---- For whoever decides when the game sees what. ---- */

static bool somebody_is_behind(void)
{
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].theirs && clients[i].behind && !clients[i].gone)
            return true;
    return false;
}

void pad_refresh(void)
{
    if (!page || !atomic_load_explicit(&pad_watchers, memory_order_relaxed) || !pad_lock())
        return;
    if (!is_settled() || somebody_is_behind()) {
        if (!held)
            take();
        deliver();
    }
    pad_unlock();
}

void pad_hold(bool hold)
{
    if (!page || !pad_lock())
        return;
    held = hold;
    pad_unlock();
    wake_feeder();
}

void pad_push(void)
{
    if (!page || !pad_lock())
        return;
    hear_all();
    take();
    deliver();
    pad_unlock();
}

/* What the feeder does when it wakes: until a state expires, or as long as it may. */
uint64_t pad_work(uint64_t idle)
{
    uint64_t until, at;

    hear_all();
    if (!held)
        take();
    deliver();
    if (somebody_is_behind())
        return 2000000;
    if (settled || held)
        return idle;
    until = atomic_load(&page->expires);
    at = true_now(CLOCK_MONOTONIC);
    if (until <= at || until - at > idle)
        return idle;
    return until - at + 1;
}

/* ---- Opening ---- */

/* In the child of a fork the readers stay the parent's to feed. */
static void before_fork(void)
{
    inside = true;
    pthread_mutex_lock(&lock);
}

static void in_child(void)
{
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].theirs && is_ours(&clients[i])) {
            true_call(SYS_close, clients[i].fd, 0, 0, 0, 0, 0);
            clients[i].fd = -1;
        }
    atomic_store(&pad_watchers, 0);
    pad_unlock();
}

static void prepare_once(void)
{
    for (int i = 0; i < CLIENTS; i++)
        clients[i].fd = -1;
    pthread_atfork(before_fork, pad_unlock, in_child);
}

static struct client *free_place(void)
{
    hear_all();
    for (int i = 0; i < CLIENTS; i++)
        if (!clients[i].theirs)
            return &clients[i];
    return NULL;
}

/* Our end gets a high number: the game's next descriptor is the one that it expects. */
static int out_of_the_way(int fd)
{
    const long high = true_call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, HIGH_NUMBER, 0, 0, 0);

    if (high < 0)
        return fd;
    true_call(SYS_close, fd, 0, 0, 0, 0, 0);
    return (int)high;
}

static int open_pair(int flags, struct client *client)
{
    const int kind = SOCK_STREAM | (flags & O_NONBLOCK ? SOCK_NONBLOCK : 0)
        | (flags & O_CLOEXEC ? SOCK_CLOEXEC : 0);
    const int room = QUEUE_BYTES;
    int pair[2];
    const long result = true_call(SYS_socketpair, AF_UNIX, kind, 0, (long)pair, 0, 0);

    if (result < 0)
        return (int)result;
    *client = (struct client){ .fd = out_of_the_way(pair[1]), .clock = CLOCK_REALTIME };
    true_call(SYS_setsockopt, client->fd, SOL_SOCKET, SO_SNDBUF, (long)&room, sizeof room, 0);
    client->ours = cookie_of(client->fd);
    client->theirs = cookie_of(pair[0]);
    hint(pair[0]);
    return pair[0];
}

int pad_open(int flags)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct client *client;
    int fd = -EMFILE;

    pthread_once(&once, prepare_once);
    if (!pad_lock())
        return (int)answer(-EBUSY);
    client = free_place();
    if (client)
        fd = open_pair(flags, client);
    if (fd >= 0) {
        current_state(&client->told);
        atomic_fetch_add(&pad_watchers, 1);
    }
    pad_unlock();
    if (fd < 0) {
        complain(ERROR_NO_DESCRIPTOR, "no descriptor for it: ", strerror(-fd));
        return (int)answer(fd);
    }
    if (!start_feeder())
        complain(ERROR_NO_THREAD, "no thread to feed it; it is seen only when the game asks", "");
    return fd;
}
