// Keys, and claims that are not true: what is sent twice happens once, and nobody is believed to have had what never
// was.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { io } from 'socket.io-client';

import { Player } from '../lib/player.js';
import { Server } from '../lib/server.js';
import { within } from '../lib/time.js';

/** Who only lost the connection is missed after 15 s. */
const BEFORE_THE_GRACE_MS = 10_000;

test('a line is said once under its key, also after a restart', async (t) => {
  const server = await Server.start(t);
  const player = await Player.signUp(t, server.nextUrl());
  const first = await player.ask('chat:send', { text: 'once', key: 'k' });
  player.leave();
  await server.stop();
  await server.restart();

  const again = await Player.enter(t, server.nextUrl(), player.token);
  assert.deepEqual(await again.ask('chat:send', { text: 'once', key: 'k' }), first);
});

test('an account has one space of keys for all it does', async (t) => {
  const server = await Server.start(t);
  const player = await Player.signUp(t, server.nextUrl());
  await player.ask('chat:send', { text: 'one', key: 'line' });
  await player.ask('battle:auto', { dungeon: '1', key: 'fight' });
  const used = { code: 'invalid_argument', field: 'key' };
  await assert.rejects(player.ask('chat:send', { text: 'other', key: 'line' }), used);
  await assert.rejects(player.ask('chat:send', { text: 'one', key: 'fight' }), used);
  await assert.rejects(player.ask('battle:stop', { key: 'line' }), used);
});

test('a refusal is no first answer', async (t) => {
  const server = await Server.start(t);
  const player = await Player.signUp(t, server.nextUrl());
  await assert.rejects(player.ask('battle:stop', { key: 'k' }), { reason: 'no_battle' });
  await player.fight('1');
  await player.ask('battle:stop', { key: 'k' });
});

test('a token asked for twice leaves every one good', async (t) => {
  const server = await Server.start(t);
  const player = await Player.signUp(t, server.nextUrl());
  const fresh = [];
  for (let n = 0; n < 2; n += 1) fresh.push((await player.ask('auth:refresh', { key: 'k' })).token);
  player.leave();
  for (const token of [player.token, ...fresh]) (await Player.enter(t, server.nextUrl(), token)).leave();
});

test('a client that claims frames never made hears all that come', async (t) => {
  const server = await Server.start(t, { 'tick-ms': 100 });
  const player = await Player.signUp(t, server.nextUrl());
  const { id } = await player.fight('1');
  await player.reach(3);
  player.leave();

  const resume = { battle: { id, seq: 100_000 } };
  const again = io(server.nextUrl(), { auth: { token: player.token, resume }, forceNew: true });
  t.after(() => again.disconnect());
  const ready = new Promise((resolve) => again.once('session:ready', resolve));
  const frame = new Promise((resolve) => again.once('battle:frame', resolve));
  const { battle } = await within(5_000, ready, () => 'the welcome');
  const { seq } = await within(5_000, frame, () => 'the next frame');
  assert.equal(seq, battle.seq + 1);
});

test('a client that claims lines never said is not told that it missed none', async (t) => {
  const server = await Server.start(t);
  const player = await Player.signUp(t, server.nextUrl());
  await player.ask('chat:send', { text: 'one' });
  await player.hear('chat:message');
  player.cut();
  player.line.offset += 1_000;
  assert.equal((await player.back()).resumed.chat, false);
  await player.ask('chat:send', { text: 'two' });
  assert.equal((await player.hear('chat:message')).text, 'two');
});

test('a deleted player hears the end of the battle, and leaves the room at once', async (t) => {
  const server = await Server.start(t);
  const [one, two] = [await Player.signUp(t, server.nextUrl()), await Player.signUp(t, server.nextUrl())];
  await one.hear('chat:presence');
  await two.fight('1');
  await two.reach(1);
  await two.ask('account:delete', { password: two.names.password });
  assert.deepEqual(two.ends.map(({ reason }) => reason), ['deleted']);
  const { left, count } = await one.hear('chat:presence', BEFORE_THE_GRACE_MS);
  assert.deepEqual([left, count], [two.names.character, 1]);
});
