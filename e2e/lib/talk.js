// Lines that everybody has to hear once, whatever befalls the way between. One that was refused may be heard, as it
// isn't known what became of it, but never twice.

import assert from 'node:assert/strict';

import { away } from './time.js';

const AGAIN_MS = 100;

let lines = 0;

export class Talk {
  /** The players of one room, all of whom hear what any of them says. */
  constructor(players) {
    this.players = players;
    this.said = [];
  }

  /** Says a line, and if it isn't taken another, until one is; answers how many were refused. */
  async say(speaker) {
    for (let refused = 0; ; refused += 1) {
      lines += 1;
      const text = `line ${lines}`;
      const { ok, error } = await speaker.answer('chat:send', { text });
      if (ok) {
        this.said.push(text);
        return refused;
      }
      assert.match(error.code, /^(unavailable|deadline_exceeded)$/, JSON.stringify(error));
      await away(AGAIN_MS);
    }
  }

  /** Waits until everybody has heard everything that was said. */
  async heard(ms) {
    const hears = (player) => {
      return player.until(() => this.missing(player).length === 0, `lines ${this.missing(player)}`, ms);
    };
    await Promise.all(this.players.map(hears));
  }

  /** Nobody heard a line twice, nor one before its time. */
  check() {
    for (const player of this.players) {
      const messages = heardBy(player);
      const texts = messages.map(({ text }) => text);
      assert.equal(new Set(texts).size, texts.length, `${player.names.character} heard ${texts}`);
      for (const [i, { epoch, offset }] of messages.entries()) {
        const before = messages[i - 1];
        if (before?.epoch === epoch) assert.ok(offset > before.offset, `${offset} after ${before.offset}`);
      }
    }
  }

  /** Which lines a player has not heard. */
  missing(player) {
    const texts = new Set(heardBy(player).map(({ text }) => text));
    return this.said.filter((text) => !texts.has(text));
  }
}

function heardBy({ heard }) {
  return heard.filter(({ event }) => event === 'chat:message').map(({ payload }) => payload);
}
