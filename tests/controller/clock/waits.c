/*
 * Waits as it is asked to, and says how long that was: a word and milliseconds a line.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static struct timespec span(long ms)
{
    return (struct timespec) { ms / 1000, ms % 1000 * 1000000 };
}

static double now(clockid_t id)
{
    struct timespec at;

    clock_gettime(id, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static struct timespec until(clockid_t id, long ms)
{
    struct timespec at;

    clock_gettime(id, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

static pthread_mutex_t mutex_held = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t lock_held = PTHREAD_RWLOCK_INITIALIZER;

static void *holder(void *nothing)
{
    pthread_mutex_trylock(&mutex_held);
    pthread_rwlock_trywrlock(&lock_held);
    return nothing; /* and never unlocks */
}

static void *lasting(void *nothing)
{
    pause();
    return nothing;
}

static void condition(long ms, clockid_t id, int by_attribute)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_condattr_t kind;
    pthread_cond_t never;
    struct timespec end = until(id, ms);

    pthread_condattr_init(&kind);
    if (by_attribute)
        pthread_condattr_setclock(&kind, id);
    pthread_cond_init(&never, &kind);
    pthread_mutex_lock(&mutex);
    if (by_attribute)
        while (pthread_cond_timedwait(&never, &mutex, &end) == 0)
            ;
    else
        while (pthread_cond_clockwait(&never, &mutex, id, &end) == 0)
            ;
    pthread_mutex_unlock(&mutex);
}

/* A set of no more bytes than a call with few descriptors needs, and nothing behind them. */
static fd_set *short_set(int fd)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned long *word = (unsigned long *)(two + page) - 1;

    mprotect(two + page, page, PROT_NONE);
    *word = 1UL << fd;
    return (fd_set *)word;
}

static void descriptors(const char *what, long ms)
{
    struct timespec length = span(ms);
    struct timeval other = { ms / 1000, ms % 1000 * 1000 };
    struct epoll_event event;
    int ends[2], epoll = epoll_create1(0);

    if (pipe(ends) != 0)
        exit(2);
    event = (struct epoll_event) { .events = EPOLLIN };
    epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event);
    if (!strcmp(what, "poll"))
        poll(&(struct pollfd) { ends[0], POLLIN, 0 }, 1, (int)ms);
    else if (!strcmp(what, "ppoll"))
        ppoll(&(struct pollfd) { ends[0], POLLIN, 0 }, 1, &length, NULL);
    else if (!strcmp(what, "select"))
        select(ends[0] + 1, short_set(ends[0]), NULL, NULL, &other);
    else if (!strcmp(what, "pselect"))
        pselect(ends[0] + 1, short_set(ends[0]), NULL, NULL, &length, NULL);
    else if (!strcmp(what, "epoll_wait"))
        epoll_wait(epoll, &event, 1, (int)ms);
    else
        epoll_pwait(epoll, &event, 1, (int)ms, NULL);
    close(epoll);
    close(ends[0]);
    close(ends[1]);
}

static void timer(long ms)
{
    struct itimerspec once = { .it_value = span(ms) };
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);

    timerfd_settime(fd, 0, &once, NULL);
    poll(&(struct pollfd) { fd, POLLIN, 0 }, 1, -1);
    close(fd);
}

static void looked_up(long ms)
{
    int (*sleep_of_c)(const struct timespec *, struct timespec *);
    struct timespec length = span(ms);

    *(void **)&sleep_of_c = dlsym(dlopen("libc.so.6", RTLD_LAZY), "nanosleep");
    sleep_of_c(&length, NULL);
}

static void word(long ms, int absolute)
{
    static uint32_t never;
    struct timespec end = absolute ? until(CLOCK_MONOTONIC, ms) : span(ms);

    syscall(SYS_futex, &never, absolute ? FUTEX_WAIT_BITSET : FUTEX_WAIT, 0, &end, NULL, ~0u);
}

static void lasting_thread(long ms)
{
    pthread_t thread;
    struct timespec end = until(CLOCK_REALTIME, ms);

    pthread_create(&thread, NULL, lasting, NULL);
    pthread_timedjoin_np(thread, NULL, &end);
    pthread_cancel(thread);
    pthread_join(thread, NULL);
}

static void held(const char *what, long ms)
{
    pthread_t thread;
    struct timespec end, monotonic;

    pthread_create(&thread, NULL, holder, NULL);
    pthread_join(thread, NULL);
    end = until(CLOCK_REALTIME, ms);
    monotonic = until(CLOCK_MONOTONIC, ms);
    if (!strcmp(what, "timedlock"))
        pthread_mutex_timedlock(&mutex_held, &end);
    else if (!strcmp(what, "mtx_timedlock"))
        mtx_timedlock((mtx_t *)&mutex_held, &end);
    else if (!strcmp(what, "clocklock"))
        pthread_mutex_clocklock(&mutex_held, CLOCK_MONOTONIC, &monotonic);
    else if (!strcmp(what, "timedrdlock"))
        pthread_rwlock_timedrdlock(&lock_held, &end);
    else if (!strcmp(what, "timedwrlock"))
        pthread_rwlock_timedwrlock(&lock_held, &end);
    else if (!strcmp(what, "clockrdlock"))
        pthread_rwlock_clockrdlock(&lock_held, CLOCK_MONOTONIC, &monotonic);
    else
        pthread_rwlock_clockwrlock(&lock_held, CLOCK_MONOTONIC, &monotonic);
}

