/* What is pressed, and the events that lead each reader there from what it was told last. */
#include "pad.h"

#include <sys/socket.h>

static struct pad_state now;
static _Atomic uint32_t taken_stamp, taken_plug;
static _Atomic bool settled; /* what was taken cannot change without another stamp */
static bool looked; /* at least once: what was there from the start did not come */
static bool held;

static uint64_t true_time(clockid_t id)
{
    return true_now(id);
}

uint64_t (*pad_event_time)(clockid_t id) = true_time;

typedef __typeof__(((struct input_event *)NULL)->input_event_sec) event_time;

struct report {
    struct input_event events[2 + BUTTONS + AXES + 1];
    unsigned count;
};

static void add(struct report *report, uint16_t type, uint16_t code, int32_t value)
{
    struct input_event *event = &report->events[report->count++];

    event->type = type;
    event->code = code;
    event->value = value;
}

static void differences(struct report *report, const struct client *client)
{
    const uint32_t changed = client->told.buttons ^ now.buttons;

    if (client->behind) {
        add(report, EV_SYN, SYN_DROPPED, 0);
        add(report, EV_SYN, SYN_REPORT, 0);
    }
    for (unsigned i = 0; i < BUTTONS; i++)
        if (changed >> i & 1)
            add(report, EV_KEY, pad_buttons[i], now.buttons >> i & 1);
    for (unsigned i = 0; i < AXES; i++)
        if (client->told.axes[i] != now.axes[i])
            add(report, EV_ABS, pad_axes[i].code, now.axes[i]);
    if (report->count > (client->behind ? 2u : 0u))
        add(report, EV_SYN, SYN_REPORT, 0);
}

static void tell(struct client *client)
{
    struct report report = { .count = 0 };
    uint64_t at;
    long sent;

    differences(&report, client);
    if (!report.count || !has_our_end(client))
        return;
    at = pad_event_time(client->clock);
    for (unsigned i = 0; i < report.count; i++) {
        report.events[i].input_event_sec = (event_time)(at / 1000000000u);
        report.events[i].input_event_usec = (event_time)(at % 1000000000u / 1000u);
    }
    sent = true_call(SYS_sendto, client->fd, (long)report.events,
                     (long)(report.count * sizeof *report.events),
                     MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
    client->behind = sent < 0;
    if (sent > 0)
        client->told = now;
}

static bool deaf(const struct client *client)
{
    return !client->theirs || client->gone || (pad_grabber && client != pad_grabber);
}

/* Whom another grabs the pad from is told nothing, and nothing of it later. */
static void deliver(void)
{
    for (int i = 0; i < CLIENTS; i++)
        if (!deaf(&pad_clients[i]))
            tell(&pad_clients[i]);
        else if (pad_clients[i].theirs && !pad_clients[i].gone)
            pad_clients[i].told = now;
}

/* A device that is unplugged says so to who reads it, and never comes back to them. */
static void notice_plug(void)
{
    const uint32_t plug = atomic_load(&page->plugged);

    if (plug == taken_plug || !looked) {
        taken_plug = plug;
        looked = true;
        return;
    }
    if (taken_plug) {
        for (int i = 0; i < CLIENTS; i++)
            if (pad_clients[i].theirs && !pad_clients[i].gone && has_our_end(&pad_clients[i])) {
                true_call(SYS_shutdown, pad_clients[i].fd, SHUT_WR, 0, 0, 0, 0);
                pad_clients[i].gone = true;
            }
        tell_monitors(false);
    }
    taken_plug = plug;
    if (plug)
        tell_monitors(true);
}

static void take(void)
{
    static const struct pad_state rest;
    const uint32_t stamp = page_stamp();
    enum reading reading;

    notice_plug();
    reading = read_page(&now);
    taken_stamp = stamp;
    settled = reading == READ_WHOLE && memcmp(&now, &rest, sizeof now) == 0;
}

/* As page_stamp was when it was taken: nothing is pressed, or nobody could say. */
static bool is_settled(void)
{
    return settled && page_stamp() == taken_stamp && atomic_load(&page->plugged) == taken_plug;
}

/* Who is told by an answer is told by events too, and so is everybody else. */
void current_state(struct pad_state *state)
{
    if (!held) {
        take();
        deliver();
    }
    *state = now;
}

/* ---- For whoever decides when the game sees what. ---- */

static bool somebody_is_behind(void)
{
    for (int i = 0; i < CLIENTS; i++)
        if (pad_clients[i].theirs && pad_clients[i].behind && !pad_clients[i].gone)
            return true;
    return false;
}

void pad_refresh(void)
{
    if (!page || !atomic_load_explicit(&pad_watchers, memory_order_relaxed) || !pad_lock())
        return;
    if (!is_settled() || somebody_is_behind()) {
        if (!held)
            take();
        deliver();
    }
    pad_unlock();
}

void pad_hold(bool hold)
{
    if (!page || !pad_lock())
        return;
    held = hold;
    pad_unlock();
    wake_feeder();
}

void pad_push(void)
{
    if (!page || !pad_lock())
        return;
    hear_all();
    take();
    deliver();
    pad_unlock();
}

/* What the feeder does when it wakes: until a state expires, or as long as it may. */
uint64_t pad_work(uint64_t idle)
{
    uint64_t until, at;

    hear_all();
    if (!held)
        take();
    deliver();
    if (somebody_is_behind())
        return 2000000;
    if (settled || held)
        return idle;
    until = atomic_load(&page->expires);
    at = true_now(CLOCK_MONOTONIC);
    if (until <= at || until - at > idle)
        return idle;
    return until - at + 1;
}
