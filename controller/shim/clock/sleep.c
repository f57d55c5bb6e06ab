/*
 * Sleeping, and giving way; spans and moments as others write them.
 */
#include "clock.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

enum { FREE_YIELDS = 16 };
#define LONGEST_WAIT (SECOND / 10) /* then look whether the course is still the same */
#define LEAST_SLEEP (SECOND / 2000) /* of a thread beside the main one, in lockstep */
#define YIELDED (SECOND / 1000)

static THREAD int yields; /* of this thread, since it slept */

static int sleep_in_list(ns deadline)
{
    struct sleeper sleeper = { .deadline = deadline, .kind = SLEEP_WORD };
    int error = 0;

    sleeper_add(&sleeper);
    while (!sleeper.fired && clock_way() == WAY_LOCKSTEP && !error)
        if (clock_wait_word_errno(&sleeper.fired, 0, LONGEST_WAIT) == EINTR)
            error = EINTR;
    sleeper_remove(&sleeper);
    return sleeper.fired ? 0 : error;
}

/* Returns 0, or EINTR after a signal. */
int sleep_until(ns deadline)
{
    int error = 0;

    while (error == 0) {
        enum way way = clock_way();
        uint32_t turn = clock_turn();
        ns left = deadline - clock_now();

        pthread_testcancel();
        if (left <= 0)
            break;
        if (way == WAY_LOCKSTEP && clock_is_main()) {
            clock_advance(deadline, NULL, NULL);
        } else if (way == WAY_LOCKSTEP) {
            error = sleep_in_list(deadline);
        } else if (clock_wait_word_errno(
                       &clock_page->turn, turn, clock_left_true(left, LONGEST_WAIT))
            == EINTR) {
            error = EINTR;
        }
    }
    pthread_testcancel();
    return error;
}

/* Gives way, or sleeps so little that it means the same. */
static void give_way(void)
{
    if (clock_is_main())
        clock_spin();
    else if (++yields > FREE_YIELDS)
        sleep_until(clock_now() + YIELDED);
}

static int sleep_for(ns span)
{
    enum way way = clock_way();

    clock_use(USED_SLEEP);
    if (way == WAY_LOCKSTEP && span <= 0) {
        give_way();
        REAL(sched_yield)();
        return 0;
    }
    if (span <= 0)
        return 0;
    yields = 0;
    if (way == WAY_LOCKSTEP && span < LEAST_SLEEP && !clock_is_main())
        span = LEAST_SLEEP;
    return sleep_until(clock_now() + span);
}

EXPORT int clock_nanosleep(clockid_t id, int flags, const struct timespec *want, struct timespec *rest)
{
    bool absolute = flags & TIMER_ABSTIME;
    ns deadline;
    int error;

    if (clock_way() == WAY_REAL || !want || timespec_bad(want) || id == CLOCK_THREAD_CPUTIME_ID
        || id == CLOCK_PROCESS_CPUTIME_ID || id < 0)
        return REAL(clock_nanosleep)(id, flags, want, rest);
    deadline = absolute ? clock_deadline(id, want) : clock_now() + nanoseconds(want);
    error = sleep_for(deadline - clock_now());
    if (error && rest && !absolute) {
        ns left = deadline - clock_now();

        *rest = timespec_of(left > 0 ? left : 0);
    }
    return error;
}

EXPORT int nanosleep(const struct timespec *want, struct timespec *rest)
{
    int error;

    if (clock_way() == WAY_REAL || !want || timespec_bad(want))
        return REAL(nanosleep)(want, rest);
    error = clock_nanosleep(CLOCK_MONOTONIC, 0, want, rest);
    if (error)
        errno = error;
    return error ? -1 : 0;
}

EXPORT int usleep(useconds_t microseconds)
{
    struct timespec span = timespec_of((ns)microseconds * 1000);

    if (clock_way() == WAY_REAL)
        return REAL(usleep)(microseconds);
    return nanosleep(&span, NULL);
}

EXPORT unsigned sleep(unsigned seconds)
{
    struct timespec span = { .tv_sec = (time_t)seconds }, rest = { 0 };

    if (clock_way() == WAY_REAL)
        return REAL(sleep)(seconds);
    if (nanosleep(&span, &rest) == 0)
        return 0;
    return (unsigned)rest.tv_sec + (rest.tv_nsec > 0);
}

EXPORT int thrd_sleep(const struct timespec *want, struct timespec *rest)
{
    if (clock_way() == WAY_REAL)
        return REAL(thrd_sleep)(want, rest);
    return nanosleep(want, rest);
}

EXPORT int sched_yield(void)
{
    if (clock_way() == WAY_LOCKSTEP) {
        clock_use(USED_SLEEP);
        give_way();
    }
    return REAL(sched_yield)();
}

/* A moment of the game's own clocks, as virtual time. */
ns clock_deadline(clockid_t id, const struct timespec *at)
{
    return nanoseconds(at) - clock_base(id);
}

ns nanoseconds(const struct timespec *at)
{
    const int64_t seconds = at->tv_sec;

    if (seconds > INT64_C(4000000000)) /* some ask for the end of time */
        return FOREVER / 2;
    return seconds * SECOND + at->tv_nsec;
}

ns span_of(const struct timespec *limit)
{
    return limit ? nanoseconds(limit) : FOREVER;
}

struct timespec timespec_of(ns time)
{
    struct timespec at = { .tv_sec = (time_t)(time / SECOND), .tv_nsec = (long)(time % SECOND) };

    if (at.tv_nsec < 0) {
        at.tv_nsec += SECOND;
        at.tv_sec--;
    }
    return at;
}

bool timespec_bad(const struct timespec *at)
{
    return at->tv_sec < 0 || at->tv_nsec < 0 || at->tv_nsec >= SECOND;
}
