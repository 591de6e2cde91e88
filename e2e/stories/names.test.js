// Names: two at once, the many spellings of one, and what a stranger may learn from a failed sign-in.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Player, freshNames } from '../lib/player.js';
import { Server } from '../lib/server.js';

const TRIES = 15;

/** How much longer the slower of two answers may take, as a ratio of the fastest. */
const ALIKE = 1.5;

function newcomer(t, server, options) {
  const player = new Player(server.nextUrl(), options);
  t.after(() => player.leave());
  return player;
}

test('of two who want one name at once exactly one gets it', async (t) => {
  const server = await Server.start(t);
  for (const field of ['username', 'character']) {
    for (let round = 0; round < 10; round += 1) {
      const wanted = freshNames()[field];
      const answers = await Promise.all(
        [0, 1].map(() => newcomer(t, server).answer('auth:signup', { ...freshNames(), [field]: wanted })),
      );
      const [refused] = answers.filter(({ ok }) => !ok);
      assert.equal(answers.filter(({ ok }) => ok).length, 1, JSON.stringify(answers));
      assert.deepEqual([refused.error.code, refused.error.field], ['already_exists', field]);
    }
  }
});

test('another spelling of a taken name is that name', async (t) => {
  const server = await Server.start(t);
  const taken = { username: 'Wanderer', password: 'correct horse', character: '하늘바람9' };
  await newcomer(t, server).signUp(taken);

  const spelled = [
    ['username', 'wanderer'],
    ['username', 'WANDERER'],
    ['character', '하늘바람9'.normalize('NFD')],
  ];
  for (const [field, name] of spelled) {
    const { error } = await newcomer(t, server).answer('auth:signup', { ...freshNames(), [field]: name });
    assert.deepEqual([error?.code, error?.field], ['already_exists', field], name);
  }
  for (const [field, name] of [['username', 'Ｗａｎｄｅｒｅｒ'], ['character', '하늘바람９'], ['character', 'ﾊﾈﾙ']]) {
    const { error } = await newcomer(t, server).answer('auth:signup', { ...freshNames(), [field]: name });
    assert.deepEqual([error?.code, error?.field], ['invalid_argument', field], name);
  }
  await newcomer(t, server).signIn({ ...taken, username: 'wANDERER' });
});

test('a wrong password and an unknown name cannot be told apart', async (t) => {
  const server = await Server.start(t, { 'bcrypt-cost': 8, limits: 'off' });
  const player = await Player.signUp(t, server.nextUrl());
  const attempts = {
    'wrong password': () => ({ username: player.names.username, password: 'not the one' }),
    'unknown name': () => ({ username: freshNames().username, password: 'not the one' }),
  };
  const seen = {};
  for (const kind of Object.keys(attempts)) seen[kind] = { texts: new Set(), times: [] };
  for (let i = 0; i < TRIES; i += 1) {
    for (const [kind, words] of Object.entries(attempts)) {
      const guest = newcomer(t, server);
      await guest.hear('connect');
      const began = performance.now();
      const { error } = await guest.answer('auth:signin', words());
      const ms = performance.now() - began;
      guest.leave();
      // So many of a known account are refused without a look at the password.
      if (error.code === 'resource_exhausted') break;
      seen[kind].times.push(ms);
      seen[kind].texts.add(JSON.stringify(error));
    }
  }
  const [wrong, unknown] = Object.values(seen);
  // A crowded machine only ever adds to what an answer costs; the fastest says most of it.
  const [a, b] = [wrong, unknown].map(({ times }) => Math.min(...times));
  t.diagnostic(`the fastest: wrong password ${a.toFixed(1)} ms, unknown name ${b.toFixed(1)} ms`);
  assert.equal([...wrong.texts][0], [...unknown.texts][0]);
  assert.match([...wrong.texts][0], /"unauthenticated"/);
  assert.ok(Math.max(a, b) / Math.min(a, b) < ALIKE, `${a} ms and ${b} ms`);
});

test('the same key of the same sign-up happens once', async (t) => {
  const server = await Server.start(t);
  const names = freshNames();
  const first = await newcomer(t, server).answer('auth:signup', { ...names, key: 'once' });
  const again = await newcomer(t, server).answer('auth:signup', { ...names, key: 'once' });
  assert.ok(first.ok && again.ok, JSON.stringify([first, again]));
  assert.equal(first.character.id, again.character.id);
});
