/*
 * Waiting for descriptors, with a time-out that is the game's.  What is pressed is brought up to
 * date first, so that after a stop the game's first look is at the pad as it is now.
 */
#include "clock.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/syscall.h>

enum { MOST_POLLED = 128 }; /* beside one of ours: threads may have small stacks */
/* Of a set that the kernel reads and writes: who waits for few may hand over a short one. */
#define SET_BYTES(count) (((size_t)(count) + 8 * sizeof(long) - 1) / (8 * sizeof(long)) * sizeof(long))
#define LONGEST_WAIT (SECOND / 10)
#define FROZEN_WAIT (SECOND / 100)
#define LEAST_WAIT (SECOND / 2000) /* of a thread beside the main one, in lockstep */
#define POLL_IS_LONG (SECOND / 4) /* the main thread waits for an event: time goes on without it */
#define ANSWER_IS_LATE (SECOND * 10)
static THREAD void *caller; /* of poll */

/* What is waited for, and how it is looked after. */
struct ask {
    int (*look)(struct ask *ask, ns timeout, int extra); /* true time; FOREVER, 0; a descriptor more */
    void *items;
    int count, epoll;
    fd_set *sets[3];
    const sigset_t *mask;
    int result;
};

static __attribute__((noinline)) int look_poll_beside(
    struct ask *ask, const struct timespec *limit, int extra)
{
    struct pollfd more[MOST_POLLED + 1];
    int result;

    memcpy(more, ask->items, (size_t)ask->count * sizeof *more);
    more[ask->count] = (struct pollfd) { .fd = extra, .events = POLLIN };
    result = REAL(ppoll)(more, (nfds_t)ask->count + 1, limit, ask->mask);
    memcpy(ask->items, more, (size_t)ask->count * sizeof *more);
    return result > 0 && more[ask->count].revents ? result - 1 : result;
}

static int look_poll(struct ask *ask, ns timeout, int extra)
{
    struct timespec span = timespec_of(timeout);
    struct timespec *limit = timeout == FOREVER ? NULL : &span;

    if (extra >= 0 && ask->count <= MOST_POLLED)
        return look_poll_beside(ask, limit, extra);
    return REAL(ppoll)(ask->items, (nfds_t)ask->count, limit, ask->mask);
}

static int look_select(struct ask *ask, ns timeout, int extra)
{
    struct timespec span = timespec_of(timeout);
    fd_set copies[3];
    int result, count = extra >= ask->count ? extra + 1 : ask->count;

    for (int i = 0; i < 3; i++) {
        FD_ZERO(&copies[i]);
        if (ask->sets[i])
            memcpy(&copies[i], ask->sets[i], SET_BYTES(ask->count));
    }
    if (extra >= 0 && extra < FD_SETSIZE)
        FD_SET(extra, &copies[0]);
    result = REAL(pselect)(extra < FD_SETSIZE ? count : ask->count, &copies[0], &copies[1],
        &copies[2], timeout == FOREVER ? NULL : &span, ask->mask);
    if (result > 0 && extra >= 0 && extra < FD_SETSIZE && FD_ISSET(extra, &copies[0])) {
        FD_CLR(extra, &copies[0]);
        result--;
    }
    if (result > 0)
        for (int i = 0; i < 3; i++)
            if (ask->sets[i])
                memcpy(ask->sets[i], &copies[i], SET_BYTES(ask->count));
    return result;
}

static int look_epoll(struct ask *ask, ns timeout, int extra)
{
    ns rounded = timeout == FOREVER ? -1 : (timeout + 999999) / 1000000;
    struct pollfd both[2] = { { ask->epoll, POLLIN, 0 }, { extra, POLLIN, 0 } };
    struct timespec span = timespec_of(timeout);

    if (extra >= 0) {
        int result = REAL(ppoll)(both, 2, timeout == FOREVER ? NULL : &span, ask->mask);

        if (result <= 0)
            return result;
        rounded = 0;
    }
    return REAL(epoll_pwait)(ask->epoll, ask->items, ask->count, (int)rounded, ask->mask);
}

