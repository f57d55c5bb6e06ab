/*
 * Waiting for other threads, with a time-out that is the game's.
 *
 * Where a wait was cut short (the game was frozen, or its time goes slower now) a condition
 * returns as if it had been woken: callers have to look whether what they wait for is there.
 */
#include "clock.h"
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <threads.h>

#define FROZEN_WAIT (SECOND / 50)
#define LONGEST_WAIT (SECOND / 10)

/* When it is over for the kernel, whose clocks are the true ones. */
static struct timespec true_end(clockid_t id, ns left, ns most)
{
    return timespec_of(clock_true_of(id) + clock_left_true(left, most));
}

static ns most_now(void)
{
    struct course course;

    clock_course(&course);
    return course.scale || course.mode == COURSE_LOCKSTEP ? SECOND * 100000 : FROZEN_WAIT;
}

static void main_waits(bool is_main, uint32_t waits)
{
    if (!is_main)
        return;
    keeper_main_waits = waits;
    if (waits)
        keeper_poke();
}

static int condition_in_list(pthread_cond_t *condition, pthread_mutex_t *mutex, ns deadline)
{
    struct sleeper sleeper = { .deadline = deadline, .kind = SLEEP_CONDITION, .what = condition };
    bool is_main = clock_is_main();
    int result;

    sleeper_add(&sleeper);
    pthread_cleanup_push(sleeper_leave, &sleeper);
    main_waits(is_main, 1);
    result = REAL(pthread_cond_wait)(condition, mutex);
    main_waits(is_main, 0);
    pthread_cleanup_pop(1);
    return result == 0 && sleeper.fired ? ETIMEDOUT : result;
}

static int condition_until(
    pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t own, ns deadline)
{
    ns left = deadline - clock_now();
    struct timespec end;
    int result;

    clock_use(USED_TIMED);
    if (left > 0 && clock_way() == WAY_LOCKSTEP)
        return condition_in_list(condition, mutex, deadline);
    end = true_end(own, left, most_now());
    result = REAL(pthread_cond_timedwait)(condition, mutex, &end);
    return result == ETIMEDOUT && clock_now() < deadline ? 0 : result;
}

/* Which clock a condition was made for: glibc keeps that in its second lowest bit here. */
static clockid_t clock_of(const pthread_cond_t *condition)
{
    return condition->__data.__wrefs & 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
}

EXPORT int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
    const struct timespec *restrict end)
{
    clockid_t id;

    if (clock_way() == WAY_REAL || timespec_bad(end))
        return REAL(pthread_cond_timedwait)(condition, mutex, end);
    id = clock_of(condition);
    return condition_until(condition, mutex, id, clock_deadline(id, end));
}

EXPORT int pthread_cond_clockwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
    clockid_t id, const struct timespec *restrict end)
{
    if (clock_way() == WAY_REAL || timespec_bad(end)
        || (id != CLOCK_REALTIME && id != CLOCK_MONOTONIC))
        return REAL(pthread_cond_clockwait)(condition, mutex, id, end);
    return condition_until(condition, mutex, clock_of(condition), clock_deadline(id, end));
}

EXPORT int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict end)
{
    int result = pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, end);

    return result == 0 ? thrd_success : result == ETIMEDOUT ? thrd_timedout : thrd_error;
}

/* In lockstep: a word that others than we wake.  0 after a wake, EAGAIN, EINTR or ETIMEDOUT. */
int wait_on_outer_word(
    _Atomic uint32_t *word, uint32_t value, ns deadline, int flags, uint32_t bits)
{
    struct sleeper sleeper = { .deadline = deadline, .kind = SLEEP_OUTER_WORD, .what = word };
    bool is_main = clock_is_main();
    long result = 0;

    sleeper_add(&sleeper);
    main_waits(is_main, 1);
    if (!sleeper.fired)
        result = clock_raw(
            SYS_futex, (long)word, FUTEX_WAIT_BITSET | flags, (long)value, 0, 0, (long)bits);
    main_waits(is_main, 0);
    sleeper_remove(&sleeper);
    return sleeper.fired && result == 0 ? ETIMEDOUT : (int)-result;
}

/*
 * A semaphore as glibc has it since 2.21 on 64-bit machines: the value below, above it how
 * many wait.  What others keep there is tried before it is believed.
 */
struct outer_semaphore {
    _Atomic uint64_t data;
    int shared;
};

static bool semaphores_known(void)
{
    static _Atomic int known; /* 1 yes, 2 no */
    sem_t own;
    struct outer_semaphore *inside = (struct outer_semaphore *)&own;

    if (!known) {
        bool right = sizeof(long) == 8 && sem_init(&own, 0, 3) == 0 && inside->data == 3
            && inside->shared == 0 && sem_post(&own) == 0 && inside->data == 4;

        known = right ? 1 : 2;
    }
    return known == 1;
}

