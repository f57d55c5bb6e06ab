/*
 * System calls that nobody stands in front of: not the game, not another preloaded
 * library, not the parts of this one that give the game a clock of its own.
 */
#ifndef NITROPILOT_TRUE_CALLS_H
#define NITROPILOT_TRUE_CALLS_H

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

#if defined(__x86_64__)

static inline long true_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#elif defined(__aarch64__)

static inline long true_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;

    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}

#elif defined(__i386__)

/* Two of the registers may be the compiler's own. */
static inline long true_call(long number, long a, long b, long c, long d, long e, long f)
{
    const long registers[7] = { number, a, b, c, d, e, f };
    long result;

    __asm__ volatile("pushl %%ebp\n\tpushl %%ebx\n\t"
                     "movl 4(%%eax), %%ebx\n\tmovl 8(%%eax), %%ecx\n\t"
                     "movl 12(%%eax), %%edx\n\tmovl 16(%%eax), %%esi\n\t"
                     "movl 20(%%eax), %%edi\n\tmovl 24(%%eax), %%ebp\n\t"
                     "movl (%%eax), %%eax\n\tint $0x80\n\t"
                     "popl %%ebx\n\tpopl %%ebp"
                     : "=a"(result)
                     : "a"(registers)
                     : "ecx", "edx", "esi", "edi", "memory");
    return result;
}

#else

#include <unistd.h>

static inline long true_call(long number, long a, long b, long c, long d, long e, long f)
{
    long result = syscall(number, a, b, c, d, e, f);

    return result < 0 ? -errno : result;
}

#endif

/* As the C library answers: -1 and errno. */
static inline long answer(long result)
{
    if (result >= 0 || result < -4095)
        return result;
    errno = (int)-result;
    return -1;
}

/* Nanoseconds of a clock of the kernel's; 0 if it does not tell. */
static inline uint64_t true_now(clockid_t id)
{
    struct timespec now = { 0, 0 };

    if (true_call(SYS_clock_gettime, id, (long)&now, 0, 0, 0, 0) != 0)
        return 0;
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Sleep until a word that other processes share is woken, has changed, or so long. */
static inline void true_wait(const void *word, uint32_t value, uint64_t nanoseconds)
{
    const struct timespec length = {
        .tv_sec = (time_t)(nanoseconds / 1000000000u),
        .tv_nsec = (long)(nanoseconds % 1000000000u),
    };

    true_call(SYS_futex, (long)word, 0 /* FUTEX_WAIT */, (long)value, (long)&length, 0, 0);
}

static inline void true_wake(const void *word)
{
    true_call(SYS_futex, (long)word, 1 /* FUTEX_WAKE */, 0x7fffffff, 0, 0, 0);
}

#endif
