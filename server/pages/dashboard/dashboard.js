// The dashboard: which view is shown, which session is looked at, and what its events change.

import { ApiError, Features, call, get } from "../shared/api.js";
import { Checkup } from "./checkup.js";
import { Chunk } from "./chunk.js";
import { Controls } from "./controls.js";
import { byId, el, setText, show } from "../shared/dom.js";
import { EventStream } from "../shared/events.js";
import { Graphs } from "./graphs.js";
import { Live } from "./live.js";
import { NewGame } from "./newgame.js";
import { Reasons, stateText } from "./reasons.js";
import { Recordings } from "./recordings.js";
import { Tokens } from "./tokens.js";

const VIEWS = ["play", "new", "recordings", "access"];
const SAID = 5; // lines that stay for a screen reader
const POLL_MS = 2000; // how often sessions are looked at while there are no events

class App {
  constructor(features, status) {
    this.features = features;
    this.status = status;
    this.sessions = new Map();
    this.chosen = null;
    this.news = 0; // events of sessions so far
    this.lost = ""; // why nothing is known of the sessions now, or ""
    this.polled = false; // whether the daemon answers questions while there are no events
    this.view = "";
    this.reasons = new Reasons();
    this.controls = new Controls(this);
    this.checkup = new Checkup(this);
    this.graphs = new Graphs();
    this.chunk = new Chunk();
    this.live = new Live(this);
    this.newGame = new NewGame(this);
    this.recordings = new Recordings(this);
    this.tokens = new Tokens(this);
    this.stream = new EventStream({ events: ["state", "pad", "chunk", "stats", "warning"], on: this.#listeners() });
  }

  start() {
    setText(byId("version"), this.status.version);
    setText(byId("first-run-policy"), `The daemon's policy is ${this.status.policy}; another one can be named under New game.`);
    this.#buttons();
    this.takeAll(this.status.sessions);
    addEventListener("hashchange", () => this.#route(true));
    this.#route(false);
    this.stream.connect();
    setInterval(() => this.#poll(), POLL_MS);
  }

  /** The session that is looked at, if any. */
  selected() {
    return this.sessions.get(this.chosen) ?? null;
  }

  select(id) {
    if (id !== this.chosen) {
      this.chosen = id;
      this.graphs.clear();
      this.chunk.clear();
      this.reasons.clearWarnings();
    }
    this.#draw();
  }

  /**
   * Do something and take the session that the answer gives.  An event that came meanwhile may be
   * newer than the answer, so then the session is asked for once more.
   */
  async ask(method, path, body) {
    let before = this.news;
    let session = await call(method, path, body);
    while (this.news !== before) {
      before = this.news;
      session = await get(`/api/v1/sessions/${session.id}`);
    }
    this.take(session);
    return session;
  }

  /** Ask for all sessions, where no events tell of them. */
  async refresh() {
    if (!this.stream.open) this.takeAll(await get("/api/v1/sessions"));
  }

  take(session) {
    const before = this.sessions.get(session.id);
    if (before?.end && !session.end) return; // an end is final, whatever comes late
    this.sessions.set(session.id, session);
    if (before && before.state !== session.state) this.say(`Session ${session.id}: ${stateText(session)}`);
    if (!before && !session.end) this.select(session.id);
    else this.#draw();
  }

  takeAll(sessions) {
    this.sessions = new Map(sessions.map((session) => [session.id, session]));
    if (!this.selected()) {
      const all = [...this.sessions.values()];
      this.select((all.filter((one) => !one.end).at(-1) ?? all.at(-1))?.id ?? null);
    }
    this.#draw();
  }

  /** Tell a screen reader.  The last lines stay: one that replaced another would silence it. */
  say(text) {
    const lines = byId("announce");
    lines.append(el("p", {}, text));
    while (lines.childElementCount > SAID) lines.firstElementChild.remove();
  }

  /** Tell everybody what went wrong, until dismissed. */
  fail(error) {
    this.tell(error instanceof ApiError ? error.line : `This page made a mistake: ${error.message}`, "failed");
  }

  /** Tell everybody what was done, until dismissed. */
  tell(text, kind = "done") {
    byId("alert").dataset.kind = kind;
    setText(byId("alert-text"), text);
    show(byId("alert"), true);
  }

  /** Do what a button asks for; what goes wrong is shown. */
  async attempt(act) {
    try {
      show(byId("alert"), false);
      return await act();
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  go(view) {
    location.hash = `#${view}`;
  }

  #listeners() {
    const mine = (act) => (message) => {
      if (message.session === this.chosen) act(message);
    };
    return {
      status: (status) => this.#connection(status),
      ready: (message) => this.takeAll(message.sessions),
      state: (message) => {
        this.news += 1;
        this.take(message.data);
      },
      pad: mine((message) => this.#pressed(message)),
      chunk: mine((message) => {
        this.chunk.show(message, this.live.pad.layout);
        this.graphs.inference.add(message.inference_ms);
      }),
      stats: mine((message) => this.graphs.figures(message.data)),
      warning: (message) => {
        if (!message.session || message.session === this.chosen) this.reasons.warn(message);
      },
      frame: (message) => this.live.frame(message),
    };
  }

  #pressed(message) {
    this.live.pressed(message.pad);
    if (message.source !== "agent") return;
    this.graphs.pacing.add(message.late_ms);
    this.chunk.played(message);
  }

  #connection({ phase, text }) {
    byId("connection").dataset.phase = phase;
    setText(byId("connection"), phase === "open" ? "live" : text);
    if (phase === "open") this.polled = false;
    if (phase !== "connecting" && !this.polled) this.#lose(phase === "open" ? "" : text);
    byId("connection").title = phase === "waiting" ? `${text}; trying again by itself` : "";
  }

  async #poll() {
    if (this.stream.open || document.hidden) return;
    try {
      await this.refresh();
      this.polled = !this.stream.open;
      this.#lose("");
    } catch (error) {
      this.polled = false;
      if (!this.stream.open) this.#lose(error.message);
      if (error.status === 401) this.fail(error);
    }
  }

  /** From now on nothing is known of the sessions, for this reason; or all is, for "". */
  #lose(why) {
    if (why === this.lost) return;
    this.lost = why;
    this.#draw();
  }

  #route(moved) {
    const wanted = location.hash.slice(1);
    if (wanted === "main") return; // the skip link
    this.view = VIEWS.includes(wanted) ? wanted : "play";
    for (const view of VIEWS) show(byId(`view-${view}`), view === this.view);
    for (const link of document.querySelectorAll("nav a")) {
      if (link.dataset.view === this.view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const title = byId(`title-${this.view}`);
    document.title = `${title.textContent} · NitroPilot`;
    if (moved) title.focus();
    const views = { new: this.newGame, recordings: this.recordings, access: this.tokens };
    views[this.view]?.enter();
  }

  #buttons() {
    byId("alert-close").addEventListener("click", () => show(byId("alert"), false));
    byId("session").addEventListener("change", (event) => this.select(event.target.value));
    byId("log-out").addEventListener("click", () => this.attempt(async () => {
      await call("POST", "/api/v1/auth/logout");
      location.assign("/");
    }));
  }

  #draw() {
    const session = this.selected();
    show(byId("first-run"), !session);
    show(byId("player"), Boolean(session));
    show(byId("session-choice"), this.sessions.size > 1);
    this.#list();
    if (!session) return;
    this.live.update(session, this.lost);
    this.reasons.update(session, this.lost);
    this.graphs.figures(session.stats);
    this.controls.update(session, this.lost);
  }

  #list() {
    const list = byId("session");
    const wanted = [...this.sessions.values()].map((session) => {
      const game = session.game?.title || session.game?.executable || "…";
      const state = this.lost && !session.end ? "not known" : stateText(session);
      return [session.id, `${game} · ${state} · ${session.id}`];
    });
    if (list.dataset.drawn === JSON.stringify(wanted)) {
      list.value = this.chosen;
      return;
    }
    list.dataset.drawn = JSON.stringify(wanted);
    list.replaceChildren(...wanted.map(([id, text]) => el("option", { value: id }, text)));
    list.value = this.chosen;
  }
}

async function begin() {
  try {
    const [features, status] = await Promise.all([Features.load(), get("/api/v1/status")]);
    new App(features, status).start();
  } catch (error) {
    setText(byId("alert-text"), error instanceof ApiError ? error.line : error.message);
    show(byId("alert"), true);
    setText(byId("connection"), "no connection");
    byId("connection").dataset.phase = "refused";
  }
}

begin();
