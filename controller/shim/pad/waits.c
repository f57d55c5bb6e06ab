/*
 * Waiting for a descriptor: what is pressed is brought up to date first, so that after a
 * stop the game's first look is at the pad as it is now.
 */
#include "pad.h"

#include <signal.h>

EXPORT int poll(struct pollfd *files, nfds_t count, int milliseconds)
{
    NEED(poll, -1);
    pad_refresh();
    return real.poll(files, count, milliseconds);
}

EXPORT int __poll_chk(struct pollfd *files, nfds_t count, int milliseconds, size_t room);

EXPORT int __poll_chk(struct pollfd *files, nfds_t count, int milliseconds, size_t room)
{
    if (room / sizeof *files < count)
        abort();
    return poll(files, count, milliseconds);
}

EXPORT int ppoll(
    struct pollfd *files, nfds_t count, const struct timespec *length, const sigset_t *signals)
{
    NEED(ppoll, -1);
    pad_refresh();
    return real.ppoll(files, count, length, signals);
}

EXPORT int select(
    int count, fd_set *readable, fd_set *writable, fd_set *special, struct timeval *length)
{
    NEED(select, -1);
    pad_refresh();
    return real.select(count, readable, writable, special, length);
}

EXPORT int pselect(int count, fd_set *readable, fd_set *writable, fd_set *special,
                   const struct timespec *length, const sigset_t *signals)
{
    NEED(pselect, -1);
    pad_refresh();
    return real.pselect(count, readable, writable, special, length, signals);
}

EXPORT int epoll_wait(int fd, struct epoll_event *events, int most, int milliseconds)
{
    NEED(epoll_wait, -1);
    pad_refresh();
    return real.epoll_wait(fd, events, most, milliseconds);
}

EXPORT int epoll_pwait(
    int fd, struct epoll_event *events, int most, int milliseconds, const sigset_t *signals)
{
    NEED(epoll_pwait, -1);
    pad_refresh();
    return real.epoll_pwait(fd, events, most, milliseconds, signals);
}
