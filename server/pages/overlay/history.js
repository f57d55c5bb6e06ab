// The strip of last inputs: one entry each time that the held buttons or a stick's way change.

import { el, svg } from "../shared/dom.js";
import { labelOf, signOf } from "../shared/layouts.js";

const KEPT = 14;
const PUSHED = 0.5; // a stick that far out counts as a way
const PULLED = 0.3; // a trigger that far down counts as held
const ARROWS = ["→", "↗", "↑", "↖", "←", "↙", "↓", "↘"];
const FACES = new Set(["a", "b", "x", "y"]);

function way([x, y]) {
  if (Math.hypot(x, y) < PUSHED) return "";
  const eighth = Math.round(Math.atan2(y, x) / (Math.PI / 4));
  return ARROWS[(eighth + 8) % 8];
}

/** What is held, as a list of short names: ways of the sticks, triggers, buttons. */
export function held(pad) {
  const list = [];
  const left = way(pad.left);
  const right = way(pad.right);
  if (left) list.push(`left ${left}`);
  if (right) list.push(`right ${right}`);
  if (pad.triggers[0] > PULLED) list.push("left_trigger");
  if (pad.triggers[1] > PULLED) list.push("right_trigger");
  return list.concat([...pad.buttons].sort());
}

export class History {
  constructor(list, layout) {
    this.list = list;
    this.layout = layout;
    this.last = "";
  }

  /** Note a pad state; nothing happens while the same things are held. */
  add(pad) {
    const names = held(pad);
    const key = names.join(" ");
    if (key === this.last) return;
    this.last = key;
    if (!names.length) return;
    this.list.prepend(el("li", {}, ...names.map((name) => this.#glyph(name))));
    while (this.list.children.length > KEPT) this.list.lastElementChild.remove();
  }

  clear() {
    this.last = "";
    this.list.replaceChildren();
  }

  #glyph(name) {
    const kind = FACES.has(name) ? "glyph face" : "glyph";
    const sign = signOf(this.layout, name);
    if (sign) {
      const drawing = svg("svg", { viewBox: "-8 -8 16 16", role: "img" }, svg("path", { d: sign }));
      drawing.setAttribute("aria-label", labelOf(this.layout, name));
      return el("span", { class: kind }, drawing);
    }
    const stick = name.match(/^(left|right) (.)$/);
    const text = stick ? (stick[1] === "right" ? `R${stick[2]}` : stick[2]) : labelOf(this.layout, name);
    return el("span", { class: kind }, text);
  }
}
