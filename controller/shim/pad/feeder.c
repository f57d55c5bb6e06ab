/*
 * The thread that wakes a reader who waits: it sleeps on the page's last stamp, which
 * whoever writes the page wakes (pad_page.py rings), until a state expires, and at most
 * for a while.  Begun when somebody opens the pad; most programs never have it.
 */
#include "pad.h"

#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>

enum { IDLE_NS = 50 * 1000 * 1000, STACK_BYTES = 128 * 1024 };

static _Atomic int running_in; /* the process whose feeder it is: a fork has none */
static _Atomic uint32_t work; /* a word to sleep on while nobody has the pad open */

void wake_feeder(void)
{
    atomic_fetch_add(&work, 1);
    true_wake(&work);
    if (page)
        true_wake(&page->cells[CELLS - 1]);
}

static void *feed(void *unused)
{
    (void)unused;
    true_call(SYS_prctl, PR_SET_NAME, (long)"nitropilot-pad", 0, 0, 0, 0);
    for (;;) {
        const uint32_t asked = atomic_load(&work);
        const uint32_t stamp = page_stamp();
        uint64_t wait = IDLE_NS;

        if (!atomic_load(&pad_watchers)) {
            true_wait(&work, asked, 1000 * (uint64_t)IDLE_NS);
            continue;
        }
        if (pad_lock()) {
            wait = pad_work(IDLE_NS);
            pad_unlock();
        }
        true_wait(&page->cells[CELLS - 1], stamp, wait);
    }
    return NULL;
}

/* Signals are for the game's own threads. */
static bool begin(void)
{
    const size_t least = (size_t)sysconf(_SC_THREAD_STACK_MIN);
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_t thread;
    int failed;

    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES + least);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&thread, &attributes, feed, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return !failed;
}

bool start_feeder(void)
{
    const int own = (int)true_call(SYS_getpid, 0, 0, 0, 0, 0, 0);

    if (atomic_exchange(&running_in, own) != own && !begin()) {
        atomic_store(&running_in, 0);
        return false;
    }
    wake_feeder();
    return true;
}