static bool ready(void *about)
{
    struct ask *ask = about;

    ask->result = ask->look(ask, 0, -1);
    return ask->result != 0;
}

static int wait_free(struct ask *ask, ns deadline)
{
    for (;;) {
        struct course course;
        ns left = deadline == FOREVER ? FOREVER : deadline - clock_now();
        int result;

        timers_notice();
        clock_course(&course);
        if (clock_way() == WAY_LOCKSTEP)
            return 0; /* the caller begins anew */
        if (deadline != FOREVER || (timers_armed() && !course.scale))
            left = clock_left_true(left, course.scale ? LONGEST_WAIT : FROZEN_WAIT);
        result = ask->look(ask, left, -1);
        if (result > 0 && timers_notice()) /* it may have been a timer that was not due yet */
            result = ask->look(ask, 0, -1);
        if (result || left == 0)
            return result;
    }
}

/* Its descriptor is there for this wait alone: a game may have had many threads by its end. */
static void leave_and_close(void *sleeper)
{
    sleeper_leave(sleeper);
    clock_raw(SYS_close, ((struct sleeper *)sleeper)->fd, 0, 0, 0, 0, 0);
}

static int wait_beside(struct ask *ask, ns deadline)
{
    struct sleeper sleeper = { .deadline = deadline,
        .kind = SLEEP_EVENT,
        .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
    volatile int result = 0; /* kept when a cancelled thread cleans up */

    sleeper_add(&sleeper);
    pthread_cleanup_push(leave_and_close, &sleeper);
    while (!result && !sleeper.fired && clock_way() == WAY_LOCKSTEP)
        result = ask->look(ask, LONGEST_WAIT, sleeper.fd);
    pthread_cleanup_pop(1);
    return result;
}

static int wait_main(struct ask *ask, ns deadline)
{
    int result = ask->look(ask, 0, -1);

    if (result || deadline <= clock_now())
        return result;
    if (deadline == FOREVER) {
        /* Of the X server, which come however busy the machine is. */
        bool answer = strstr(clock_file_of(caller), "libxcb") != NULL;

        if (timers_armed() && !answer) {
            keeper_main_waits = 1;
            keeper_need();
            keeper_poke();
        }
        keeper_main_polls = clock_true() + (answer ? ANSWER_IS_LATE : POLL_IS_LONG);
        result = ask->look(ask, FOREVER, -1);
        keeper_main_waits = 0;
        keeper_main_polls = 0;
        return result;
    }
    ask->result = 0;
    clock_advance(deadline, ready, ask);
    return ask->result ? ask->result : ask->look(ask, 0, -1);
}

/* span: virtual; FOREVER. */
static int wait_for(struct ask *ask, ns span)
{
    ns deadline = span == FOREVER ? FOREVER : clock_now() + span;
    int result = 0;

    clock_use(USED_POLL);
    if (span == 0) {
        timers_notice();
        return ask->look(ask, 0, -1);
    }
    do {
        if (clock_way() == WAY_FREE)
            result = wait_free(ask, deadline);
        else if (clock_is_main())
            result = wait_main(ask, deadline);
        else if (deadline == FOREVER)
            result = ask->look(ask, FOREVER, -1);
        else
            result = wait_beside(ask, span < LEAST_WAIT ? deadline + LEAST_WAIT : deadline);
    } while (result == 0 && clock_now() < deadline);
    return result;
}

EXPORT int ppoll(struct pollfd *items, nfds_t count, const struct timespec *limit, const sigset_t *mask)
{
    struct ask ask = { .look = look_poll, .items = items, .count = (int)count, .mask = mask };

    pad_refresh();
    if (clock_way() == WAY_REAL || (limit && timespec_bad(limit)) || count > INT32_MAX)
        return REAL(ppoll)(items, count, limit, mask);
    return wait_for(&ask, span_of(limit));
}

EXPORT int poll(struct pollfd *items, nfds_t count, int milliseconds)
{
    struct timespec limit = timespec_of((ns)milliseconds * 1000000);
    int result;

    pad_refresh();
    if (clock_way() == WAY_REAL)
        return REAL(poll)(items, count, milliseconds);
    caller = __builtin_return_address(0);
    result = ppoll(items, count, milliseconds < 0 ? NULL : &limit, NULL);
    caller = NULL;
    return result;
}

EXPORT int pselect(int count, fd_set *restrict in, fd_set *restrict out, fd_set *restrict odd,
    const struct timespec *restrict limit, const sigset_t *restrict mask)
{
    struct ask ask
        = { .look = look_select, .count = count, .sets = { in, out, odd }, .mask = mask };
    int result;

    pad_refresh();
    if (clock_way() == WAY_REAL || (limit && timespec_bad(limit)) || count < 0 || count > FD_SETSIZE)
        return REAL(pselect)(count, in, out, odd, limit, mask);
    result = wait_for(&ask, span_of(limit));
    for (int i = 0; i < 3 && result == 0; i++)
        if (ask.sets[i])
            memset(ask.sets[i], 0, SET_BYTES(count));
    return result;
}

EXPORT int select(int count, fd_set *restrict in, fd_set *restrict out, fd_set *restrict odd,
    struct timeval *restrict limit)
{
    struct timespec span, *asked = limit ? &span : NULL;
    ns until;
    int result;

    pad_refresh();
    if (clock_way() == WAY_REAL || count < 0 || count > FD_SETSIZE
        || (limit && (limit->tv_sec < 0 || limit->tv_usec < 0)))
        return REAL(select)(count, in, out, odd, limit);
    if (limit) /* some ask for the end of time, or have more than a second there */
        span = (struct timespec) { limit->tv_usec / 1000000
                + (limit->tv_sec < INT32_MAX / 2 ? limit->tv_sec : INT32_MAX / 2),
            limit->tv_usec % 1000000 * 1000 };
    until = clock_now() + (limit ? nanoseconds(&span) : 0);
    result = pselect(count, in, out, odd, asked, NULL);
    if (limit) { /* Linux says what is left */
        span = timespec_of(until > clock_now() ? until - clock_now() : 0);
        *limit = (struct timeval) { span.tv_sec, span.tv_nsec / 1000 };
    }
    return result;
}

static int wait_epoll(int epoll, struct epoll_event *events, int most, ns span, const sigset_t *mask)
{
    struct ask ask
        = { .look = look_epoll, .items = events, .count = most, .epoll = epoll, .mask = mask };

    return wait_for(&ask, span);
}

EXPORT int epoll_pwait(int epoll, struct epoll_event *events, int most, int milliseconds, const sigset_t *mask)
{
    pad_refresh();
    if (clock_way() == WAY_REAL || most <= 0)
        return REAL(epoll_pwait)(epoll, events, most, milliseconds, mask);
    return wait_epoll(epoll, events, most, milliseconds < 0 ? FOREVER : (ns)milliseconds * 1000000, mask);
}

EXPORT int epoll_wait(int epoll, struct epoll_event *events, int most, int milliseconds)
{
    return epoll_pwait(epoll, events, most, milliseconds, NULL);
}

int epoll_pwait2(int, struct epoll_event *, int, const struct timespec *, const sigset_t *);

EXPORT int epoll_pwait2(int epoll, struct epoll_event *events, int most, const struct timespec *limit,
    const sigset_t *mask)
{
    pad_refresh();
    if (!REAL(epoll_pwait2)) /* glibc before 2.35 */
        return errno = ENOSYS, -1;
    if (clock_way() == WAY_REAL || most <= 0 || (limit && timespec_bad(limit)))
        return REAL(epoll_pwait2)(epoll, events, most, limit, mask);
    return wait_epoll(epoll, events, most, span_of(limit), mask);
}
