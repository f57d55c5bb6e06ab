/*
 * Who sleeps in lockstep, until when, and how they are woken: one by one, in the order of
 * their time, so that what they do does not depend on how fast the machine is.
 */
#include "clock.h"
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sleeper *sleepers;

/* In the page, which a child of fork shares: threads alone, which leave as they come.  A child
 * has its timers without a word, and ends without one. */
static void count(const struct sleeper *sleeper, int change)
{
    if (sleeper->kind != SLEEP_TIMER)
        clock_page->sleepers += (uint32_t)change;
}

void sleeper_list(struct sleeper *sleeper)
{
    if (sleeper->kind != SLEEP_TIMER)
        sleeper->tid = clock_tid();
    clock_enter(LOCK_SLEEPERS);
    sleeper->next = sleepers;
    sleepers = sleeper;
    count(sleeper, 1);
    clock_leave(LOCK_SLEEPERS);
}

void sleeper_add(struct sleeper *sleeper)
{
    sleeper_list(sleeper);
    keeper_need();
}

void sleeper_remove(struct sleeper *sleeper)
{
    clock_enter(LOCK_SLEEPERS);
    for (struct sleeper **at = &sleepers; *at; at = &(*at)->next) {
        if (*at == sleeper) {
            *at = sleeper->next;
            count(sleeper, -1);
            break;
        }
    }
    clock_leave(LOCK_SLEEPERS);
}

/* When its thread is cancelled in its sleep. */
void sleeper_leave(void *sleeper)
{
    sleeper_remove(sleeper);
}

void sleeper_forget_all(void)
{
    sleepers = NULL;
}

static void wake_outer(void *word)
{
    clock_raw(SYS_futex, (long)word, FUTEX_WAKE, INT_MAX, 0, 0, 0);
    clock_raw(SYS_futex, (long)word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, 0, 0, 0);
}

/* Under the lock: whoever wakes cannot leave before. */
static void wake(struct sleeper *sleeper)
{
    uint64_t one = 1;

    switch (sleeper->kind) {
    case SLEEP_WORD:
        clock_wake_word(&sleeper->fired);
        break;
    case SLEEP_CONDITION:
        REAL(pthread_cond_broadcast)(sleeper->what);
        break;
    case SLEEP_OUTER_WORD:
        wake_outer(sleeper->what);
        break;
    case SLEEP_EVENT:
        clock_raw(SYS_write, sleeper->fd, (long)&one, sizeof one, 0, 0, 0);
        break;
    case SLEEP_TIMER:
        timer_fire(sleeper);
        break;
    }
}

/* The one whose time comes first; of two at one time the older thread. */
static struct sleeper *first_until(ns until)
{
    struct sleeper *first = NULL;

    for (struct sleeper *one = sleepers; one; one = one->next) {
        if (one->fired || one->deadline > until)
            continue;
        if (!first || one->deadline < first->deadline
            || (one->deadline == first->deadline && one->tid < first->tid))
            first = one;
    }
    return first;
}

bool sleeper_fire_one(ns until)
{
    struct sleeper *first;

    clock_enter(LOCK_SLEEPERS);
    first = first_until(until);
    if (first) {
        if (first->deadline > clock_stepped)
            clock_show(clock_stepped = first->deadline);
        if (first->kind != SLEEP_TIMER)
            first->fired = 1;
        wake(first);
    }
    clock_leave(LOCK_SLEEPERS);
    return first != NULL;
}

ns sleeper_earliest(void)
{
    struct sleeper *first;
    ns earliest;

    clock_enter(LOCK_SLEEPERS);
    first = first_until(FOREVER - 1);
    earliest = first ? first->deadline : FOREVER;
    clock_leave(LOCK_SLEEPERS);
    return earliest;
}

/* A wake between a thread's entry in the list and its wait is lost on some kinds: again. */
void sleeper_fire_again(void)
{
    clock_enter(LOCK_SLEEPERS);
    for (struct sleeper *one = sleepers; one; one = one->next)
        if (one->fired)
            wake(one);
    clock_leave(LOCK_SLEEPERS);
}

/* Lockstep is over: have everybody look at the time by themselves. */
void sleeper_fire_all(void)
{
    clock_enter(LOCK_SLEEPERS);
    for (struct sleeper *one = sleepers; one; one = one->next)
        if (one->kind != SLEEP_TIMER)
            wake(one);
    clock_leave(LOCK_SLEEPERS);
}
