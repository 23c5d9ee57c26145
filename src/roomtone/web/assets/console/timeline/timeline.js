// @ts-check
import { html, nothing } from "../../vendor/lit.js";
import { define, Element } from "../components/element.js";
import { icon } from "../components/icons.js";
import { counted, duration, exact, milliseconds, mos, NONE, qualityOf, utc } from "../formats.js";
import { href, to } from "../router.js";
import {
  drawAxis, drawGrid, drawOverview, drawRow, drawWords, hit, paint, rowHeight, sheet, tOf,
  WORDS_HEIGHT, xOf,
} from "./draw.js";
import { legend } from "./legend.js";
import { momentOf, saidBy, SIDES, SPELLS } from "./model.js";
import { asTable } from "./as_table.js";

/**
 * @typedef {import("./model.js").Timeline} Timeline
 * @typedef {import("./model.js").Row} Row
 * @typedef {import("./model.js").Word} Word
 * @typedef {import("./model.js").Finding} Finding
 */

const AXIS_HEIGHT = 26;
const OVERVIEW_HEIGHT = 34;
const CLOSEST_MS = 10_000; // what the view shows when it is zoomed in as far as it goes
const STEP = 1.5;
const CLICK_PX = 4;

/** @param {number | null | undefined} value */
const loss = (value) => (value == null ? NONE : `${Number(value.toFixed(1))} %`);

/**
 * Mean over a person's connections, each by its length.
 * @param {Row} row @param {"receivedMos" | "sentMos"} which
 */
function overall(row, which) {
  let [sum, long] = [0, 0];
  for (const peer of row.peers) {
    const value = peer[which];
    const length = peer.spans.reduce((all, span) => all + span.end - span.start, 1);
    if (value === null) continue;
    sum += value * length;
    long += length;
  }
  return long ? sum / long : null;
}

/**
 * `<rt-timeline .line .words .selected>`: everybody's bar on one axis, with one cursor through all.
 *
 * Fires `moment` (detail: epoch ms or null) as the cursor moves and `pick` (detail: a finding).
 * Panning is the box's own scrolling; zooming widens what is in it. The canvases stay where they
 * are and are painted anew, only those in sight.
 */
class TimelineView extends Element {
  static properties = {
    line: { attribute: false },
    words: { attribute: false },
    selected: { attribute: false },
    following: { state: true },
    zoom: { state: true },
    tabled: { state: true },
  };