static void wait_as(const char *what, long ms)
{
    struct timespec length = span(ms), end;
    sem_t never;
    mtx_t mutex;
    cnd_t waiting;

    sem_init(&never, 0, 0);
    if (!strcmp(what, "nanosleep"))
        nanosleep(&length, NULL);
    else if (!strcmp(what, "clock_nanosleep"))
        clock_nanosleep(CLOCK_REALTIME, 0, &length, NULL);
    else if (!strcmp(what, "until"))
        end = until(CLOCK_MONOTONIC, ms), clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL);
    else if (!strcmp(what, "usleep"))
        usleep((useconds_t)ms * 1000);
    else if (!strcmp(what, "thrd_sleep"))
        thrd_sleep(&length, NULL);
    else if (strstr(what, "poll") || strstr(what, "select"))
        descriptors(what, ms);
    else if (!strcmp(what, "cond_timedwait"))
        condition(ms, CLOCK_REALTIME, 1);
    else if (!strcmp(what, "cond_monotonic"))
        condition(ms, CLOCK_MONOTONIC, 1);
    else if (!strcmp(what, "cond_clockwait"))
        condition(ms, CLOCK_MONOTONIC, 0);
    else if (!strcmp(what, "cnd_timedwait")) {
        mtx_init(&mutex, mtx_plain);
        cnd_init(&waiting);
        mtx_lock(&mutex);
        end = until(CLOCK_REALTIME, ms);
        while (cnd_timedwait(&waiting, &mutex, &end) == thrd_success)
            ;
    } else if (!strcmp(what, "sem_timedwait"))
        end = until(CLOCK_REALTIME, ms), sem_timedwait(&never, &end);
    else if (!strcmp(what, "sem_clockwait"))
        end = until(CLOCK_MONOTONIC, ms), sem_clockwait(&never, CLOCK_MONOTONIC, &end);
    else if (!strcmp(what, "timerfd"))
        timer(ms);
    else if (!strcmp(what, "syscall"))
        syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &length, NULL);
    else if (!strcmp(what, "dlsym"))
        looked_up(ms);
    else if (!strcmp(what, "futex"))
        word(ms, 0);
    else if (!strcmp(what, "futex_until"))
        word(ms, 1);
    else if (!strcmp(what, "timedjoin"))
        lasting_thread(ms);
    else if (strstr(what, "lock"))
        held(what, ms);
    else
        exit(3);
}

/* Every clock, as seconds. */
static void read_all(void)
{
    struct timespec direct, standard;
    struct timeval day;
    int (*looked_up_clock)(clockid_t, struct timespec *);
    struct timespec found;

    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &direct);
    gettimeofday(&day, NULL);
    timespec_get(&standard, TIME_UTC);
    *(void **)&looked_up_clock = dlsym(dlopen("libc.so.6", RTLD_LAZY), "clock_gettime");
    looked_up_clock(CLOCK_MONOTONIC, &found);
    printf("%.9f %.9f %.9f %.9f %.9f %.9f %.9f %.9f %ld %.6f %ld.%06ld %ld.%09ld\n",
        now(CLOCK_MONOTONIC), now(CLOCK_MONOTONIC_RAW), now(CLOCK_MONOTONIC_COARSE),
        now(CLOCK_BOOTTIME), (double)direct.tv_sec + (double)direct.tv_nsec / 1e9,
        (double)found.tv_sec + (double)found.tv_nsec / 1e9, now(CLOCK_REALTIME),
        now(CLOCK_REALTIME_COARSE), (long)time(NULL), (double)clock() / CLOCKS_PER_SEC,
        (long)day.tv_sec, (long)day.tv_usec, (long)standard.tv_sec, standard.tv_nsec);
}

int main(void)
{
    char what[32];
    long ms;

    while (scanf("%31s %ld", what, &ms) == 2) {
        double before = now(CLOCK_MONOTONIC);

        if (!strcmp(what, "read")) {
            read_all();
        } else if (!strcmp(what, "work")) {
            for (volatile long i = 0; i < ms * 1000000; i++)
                ;
            printf("done\n");
        } else {
            wait_as(what, ms);
            printf("%.9f\n", now(CLOCK_MONOTONIC) - before);
        }
        fflush(stdout);
    }
    return 0;
}
