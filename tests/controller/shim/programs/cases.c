/*
 * What programs do seldom, one case a run: it ends with 0, unless something went wrong.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MUST(what)                                                     \
    do {                                                               \
        if (!(what)) {                                                 \
            fprintf(stderr, "%d: %s, errno %d\n", __LINE__, #what, errno); \
            exit(1);                                                   \
        }                                                              \
    } while (0)

/* Names and places that a careless program passes: the kernel answers, nothing crashes. */
static void no_names(void)
{
    char *volatile none = NULL;
    struct timeval *volatile nowhere = NULL;
    struct stat info;

    MUST(open(none, O_RDONLY) == -1 && errno == EFAULT);
    MUST(access(none, R_OK) == -1 && errno == EFAULT);
    MUST(stat(none, &info) == -1 && errno == EFAULT);
    MUST(!fopen(none, "r") && errno == EFAULT);
    MUST(!realpath(none, NULL) && errno == EINVAL);
    MUST(gettimeofday(nowhere, NULL) == 0);
}

/* Old programs ask for the zone too: the time is that of all the other clocks. */
static void zone(void)
{
    struct timezone where = { 77, 77 };
    struct timeval with, without;

    MUST(gettimeofday(&without, NULL) == 0 && gettimeofday(&with, &where) == 0);
    MUST(with.tv_sec == without.tv_sec && with.tv_usec == without.tv_usec);
    MUST(where.tz_minuteswest == 0 && where.tz_dsttime == 0);
}

/* More than the stand-in holds at once, in pieces that do not fit in evenly, in every way. */
static void random_device(void)
{
    int fd = open("/dev/urandom", O_RDONLY), other = dup(fd);
    FILE *stream = fopen("/dev/random", "rb"), *kept = fopen("/dev/urandom", "re");
    unsigned char piece[1000], before[sizeof piece] = { 0 };
    struct iovec parts[2] = { { piece, 301 }, { piece + 301, 699 } };
    uint64_t sum = 0;

    for (int i = 0; i < 400; i++) {
        ssize_t got = i % 4 == 0 ? read(fd, piece, sizeof piece)
            : i % 4 == 1         ? readv(other, parts, 2)
            : i % 4 == 2         ? (ssize_t)fread(piece, 1, sizeof piece, stream)
                                 : read(fileno(stream), piece, sizeof piece);

        MUST(got == (ssize_t)sizeof piece && memcmp(piece, before, sizeof piece) != 0);
        memcpy(before, piece, sizeof piece);
        for (size_t at = 0; at < sizeof piece; at++)
            sum = (sum ^ piece[at]) * UINT64_C(0x100000001b3);
    }
    MUST(!(fcntl(fd, F_GETFD) & FD_CLOEXEC) && !(fcntl(fileno(stream), F_GETFD) & FD_CLOEXEC));
    MUST(fcntl(fileno(kept), F_GETFD) & FD_CLOEXEC);
    fd = fileno(stream);
    MUST(fclose(stream) == 0 && fcntl(fd, F_GETFD) == -1);
    printf("%llx", (unsigned long long)sum);
}

/* ---- A child of fork, taken while other threads are inside ---- */

static const struct itimerspec soon = { .it_value = { 0, 10000000 } };
static int timer;

static void *ask_clock(void *nothing)
{
    for (;;)
        clock();
    return nothing;
}

static void *set_timer(void *nothing)
{
    const struct itimerspec late = { .it_value = { 1000, 0 } };

    for (;;)
        timerfd_settime(timer, 0, &late, NULL);
    return nothing;
}

static void child_waits(void)
{
    alarm(30); /* of the kernel: it ends a child that hangs */
    clock();
    MUST(timerfd_settime(timer, 0, &soon, NULL) == 0);
    MUST(poll(&(struct pollfd) { timer, POLLIN, 0 }, 1, -1) == 1);
    _exit(0);
}

