// A server that goes away lets its players go one by one: each is told when, is served until then, and nobody new comes
// in.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { crew } from '../lib/crew.js';
import { Player } from '../lib/player.js';
import { ONE_PROCESS, Server } from '../lib/server.js';

const PLAYERS = 40;

/** The shortest time over which players are spread. */
const WINDOW_MS = 1_000;

test('players are served until the moment each was told', { skip: ONE_PROCESS }, async (t) => {
  const server = await Server.start(t, { 'tick-ms': 50 });
  const book = new Map();
  const players = await crew(Array.from({ length: PLAYERS }), 8, (_, i) => {
    return Player.signUp(t, server.nextUrl(), { book, transports: [i % 4 === 0 ? 'polling' : 'websocket'] });
  });
  await Promise.all(players.map((player) => player.fight('1')));
  await Promise.all(players.map((player) => player.reach(10)));

  const stays = players.map((player) => stay(player));
  const stopped = server.stop('SIGTERM');
  const told = await Promise.all(stays);
  assert.equal(await stopped, 0);

  // A crowded machine answers late, all of them alike.
  const enough = Math.max(500, 2 * Math.max(...told.map(({ took }) => took ?? 0)));
  t.diagnostic(`${told.filter(({ took }) => took !== undefined).length} of ${PLAYERS} answered, within ${enough / 2} ms`);
  for (const { delay, lasted, took, why } of told) {
    assert.ok(delay <= WINDOW_MS, `told to leave in ${delay} ms`);
    assert.match(why, /transport (close|error)/);
    // The word may have been read a little late, but not by half of a second.
    assert.ok(delay < 500 || lasted > 0, `let go at once, ${delay} ms were promised`);
    assert.ok(lasted < enough || took !== undefined, `an event was not answered within ${lasted} ms`);
  }
  const delays = told.map(({ delay }) => delay);
  assert.ok(Math.max(...delays) - Math.min(...delays) > WINDOW_MS / 4, `all at once: ${delays}`);

  players.forEach((player) => player.forget('session:ready'));
  await server.restart();
  await Promise.all(players.map((player) => player.hear('session:ready')));
  await Promise.all(players.map((player) => player.reach(player.course.seq + 5)));
  for (const player of players) {
    assert.deepEqual(player.faults, []);
    assert.equal(player.course.frames, player.course.seq, 'every frame as a frame');
  }
});

test('a server that goes away takes nobody in', { skip: ONE_PROCESS }, async (t) => {
  const server = await Server.start(t);
  const player = await Player.signUp(t, server.nextUrl());
  const draining = once(player.socket, 'system:draining');
  const stopped = server.stop('SIGTERM');
  await draining;
  const answer = await fetch(`${server.nextUrl()}/socket.io/?EIO=4&transport=polling`).catch((refused) => refused);
  // The player may have been let go, and the server be gone, within the same millisecond.
  assert.ok(answer instanceof Error || answer.status === 503, `status ${answer.status}`);
  assert.equal(await stopped, 0);
});

/** What a player sees of the drain: what was promised, and what came until the transport closed. */
async function stay(player) {
  const { reconnectInMs: delay } = await player.hear('system:draining');
  const [began, closed] = [performance.now(), once(player.socket, 'disconnect')];
  let took;
  // Whoever is let go too soon for it gets no answer, and the client doesn't ask again.
  player.socket.emit('character:get', ({ ok }) => (took = ok ? performance.now() - began : undefined));
  const why = await closed;
  return { delay, lasted: performance.now() - began, took, why };
}

function once(socket, event) {
  return new Promise((resolve) => socket.once(event, resolve));
}
