// One of our own programs: its flags, its ready line, and its admin listener.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Child } from './child.js';
import { Metrics } from './metrics.js';

/** The program `mud`; the others lie beside it. */
export const MUD = process.env.MUD_BINARY ?? fileURLToPath(new URL('../../target/debug/mud', import.meta.url));

const BUF = fileURLToPath(new URL('../node_modules/.bin/buf', import.meta.url));

const SCRAPE_MS = 30_000;

const ANY_PORT = '127.0.0.1:0';

/** A program of the house, with flags; `null` takes one away. */
export class Program extends Child {
  #binary;
  #flags;
  #env;

  constructor(binary, name, logFile, flags, env) {
    super(name, logFile);
    this.#binary = join(dirname(MUD), binary);
    this.#flags = flags;
    this.#env = env;
  }

  /** Starts it and waits for its ready line. */
  async start() {
    const flags = Object.entries(this.#flags)
      .filter(([, value]) => value !== null)
      .flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.launch(this.#binary, flags, { ...process.env, ...this.#env });
    this.ready = JSON.parse(await this.line());
  }

  /** Starts it again with the same flags, on the same addresses. */
  async restart() {
    for (const [listener, flag] of [['http', 'listen'], ['grpc', 'grpc-listen'], ['admin', 'admin-listen']]) {
      if (this.ready[listener]) this.#flags[flag] = this.ready[listener];
    }
    await this.start();
  }

  /** Where players connect. */
  get url() {
    return `http://${this.ready.http}`;
  }

  /** Calls a gRPC method as a tool that knows only the address. */
  curl(path, ...words) {
    const [flag, url] = path.startsWith('/') ? [[], path] : [[path], ''];
    const plain = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', ...flag, ...words];
    return this.output(BUF, [...plain, `http://${this.ready.grpc}${url}`]);
  }

  /** What `/metrics` says now, as text. */
  async scrape() {
    const response = await fetch(`http://${this.ready.admin}/metrics`, { signal: AbortSignal.timeout(SCRAPE_MS) });
    return response.text();
  }

  /** What `/metrics` says now. */
  async metrics() {
    return new Metrics(await this.scrape());
  }
}

/** Flags that give a program free ports, little to log, and passwords that cost little. */
export function anywhere(...listeners) {
  return { ...Object.fromEntries(listeners.map((listener) => [listener, ANY_PORT])), log: 'warn' };
}
