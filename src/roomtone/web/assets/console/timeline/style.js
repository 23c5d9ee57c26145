// @ts-check
/**
 * A style sheet that only some pages need, fetched once; a page waits for it before it is drawn.
 * @param {string} name below `assets/console/`
 * @returns {Promise<void>}
 */
export function styled(name) {
  const address = new URL(`../${name}`, import.meta.url).href;
  if (document.querySelector(`link[href="${CSS.escape(address)}"]`)) return Promise.resolve();
  return new Promise((resolve) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = address;
    link.onload = link.onerror = () => resolve();
    document.head.append(link);
  });
}
