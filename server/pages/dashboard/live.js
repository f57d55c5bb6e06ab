// The live view: pictures on request, five a second, and the pad on top of them.

import { byId, setText, show } from "../shared/dom.js";
import { NEUTRAL, Pad } from "../shared/pad.js";

const BETWEEN_FRAMES_MS = 200;
const LOST_AFTER_MS = 3000; // a question without an answer is asked again after that
const KEPT_LAYOUT = "nitropilot-layout";

function bytesOf(base64) {
  const text = atob(base64);
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

export class Live {
  constructor(app) {
    this.app = app;
    this.canvas = byId("picture");
    this.asked = 0;
    this.looks = 0; // how often what is looked at has changed, or was lost
    this.shown = "";
    this.latest = NEUTRAL;
    this.drawing = false;
    const layout = byId("layout");
    layout.value = localStorage.getItem(KEPT_LAYOUT) ?? "xbox";
    layout.addEventListener("change", () => this.#layOut(layout.value));
    this.#layOut(layout.value);
    setInterval(() => this.#ask(), BETWEEN_FRAMES_MS);
  }

  #layOut(name) {
    localStorage.setItem(KEPT_LAYOUT, name);
    this.pad = new Pad(name, "Gamepad: what is being pressed");
    byId("live-pad").replaceChildren(this.pad.element);
    this.pad.show(this.latest);
  }

  /** Another session is looked at, its state changed, or the daemon was lost or found. */
  update(session, lost) {
    if (this.shown !== session.id || lost) {
      this.shown = session.id;
      this.#forget();
    }
    const who = { playing: ["ai", "AI"], paused: ["human", "HUMAN"], takeover: ["human", "HUMAN"] };
    const [kind, text] = (!lost && who[session.state]) || ["none", ""];
    byId("who").dataset.who = kind;
    setText(byId("who"), text);
    show(byId("live-pad"), !lost);
    setText(byId("no-picture"), this.#whyNoPicture(session, lost));
    if (lost || session.state !== "playing" && session.state !== "takeover") this.pressed(NEUTRAL);
  }

  #whyNoPicture(session, lost) {
    if (lost && !session.end) return `Not connected: ${lost}. What the AI does now is not known here.`;
    if (session.end) return "This session has ended";
    if (session.state === "attaching") return "Getting ready: loading the policy and the game";
    return "No picture yet";
  }

  #forget() {
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
    show(byId("no-picture"), true);
    this.asked = 0;
    this.looks += 1;
  }

  /** A pad state of the shown session; drawn at most once a frame. */
  pressed(pad) {
    this.latest = pad;
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      this.pad.show(this.latest);
    });
  }

  #ask() {
    const session = this.app.selected();
    const wanted = session?.game && !session.end && this.app.view === "play" && !document.hidden;
    const waiting = this.asked && performance.now() - this.asked < LOST_AFTER_MS;
    if (!wanted || waiting) return;
    const width = Math.min(640, Math.max(320, Math.round(this.canvas.clientWidth)));
    if (this.app.stream.askFrame(session.id, width)) this.asked = performance.now();
  }

  async frame(message) {
    this.asked = 0;
    if (message.session !== this.shown) return;
    const blob = new Blob([bytesOf(message.jpeg)], { type: "image/jpeg" });
    const { looks } = this;
    const bitmap = await createImageBitmap(blob);
    if (looks !== this.looks) return; // it was decoded too late to say how things are
    this.canvas.width = bitmap.width;
    this.canvas.height = bitmap.height;
    this.canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    this.canvas.dataset.frames = Number(this.canvas.dataset.frames ?? 0) + 1;
    show(byId("no-picture"), false);
  }
}
