/*
 * What programs do seldom, one case a run: it ends with 0, unless something went wrong.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
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

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    { "no names", no_names },
    { "zone", zone },
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
