/*
 * Everything that games do with time, in one program: what it prints must not depend on how fast
 * anybody is.  SDL's functions are declared here, so that building it needs no headers of SDL.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int SDL_Init(uint32_t flags);
void *SDL_CreateWindow(const char *title, int x, int y, int w, int h, uint32_t flags);
void *SDL_GetWindowSurface(void *window);
int SDL_FillRect(void *surface, const void *area, uint32_t colour);
int SDL_UpdateWindowSurface(void *window);
int SDL_PollEvent(void *event);
int SDL_WaitEventTimeout(void *event, int milliseconds);
void SDL_Delay(uint32_t milliseconds);
uint32_t SDL_GetTicks(void);
uint64_t SDL_GetPerformanceCounter(void);
int SDL_AddTimer(uint32_t interval, uint32_t (*call)(uint32_t, void *), void *about);
int SDL_RemoveTimer(int timer);

enum { TIMER_AND_VIDEO = 0x21 };

static void *window;
static int frames;
static double started;
static _Atomic int turns, timed_turns, timer_turns, poll_turns, semaphore_turns, stop;
static _Atomic int loaded;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static double now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Since the first picture, in microseconds: before it nothing is promised. */
static long since(void)
{
    return (long)((now() - started) * 1e6 + .5);
}

static void frame(void)
{
    char event[64];

    while (SDL_PollEvent(event))
        ;
    SDL_FillRect(SDL_GetWindowSurface(window), NULL, (uint32_t)(frames * 77777));
    SDL_UpdateWindowSurface(window);
    frames++;
}

static void say(const char *what, long value)
{
    printf("%-12s %3d %8ld %6ld  %d %d %d %d %d\n", what, frames, since(), value, turns, timed_turns,
        timer_turns, poll_turns, semaphore_turns);
    fflush(stdout);
}

static void *sleeper(void *nothing)
{
    while (!stop) {
        usleep(10000);
        turns++;
    }
    return nothing;
}

static void *timed(void *nothing)
{
    while (!stop) {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 15000000;
        if (until.tv_nsec >= 1000000000)
            until.tv_nsec -= 1000000000, until.tv_sec++;
        pthread_mutex_lock(&mutex);
        while (pthread_cond_timedwait(&condition, &mutex, &until) != ETIMEDOUT)
            ;
        pthread_mutex_unlock(&mutex);
        timed_turns++;
    }
    return nothing;
}

static void *poller(void *nothing)
{
    int timer = timerfd_create(CLOCK_MONOTONIC, 0), ends[2];
    struct itimerspec often = { { 0, 9000000 }, { 0, 9000000 } };
    struct pollfd items[2];
    uint64_t times;

    if (pipe(ends) != 0)
        exit(3);
    timerfd_settime(timer, 0, &often, NULL);
    items[0] = (struct pollfd) { timer, POLLIN, 0 };
    items[1] = (struct pollfd) { ends[0], POLLIN, 0 };
    while (!stop) {
        int found = poll(items, 2, 4);

        if (found && read(timer, &times, sizeof times) != sizeof times)
            exit(4);
        poll_turns += found ? 100 : 1;
    }
    return nothing;
}

static void *semaphores(void *nothing)
{
    sem_t never;

    sem_init(&never, 0, 0);
    while (!stop) {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 11000000;
        if (until.tv_nsec >= 1000000000)
            until.tv_nsec -= 1000000000, until.tv_sec++;
        if (sem_timedwait(&never, &until) == -1 && errno == ETIMEDOUT)
            semaphore_turns++;
    }
    return nothing;
}

static void *loader(void *nothing)
{
    volatile double sum = 0;

    for (int i = 0; i < 60000000; i++)
        sum += i;
    loaded = 1;
    return nothing;
}

static void *short_life(void *nothing)
{
    for (int i = 0; i < 10; i++)
        usleep(10000);
    return nothing;
}

static uint32_t on_timer(uint32_t interval, void *nothing)
{
    (void)nothing;
    timer_turns++;
    return interval;
}

static void until_loaded(void)
{
    pthread_t thread;
    long asked = 0;

    loaded = 0;
    pthread_create(&thread, NULL, loader, NULL);
    while (!loaded) {
        SDL_Delay(1);
        asked++;
    }
    pthread_join(thread, NULL);
    say("loader", asked);
}

static void joined(void)
{
    pthread_t thread;
    long before = since();

    pthread_create(&thread, NULL, short_life, NULL);
    pthread_join(thread, NULL);
    say("join", since() - before);
}

static void main_waits(void)
{
    sem_t never;
    pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t nobody = PTHREAD_COND_INITIALIZER;

    sem_init(&never, 0, 0);
    for (int i = 0; i < 5; i++) {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        until.tv_nsec = 0;
        if (i % 2)
            sem_timedwait(&never, &until);
        pthread_mutex_lock(&own);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 5000000;
        if (until.tv_nsec >= 1000000000)
            until.tv_nsec -= 1000000000, until.tv_sec++;
        pthread_cond_timedwait(&nobody, &own, &until);
        pthread_mutex_unlock(&own);
        say("main waits", i);
    }
}

int main(int count, char **arguments)
{
    long rounds = count > 1 ? atol(arguments[1]) : 1;
    pthread_t threads[4];
    double begun = now();
    int timer;

    while (now() - begun < .1) /* calibration */
        ;
    while (SDL_GetTicks() < 20)
        sched_yield();
    if (SDL_Init(TIMER_AND_VIDEO) != 0)
        return 2;
    window = SDL_CreateWindow("traps", 0, 0, 64, 64, 0);
    for (int i = 0; i < 20; i++)
        SDL_Delay(0);
    frame();
    started = now();
    until_loaded();
    joined();
    pthread_create(&threads[0], NULL, sleeper, NULL);
    pthread_create(&threads[1], NULL, timed, NULL);
    pthread_create(&threads[2], NULL, poller, NULL);
    pthread_create(&threads[3], NULL, semaphores, NULL);
    timer = SDL_AddTimer(7, on_timer, NULL);
    for (long round = 0; round < rounds; round++) {
        clock_t busy = clock();
        uint32_t next = SDL_GetTicks();
        char event[64];
        double spun;

        for (int i = 0; i < 20; i++) { /* a picture as often as it may */
            frame();
            say("free", i);
        }
        while (clock() - busy < CLOCKS_PER_SEC / 20)
            ;
        say("clock", 0);
        for (int i = 0; i < 20; i++) { /* 50 a second, by sleeping */
            next += 20;
            frame();
            if (SDL_GetTicks() < next)
                SDL_Delay(next - SDL_GetTicks());
            say("limiter", i);
        }
        spun = now();
        for (int i = 0; i < 15; i++) { /* 30 a second, without */
            spun += 1 / 30.;
            frame();
            while (now() < spun)
                ;
            say("busy", i);
        }
        spun = now();
        for (int i = 0; i < 10; i++) { /* and with yields */
            spun += .02;
            frame();
            while (now() < spun)
                SDL_Delay(0);
            say("yields", i);
        }
        for (int i = 0; i < 10; i++) {
            frame();
            SDL_WaitEventTimeout(event, 20);
            say("wait event", i);
        }
        until_loaded();
        joined();
        main_waits();
    }
    SDL_RemoveTimer(timer);
    stop = 1;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    say("end", 0);
    return 0;
}
