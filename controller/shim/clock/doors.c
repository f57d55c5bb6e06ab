/*
 * Other doors to the same functions: system calls by number, and functions looked up by name.
 */
#include "clock.h"
#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

static long answer(long result)
{
    if (result >= 0 || result < -4095)
        return result;
    errno = (int)-result;
    return -1;
}

/* A word waited for with a time-out; the kernel would count on its own clock. */
static long futex(_Atomic uint32_t *word, int operation, uint32_t value, const struct timespec *end, uint32_t bits)
{
    bool absolute = (operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
    clockid_t id = operation & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    ns deadline = absolute ? clock_deadline(id, end) : clock_now() + nanoseconds(end);
    int private = operation & FUTEX_PRIVATE_FLAG;
    long result;

    clock_use(USED_TIMED);
    do {
        ns left = deadline - clock_now();
        struct timespec until;

        if (left > 0 && clock_way() == WAY_LOCKSTEP)
            return -wait_on_outer_word(word, value, deadline, private, absolute ? bits : ~0u);
        until = timespec_of(clock_true() + clock_left_true(left, SECOND / 10));
        result = clock_raw(SYS_futex, (long)word, FUTEX_WAIT_BITSET | private, (long)value, (long)&until,
            0, (long)(absolute ? bits : ~0u));
        if (left <= 0)
            break;
    } while (result == -ETIMEDOUT);
    return result;
}

static bool waits(int operation)
{
    int command = operation & FUTEX_CMD_MASK;

    return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
}

EXPORT long syscall(long number, ...)
{
    long a, b, c, d, e, f;
    va_list more;

    va_start(more, number);
    a = va_arg(more, long), b = va_arg(more, long), c = va_arg(more, long);
    d = va_arg(more, long), e = va_arg(more, long), f = va_arg(more, long);
    va_end(more);
    if (clock_way() == WAY_REAL)
        return answer(clock_raw(number, a, b, c, d, e, f));
    switch (number) {
    case SYS_clock_gettime:
        clock_use(USED_DIRECT);
        return clock_gettime((clockid_t)a, (struct timespec *)b);
    case SYS_gettimeofday:
        clock_use(USED_DIRECT);
        return gettimeofday((struct timeval *)a, (void *)b);
    case SYS_nanosleep:
        clock_use(USED_DIRECT);
        return nanosleep((const struct timespec *)a, (struct timespec *)b);
    case SYS_clock_nanosleep:
        clock_use(USED_DIRECT);
        return answer(-clock_nanosleep(
            (clockid_t)a, (int)b, (const struct timespec *)c, (struct timespec *)d));
    case SYS_sched_yield:
        return sched_yield();
    case SYS_futex:
        if (!waits((int)b) || !d || timespec_bad((const struct timespec *)d))
            break;
        clock_use(USED_DIRECT);
        return answer(futex((_Atomic uint32_t *)a, (int)b, (uint32_t)c, (const struct timespec *)d,
            (uint32_t)f));
    case SYS_getrandom:
        return getrandom((void *)a, (size_t)b, (unsigned)c);
#ifdef SYS_time
    case SYS_time:
        clock_use(USED_DIRECT);
        return time((time_t *)a);
    case SYS_poll:
        return poll((struct pollfd *)a, (nfds_t)b, (int)c);
    case SYS_select:
        return select((int)a, (fd_set *)b, (fd_set *)c, (fd_set *)d, (struct timeval *)e);
    case SYS_epoll_wait:
        return epoll_wait((int)a, (struct epoll_event *)b, (int)c, (int)d);
#endif
    default:
        break;
    }
    return answer(clock_raw(number, a, b, c, d, e, f));
}

int __poll_chk(struct pollfd *items, nfds_t count, int milliseconds, size_t room);

/* What a program that was built with checks calls instead. */
EXPORT int __poll_chk(struct pollfd *items, nfds_t count, int milliseconds, size_t room)
{
    if (room / sizeof *items < count)
        abort();
    return poll(items, count, milliseconds);
}

void clock_is_passed_by(void)
{
    if (clock_start())
        clock_use(USED_DEEP);
}

/* ---- Functions looked up by name in a library of one's own choice. ---- */

typedef void function(void);

intptr_t SDL_GL_SwapWindow(void *window);
intptr_t SDL_RenderPresent(void *renderer);
intptr_t SDL_UpdateWindowSurface(void *window);
intptr_t SDL_UpdateWindowSurfaceRects(void *window, void *rects, intptr_t count);
intptr_t glXSwapBuffers(void *display, unsigned long drawable);
intptr_t eglSwapBuffers(void *display, void *surface);
EXPORT function *glXGetProcAddress(const char *name);
EXPORT function *glXGetProcAddressARB(const char *name);
EXPORT function *eglGetProcAddress(const char *name);

#define ROW(name) { #name, (function *)name }

static const struct row {
    const char *name;
    function *ours;
} of_c[] = {
    ROW(clock_gettime), ROW(gettimeofday), ROW(time), ROW(clock), ROW(timespec_get), ROW(nanosleep),
    ROW(clock_nanosleep), ROW(usleep), ROW(sleep), ROW(poll), ROW(ppoll), ROW(select), ROW(pselect),
    ROW(epoll_wait), ROW(epoll_pwait), ROW(pthread_cond_timedwait), ROW(pthread_cond_clockwait),
    ROW(sem_timedwait), ROW(sem_clockwait), ROW(timerfd_create), ROW(timerfd_settime),
    ROW(timerfd_gettime), ROW(sched_yield), ROW(syscall), ROW(getrandom), ROW(getentropy),
}, of_pictures[] = {
    ROW(SDL_GL_SwapWindow), ROW(SDL_RenderPresent), ROW(SDL_UpdateWindowSurface),
    ROW(SDL_UpdateWindowSurfaceRects), ROW(glXSwapBuffers), ROW(eglSwapBuffers),
    ROW(glXGetProcAddress), ROW(glXGetProcAddressARB), ROW(eglGetProcAddress),
};

static function *row(const struct row *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].ours;
    return NULL;
}

