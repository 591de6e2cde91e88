// The laws of the contract, as a course that every frame, digest and report of one battle must follow.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

const MAX_LEVEL = 100;

/** Experience at which each level is left: the table every client may compute by itself. */
const THRESHOLDS = (() => {
  const thresholds = [];
  for (let i = 1, step = 50, sum = 0; i < MAX_LEVEL; i += 1) {
    if (i > 1) step += 20 * (Math.floor(i / 5) + 1) ** 2;
    thresholds.push((sum += step));
  }
  return thresholds;
})();

/** The level that so much experience makes. */
export function levelOf(exp) {
  const above = THRESHOLDS.findIndex((threshold) => exp < threshold);
  return above === -1 ? MAX_LEVEL : above + 1;
}

/** What one player has seen of one battle. Anything against the laws throws. */
export class Course {
  /**
   * `battle` as the acknowledgement or `session:ready` gave it. `joined` says that the player comes into the middle
   * without knowing where they were: the first thing heard then says from where it counts.
   */
  constructor(battle, { book = new Map(), joined = false } = {}) {
    this.id = battle.id;
    this.book = book;
    this.joined = joined;
    this.seq = battle.seq;
    this.frames = 0;
    this.digests = 0;
    this.reports = 0;
    this.#settle(battle.vitals);
    this.tick = 0;
    this.at = 0;
  }

  /** A frame: the next number, each event following from the last, the vitals following from the events. */
  frame(frame) {
    const where = `battle ${this.id} frame ${frame.seq}: ${JSON.stringify(frame)}`;
    assert.equal(frame.battle, this.id);
    assert.ok(!this.joined, `a frame where a report was due: ${where}`);
    assert.equal(frame.seq, this.seq + 1, `after ${this.seq} came ${where}`);
    assert.ok(frame.tick >= this.tick && frame.at >= this.at, `time went back from ${this.tick}: ${where}`);
    for (const event of frame.events) this.#event(event, where);
    this.seq = frame.seq;
    this.tick = frame.tick;
    this.at = frame.at;
    this.frames += 1;
    this.#compare(frame.vitals, where);
    this.#sameForAll(frame);
  }

  /** A digest or report: it counts as all of its frames. */
  summary(summary) {
    const where = `battle ${this.id}: ${JSON.stringify(summary)}`;
    assert.equal(summary.battle, this.id);
    if (this.joined) this.#begin(summary);
    assert.equal(summary.fromSeq, this.seq + 1, `after ${this.seq} came ${where}`);
    assert.equal(summary.summary.frames, summary.toSeq - summary.fromSeq + 1, where);
    assert.equal(summary.vitals.exp, this.exp + summary.summary.exp, where);
    assert.equal(summary.vitals.gold, this.gold + summary.summary.gold, where);
    assert.equal(summary.vitals.level, levelOf(summary.vitals.exp), where);
    assert.equal(summary.vitals.level - this.level, summary.summary.levels, where);
    this.seq = summary.toSeq;
    if (summary.cause === 'away') this.reports += 1;
    else this.digests += 1;
    this.#settle(summary.vitals);
  }

  /** Whether the character is down: it makes no frames until it stands again. */
  get fallen() {
    return this.hp === 0;
  }

  #begin({ fromSeq, vitals, summary }) {
    this.joined = false;
    this.seq = fromSeq - 1;
    this.exp = vitals.exp - summary.exp;
    this.gold = vitals.gold - summary.gold;
    this.level = levelOf(this.exp);
  }

  #settle(vitals) {
    this.exp = vitals.exp;
    this.gold = vitals.gold;
    this.level = vitals.level;
    this.hp = vitals.hp;
    this.mp = vitals.mp;
    this.maxHp = vitals.maxHp;
    this.monster = vitals.monster && { ...vitals.monster };
  }

  #event(event, where) {
    switch (event.type) {
      case 'spawn':
        this.monster = { ...event.monster };
        break;
      case 'hit':
      case 'skill':
        this.monster.hp = Math.max(0, this.monster.hp - event.damage);
        assert.equal(event.monsterHp, this.monster.hp, where);
        break;
      case 'hurt':
        this.hp = Math.max(0, this.hp - event.damage);
        assert.equal(event.hp, this.hp, where);
        break;
      case 'heal':
        assert.equal(event.hp, Math.min(this.maxHp, this.hp + event.amount), where);
        this.hp = event.hp;
        break;
      case 'kill':
        assert.equal(this.monster.hp, 0, `killed alive: ${where}`);
        assert.equal(event.monster, this.monster.key, where);
        assert.ok(event.hp >= this.hp, where);
        this.hp = event.hp;
        this.exp += event.exp;
        break;
      case 'loot':
        this.gold += event.gold;
        break;
      case 'levelUp':
        assert.equal(event.level, this.level + 1, where);
        this.level = event.level;
        this.hp = this.maxHp = event.maxHp;
        break;
      case 'death':
        assert.equal(this.hp, 0, `died alive: ${where}`);
        break;
      case 'revive':
        this.hp = event.hp;
        break;
      case 'shield':
      case 'noMana':
      case 'stop':
        break;
      default:
        assert.fail(`unknown event ${event.type}: ${where}`);
    }
  }

  #compare(vitals, where) {
    assert.equal(vitals.exp, this.exp, `exp: ${where}`);
    assert.equal(vitals.gold, this.gold, `gold: ${where}`);
    assert.equal(vitals.hp, this.hp, `hp: ${where}`);
    assert.equal(vitals.level, levelOf(vitals.exp), `level: ${where}`);
    assert.equal(vitals.level, this.level, `level: ${where}`);
    assert.ok(vitals.hp >= 0 && vitals.hp <= vitals.maxHp && vitals.mp >= 0 && vitals.mp <= vitals.maxMp, where);
    if (vitals.monster) assert.equal(vitals.monster.hp, this.monster.hp, `monster: ${where}`);
  }

  /** No number may ever be seen with two contents, by whomever. */
  #sameForAll(frame) {
    const place = `${frame.battle} ${frame.seq}`;
    const hash = createHash('sha256').update(JSON.stringify(frame)).digest('base64');
    const known = this.book.get(place);
    if (known === undefined) this.book.set(place, hash);
    else assert.equal(hash, known, `two contents of one frame: ${JSON.stringify(frame)}`);
  }
}
