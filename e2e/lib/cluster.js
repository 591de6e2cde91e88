// A private cluster for one story: several of each program on free ports, over a Redis and a database of its own. It
// can stand wherever a story starts a server: then every player comes by the next gateway.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Child } from './child.js';
import { clockOf } from './faketime.js';
import { MariaDb } from './mariadb.js';
import { Metrics } from './metrics.js';
import { freeAddress } from './ports.js';
import { MUD, Program } from './program.js';
import { Redis } from './redis.js';
import { eventually } from './time.js';

/** Every service with the flags it takes beside those of all. */
const SERVICES = {
  'user-svc': ['grpc-listen', 'database-url', 'session-ttl', 'bcrypt-cost'],
  'battle-svc': ['grpc-listen', 'user-url', 'tick-ms', 'save-every', 'idle-cap', 'detach-after', 'lease-ttl'],
  'chat-svc': ['grpc-listen'],
  gateway: [
    ...['listen', 'user-url', 'battle-url', 'chat-url'],
    ...['allowed-origins', 'trusted-proxies', 'limits', 'outbox-bytes'],
  ],
};

/** Flags of all of them. */
const COMMON = ['admin-listen', 'redis-url', 'instance', 'internal-token', 'log'];

/** Who calls a service, at whichever of its addresses. */
const CALLERS = { 'user-svc': ['battle-svc', 'gateway'], 'battle-svc': ['gateway'], 'chat-svc': ['gateway'] };

/** How those who look for living battle-svc count them. */
const LIVING = { gateway: 'gateway_instances', 'battle-svc': 'battle_instances' };

/** How soon everybody knows of a new process: they look every second or two. */
const KNOWN_MS = 30_000;

/** Addresses a service may have: of those that run, and of those that may take their places. */
const ADDRESSES_EACH = 2;

/** Running processes of every service, and what they share. */
export class Cluster {
  #programs = new Map();
  #tools;
  #addresses = new Map();
  #flags;
  #asked = 0;

