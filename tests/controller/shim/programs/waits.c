/* Opens the pad, waits for it in the way that is named, without end, and says what it reads. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int pad;

static void wait_in(const char *way)
{
    struct pollfd file = { .fd = pad, .events = POLLIN };
    struct epoll_event event = { .events = EPOLLIN };
    const int epoll = epoll_create1(0);
    fd_set files;

    FD_ZERO(&files);
    FD_SET(pad, &files);
    epoll_ctl(epoll, EPOLL_CTL_ADD, pad, &event);
    if (strcmp(way, "poll") == 0)
        poll(&file, 1, -1);
    if (strcmp(way, "ppoll") == 0)
        ppoll(&file, 1, NULL, NULL);
    if (strcmp(way, "select") == 0)
        select(pad + 1, &files, NULL, NULL, NULL);
    if (strcmp(way, "pselect") == 0)
        pselect(pad + 1, &files, NULL, NULL, NULL, NULL);
    if (strcmp(way, "epoll") == 0)
        epoll_wait(epoll, &event, 1, -1);
    if (strcmp(way, "epoll_pwait") == 0)
        epoll_pwait(epoll, &event, 1, -1, NULL);
}

static void say(const struct input_event *events, ssize_t size)
{
    printf("%d", (int)size);
    for (ssize_t i = 0; i < size / (ssize_t)sizeof *events; i++)
        printf(" %d:%d:%d", events[i].type, events[i].code, events[i].value);
    printf("\n");
    fflush(stdout);
}

static void on_alarm(int number) /* a game's timer that looks at the pad while it looks at it */
{
    struct input_event events[8];
    const int before = errno;

    (void)number;
    if (read(pad, events, sizeof events) < 0)
        errno = before;
}

static void read_under_alarms(void)
{
    const struct timespec often = { .tv_nsec = 20000 };
    const struct itimerspec timer_length = { often, often };
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
    struct input_event events[8];
    timer_t timer;

    signal(SIGALRM, on_alarm);
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
        exit(1);
    timer_settime(timer, 0, &timer_length, NULL);
    for (int i = 0; i < 30000; i++)
        if (read(pad, events, sizeof events) < 0 && errno != EAGAIN && errno != EINTR)
            exit(1);
    signal(SIGALRM, SIG_IGN);
    printf("done\n");
}

static void take_all_numbers(void) /* as a program does that becomes a service */
{
    int files = 0;
    char text[16] = "";

    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    for (int fd = 3; fd < 400; fd++) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
            break;
        files = pair[1];
    }
    printf("ready\n");
    fflush(stdout);
    getchar();
    for (int fd = 3; fd <= files; fd++)
        if (read(fd, text, sizeof text) > 0)
            printf("%d has what it was never given\n", fd);
    printf("done\n");
}

int main(int count, char **words)
{
    const char *way = count > 1 ? words[1] : "read";
    const int flags = strcmp(way, "alarms") == 0 ? O_RDWR | O_NONBLOCK : O_RDWR;
    struct input_event events[64];
    struct iovec part = { events, sizeof events };
    char name[64] = "";

    pad = open("/dev/input/event0", flags);
    if (pad < 0 || ioctl(pad, EVIOCGNAME(sizeof name), name) < 0)
        return 1;
    if (strcmp(way, "alarms") == 0) {
        read_under_alarms();
        return 0;
    }
    if (strcmp(way, "service") == 0) {
        take_all_numbers();
        return 0;
    }
    printf("%s\n", name);
    fflush(stdout);
    wait_in(way);
    if (strcmp(way, "system call") == 0)
        say(events, syscall(SYS_read, pad, events, sizeof events));
    else if (strcmp(way, "readv") == 0)
        say(events, readv(pad, &part, 1));
    else
        say(events, read(pad, events, sizeof events));
    return 0;
}
