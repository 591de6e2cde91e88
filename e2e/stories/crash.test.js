// The program ends politely or is killed amid a hundred battles, and starts again five seconds later: nothing is lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { crew } from '../lib/crew.js';
import { Player } from '../lib/player.js';
import { Server } from '../lib/server.js';
import { away } from '../lib/time.js';
import { BattleTools } from '../lib/tools.js';

const PLAYERS = 100;

test('SIGTERM, then SIGKILL, amid a hundred battles', async (t) => {
  const server = await Server.start(t, { 'tick-ms': 200, 'save-every': '2s' });
  const book = new Map();
  // So few at a time that nobody is sent away from the queue for a password's hash.
  const places = Array.from({ length: PLAYERS });
  const players = await crew(places, 8, (_, i) => {
    return Player.signUp(t, server.nextUrl(), { book, transports: [i % 4 === 0 ? 'polling' : 'websocket'] });
  });
  await Promise.all(players.map((player) => player.fight('1')));
  await everybody(players, (player) => player.reach(10));

  for (const signal of ['SIGTERM', 'SIGKILL']) {
    players.forEach((player) => player.forget('session:ready'));
    const before = players.map((player) => player.course.seq);
    assert.equal(await server.stop(signal), signal === 'SIGTERM' ? 0 : null);
    await away(5_000);
    await server.restart();

    await everybody(players, (player) => player.hear('session:ready'));
    // By the clock: five seconds of absence are at least twenty ticks of 200 ms.
    await everybody(players, (player) => player.reach(before[players.indexOf(player)] + 20));
  }

  await everybody(players, (player) => player.stop());
  const tools = new BattleTools(t, server);
  for (const player of players) {
    const { verified, differences, frames } = await tools.verify(player.course.id);
    assert.ok(verified, `${player.course.id}: ${differences}`);
    assert.equal(frames, player.course.seq);
    assert.equal(player.course.frames, player.course.seq, 'every frame as a frame');
    const { character } = await player.insist('character:get');
    assert.deepEqual([character.exp, character.gold], [player.course.exp, player.course.gold]);
  }
});

test('two witnesses of one battle see the same frames across a kill', async (t) => {
  const server = await Server.start(t, { 'tick-ms': 50, 'save-every': '60s' });
  const book = new Map();
  const player = await Player.signUp(t, server.nextUrl(), { book });
  await player.fight('1');
  await player.reach(40);
  const { frames } = await player.ask('battle:sync', { after: 0 });

  player.forget('session:ready');
  await server.stop('SIGKILL');
  await server.restart();
  await player.hear('session:ready');
  const again = await player.ask('battle:sync', { after: 0 });
  assert.deepEqual(again.frames.slice(0, frames.length), frames);
});

function everybody(players, step) {
  return Promise.all(
    players.map(async (player) => {
      await step(player);
      assert.deepEqual(player.faults, []);
    }),
  );
}
