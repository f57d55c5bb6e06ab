/*
 * A clock of ours inside a launched game: what the files of this folder share.
 *
 * The controller maps the same page (controller/clock/layout.py: change both and the
 * version).  Without NITROPILOT_CLOCK_PAGE in the environment every function that is
 * defined here passes straight on to the real one.
 */
#ifndef NITROPILOT_CLOCK_H
#define NITROPILOT_CLOCK_H
#include "../promises.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))
#define THREAD _Thread_local __attribute__((tls_model("initial-exec")))
#define SECOND INT64_C(1000000000)
#define FOREVER INT64_MAX

typedef int64_t ns; /* nanoseconds */

/* value * by / over, none of them negative, where the product may be more than fits. */
static inline ns scaled(ns value, int64_t by, int64_t over)
{
    return value / over * by + value % over * by / over;
}

/* ---- The page. ---- */

enum { CLOCK_VERSION = 1, CLOCK_BYTES = 4096, SCALE_ONE = 1000000, MOST_SCALE = 10, STEPS_A_SECOND = 60 };
enum { COURSE_FREE = 0, COURSE_LOCKSTEP = 1 };
enum { ASKED_SETTLE = 1, ASKED_CHANCE = 2, ASKED_DIGEST = 4 };
enum used {
    USED_READ = 1, USED_SLEEP = 2, USED_POLL = 4, USED_TIMED = 8, USED_TIMERFD = 16, USED_DIRECT = 32,
    USED_LOOKUP = 64, USED_CHANCE = 128, USED_SDL = 256, USED_GLX = 512, USED_EGL = 1024, USED_KEEPER = 2048,
    USED_DEEP = 4096,
};

/* How virtual time goes from a moment of the true clock on. */
struct course {
    uint32_t mode;
    uint32_t unused;
    ns since_true, since_virtual;
    uint64_t scale; /* in millionths; 0 is frozen */
};

struct clock_page {
    char magic[8];
    uint32_t version;
    uint32_t asked;
    uint64_t seed;
    ns base_monotonic, base_real; /* what the clocks show at virtual time 0 */
    uint32_t spin_after; /* clock reads in a step after which one more costs time */
    _Atomic uint32_t multiplier; /* of the next steps */
    uint32_t unused[4];
    _Atomic uint32_t turn; /* 64: of the course; its lowest bit says which one holds */
    uint32_t unused_too;
    _Atomic ns lease; /* 72: of the true clock: then a game that stands goes on by itself */
    _Atomic uint32_t allow; /* 80: arrivals that may go on */
    uint32_t unused_three[3];
    struct course courses[2]; /* 96 */
    uint32_t unused_four[8];
    _Atomic ns shown; /* 192: from here on written by the game: the latest virtual time it saw */
    _Atomic uint32_t arrived; /* 200: at the gate, steps with and without a picture */
    _Atomic uint32_t pictures;
    _Atomic uint32_t pid, tid; /* 208: who presents */
    _Atomic uint32_t entered; /* 216: processes that have the page */
    _Atomic uint32_t used;
    _Atomic uint32_t at_gate;
    _Atomic uint32_t lapses;
    _Atomic uint64_t digest; /* 232: of the last picture */
    _Atomic uint32_t sleepers; /* 240 */
    _Atomic uint32_t restless; /* a thread that settling does not wait for any more */
    _Atomic uint32_t unsettled; /* how often waiting for the others to rest took too long */
};

_Static_assert(offsetof(struct clock_page, turn) == 64, "layout.py");
_Static_assert(offsetof(struct clock_page, allow) == 80, "layout.py");
_Static_assert(offsetof(struct clock_page, courses) == 96, "layout.py");
_Static_assert(offsetof(struct clock_page, shown) == 192, "layout.py");
_Static_assert(offsetof(struct clock_page, digest) == 232, "layout.py");

/* ---- real.c: past everything that is defined here. ---- */

long clock_raw(long number, long a, long b, long c, long d, long e, long f); /* -errno */
void *clock_real(void *_Atomic *kept, const char *name);
void *clock_find(const char *name, const char *part_of_library);
const char *clock_file_of(void *code); /* whose it is: the name of the library's file */
void *clock_dlsym(void *handle, const char *name);
typedef void *clock_lookup(void *, const char *);
clock_lookup *clock_real_dlsym(void);
ns clock_true(void);
ns clock_true_of(clockid_t id);
void clock_wait_word(_Atomic uint32_t *word, uint32_t value, ns timeout);
int clock_wait_word_errno(_Atomic uint32_t *word, uint32_t value, ns timeout);
void clock_wake_word(_Atomic uint32_t *word);
void clock_lock(_Atomic uint32_t *lock);
bool clock_try_lock(_Atomic uint32_t *lock);
void clock_unlock(_Atomic uint32_t *lock);
enum lock { LOCK_COURSE, LOCK_SLEEPERS, LOCK_TIMERS, LOCK_EFFORT, LOCK_CHANCE, LOCKS };
void clock_enter(enum lock lock);
void clock_leave(enum lock lock);
void clock_forget_locks(void);
int clock_tid(void);