static int semaphore_in_list(sem_t *semaphore, ns deadline)
{
    const uint64_t one_waits = UINT64_C(1) << 32;
    struct outer_semaphore *inside = (struct outer_semaphore *)semaphore;
    int error = 0;

    atomic_fetch_add(&inside->data, one_waits);
    for (;;) {
        uint64_t data = inside->data;

        if ((uint32_t)data) {
            if (atomic_compare_exchange_weak(&inside->data, &data, data - 1 - one_waits))
                return 0;
        } else if (error) {
            if (atomic_compare_exchange_weak(&inside->data, &data, data - one_waits))
                return error;
        } else {
            error = wait_on_outer_word((_Atomic uint32_t *)&inside->data, 0, deadline,
                inside->shared ? 0 : FUTEX_PRIVATE_FLAG, FUTEX_BITSET_MATCH_ANY);
            if (error == EAGAIN)
                error = 0;
            if (!error && clock_way() != WAY_LOCKSTEP)
                error = EAGAIN; /* begin anew */
        }
    }
}

static int semaphore_until(sem_t *semaphore, ns deadline)
{
    clock_use(USED_TIMED);
    if (sem_trywait(semaphore) == 0)
        return 0;
    for (;;) {
        ns left = deadline - clock_now();
        struct timespec end;

        if (left > 0 && clock_way() == WAY_LOCKSTEP && semaphores_known()) {
            int error = semaphore_in_list(semaphore, deadline);

            if (error == EAGAIN)
                continue;
            if (!error)
                return 0;
            errno = error;
            return -1;
        }
        end = true_end(CLOCK_REALTIME, left, LONGEST_WAIT);
        if (REAL(sem_timedwait)(semaphore, &end) == 0)
            return 0;
        if (errno != ETIMEDOUT || left <= 0)
            return -1;
    }
}

EXPORT int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict end)
{
    if (clock_way() == WAY_REAL || timespec_bad(end))
        return REAL(sem_timedwait)(semaphore, end);
    return semaphore_until(semaphore, clock_deadline(CLOCK_REALTIME, end));
}

EXPORT int sem_clockwait(sem_t *restrict semaphore, clockid_t id, const struct timespec *restrict end)
{
    if (clock_way() == WAY_REAL || timespec_bad(end)
        || (id != CLOCK_REALTIME && id != CLOCK_MONOTONIC))
        return REAL(sem_clockwait)(semaphore, id, end);
    return semaphore_until(semaphore, clock_deadline(id, end));
}

/*
 * These wait for what a running thread holds: only the length of the wait is the game's.  The
 * end that it asks for is on a clock of ours, so that the real one might be over long ago.
 * In pieces, as the course may change; in lockstep, where time may stand until they are over, at
 * once.
 */
#define LOCK(name, id, late, parameters, ...)                                             \
    EXPORT int name parameters                                                            \
    {                                                                                     \
        ns deadline, left;                                                                \
        int result;                                                                       \
                                                                                          \
        if (clock_way() == WAY_REAL || timespec_bad(end)                                  \
            || (id != CLOCK_REALTIME && id != CLOCK_MONOTONIC))                           \
            return REAL(name)(__VA_ARGS__);                                               \
        deadline = clock_deadline(id, end);                                               \
        do {                                                                              \
            bool steps = clock_way() == WAY_LOCKSTEP;                                     \
            struct timespec converted;                                                    \
                                                                                          \
            left = deadline - clock_now();                                                \
            converted = true_end(id, left, steps ? SECOND * 100000 : LONGEST_WAIT);       \
            end = &converted;                                                             \
            result = REAL(name)(__VA_ARGS__);                                             \
            if (steps)                                                                    \
                break;                                                                    \
        } while (result == late && left > 0);                                             \
        return result;                                                                    \
    }
#define TIMED_LOCK(name, late, type)                                                      \
    LOCK(name, CLOCK_REALTIME, late,                                                      \
        (type *restrict lock, const struct timespec *restrict end), lock, end)
#define CLOCK_LOCK(name, type)                                                            \
    LOCK(name, id, ETIMEDOUT,                                                             \
        (type *restrict lock, clockid_t id, const struct timespec *restrict end), lock, id, end)

TIMED_LOCK(pthread_mutex_timedlock, ETIMEDOUT, pthread_mutex_t)
TIMED_LOCK(pthread_rwlock_timedrdlock, ETIMEDOUT, pthread_rwlock_t)
TIMED_LOCK(pthread_rwlock_timedwrlock, ETIMEDOUT, pthread_rwlock_t)
TIMED_LOCK(mtx_timedlock, thrd_timedout, mtx_t)
CLOCK_LOCK(pthread_mutex_clocklock, pthread_mutex_t)
CLOCK_LOCK(pthread_rwlock_clockrdlock, pthread_rwlock_t)
CLOCK_LOCK(pthread_rwlock_clockwrlock, pthread_rwlock_t)

EXPORT int pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *end)
{
    struct timespec converted;
    ns deadline;

    if (clock_way() == WAY_REAL || !end || timespec_bad(end))
        return REAL(pthread_timedjoin_np)(thread, result, end);
    deadline = clock_deadline(CLOCK_REALTIME, end);
    for (;;) {
        ns left = deadline - clock_now();
        int error;

        converted = true_end(CLOCK_REALTIME, left, LONGEST_WAIT);
        error = REAL(pthread_timedjoin_np)(thread, result, &converted);
        if (error != ETIMEDOUT || left <= 0)
            return error;
    }
}
