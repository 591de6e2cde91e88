// A process of a story's own, and what can befall it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { within } from './time.js';

const PATIENCE_MS = 30_000;

/** How long a program may take that is run to its end: seeding many accounts, or installing a database. */
const COMMAND_MS = 120_000;

/** Those that run: none outlives this process, however a story went. */
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A program that is started, again and again if need be, and logs into one file. */
export class Child {
  #process;

  constructor(name, logFile) {
    Object.assign(this, { name, logFile });
  }

  get pid() {
    return this.#process?.pid;
  }

  /** Whether it was started and has not ended; one that is frozen runs too. */
  get runs() {
    return running.has(this.#process);
  }

  /** Starts the program. This process doesn't wait for its end. */
  launch(program, words, env = process.env) {
    this.#process = this.#spawn(program, words, env);
    this.#process.unref();
    this.#process.stdout.unref();
  }

  /** The first line on stdout that `wanted` accepts. */
  async line(wanted = () => true) {
    const lines = createInterface({ input: this.#process.stdout });
    const found = new Promise((resolve) => lines.on('line', (line) => wanted(line) && resolve(line)));
    const ended = once(this.#process, 'close').then(([code]) => {
      throw new Error(`${this.name} ended with ${code}\n${this.log()}`);
    });
    // It may end any time after its line, which is nobody's fault then.
    ended.catch(() => {});
    return within(PATIENCE_MS, Promise.race([found, ended]), () => `a line of ${this.name}; log:\n${this.log()}`);
  }

  /** Ends the program and answers its exit code; `null` when the signal killed it. */
  async stop(signal = 'SIGTERM') {
    if (!this.runs) throw new Error(`${this.name} ended before ${signal}\n${this.log()}`);
    const exit = once(this.#process, 'exit');
    this.#process.kill(signal);
    const [code] = await within(PATIENCE_MS, exit, () => `exit of ${this.name} after ${signal}; log:\n${this.log()}`);
    return code;
  }

  /** Stops it where it stands: its connections stay open, and nothing is answered. */
  freeze() {
    this.#process.kill('SIGSTOP');
  }

  /** Lets it go on. */
  thaw() {
    this.#process.kill('SIGCONT');
  }

  /** Ends it at once if it runs. */
  async clear() {
    if (this.runs) await this.stop('SIGKILL');
  }

  /** Runs a program to its end, logging into the same file; answers what it printed on stdout. */
  async output(program, words, env = process.env) {
    const child = this.#spawn(program, words, env);
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    const said = () => `the end of ${program} ${words.join(' ')}; log:\n${this.log()}`;
    const [code] = await within(COMMAND_MS, once(child, 'close'), said);
    if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}\n${out}${this.log()}`);
    return out;
  }

  /** What was logged last. */
  log(lines = 40) {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8').split('\n').slice(-lines).join('\n') : '';
  }

  #spawn(program, words, env) {
    const log = openSync(this.logFile, 'a');
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', log], env });
    closeSync(log);
    running.add(child);
    for (const end of ['exit', 'error']) child.once(end, () => running.delete(child));
    return child;
  }
}
