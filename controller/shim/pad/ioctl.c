/* The device's questions and answers, as the kernel's evdev gives them for a wired pad. */
#include "pad.h"

const struct axis pad_axes[AXES] = {
    { ABS_X, { .minimum = -32768, .maximum = 32767, .fuzz = 16, .flat = 128 } },
    { ABS_Y, { .minimum = -32768, .maximum = 32767, .fuzz = 16, .flat = 128 } },
    { ABS_Z, { .minimum = 0, .maximum = 255 } },
    { ABS_RX, { .minimum = -32768, .maximum = 32767, .fuzz = 16, .flat = 128 } },
    { ABS_RY, { .minimum = -32768, .maximum = 32767, .fuzz = 16, .flat = 128 } },
    { ABS_RZ, { .minimum = 0, .maximum = 255 } },
    { ABS_HAT0X, { .minimum = -1, .maximum = 1 } },
    { ABS_HAT0Y, { .minimum = -1, .maximum = 1 } },
};

const uint16_t pad_buttons[BUTTONS] = {
    BTN_A, BTN_B, BTN_X, BTN_Y, BTN_SELECT, BTN_MODE, BTN_START, BTN_THUMBL, BTN_THUMBR,
    BTN_TL, BTN_TR,
};

/* Bits lie in longs, which matters to who counts the bytes, and on big-endian machines. */
enum { LONG_BITS = 8 * sizeof(unsigned long) };

struct bits {
    unsigned long longs[KEY_CNT / LONG_BITS + 1];
};

static void set(struct bits *bits, unsigned bit)
{
    bits->longs[bit / LONG_BITS] |= 1ul << bit % LONG_BITS;
}

static int give(void *argument, size_t room, const void *what, size_t size)
{
    const size_t given = size < room ? size : room;

    memcpy(argument, what, given);
    return (int)given;
}

static int give_bits(void *argument, size_t room, const struct bits *bits, unsigned count)
{
    return give(argument, room, bits, (count + LONG_BITS - 1) / LONG_BITS * (LONG_BITS / 8));
}

static int give_text(void *argument, size_t room, const char *text)
{
    return give(argument, room, text, strlen(text) + 1);
}

static int events_of(unsigned type, void *argument, size_t room)
{
    static const uint16_t types[] = { EV_SYN, EV_KEY, EV_ABS, EV_FF };
    static const uint16_t effects[] = {
        FF_RUMBLE, FF_PERIODIC, FF_SQUARE, FF_TRIANGLE, FF_SINE, FF_GAIN,
    };
    struct bits bits = { { 0 } };

    switch (type) {
    case 0: /* which types there are */
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
            set(&bits, types[i]);
        return give_bits(argument, room, &bits, EV_CNT);
    case EV_KEY:
        for (int i = 0; i < BUTTONS; i++)
            set(&bits, pad_buttons[i]);
        return give_bits(argument, room, &bits, KEY_CNT);
    case EV_ABS:
        for (int i = 0; i < AXES; i++)
            set(&bits, pad_axes[i].code);
        return give_bits(argument, room, &bits, ABS_CNT);
    case EV_FF:
        for (size_t i = 0; i < sizeof effects / sizeof *effects; i++)
            set(&bits, effects[i]);
        return give_bits(argument, room, &bits, FF_CNT);
    case EV_REL:
    case EV_MSC:
    case EV_LED:
    case EV_SND:
    case EV_SW:
        return give_bits(argument, room, &bits, REL_CNT);
    default:
        return -EINVAL;
    }
}

static int pressed(void *argument, size_t room)
{
    struct bits bits = { { 0 } };
    struct pad_state state;

    count_poll();
    current_state(&state);
    for (int i = 0; i < BUTTONS; i++)
        if (state.buttons >> i & 1)
            set(&bits, pad_buttons[i]);
    return give_bits(argument, room, &bits, KEY_CNT);
}

static int axis_of(unsigned code, void *argument, size_t room)
{
    struct input_absinfo info = { 0 };
    struct pad_state state;

    current_state(&state);
    for (int i = 0; i < AXES; i++)
        if (pad_axes[i].code == code) {
            count_poll();
            info = pad_axes[i].range;
            info.value = state.axes[i];
        }
    give(argument, room, &info, sizeof info);
    return 0;
}

