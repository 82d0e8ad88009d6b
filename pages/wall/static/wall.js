// The wall: turns the pages, asks for figures, tells how old they are. No widgets; keys: ← → to turn, space to hold.

import { fill, legend, make } from "./drawing.js";
import { Flight } from "./flight.js";

const config = JSON.parse(document.getElementById("config").textContent);
const asked = new URLSearchParams(location.search);
const at = (id) => document.getElementById(id);
const say = (words, facts = {}) => words.replace(/\{(\w+)\}/g, (whole, name) => facts[name] ?? whole);
const dwellS = config.dwellS, pages = config.pages;
const GIVE_UP_MS = 12_000, AHEAD_S = 6, TURN_MS = 500, STILL_MS = 3000;

const good = new Map(); // page → last good answer, with the moment of its figures by this machine's clock
let current = Math.max(0, pages.findIndex((page) => page.id === asked.get("page")));
let held = asked.get("hold") === "1" || config.viewed, shownAt = performance.now(), spent = 0;
let flight = null, lostSince = null, zone, looked = false, turning = 0;

// What the address carries of a planner's view goes along to the figures.
const passed = new URLSearchParams(asked);
["page", "hold"].forEach((name) => passed.delete(name));
passed.set("lang", config.language);

async function ask(page) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), GIVE_UP_MS);
  try {
    const answer = await fetch(`/api/wall/${page}.json?${passed}`, { signal: stop.signal, cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const told = await answer.json();
    if (told.build !== config.build) location.reload(); // the program was renewed while the wall ran
    told.since = performance.now() - 1000 * told.ageS;
    good.set(page, told);
    return told;
  } finally {
    clearTimeout(timer);
  }
}

function turns() {
  at("turns").replaceChildren(...pages.map(() => make("i", {}, make("b"))));
}

function progress() {
  const part = held ? 1 : Math.min(1, elapsed() / dwellS);
  [...at("turns").children].forEach((each, place) => {
    each.firstChild.style.transform = `scaleX(${place < current ? 1 : place === current ? part : 0})`;
  });
}

const elapsed = () => spent + (held ? 0 : (performance.now() - shownAt) / 1000);

function age(seconds) {
  const words = config.words;
  if (seconds < 100) return say(words.seconds, { n: Math.round(seconds) });
  if (seconds < 5400) return say(words.minutes, { n: Math.round(seconds / 60) });
  return say(words.hours, { n: Math.round(seconds / 3600) });
}

function stamp() {
  const told = good.get(pages[current].id), words = config.words, place = at("stamp");
  const marks = [held && !config.viewed ? words.held : "", config.viewed ? words.shared : ""].filter(Boolean);
  if (!told) {
    place.textContent = [words.waiting, ...marks].join(" · ");
    place.className = "old";
    return;
  }
  const seconds = (performance.now() - told.since) / 1000;
  const old = lostSince !== null || told.trouble !== null || seconds > 3 * config.refreshS + 10;
  const time = clock(new Date(told.takenAt), true);
  const line = [say(words.asOf, { time })];
  if (old) line.push(say(words.age, { age: age(seconds) }), words.lost);
  place.textContent = [...line, ...marks].join(" · ");
  place.className = old ? "old" : "";
}

function clock(moment, seconds) {
  const how = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone, ...(seconds && { second: "2-digit" }) };
  return new Intl.DateTimeFormat(config.language, how).format(moment);
}

function tick() {
  const now = new Date();
  const day = new Intl.DateTimeFormat(config.language, { dateStyle: "full", timeZone: zone }).format(now);
  at("clock").replaceChildren(make("small", {}, day), clock(now, false));
  stamp();
  progress();
}

// Figures and words; the map is left alone unless the page is another one.
function show(told, turned) {
  zone = told.timeZone;
  at("city").textContent = told.city;
  at("title").textContent = told.title;
  document.title = `${told.city} · ${told.title}`;
  fill(at("left"), told.left);
  fill(at("right"), told.right);
  at("method").textContent = told.method;
  at("source").textContent = told.source;
  at("mark").textContent = told.simulated ?? "";
  at("scope").replaceChildren(...(told.scope ? [make("b", {}, told.scope.of), told.scope.how ? make("span", {}, told.scope.how) : null].filter(Boolean) : []));
  if (turned) {
    legend(at("legend"), told.legend);
    map(told);
  }
  document.body.dataset.page = told.page;
  stamp();
}

function map(told) {
  if (!flight) {
    if (!Flight.possible()) {
      at("map").replaceChildren(make("p", {}, config.words.noMap));
      return;
    }
    flight = new Flight(at("map"), config.ground, ["streets", "buildings"]);
    window.huiyanFlight = flight;
  }
  flight.show(told.page, told.map);
}

async function turn(to) {
  const mine = ++turning;
  current = (to + pages.length) % pages.length;
  shownAt = performance.now();
  spent = 0;
  looked = false;
  const page = pages[current].id;
  document.body.classList.add("turning");
  const coming = ask(page).then(() => { lostSince = null; }, () => { lostSince ??= performance.now(); });
  await Promise.race([coming, new Promise((done) => setTimeout(done, good.has(page) ? TURN_MS : GIVE_UP_MS))]);
  if (mine !== turning) return;
  const told = good.get(page);
  if (told) show(told, true);
  else stamp();
  document.body.classList.remove("turning");
}

async function refresh() {
  const page = pages[current].id, had = good.has(page);
  try {
    const told = await ask(page);
    lostSince = null;
    if (told.trouble === null) flight?.recover();
    if (pages[current].id === page) show(told, !had || document.body.dataset.page !== page);
  } catch {
    lostSince ??= performance.now();
    stamp();
  }
}

async function lookAhead() {
  looked = true;
  const next = pages[(current + 1) % pages.length].id;
  try {
    const told = await ask(next);
    await flight?.ahead(told.map);
  } catch { /* the turn asks again */ }
}

function hold(wish) {
  if (wish === held) return;
  if (wish) spent = elapsed();
  held = wish;
  shownAt = performance.now();
  tick();
}

addEventListener("keydown", (event) => {
  const steps = { ArrowRight: 1, ArrowLeft: -1 };
  if (event.key in steps) turn(current + steps[event.key]);
  else if (event.key === " ") hold(!held);
  else return;
  event.preventDefault();
});
let quiet;
addEventListener("pointermove", () => {
  document.body.classList.remove("still");
  clearTimeout(quiet);
  quiet = setTimeout(() => document.body.classList.add("still"), STILL_MS);
});
let sized;
addEventListener("resize", () => {
  clearTimeout(sized);
  sized = setTimeout(() => { const told = good.get(pages[current].id); if (told) show(told, false); }, 200);
});

document.body.classList.add("still");
turns();
tick();
await turn(current);
setInterval(tick, 1000);
let askedAt = performance.now();
setInterval(() => {
  if (performance.now() - askedAt >= 1000 * config.refreshS) {
    askedAt = performance.now();
    refresh();
  }
  if (held || pages.length < 2) return;
  if (!looked && elapsed() > dwellS - Math.min(AHEAD_S, dwellS / 2)) lookAhead();
  if (elapsed() >= dwellS) turn(current + 1);
}, 250);
