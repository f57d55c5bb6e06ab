/*
 * Waiting until every other thread of the game rests.
 *
 * What a woken thread does in no time of the game's takes some time of ours.  Only when all
 * have come to rest again may the next one be woken, or the clock go on.
 *
 * Threads are looked at one after the other, and on a busy machine much may happen between two
 * of these: one wakes another and sleeps in its turn, each asleep when it is looked at and never
 * both.  So all are looked at twice, with how often each was given a processor.  If all slept
 * both times and none has run in between, there was a moment at which all slept.
 */
#include "clock.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STRIKES = 3, SEATS = 512, SPINNING = 400 };
#define LONGEST (5 * SECOND)
#define BETWEEN_LOOKS 30000 /* ns */

/* What is known of a thread: how often it read the clock, would not rest, and had run at a look. */
struct seat {
    _Atomic int tid;
    _Atomic uint32_t reads, reads_before, strikes;
    _Atomic uint64_t turns;
};

enum look { FIRST_LOOK, SECOND_LOOK };

static struct seat seats[SEATS];
static _Atomic uint32_t looks = 1; /* how often it was settled: seats may have become free since */
static _Atomic bool unseated; /* some thread's rest is not proved: more than there are seats */
static _Atomic int excepted;

/* The thread of our own that is not the game's. */
void settle_except(int tid)
{
    excepted = tid;
}

static bool read_file(int tid, const char *name, char *text, size_t size)
{
    char path[64];
    long got, fd;

    snprintf(path, sizeof path, "/proc/self/task/%d/%s", tid, name);
    fd = clock_raw(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    if (fd < 0)
        return false;
    got = clock_raw(SYS_read, fd, (long)text, (long)size - 1, 0, 0, 0);
    clock_raw(SYS_close, fd, 0, 0, 0, 0, 0);
    text[got > 0 ? got : 0] = 0;
    return got > 0;
}

/* R: runs or would; S: sleeps; D: in the kernel, on a disk; 0: gone. */
char settle_state(int tid)
{
    char text[256], *end;

    if (!read_file(tid, "stat", text, sizeof text))
        return 0;
    end = strrchr(text, ')'); /* names may have anything in them */
    return end && end[1] == ' ' ? end[2] : 0;
}

/* Waits for a word in memory: for another thread, and for nothing outside. */
bool settle_in_futex(int tid)
{
    char text[256];

    return read_file(tid, "syscall", text, sizeof text) && text[0] >= '0' && text[0] <= '9'
        && atol(text) == SYS_futex;
}

/* How often it was given a processor; 0 where the kernel does not tell. */
static uint64_t turns_of(int tid)
{
    char text[96], *last;

    if (!read_file(tid, "schedstat", text, sizeof text))
        return 0;
    last = strrchr(text, ' '); /* after how long it ran and how long it waited */
    return last ? strtoull(last, NULL, 10) : 0;
}

/* Its own, or one that nobody has, or one of a thread that has ended. */
static struct seat *seat_of(int tid)
{
    for (int ended = 0; ended < 2; ended++) {
        for (int i = 0; i < SEATS; i++) {
            struct seat *seat = &seats[(tid + i) % SEATS];
            int whose = seat->tid;

            if (whose == tid)
                return seat;
            if (whose && (!ended || settle_state(whose)))
                continue;
            if (atomic_compare_exchange_strong(&seat->tid, &whose, tid)) {
                seat->reads = seat->reads_before = seat->strikes = 0;
                return seat;
            }
        }
    }
    return NULL;
}

/* By another thread than the main one: one that spins on the clock never rests by itself. */
void settle_count_read(void)
{
    static THREAD struct seat *own;
    static THREAD int own_tid;
    static THREAD uint32_t looked_at; /* where all are taken, it costs as many files to look */
    uint32_t now = looks;

    if (own_tid != clock_tid() || (!own && looked_at != now)) {
        own_tid = clock_tid();
        own = seat_of(own_tid);
        looked_at = now;
    }
    if (own)
        own->reads++;
}

/* At the second look: and has not run since the first one. */
static bool rests(int tid, enum look look)
{
    struct seat *seat = seat_of(tid);
    char its;

    if (seat && look == FIRST_LOOK)
        seat->turns = turns_of(tid); /* before its state: what it runs from now on is counted */
    its = settle_state(tid);
    if (!seat) {
        unseated = true;
        return its != 'R' && its != 'D';
    }
    if (its == 'R' || its == 'D')
        return seat->strikes >= STRIKES || seat->reads - seat->reads_before > SPINNING;
    if (look == FIRST_LOOK)
        return true;
    if (turns_of(tid) != seat->turns)
        return seat->strikes >= STRIKES;
    seat->strikes = 0;
    return true;
}

/* The first thread that does not rest, 0 if all do. */
static int restless(enum look look)
{
    _Alignas(8) char entries[2048];
    long fd = clock_raw(SYS_openat, AT_FDCWD, (long)"/proc/self/task",
        O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0, 0);
    long got;
    int found = 0;

    if (fd < 0) {
        unseated = true;
        return 0;
    }
    while (!found && (got = clock_raw(SYS_getdents64, fd, (long)entries, sizeof entries, 0, 0, 0)) > 0) {
        for (long at = 0; at < got && !found;) {
            struct dirent64 *entry = (struct dirent64 *)(entries + at);
            int tid = atoi(entry->d_name);

            if (tid > 0 && tid != excepted && tid != clock_tid() && !rests(tid, look))
                found = tid;
            at += entry->d_reclen;
        }
    }
    clock_raw(SYS_close, fd, 0, 0, 0, 0, 0);
    return found;
}

static void pause_a_little(void)
{
    struct timespec span = timespec_of(BETWEEN_LOOKS);

    clock_raw(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, (long)&span, 0, 0, 0);
}

/* Without waiting for it. */
bool settle_now(bool (*meanwhile)(void))
{
    return !restless(FIRST_LOOK) && meanwhile() && !restless(SECOND_LOOK);
}

void clock_settle(void)
{
    ns until = clock_true() + LONGEST;
    enum look look = FIRST_LOOK;
    struct seat *seat;
    int who;

    if (!clock_asked(ASKED_SETTLE))
        return;
    unseated = false;
    looks++;
    for (int i = 0; i < SEATS; i++)
        atomic_store_explicit(&seats[i].reads_before,
            atomic_load_explicit(&seats[i].reads, memory_order_relaxed), memory_order_relaxed);
    while ((who = restless(look)) || look == FIRST_LOOK) {
        look = who ? FIRST_LOOK : SECOND_LOOK;
        if (!who)
            continue;
        if (clock_true() > until)
            break;
        pause_a_little();
    }
    if (who || unseated)
        clock_page->unsettled++;
    if (!who)
        return;
    seat = seat_of(who);
    if (seat && ++seat->strikes >= STRIKES)
        clock_page->restless = (uint32_t)who;
}
