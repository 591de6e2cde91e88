// A thousand seeded players fight at once: every frame arrives, and when they have gone nothing is left.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { crew } from '../lib/crew.js';
import { Player } from '../lib/player.js';
import { Server } from '../lib/server.js';
import { eventually } from '../lib/time.js';

const PLAYERS = 1_000;
const AT_ONCE = 50;
const FRAMES = 10;

/** What must be zero when nobody is there. */
const GAUGES = /^(gateway_(sockets|sessions|outbox_bytes|subscriptions|battles|connections)|battle_(in_memory|watchers|catching_up)|chat_(rooms|members))\b/;

test('a thousand players fight', async (t) => {
  const server = await Server.start(t, { 'detach-after': '500ms' });
  const file = join(server.directory, 'sessions');
  await server.command('seed', '--users', String(PLAYERS), '--sessions', file);
  const tokens = readFileSync(file, 'utf8').trim().split('\n');
  assert.equal(tokens.length, PLAYERS);
  assert.equal(new Set(tokens).size, PLAYERS);

  const book = new Map();
  const players = await crew(tokens, AT_ONCE, async (token) => {
    const player = await Player.enter(t, server.url, token, { book, transports: ['websocket'] });
    await player.fight('1');
    return player;
  });
  await Promise.all(players.map((player) => player.reach(FRAMES, 60_000)));

  for (const { course, faults, heard } of players) {
    assert.deepEqual(faults, []);
    assert.equal(course.frames, course.seq, 'every frame as a frame');
    assert.equal(course.digests + course.reports, 0);
    assert.deepEqual(heard.filter(({ event }) => /error|disconnect|replaced/.test(event)), []);
  }

  players.forEach((player) => player.leave());
  const left = async () => [...(await server.metrics())].filter(([name, value]) => GAUGES.test(name) && value !== 0);
  await eventually(60_000, async () => (await left()).length === 0, async () => `gauges at zero: ${await left()}`);
  assert.ok([...(await server.metrics()).keys()].some((name) => GAUGES.test(name)), 'there are such gauges');
});
