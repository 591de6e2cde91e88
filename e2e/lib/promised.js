// What the documentation promises, measured on a machine that may be crowded.

import assert from 'node:assert/strict';

/** So many times as long as promised before the promise counts as broken: it is made for a machine of one's own. */
const CROWDED = 3;

/** Says what was seen of a promise, and warns where it was missed. */
export function promised(t, what, seenMs, promisedMs) {
  const missed = seenMs > promisedMs ? ' (WARNING: missed)' : '';
  t.diagnostic(`${what}: seen ${seenMs.toFixed()} of ${promisedMs} ms promised${missed}`);
  assert.ok(seenMs < CROWDED * promisedMs, `${what}: ${seenMs} ms`);
}
