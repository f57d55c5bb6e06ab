/*
 * Lockstep: how virtual time goes on, 1/60 s at a time, and the gate between two steps.
 *
 * Time stands still while the game computes.  The main thread, the one that presents, moves
 * it: a sleep adds its length at once, a picture ends the step.  A sleep that would go beyond
 * the step ends it too, without a picture, so that a step is always 1/60 s.  Before the first
 * picture there is no gate: loading takes as long as its sleeps say.
 */
#include "clock.h"

#define WAIT (SECOND / 10) /* then look whether lockstep is still on */
#define SPIN_COSTS 50000 /* ns, of each read or yield too many */

_Atomic uint32_t gate_lock, gate_main_moves;
static bool presented; /* from here on under that lock */
static _Atomic bool begins;
static ns origin;
static uint64_t ticks;
static THREAD uint32_t spins;

/* By the main thread.  It may wait here for the keeper, which must not take that for a halt. */
static void take(void)
{
    gate_main_moves = 1;
    clock_inside++; /* a signal handler that sleeps or draws meanwhile does so without us */
    clock_lock(&gate_lock);
}

static void give(void)
{
    clock_unlock(&gate_lock);
    clock_inside--;
    gate_main_moves = 0;
}

/* Exact: no rounding adds up. */
static ns time_of(uint64_t tick)
{
    return origin + scaled((ns)tick, SECOND, STEPS_A_SECOND);
}

/* Lockstep begins now, or again after a stretch that was free. */
void gate_begins(void)
{
    begins = true;
}

static void begin(void)
{
    if (atomic_exchange(&begins, false)) {
        origin = clock_stepped;
        ticks = 0;
    }
}

/* Until then, event by event; true when what the caller waits for is there before. */
static bool run_to(ns until, bool (*ready)(void *), void *about)
{
    sleeper_fire_again();
    while (sleeper_fire_one(until)) {
        clock_settle();
        sleeper_fire_again();
        if (ready && ready(about))
            return true;
    }
    if (until > clock_stepped)
        clock_show(clock_stepped = until);
    return false;
}

static bool may_go(uint32_t arrival)
{
    return (int32_t)(clock_page->allow - arrival) >= 0;
}

static void wait_for_leave(uint32_t arrival)
{
    while (!may_go(arrival) && clock_course_way() == WAY_LOCKSTEP) {
        uint32_t allowed = clock_page->allow;
        ns lease = clock_page->lease, left = lease == FOREVER ? WAIT : lease - clock_true() + 1;

        if (!may_go(arrival) && left > 0)
            clock_wait_word(&clock_page->allow, allowed, left < WAIT ? left : WAIT);
    }
    if (!may_go(arrival) && clock_lapsed())
        clock_page->lapses++;
}

static void hold_pad(bool hold)
{
    static _Atomic bool held;

    if (atomic_exchange(&held, hold) != hold)
        pad_hold(hold);
}

void gate_lets_go(void)
{
    hold_pad(false);
}

/* The end of a step: say so, wait for the next one, take the pad, let time go on. */
static void arrive(void)
{
    uint32_t arrival;

    hold_pad(true);
    clock_page->at_gate = 1;
    arrival = ++clock_page->arrived;
    clock_wake_word(&clock_page->arrived);
    wait_for_leave(arrival);
    clock_page->at_gate = 0;
    pad_push();
    if (clock_course_way() != WAY_LOCKSTEP) {
        gate_lets_go();
        sleeper_fire_all();
        return;
    }
    begin(); /* in case it was left and begun again meanwhile */
    ticks += clock_page->multiplier ? clock_page->multiplier : 1;
    run_to(time_of(ticks), NULL, NULL);
    clock_settle();
}

/* A picture was shown. */
void clock_gate(void)
{
    clock_become_main();
    if (!clock_ours())
        return;
    take();
    begin();
    if (!presented) {
        /* How often a game looks at the clock while it loads varies: start evenly. */
        run_to((clock_stepped + SECOND - 1) / SECOND * SECOND, NULL, NULL);
        origin = clock_stepped;
        ticks = 0;
        presented = true;
    }
    clock_settle();
    arrive();
    spins = 0;
    give();
}

/* Under the lock.  Until then, with gates where steps end. */
static void advance(ns target, bool (*ready)(void *), void *about)
{
    begin();
    while (clock_stepped < target && clock_course_way() == WAY_LOCKSTEP) {
        bool crosses = presented && target > time_of(ticks + 1);

        if (run_to(crosses ? time_of(ticks + 1) : target, ready, about))
            return;
        if (crosses)
            arrive();
    }
}

/* By the main thread: sleep until then, or until what it waits for is there. */
void clock_advance(ns target, bool (*ready)(void *), void *about)
{
    spins = 0;
    clock_settle(); /* a loader that the main thread looks after finishes first */
    if (ready && ready(about))
        return;
    take();
    advance(target, ready, about);
    give();
}

/* By the main thread: it read the clock, or gave way, and may be waiting for time to pass. */
void clock_spin(void)
{
    if (++spins <= clock_page->spin_after)
        return;
    take();
    advance(clock_stepped + SPIN_COSTS, NULL, NULL);
    give();
}

/* By the keeper, under the lock: nobody runs, the main thread waits for one who sleeps. */
void gate_next_event(ns event, bool (*blocked)(void))
{
    begin();
    if (presented && event > time_of(ticks + 1)) {
        run_to(time_of(ticks + 1), NULL, NULL);
        if (blocked())
            arrive();
    } else if (sleeper_fire_one(event)) {
        clock_settle();
        sleeper_fire_again();
    }
}
