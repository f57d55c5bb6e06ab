/*
 * Reading a clock: every function of the C library that tells the time.
 *
 * In lockstep time stands still between two steps.  A program that waits by reading the
 * clock again and again would wait for ever: after many reads without a picture or a sleep
 * each further one costs time (clock_spin).
 */
#include "clock.h"
#include <errno.h>
#include <string.h>
#include <sys/time.h>
#include <sys/timeb.h>

/* What the processor has done, less what it did while the clock was frozen. */
struct effort {
    uint32_t turn;
    bool known;
    ns since_true, since_virtual;
    uint64_t scale;
};

static ns effort_now(struct effort *effort, clockid_t id)
{
    struct course course;
    uint32_t turn = clock_turn();
    ns now = clock_true_of(id), virtual = now;

    if (effort->known)
        virtual = effort->since_virtual
            + scaled(now - effort->since_true, (int64_t)effort->scale, SCALE_ONE);
    if (!effort->known || effort->turn != turn) {
        clock_course(&course);
        effort->scale = course.mode == COURSE_FREE ? course.scale : SCALE_ONE;
        effort->since_true = now;
        effort->since_virtual = virtual;
        effort->turn = turn;
        effort->known = true;
    }
    return virtual;
}

static bool of_process(clockid_t id)
{
    return id == CLOCK_PROCESS_CPUTIME_ID;
}

static ns processor_time(clockid_t id)
{
    static struct effort whole;
    static THREAD struct effort own;
    ns now;

    if (clock_inside) /* a signal handler in the middle of it */
        return clock_true_of(id);
    if (!of_process(id))
        return effort_now(&own, id);
    clock_enter(LOCK_EFFORT);
    now = effort_now(&whole, id);
    clock_leave(LOCK_EFFORT);
    return now;
}

/* The reading of a clock, when we are asked at all. */
static bool read_clock(clockid_t id, ns *reading)
{
    enum way way = clock_course_way();
    bool processor = of_process(id) || id == CLOCK_THREAD_CPUTIME_ID;

    if (way == WAY_REAL || id < 0 || (id > CLOCK_BOOTTIME_ALARM && id != CLOCK_TAI))
        return false;
    clock_use(USED_READ);
    if (way == WAY_LOCKSTEP && !clock_inside) {
        if (clock_is_main())
            clock_spin();
        else
            settle_count_read();
    }
    if (processor)
        *reading = way == WAY_LOCKSTEP ? clock_now() : processor_time(id);
    else
        *reading = clock_base(id) + clock_now();
    return true;
}

EXPORT int clock_gettime(clockid_t id, struct timespec *at)
{
    ns reading;

    if (!read_clock(id, &reading))
        return REAL(clock_gettime)(id, at);
    *at = timespec_of(reading);
    return 0;
}

EXPORT int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    ns reading;

    if (!at || !read_clock(CLOCK_REALTIME, &reading))
        return REAL(gettimeofday)(at, zone);
    if (zone) /* as the C library says it: there is none */
        memset(zone, 0, sizeof(struct timezone));
    at->tv_sec = (time_t)(reading / SECOND);
    at->tv_usec = (suseconds_t)(reading % SECOND / 1000);
    return 0;
}

EXPORT time_t time(time_t *at)
{
    ns reading;

    if (!read_clock(CLOCK_REALTIME, &reading))
        return REAL(time)(at);
    if (at)
        *at = (time_t)(reading / SECOND);
    return (time_t)(reading / SECOND);
}

EXPORT clock_t clock(void)
{
    ns reading;

    if (!read_clock(CLOCK_PROCESS_CPUTIME_ID, &reading))
        return REAL(clock)();
    return (clock_t)(reading / (SECOND / CLOCKS_PER_SEC));
}

EXPORT int timespec_get(struct timespec *at, int base)
{
    ns reading;

    if (base != TIME_UTC || !read_clock(CLOCK_REALTIME, &reading))
        return REAL(timespec_get)(at, base);
    *at = timespec_of(reading);
    return base;
}

/* Gone from the headers' promises, not from old games. */
EXPORT int ftime(struct timeb *at)
{
    ns reading;

    if (!read_clock(CLOCK_REALTIME, &reading)) {
        struct timespec now = timespec_of(clock_true_of(CLOCK_REALTIME));

        reading = nanoseconds(&now);
    }
    at->time = (time_t)(reading / SECOND);
    at->millitm = (unsigned short)(reading % SECOND / (SECOND / 1000));
    at->timezone = at->dstflag = 0;
    return 0;
}
