/*
 * Who has the device open, and what they are told.
 *
 * An open device is one end of a socket pair, so that read, poll, select, epoll, dup and
 * fork do in the kernel what they do with any descriptor.  Our end is written to, with
 * what differs between what this reader was told last and what is pressed now.  It hangs
 * up when the last copy of the game's end is closed, so nobody has to watch close().
 */
#include "pad.h"

#include <sys/socket.h>

enum { HINTS = 1024, HIGH_NUMBER = 300, QUEUE_BYTES = 48 * 1024 };

struct client pad_clients[CLIENTS];
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
        if (pad_clients[i].theirs == cookie)
            return &pad_clients[i];
    if (fd >= 0 && fd < HINTS)
        hints[fd] = 0;
    return NULL;
}

/* Our end, unless the program has closed it as one that it did not know. */
bool has_our_end(const struct client *client)
{
    return client->fd >= 0 && cookie_of(client->fd) == client->ours;
}

static void close_client(struct client *client)
{
    if (has_our_end(client))
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

    if (!has_our_end(client)) {
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

void hear_all(void)
{
    for (int i = 0; i < CLIENTS; i++)
        if (pad_clients[i].theirs && pad_clients[i].fd >= 0)
            hear(&pad_clients[i]);
}

/* In a signal handler of a thread that has the lock: it stays with what was interrupted. */
static __thread bool forks_inside __attribute__((tls_model("initial-exec")));

/* In the child of a fork the readers stay the parent's to feed. */
static void before_fork(void)
{
    forks_inside = !pad_lock();
}

static void in_parent(void)
{
    if (!forks_inside)
        pad_unlock();
}

static void in_child(void)
{
    if (forks_inside)
        return;
    for (int i = 0; i < CLIENTS; i++)
        if (pad_clients[i].theirs && has_our_end(&pad_clients[i])) {
            true_call(SYS_close, pad_clients[i].fd, 0, 0, 0, 0, 0);
            pad_clients[i].fd = -1;
        }
    atomic_store(&pad_watchers, 0);
    pad_unlock();
}

void prepare_readers(void)
{
    for (int i = 0; i < CLIENTS; i++)
        pad_clients[i].fd = -1;
    pthread_atfork(before_fork, in_parent, in_child);
}

static struct client *free_place(void)
{
    hear_all();
    for (int i = 0; i < CLIENTS; i++)
        if (!pad_clients[i].theirs)
            return &pad_clients[i];
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
    struct pad_state state;
    struct client *client;
    int fd = -EMFILE;

    if (!pad_lock())
        return (int)answer(-EBUSY);
    current_state(&state);
    client = free_place();
    if (client)
        fd = open_pair(flags, client);
    if (fd >= 0) {
        client->told = state;
        atomic_fetch_add(&pad_watchers, 1);
    }
    pad_unlock();
    if (fd < 0) {
        complain(ERROR_NO_DESCRIPTOR, "no descriptor for it: ", strerror(-fd));
        return (int)answer(fd);
    }
    if (start_feeder())
        atomic_store(&page->error, 0); /* what went wrong once is over */
    else
        complain(ERROR_NO_THREAD, "no thread to feed it; it moves only when the game asks", "");
    return fd;
}
