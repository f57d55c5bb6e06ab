/*
 * The page that the hand writes: NITROPILOT_PAD_PAGE names it, and beside it lies the
 * folder that the game finds at /dev/input.
 */
#include "pad.h"

#include <limits.h>
#include <sys/mman.h>

static const char folder_suffix[] = ".input";

struct page *page;
char pad_folder[PATH_MAX];

/* One line, once. */
void complain(uint32_t code, const char *what, const char *detail)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;

    if (page && code)
        atomic_store(&page->error, code);
    if (!atomic_flag_test_and_set(&told))
        dprintf(STDERR_FILENO, "nitropilot: no virtual pad: %s%s\n", what, detail);
}

static const char *problem_with(int fd)
{
    struct stat info;

    if (fd < 0 || fstat(fd, &info) != 0)
        return strerror(errno);
    if (!S_ISREG(info.st_mode) || info.st_uid != geteuid() || info.st_size < PAGE_BYTES)
        return "not a page of this user";
    return NULL;
}

static struct page *mapped(int fd)
{
    void *memory = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

static char page_problem[128] = "its library is not loaded yet";

/* Said when the program looks for joysticks: most of those that a game starts never do. */
void miss_page(void)
{
    complain(0, "the page: ", page_problem);
}

static void no_page(const char *problem)
{
    snprintf(page_problem, sizeof page_problem, "%s", problem);
}

void map_page(void)
{
    const char *path = getenv("NITROPILOT_PAD_PAGE");
    struct page *candidate = NULL;
    const char *problem;
    int fd;

    if (!path) {
        no_page("NITROPILOT_PAD_PAGE is not set");
        return;
    }
    fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    problem = problem_with(fd);
    if (!problem && !(candidate = mapped(fd)))
        problem = strerror(errno);
    if (fd >= 0)
        close(fd);
    if (candidate
        && (memcmp(candidate->magic, "NITROPAD", 8) != 0 || candidate->version != PAGE_VERSION)) {
        munmap(candidate, PAGE_BYTES);
        problem = "not one that this library knows";
    }
    if (!problem && strlen(path) + sizeof folder_suffix > sizeof pad_folder)
        problem = "its name is too long";
    if (problem) {
        no_page(problem);
        return;
    }
    strcat(strcpy(pad_folder, path), folder_suffix);
    page = candidate;
}

/* From the kernel itself: the game's own clock may be a slower or a stopped one. */
static bool expired(void)
{
    return true_now(CLOCK_MONOTONIC) > atomic_load_explicit(&page->expires, memory_order_relaxed);
}

/* The page's axes are SDL's: the first four as the device has them, triggers from -32768. */
static void translate(const struct cell cells[CELLS], struct pad_state *state)
{
    const unsigned buttons = (uint16_t)cells[3].values[0];
    const unsigned up = buttons >> 11 & 1, down = buttons >> 12 & 1;
    const unsigned left = buttons >> 13 & 1, right = buttons >> 14 & 1;

    state->axes[0] = cells[0].values[0];
    state->axes[1] = cells[0].values[1];
    state->axes[2] = (cells[2].values[0] + 32768 + 128) / 257;
    state->axes[3] = cells[1].values[0];
    state->axes[4] = cells[1].values[1];
    state->axes[5] = (cells[2].values[1] + 32768 + 128) / 257;
    state->axes[6] = (int)right - (int)left;
    state->axes[7] = (int)down - (int)up;
    state->buttons = buttons & ((1u << BUTTONS) - 1);
}

/*
 * What is pressed now.  Half a state leaves the one before in place.  A state that has
 * expired is one whose writer stands still: nothing is pressed any more then.
 */
enum reading read_page(struct pad_state *state)
{
    struct cell cells[CELLS];
    bool whole = true;

    for (int i = 0; i < CELLS; i++) {
        uint64_t word = atomic_load_explicit(&page->cells[i], memory_order_relaxed);

        memcpy(&cells[i], &word, sizeof word);
        whole = whole && cells[i].stamp == cells[0].stamp;
    }
    if (expired()) {
        memset(state, 0, sizeof *state);
        return READ_EXPIRED;
    }
    if (!whole)
        return READ_TORN;
    translate(cells, state);
    return READ_WHOLE;
}

/* Of the cell that is written last. */
uint32_t page_stamp(void)
{
    uint64_t word = atomic_load_explicit(&page->cells[CELLS - 1], memory_order_relaxed);
    struct cell cell;

    memcpy(&cell, &word, sizeof word);
    return cell.stamp;
}

void count_poll(void)
{
    atomic_fetch_add_explicit(&page->polls, 1, memory_order_relaxed);
}

void count_attached(void)
{
    atomic_store(&page->pid, (uint32_t)getpid());
    atomic_fetch_add(&page->attached, 1);
}
