// Blocks of a page as elements. What a block means stays on the server; here is only how it is drawn.

const SVG = "http://www.w3.org/2000/svg";

export function make(name, given = {}, ...inside) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (key === "class") element.className = value;
    else if (key === "style") Object.entries(value).forEach(([k, v]) => element.style.setProperty(k, v));
    else element.setAttribute(key, value);
  }
  element.append(...inside.filter((each) => each !== null && each !== ""));
  return element;
}

function drawn(name, given, words) {
  const element = document.createElementNS(SVG, name);
  Object.entries(given).forEach(([key, value]) => element.setAttribute(key, value));
  if (words !== undefined) element.textContent = words;
  return element;
}

const percent = (part) => `${(100 * Math.min(1, Math.max(0, part))).toFixed(2)}%`;
const note = (block) => (block.note ? make("div", { class: "note" }, block.note) : null);
const head = (block) => make("h2", {}, make("span", {}, block.label), block.unit ? make("em", {}, block.unit) : null);

function scale(size, most, lower, upper, middle, colour) {
  const bar = make("div", { class: "scale" });
  if (size !== null) bar.append(make("i", { style: { width: percent(size / most), ...(colour && { background: colour }) } }));
  if (lower !== null && upper !== null && lower !== undefined)
    bar.append(make("b", { style: { left: percent(lower / most), width: percent((upper - lower) / most) } }));
  if (middle !== null && middle !== undefined) bar.append(make("u", { style: { left: percent(middle / most) } }));
  return bar;
}

const DRAW = {
  figure: (block) => [
    make("h2", {}, block.label),
    make("div", { class: "value" }, block.value, block.unit ? make("small", {}, block.unit) : null),
    note(block),
  ],
  statement: (block) => [make("h2", {}, block.label), make("p", {}, block.text)],
  share: (block) => [
    make("h2", {}, block.label),
    make("div", { class: "value" }, block.value),
    scale(block.ratio, 1, block.lower, block.upper),
    note(block),
  ],
  split: (block) => [
    make("h2", {}, block.label),
    make("div", { class: "parts" }, ...block.parts.map((each) => make("i", { style: { flex: `${each.size} 1 0`, background: each.colour } }))),
    make("div", { class: "keys" }, ...block.parts.map((each) =>
      make("span", { class: "key", style: { "--c": each.colour } }, `${each.label} `, make("b", {}, each.text)))),
  ],
  bars: (block) => [
    head(block),
    block.rows.length ? null : make("div", { class: "empty" }, block.empty),
    make("div", { class: "rows" }, ...block.rows.map((row) =>
      make("div", { class: "row" },
        make("div", {}, make("span", {}, row.label), make("strong", {}, row.text)),
        scale(row.size, block.most, null, null, null, row.colour)))),
    note(block),
  ],
  table: (block) => [
    head(block),
    block.rows.length ? null : make("div", { class: "empty" }, block.empty),
    make("div", { class: "rows" }, ...block.rows.map((row) =>
      make("div", { class: "told" },
        make("span", {}, row.mark ? make("b", { class: "pin" }, row.mark) : null, row.label),
        make("strong", {}, row.text),
        scale(row.value, block.most, row.lower, row.upper, block.middle),
        make("small", {}, row.note)))),
    note(block),
  ],
  series: (block) => [head(block), make("div", { class: "chart", "data-chart": "" }), note(block)],
};
const GROWS = new Set(["bars", "table", "series"]);

// A chart fills the room that the layout leaves it, so it is drawn when that is known.
function chart(room, block, unit) {
  const width = room.clientWidth, height = room.clientHeight, foot = 34 * unit, top = 32 * unit;
  const image = drawn("svg", { width, height, viewBox: `0 0 ${width} ${height}`, class: "chart" });
  const step = width / block.values.length, tall = Math.max(10, height - foot - top);
  const y = (value) => top + tall * (1 - value / block.most);
  if (block.shape === "columns") {
    block.values.forEach((value, at) => {
      if (value === null) return;
      const rise = Math.max(value > 0 ? 2 * unit : 0, tall * (value / block.most));
      image.append(drawn("rect", { x: at * step + step * 0.1, y: top + tall - rise, width: step * 0.8, height: rise, rx: Math.min(3 * unit, step / 4), fill: value === block.most ? "#ffb02e" : "#6ccede" }));
    });
  } else {
    const points = block.values.map((value, at) => (value === null ? null : [(at + 0.5) * step, y(value)])).filter(Boolean);
    if (points.length) {
      const path = points.map(([x, v]) => `${x.toFixed(1)},${v.toFixed(1)}`);
      image.append(drawn("polygon", { points: `${points[0][0]},${top + tall} ${path.join(" ")} ${points.at(-1)[0]},${top + tall}`, fill: "rgba(108,206,222,.22)" }));
      image.append(drawn("polyline", { points: path.join(" "), fill: "none", stroke: "#6ccede", "stroke-width": 4 * unit }));
    }
  }
  image.append(drawn("line", { x1: 0, x2: width, y1: top + tall, y2: top + tall, stroke: "rgba(160,190,205,.5)", "stroke-width": unit }));
  const highest = block.values.indexOf(block.most);
  if (highest >= 0) {
    const right = highest > block.values.length / 2;
    image.append(drawn("text", { x: (highest + 0.5) * step, y: top - 8 * unit, "text-anchor": right ? "end" : "start", class: "largest" }, block.mostText));
  }
  block.ticks.forEach(([at, words]) => {
    const x = (at + 0.5) * step, late = x > width - 60 * unit;
    image.append(drawn("text", { x: late ? width : Math.max(0, at ? x : 0), y: height - 6 * unit, "text-anchor": late ? "end" : at ? "middle" : "start" }, words));
  });
  room.replaceChildren(image);
}

export function fill(section, blocks) {
  const unit = Math.min(innerWidth / 1920, innerHeight / 1080);
  section.replaceChildren(...blocks.map((block) => {
    const tone = block.tone ? ` ${block.tone}` : "", grow = GROWS.has(block.kind) ? " grow" : "";
    const tall = block.kind === "table" ? " tall" : "";
    return make("article", { class: `block ${block.kind}${tone}${grow}${tall}` }, ...DRAW[block.kind](block));
  }));
  section.querySelectorAll("[data-chart]").forEach((room) => {
    const at = [...section.children].indexOf(room.closest(".block"));
    chart(room, blocks[at], unit);
  });
}

export function legend(element, entries) {
  element.replaceChildren(...entries.map((each) => make("span", { class: `key ${each.mark}`, style: { "--c": each.colour } }, each.words)));
}
