// @ts-check
import { html, nothing, repeat } from "../../vendor/lit.js";
import { define, Element } from "./element.js";

/**
 * @typedef {{
 *   key: string, label: string, cell: (row: any) => unknown, sort?: string, numeric?: boolean,
 *   quiet?: boolean, grow?: boolean,
 * }} Column
 *   `sort`: what the list is asked to be sorted by; `quiet`: no label beside it on a phone.
 */

/**
 * `<rt-table .columns .rows .key .link>`: rows of anything; on a phone each row is a card.
 *
 * `link(row)` is the href that a row leads to: its first cell holds the link, the whole row can be
 * clicked. j and k walk the rows, Enter opens. Fires `sort` with the column's `sort` as its detail.
 */
class Table extends Element {
  static properties = {
    columns: { attribute: false },
    rows: { attribute: false },
    key: { attribute: false },
    link: { attribute: false },
    sortBy: { attribute: false },
    descending: { attribute: false },
    caption: {},
    busy: { type: Boolean },
  };

  constructor() {
    super();
    /** @type {Column[]} */
    this.columns = [];
    /** @type {any[]} */
    this.rows = [];
    /** @type {(row: any) => string} */
    this.key = (row) => row.id;
    /** @type {((row: any) => string) | null} */
    this.link = null;
    this.sortBy = "";
    this.descending = true;
    this.caption = "";
    this.busy = false;
  }

  render() {
    return html`<table class="table" aria-busy=${this.busy}>
      <caption class="heard">${this.caption}</caption>
      <thead><tr>${this.columns.map((column) => this.#head(column))}</tr></thead>
      <tbody>${repeat(this.rows, this.key, (row) => this.#row(row))}</tbody>
    </table>`;
  }

  /** @param {Column} column */
  #head(column) {
    const sorted = column.sort !== undefined && column.sort === this.sortBy;
    const direction = sorted ? (this.descending ? "descending" : "ascending") : "none";
    const label = column.sort
      ? html`<button type="button" class="sorter" @click=${() => this.#sort(column)}>
          ${column.label}<span aria-hidden="true">${sorted ? (this.descending ? " ↓" : " ↑") : " ↕"}</span>
        </button>`
      : column.label;
    return column.sort
      ? html`<th scope="col" class=${kind(column)} aria-sort=${direction}>${label}</th>`
      : html`<th scope="col" class=${kind(column)}>${label}</th>`;
  }

  /** @param {any} row */
  #row(row) {
    const link = this.link?.(row);
    return html`<tr data-key=${this.key(row)} class=${link ? "linked" : ""}
      @click=${link ? (/** @type {MouseEvent} */ event) => open(event, link) : nothing}>
      ${this.columns.map((column, at) => {
        const inside = column.cell(row);
        const shown = link && at === 0 ? html`<a class="row-link" href=${link}>${inside}</a>` : inside;
        return html`<td class=${kind(column)} data-label=${column.quiet ? "" : column.label}>${shown}</td>`;
      })}
    </tr>`;
  }

  /** @param {Column} column */
  #sort(column) {
    this.dispatchEvent(new CustomEvent("sort", { detail: column.sort, bubbles: true }));
  }

  /** Move the focus along the rows. @param {1 | -1} step */
  walk(step) {
    const links = [...this.querySelectorAll("tbody a.row-link")];
    const at = links.indexOf(/** @type {Element} */ (document.activeElement?.closest("a.row-link")));
    const next = at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step;
    /** @type {HTMLElement | undefined} */ (links[next])?.focus();
    links[next]?.scrollIntoView({ block: "nearest" });
  }
}

/** @param {Column} column */
const kind = (column) =>
  [column.numeric ? "numeric" : "", column.grow ? "grow" : "", `col-${column.key}`].join(" ").trim();

/** @param {MouseEvent} event @param {string} link */
function open(event, link) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.closest("a, button, input, label") || String(getSelection())) return;
  if (event.metaKey || event.ctrlKey) window.open(link, "_blank", "noopener");
  else location.hash = link;
}

define("rt-table", Table);
