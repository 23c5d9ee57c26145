// @ts-check
/** Every component that pages share, in one import. `rt-chart` brings uPlot only once it draws. */
import "./components/badge.js";
import "./components/chart.js";
import "./components/copy.js";
import "./components/paging.js";
import "./components/states.js";
import "./components/strip.js";
import "./components/table.js";
import "./components/time.js";

export { axis, colour } from "./components/chart.js";
export { define, Element } from "./components/element.js";
export { icon } from "./components/icons.js";
