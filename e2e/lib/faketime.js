// A process's clock set from outside, by libfaketime.

import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The environment of a process whose wall clock goes by what is written into `file`: an offset such as `+1h`. */
export function clockOf(file) {
  writeFileSync(file, '+0');
  return {
    LD_PRELOAD: library(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    // Only the wall clock is wrong: what a process measures by its monotonic clock stays as it is.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
}

/** Where the library lies: under the machine's triplet. */
function library() {
  const found = readdirSync('/usr/lib')
    .map((directory) => join('/usr/lib', directory, 'faketime/libfaketimeMT.so.1'))
    .find((file) => existsSync(file));
  if (!found) throw new Error('libfaketime is missing; scripts/test installs it');
  return found;
}
