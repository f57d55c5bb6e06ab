/*
 * Shows pictures and says, for each: when it was, and what the pad showed at its begin and its end.
 * With "hang" it computes for ever after ten.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

int SDL_Init(uint32_t flags);
void *SDL_CreateWindow(const char *title, int x, int y, int w, int h, uint32_t flags);
void *SDL_CreateRenderer(void *window, int index, uint32_t flags);
int SDL_SetRenderDrawColor(void *renderer, uint8_t r, uint8_t g, uint8_t b, uint8_t a);
int SDL_RenderClear(void *renderer);
void SDL_RenderPresent(void *renderer);
void SDL_PumpEvents(void);
int SDL_NumJoysticks(void);
void *SDL_JoystickOpen(int index);
void SDL_JoystickUpdate(void);
uint8_t SDL_JoystickGetButton(void *joystick, int button);

enum { VIDEO_AND_JOYSTICK = 0x220 };

static int pressed(void *stick)
{
    int bits = 0;

    SDL_JoystickUpdate();
    for (int i = 0; stick && i < 6; i++)
        bits |= SDL_JoystickGetButton(stick, i) << i;
    return bits;
}

int main(int count, char **arguments)
{
    void *window, *renderer, *stick;
    int hang = count > 1 && !strcmp(arguments[1], "hang");

    if (SDL_Init(VIDEO_AND_JOYSTICK) != 0)
        return 2;
    window = SDL_CreateWindow("frames", 0, 0, 64, 64, 0);
    renderer = SDL_CreateRenderer(window, -1, 1 /* software */);
    stick = SDL_NumJoysticks() > 0 ? SDL_JoystickOpen(0) : NULL;
    for (int frame = 0;; frame++) {
        struct timespec at;
        int first, last;

        SDL_PumpEvents();
        first = pressed(stick);
        for (volatile int i = 0; i < 1000000; i++)
            ;
        clock_gettime(CLOCK_MONOTONIC, &at);
        last = pressed(stick);
        printf("%d %ld%09ld %d %d\n", frame, (long)at.tv_sec, at.tv_nsec, first, last);
        fflush(stdout);
        SDL_SetRenderDrawColor(renderer, (uint8_t)(last * 3), (uint8_t)(frame * 5), 0, 255);
        SDL_RenderClear(renderer);
        SDL_RenderPresent(renderer);
        while (hang && frame == 10)
            ;
    }
}
