// The WebSocket /api/v1/events: identify, listen, and come back by itself with growing pauses.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const PROTOCOL = 1;
const LOOK_EVERY_MS = 3000; // how often a silent daemon is asked whether it is still there
const ANSWERS_WITHIN_MS = 10_000; // who hangs, or whose computer is off, does not close connections

// Close codes after which coming again would only be refused again, in words for people.
const FINAL = {
  1009: "the daemon refused a message as too long",
  4002: "the daemon did not understand this page; reload it",
  4003: "the token is wrong",
  4004: "this page and the daemon are of different versions; reload it",
  4005: "this page identified itself twice; reload it",
  4006: "the daemon does not know what this page asked for; reload it",
  4008: "the token was revoked, or the browser session has ended",
};

/**
 * A connection that lasts.
 *
 * `on` holds functions: one for each type of message it cares for, each given the message, and
 * `status`, given {phase, text, code}; phase is "connecting", "open", "waiting" or "refused".
 */
export class EventStream {
  constructor({ token = "", events, session = null, on }) {
    this.token = token;
    this.events = events;
    this.session = session;
    this.on = on;
    this.pause = FIRST_PAUSE_MS;
    this.socket = null;
    this.timer = 0;
    this.open = false;
    this.heard = 0;
  }

  connect() {
    clearTimeout(this.timer);
    this.#say("connecting", "connecting");
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/api/v1/events`);
    this.socket = socket;
    this.heard = performance.now();
    socket.addEventListener("message", (event) => this.socket === socket && this.#receive(event));
    socket.addEventListener("close", (event) => this.socket === socket && this.#closed(event.code));
    this.timer = setTimeout(() => this.#look(socket), LOOK_EVERY_MS);
  }

  /** Ask for one picture of a session's game; whether the question could be sent.
   *
   * Nothing may be asked before `ready`: the first message has to be who this is.
   */
  askFrame(session, width) {
    return this.open && this.#send({ type: "frame", session, width });
  }

  #send(message) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** Whoever has said nothing for a while is asked, and given up if no answer comes. */
  async #look(socket) {
    if (performance.now() - this.heard > LOOK_EVERY_MS) {
      const patience = new AbortController();
      const timer = setTimeout(() => patience.abort(), ANSWERS_WITHIN_MS);
      const there = await fetch("/healthz", { cache: "no-store", signal: patience.signal }).catch(() => null);
      clearTimeout(timer);
      if (this.socket !== socket) return; // closed meanwhile
      if (!there && performance.now() - this.heard > LOOK_EVERY_MS) {
        socket.close();
        this.#closed(0);
        return;
      }
    }
    this.timer = setTimeout(() => this.#look(socket), LOOK_EVERY_MS);
  }

  #receive(event) {
    this.heard = performance.now();
    const message = JSON.parse(event.data);
    if (message.type === "hello") this.#identify();
    if (message.type === "ready") {
      this.pause = FIRST_PAUSE_MS;
      this.open = true;
      this.#say("open", "connected");
    }
    this.on[message.type]?.(message);
  }

  #identify() {
    const message = { type: "identify", protocol: PROTOCOL, events: this.events, session: this.session };
    // A cookie has said who the dashboard is.  The overlay is its token, beside whatever cookie.
    if (this.token) message.token = this.token;
    this.#send(message);
  }

  #closed(code) {
    clearTimeout(this.timer);
    this.socket = null;
    this.open = false;
    const final = FINAL[code];
    if (final) {
      this.#say("refused", final, code);
      return;
    }
    const pause = this.pause * (0.75 + Math.random() / 2); // not everybody at the same moment
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
    const why = code === 1001 ? "the daemon has ended" : code ? "no connection" : "the daemon does not answer";
    this.#say("waiting", why, code);
    this.timer = setTimeout(() => this.connect(), pause);
  }

  #say(phase, text, code = 0) {
    this.on.status?.({ phase, text, code });
  }
}
