/*
 * Timers that are descriptors.  The kernel's timer behind one is set for the true clock, and
 * set anew when the course of time changes; in lockstep it is off until the time has come.
 */
#include "clock.h"
#include <sys/timerfd.h>

enum { TIMERS = 64 };

struct timer {
    struct sleeper sleeper; /* the first: fire() is given it; armed when its deadline is one */
    int fd;
    clockid_t clock;
    ns interval;
    bool listed;
};

static struct timer timers[TIMERS];
static _Atomic uint32_t lock, known_turn, armed;

static struct timer *timer_of(int fd)
{
    for (int i = 0; i < TIMERS; i++)
        if (timers[i].listed && timers[i].fd == fd)
            return &timers[i];
    return NULL;
}

static void set_kernel(int fd, ns value, ns interval)
{
    struct itimerspec wanted = { timespec_of(interval), timespec_of(value) };

    REAL(timerfd_settime)(fd, 0, &wanted, NULL);
}

/* Under the lock of the list of sleepers. */
void timer_fire(void *slot)
{
    struct timer *timer = slot;

    set_kernel(timer->fd, 1, 0);
    timer->sleeper.deadline = timer->interval ? timer->sleeper.deadline + timer->interval : FOREVER;
}

static void arm(struct timer *timer)
{
    struct course course;
    ns left = timer->sleeper.deadline - clock_now();

    clock_course(&course);
    if (timer->sleeper.deadline == FOREVER || clock_way() == WAY_LOCKSTEP
        || (!course.scale && !clock_lapsed())) {
        set_kernel(timer->fd, 0, 0);
        return;
    }
    left = left > 0 ? clock_left_true(left, FOREVER / 4) : 1;
    set_kernel(timer->fd, left, timer->interval ? clock_left_true(timer->interval, FOREVER / 4) : 0);
}

bool timers_armed(void)
{
    return armed;
}

/* Sets all timers anew if the course of time is another one now. */
bool timers_notice(void)
{
    if (!armed || known_turn == clock_turn())
        return false;
    clock_lock(&lock);
    known_turn = clock_turn();
    for (int i = 0; i < TIMERS; i++) {
        struct timer *timer = &timers[i];
        ns behind = clock_now() - timer->sleeper.deadline;

        if (!timer->listed)
            continue;
        if (timer->interval && behind > 0) /* the kernel has told of these */
            timer->sleeper.deadline += (behind / timer->interval + 1) * timer->interval;
        arm(timer);
    }
    clock_unlock(&lock);
    return true;
}

EXPORT int timerfd_create(int clock, int flags)
{
    int fd = REAL(timerfd_create)(clock, flags);
    struct timer *timer;

    if (fd < 0 || clock_way() == WAY_REAL)
        return fd;
    clock_use(USED_TIMERFD);
    clock_lock(&lock);
    timer = timer_of(fd);
    for (int i = 0; i < TIMERS && !timer; i++)
        if (!timers[i].listed)
            timer = &timers[i];
    if (timer) {
        bool listed = timer->listed;

        timer->fd = fd;
        timer->clock = clock;
        timer->interval = 0;
        timer->sleeper.deadline = FOREVER;
        timer->sleeper.kind = SLEEP_TIMER;
        timer->listed = true;
        if (!listed)
            sleeper_add(&timer->sleeper);
    }
    clock_unlock(&lock);
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
    clock_lock(&lock);
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
    clock_unlock(&lock);
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
