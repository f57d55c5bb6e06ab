/*
 * The page that the controller shares, and what time it is by it.
 */
#include "clock.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { UNKNOWN, OFF, ON };

struct clock_page *clock_page;
THREAD int clock_inside;
_Atomic ns clock_stepped;

static _Atomic int state; /* UNKNOWN, OFF or ON */
static _Atomic uint32_t starting;
static _Atomic uint32_t pid, forks;
static _Atomic uint32_t turn_seen;
static THREAD int tid;
static THREAD uint32_t tid_of;

static struct clock_page *map_page(const char *path)
{
    struct statx info; /* by the kernel: nothing has been looked up yet, which may allocate */
    struct clock_page *page;
    void *memory = MAP_FAILED;
    int fd = (int)clock_raw(SYS_openat, AT_FDCWD, (long)path,
        O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0, 0, 0);

    if (fd < 0)
        return NULL;
    if (clock_raw(SYS_statx, fd, (long)"", AT_EMPTY_PATH, STATX_BASIC_STATS, (long)&info, 0) == 0
        && S_ISREG(info.stx_mode) && info.stx_uid == geteuid() && info.stx_size >= CLOCK_BYTES)
        memory = mmap(NULL, CLOCK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    clock_raw(SYS_close, fd, 0, 0, 0, 0, 0);
    if (memory == MAP_FAILED)
        return NULL;
    page = memory;
    if (memcmp(page->magic, "NITROCLK", 8) == 0 && page->version == CLOCK_VERSION)
        return page;
    munmap(memory, CLOCK_BYTES);
    return NULL;
}

/* A child of fork has one thread, and none of those that slept. */
static void after_fork(void)
{
    pid = (uint32_t)clock_raw(SYS_getpid, 0, 0, 0, 0, 0, 0);
    forks++;
    starting = 0;
    clock_forget_locks();
    sleeper_forget_all();
    timers_after_fork();
    keeper_forget();
}

static uint64_t event_time(clockid_t id)
{
    return (uint64_t)(clock_base(id) + clock_now());
}

/* Once, at the first call of anything, which may come before any constructor. */
bool clock_start(void)
{
    int before = errno;
    const char *path;

    if (state != UNKNOWN)
        return state == ON;
    clock_lock(&starting);
    if (state == UNKNOWN) {
        path = getenv("NITROPILOT_CLOCK_PAGE");
        clock_page = path ? map_page(path) : NULL;
        if (clock_page) {
            pid = (uint32_t)clock_raw(SYS_getpid, 0, 0, 0, 0, 0, 0);
            turn_seen = clock_page->turn - 1;
            clock_page->entered++;
            pad_event_time = event_time;
            pthread_atfork(NULL, NULL, after_fork);
        } else if (path && write(2, "nitropilot: no clock: its page cannot be used\n", 46) < 0) {
            clock_page = NULL; /* nobody hears it */
        }
        state = clock_page ? ON : OFF;
        errno = before;
    }
    clock_unlock(&starting);
    return state == ON;
}

__attribute__((constructor)) static void at_start(void)
{
    clock_start();
}

int clock_tid(void)
{
    if (!tid || tid_of != forks) {
        tid = (int)clock_raw(SYS_gettid, 0, 0, 0, 0, 0, 0);
        tid_of = forks;
    }
    return tid;
}

/* A course is never changed while it holds: the controller writes the other one, then turns. */
void clock_course(struct course *course)
{
    uint32_t turn;

    do {
        turn = atomic_load_explicit(&clock_page->turn, memory_order_acquire);
        memcpy(course, &clock_page->courses[turn & 1], sizeof *course);
        atomic_thread_fence(memory_order_acquire);
    } while (turn != atomic_load_explicit(&clock_page->turn, memory_order_relaxed));
}

uint32_t clock_turn(void)
{
    return clock_page->turn;
}

static bool lapsed_at(ns now)
{
    return now > clock_page->lease;
}

bool clock_lapsed(void)
{
    return clock_page->lease != FOREVER && lapsed_at(clock_true());
}

/* Lockstep is about the process that presents; before there is one, about all. */
bool clock_ours(void)
{
    uint32_t presenter = clock_page->pid;

    return presenter == 0 || presenter == pid;
}

int clock_main_tid(void)
{
    return (int)(clock_page->pid == pid ? clock_page->tid : pid);
}

bool clock_is_main(void)
{
    return clock_tid() == clock_main_tid();
}

void clock_become_main(void)
{
    uint32_t nobody = 0;

    if (clock_page->pid == pid || atomic_compare_exchange_strong(&clock_page->pid, &nobody, pid))
        clock_page->tid = (uint32_t)clock_tid();
}

/* Lockstep begins where the game's time was. */
static void begin_steps(uint32_t turn)
{
    static THREAD bool here; /* and a signal handler reads the clock */
    struct course course;

    if (here)
        return;
    here = true;
    clock_enter(LOCK_COURSE);
    if (turn_seen != turn) {
        ns shown = clock_page->shown;

        clock_course(&course);
        if (shown < course.since_virtual)
            shown = course.since_virtual;
        if (shown > clock_stepped)
            clock_stepped = shown;
        turn_seen = turn;
        gate_begins();
    }
    clock_leave(LOCK_COURSE);
    here = false;
}

enum way clock_course_way(void)
{
    struct course course;
    uint32_t turn;

