/* SDL 2: says what its first game controller shows, each time that it changes; ends at B. */
#define SDL_MAIN_HANDLED
#include <SDL.h>
#include <stdio.h>
#include <string.h>

static const char *truth(int value)
{
    return value ? "true" : "false";
}

int main(void)
{
    char before[128] = "", now[128];
    SDL_GameController *pad = NULL;

    SDL_SetMainReady();
    if (SDL_Init(SDL_INIT_VIDEO | SDL_INIT_GAMECONTROLLER) != 0)
        return 1;
    while (!pad || !SDL_GameControllerGetButton(pad, SDL_CONTROLLER_BUTTON_B)) {
        SDL_Delay(10);
        SDL_GameControllerUpdate();
        if (!pad && !(pad = SDL_GameControllerOpen(0)))
            continue;
        snprintf(now, sizeof now, "[true, %s, %s, %s, %.1f]",
                 truth(SDL_GameControllerGetButton(pad, SDL_CONTROLLER_BUTTON_A)),
                 truth(SDL_GameControllerGetButton(pad, SDL_CONTROLLER_BUTTON_START)),
                 truth(SDL_GameControllerGetButton(pad, SDL_CONTROLLER_BUTTON_DPAD_LEFT)),
                 SDL_GameControllerGetAxis(pad, SDL_CONTROLLER_AXIS_LEFTX) / 32767.0);
        if (strcmp(now, before) != 0) {
            printf("pad %s\n", now);
            fflush(stdout);
            strcpy(before, now);
        }
    }
    SDL_Quit();
    return 0;
}
