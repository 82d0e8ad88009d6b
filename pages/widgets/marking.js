// Marks on a picture or a plan: points, a line or a polygon, by pointer or by keyboard. Talks to marking.py only.

const SVG = "http://www.w3.org/2000/svg";
const CLICK_PX = 4; // moved farther, a press is a drag
const NEAR_PX = 12; // so near to an edge a click puts a corner into it
const SEND_MS = 350; // keys that repeat are sent when they rest
const MOST_ZOOM = 16;
const TWO = ["line", "arrow"]; // ways of marking that take two points
const OLD_MS = 10_000; // an echo that has not come by then never will
const makers = new WeakMap();
const memories = new Map(); // what a surface shows stays when the page is laid out anew

export default function (component) {
  const { parentElement } = component;
  let maker = makers.get(parentElement);
  if (!maker || !maker.alive()) {
    maker = new Maker(parentElement);
    makers.set(parentElement, maker);
  }
  maker.update(component.data, component.setStateValue);
  return () => maker.flush();
}

function made(name, attributes = {}, parent = null) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (parent) parent.appendChild(node);
  return node;
}

function away(p, a, b) {
  const dx = b[0] - a[0], dy = b[1] - a[1];
  const long = dx * dx + dy * dy || 1;
  const t = Math.max(0, Math.min(1, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / long));
  return Math.hypot(p[0] - a[0] - t * dx, p[1] - a[1] - t * dy);
}

class Maker {
  constructor(root) {
    this.root = root;
    this.host = root.querySelector(".maker");
    this.marks = [];
    this.chosen = -1;
    this.sent = 0;
    this.open = true;
    this.press = null;
    this.timer = 0;
    this.drawn = "";
    this.id = null;
    this.build();
  }

  alive() {
    return this.root.contains(this.host) && this.host.contains(this.svg);
  }

