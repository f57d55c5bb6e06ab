/*
 * Timers that are descriptors.  The kernel's timer behind one is set for the true clock, and
 * set anew when the course of time changes; in lockstep it is off until the time has come.
 */
#include "clock.h"
#include <errno.h>
#include <sys/timerfd.h>

enum { TIMERS = 1024 }; /* as many as a process may have files, where nobody says otherwise */

struct timer {
    struct sleeper sleeper; /* the first: fire() is given it; armed when its deadline is one */
    int fd;
    clockid_t clock;
    ns interval;
    bool listed;
};

static struct timer timers[TIMERS];
static _Atomic int used; /* the first so many may be listed */
static _Atomic uint32_t known_turn, armed;

static struct timer *timer_of(int fd)
{
    for (int i = 0; i < used; i++)
        if (timers[i].listed && timers[i].fd == fd)
            return &timers[i];
    return NULL;
}

/* Nobody tells us of a close: a slot is free when the kernel knows of no timer behind it. */
static bool is_gone(int fd)
{
    struct itimerspec left;
    int before = errno;
    bool gone = REAL(timerfd_gettime)(fd, &left) != 0;

    errno = before;
    return gone;
}

static void set_kernel(struct timer *timer, ns value, ns interval)
{
    struct itimerspec wanted = { timespec_of(interval), timespec_of(value) };
    int before = errno;

    if (REAL(timerfd_settime)(timer->fd, 0, &wanted, NULL) != 0) { /* closed: it costs no more */
        timer->interval = 0;
        timer->sleeper.deadline = FOREVER;
        errno = before;
    }
}

/* Under the lock of the list of sleepers. */
void timer_fire(void *slot)
{
    struct timer *timer = slot;

    timer->sleeper.deadline = timer->interval ? timer->sleeper.deadline + timer->interval : FOREVER;
    set_kernel(timer, 1, 0);
}

static void arm(struct timer *timer)
{
    struct course course;
    ns left = timer->sleeper.deadline - clock_now();

    clock_course(&course);
    if (timer->sleeper.deadline == FOREVER || clock_course_way() == WAY_LOCKSTEP
        || (!course.scale && !clock_lapsed())) {
        set_kernel(timer, 0, 0);
        return;
    }
    left = left > 0 ? clock_left_true(left, FOREVER / 4) : 1;
    set_kernel(timer, left, timer->interval ? clock_left_true(timer->interval, FOREVER / 4) : 0);
}

/* Whether time has to go on for one of them. */
bool timers_armed(void)
{
    for (int i = 0; armed && i < used; i++)
        if (timers[i].listed && timers[i].sleeper.deadline != FOREVER && !is_gone(timers[i].fd))
            return true;
    return false;
}

/* Sets all timers anew if the course of time is another one now. */
bool timers_notice(void)
{
    if (!armed || known_turn == clock_turn())
        return false;
    clock_enter(LOCK_TIMERS);
    known_turn = clock_turn();
    for (int i = 0; i < used; i++) {
        struct timer *timer = &timers[i];
        ns behind = clock_now() - timer->sleeper.deadline;

        if (!timer->listed)
            continue;
        if (timer->interval && behind > 0) /* the kernel has told of these */
            timer->sleeper.deadline += (behind / timer->interval + 1) * timer->interval;
        arm(timer);
    }
    clock_leave(LOCK_TIMERS);
    return true;
}

/* A child of fork has the timers, and a list of sleepers that is empty. */
void timers_after_fork(void)
{
    for (int i = 0; i < used; i++)
        if (timers[i].listed)
            sleeper_list(&timers[i].sleeper);
}

EXPORT int timerfd_create(int clock, int flags)
{
    int fd = REAL(timerfd_create)(clock, flags);
    struct timer *timer;

    if (fd < 0 || clock_way() == WAY_REAL)
        return fd;
    clock_use(USED_TIMERFD);
    clock_enter(LOCK_TIMERS);
    timer = timer_of(fd);
    for (int i = 0; i < TIMERS && !timer; i++)
        if (!timers[i].listed || is_gone(timers[i].fd))
            timer = &timers[i];
    if (timer) {
        bool listed = timer->listed;

        timer->fd = fd;
        timer->clock = clock;
        timer->interval = 0;
        timer->sleeper.deadline = FOREVER;
        timer->sleeper.kind = SLEEP_TIMER;
        timer->listed = true;
        if (timer == &timers[used])
            used++;
        if (!listed)
            sleeper_add(&timer->sleeper);
    }
    clock_leave(LOCK_TIMERS);
    return fd;
}

static struct itimerspec left_of(const struct timer *timer)
{
    ns left = timer->sleeper.deadline - clock_now();

    if (timer->sleeper.deadline == FOREVER)
        left = 0;
    else if (left <= 0)
        left = timer->interval ? timer->interval - (-left % timer->interval) : 0;
    return (struct itimerspec) { timespec_of(timer->interval), timespec_of(left) };
}

EXPORT int timerfd_settime(int fd, int flags, const struct itimerspec *wanted, struct itimerspec *before)
{
    struct timer *timer = clock_way() == WAY_REAL ? NULL : timer_of(fd);
    ns value;

    if (!timer || !wanted || timespec_bad(&wanted->it_value) || timespec_bad(&wanted->it_interval))
        return REAL(timerfd_settime)(fd, flags, wanted, before);
    clock_enter(LOCK_TIMERS);
    if (before)
        *before = left_of(timer);
    value = nanoseconds(&wanted->it_value);
    timer->interval = nanoseconds(&wanted->it_interval);
    if (!value)
        timer->sleeper.deadline = FOREVER;
    else if (flags & TFD_TIMER_ABSTIME)
        timer->sleeper.deadline = clock_deadline(timer->clock, &wanted->it_value);
    else
        timer->sleeper.deadline = clock_now() + value;
    armed = armed || value;
    known_turn = clock_turn();
    arm(timer);
    clock_leave(LOCK_TIMERS);
    if (value)
        keeper_need();
    return 0;
}

EXPORT int timerfd_gettime(int fd, struct itimerspec *left)
{
    struct timer *timer = clock_way() == WAY_REAL ? NULL : timer_of(fd);

    if (!timer || !left)
        return REAL(timerfd_gettime)(fd, left);
    *left = left_of(timer);
    return 0;
}