static int grab(struct client *client, bool wanted)
{
    if (!wanted && pad_grabber != client)
        return -EINVAL;
    if (wanted && pad_grabber)
        return -EBUSY;
    pad_grabber = wanted ? client : NULL;
    return 0;
}

static int choose_clock(struct client *client, const int *id)
{
    if (*id != CLOCK_REALTIME && *id != CLOCK_MONOTONIC && *id != CLOCK_BOOTTIME)
        return -EINVAL;
    client->clock = *id;
    return 0;
}

/* Effects are taken and never felt. */
static int take_effect(struct ff_effect *effect)
{
    static int next;

    if (effect->id >= PAD_EFFECTS || effect->id < -1)
        return -EINVAL;
    if (effect->id == -1)
        effect->id = (int16_t)(next++ % PAD_EFFECTS);
    return 0;
}

static int fixed_answer(unsigned long request, void *argument)
{
    static const struct input_id id = { PAD_BUS, PAD_VENDOR, PAD_PRODUCT, PAD_VERSION };
    const int version = EV_VERSION, effects = PAD_EFFECTS;

    switch (request) {
    case EVIOCGVERSION:
        memcpy(argument, &version, sizeof version);
        return 0;
    case EVIOCGID:
        memcpy(argument, &id, sizeof id);
        return 0;
    case EVIOCGEFFECTS:
        memcpy(argument, &effects, sizeof effects);
        return 0;
    case EVIOCGREP:
    case EVIOCSREP:
        return -ENOSYS; /* nothing repeats */
    case EVIOCRMFF:
        return 0;
    default:
        return -EINVAL;
    }
}

static int sized_answer(unsigned number, size_t room, void *argument)
{
    static const struct bits none;

    if (number >= _IOC_NR(EVIOCGABS(0)) && number < _IOC_NR(EVIOCGABS(0)) + ABS_CNT)
        return axis_of(number - (unsigned)_IOC_NR(EVIOCGABS(0)), argument, room);
    if (number >= _IOC_NR(EVIOCGBIT(0, 0)) && number < _IOC_NR(EVIOCGBIT(0, 0)) + EV_CNT)
        return events_of(number - (unsigned)_IOC_NR(EVIOCGBIT(0, 0)), argument, room);
    switch (number) {
    case _IOC_NR(EVIOCGNAME(0)):
        return give_text(argument, room, PAD_NAME);
    case _IOC_NR(EVIOCGPHYS(0)):
        return give_text(argument, room, PAD_PHYS);
    case _IOC_NR(EVIOCGUNIQ(0)):
        return -ENOENT;
    case _IOC_NR(EVIOCGPROP(0)):
        return give_bits(argument, room, &none, INPUT_PROP_CNT);
    case _IOC_NR(EVIOCGKEY(0)):
        return pressed(argument, room);
    case _IOC_NR(EVIOCGLED(0)):
    case _IOC_NR(EVIOCGSND(0)):
    case _IOC_NR(EVIOCGSW(0)):
        return give_bits(argument, room, &none, LED_CNT);
    default:
        return -EINVAL;
    }
}

/* What the kernel would return: 0, a number of bytes, or an error below zero. */
int pad_ioctl(struct client *client, unsigned long request, void *argument)
{
    const unsigned number = (unsigned)_IOC_NR(request);

    if (client->gone)
        return -ENODEV;
    switch (request) {
    case EVIOCGRAB:
        return grab(client, argument != NULL);
    case EVIOCREVOKE:
        true_call(SYS_shutdown, client->fd, 1 /* SHUT_WR */, 0, 0, 0, 0);
        client->gone = true;
        return 0;
    case EVIOCRMFF:
        return 0;
    default:
        break;
    }
    if (!argument)
        return -EFAULT;
    if (request == EVIOCSFF)
        return take_effect(argument);
    if (request == EVIOCSCLOCKID)
        return choose_clock(client, argument);
    if (_IOC_DIR(request) == _IOC_WRITE && number >= _IOC_NR(EVIOCSABS(0)))
        return 0; /* a game that sets ranges of its own is let, and sees the pad's */
    if (_IOC_DIR(request) == _IOC_READ) {
        const int result = sized_answer(number, _IOC_SIZE(request), argument);

        if (result != -EINVAL)
            return result;
    }
    return fixed_answer(request, argument);
}
