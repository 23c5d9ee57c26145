// Who this browser is. A random key, kept here and known to nobody else, is the same person again
// after a reload. Two tabs that are open at once are two people: each holds a lock on its key.
// SPDX-License-Identifier: Apache-2.0

const SLOTS = 8;
const SLOT = "roomtone.call.slot";

/** @typedef {{key: string, name: string, remember: (name: string) => void}} Person */

/** The first key that no other tab holds, preferring the one that this tab had before a reload. */
export async function person() {
  const before = Number(read(session(), SLOT) ?? Number.NaN);
  const order = [before, ...Array(SLOTS).keys()].filter(Number.isInteger);
  for (const slot of order) {
    if (await hold(`${SLOT}.${slot}`)) return kept(slot);
  }
  return kept(null);
}

/** @param {number | null} slot @returns {Person} */
function kept(slot) {
  if (slot === null) return { key: crypto.randomUUID(), name: "", remember() {} };
  write(session(), SLOT, String(slot));
  const [keyName, nameName] = [`roomtone.call.key.${slot}`, `roomtone.call.name.${slot}`];
  let key = read(local(), keyName);
  if (!key || key.length < 16) {
    key = crypto.randomUUID();
    write(local(), keyName, key);
  }
  const name = read(local(), nameName) ?? "";
  return { key, name, remember: (given) => write(local(), nameName, given) };
}

/** Take a lock for as long as the page lives. @param {string} name @returns {Promise<boolean>} */
function hold(name) {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock === null ? undefined : new Promise(() => {});
      })
      .catch(() => resolve(true));
  });
}

// A browser may forbid storage; then everybody is new each time.

function local() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

function session() {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}

/** @param {Storage | null} storage @param {string} name */
function read(storage, name) {
  return storage?.getItem(name) ?? null;
}

/** @param {Storage | null} storage @param {string} name @param {string} value */
function write(storage, name, value) {
  try {
    storage?.setItem(name, value);
  } catch {
    // Full, or forbidden: it is only a convenience.
  }
}