  /**
   * Starts a cluster and waits until all of it is ready. It is ended, and its files removed, when test `t` is over.
   * `each` says how many of every service; `clocks` names those whose clock can be set; `mariadb` is a server that the
   * story may harm.
   */
  static async start(t, flags = {}, { each = 2, clocks = [], mariadb } = {}) {
    const cluster = new Cluster(flags);
    t.after(() => cluster.#clear());
    cluster.mariadb = mariadb ?? (await MariaDb.shared());
    cluster.redis = await Redis.start(cluster.directory);
    Object.assign(cluster.#flags, { 'database-url': cluster.mariadb.database(), 'redis-url': cluster.redis.url });
    await cluster.command('migrate');
    await cluster.#place(each);
    const names = Object.keys(SERVICES).flatMap((service) => {
      return Array.from({ length: each }, (_, i) => [service, `${service}-${i + 1}`]);
    });
    await Promise.all(names.map(([service, name]) => cluster.#start(service, name, clocks.includes(name))));
    await cluster.#acquainted();
    return cluster;
  }

  constructor(flags) {
    this.directory = mkdtempSync(join(tmpdir(), 'mud-story-'));
    this.#tools = new Child('mud', join(this.directory, 'mud.log'));
    this.#flags = { 'bcrypt-cost': 4, log: 'warn', ...flags };
  }

  /** The process of that name. */
  named(name) {
    return this.#programs.get(name);
  }

  /** The processes of a service, or all. */
  all(service) {
    return [...this.#programs.values()].filter(({ name }) => !service || name.startsWith(`${service}-`));
  }

  /** Where the next player connects: at another gateway each time it is asked. */
  nextUrl() {
    const gateways = this.all('gateway');
    return gateways[this.#asked++ % gateways.length].url;
  }

  /** Where tools ask for battles. */
  get ready() {
    const { grpc } = this.all('battle-svc')[0].ready;
    return { grpc };
  }

  /** Starts another process of a service, on addresses its peers know already; `flags` are its own. */
  async add(service, name, flags = {}) {
    const program = await this.#start(service, name, false, flags);
    await this.#acquainted();
    return program;
  }

  /** Ends a process for good and answers its exit code. */
  async retire(name) {
    const code = await this.named(name).stop();
    this.#programs.delete(name);
    return code;
  }

  /** Sets the clock of a process so far from the true one: `+1h`, `-1h`. */
  shift(name, offset) {
    writeFileSync(this.#clock(name), offset);
  }

  /** Ends all processes, those first that need the others; answers the first exit code that isn't 0, if any. */
  async stop(signal = 'SIGTERM') {
    const codes = [];
    for (const service of Object.keys(SERVICES).reverse()) {
      codes.push(...(await Promise.all(this.all(service).map((program) => program.stop(signal)))));
    }
    const odd = codes.filter((code) => code !== 0);
    return odd.length ? odd[0] : 0;
  }

  /** Starts all of them again on the same addresses. */
  async restart() {
    await Promise.all(this.all().map((program) => program.restart()));
    await this.#acquainted();
  }

  /** Runs another command of `mud` on this cluster's database; answers what it printed on stdout. */
  command(...words) {
    return this.#tools.output(MUD, [...words, '--database-url', this.#flags['database-url']]);
  }

  /** Makes accounts, and answers a token of each. */
  async seed(count) {
    const file = join(this.directory, 'sessions');
    await this.command('seed', '--users', String(count), '--sessions', file);
    return readFileSync(file, 'utf8').trim().split('\n');
  }

  /** Calls a gRPC method where it is served; a question about what there is goes to every service. */
  async curl(path, ...words) {
    const served = this.all().filter(({ name }) => {
      return name.endsWith('-svc-1') && (!path.startsWith('/') || path.startsWith(`/mud.${name.split('-')[0]}.`));
    });
    return (await Promise.all(served.map((program) => program.curl(path, ...words)))).join('');
  }

  /** What `/metrics` of all of them say now, as if they were one. */
  async metrics() {
    return new Metrics(...(await Promise.all(this.all().map((program) => program.scrape()))));
  }

  /** What all of them have logged last. */
  log() {
    return this.all().map((program) => `${program.name}:\n${program.log(20)}`).join('\n');
  }

  /** Waits until everybody who looks for processes has found all that run. */
  async #acquainted() {
    const running = (service) => this.all(service).filter(({ runs }) => runs);
    const missing = async (caller, service, count) => {
      const there = running(service).length;
      const known = count(await caller.metrics());
      return known < there ? [`${caller.name} knows ${known} of ${there} ${service}`] : [];
    };
    const serving = (service) => (metrics) => metrics.sum('grpc_peers', { service, state: 'serving' });
    const strangers = async () => {
      const calls = Object.entries(CALLERS).flatMap(([service, callers]) => {
        return callers.flatMap(running).map((caller) => missing(caller, service, serving(service)));
      });
      const looks = Object.entries(LIVING).flatMap(([service, gauge]) => {
        return running(service).map((caller) => missing(caller, 'battle-svc', (metrics) => metrics.sum(gauge)));
      });
      return (await Promise.all([...calls, ...looks])).flat();
    };
    await eventually(KNOWN_MS, async () => (await strangers()).length === 0, async () => `all known: ${await strangers()}`);
  }

  async #place(each) {
    for (const service of ['user-svc', 'battle-svc', 'chat-svc']) {
      const addresses = [];
      for (let i = 0; i < ADDRESSES_EACH * each; i += 1) addresses.push(await freeAddress());
      this.#addresses.set(service, addresses);
      this.#flags[`${service.split('-')[0]}-url`] = addresses.map((address) => `http://${address}`).join();
    }
  }

  async #start(service, name, faked, own = {}) {
    const flags = { instance: name, 'admin-listen': await freeAddress(), ...own };
    if (service === 'gateway') flags.listen = await freeAddress();
    else flags['grpc-listen'] = this.#addresses.get(service).shift();
    for (const flag of [...COMMON, ...SERVICES[service]]) flags[flag] ??= this.#flags[flag] ?? null;
    const env = faked ? clockOf(this.#clock(name)) : {};
    const program = new Program(service, name, join(this.directory, `${name}.log`), flags, env);
    this.#programs.set(name, program);
    await program.start();
    return program;
  }

  #clock(name) {
    return join(this.directory, `${name}.clock`);
  }

  async #clear() {
    await Promise.all([...this.all(), this.redis].map((child) => child?.clear()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}
