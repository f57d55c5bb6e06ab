/*
 * A virtual Xbox 360 pad inside the game: no driver, no device, no rights needed.
 *
 * NitroPilot starts a Linux game with this library in LD_PRELOAD and the path of a
 * shared page in NITROPILOT_PAD_PAGE.  SDL_Init and SDL_InitSubSystem of the library
 * come before SDL's own, so it knows when the game switches joysticks on; it then
 * attaches one of SDL's virtual joysticks, whose Update callback copies the page.
 *
 * It must never harm a program: without SDL nothing here runs, and whatever goes
 * wrong, the call is passed on to SDL and the game goes on without our pad.
 *
 * Reaches: SDL 2.24 and later (and sdl2-compat), linked or loaded as a dependency of
 * a plugin.  Does not reach SDL linked statically or called only through dlsym on
 * its handle (C# games, Wine), nor SDL 3, whose joystick calls have other names and
 * another layout; all of these run as if the library was not there.
 */
#include "clock/clock.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---- The page, shared with controller/pads/pad_page.py: change both and the version. ---- */

enum { PAGE_VERSION = 2, PAGE_BYTES = 4096, CELLS = 4 };
enum { ERROR_SDL_TOO_OLD = 1, ERROR_SDL_3 = 2, ERROR_REFUSED = 3 };

/*
 * A state is four cells, each written and read as one 64-bit word together with the
 * number of the write it belongs to.  Four equal numbers make a whole state, in
 * whatever order the processor moves the words, and a writer that dies in between
 * blocks nobody.
 */
struct cell {
    uint32_t stamp;
    int16_t values[2];
};

struct page {
    char magic[8];
    uint32_t version;
    uint32_t unused[13];
    _Atomic uint64_t cells[CELLS]; /* left stick, right stick, triggers, buttons */
    _Atomic uint64_t expires; /* of this state, in nanoseconds of CLOCK_MONOTONIC */
    uint32_t unused_too[6];
    _Atomic uint32_t attached; /* from here on written by the game */
    _Atomic uint32_t pid;
    _Atomic uint32_t error;
    uint32_t unused_last;
    _Atomic uint64_t polls;
};

_Static_assert(sizeof(struct cell) == sizeof(uint64_t), "a cell is one atomic word");
_Static_assert(offsetof(struct page, cells) == 64, "layout of pad_page.py");
_Static_assert(offsetof(struct page, expires) == 96, "layout of pad_page.py");
_Static_assert(offsetof(struct page, attached) == 128, "layout of pad_page.py");
_Static_assert(offsetof(struct page, polls) == 144, "layout of pad_page.py");

static struct page *page; /* NULL: the game runs without our pad */

/* One line, once: a game may switch joysticks on and off many times. */
static void complain(uint32_t code, const char *what, const char *detail)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;

    if (page && code)
        atomic_store(&page->error, code);
    if (!atomic_flag_test_and_set(&told))
        fprintf(stderr, "nitropilot: no virtual pad: %s%s\n", what, detail);
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

static void map_page(void)
{
    const char *path = getenv("NITROPILOT_PAD_PAGE");
    const char *problem = "NITROPILOT_PAD_PAGE is not set";
    void *memory = MAP_FAILED;
    struct page *candidate;

    if (path) {
        int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

        problem = problem_with(fd);
        if (!problem) {
            memory = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
            problem = strerror(errno);
        }
        if (fd >= 0)
            close(fd);
    }
    if (memory == MAP_FAILED) {
        complain(0, "the page: ", problem);
        return;
    }
    candidate = memory;
    if (memcmp(candidate->magic, "NITROPAD", 8) != 0 || candidate->version != PAGE_VERSION) {
        munmap(memory, PAGE_BYTES);
        complain(0, "the page is not one that this library knows", "");
        return;
    }
    page = candidate;
}

/* ---- SDL's ABI, declared here so that building needs no SDL headers. ---- */

enum { SDL_JOYSTICKS = 0x00000200 };
enum { SDL_DESCRIPTION_VERSION = 1, SDL_TYPE_GAME_CONTROLLER = 1 };

struct description { /* SDL_VirtualJoystickDesc */
    uint16_t version, type, axes, buttons, hats, vendor, product, padding;
    uint32_t button_mask, axis_mask;
    const char *name;
    void *user;
    void (*update)(void *user);
    void *callbacks_unused[5];
};

struct guid { /* SDL_JoystickGUID */
    uint8_t data[16];
};

typedef int init_function(uint32_t flags);

static struct {
    uint32_t (*was_init)(uint32_t flags);
    const char *(*error)(void);
    void (*lock)(void);
    void (*unlock)(void);
    int (*attach)(const struct description *description);
    int32_t (*id_at)(int device_index);
    void *(*by_id)(int32_t id);
    int (*set_axis)(void *joystick, int axis, int16_t value);
    int (*set_button)(void *joystick, int button, uint8_t value);
    int (*set_hat)(void *joystick, int hat, uint8_t value);
    struct guid (*guid_at)(int device_index);
    void (*guid_text)(struct guid guid, char *text, int size);
    int (*add_mapping)(const char *mapping);
} sdl;

