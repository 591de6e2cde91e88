// What stands before the gateways: takes connections and hands each to the next gateway that answers.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class Balancer {
  #server = createServer({ pauseOnConnect: true }, (client) => this.#serve(client));
  #addresses;
  #sockets = new Set();
  #next = 0;

  /** Starts one before these gateways; it is closed when test `t` is over. */
  static async start(t, gateways) {
    const balancer = new Balancer(gateways.map(({ ready }) => ready.http));
    t.after(() => balancer.#close());
    balancer.#server.listen(0, '127.0.0.1');
    await once(balancer.#server, 'listening');
    return balancer;
  }

  constructor(addresses) {
    this.#addresses = addresses;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** New connections may go there too. */
  take({ ready }) {
    this.#addresses.push(ready.http);
  }

  /** No new connection goes there any more. */
  drop({ ready }) {
    this.#addresses = this.#addresses.filter((address) => address !== ready.http);
  }

  async #serve(client) {
    this.#hold(client);
    const gateway = await this.#reach();
    if (!gateway || client.destroyed) {
      client.destroy();
      gateway?.destroy();
      return;
    }
    client.on('close', () => gateway.destroy());
    gateway.on('close', () => client.destroy());
    client.pipe(gateway).pipe(client);
  }

  /** A connection to the next gateway that takes one. */
  async #reach() {
    for (let tries = this.#addresses.length; tries > 0; tries -= 1) {
      const [host, port] = this.#addresses[this.#next++ % this.#addresses.length].split(':');
      const gateway = this.#hold(connect(Number(port), host));
      try {
        await once(gateway, 'connect');
        return gateway;
      } catch {
        gateway.destroy();
      }
    }
    return undefined;
  }

  #hold(socket) {
    this.#sockets.add(socket);
    // How a connection ends is told by its end.
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.setNoDelay();
    return socket;
  }

  #close() {
    this.#server.close();
    this.#sockets.forEach((socket) => socket.destroy());
  }
}
