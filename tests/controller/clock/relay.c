/*
 * Threads that hand work to each other: one of them is always awake, but whoever looks at one
 * after the other may find each asleep.  No time may pass until they are done.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 20 };

struct side {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int asked, done;
};

static struct side side = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 };
static _Atomic int passed;
static int passes;

static void work(void)
{
    for (volatile int i = 0; i < 500; i++)
        ;
}

static void *helper(void *nothing)
{
    pthread_mutex_lock(&side.mutex);
    for (;;) {
        while (side.asked == side.done)
            pthread_cond_wait(&side.changed, &side.mutex);
        work();
        side.done++;
        pthread_cond_broadcast(&side.changed);
    }
    return nothing;
}

/* Asks the helper, and waits for it: not longer than until then. */
static void pass(const struct timespec *end)
{
    pthread_mutex_lock(&side.mutex);
    side.asked++;
    pthread_cond_broadcast(&side.changed);
    while (side.asked != side.done)
        if (end)
            pthread_cond_timedwait(&side.changed, &side.mutex, end);
        else
            pthread_cond_wait(&side.changed, &side.mutex);
    pthread_mutex_unlock(&side.mutex);
    work();
}

static void *sleeper(void *nothing)
{
    for (int round = 0; round < ROUNDS; round++) {
        usleep(10000);
        for (int i = 0; i < passes; i++, passed++)
            pass(NULL);
    }
    return nothing;
}

static void *long_sleeper(void *nothing)
{
    sleep(1000);
    return nothing;
}

/* While the main thread sleeps, another one and its helper work. */
static void beside(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, sleeper, NULL);
    for (int round = 1; round < ROUNDS; round++) {
        usleep(10000);
        printf("%d ", passed);
    }
}

/* While another thread sleeps, the main one and its helper work. */
static void in_turn(void)
{
    struct timespec far, begun, now;
    pthread_t thread;

    pthread_create(&thread, NULL, long_sleeper, NULL);
    usleep(10000);
    clock_gettime(CLOCK_REALTIME, &begun);
    far = begun;
    far.tv_sec += 3600;
    for (int i = 0; i < passes * ROUNDS; i++)
        pass(i % 2 ? &far : NULL);
    clock_gettime(CLOCK_REALTIME, &now);
    printf("%ld", (now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / 1000000);
}

/* Many threads that do nothing, as engines have them. */
static void *rest(void *nothing)
{
    pause();
    return nothing;
}

int main(int count, char **arguments)
{
    pthread_t thread;

    if (count != 4)
        return 2;
    passes = atoi(arguments[2]);
    for (int i = atoi(arguments[3]); i > 0; i--)
        pthread_create(&thread, NULL, rest, NULL);
    pthread_create(&thread, NULL, helper, NULL);
    if (!strcmp(arguments[1], "beside"))
        beside();
    else
        in_turn();
    printf("\n");
    return 0;
}