static int32_t pad_id = -1;

/* ---- Finding the SDL that the game meant to call. ---- */

static bool is_sdl(const char *path)
{
    const char *name = strrchr(path, '/');

    name = name ? name + 1 : path;
    if (strncmp(name, "libSDL", 6) != 0)
        return false;
    /* libSDL2-2.0.so.0 and a wheel's libSDL2-2-50d19f93.so, not libSDL2_image. */
    name += 6 + (name[6] == '2' || name[6] == '3');
    return *name == '-' || *name == '.';
}

static int remember_sdl(struct dl_phdr_info *info, size_t size, void *path)
{
    (void)size;
    if (!is_sdl(info->dlpi_name) || strlen(info->dlpi_name) >= PATH_MAX)
        return 0;
    strcpy(path, info->dlpi_name);
    return 1;
}

/*
 * Usually the next library that has the symbol.  A plugin (a Python extension, say)
 * can have brought an SDL of its own that the global search does not see; it is found
 * among the loaded libraries.  That handle is kept: the pad calls into the library.
 */
static void *find_sdl(void)
{
    char path[PATH_MAX];

    if (dlsym(RTLD_NEXT, "SDL_Init"))
        return RTLD_NEXT;
    if (dl_iterate_phdr(remember_sdl, path))
        return dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
    return NULL;
}

static bool load(void *target, void *library, const char *symbol)
{
    void *found = dlsym(library, symbol);

    memcpy(target, &found, sizeof found);
    return found != NULL;
}

static bool load_joystick_calls(void *library)
{
    bool whole = load(&sdl.was_init, library, "SDL_WasInit")
        && load(&sdl.error, library, "SDL_GetError")
        && load(&sdl.lock, library, "SDL_LockJoysticks")
        && load(&sdl.unlock, library, "SDL_UnlockJoysticks")
        && load(&sdl.attach, library, "SDL_JoystickAttachVirtualEx")
        && load(&sdl.id_at, library, "SDL_JoystickGetDeviceInstanceID")
        && load(&sdl.by_id, library, "SDL_JoystickFromInstanceID")
        && load(&sdl.set_axis, library, "SDL_JoystickSetVirtualAxis")
        && load(&sdl.set_button, library, "SDL_JoystickSetVirtualButton")
        && load(&sdl.set_hat, library, "SDL_JoystickSetVirtualHat")
        && load(&sdl.guid_at, library, "SDL_JoystickGetDeviceGUID")
        && load(&sdl.guid_text, library, "SDL_JoystickGetGUIDString")
        && load(&sdl.add_mapping, library, "SDL_GameControllerAddMapping");

    if (whole)
        return true;
    if (dlsym(library, "SDL_AttachVirtualJoystick"))
        complain(ERROR_SDL_3, "the game uses SDL 3, only SDL 2 is known", "");
    else
        complain(ERROR_SDL_TOO_OLD, "the game's SDL is older than 2.24", "");
    return false;
}

/* ---- The pad, numbered as Linux numbers a real one. ---- */

/*
 * Many games read joysticks by number and expect what the kernel's xpad driver shows:
 * eleven buttons, a hat for the d-pad, and the left trigger between the sticks.  With
 * SDL's own order their START would be a stick click.  Games that ask for controller
 * names are served by the mapping below.
 */
enum { AXES = 6, BUTTONS = 11, HATS = 1, DPAD_SHIFT = BUTTONS };

static const int raw_axis[AXES] = { 0, 1, 3, 4, 2, 5 };
static const int raw_button[BUTTONS] = { 0, 1, 2, 3, 6, 8, 7, 9, 10, 4, 5 };
static const uint8_t hat_bit[4] = { 1, 4, 8, 2 }; /* up, down, left, right */

static const char mapping[] =
    "Xbox 360 Controller,a:b0,b:b1,x:b2,y:b3,leftshoulder:b4,rightshoulder:b5,back:b6,"
    "start:b7,guide:b8,leftstick:b9,rightstick:b10,dpup:h0.1,dpright:h0.2,dpdown:h0.4,"
    "dpleft:h0.8,leftx:a0,lefty:a1,lefttrigger:a2,rightx:a3,righty:a4,righttrigger:a5,";

static bool read_state(struct cell state[CELLS])
{
    bool whole = true;

    for (int i = 0; i < CELLS; i++) {
        uint64_t word = atomic_load_explicit(&page->cells[i], memory_order_relaxed);

        memcpy(&state[i], &word, sizeof word);
        whole = whole && state[i].stamp == state[0].stamp;
    }
    return whole;
}

