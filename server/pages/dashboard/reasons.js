// How a session runs, and why it does not run better: every fallback says so here.

import { byId, el, setText, show } from "../shared/dom.js";

const KEPT_WARNINGS = 20;

const STATES = {
  idle: "not started", attaching: "getting ready", playing: "AI plays",
  paused: "paused: you play", takeover: "you took over", stopped: "ended", failed: "failed",
};

const RESTARTS = {
  pending: "in a moment, unless you end it", begun: "another session goes on", cancelled: "no, called off",
  given_up: "no",
};

export function stateText(session) {
  if (session.state === "takeover" && !session.policy) return "you play";
  return STATES[session.state] ?? session.state;
}

/** A session's game and id, for people. */
export const nameOf = ({ game, id }) => `${game?.title || game?.executable || "session"} (${id})`;

function rowsOf(session, lost) {
  const { engine, pad, policy, game, end } = session;
  const rows = [["State", stateText(session), end ? [end.reason, end.hint].filter(Boolean).join(" – ") : ""]];
  if (lost && !end) rows[0] = ["State", "not known", lost];
  if (session.restart) rows.push(["Begun again", RESTARTS[session.restart.state], session.restart.reason]);
  if (game) rows.push(["Game", game.title || game.executable, `${game.executable} · ${game.width} × ${game.height}`]);
  if (session.waiting_for) rows.push(["Waiting for", session.waiting_for, ""]);
  if (session.mode) rows.push(["Mode", session.mode, session.mode_reason]);
  if (engine) rows.push(["Engine", `${engine.name} on ${engine.device}, ${engine.precision}`, engine.reason]);
  if (policy) {
    rows.push(["Policy", policy.name, policy.random
      ? "random weights: it presses buttons without knowing any game"
      : session.unfamiliar || `${policy.horizon} actions a chunk, ${policy.steps} steps`]);
  }
  if (pad) rows.push(["Pad", pad.name, pad.reason]);
  if (session.trace_warning) rows.push(["Trace", "not complete", session.trace_warning]);
  const held = Object.entries(session.held_back ?? {}).filter(([, count]) => count > 0);
  if (held.length) {
    rows.push(["Held back", held.map(([name, count]) => `${name} × ${count}`).join(", "),
      "buttons that the AI may not press"]);
  }
  return rows;
}

/** What everybody has to know who looks at the game now; or "". */
function noticeOf(session) {
  if (session.end) return session.state === "failed" ? session.end.reason : session.waiting_for;
  return session.waiting_for ? `Waiting for: ${session.waiting_for}` : session.unfamiliar ?? "";
}

export class Reasons {
  constructor() {
    this.list = byId("reasons");
    this.drawn = "";
  }

  update(session, lost) {
    const rows = rowsOf(session, lost);
    const key = JSON.stringify(rows);
    if (key !== this.drawn) {
      this.drawn = key;
      this.list.replaceChildren(...rows.map(([name, value, why]) => el("div", {},
        el("dt", {}, name),
        el("dd", { "data-reason": name.toLowerCase() }, value, why ? el("span", { class: "muted" }, why) : null))));
    }
    const notice = noticeOf(session);
    setText(byId("notice"), notice);
    show(byId("notice"), Boolean(notice));
  }

  warn(message) {
    const text = message.hint ? `${message.message} – ${message.hint}` : message.message;
    const time = new Date((message.time ?? Date.now() / 1000) * 1000).toLocaleTimeString();
    const newest = byId("warnings").firstElementChild;
    if (newest?.dataset.text === text) newest.remove(); // said again: only its time is new
    byId("warnings").prepend(el("li", { "data-text": text }, `${time} `, text));
    while (byId("warnings").children.length > KEPT_WARNINGS) byId("warnings").lastElementChild.remove();
    show(byId("warnings-box"), true);
  }

  clearWarnings() {
    byId("warnings").replaceChildren();
    show(byId("warnings-box"), false);
  }
}
