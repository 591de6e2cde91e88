// A Redis of a story's own. It keeps everything in memory.

import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';

import { Child } from './child.js';
import { freeAddress } from './ports.js';
import { within } from './time.js';

export class Redis extends Child {
  #port;

  /** Starts one on a free port and waits until it takes connections. */
  static async start(directory) {
    const redis = new Redis('redis', join(directory, 'redis.log'));
    [, redis.#port] = (await freeAddress()).split(':');
    await redis.start();
    return redis;
  }

  /** Starts it, empty, on its port. */
  async start() {
    const words = ['--bind', '127.0.0.1', '--port', this.#port, '--save', '', '--appendonly', 'no'];
    this.launch('redis-server', words);
    await this.line((line) => line.includes('Ready to accept connections'));
  }

  get url() {
    return `redis://127.0.0.1:${this.#port}`;
  }

  /** Makes it forget everything. */
  async flush() {
    const socket = connect(Number(this.#port), '127.0.0.1');
    socket.write('FLUSHALL\r\n');
    const [answer] = await within(5_000, once(socket, 'data'), () => 'an answer to FLUSHALL');
    socket.destroy();
    if (!answer.toString().startsWith('+OK')) throw new Error(`FLUSHALL: ${answer}`);
  }
}
