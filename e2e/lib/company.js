// Players who fight side by side while things befall the servers, and what has to be true of all of them.

import assert from 'node:assert/strict';

import { crew } from './crew.js';
import { Player } from './player.js';

/** So few at a time that nobody is sent away from the queue for a password's hash. */
const AT_ONCE = 8;

export class Company {
  #heard = new Map();
  #silence = new Map();

  /** Signs up so many players, each at the next of these URLs; they fight from now on. */
  static gather(t, urls, count) {
    const places = Array.from({ length: count });
    return Company.#assemble(places, (_, i, options) => Player.signUp(t, urls[i % urls.length], options));
  }

  /** The same with players who have tokens already: more than may sign up at once. */
  static enter(t, url, tokens) {
    return Company.#assemble(tokens, (token, _, options) => Player.enter(t, url, token, options));
  }

  static async #assemble(items, come) {
    const options = { book: new Map(), transports: ['websocket'] };
    const players = await crew(items, AT_ONCE, async (item, i) => {
      const player = await come(item, i, options);
      await player.insist('battle:auto', { dungeon: '1' });
      return player;
    });
    const company = new Company(players);
    await company.goOn(5);
    return company;
  }

  constructor(players) {
    this.players = players;
    for (const player of players) player.socket.on('battle:frame', () => this.#beat(player));
  }

  /** Waits until everybody has got so many frames more. */
  async goOn(frames, ms = 60_000) {
    const goals = this.players.map((player) => player.course.seq + frames);
    await this.each((player, i) => player.reach(goals[i], ms));
  }

  /** Lets something happen; answers the longest time in ms that anybody was without a frame from then until `done`. */
  async silence(happening) {
    const began = performance.now();
    for (const player of this.players) {
      this.#heard.set(player, player.course.fallen ? Infinity : began);
      this.#silence.set(player, 0);
    }
    await happening();
    await this.goOn(2);
    return Math.max(...this.#silence.values());
  }

  /** Does a step with everybody, of whom nobody may have seen anything against the laws. */
  each(step) {
    return Promise.all(
      this.players.map(async (player, i) => {
        const done = await step(player, i);
        assert.deepEqual(player.faults, []);
        return done;
      }),
    );
  }

  /**
   * Ends all battles, insisting, since an owner may just have changed. What was seen is what was stored, paid, and
   * computed again; and the books are sound.
   */
  async settle(cluster, tools) {
    await this.each((player) => player.stop());
    await this.each(async (player) => {
      const { course } = player;
      assert.equal(course.frames, course.seq, `every frame as a frame; ${player.story()}`);
      const { verified, differences, frames } = await tools.verify(course.id);
      assert.ok(verified, `${course.id}: ${differences}`);
      assert.equal(frames, course.seq);
      const { character } = await player.insist('character:get');
      assert.deepEqual([character.exp, character.gold], [course.exp, course.gold]);
    });
    assert.match(await cluster.command('audit'), /\nbooks: sound\n$/);
  }

  #beat(player) {
    const now = performance.now();
    const silence = now - this.#heard.get(player);
    if (silence > this.#silence.get(player)) this.#silence.set(player, silence);
    // The fallen lie still; their silence says nothing.
    this.#heard.set(player, player.course?.fallen ? Infinity : now);
  }
}