#define LOOK(rows, name) row(rows, sizeof rows / sizeof *rows, name)

static bool begins(const char *file, const char *part)
{
    return strncmp(file, part, strlen(part)) == 0;
}

static bool of_the_c_library(void *found)
{
    const char *file = clock_file_of(found);

    return begins(file, "libc.so") || begins(file, "libpthread") || begins(file, "librt");
}

/*
 * Whether our door leads there.  A library may offer the functions of one that it stands before
 * (sdl2-compat those of SDL 3): ours in place of both would go round for ever.  Those of GL are
 * one, by whichever of their names they were loaded.
 */
static bool leads_to(const char *name, void *found)
{
    const char *part = begins(name, "SDL") ? "libSDL" : begins(name, "egl") ? "libEGL" : "libGL";
    void *real = clock_find(name, part);

    return real == found
        || (!begins(name, "SDL") && begins(clock_file_of(real), part) && begins(clock_file_of(found), part));
}

void *(*clock_next_dlsym)(void *, const char *) __attribute__((visibility("hidden"))) = clock_dlsym;

/* Ours in place of what a handle gives; NULL: go on to the real dlsym. */
__attribute__((visibility("hidden"), used)) function *clock_answer_dlsym(void *handle, const char *name)
{
    function *ours;
    void *real;

    if (clock_next_dlsym == clock_dlsym)
        clock_next_dlsym = clock_real_dlsym();
    /* The global search finds ours by itself; the next one after ours is not for us to say. */
    if (handle == RTLD_NEXT || handle == RTLD_DEFAULT || !name || !clock_start())
        return NULL;
    ours = LOOK(of_pictures, name);
    if (!ours)
        ours = LOOK(of_c, name);
    real = ours ? clock_dlsym(handle, name) : NULL;
    if (!real || !(LOOK(of_pictures, name) ? leads_to(name, real) : of_the_c_library(real)))
        return NULL;
    clock_use(USED_LOOKUP);
    return ours;
}

/* The real one answers by who calls it: it has to be jumped to, not called. */
#if defined __x86_64__ && defined __LP64__
__asm__(".text\n"
        ".globl dlsym\n"
        ".type dlsym, @function\n"
        "dlsym:\n"
        "    push %rdi\n"
        "    push %rsi\n"
        "    sub $8, %rsp\n"
        "    call clock_answer_dlsym\n"
        "    add $8, %rsp\n"
        "    pop %rsi\n"
        "    pop %rdi\n"
        "    test %rax, %rax\n"
        "    jz 1f\n"
        "    ret\n"
        "1:  jmp *clock_next_dlsym(%rip)\n"
        ".size dlsym, . - dlsym\n");
#elif defined __aarch64__
__asm__(".text\n"
        ".globl dlsym\n"
        ".type dlsym, %function\n"
        "dlsym:\n"
        "    stp x29, x30, [sp, #-32]!\n"
        "    stp x0, x1, [sp, #16]\n"
        "    bl clock_answer_dlsym\n"
        "    mov x9, x0\n"
        "    ldp x0, x1, [sp, #16]\n"
        "    ldp x29, x30, [sp], #32\n"
        "    cbz x9, 1f\n"
        "    mov x0, x9\n"
        "    ret\n"
        "1:  adrp x9, clock_next_dlsym\n"
        "    ldr x9, [x9, :lo12:clock_next_dlsym]\n"
        "    br x9\n"
        ".size dlsym, . - dlsym\n");
#endif

static function *procedure(const char *asked, const char *library, const char *name)
{
    typedef function *lookup(const char *);
    void *found = clock_find(asked, library);
    function *ours = name && clock_start() ? LOOK(of_pictures, name) : NULL;

    if (ours || !found)
        return ours;
    return (*(lookup **)&found)(name);
}

EXPORT function *glXGetProcAddress(const char *name)
{
    return procedure("glXGetProcAddress", "libGL", name);
}

EXPORT function *glXGetProcAddressARB(const char *name)
{
    return procedure("glXGetProcAddressARB", "libGL", name);
}

EXPORT function *eglGetProcAddress(const char *name)
{
    return procedure("eglGetProcAddress", "libEGL", name);
}
