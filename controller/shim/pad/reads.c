/* Reading and asking the device: what is pressed is brought up to date first. */
#include "pad.h"

#include <stdarg.h>

enum { EVENT = sizeof(struct input_event) };

static ssize_t pass_read(int fd, void *buffer, size_t size)
{
    if (!real.read)
        return answer(true_call(SYS_read, fd, (long)buffer, (long)size, 0, 0, 0));
    return real.read(fd, buffer, size);
}

enum kind { FOREIGN, OPEN, GONE };

static enum kind about_to_read(int fd, bool counts)
{
    struct client *client;
    enum kind kind = FOREIGN;

    if (!pad_lock())
        return FOREIGN;
    client = client_of(fd);
    if (client) {
        kind = client->gone ? GONE : OPEN;
        if (counts && !client->reading)
            count_attached();
        client->reading = client->reading || counts;
    }
    pad_unlock();
    if (client && counts) {
        count_poll();
        pad_refresh();
    }
    return kind;
}

/* A device gives whole events; one that is gone says so when its last ones are read. */
static __attribute__((noinline)) ssize_t read_device(int fd, void *buffer, size_t size)
{
    ssize_t got;

    if (about_to_read(fd, true) == FOREIGN)
        return pass_read(fd, buffer, size);
    if (size > 0 && size < EVENT)
        return answer(-EINVAL);
    got = pass_read(fd, buffer, size - size % EVENT);
    if (got > 0)
        pad_refresh(); /* there may be room now for what was owed */
    if (got == 0 && size > 0)
        return answer(-ENODEV);
    return got;
}

EXPORT ssize_t read(int fd, void *buffer, size_t size)
{
    if (hinted(fd))
        return read_device(fd, buffer, size);
    return chance_go_on(fd, buffer, size, pass_read(fd, buffer, size));
}

EXPORT ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room);

EXPORT ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room)
{
    if (size > room)
        abort();
    return read(fd, buffer, size);
}

EXPORT ssize_t readv(int fd, const struct iovec *parts, int count)
{
    ssize_t got, before = 0;

    if (hinted(fd))
        about_to_read(fd, true);
    got = real.readv ? real.readv(fd, parts, count)
                     : answer(true_call(SYS_readv, fd, (long)parts, count, 0, 0, 0));
    for (int i = 0; got >= 0 && i < count; i++) {
        const ssize_t here = got - before;

        got += chance_go_on(fd, parts[i].iov_base, parts[i].iov_len, here) - here;
        before += (ssize_t)parts[i].iov_len;
    }
    return got;
}

static __attribute__((noinline)) bool ask_device(
    int fd, unsigned long request, void *argument, int *result)
{
    struct client *client;

    if (!pad_lock())
        return false;
    client = client_of(fd);
    if (client) {
        *result = pad_ioctl(client, (uint32_t)request, argument); /* some make it longer: its sign */
        hint(fd); /* a copy of a descriptor that we gave out */
    }
    pad_unlock();
    return client != NULL;
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
    void *argument;
    va_list more;
    int result;

    va_start(more, request);
    argument = va_arg(more, void *);
    va_end(more);
    if (page && _IOC_TYPE(request) == 'E' && ask_device(fd, request, argument, &result))
        return (int)answer(result);
    if (!real.ioctl)
        return (int)answer(true_call(SYS_ioctl, fd, (long)request, (long)argument, 0, 0, 0));
    return real.ioctl(fd, request, argument);
}
