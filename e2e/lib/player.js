// A player with the stock client. Everything the server says is checked on arrival; what breaks a law is kept as a
// fault.

import { EventEmitter } from 'node:events';

import { io } from 'socket.io-client';

import { Course } from './laws.js';
import { away, within } from './time.js';

/** A refusal the server acknowledged. */
export class Refusal extends Error {
  constructor(event, error) {
    super(`${event}: ${JSON.stringify(error)}`);
    Object.assign(this, error);
  }
}

let count = 0;

/** Names nobody else uses: a player's and their character's. */
export function freshNames() {
  count += 1;
  const tail = `${process.pid.toString(36)}x${count}`;
  return { username: `u${tail}`, password: 'correct horse', character: `C${tail}`.padEnd(4, '0') };
}

/** One player's socket, what they know of their battle, and all they were told. */
export class Player extends EventEmitter {
  /**
   * Options: `token`, `lang`, `style`, `transports`, `book` (frames seen by all), `resume` (false: never say where we
   * were).
   */
  constructor(url, { token, lang = 'en', style, book, resume = true, ...options } = {}) {
    super();
    this.setMaxListeners(0);
    Object.assign(this, { token, book, faults: [], heard: [], ends: [], course: null, line: undefined });
    const auth = (give) => give({ token: this.token, lang, style, resume: resume ? this.#whereWeWere() : undefined });
    this.socket = io(url, { auth, forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 500, ...options });
    this.socket.onAny((event, payload) => this.#hear(event, payload));
    for (const event of ['connect', 'disconnect', 'connect_error']) {
      this.socket.on(event, (cause) => this.#note(event, cause));
    }
  }

  /** A new account, connected and ready to play. */
  static async signUp(t, url, options) {
    const player = new Player(url, options);
    t.after(() => player.leave());
    player.names = freshNames();
    await player.signUp(player.names);
    return player;
  }

  /** A player who comes with a token. */
  static async enter(t, url, token, options) {
    const player = new Player(url, { token, ...options });
    t.after(() => player.leave());
    await player.hear('session:ready');
    return player;
  }

  /** Signs up on this socket and waits until the server says it is ready. */
  async signUp(names) {
    const { token } = await this.ask('auth:signup', names);
    this.token = token;
    return this.hear('session:ready');
  }

  /** Signs in on this socket and waits until the server says it is ready. */
  async signIn({ username, password }) {
    const { token } = await this.ask('auth:signin', { username, password });
    this.token = token;
    return this.hear('session:ready');
  }

  /** Starts an automatic battle, insisting, as who asks again gets the same; its frames are followed from now on. */
  async fight(dungeon = '1', more = {}) {
    const { battle } = await this.insist('battle:auto', { dungeon, ...more });
    return battle;
  }

  /** Sends an event and answers its acknowledgement; a refusal throws. */
  async ask(event, payload = {}) {
    const answer = await this.answer(event, payload);
    if (!answer.ok) throw new Refusal(event, answer.error);
    return answer;
  }

  /** Asks again for as long as the servers say that it can't be done yet. */
  async insist(event, payload = {}, ms = 30_000) {
    const end = Date.now() + ms;
    for (;;) {
      const answer = await this.answer(event, payload);
      if (answer.ok) return answer;
      const passing = ['unavailable', 'deadline_exceeded'].includes(answer.error.code);
      if (!passing || Date.now() > end) throw new Refusal(event, answer.error);
      await away(answer.error.retryAfterMs ?? 100);
    }
  }

  /**
   * Ends the battle, insisting. Where it isn't known what became of an attempt, there may be none left for the next;
   * then the end has been told.
   */
  async stop() {
    try {
      await this.insist('battle:stop');
    } catch (refusal) {
      if (refusal.reason !== 'no_battle') throw refusal;
      const stopped = ({ battle, reason }) => battle === this.course.id && reason === 'stopped';
      await this.until(() => this.ends.some(stopped), 'the end of the battle');
    }
  }

  /** Sends an event and answers its acknowledgement, whatever it says. */
  async answer(event, ...payload) {
    const answer = new Promise((resolve) => {
      this.socket.emit(event, ...payload, (ack) => {
        // Read at once: frames may follow in the same burst.
        if (ack?.ok && ack.battle && /^battle:(auto|hunt)$/.test(event)) this.#follow(ack.battle);
        resolve(ack);
      });
    });
    return within(30_000, answer, () => `an answer to ${event}; ${this.story()}`);
  }

  /** The first event of that name that was or will be heard and was not taken before. */
  async hear(name, ms = 30_000) {
    const entry = () => this.heard.find((heard) => heard.event === name && !heard.taken);
    await this.until(() => entry(), `"${name}"`, ms);
    const heard = entry();
    heard.taken = true;
    return heard.payload;
  }

  /** Waits, event by event, until `condition` holds. */
  async until(condition, what, ms = 30_000) {
    if (condition()) return;
    let check;
    const holds = new Promise((resolve, reject) => {
      check = () => {
        if (this.faults.length) reject(this.faults[0]);
        else if (condition()) resolve();
      };
      this.on('news', check);
    });
    await within(ms, holds, () => `${what}; ${this.story()}`).finally(() => this.off('news', check));
  }

  /** Waits until the battle has come to frame `seq`, or the character has fallen: then it lies still for a minute. */
  async reach(seq, ms) {
    await this.until(() => this.course && (this.course.seq >= seq || this.course.fallen), `frame ${seq}`, ms);
  }

  /** Waits until all has been heard that has happened. */
  async catchUp() {
    const { head } = await this.ask('battle:sync', { after: this.course.seq });
    await this.until(() => this.course.seq >= head, `frame ${head}`);
  }

  /** Loses the connection in mid-sentence, as on a bad network, and stays away until `back`. */
  cut() {
    this.socket.io.reconnection(false);
    const { engine } = this.socket.io;
    if (engine.transport.ws?._socket) engine.transport.ws._socket.destroy();
    else engine.close();
  }

  /** Connects again and waits for the server's word. */
  async back(ms) {
    await this.until(() => !this.socket.connected, 'the end of the connection');
    this.forget('session:ready');
    this.socket.io.reconnection(true);
    this.socket.connect();
    return this.hear('session:ready', ms);
  }

  /** Takes what was heard of a kind until now for granted. */
  forget(event) {
    for (const heard of this.heard) heard.taken ||= heard.event === event;
  }

  /** Closes the socket for good. */
  leave() {
    this.socket.disconnect();
    this.removeAllListeners();
  }

  /** What happened last, for messages. */
  story() {
    const told = ({ event, payload }) => `${event} ${JSON.stringify(payload)?.slice(0, 160)}`;
    const last = this.heard.slice(-8).map(told);
    return `at frame ${this.course?.seq}; heard last:\n  ${last.join('\n  ')}`;
  }

  #whereWeWere() {
    const { course, line } = this;
    if (!course && !line) return undefined;
    return { battle: course ? { id: course.id, seq: course.seq } : undefined, chat: line };
  }

  #follow(battle, joined = false) {
    if (this.course?.id !== battle.id) this.course = new Course(battle, { book: this.book, joined });
  }

  #hear(event, payload) {
    try {
      if (event === 'session:ready' && payload.battle) this.#follow(payload.battle, true);
      else if (event === 'battle:frame') this.#of(payload).frame(payload);
      else if (event === 'battle:digest' || event === 'battle:report') this.#of(payload).summary(payload);
      else if (event === 'battle:end') this.ends.push(payload);
      else if (event === 'chat:message') this.#heardUpTo(payload);
    } catch (fault) {
      this.faults.push(fault);
    }
    if (event === 'battle:frame') this.emit('news');
    else this.#note(event, payload);
  }

  #heardUpTo({ room, epoch, offset }) {
    this.line = { room, epoch, offset };
  }

  #of({ battle }) {
    if (this.course?.id !== battle) throw new Error(`news of an unknown battle ${battle}; ${this.story()}`);
    return this.course;
  }

  #note(event, payload) {
    this.heard.push({ event, payload, taken: false });
    this.emit('news');
  }
}
