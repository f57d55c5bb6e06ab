// The last chunk of actions as a timeline: one column an action, rows for what they hold.

import { byId, setText, short, svg } from "../shared/dom.js";
import { labelOf } from "../shared/layouts.js";

const LEFT = 62; // room for the rows' names
const WIDTH = 900;
const ROW = 26;
const BUTTON_ROW = 16;
const BETWEEN_MS = 200; // in real time a new chunk comes every few actions: too fast to read
const ORDER = [
  "a", "b", "x", "y", "dpad_up", "dpad_down", "dpad_left", "dpad_right", "left_shoulder", "right_shoulder",
  "left_thumb", "right_thumb", "back", "start", "guide",
];

export class Chunk {
  constructor() {
    this.box = byId("chunk");
    this.number = null;
    this.clear();
  }

  clear() {
    this.number = null;
    this.marker = null;
    this.drawn = 0;
    this.seen = new Set(); // rows that were needed once stay, so that the drawing keeps its height
    this.box.replaceChildren();
    setText(byId("chunk-note"), "none yet");
    setText(byId("chunk-words"), "");
  }

  /** Draw a `chunk` message. */
  show(message, layout) {
    const now = performance.now();
    if (now - this.drawn < BETWEEN_MS) return;
    this.drawn = now;
    this.number = message.number;
    const { actions } = message;
    this.step = (WIDTH - LEFT) / Math.max(actions.length, 1);
    const rows = this.#rows(actions, layout);
    const height = rows.reduce((sum, row) => sum + row.height, 0) + 4;
    const drawing = svg("svg", {
      viewBox: `0 0 ${WIDTH} ${height}`, role: "img",
      "aria-labelledby": "title-chunk", "aria-describedby": "chunk-words",
    });
    let y = 2;
    for (const row of rows) {
      drawing.append(svg("text", { x: 0, y: y + row.height / 2 }, row.name));
      actions.forEach((action, index) => {
        const cell = svg("g", {
          transform: `translate(${LEFT + index * this.step} ${y})`,
          class: index < (message.late ?? 0) ? "late" : null,
        }, this.#ground(row.height), row.draw(action));
        drawing.append(cell);
      });
      y += row.height;
    }
    this.marker = svg("rect", { class: "now", y: 1, width: this.step, height: height - 2, rx: 5, hidden: true });
    drawing.append(this.marker);
    this.box.replaceChildren(drawing);
    setText(byId("chunk-note"), `chunk ${message.number} · ${actions.length} actions · inference `
      + `${short(message.inference_ms, " ms")} · frame ${short(message.frame_age_ms, " ms")} old`);
    setText(byId("chunk-words"), this.#words(actions, layout));
  }

  /** Mark the action that was just sent. */
  played(message) {
    if (!this.marker || message.chunk !== this.number || message.action === undefined) return;
    this.marker.removeAttribute("hidden");
    this.marker.setAttribute("x", LEFT + message.action * this.step);
  }

  #ground(height) {
    return svg("rect", { class: "cell", x: 1, y: 1, width: this.step - 2, height: height - 2, rx: 3 });
  }

  #rows(actions, layout) {
    const rows = [
      { name: "Left", height: ROW, draw: (action) => this.#arrow(action.left) },
      { name: "Right", height: ROW, draw: (action) => this.#arrow(action.right) },
    ];
    ["left_trigger", "right_trigger"].forEach((name, index) => {
      if (actions.some((action) => action.triggers[index] > 0)) this.seen.add(name);
      if (this.seen.has(name)) {
        rows.push({ name: labelOf(layout, name), height: BUTTON_ROW,
          draw: (action) => this.#bar("pull", action.triggers[index]) });
      }
    });
    for (const name of actions.flatMap((action) => action.buttons)) this.seen.add(name);
    for (const name of ORDER.filter((button) => this.seen.has(button))) {
      rows.push({ name: labelOf(layout, name), height: BUTTON_ROW,
        draw: (action) => this.#bar("held", action.buttons.includes(name) ? 1 : 0) });
    }
    return rows;
  }

  #arrow([x, y]) {
    const middle = [this.step / 2, ROW / 2];
    if (Math.hypot(x, y) < 0.08) return svg("circle", { class: "dot", cx: middle[0], cy: middle[1], r: 2 });
    const tip = [middle[0] + x * 9, middle[1] - y * 9];
    return svg("g", {},
      svg("line", { class: "arrow", x1: middle[0] - x * 5, y1: middle[1] + y * 5, x2: tip[0], y2: tip[1] }),
      svg("circle", { class: "held", cx: tip[0], cy: tip[1], r: 3.2 }));
  }

  #bar(kind, value) {
    if (value <= 0) return null;
    const width = (this.step - 8) * Math.min(value, 1);
    return svg("rect", { class: kind, x: 4, y: 3.5, width, height: BUTTON_ROW - 7, rx: 3 });
  }

  #words(actions, layout) {
    const used = [...new Set(actions.flatMap((action) => action.buttons))].sort();
    const buttons = used.map((name) => {
      const count = actions.filter((action) => action.buttons.includes(name)).length;
      return `${labelOf(layout, name)} in ${count}`;
    });
    const pushed = actions.filter((action) => Math.hypot(...action.left) > 0.08).length;
    return `${actions.length} actions: left stick pushed in ${pushed}; `
      + (buttons.length ? `buttons held: ${buttons.join(", ")}.` : "no buttons.");
  }
}
