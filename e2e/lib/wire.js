// A wire that can be cut: what one program alone hears of another goes through it.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class Wire {
  #server = createServer((near) => this.#join(near));
  #to;
  #cut = false;
  #held = [];
  #sockets = new Set();

  /** Lays one to the server at `url`; it is taken away when test `t` is over. */
  static async lay(t, url) {
    const wire = new Wire(new URL(url));
    t.after(() => wire.#close());
    wire.#server.listen(0, '127.0.0.1');
    await once(wire.#server, 'listening');
    return wire;
  }

  constructor(to) {
    this.#to = to;
  }

  /** How the server is reached through it. */
  get url() {
    return Object.assign(new URL(this.#to), { port: this.#server.address().port }).href;
  }

  /** Nothing arrives any more, and nobody is told. */
  cut() {
    this.#cut = true;
  }

  /** Everything arrives again, what was sent meanwhile first. */
  mend() {
    this.#cut = false;
    for (const pass of this.#held.splice(0)) pass();
  }

  #join(near) {
    const far = connect(Number(this.#to.port), this.#to.hostname);
    for (const [from, to] of [[near, far], [far, near]]) {
      this.#sockets.add(from);
      const pass = (act) => (this.#cut ? this.#held.push(act) : act());
      from.on('data', (data) => pass(() => to.writable && to.write(data)));
      from.on('close', () => pass(() => to.destroy()));
      from.on('error', () => {});
    }
  }

  #close() {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