  #view = { from: 0, to: 1, width: 1 };
  #names = 0;
  #ink = /** @type {import("./draw.js").Paint | null} */ (null);
  #frame = 0;
  #cursor = /** @type {number | null} */ (null);
  #pinned = false;
  #known = /** @type {Timeline | null} */ (null);
  #said = /** @type {Map<string, Word[]>} */ (new Map());
  #sizes = new ResizeObserver(() => this.#place());
  #seen = /** @type {Set<Element>} */ (new Set());
  #sight = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) this.#seen.add(/** @type {any} */ (entry.target));
      else this.#seen.delete(/** @type {any} */ (entry.target));
    }
    this.#paint();
  }, { rootMargin: "200px" });
  #themes = new MutationObserver(() => this.#repaint());
  #dark = matchMedia("(prefers-color-scheme: dark)");

  constructor() {
    super();
    /** @type {Timeline | null} */
    this.line = null;
    /** @type {Word[]} */
    this.words = [];
    /** @type {string} key of a finding */
    this.selected = "";
    this.following = true;
    this.zoom = 1;
    this.tabled = false;
  }

  connectedCallback() {
    super.connectedCallback();
    this.#themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    this.#dark.addEventListener("change", this.#repaint);
    addEventListener("beforeprint", this.#repaint);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    for (const observer of [this.#sizes, this.#sight, this.#themes]) observer.disconnect();
    this.#dark.removeEventListener("change", this.#repaint);
    removeEventListener("beforeprint", this.#repaint);
    cancelAnimationFrame(this.#frame);
  }

  render() {
    const line = this.line;
    if (!line) return nothing;
    return html`<section class="tl" aria-label="Timeline">
      <div class="tl-bar">
        <div class="tl-zoom" role="group" aria-label="Zoom">
          <button type="button" class="button small" title="Zoom out (-)" aria-label="Zoom out"
            ?disabled=${this.zoom <= 1.001} @click=${() => this.#zoomBy(1 / STEP)}>−</button>
          <button type="button" class="button small" title="Zoom in (+)" aria-label="Zoom in"
            ?disabled=${this.zoom >= this.#most() * 0.999} @click=${() => this.#zoomBy(STEP)}>+</button>
          <button type="button" class="button small" ?disabled=${this.zoom <= 1.001}
            @click=${() => this.#zoomBy(0)}>Whole call</button>
        </div>
        ${line.live
          ? html`<label class="tl-follow"><input type="checkbox" .checked=${this.following}
              @change=${this.#follow} /> Follow</label>`
          : nothing}
        <p class="tl-said" data-clock></p>
      </div>
      <div class="tl-box" @keydown=${this.#key}>
        <div class="tl-scroll" @scroll=${this.#scrolled}>
          <div class="tl-inner" data-inner @pointerdown=${this.#down} @pointermove=${this.#move}
            @pointerleave=${this.#leave}>
            <div class="tl-row tl-head">
              <div class="tl-name" data-names><span class="tl-hint">received over sent</span></div>
              <div class="tl-slider" role="slider" tabindex="0" aria-label="Moment in the call"
                aria-valuemin="0" aria-valuemax=${Math.round((line.end - line.start) / 1000)}
                aria-valuenow="0" aria-valuetext="Use the arrow keys to move through the call"
                data-slider><canvas data-axis></canvas></div>
            </div>
            ${line.rows.map((row) => this.#row(row))}
            ${this.words.length
              ? html`<div class="tl-row tl-words">
                  <div class="tl-name"><span class="tl-who">Said</span>
                    <span class="tl-now">transcript, chat</span></div>
                  <canvas data-words aria-hidden="true"></canvas>
                </div>`
              : nothing}
          </div>
        </div>
        <div class="tl-cross" data-cross hidden></div>
        <div class="tl-tip" data-tip hidden></div>
      </div>
      <div class="tl-over" ?hidden=${this.zoom <= 1.001}>
        <canvas data-over aria-hidden="true" @pointerdown=${this.#grab}></canvas>
      </div>
      ${legend()}
      <details class="tl-tabled" @toggle=${this.#tabled}>
        <summary>Show as table</summary>
        ${this.tabled ? asTable(line) : nothing}
      </details>
    </section>`;
  }

  /** @param {Row} row */
  #row(row) {
    const peer = row.peers[row.peers.length - 1];
    const link = href(to("sessions", this.line?.sessionId ?? "", "peers", peer.id));
    const others = row.peers.length > 1 ? counted(row.peers.length, "connection") : row.note;
    return html`<div class="tl-row" data-row=${row.key}>
      <div class="tl-name">
        <a class="tl-who" href=${link} title=${row.name}>${row.name}</a>
        ${others ? html`<span class="tl-note">${others}</span>` : nothing}
        <span class="tl-now" data-now>${this.#whole(row)}</span>
      </div>
      <canvas data-lanes role="img" aria-label=${`${row.name}: ${this.#spoken(row)}`}></canvas>
    </div>`;
  }

  /** What a row was like over the whole call. @param {Row} row */
  #whole(row) {
    return `MOS ${mos(overall(row, "receivedMos"))} in, ${mos(overall(row, "sentMos"))} out`;
  }

  /** @param {Row} row */
  #spoken(row) {
    const count = row.peers.reduce((sum, peer) => sum + peer.findings.length, 0);
    return `${this.#whole(row)}, ${counted(count, "finding")}`;
  }

  /** @param {Map<PropertyKey, unknown>} changed */
  updated(changed) {
    const line = this.line;
    if (!line) return;
    if (changed.has("line") || changed.has("words")) {
      this.#said = new Map(line.rows.map((row) => [row.key, this.words.filter((w) => saidBy(w, row))]));
    }
    const scroll = this.#part(".tl-scroll");
    this.#sizes.observe(scroll);
    for (const row of this.querySelectorAll("[data-row]")) this.#sight.observe(row);
    if (changed.has("line")) this.#grown(line);
    this.#place();
  }

  /** Keep what is in view where it was when a live call grows. @param {Timeline} line */
  #grown(line) {
    const before = this.#known;
    this.#known = line;
    if (!before || before.sessionId !== line.sessionId) {
      this.zoom = 1;
      this.#view = { ...this.#view, from: line.start, to: line.end };
      return;
    }
    if (this.zoom <= 1.001) {
      this.#view = { ...this.#view, from: line.start, to: line.end };
      return;
    }
    const length = this.#view.to - this.#view.from;
    this.zoom = (line.end - line.start) / length;
    if (this.following && line.live) this.#view = { ...this.#view, from: line.end - length, to: line.end };
  }

  /** @param {string} selector @returns {any} */
  #part(selector) {
    return this.querySelector(selector);
  }

  #most() {
    return this.line ? Math.max(1, (this.line.end - this.line.start) / CLOSEST_MS) : 1;
  }

  /** Give everything its size, and scroll to what should be in view. */
  #place() {
    const line = this.line;
    const scroll = this.#part(".tl-scroll");
    if (!line || !scroll || !scroll.clientWidth) return;
    this.#names = this.#part("[data-names]").offsetWidth;
    const width = Math.max(80, scroll.clientWidth - this.#names);
    this.#view.width = width;
    this.#part("[data-inner]").style.width = `${this.#names + width * this.zoom}px`;
    this.#part("[data-slider]").style.width = `${width}px`;
    const left = ((this.#view.from - line.start) / (line.end - line.start)) * width * this.zoom;
    if (Math.abs(scroll.scrollLeft - left) > 1) scroll.scrollLeft = left;
    this.#scrolled();
  }

  #scrolled = () => {
    const line = this.line;
    if (!line) return;
    const length = line.end - line.start;
    const shown = length / this.zoom;
    const left = this.#part(".tl-scroll").scrollLeft;
    const from = line.start + (left / (this.#view.width * this.zoom)) * length;
    this.#view.from = this.zoom <= 1.001 ? line.start : Math.min(from, line.end - shown);
    this.#view.to = this.#view.from + shown;
    this.#paint();
  };

  #repaint = () => {
    this.#ink = null;
    this.#paint();
  };

  #paint() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const line = this.line;
    if (!line || !this.#part("[data-axis]")) return;
    const ink = (this.#ink ??= paint());
    const view = this.#view;
    drawAxis(sheet(this.#part("[data-axis]"), view.width, AXIS_HEIGHT), ink, view, AXIS_HEIGHT);
    for (const row of line.rows) {
      const element = this.#part(`[data-row="${CSS.escape(row.key)}"]`);
      const canvas = element?.querySelector("canvas");
      if (!canvas) continue;
      const height = rowHeight(row);
      if (this.#seen.has(element)) {
        const ctx = sheet(canvas, view.width, height);
        drawGrid(ctx, ink, view, height);
        drawRow(ctx, ink, view, line, row, this.#said.get(row.key) ?? []);
      } else {
        canvas.style.width = `${view.width}px`;
        canvas.style.height = `${height}px`;
      }
    }
    const words = this.#part("[data-words]");
    if (words) {
      const ctx = sheet(words, view.width, WORDS_HEIGHT);
      drawGrid(ctx, ink, view, WORDS_HEIGHT);
      drawWords(ctx, ink, view, this.#wordsNear(), this.#cursor ?? -1);
    }
    if (this.zoom > 1.001) {
      const over = this.#part("[data-over]");
      const wide = over.parentElement.clientWidth;
      drawOverview(sheet(over, wide, OVERVIEW_HEIGHT), ink, line, view, wide, OVERVIEW_HEIGHT);
    }
    this.#drawCursor(line);
  }

  #wordsNear() {
    const { from, to: until } = this.#view;
    return this.words.filter((word) => word.end >= from - 1000 && word.at <= until);
  }

  // --- the cursor -------------------------------------------------------------------------------

  /** @param {number | null} t @param {boolean} [pinned] */
  #point(t, pinned = this.#pinned) {
    const line = this.line;
    if (!line) return;
    this.#cursor = t === null ? null : Math.max(line.start, Math.min(line.end, t));
    this.#pinned = pinned && t !== null;
    this.#paint();
    this.dispatchEvent(new CustomEvent("moment", { detail: this.#cursor, bubbles: true }));
  }

  /** @param {Timeline} line */
  #drawCursor(line) {
    const t = this.#cursor;
    const cross = this.#part("[data-cross]");
    const clock = this.#part("[data-clock]");
    const x = t === null ? -1 : xOf(this.#view, t);
    cross.hidden = t === null || x < -1 || x > this.#view.width + 1;
    cross.classList.toggle("pinned", this.#pinned);
    cross.style.transform = `translateX(${this.#names + x}px)`;
    for (const row of line.rows) {
      const cell = this.#part(`[data-row="${CSS.escape(row.key)}"] [data-now]`);
      if (cell) this.#tell(cell, line, row, t);
    }
    clock.textContent = t === null ? "" : `${exact(t)} · ${duration(t - line.start)} into the call`;
    clock.title = t === null ? "" : utc(t);
    const slider = this.#part("[data-slider]");
    if (t !== null) {
      slider.setAttribute("aria-valuenow", String(Math.round((t - line.start) / 1000)));
      slider.setAttribute("aria-valuetext", this.#saidAloud(line, t));
    }
  }

  /** @param {HTMLElement} cell @param {Timeline} line @param {Row} row @param {number | null} t */
  #tell(cell, line, row, t) {
    if (t === null) {
      cell.textContent = this.#whole(row);
      cell.className = "tl-now";
      return;
    }
    const now = momentOf(line, row, t);
    const speaks = (this.#said.get(row.key) ?? []).some(
      (word) => word.kind === "transcript" && word.at <= t && t <= word.end,
    );
    cell.className = `tl-now tl-at q-${qualityOf(now?.mos)}${speaks ? " tl-speaks" : ""}`;
    cell.textContent = now
      ? `MOS ${mos(now.mos)} · ${loss(now.loss)} · ${milliseconds(now.rtt)}`
      : "not in the call";
  }

  /** @param {Timeline} line @param {number} t */
  #saidAloud(line, t) {
    const told = line.rows.map((row) => {
      const now = momentOf(line, row, t);
      if (!now) return `${row.name} not in the call`;
      const more = now.spells.map((spell) => SPELLS[spell.kind] ?? spell.kind).join(", ");
      return `${row.name} MOS ${mos(now.mos)}, loss ${loss(now.loss)}, round trip ${milliseconds(now.rtt)}${more ? `, ${more}` : ""}`;
    });
    const heard = this.words.filter((word) => word.at <= t && t <= Math.max(word.end, word.at + 1500));
    return [exact(t), ...told, ...heard.map((word) => `${word.name}: ${word.text}`)].join(". ");
  }

  /** Put the cursor at a moment, and the moment into view. @param {number} t */
  goTo(t) {
    const { from, to: until } = this.#view;
    if (t < from || t > until) this.#show(t - (until - from) / 2);
    this.following = false;
    this.#point(t, true);
  }

  /** @param {number} from the left edge */
  #show(from) {
    const line = this.line;
    if (!line) return;
    const length = this.#view.to - this.#view.from;
    this.#view.from = Math.max(line.start, Math.min(line.end - length, from));
    this.#view.to = this.#view.from + length;
    this.#place();
  }

  /** @param {number} factor 0: the whole call @param {number} [at] what stays where it is */
  #zoomBy(factor, at) {
    const line = this.line;
    if (!line) return;
    const before = this.#view.to - this.#view.from;
    const keep = at ?? this.#cursor ?? (this.#view.from + this.#view.to) / 2;
    const inside = keep < this.#view.from || keep > this.#view.to ? (this.#view.from + this.#view.to) / 2 : keep;
    this.zoom = factor === 0 ? 1 : Math.max(1, Math.min(this.#most(), this.zoom * factor));
    const length = (line.end - line.start) / this.zoom;
    const share = (inside - this.#view.from) / before;
    this.#view.from = Math.max(line.start, Math.min(line.end - length, inside - share * length));
    this.#view.to = this.#view.from + length;
    this.#place();
  }

  #follow = (/** @type {Event} */ event) => {
    this.following = /** @type {HTMLInputElement} */ (event.target).checked;
    if (this.following && this.line) this.#show(this.line.end);
  };

  #tabled = (/** @type {Event} */ event) => {
    this.tabled = /** @type {HTMLDetailsElement} */ (event.target).open;
  };

  // --- pointer and keys -------------------------------------------------------------------------

  /** Epoch ms under the pointer; null: it is not over the lanes. @param {MouseEvent} event */
  #under(event) {
    const box = this.#part(".tl-scroll").getBoundingClientRect();
    const x = event.clientX - box.left - this.#names;
    return x < 0 || x > this.#view.width ? null : tOf(this.#view, x);
  }

  /** @param {MouseEvent} event */
  #thing(event) {
    const element = /** @type {HTMLElement} */ (event.target).closest("[data-row]");
    const row = this.line?.rows.find((one) => one.key === element?.getAttribute("data-row"));
    if (!row || !element) return null;
    const box = /** @type {HTMLElement} */ (element.querySelector("canvas")).getBoundingClientRect();
    return hit(this.#view, row, event.clientX - box.left, event.clientY - box.top);
  }

  #move = (/** @type {PointerEvent} */ event) => {
    if (event.pointerType === "touch") return;
    const t = this.#under(event);
    if (!this.#pinned) this.#point(t, false);
    this.#tip(event, this.#thing(event));
  };

  #leave = () => {
    if (!this.#pinned) this.#point(null);
    this.#part("[data-tip]").hidden = true;
  };

  /** @param {PointerEvent} event @param {any} thing */
  #tip(event, thing) {
    const tip = this.#part("[data-tip]");
    tip.hidden = !thing;
    if (!thing) return;
    tip.textContent = thing.finding
      ? `${thing.finding.title} (${thing.finding.severity}, ${SIDES[thing.finding.side] ?? thing.finding.side})`
      : `${thing.mark.text} · ${exact(thing.mark.at)}`;
    const box = this.#part(".tl-box").getBoundingClientRect();
    const left = Math.min(event.clientX - box.left + 12, box.width - 250);
    tip.style.transform = `translate(${Math.max(0, left)}px, ${event.clientY - box.top + 18}px)`;
  }

  #down = (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0 || /** @type {HTMLElement} */ (event.target).closest(".tl-name")) return;
    const scroll = this.#part(".tl-scroll");
    const [x, left] = [event.clientX, scroll.scrollLeft];
    let moved = false;
    const drag = (/** @type {PointerEvent} */ now) => {
      moved ||= Math.abs(now.clientX - x) > CLICK_PX;
      // A finger scrolls the box by itself.
      if (moved && event.pointerType !== "touch") scroll.scrollLeft = left - (now.clientX - x);
      if (moved) this.following = false;
    };
    const done = (/** @type {PointerEvent} */ now) => {
      removeEventListener("pointermove", drag);
      removeEventListener("pointerup", done);
      removeEventListener("pointercancel", done);
      if (!moved && now.type === "pointerup") this.#click(event);
    };
    addEventListener("pointermove", drag);
    addEventListener("pointerup", done);
    addEventListener("pointercancel", done);
  };

  /** @param {PointerEvent} event */
  #click(event) {
    const thing = this.#thing(event);
    const t = this.#under(event);
    if (thing?.finding) {
      this.dispatchEvent(new CustomEvent("pick", { detail: thing.finding, bubbles: true }));
    }
    if (this.#pinned && t !== null && this.#cursor !== null) {
      const near = Math.abs(xOf(this.#view, this.#cursor) - xOf(this.#view, t)) < 6;
      if (near) return this.#point(t, false);
    }
    this.#point(t, true);
  }

  /** Move the part in view by its strip. @param {PointerEvent} event */
  #grab = (event) => {
    const line = this.line;
    const over = /** @type {HTMLElement} */ (event.currentTarget);
    if (!line) return;
    event.preventDefault();
    const box = over.getBoundingClientRect();
    const to_ = (/** @type {PointerEvent} */ now) => {
      const t = line.start + ((now.clientX - box.left) / box.width) * (line.end - line.start);
      this.following = false;
      this.#show(t - (this.#view.to - this.#view.from) / 2);
    };
    const done = () => {
      removeEventListener("pointermove", to_);
      removeEventListener("pointerup", done);
      removeEventListener("pointercancel", done);
    };
    to_(event);
    addEventListener("pointermove", to_);
    addEventListener("pointerup", done);
    addEventListener("pointercancel", done);
  };

  firstUpdated() {
    // Not passive, which Lit's own listeners on the box would be for a wheel.
    this.addEventListener("wheel", this.#wheel, { passive: false });
  }

  #wheel = (/** @type {WheelEvent} */ event) => {
    if (!(event.ctrlKey || event.metaKey)) return;
    if (!(/** @type {HTMLElement} */ (event.target).closest(".tl-box"))) return;
    event.preventDefault();
    this.#zoomBy(Math.exp(-event.deltaY / 300), this.#under(event) ?? undefined);
  };

  #key = (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.line) return;
    const onSlider = /** @type {HTMLElement} */ (event.target).closest("[data-slider]");
    if (event.key === "+" || event.key === "=") this.#zoomBy(STEP);
    else if (event.key === "-") this.#zoomBy(1 / STEP);
    else if (event.key === "0") this.#zoomBy(0);
    else if (event.key === "Escape") this.#point(null);
    else if (onSlider && this.#slide(event)) event.stopPropagation();
    else return;
    event.preventDefault();
  };

  /** @param {KeyboardEvent} event */
  #slide(event) {
    const line = /** @type {Timeline} */ (this.line);
    const step = Math.max(line.binMs, (this.#view.to - this.#view.from) / 200);
    const at = this.#cursor ?? this.#view.from;
    const where = /** @type {Record<string, number>} */ ({
      ArrowRight: at + step,
      ArrowLeft: at - step,
      ArrowUp: at + step,
      ArrowDown: at - step,
      PageUp: at + step * 10,
      PageDown: at - step * 10,
      Home: line.start,
      End: line.end,
    })[event.key];
    if (event.key === "n" || event.key === "p") {
      const next = this.#nextFinding(at, event.key === "n" ? 1 : -1);
      if (next) {
        this.goTo(next.start);
        this.dispatchEvent(new CustomEvent("pick", { detail: next, bubbles: true }));
      }
      return true;
    }
    if (where === undefined) return false;
    this.goTo(Math.max(line.start, Math.min(line.end, where)));
    return true;
  }

  /** @param {number} t @param {1 | -1} way @returns {Finding | undefined} */
  #nextFinding(t, way) {
    const all = (this.line?.peers ?? []).flatMap((peer) => peer.findings);
    return all
      .filter((one) => (one.start - t) * way > 0)
      .sort((a, b) => (a.start - b.start) * way)[0];
  }
}

define("rt-timeline", TimelineView);
