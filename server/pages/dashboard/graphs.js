// Two small graphs of our own: how long decisions take, and how late actions are sent.

import { byId, el, percentile, setText, short, svg } from "../shared/dom.js";

const HEIGHT = 64;
const REDRAW_MS = 250;

class Graph {
  constructor(place, title, kept) {
    this.kept = kept;
    this.title = title;
    this.samples = [];
    this.line = svg("polyline", { points: "" });
    this.middle = svg("line", { x1: 0, x2: kept - 1, y1: HEIGHT, y2: HEIGHT });
    this.drawing = svg("svg", {
      viewBox: `0 0 ${kept - 1} ${HEIGHT}`, preserveAspectRatio: "none", role: "img",
      "aria-label": `${title}: nothing measured yet`,
    }, this.middle, this.line);
    this.words = el("span", { class: "muted" }, "–");
    place.classList.add("graph");
    place.append(el("p", {}, el("span", {}, title), this.words), this.drawing);
  }

  add(value) {
    if (typeof value !== "number") return;
    this.samples.push(value);
    if (this.samples.length > this.kept) this.samples.shift();
    this.stale = true;
  }

  clear() {
    this.samples = [];
    this.stale = true;
  }

  draw() {
    if (!this.stale) return;
    this.stale = false;
    const top = Math.max(...this.samples, 1) * 1.15;
    const heightOf = (value) => HEIGHT - (Math.max(value, 0) / top) * HEIGHT;
    const shift = this.kept - this.samples.length;
    this.line.setAttribute("points",
      this.samples.map((value, index) => `${index + shift},${heightOf(value).toFixed(1)}`).join(" "));
    const half = percentile(this.samples, 50);
    const worst = percentile(this.samples, 99);
    const at = half === null ? HEIGHT : heightOf(half);
    this.middle.setAttribute("y1", at);
    this.middle.setAttribute("y2", at);
    setText(this.words, `p50 ${short(half)} · p99 ${short(worst, " ms")}`);
    this.drawing.setAttribute("aria-label",
      `${this.title}: half within ${short(half)} ms, 99 percent within ${short(worst)} ms`);
  }
}

const FIGURES = [
  ["Chunks", "chunks", ""], ["Actions", "actions_sent", ""], ["Actions / s", "actions_per_second", ""],
  ["Playing", "seconds_playing", " s"], ["Frozen", "seconds_frozen", " s"],
  ["Frame to pad", "frame_to_action_ms_p50", " ms"], ["Fresh", "fresh_share", "%"],
];

export class Graphs {
  constructor() {
    this.inference = new Graph(byId("graph-inference"), "Inference", 120);
    this.pacing = new Graph(byId("graph-pacing"), "Actions late", 300);
    setInterval(() => {
      this.inference.draw();
      this.pacing.draw();
    }, REDRAW_MS);
  }

  clear() {
    this.inference.clear();
    this.pacing.clear();
  }

  figures(stats) {
    const rows = FIGURES.filter(([, key]) => stats[key] !== null && stats[key] !== undefined);
    byId("figures").replaceChildren(...rows.map(([name, key, unit]) => {
      const value = key === "fresh_share" ? stats[key] * 100 : stats[key];
      const text = Number.isInteger(value) && !unit ? String(value) : short(value, unit);
      return el("div", {}, el("dt", {}, name), el("dd", { "data-figure": key }, text));
    }));
  }
}