static void ends_well(pid_t child)
{
    int status;

    MUST(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

static void forks(void)
{
    pthread_t thread;
    pid_t child;

    timer = timerfd_create(CLOCK_MONOTONIC, 0);
    pthread_create(&thread, NULL, ask_clock, NULL);
    pthread_create(&thread, NULL, set_timer, NULL);
    for (int i = 0; i < 30; i++) {
        child = fork();
        if (child == 0) {
            timer = timerfd_create(CLOCK_MONOTONIC, 0); /* the other is the parent's too */
            child_waits();
        }
        ends_well(child);
    }
}

static void fork_with_timer(void)
{
    pid_t child;

    timer = timerfd_create(CLOCK_MONOTONIC, 0);
    child = fork();
    if (child == 0)
        child_waits();
    ends_well(child);
}

/* A signal comes while its thread is in our code, and its handler forks. */
static void fork_again(int signal)
{
    pid_t child = fork();

    (void)signal;
    if (child == 0)
        _exit(0);
    ends_well(child);
}

static _Atomic int rung;

static void fork_now_and_then(int signal)
{
    fork_again(signal);
    rung++;
}

static void fork_in_handler(void)
{
    const struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
    int pad = open("/dev/input/event0", O_RDONLY), version;

    signal(SIGALRM, fork_now_and_then);
    setitimer(ITIMER_REAL, &often, NULL);
    while (rung < 50)
        ioctl(pad, EVIOCGVERSION, &version);
    setitimer(ITIMER_REAL, &never, NULL);
    MUST(ioctl(pad, EVIOCGVERSION, &version) == 0);
}

/* ---- A signal while the thread that presents stands at the gate ---- */

static long (*present)(void *);
static struct timespec at;

static void sleep_in_handler(int signal)
{
    struct timespec now;

    usleep(1000);
    poll(NULL, 0, 1);
    clock_gettime(CLOCK_MONOTONIC, &now);
    MUST(now.tv_sec == at.tv_sec && now.tv_nsec == at.tv_nsec);
    present(NULL);
    MUST(write(1, "handled\n", 8) == 8);
    if (signal == SIGTERM)
        exit(0);
}

static void signals_at_gate(void)
{
    *(void **)&present = dlsym(RTLD_DEFAULT, "SDL_RenderPresent");
    signal(SIGUSR1, sleep_in_handler);
    signal(SIGTERM, sleep_in_handler);
    for (;;) {
        clock_gettime(CLOCK_MONOTONIC, &at);
        present(NULL);
    }
}

/* ---- Many timers, and those that are closed while they run ---- */

static void goes_by_our_time(int timer)
{
    const struct itimerspec late = { .it_value = { 1000, 0 } };
    struct timespec before, after;

    MUST(timerfd_settime(timer, 0, &late, NULL) == 0);
    clock_gettime(CLOCK_MONOTONIC, &before);
    MUST(poll(&(struct pollfd) { timer, POLLIN, 0 }, 1, -1) == 1);
    clock_gettime(CLOCK_MONOTONIC, &after);
    MUST(after.tv_sec - before.tv_sec == 1000);
}

static void closed_timers(void)
{
    const struct itimerspec often = { { 0, 1000000 }, { 0, 1000000 } };
    int ends[2], kept[70];

    for (int i = 0; i < 70; i++)
        kept[i] = timerfd_create(CLOCK_MONOTONIC, 0);
    goes_by_our_time(kept[69]);
    for (int i = 0; i < 70; i++)
        MUST(timerfd_settime(kept[i], 0, &often, NULL) == 0);
    for (int i = 0; i < 70; i++)
        close(kept[i]);
    MUST(pipe(ends) == 0);
    for (int i = 0; i < 70; i++) /* other numbers than theirs */
        MUST(fcntl(0, F_DUPFD, 0) >= 0);
    goes_by_our_time(timerfd_create(CLOCK_MONOTONIC, 0));
}

/* ---- More threads than there are seats for ---- */

enum { SEATED = 520, READS = 400 };

static int said[2], over[2];

static void *read_once(void *nothing)
{
    struct timespec now;
    char byte = 0;

    clock_gettime(CLOCK_MONOTONIC, &now);
    MUST(write(said[1], &byte, 1) == 1);
    MUST(read(over[0], &byte, 1) == 0);
    return nothing;
}

/* How often this thread has read from a file so far. */
static long file_reads(void)
{
    FILE *io = fopen("/proc/thread-self/io", "r");
    long count = -1;

    MUST(io != NULL && fscanf(io, "rchar: %*d wchar: %*d syscr: %ld", &count) == 1);
    fclose(io);
    return count;
}

static void *read_often(void *nothing)
{
    struct timespec now;
    long began = file_reads(), first;

    clock_gettime(CLOCK_MONOTONIC, &now); /* looks through all seats */
    first = file_reads() - began;
    MUST(first > SEATED / 2);
    for (int i = 0; i < READS; i++)
        clock_gettime(CLOCK_MONOTONIC, &now);
    MUST(file_reads() - began < 2 * first);
    return nothing;
}

static void many_threads(void)
{
    pthread_t threads[SEATED], one;
    pthread_attr_t small;
    char byte;

    MUST(pipe(said) == 0 && pipe(over) == 0);
    MUST(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, 1 << 16) == 0);
    for (int i = 0; i < SEATED; i++)
        MUST(pthread_create(&threads[i], &small, read_once, NULL) == 0);
    for (int i = 0; i < SEATED; i++)
        MUST(read(said[0], &byte, 1) == 1);
    MUST(pthread_create(&one, NULL, read_often, NULL) == 0 && pthread_join(one, NULL) == 0);
    close(over[1]);
    for (int i = 0; i < SEATED; i++)
        pthread_join(threads[i], NULL);
}

/* As other languages write numbers, and to the end of time. */
static void odd_numbers(void)
{
    int pad = open("/dev/input/event0", O_RDONLY), version = 0, ends[2];
    struct timeval forever = { INT64_MAX, 0 }, more = { 0, 1500000 };
    fd_set set;

    MUST(ioctl(pad, (unsigned long)(int)EVIOCGVERSION, &version) == 0 && version == EV_VERSION);
    MUST(pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    MUST(select(ends[0] + 1, &set, NULL, NULL, &forever) == 1);
    MUST(select(0, NULL, NULL, NULL, &more) == 0);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    { "no names", no_names },
    { "zone", zone },
    { "random device", random_device },
    { "forks", forks },
    { "fork with a timer", fork_with_timer },
    { "fork in a handler", fork_in_handler },
    { "signals at the gate", signals_at_gate },
    { "closed timers", closed_timers },
    { "many threads", many_threads },
    { "odd numbers", odd_numbers },
};

int main(int count, char **words)
{
    for (size_t i = 0; count == 2 && i < sizeof cases / sizeof *cases; i++)
        if (strcmp(cases[i].name, words[1]) == 0) {
            cases[i].run();
            return 0;
        }
    return 2;
}
