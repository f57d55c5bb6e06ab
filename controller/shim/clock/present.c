/*
 * The doors through which pictures leave a game: behind each stands the gate.
 */
#include "clock.h"

static THREAD int depth; /* one door leads to another inside SDL and GL */

/* Call through a pointer that was looked up as data. */
#define AS(type, found) (*(type **)&(found))

static void *look_up(void *_Atomic *kept, const char *name, const char *library)
{
    void *found = *kept;

    if (!found)
        *kept = found = clock_find(name, library);
    return found;
}

#define FOUND(name, library)                                                            \
    __extension__({                                                                               \
        static void *_Atomic kept_;                                                     \
        look_up(&kept_, name, library);                                                 \
    })

/* What GL shows, before it is shown: afterwards nobody may ask. */
static uint64_t digest_of_gl(void)
{
    typedef void *none(void);
    typedef unsigned long drawable(void);
    typedef void query_glx(void *, unsigned long, int, unsigned *);
    typedef void *surface(int);
    typedef unsigned query_egl(void *, void *, int, int *);
    void *display = FOUND("glXGetCurrentDisplay", "libGL");
    void *current = FOUND("glXGetCurrentDrawable", "libGL");
    void *query = FOUND("glXQueryDrawable", "libGL");
    unsigned width = 0, height = 0;

    if (display && current && query && AS(none, display)()) {
        void *shown = AS(none, display)();
        unsigned long what = AS(drawable, current)();

        AS(query_glx, query)(shown, what, 0x801d, &width);
        AS(query_glx, query)(shown, what, 0x801e, &height);
        return digest_gl((int)width, (int)height);
    }
    display = FOUND("eglGetCurrentDisplay", "libEGL");
    current = FOUND("eglGetCurrentSurface", "libEGL");
    query = FOUND("eglQuerySurface", "libEGL");
    if (display && current && query && AS(none, display)()) {
        void *shown = AS(none, display)(), *what = AS(surface, current)(0x3059);
        int wide = 0, high = 0;

        AS(query_egl, query)(shown, what, 0x3057, &wide);
        AS(query_egl, query)(shown, what, 0x3056, &high);
        return digest_gl(wide, high);
    }
    return 0;
}

static uint64_t digest_of_renderer(void *renderer)
{
    typedef int size_call(void *, int *, int *);
    typedef int read_call(void *, const void *, uint32_t, void *, int);
    void *size = FOUND("SDL_GetRendererOutputSize", "libSDL2");
    void *read = FOUND("SDL_RenderReadPixels", "libSDL2");
    int width = 0, height = 0;
    void *room;

    if (!size || !read || AS(size_call, size)(renderer, &width, &height) != 0)
        return 0;
    room = digest_room((size_t)width * (size_t)height * 4);
    if (!room || AS(read_call, read)(renderer, NULL, 0x16362004, room, width * 4) != 0)
        return 0;
    return digest_bytes(room, (size_t)width * (size_t)height * 4);
}

struct surface { /* SDL 2's */
    uint32_t flags;
    void *format;
    int width, height, pitch;
    void *pixels;
};

static uint64_t digest_of_surface(void *window)
{
    typedef struct surface *get_call(void *);
    void *get = FOUND("SDL_GetWindowSurface", "libSDL2");
    struct surface *surface = get ? AS(get_call, get)(window) : NULL;

    if (!surface || !surface->pixels)
        return 0;
    return digest_bytes(surface->pixels, (size_t)surface->height * (size_t)surface->pitch);
}

/* Until the X server has drawn the picture, who grabs the window would see the one before. */
static void flush(void *sdl_window)
{
    typedef void *none(void);
    typedef int sync_call(void *, int);
    typedef int info_call(void *, void *);
    void *sync = FOUND("XSync", "libX11");
    void *current = FOUND("glXGetCurrentDisplay", "libGL");
    void *display = current ? AS(none, current)() : NULL;
    void *info = FOUND("SDL_GetWindowWMInfo", "libSDL2");
    struct {
        uint8_t version[4];
        int kind;
        void *display;
        char more[112];
    } about = { .version = { 2, 0, 0, 0 } };

    if (!display && sdl_window && info && AS(info_call, info)(sdl_window, &about)
        && about.kind == 2 /* X11 */)
        display = about.display;
    if (sync && display)
        AS(sync_call, sync)(display, 0);
}

static bool enter(enum used door, enum way *way)
{
    if (depth++ != 0)
        return false;
    *way = clock_way();
    if (*way != WAY_REAL)
        clock_use(door);
    return *way != WAY_REAL;
}

static void after(bool outermost, enum way way, void *sdl_window)
{
    if (outermost) {
        clock_page->pictures++;
        if (way == WAY_LOCKSTEP && clock_ours()) {
            flush(sdl_window);
            clock_gate();
        } else {
            gate_lets_go();
        }
    }
    depth--;
}

static void keep_digest(bool outermost, uint64_t (*digest)(void *), void *what)
{
    if (outermost && clock_asked(ASKED_DIGEST))
        clock_page->digest = digest(what);
}

static uint64_t gl(void *nothing)
{
    (void)nothing;
    return digest_of_gl();
}

/* Numbers and pointers go in and come out as they are, whatever the version of SDL says. */
#define DOOR(name, library, used, digest, what, window, arguments, ...)                   \
    EXPORT intptr_t name arguments                                                        \
    {                                                                                     \
        typedef intptr_t real_call arguments;                                             \
        void *real = FOUND(#name, library);                                               \
        enum way way = WAY_REAL;                                                          \
        bool outermost = enter(used, &way);                                               \
        intptr_t result = 0;                                                              \
                                                                                          \
        keep_digest(outermost, digest, what);                                             \
        if (real)                                                                         \
            result = AS(real_call, real)(__VA_ARGS__);                                    \
        after(outermost, way, window);                                                    \
        return result;                                                                    \
    }

static void *window_of(void *renderer)
{
    typedef void *get_call(void *);
    void *get = FOUND("SDL_RenderGetWindow", "libSDL2");

    return get ? AS(get_call, get)(renderer) : NULL;
}

/* Declared first, as no header of theirs is needed to build this. */
intptr_t SDL_GL_SwapWindow(void *window);
intptr_t SDL_RenderPresent(void *renderer);
intptr_t SDL_UpdateWindowSurface(void *window);
intptr_t SDL_UpdateWindowSurfaceRects(void *window, void *rects, intptr_t count);
intptr_t glXSwapBuffers(void *display, unsigned long drawable);
intptr_t eglSwapBuffers(void *display, void *surface);

DOOR(SDL_GL_SwapWindow, "libSDL", USED_SDL, gl, NULL, window, (void *window), window)
DOOR(SDL_RenderPresent, "libSDL", USED_SDL, digest_of_renderer, renderer, window_of(renderer),
    (void *renderer), renderer)
DOOR(SDL_UpdateWindowSurface, "libSDL", USED_SDL, digest_of_surface, window, window, (void *window),
    window)
DOOR(SDL_UpdateWindowSurfaceRects, "libSDL", USED_SDL, digest_of_surface, window, window,
    (void *window, void *rects, intptr_t count), window, rects, count)
DOOR(glXSwapBuffers, "libGL", USED_GLX, gl, NULL, NULL, (void *display, unsigned long drawable),
    display, drawable)
DOOR(eglSwapBuffers, "libEGL", USED_EGL, gl, NULL, NULL, (void *display, void *surface), display,
    surface)
