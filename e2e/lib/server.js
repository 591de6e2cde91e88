// A private server for one story: the real program on free ports, with a database of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { within } from './time.js';

const BINARY = process.env.MUD_BINARY ?? fileURLToPath(new URL('../../target/debug/mud', import.meta.url));

const BUF = fileURLToPath(new URL('../node_modules/.bin/buf', import.meta.url));

const ANY_PORT = '127.0.0.1:0';

/** Flags every story wants; a story's own come on top. `null` takes one away. */
const DEFAULTS = {
  listen: ANY_PORT,
  'grpc-listen': ANY_PORT,
  'admin-listen': ANY_PORT,
  'bcrypt-cost': 4,
  log: 'warn',
};

/** The samples of one scrape. */
class Metrics {
  #samples;

  constructor(text) {
    const lines = text.split('\n').filter((line) => line && !line.startsWith('#'));
    this.#samples = lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    });
  }

  /** The sum of a metric over all its labels; 0 when nothing was counted yet. */
  sum(name) {
    return this.of(name).reduce((sum, [, value]) => sum + value, 0);
  }

  /** A metric's samples by their labels. */
  of(name) {
    return this.#samples.filter(([sample]) => sample === name || sample.startsWith(`${name}{`));
  }
}

/** A running `mud` and the directory its database lives in. */
export class Server {
  #flags;
  #child;

  /** Starts a server and waits for its ready line. It is stopped, and its files removed, when test `t` is over. */
  static async start(t, flags = {}) {
    const server = new Server(flags);
    t.after(() => server.#clear());
    await server.#launch();
    return server;
  }

  constructor(flags) {
    this.directory = mkdtempSync(join(tmpdir(), 'mud-story-'));
    this.logFile = join(this.directory, 'log');
    this.#flags = { 'database-url': `sqlite://${join(this.directory, 'mud.db')}`, ...DEFAULTS, ...flags };
  }

  /** Where players connect. */
  get url() {
    return `http://${this.ready.http}`;
  }

  /** Ends the program and answers its exit code; `null` when the signal killed it. */
  async stop(signal = 'SIGTERM') {
    const exit = once(this.#child, 'exit');
    this.#child.kill(signal);
    const [code] = await within(30_000, exit, () => `exit after ${signal}; log:\n${this.log()}`);
    return code;
  }

  /** Starts the program again on the same database and the same addresses. */
  async restart() {
    Object.assign(this.#flags, {
      listen: this.ready.http,
      'grpc-listen': this.ready.grpc,
      'admin-listen': this.ready.admin,
    });
    await this.#launch();
  }

  /** Runs another command of the program on this server's database; answers what it printed on stdout. */
  command(...words) {
    return this.#output(BINARY, [...words, '--database-url', this.#flags['database-url']]);
  }

  /** Calls a gRPC method as a tool that knows only the address. */
  curl(path, ...words) {
    const [flag, url] = path.startsWith('/') ? [[], path] : [[path], ''];
    const plain = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', ...flag, ...words];
    return this.#output(BUF, [...plain, `http://${this.ready.grpc}${url}`]);
  }

  /** What `/metrics` says now. */
  async metrics() {
    const response = await fetch(`http://${this.ready.admin}/metrics`);
    return new Metrics(await response.text());
  }

  /** What the program has logged. */
  log() {
    return readFileSync(this.logFile, 'utf8').split('\n').slice(-40).join('\n');
  }

  #spawn(program, words) {
    const log = openSync(this.logFile, 'a');
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', log] });
    closeSync(log);
    return child;
  }

  async #output(program, words) {
    const child = this.#spawn(program, words);
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}\n${this.log()}`);
    return out;
  }

  async #launch() {
    const flags = Object.entries(this.#flags)
      .filter(([, value]) => value !== null)
      .flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.#child = this.#spawn(BINARY, flags);
    const lines = createInterface({ input: this.#child.stdout });
    const line = Promise.race([
      once(lines, 'line').then(([text]) => text),
      once(this.#child, 'exit').then(([code]) => Promise.reject(new Error(`mud ended with ${code}\n${this.log()}`))),
      once(this.#child, 'error').then(([error]) => Promise.reject(error)),
    ]);
    this.ready = JSON.parse(await within(15_000, line, () => `the ready line; log:\n${this.log()}`));
  }

  async #clear() {
    if (this.#child?.exitCode === null && this.#child.signalCode === null) await this.stop('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}