/* The real function of that name, with its type; NULL if this C library has none. */
#define REAL(name)                                                                     \
    __extension__({                                                                              \
        static void *_Atomic kept_;                                                    \
        __typeof__(&name) real_;                                                       \
        void *found_ = clock_real(&kept_, #name);                                      \
        __builtin_memcpy(&real_, &found_, sizeof found_);                              \
        real_;                                                                         \
    })

/* ---- page.c ---- */

enum way { WAY_REAL, WAY_FREE, WAY_LOCKSTEP };

extern struct clock_page *clock_page; /* NULL: every call is the real one */
extern THREAD int clock_inside; /* this thread is in code of ours: what it calls is real */
bool clock_start(void);
enum way clock_way(void); /* of a call of the game's */
enum way clock_course_way(void); /* whoever asks */
ns clock_now(void);
ns clock_show(ns now);
ns clock_left_true(ns left_virtual, ns most); /* how long to wait for so much virtual time */
void clock_course(struct course *course);
uint32_t clock_turn(void);
bool clock_lapsed(void);
void clock_use(enum used what);
bool clock_is_main(void); /* of lockstep: the thread that presents, or will */
void clock_become_main(void);
bool clock_ours(void); /* whether lockstep is about this process */
int clock_main_tid(void);
bool clock_asked(uint32_t what);
ns clock_base(clockid_t id);
extern _Atomic ns clock_stepped; /* virtual time in lockstep */

void clock_is_passed_by(void); /* doors.c */

/* ---- sleepers.c, settle.c ---- */

enum sleeper_kind { SLEEP_WORD, SLEEP_CONDITION, SLEEP_OUTER_WORD, SLEEP_EVENT, SLEEP_TIMER };

struct sleeper {
    ns deadline;
    enum sleeper_kind kind;
    void *what; /* the condition, the outer word, or the slot of a timer */
    int fd; /* of an event */
    int tid;
    _Atomic uint32_t fired;
    struct sleeper *next;
};

void sleeper_list(struct sleeper *sleeper);
void sleeper_add(struct sleeper *sleeper); /* and have somebody look after it */
void sleeper_remove(struct sleeper *sleeper);
void sleeper_leave(void *sleeper);
bool sleeper_fire_one(ns until); /* the earliest until then, with its time; false: there is none */
ns sleeper_earliest(void);
void sleeper_fire_again(void);
void sleeper_fire_all(void);
void sleeper_forget_all(void);
void clock_settle(void);
bool settle_now(bool (*meanwhile)(void));
void settle_except(int tid);
char settle_state(int tid);
bool settle_in_futex(int tid);
void settle_count_read(void);

/* ---- gate.c, keeper.c ---- */

extern _Atomic uint32_t gate_lock, gate_main_moves; /* held by whoever moves time; main would */
extern _Atomic uint32_t keeper_main_waits;
extern _Atomic ns keeper_main_polls;
void gate_begins(void);
void gate_next_event(ns event, bool (*blocked)(void));
void clock_spin(void); /* by the main thread */
void clock_advance(ns target, bool (*ready)(void *), void *about);
void clock_gate(void);
void keeper_poke(void);
void keeper_need(void);
void keeper_forget(void);

/* ---- sleep.c, timed.c, poll.c, direct.c, timerfd.c: what several doors lead to. ---- */

int sleep_until(ns deadline); /* virtual; 0 or EINTR */
ns nanoseconds(const struct timespec *at);
ns span_of(const struct timespec *limit); /* of a wait; NULL is FOREVER */
struct timespec timespec_of(ns time);
bool timespec_bad(const struct timespec *at);
ns clock_deadline(clockid_t id, const struct timespec *at); /* to virtual time */
int wait_on_outer_word(_Atomic uint32_t *word, uint32_t value, ns deadline, int flags, uint32_t bits);
bool timers_notice(void); /* true: the course had changed */
bool timers_armed(void);
void timers_after_fork(void);
void timer_fire(void *slot);
int chance_open(const char *path, int flags); /* a descriptor instead, or -1 */
FILE *chance_open_stream(const char *path, const char *mode);
ssize_t chance_go_on(int fd, void *to, size_t size, ssize_t got);
bool chance_bytes(void *to, size_t size);
uint64_t digest_gl(int width, int height);
uint64_t digest_bytes(const void *bytes, size_t size);
void *digest_room(size_t size);

/* ---- The pad's: see shim.h. ---- */

void pad_refresh(void);
void pad_hold(bool held);
void pad_push(void);
extern uint64_t (*pad_event_time)(clockid_t id);
void gate_lets_go(void); /* the game is free again: the pad changes whenever it does */

#endif
