// Cuts, absence and missed endings: whoever comes back is told every frame once, or a report that counts as them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Player } from '../lib/player.js';
import { Server } from '../lib/server.js';
import { away } from '../lib/time.js';

const PLAYERS = 20;
const CUTS_EACH = 5;

/** The most frames that are sent again. */
const WINDOW = 400;

test('a hundred cuts at random moments lose nothing and repeat nothing', async (t) => {
  const server = await Server.start(t, { 'tick-ms': 100 });

  await Promise.all(
    Array.from({ length: PLAYERS }, async (_, i) => {
      const player = await Player.signUp(t, server.nextUrl(), { transports: [i % 4 === 0 ? 'polling' : 'websocket'] });
      await player.fight('1');
      for (let cut = 0; cut < CUTS_EACH; cut += 1) {
        await away(Math.random() * 1_000);
        player.cut();
        await away(Math.random() * 5_000);
        const ready = await player.back();
        assert.equal(ready.resumed.battle, true, player.story());
      }
      await player.catchUp();
      assert.equal(player.course.frames, player.course.seq, 'every frame as a frame');
      assert.deepEqual(player.faults, []);
    }),
  );
});

test('away for more frames than are sent again: one report, then live frames', async (t) => {
  const server = await Server.start(t, { 'tick-ms': 10 });
  const told = await Promise.all(
    Array.from({ length: PLAYERS }, async () => {
      const player = await Player.signUp(t, server.nextUrl());
      await player.fight('1');
      await player.reach(10);

      player.cut();
      const left = player.course.seq;
      await away((WINDOW + 200) * 10);
      const ready = await player.back();
      await player.catchUp();
      assert.deepEqual(player.faults, []);
      if (ready.resumed.battle) {
        // Whoever fell meanwhile lies still for a minute, which makes no frames.
        assert.equal(player.course.frames, player.course.seq);
        return 'frames';
      }
      const report = await player.hear('battle:report');
      assert.equal(report.fromSeq, left + 1);
      assert.ok(report.toSeq - left > WINDOW, `${left} … ${report.toSeq}`);
      assert.deepEqual([report.cause, report.capped, report.partial], ['away', false, false]);
      assert.ok(report.awayMs >= WINDOW * 10, `${report.awayMs} ms`);
      assert.equal(player.course.reports, 1);
      return 'report';
    }),
  );
  t.diagnostic(`${told.filter((what) => what === 'report').length} of ${PLAYERS} were told by a report`);
  assert.ok(told.includes('report'));
});

test('a client that does not say where it was gets a report from where it was last served', async (t) => {
  // Long enough that no frame is on its way when the line is cut: what was sent counts as served.
  const server = await Server.start(t, { 'tick-ms': 500 });
  const player = await Player.signUp(t, server.nextUrl());
  await player.fight('1');
  await player.reach(3);
  player.cut();
  await player.until(() => !player.socket.connected, 'the cut');
  await away(1_000);

  const again = await Player.enter(t, server.nextUrl(), player.token);
  const report = await again.hear('battle:report');
  assert.ok(report.fromSeq <= player.course.seq + 1, `served to ${player.course.seq}, report from ${report.fromSeq}`);
  await again.reach(report.toSeq + 3);
  assert.deepEqual(again.faults, []);
});

test('absence counts up to the cap and no further', async (t) => {
  const server = await Server.start(t, { 'tick-ms': 10, 'idle-cap': '2s', 'detach-after': '100ms' });
  const player = await Player.signUp(t, server.nextUrl(), { resume: false });
  await player.fight('1');
  await player.reach(10);

  player.cut();
  await player.until(() => !player.socket.connected, 'the cut');
  await away(6_000);
  const again = await Player.enter(t, server.nextUrl(), player.token);
  const report = await again.hear('battle:report');
  assert.equal(report.capped, true, JSON.stringify(report));
  assert.ok(report.countedMs < report.awayMs, JSON.stringify(report));
  // The cap of 200 ticks, and what passed before the battle was let go of.
  assert.ok(report.summary.ticks <= 300, `${report.summary.ticks} ticks of 10 ms in a cap of 2 s`);
  await again.catchUp();
  assert.deepEqual(again.faults, []);
});

test('a missed end is announced at the next connect', async (t) => {
  // So slow that nobody falls before the connection is cut.
  const server = await Server.start(t, { 'tick-ms': 200 });
  const player = await Player.signUp(t, server.nextUrl());
  // Dungeon 5 kills a newcomer within ten ticks.
  await player.fight('5', { onDeath: 'stop' });
  player.cut();
  await away(3_000);

  const ready = await player.back();
  assert.equal(ready.battle.phase, 'ended', JSON.stringify(ready.battle));
  await player.until(() => player.ends.length === 1, 'battle:end');
  assert.equal(player.ends[0].reason, 'died');
  assert.equal(player.ends[0].seq, player.course.seq);
  assert.deepEqual(player.faults, []);
});

test('battle:sync gives frames again and changes nothing', async (t) => {
  const server = await Server.start(t, { 'tick-ms': 20 });
  const seen = new Map();
  const player = await Player.signUp(t, server.nextUrl());
  player.socket.on('battle:frame', (frame) => seen.set(frame.seq, frame));
  await player.fight('1');
  await player.reach(30);

  const synced = await player.ask('battle:sync', { after: 5 });
  assert.ok(synced.head >= 30);
  assert.deepEqual(
    synced.frames.slice(0, 20),
    Array.from({ length: 20 }, (_, i) => seen.get(6 + i)),
  );
  await player.reach(synced.head + 10);
  assert.deepEqual(player.faults, []);
});
