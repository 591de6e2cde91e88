// Ports that stay a story's own while nobody listens on them: below those that the system gives to outgoing
// connections.

import { once } from 'node:events';
import { createServer } from 'node:net';

const FIRST = 10_000;
const EACH = 100;
const RANGES = 220;

let next = 0;

/** A free address. Processes that run at the same time look in different places. */
export async function freeAddress() {
  for (;;) {
    const port = FIRST + (process.pid % RANGES) * EACH + (next % EACH);
    next += 1;
    if (await free(port)) return `127.0.0.1:${port}`;
  }
}

async function free(port) {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
