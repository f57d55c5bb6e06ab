// Running windows as cards with a live thumbnail each.

import { ApiError, get, picture } from "../shared/api.js";
import { byId, el, setText } from "../shared/dom.js";

const WIDTH = 320;
const AGAIN_MS = 2000;

export class Windows {
  constructor(app) {
    this.app = app;
    this.cards = new Map();
    this.looking = false;
    setInterval(() => this.#thumbnails(), AGAIN_MS);
  }

  /** Look which windows there are; a choice that is still there stays chosen. */
  async refresh() {
    const note = byId("windows-note");
    let windows;
    try {
      windows = await get("/api/v1/windows");
    } catch (error) {
      windows = [];
      if (!(error instanceof ApiError)) throw error;
      setText(note, error.line);
    }
    const kept = new Map();
    for (const found of windows) kept.set(found.handle, this.cards.get(found.handle) ?? this.#card(found));
    this.cards = kept;
    byId("windows").replaceChildren(...[...kept.values()].map((card) => card.element));
    if (windows.length) setText(note, `${windows.length} found. Pick the one to play.`);
    else if (note.textContent === "Looking for windows" || note.textContent.includes("found")) {
      setText(note, "No window that could be a game. Start your game in a window, then look again.");
    }
    await this.#thumbnails();
  }

  #card(found) {
    const canvas = this.app.features.has("GET", "/windows/{}/thumbnail")
      ? el("canvas", { width: WIDTH, height: 180, "aria-hidden": "true" })
      : null;
    const name = found.title || found.executable;
    const size = `${found.width} × ${found.height}${found.minimised ? ", minimised" : ""}`;
    const element = el("label", { class: "pick" }, canvas,
      el("span", { class: "name" },
        el("input", { type: "radio", name: "game", value: `window:${found.handle}`, "data-executable": found.executable }),
        el("span", { title: name }, name)),
      el("span", { class: "muted" }, `${found.executable} · ${size}`));
    return { element, canvas, handle: found.handle };
  }

  async #thumbnails() {
    if (this.looking || this.app.view !== "new" || document.hidden) return;
    this.looking = true;
    for (const card of this.cards.values()) {
      if (card.canvas) await this.#thumbnail(card);
    }
    this.looking = false;
  }

  async #thumbnail(card) {
    let bitmap;
    try {
      bitmap = await picture(`/api/v1/windows/${card.handle}/thumbnail?width=${WIDTH}`);
    } catch {
      return; // the window has gone, or is hidden: its last picture stays
    }
    card.canvas.width = bitmap.width;
    card.canvas.height = bitmap.height;
    card.canvas.getContext("2d").drawImage(bitmap, 0, 0);
    card.canvas.dataset.drawn = "yes";
    bitmap.close();
  }
}