/* By the true clock: the game's own may be a slower or a stopped one. */
static bool expired(void)
{
    return (uint64_t)clock_true() > atomic_load_explicit(&page->expires, memory_order_relaxed);
}

static void let_go(struct cell state[CELLS])
{
    memset(state, 0, CELLS * sizeof *state);
    state[2].values[0] = state[2].values[1] = INT16_MIN; /* triggers at rest */
}

static struct cell taken[CELLS]; /* at the gate of lockstep: one state for the whole step */
static bool are_taken;

/* In lockstep only what is pressed at the gate counts, however late the game asks. */
__attribute__((visibility("hidden"))) void pad_take(void)
{
    struct cell state[CELLS];

    if (!page)
        return;
    if (expired())
        let_go(state);
    else if (!read_state(state))
        return;
    memcpy(taken, state, sizeof taken);
    are_taken = true;
}

/*
 * SDL calls this when the game polls; half a state leaves the one before in place.  A state
 * that has expired is one whose writer stands still: nothing is pressed any more then.
 */
static void update(void *user)
{
    struct cell state[CELLS];
    void *joystick = sdl.by_id(pad_id);
    unsigned buttons;
    uint8_t hat = 0;

    (void)user;
    atomic_fetch_add_explicit(&page->polls, 1, memory_order_relaxed);
    if (!joystick)
        return;
    if (are_taken && clock_way() == WAY_LOCKSTEP)
        memcpy(state, taken, sizeof state);
    else if (expired())
        let_go(state);
    else if (!read_state(state))
        return;
    for (int i = 0; i < AXES; i++)
        sdl.set_axis(joystick, raw_axis[i], state[i / 2].values[i % 2]);
    buttons = (uint16_t)state[CELLS - 1].values[0];
    for (int i = 0; i < BUTTONS; i++)
        sdl.set_button(joystick, raw_button[i], buttons >> i & 1);
    for (int i = 0; i < 4; i++)
        hat |= buttons >> (DPAD_SHIFT + i) & 1 ? hat_bit[i] : 0;
    sdl.set_hat(joystick, 0, hat);
}

/* SDL would map the pad by its own order of parts; tell it ours. */
static void map_parts(int index)
{
    char text[33 + 1 + sizeof mapping];

    sdl.guid_text(sdl.guid_at(index), text, 33);
    strcat(text, ",");
    strcat(text, mapping);
    if (sdl.add_mapping(text) < 0)
        complain(ERROR_REFUSED, "SDL refused its mapping: ", sdl.error());
}

static void attach_pad(void)
{
    const struct description pad = {
        .version = SDL_DESCRIPTION_VERSION,
        .type = SDL_TYPE_GAME_CONTROLLER,
        .axes = AXES,
        .buttons = BUTTONS,
        .hats = HATS,
        .vendor = 0x045e, /* Microsoft */
        .product = 0x028e, /* Xbox 360 controller */
        .button_mask = (1u << BUTTONS) - 1,
        .axis_mask = (1u << AXES) - 1,
        .name = "Xbox 360 Controller",
        .update = update,
    };
    int index;

    atomic_store(&page->error, 0); /* what a try before this one said */
    sdl.lock(); /* between the two calls another pad could take the index */
    index = sdl.attach(&pad);
    pad_id = index < 0 ? -1 : sdl.id_at(index);
    if (index >= 0)
        map_parts(index);
    sdl.unlock();
    if (index < 0) {
        complain(ERROR_REFUSED, "SDL refused it: ", sdl.error());
        return;
    }
    atomic_store(&page->pid, (uint32_t)getpid());
    atomic_fetch_add(&page->attached, 1);
}

/* SDL drops its virtual joysticks when joysticks are switched off: attach at each off-to-on. */
static int init_and_attach(const char *symbol, uint32_t flags)
{
    static pthread_once_t mapped = PTHREAD_ONCE_INIT;
    static _Atomic unsigned attempts;
    void *library = find_sdl();
    init_function *init = NULL;
    unsigned attempts_before = attempts;
    bool were_on;
    int result;

    if (!library || !load(&init, library, symbol)) {
        complain(0, "cannot find the SDL that the game called", "");
        return -1; /* SDL's own way to say that it did not start */
    }
    pthread_once(&mapped, map_page);
    if (!page || !load_joystick_calls(library))
        return init(flags);
    were_on = sdl.was_init(SDL_JOYSTICKS);
    result = init(flags);
    /* In some builds of SDL, SDL_Init comes back here through SDL_InitSubSystem. */
    if (!were_on && sdl.was_init(SDL_JOYSTICKS) && attempts == attempts_before) {
        attempts++;
        attach_pad();
    }
    return result;
}

__attribute__((visibility("default"))) int SDL_Init(uint32_t flags)
{
    return init_and_attach("SDL_Init", flags);
}

__attribute__((visibility("default"))) int SDL_InitSubSystem(uint32_t flags)
{
    return init_and_attach("SDL_InitSubSystem", flags);
}
