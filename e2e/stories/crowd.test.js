// Many seeded players fight at once: every frame arrives, and when they have gone nothing is left.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { crew } from '../lib/crew.js';
import { Player } from '../lib/player.js';
import { CLUSTERED, Server } from '../lib/server.js';
import { eventually } from '../lib/time.js';

/** Fewer of a cluster, whose ten processes share the machine with theirs. */
const PLAYERS = CLUSTERED ? 300 : 1_000;
const AT_ONCE = 25;
const FRAMES = 10;

/** What is more than nothing while somebody plays, and nothing when everybody has gone. */
const GAUGES = [
  'gateway_connections',
  'gateway_sockets',
  'gateway_sessions',
  'gateway_battles',
  'gateway_rooms',
  'battles_in_memory',
  'battle_watchers',
  'chat_rooms',
  'chat_members',
];

/** What may be nothing at any moment, and has to be in the end. */
const QUEUES = ['gateway_outbox_bytes', 'battle_saves_waiting', 'battles_catching_up'];

test(`${PLAYERS} players fight`, async (t) => {
  const server = await Server.start(t, { 'detach-after': '500ms' });
  const file = join(server.directory, 'sessions');
  await server.command('seed', '--users', String(PLAYERS), '--sessions', file);
  const tokens = readFileSync(file, 'utf8').trim().split('\n');
  assert.equal(tokens.length, PLAYERS);
  assert.equal(new Set(tokens).size, PLAYERS);
  const idle = tasks(await server.metrics());

  const book = new Map();
  const players = await crew(tokens, AT_ONCE, async (token) => {
    const player = await Player.enter(t, server.nextUrl(), token, { book, transports: ['websocket'] });
    await player.insist('battle:auto', { dungeon: '1' });
    return player;
  });
  await Promise.all(players.map((player) => player.reach(FRAMES, 60_000)));

  for (const { course, faults, heard } of players) {
    assert.deepEqual(faults, []);
    assert.equal(course.frames, course.seq, 'every frame as a frame');
    assert.equal(course.digests + course.reports, 0);
    const strange = heard.filter((news) => /error|disconnect|replaced/.test(news.event) && !wasCut(news));
    assert.ok(strange.length === 0, `${JSON.stringify(strange)}; log:\n${server.log()}`);
  }
  const cuts = players.flatMap(({ heard }) => heard.filter(wasCut)).length;
  if (cuts > 0) t.diagnostic(`WARNING: ${cuts} connections cut, whose players came back and missed nothing`);

  const busy = await server.metrics();
  for (const gauge of GAUGES) assert.ok(busy.sum(gauge) > 0, `${gauge} is ${busy.sum(gauge)}`);
  players.forEach((player) => player.leave());
  const left = async () => {
    const metrics = await server.metrics();
    return [...GAUGES, ...QUEUES].filter((gauge) => metrics.sum(gauge) !== 0).concat(
      tasks(metrics) === idle ? [] : [`tasks: ${idle} before, ${tasks(metrics)} after`],
    );
  };
  await eventually(60_000, async () => (await left()).length === 0, async () => `gone: ${await left()}`);
});

/** Whose battle can't be followed within ten seconds comes back for it; a cluster on a crowded machine is that slow. */
function wasCut({ event, payload }) {
  return CLUSTERED && event === 'disconnect' && /^transport (close|error)$/.test(payload);
}

/** Which tasks live, and how many of each. */
function tasks(metrics) {
  return metrics.of('tasks_alive').filter(([, count]) => count > 0).sort().join(' ');
}
