/*
 * A thread of our own that moves time when the main thread cannot: it waits for another
 * thread, which sleeps.  Made when somebody sleeps in lockstep for the first time.
 */
#include "clock.h"
#include <pthread.h>
#include <signal.h>

#define LOOK_EVERY (SECOND / 50)

static _Atomic uint32_t made, poked;
_Atomic uint32_t keeper_main_waits; /* a wait of ours, with a time-out, by the main thread */
_Atomic ns keeper_main_polls; /* when the main thread waits too long for descriptors; 0: it does not */

void keeper_poke(void)
{
    poked++;
    clock_wake_word(&poked);
}

void keeper_forget(void)
{
    made = 0;
    gate_lock = gate_main_moves = 0;
    keeper_main_waits = 0;
    keeper_main_polls = 0;
}

static bool main_blocked(void)
{
    ns late = keeper_main_polls;
    int tid = clock_main_tid();

    if (gate_main_moves || settle_state(tid) != 'S')
        return false;
    return keeper_main_waits || settle_in_futex(tid)
        || (late && clock_true() > late);
}

/* Whether nothing can happen any more unless time goes on. */
static bool stuck(void)
{
    return main_blocked() && settle_now(main_blocked);
}

static void look(void)
{
    if (!clock_try_lock(&gate_lock))
        return; /* time is being moved, or the gate is shut */
    sleeper_fire_again();
    while (clock_way() == WAY_LOCKSTEP && stuck()) {
        ns earliest = sleeper_earliest();

        if (earliest == FOREVER)
            break;
        clock_use(USED_KEEPER);
        gate_next_event(earliest, stuck);
    }
    clock_unlock(&gate_lock);
}

static bool somebody_waits(void)
{
    return clock_page->sleepers || timers_armed();
}

static void *keep(void *nothing)
{
    settle_except(clock_tid());
    for (;;) {
        uint32_t seen = poked;

        if (clock_way() == WAY_LOCKSTEP)
            look();
        else
            sleeper_fire_all();
        if (seen == poked)
            clock_wait_word(&poked, seen, somebody_waits() ? LOOK_EVERY : SECOND);
    }
    return nothing;
}

void keeper_need(void)
{
    uint32_t not_yet = 0;
    sigset_t all, before;
    pthread_t thread;

    if (made || !atomic_compare_exchange_strong(&made, &not_yet, 1))
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    if (pthread_create(&thread, NULL, keep, NULL) == 0)
        pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
