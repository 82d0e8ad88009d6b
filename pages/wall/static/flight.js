// The map: one canvas for as long as the wall runs, and a camera that never stands still and never jumps.

const FLY_S = 7, FADE_S = 2.5, DEGREES_PER_S = 0.55, MOST_AHEAD = 48;
const SLOW_MS = 70, VERY_SLOW_MS = 160, COARSEST = 0.5, PATIENT_MS = 1200, LONGEST_REST_MS = 9000;
const { Deck, MVTLayer, HeatmapLayer, ScatterplotLayer, TextLayer, WebMercatorViewport, AmbientLight, DirectionalLight, LightingEffect } = window.deck ?? {};

const holds = { "==": (a, b) => a === b, "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b };
const NONE = [0, 0, 0, 0];

// The first rule that holds gives the colour.
function coloured(rules, other) {
  if (!rules.length) return other ?? NONE;
  return ({ properties }) => {
    for (const [name, how, value, colour] of rules) {
      if (name in properties && holds[how](properties[name], value)) return colour;
    }
    return other ?? NONE;
  };
}

const radius = (base) => ({ properties: { n } }) => (n >= 100 ? base * 2.4 : n >= 20 ? base * 1.8 : n >= 5 ? base * 1.3 : base);

function layerOf(spec, opacity, unit, prefix, extent, again = 0, failed = () => {}) {
  const id = `${prefix}${spec.id}`;
  if (spec.kind === "heat") {
    return new HeatmapLayer({
      id, data: spec.rows ?? [], getPosition: (row) => [row[0], row[1]], getWeight: (row) => row[2],
      radiusPixels: 34 * unit, intensity: 1, threshold: 0.06, colorRange: spec.colours, opacity,
    });
  }
  return new MVTLayer({
    id, data: again ? `${spec.address}&again=${again}` : spec.address, onTileError: failed, loadOptions: { mvt: { workerUrl: "/assets/mvt-worker.js" }, worker: true },
    minZoom: spec.zooms[0], maxZoom: spec.zooms[1], extent, opacity, pickable: false,
    maxCacheSize: 120, maxRequests: 6,
    filled: spec.fill !== null, stroked: spec.line !== null, extruded: Boolean(spec.height),
    getElevation: spec.height ? (each) => each.properties[spec.height] : 0,
    material: { ambient: 0.55, diffuse: 0.5, shininess: 8, specularColor: [6, 9, 11] },
    getFillColor: coloured(spec.fillRules, spec.fill), getLineColor: coloured(spec.lineRules, spec.line),
    getLineWidth: spec.linePx * unit, lineWidthUnits: "pixels", lineWidthMinPixels: 0.5,
    pointType: "circle", pointRadiusUnits: "pixels", getPointRadius: radius(spec.radiusPx * unit),
    updateTriggers: { getFillColor: JSON.stringify(spec.fillRules), getLineColor: JSON.stringify(spec.lineRules) },
  });
}

function pins(places, opacity, unit, prefix) {
  if (!places.length) return [];
  const shared = { data: places, getPosition: (each) => each.at, opacity, parameters: { depthCompare: "always" } };
  return [
    new ScatterplotLayer({ ...shared, id: `${prefix}pins`, radiusUnits: "pixels", getRadius: 22 * unit, getFillColor: [255, 176, 46, 245], stroked: true, getLineColor: [12, 18, 24, 255], lineWidthUnits: "pixels", getLineWidth: 3 * unit, billboard: true }),
    new TextLayer({ ...shared, id: `${prefix}marks`, getText: (each) => each.mark, getSize: 27 * unit, getColor: [20, 16, 10, 255], fontFamily: '"Noto Sans SC", sans-serif', fontWeight: 700, characterSet: "0123456789" }),
  ];
}

// Without a graphics card the processor draws: coarser and seldom, so that it stays free for the figures.
function drawnByProcessor() {
  const gl = document.createElement("canvas").getContext("webgl2");
  const told = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = told ? gl.getParameter(told.UNMASKED_RENDERER_WEBGL) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software/i.test(name);
}

const ease = (part) => (part <= 0 ? 0 : part >= 1 ? 1 : part * part * (3 - 2 * part));
const mixed = (from, to, part) => from + (to - from) * part;
const shortest = (from, to) => from + ((((to - from + 180) % 360) + 360) % 360) - 180;

export class Flight {
  constructor(room, ground, base) {
    this.room = room;
    this.base = base;
    this.scene = null;
    this.gone = null;
    this.from = this.to = null;
    this.begun = this.since = 0;
    this.still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.frames = 0;
    this.again = 0;
    this.patient = drawnByProcessor();
    this.sharpness = this.patient ? COARSEST : innerWidth > 2200 ? 1 : Math.min(devicePixelRatio || 1, 1.5);
    this.next = 0;
    this.slow = 0;
    this.lit = new LightingEffect({
      ambient: new AmbientLight({ color: [190, 215, 230], intensity: 1.1 }),
      key: new DirectionalLight({ color: [255, 240, 220], intensity: 1.5, direction: [-2, -3, -4] }),
    });
    this.ground = ground;
  }

  static possible() {
    return Boolean(MVTLayer);
  }

  // Flies to a scene; the layers of the one before fade out on the way.
  show(name, map) {
    const now = performance.now() / 1000;
    const view = map.view;
    const same = this.scene && this.scene.name === name;
    this.gone = same ? null : this.scene && { ...this.scene, until: now + FADE_S };
    this.scene = { name, map, shown: same ? this.scene.shown : now };
    this.heats(this.scene);
    if (!this.deck) this.begin(view);
    if (same) return;
    this.from = this.held ?? { ...view, zoom: view.zoom - 0.6, bearing: view.bearing - 12 };
    this.to = { ...view, bearing: shortest(this.from.bearing, view.bearing) };
    this.begun = now;
    this.changed = true;
  }

  async heats(scene) {
    for (const spec of scene.map.layers.filter((each) => each.kind === "heat" && !each.rows)) {
      try {
        const answer = await fetch(spec.address);
        if (!answer.ok) continue;
        const lines = (await answer.text()).trim().split("\n").slice(1);
        spec.rows = lines.map((line) => line.split(",").map(Number));
        this.changed = true;
      } catch { /* the next turn asks again */ }
    }
  }

  begin(view) {
    this.deck = new Deck({
      parent: this.room, controller: false, viewState: view, layers: [], effects: [this.lit],
      useDevicePixels: this.sharpness, deviceProps: { type: "webgl", webgl: { antialias: !this.patient } },
      parameters: { clearColor: this.ground.map((part) => part / 255) },
      onError: (error) => console.warn(`map: ${error.message}`),
    });
    const step = () => {
      const now = performance.now();
      if (now >= this.next && this.to && !document.hidden) {
        this.frame(now / 1000);
        requestAnimationFrame(() => requestAnimationFrame(() => this.pace(performance.now() - now)));
        this.next = Infinity;
      }
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
    // a driver that resets takes the map with it: begin again
    this.room.addEventListener("webglcontextlost", () => setTimeout(() => location.reload(), 3000), true);
  }

  // A machine that draws slowly gets time between frames, and then a coarser picture, so that figures never wait.
  pace(tookMs) {
    const rest = this.patient ? Math.max(PATIENT_MS, 3 * tookMs) : tookMs > SLOW_MS ? 1.5 * tookMs : 0;
    this.next = performance.now() + Math.min(LONGEST_REST_MS, rest);
    this.slow = tookMs > VERY_SLOW_MS ? this.slow + 1 : 0;
    if (this.slow < 4 || this.sharpness <= COARSEST) return;
    this.sharpness = Math.max(COARSEST, this.sharpness / 1.5);
    this.slow = 0;
    this.deck.setProps({ useDevicePixels: this.sharpness });
  }

  // What could not be fetched is asked for anew.
  recover() {
    if (!this.failed) return;
    this.failed = false;
    this.again += 1;
    this.changed = true;
  }

  where(now) {
    const part = this.still ? 1 : ease((now - this.begun) / FLY_S);
    const spun = this.still ? 0 : DEGREES_PER_S * (now - this.begun);
    const arch = this.from === this.to ? 0 : 0.35 * Math.sin(Math.PI * part);
    const { from, to } = this;
    return {
      longitude: mixed(from.longitude, to.longitude, part),
      latitude: mixed(from.latitude, to.latitude, part),
      zoom: mixed(from.zoom, to.zoom, part) - arch,
      pitch: mixed(from.pitch, to.pitch, part),
      bearing: mixed(from.bearing, to.bearing, part) + spun,
    };
  }

  frame(now) {
    this.frames += 1;
    this.held = this.where(now);
    const unit = Math.min(innerWidth / 1920, innerHeight / 1080);
    const fading = now - this.scene.shown < FADE_S + 0.2 || this.gone;
    const given = { viewState: this.held };
    if (fading || this.changed) given.layers = this.layers(now, unit);
    this.changed = false;
    this.deck.setProps(given);
  }

  layers(now, unit) {
    const seen = this.still ? 1 : ease((now - this.scene.shown) / FADE_S);
    if (this.gone && now > this.gone.until) this.gone = null;
    const under = [], over = [], failed = () => { this.failed = true; };
    const put = (scene, opacity) => {
      for (const spec of scene.map.layers) {
        if (this.base.includes(spec.id)) continue;
        over.push(layerOf(spec, opacity, unit, `${scene.name}:`, scene.map.extent, this.again, failed));
      }
      over.push(...pins(scene.map.places, opacity, unit, `${scene.name}:`));
    };
    const grounds = this.scene.map.layers.filter((each) => this.base.includes(each.id));
    under.push(...grounds.map((spec) => layerOf(spec, 1, unit, "", this.scene.map.extent, this.again, failed)));
    if (this.gone) put(this.gone, ease((this.gone.until - now) / FADE_S));
    put(this.scene, seen);
    const flat = under.filter((each) => !each.props.extruded), high = under.filter((each) => each.props.extruded);
    const marks = over.filter((each) => each.id.endsWith(":pins") || each.id.endsWith(":marks"));
    return [...flat, ...over.filter((each) => !marks.includes(each)), ...high, ...marks];
  }

  // Asks for the tiles of a scene to come, so that they are near when the camera arrives.
  async ahead(map) {
    const { view } = map;
    const port = new WebMercatorViewport({ ...view, width: innerWidth, height: innerHeight });
    const seen = port.getBounds(), town = map.extent;
    const [west, south, east, north] = seen.map((edge, at) => (at < 2 ? Math.max(edge, town[at]) : Math.min(edge, town[at])));
    for (const spec of map.layers.filter((each) => each.kind === "tiles")) {
      const z = Math.max(spec.zooms[0], Math.min(spec.zooms[1], Math.round(view.zoom)));
      const side = 2 ** z, column = (lon) => Math.floor(((lon + 180) / 360) * side);
      const row = (lat) => Math.floor(((1 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / Math.PI) / 2) * side);
      const wanted = [];
      for (let x = column(west); x <= column(east); x++) for (let y = row(north); y <= row(south); y++) wanted.push([x, y]);
      const [cx, cy] = [column(view.longitude), row(view.latitude)];
      wanted.sort((a, b) => Math.hypot(a[0] - cx, a[1] - cy) - Math.hypot(b[0] - cx, b[1] - cy));
      for (const [x, y] of wanted.slice(0, MOST_AHEAD / map.layers.length)) {
        const address = spec.address.replace("{z}", z).replace("{x}", x).replace("{y}", y);
        try {
          await (await fetch(address)).arrayBuffer();
        } catch { return; }
      }
    }
  }
}
