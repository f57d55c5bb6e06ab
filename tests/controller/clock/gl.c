/*
 * Shows pictures by GLX or EGL, without SDL: each in another colour, and says a line for each.
 * The function that shows them is linked, looked up in the library, or asked for as GL has it.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef struct display Display;
typedef void *pointer;
typedef unsigned long id;
typedef void function(void);

Display *XOpenDisplay(const char *name);
id XDefaultRootWindow(Display *display);
id XCreateSimpleWindow(Display *, id, int, int, unsigned, unsigned, unsigned, id, id);
id XCreateColormap(Display *, id, pointer visual, int);
id XCreateWindow(Display *, id, int, int, unsigned, unsigned, unsigned, int, unsigned, pointer, id, pointer);
int XMapWindow(Display *, id);
struct visual { pointer visual; id number; int screen, depth; };
struct attributes { id pixmap, pixel, border, border_pixel; int gravity[3]; id planes, backing; int under; long mask, no; int redirect; id colormap, cursor; };
struct visual *glXChooseVisual(Display *, int screen, int *wanted);
pointer glXCreateContext(Display *, struct visual *, pointer shared, int direct);
int glXMakeCurrent(Display *, id, pointer);
void glXSwapBuffers(Display *, id);
function *glXGetProcAddress(const char *);
pointer eglGetDisplay(pointer);
unsigned eglInitialize(pointer, int *, int *);
unsigned eglBindAPI(unsigned);
unsigned eglChooseConfig(pointer, const int *, pointer *, int, int *);
pointer eglCreateContext(pointer, pointer, pointer, const int *);
pointer eglCreateWindowSurface(pointer, pointer, id, const int *);
unsigned eglMakeCurrent(pointer, pointer, pointer, pointer);
unsigned eglSwapBuffers(pointer, pointer);
function *eglGetProcAddress(const char *);
void glClearColor(float, float, float, float);
void glClear(unsigned);

static function *found(const char *how, const char *library, const char *name, function *linked)
{
    if (!strcmp(how, "linked"))
        return linked;
    if (!strcmp(how, "looked-up"))
        return (function *)dlsym(dlopen(library, RTLD_NOW), name);
    return strcmp(library, "libEGL.so.1") ? glXGetProcAddress(name) : eglGetProcAddress(name);
}

static void draw(int frame)
{
    glClearColor((float)(frame % 8) / 8, .5f, .25f, 1);
    glClear(0x4000);
}

static int by_glx(Display *display, const char *how)
{
    int wanted[] = { 4 /* RGBA */, 5 /* two buffers */, 8, 8, 9, 8, 10, 8, 0 };
    struct visual *visual = glXChooseVisual(display, 0, wanted);
    id root = XDefaultRootWindow(display), window;
    struct attributes set = { 0 };
    void (*swap)(Display *, id);

    if (!visual)
        return 3;
    set.colormap = XCreateColormap(display, root, visual->visual, 0);
    window = XCreateWindow(display, root, 0, 0, 64, 48, 0, visual->depth, 1, visual->visual, 1 << 13 | 1 << 3, &set);
    XMapWindow(display, window);
    if (!glXMakeCurrent(display, window, glXCreateContext(display, visual, NULL, 1)))
        return 4;
    swap = (void (*)(Display *, id))found(how, "libGL.so.1", "glXSwapBuffers", (function *)glXSwapBuffers);
    for (int frame = 0;; frame++) {
        draw(frame);
        swap(display, window);
        printf("%d\n", frame);
        fflush(stdout);
    }
}

static int by_egl(Display *display, const char *how)
{
    const int wanted[] = { 0x3024, 8, 0x3023, 8, 0x3022, 8, 0x3040, 8 /* GL itself */, 0x3038 };
    pointer egl = eglGetDisplay(display), config, surface;
    unsigned (*swap)(pointer, pointer);
    int count = 0;
    id window = XCreateSimpleWindow(display, XDefaultRootWindow(display), 0, 0, 64, 48, 0, 0, 0);

    XMapWindow(display, window);
    if (!eglInitialize(egl, NULL, NULL) || !eglBindAPI(0x30a2)
        || !eglChooseConfig(egl, wanted, &config, 1, &count) || !count)
        return 3;
    surface = eglCreateWindowSurface(egl, config, window, NULL);
    if (!eglMakeCurrent(egl, surface, surface, eglCreateContext(egl, config, NULL, NULL)))
        return 4;
    swap = (unsigned (*)(pointer, pointer))found(how, "libEGL.so.1", "eglSwapBuffers", (function *)eglSwapBuffers);
    for (int frame = 0;; frame++) {
        draw(frame);
        swap(egl, surface);
        printf("%d\n", frame);
        fflush(stdout);
    }
}

int main(int count, char **words)
{
    Display *display = XOpenDisplay(NULL);

    if (count != 3 || !display)
        return 2;
    return strcmp(words[1], "GLX") ? by_egl(display, words[2]) : by_glx(display, words[2]);
}
