// The OBS overlay.  All its state is in the address; the token is taken out of it at once.

import { byId, setText, show } from "../shared/dom.js";
import { EventStream } from "../shared/events.js";
import { History } from "./history.js";
import { layoutNamed } from "../shared/layouts.js";
import { NEUTRAL, Pad } from "../shared/pad.js";

const PARTS = ["pad", "badge", "history"];
const THEMES = ["dark", "light", "outline"];
const PLACES = ["bottom-left", "bottom-right", "top-left", "top-right", "bottom"];
const KEPT_TOKEN = "nitropilot-overlay-token";
const BASE = { width: 1920, height: 1080 };
const NEEDS = { width: 540, height: 560 }; // what all parts take at scale 1, with their margin

const chosen = (value, known) => (known.includes(value) ? value : known[0]);

function readAddress() {
  const query = new URLSearchParams(location.search);
  const fragment = new URLSearchParams(location.hash.slice(1));
  const scale = Number.parseFloat(query.get("scale") ?? "1");
  const wanted = (query.get("show") ?? PARTS.join(",")).split(",").map((part) => part.trim());
  return {
    layout: layoutNamed(query.get("layout") ?? ""),
    theme: chosen(query.get("theme"), THEMES),
    at: chosen(query.get("at"), PLACES),
    scale: Number.isFinite(scale) ? Math.min(Math.max(scale, 0.25), 4) : 1,
    parts: PARTS.filter((part) => wanted.includes(part)),
    session: query.get("session") || null,
    token: takeToken(query, fragment),
  };
}

/** The token from the address, which loses it; a reload finds it in this tab's own storage. */
function takeToken(query, fragment) {
  const given = fragment.get("token") || query.get("token");
  query.delete("token");
  fragment.delete("token");
  const rest = [query.toString(), fragment.toString()];
  const address = `${location.pathname}${rest[0] && `?${rest[0]}`}${rest[1] && `#${rest[1]}`}`;
  history.replaceState(null, "", address);
  if (given) sessionStorage.setItem(KEPT_TOKEN, given);
  return given ?? sessionStorage.getItem(KEPT_TOKEN) ?? "";
}

class Overlay {
  constructor(settings) {
    this.settings = settings;
    this.sessions = new Map();
    this.pad = new Pad(settings.layout, "Gamepad: what is being pressed");
    this.history = new History(byId("history"), settings.layout);
    this.latest = NEUTRAL;
    this.drawn = null;
    document.documentElement.dataset.theme = settings.theme;
    document.body.dataset.at = settings.at;
    byId("pad").append(this.pad.element);
    for (const part of PARTS) show(byId(part), settings.parts.includes(part));
    this.fit();
    addEventListener("resize", () => this.fit());
  }

  /** As large a part of the picture at 4K as at 1080p, and never so small as to be unreadable. */
  fit() {
    const share = Math.min(innerWidth / BASE.width, innerHeight / BASE.height);
    const whole = Math.min(1, innerWidth / NEEDS.width, innerHeight / NEEDS.height);
    const unit = Math.max(share, whole) * this.settings.scale;
    document.documentElement.style.setProperty("--u", `${unit.toFixed(4)}px`);
  }

  connect() {
    const { token, session } = this.settings;
    this.stream = new EventStream({
      token,
      session,
      events: ["state", "pad"],
      on: {
        status: (status) => this.#status(status),
        ready: (message) => this.#ready(message),
        state: (message) => this.#state(message.data),
        pad: (message) => this.#pad(message),
      },
    });
    this.stream.connect();
  }

  /** The session that is shown: the one that the address names, else the newest that lives. */
  current() {
    if (this.settings.session) return this.sessions.get(this.settings.session) ?? null;
    const living = [...this.sessions.values()].filter((one) => !one.end);
    return living.sort((a, b) => a.created.localeCompare(b.created)).at(-1) ?? null;
  }

  #status({ phase, text, code }) {
    document.body.dataset.connection = phase;
    if (phase === "open" || phase === "connecting") return;
    this.#rest();
    this.history.clear();
    if (code === 4008 || code === 4003) sessionStorage.removeItem(KEPT_TOKEN);
    const help = code === 4003 && !this.settings.token ? "this address has no token" : text;
    this.#message(phase === "refused" ? `NitroPilot: ${help}` : `NitroPilot: ${text}, trying again`);
    this.#badge("none", "");
  }

  #ready(message) {
    this.#message("");
    this.sessions = new Map(message.sessions.map((session) => [session.id, session]));
    this.#describe();
  }

  #state(session) {
    this.sessions.set(session.id, session);
    this.#describe();
  }

  #describe() {
    const session = this.current();
    if (!session || session.end) {
      this.#rest();
      this.#badge("none", "");
    } else if (session.state === "playing") {
      this.#badge("ai", "AI");
    } else if (session.state === "attaching") {
      this.#badge("none", "…");
    } else {
      if (session.state === "paused") this.#rest();
      this.#badge("human", "HUMAN");
    }
  }

  #pad(message) {
    if (message.session !== this.current()?.id) return;
    this.history.add(message.pad);
    this.#draw(message.pad);
  }

  #rest() {
    this.#draw(NEUTRAL);
  }

  /** Draw once a frame, however many states came since the last. */
  #draw(pad) {
    if (this.drawn === null) {
      this.drawn = requestAnimationFrame(() => {
        this.drawn = null;
        this.pad.show(this.latest);
      });
    }
    this.latest = pad;
  }

  #badge(who, text) {
    const badge = byId("badge");
    badge.dataset.who = who;
    setText(badge, text);
    show(badge, Boolean(text) && this.settings.parts.includes("badge"));
  }

  #message(text) {
    setText(byId("message"), text);
    show(byId("message"), Boolean(text));
  }
}

new Overlay(readAddress()).connect();