  build() {
    this.host.replaceChildren();
    this.bar = document.createElement("div");
    this.bar.className = "bar";
    this.buttons = {};
    const acts = [
      ["add", "M8 1v14M1 8h14M8 4a4 4 0 1 0 .01 0", () => this.addInMiddle()],
      ["remove", "M3 3l10 10M13 3L3 13", () => this.remove()],
      ["closer", "M7 2a5 5 0 1 0 .01 0M11 11l4 4M7 5v4M5 7h4", () => this.zoom(1.5)],
      ["farther", "M7 2a5 5 0 1 0 .01 0M11 11l4 4M5 7h4", () => this.zoom(1 / 1.5)],
      ["whole", "M1 5V1h4M11 1h4v4M15 11v4h-4M5 15H1v-4", () => this.whole()],
    ];
    for (const [name, d, act] of acts) {
      const button = document.createElement("button");
      button.type = "button";
      made("path", { d }, made("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, button));
      button.dataset.act = name;
      button.addEventListener("click", act);
      this.bar.appendChild(button);
      this.buttons[name] = button;
    }
    this.svg = made("svg", { tabindex: "0", role: "application" });
    this.ground = made("g", {}, this.svg);
    this.over = made("g", { class: "over" }, this.svg);
    this.line = made("g", { class: "line" }, this.svg);
    this.points = made("g", { class: "marks" }, this.svg);
    this.said = document.createElement("div");
    this.said.className = "said";
    this.said.setAttribute("aria-live", "polite");
    this.host.append(this.bar, this.svg, this.said);
    const on = (name, act, options) => this.svg.addEventListener(name, act, options);
    on("pointerdown", (e) => this.down(e));
    on("pointermove", (e) => this.move(e));
    on("pointerup", (e) => this.up(e));
    on("pointercancel", () => { this.press = null; });
    on("wheel", (e) => this.wheel(e), { passive: false });
    on("keydown", (e) => this.key(e));
    on("focusin", (e) => this.focused(e));
    new ResizeObserver(() => this.draw()).observe(this.svg);
  }

  update(data, send) {
    this.data = data;
    this.send = send;
    if (this.id !== data.id) {
      this.id = data.id;
      Object.assign(this, memories.get(data.id));
    }
    const [x, y, w, h] = data.box;
    const box = data.box.join();
    if (box !== this.box) {
      this.box = box;
      this.view = [...data.start];
    }
    this.svg.style.aspectRatio = `${w} / ${h}`;
    const ground = JSON.stringify([data.image, data.ground]);
    if (ground !== this.drawn) {
      this.drawn = ground;
      this.paint();
    }
    const lost = Date.now() - this.sent > OLD_MS;
    if ((data.seen >= this.sent || lost) && !this.press && !this.waiting) {
      if (data.marks.length !== this.marks.length) this.open = data.marks.length < 3;
      this.marks = data.marks.map((mark) => [...mark]);
      if (this.chosen >= this.marks.length) this.chosen = this.marks.length - 1;
    }
    const words = data.words;
    this.svg.setAttribute("aria-label", words.surface);
    for (const [name, button] of Object.entries(this.buttons)) {
      button.title = words[name];
      button.setAttribute("aria-label", words[name]);
      button.hidden = data.mode === "none" && (name === "add" || name === "remove");
    }
    this.draw();
  }

  paint() {
    this.ground.replaceChildren();
    const { image, ground, box } = this.data;
    if (image) {
      const [x, y, w, h] = box;
      made("image", { href: image, x, y, width: w, height: h, preserveAspectRatio: "none" }, this.ground);
    }
    for (const [kind, d] of ground) made("path", { class: kind, d }, this.ground);
  }

  scale() {
    return this.view[2] / (this.svg.clientWidth || 600);
  }

  draw() {
    if (!this.data) return;
    const { marks, chosen, open, sent, box, view } = this;
    memories.set(this.id, { marks, chosen, open, sent, box, view });
    const held = this.root.activeElement ?? document.activeElement;
    const index = held?.dataset?.index;
    this.svg.setAttribute("viewBox", this.view.join(" "));
    const s = this.scale();
    this.svg.style.setProperty("--s", s);
    for (const dot of this.ground.querySelectorAll(".lamp")) dot.setAttribute("stroke-width", 5 * s);
    this.over.replaceChildren();
    for (const [kind, label, corners, closed] of this.data.overlays) {
      const name = closed ? "polygon" : "polyline";
      made(name, { class: kind, points: corners.map((c) => c.join()).join(" ") }, this.over);
      if (label) this.label(this.over, corners[0], label, "of", s);
    }
    this.line.replaceChildren();
    const places = this.marks.map((mark) => `${mark[0]},${mark[1]}`).join(" ");
    if (this.data.mode === "polygon" && this.marks.length > 1)
      made(this.open ? "polyline" : "polygon", { class: "drawn", points: places }, this.line);
    if (TWO.includes(this.data.mode) && this.marks.length > 1)
      made("polyline", { class: "drawn", points: places }, this.line);
    if (this.data.mode === "arrow" && this.marks.length > 1) this.drawHead(s);
    this.points.replaceChildren();
    this.marks.forEach((mark, i) => this.drawMark(mark, i, s));
    if (index !== undefined) this.points.children[Number(index)]?.focus({ preventScroll: true });
    this.tell();
  }

  drawMark([x, y, label], i, s) {
    const name = label || String(i + 1);
    const says = `${this.data.words.point} ${name}: ${this.figure(x)}, ${this.figure(y * this.data.up)}`;
    const group = made(
      "g",
      {
        class: i === this.chosen ? "mark chosen" : "mark",
        transform: `translate(${x} ${y}) scale(${s})`,
        tabindex: "0",
        role: "button",
        "aria-label": says,
        "data-index": i,
      },
      this.points,
    );
    const r = this.data.mode === "polygon" ? 4.5 : 8;
    made("circle", { r: 13, class: "reach" }, group);
    made("circle", { r, class: "halo" }, group);
    made("circle", { r, class: "ring" }, group);
    if (r > 5) made("path", { d: "M-8 0H-2M2 0H8M0 -8V-2M0 2V8", class: "cross" }, group);
    made("text", { x: 11, y: -7 }, group).textContent = name;
  }

  drawHead(s) {
    const [[ax, ay], [bx, by]] = this.marks;
    const turn = (Math.atan2(by - ay, bx - ax) * 180) / Math.PI;
    const transform = `translate(${bx} ${by}) rotate(${turn}) scale(${s})`;
    made("path", { class: "drawn", d: "M-24 -9L-9 0L-24 9Z", transform }, this.line);
  }

  label(parent, [x, y], words, kind, s) {
    const late = x > this.view[0] + 0.7 * this.view[2];
    const at = { x: late ? -4 : 4, y: -4, "text-anchor": late ? "end" : "start" };
    const text = made("text", { class: kind, transform: `translate(${x} ${y}) scale(${s})`, ...at }, parent);
    text.textContent = words;
  }

  figure(value) {
    return value.toFixed(this.data.digits);
  }

  tell() {
    const mark = this.marks[this.chosen];
    const { words, mode } = this.data;
    if (mark) this.said.textContent = this.points.children[this.chosen].getAttribute("aria-label") + ` ${words.unit}`;
    else this.said.textContent = mode === "none" ? "" : words.hint;
    this.buttons.remove.disabled = !mark;
    this.buttons.add.disabled = !this.takes();
  }

  takes() {
    const { mode } = this.data;
    if (TWO.includes(mode)) return this.marks.length < 2;
    return mode === "points" || mode === "polygon";
  }

  place(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return this.kept([at.x, at.y]);
  }

  kept([x, y]) {
    const [left, top, right, low] = this.data.limits;
    const fine = 10 ** this.data.digits;
    const clamp = (v, a, b) => Math.round(Math.max(a, Math.min(b, v)) * fine) / fine;
    return [clamp(x, left, right), clamp(y, top, low)];
  }

  down(event) {
    if (event.button !== 0) return;
    const mark = event.target.closest?.(".mark");
    this.press = {
      from: [event.clientX, event.clientY],
      view: [...this.view],
      index: mark ? Number(mark.dataset.index) : -1,
      far: false,
    };
    if (mark) {
      this.chosen = this.press.index;
      mark.focus({ preventScroll: true });
      this.draw();
    }
    this.svg.setPointerCapture(event.pointerId);
    event.preventDefault();
  }

  move(event) {
    const press = this.press;
    if (!press) return;
    const dx = event.clientX - press.from[0], dy = event.clientY - press.from[1];
    if (Math.hypot(dx, dy) > CLICK_PX) press.far = true;
    if (!press.far) return;
    if (press.index >= 0) {
      if (this.data.mode === "none") return;
      const [x, y] = this.place(event);
      this.marks[press.index][0] = x;
      this.marks[press.index][1] = y;
    } else {
      const s = this.scale();
      this.look(press.view[0] - dx * s, press.view[1] - dy * s, press.view[2]);
    }
    this.draw();
  }

  up(event) {
    const press = this.press;
    this.press = null;
    if (!press) return;
    if (press.index >= 0) {
      if (press.far && this.data.mode !== "none") this.tellPython();
      else if (this.data.mode === "polygon" && this.open && press.index === 0 && this.marks.length > 2) this.close();
      return;
    }
    if (press.far) return;
    this.click(this.place(event));
  }

  click([x, y]) {
    if (!this.takes()) return this.choose(-1);
    if (this.data.mode === "polygon" && !this.open) {
      const edge = this.nearEdge([x, y]);
      if (edge < 0) return this.choose(-1);
      this.insert(edge + 1, [x, y]);
    } else this.insert(this.marks.length, [x, y]);
  }

  nearEdge(at) {
    let best = -1, least = NEAR_PX * this.scale();
    this.marks.forEach((mark, i) => {
      const off = away(at, mark, this.marks[(i + 1) % this.marks.length]);
      if (off < least) [best, least] = [i, off];
    });
    return best;
  }

  insert(index, [x, y]) {
    this.marks.splice(index, 0, [x, y, "", null]);
    this.chosen = index;
    this.draw();
    this.points.children[index]?.focus({ preventScroll: true });
    this.tellPython();
  }

  close() {
    this.open = false;
    this.draw();
  }

  choose(index) {
    this.chosen = index;
    this.draw();
  }

  remove() {
    if (this.chosen < 0 || this.data.mode === "none") return;
    this.marks.splice(this.chosen, 1);
    this.chosen = Math.min(this.chosen, this.marks.length - 1);
    if (this.marks.length < 3) this.open = true;
    this.draw();
    (this.points.children[this.chosen] ?? this.svg).focus({ preventScroll: true });
    this.tellPython();
  }

  addInMiddle() {
    if (!this.takes()) return;
    const [x, y, w, h] = this.view;
    this.insert(this.marks.length, this.kept([x + w / 2, y + h / 2]));
  }

  key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    const writes = this.data.mode !== "none";
    if (step && writes && this.chosen >= 0) {
      const far = this.data.step * (event.shiftKey ? 10 : 1);
      const mark = this.marks[this.chosen];
      [mark[0], mark[1]] = this.kept([mark[0] + step[0] * far, mark[1] + step[1] * far]);
      this.draw();
      this.tellPython(SEND_MS);
    } else if (step) this.look(this.view[0] + step[0] * this.view[2] / 10, this.view[1] + step[1] * this.view[3] / 10, this.view[2]);
    else if ((event.key === "Delete" || event.key === "Backspace") && writes) this.remove();
    else if (event.key === "Enter" && this.data.mode === "polygon" && this.marks.length > 2 && this.open) this.close();
    else if (event.key === "Enter" || event.key === "n") this.addInMiddle();
    else if (event.key === "Escape") this.choose(-1);
    else if (event.key === "+" || event.key === "=") this.zoom(1.5);
    else if (event.key === "-") this.zoom(1 / 1.5);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  focused(event) {
    const mark = event.target.closest?.(".mark");
    const index = mark ? Number(mark.dataset.index) : -1;
    if (!mark || index === this.chosen) return;
    this.chosen = index;
    for (const each of this.points.children) each.classList.toggle("chosen", each === mark);
    this.tell();
  }

  wheel(event) {
    const factor = event.deltaY < 0 ? 1.2 : 1 / 1.2;
    if (factor < 1 && this.view[2] >= this.data.box[2]) return;
    event.preventDefault();
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    this.zoom(factor, [at.x, at.y]);
  }

  zoom(factor, at = null) {
    const [x, y, w, h] = this.view;
    const [cx, cy] = at ?? [x + w / 2, y + h / 2];
    const wide = Math.max(this.data.box[2] / MOST_ZOOM, Math.min(this.data.box[2], w / factor));
    this.look(cx - ((cx - x) * wide) / w, cy - ((cy - y) * wide) / w, wide);
  }

  whole() {
    this.look(...this.data.box);
  }

  look(x, y, wide) {
    const [left, top, w, h] = this.data.box;
    const high = (wide * h) / w;
    const inside = (v, low, room) => Math.max(low, Math.min(low + room, v));
    this.view = [inside(x, left, w - wide), inside(y, top, h - high), wide, high];
    this.draw();
  }

  tellPython(wait = 0) {
    // an echo that is older than what was sent is not taken over
    this.sent = Math.max(Date.now(), this.sent + 1);
    memories.get(this.id).sent = this.sent;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), wait);
    this.waiting = true;
  }

  flush() {
    if (!this.waiting) return;
    this.waiting = false;
    clearTimeout(this.timer);
    this.send("marks", { sent: this.sent, marks: this.marks.map(([x, y, , id]) => [x, y, id]) });
  }
}