    if (state == OFF || !clock_start())
        return WAY_REAL;
    turn = clock_page->turn;
    clock_course(&course);
    if (course.mode != COURSE_LOCKSTEP || !clock_ours() || clock_lapsed())
        return WAY_FREE;
    if (turn_seen != turn)
        begin_steps(turn);
    return WAY_LOCKSTEP;
}

enum way clock_way(void)
{
    return clock_inside ? WAY_REAL : clock_course_way();
}

/* What the game has seen never goes back, whatever becomes of the page. */
ns clock_show(ns now)
{
    ns shown = clock_page->shown;

    while (shown < now)
        if (atomic_compare_exchange_weak(&clock_page->shown, &shown, now))
            return now;
    return shown;
}

/* Virtual time. */
ns clock_now(void)
{
    struct course course;
    ns now = clock_true(), lease = clock_page->lease, virtual;

    clock_course(&course);
    if (course.mode == COURSE_LOCKSTEP && clock_ours()) {
        virtual = clock_stepped;
        return lapsed_at(now) ? clock_show(virtual + now - lease) : virtual;
    }
    virtual = course.since_virtual;
    if (course.mode == COURSE_LOCKSTEP) /* a process beside the one that presents */
        return virtual + now - course.since_true;
    if (course.scale)
        virtual += scaled(now - course.since_true, (int64_t)course.scale, SCALE_ONE);
    else if (lapsed_at(now))
        virtual += now - (lease > course.since_true ? lease : course.since_true);
    return clock_show(virtual);
}

/* At most so long: what is waited for must notice when the course changes. */
ns clock_left_true(ns left, ns most)
{
    struct course course;

    if (left <= 0)
        return 0;
    clock_course(&course);
    if (course.mode == COURSE_LOCKSTEP || (!course.scale && clock_lapsed()))
        return left < most ? left : most;
    if (!course.scale)
        return most;
    if (left / MOST_SCALE >= most) /* and nothing overflows below */
        return most;
    left = scaled(left, SCALE_ONE, (int64_t)course.scale);
    return left < most ? left + 1 : most;
}

bool clock_asked(uint32_t what)
{
    return clock_start() && (clock_page->asked & what);
}

void clock_use(enum used what)
{
    if (!(atomic_load_explicit(&clock_page->used, memory_order_relaxed) & what))
        atomic_fetch_or(&clock_page->used, what);
}

ns clock_base(clockid_t id)
{
    bool of_the_day = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_TAI
        || id == CLOCK_REALTIME_ALARM;

    return of_the_day ? clock_page->base_real : clock_page->base_monotonic;
}
