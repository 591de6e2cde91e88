// One live session per account: the newest sign-in, the newest tab. The older one is closed and can do nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Player } from '../lib/player.js';
import { RawSocket } from '../lib/raw.js';
import { Server } from '../lib/server.js';
import { eventually } from '../lib/time.js';

/** Waits for a player's end: told why, then cut off for good. */
async function seenOff(player, reason) {
  const replaced = await player.hear('session:replaced');
  assert.equal(replaced.reason, reason);
  await player.until(() => player.socket.disconnected, 'the end of the connection');
}

for (const transports of [['websocket'], ['polling']]) {
  test(`a second sign-in ends the first session, by ${transports}`, async (t) => {
    const server = await Server.start(t, { 'tick-ms': 50 });
    const first = await Player.signUp(t, server.nextUrl(), { transports });
    await first.fight('1');
    await first.reach(3);

    const second = new Player(server.nextUrl(), { transports });
    t.after(() => second.leave());
    const ready = await second.signIn(first.names);
    await seenOff(first, 'signed_in_elsewhere');
    assert.equal(ready.battle.id, first.course.id);
    await second.hear('battle:report');
    await second.reach(second.course.seq + 5);
    assert.deepEqual(second.faults, []);

    const late = new Player(server.nextUrl(), { token: first.token, transports });
    t.after(() => late.leave());
    const refused = await late.hear('connect_error');
    assert.deepEqual(refused.data.code, 'unauthenticated');
  });

  test(`of two tabs with one token the newer one plays, by ${transports}`, async (t) => {
    const server = await Server.start(t, { 'tick-ms': 50 });
    const first = await Player.signUp(t, server.nextUrl(), { transports });
    await first.fight('1');
    await first.reach(3);

    const second = await Player.enter(t, server.nextUrl(), first.token, { transports });
    await seenOff(first, 'another_tab');
    await second.until(() => second.course.reports === 1, 'a report');
    await second.reach(second.course.seq + 5);
    assert.deepEqual(second.faults, []);
  });
}

test('a replaced socket that reads nothing and has a full queue is really closed', async (t) => {
  const server = await Server.start(t, { 'tick-ms': 10, limits: 'off' });
  const player = await Player.signUp(t, server.nextUrl());
  await player.fight('1');
  await player.reach(3);

  const deaf = await RawSocket.enter(server, player.token);
  t.after(() => deaf.destroy());
  await seenOff(player, 'another_tab');
  await deaf.fill(server);
  const connections = async () => (await server.metrics()).sum('gateway_connections');
  assert.equal(await connections(), 1, 'nobody is cut off for being slow');

  const next = await Player.enter(t, server.nextUrl(), player.token);
  // Two for a moment; then only the new one, although the other end still reads nothing.
  const counted = async () => `one connection: ${await connections()}`;
  await eventually(30_000, async () => (await connections()) === 1, counted);
  await deaf.closed(15_000);
  await next.until(() => next.course.reports === 1, 'a report');
  await next.reach(next.course.seq + 5);
  assert.deepEqual(next.faults, []);
});

test('signing out ends the session and leaves the battle running', async (t) => {
  const server = await Server.start(t, { 'tick-ms': 50 });
  const player = await Player.signUp(t, server.nextUrl());
  const battle = await player.fight('1');
  await player.reach(3);
  await player.ask('auth:signout');
  await assert.rejects(player.ask('character:get'), { code: 'unauthenticated' });

  const ready = await player.signIn(player.names);
  assert.equal(ready.battle.id, battle.id);
  assert.notEqual(ready.battle.phase, 'ended');
});

test('a refreshed token works, the old one too, and neither after signing out', async (t) => {
  const server = await Server.start(t);
  const player = await Player.signUp(t, server.nextUrl());
  const old = player.token;
  const { token, expiresAt } = await player.ask('auth:refresh');
  assert.ok(expiresAt > 0);
  assert.notEqual(token, old);
  await Player.enter(t, server.nextUrl(), old);
  const latest = await Player.enter(t, server.nextUrl(), token);
  await latest.ask('auth:signout');

  for (const over of [old, token]) {
    const late = new Player(server.nextUrl(), { token: over });
    t.after(() => late.leave());
    assert.equal((await late.hear('connect_error')).data.code, 'unauthenticated');
  }
});

test('a deleted account is gone, its battle ended, its names free', async (t) => {
  const server = await Server.start(t);
  const player = await Player.signUp(t, server.nextUrl());
  await player.fight('1');
  await assert.rejects(player.ask('account:delete', { password: 'not the one' }), { code: 'permission_denied' });
  await player.ask('account:delete', { password: player.names.password });
  await player.until(() => player.socket.disconnected, 'the end of the connection');

  const again = new Player(server.nextUrl());
  t.after(() => again.leave());
  await assert.rejects(again.signIn(player.names), { code: 'unauthenticated' });
  const ready = await again.signUp(player.names);
  assert.equal(ready.battle, undefined);
  assert.equal(ready.character.exp, 0);
});

test('a session says five minutes before that it ends, and a fresh token goes on', async (t) => {
  const server = await Server.start(t, { 'session-ttl': '301s' });
  const player = await Player.signUp(t, server.nextUrl());
  const { expiresAt } = await player.hear('session:expiring');
  const fresh = await player.ask('auth:refresh');
  assert.ok(fresh.expiresAt > expiresAt, `${fresh.expiresAt} and ${expiresAt}`);
});

test('a session ends when its time is over', async (t) => {
  const server = await Server.start(t, { 'session-ttl': '1s' });
  const player = await Player.signUp(t, server.nextUrl());
  await player.until(() => player.socket.disconnected, 'the end of the connection');
});
