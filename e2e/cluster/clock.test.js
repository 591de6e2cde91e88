// The clock of single processes jumps by an hour: nobody gains by it, and nobody stands still.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Cluster } from '../lib/cluster.js';
import { Company } from '../lib/company.js';
import { Player } from '../lib/player.js';
import { away } from '../lib/time.js';
import { BattleTools } from '../lib/tools.js';

const FIGHTERS = 12;
const TICK_MS = 250;

/** Frames come every 250 ms; a crowded machine may be this late, and an hour is far beyond it. */
const LATE_MS = 10_000;

/** A session's life, by the database's clock: shorter than the jump, longer than the story. */
const A_LIFE_MS = 30 * 60_000;

const SHIFTED = ['user-svc-1', 'battle-svc-1', 'chat-svc-1', 'gateway-1'];

for (const offset of ['+1h', '-1h']) {
  test(`clocks jump by ${offset}`, async (t) => {
    const flags = { 'tick-ms': TICK_MS, 'save-every': '2s', 'detach-after': '500ms', 'lease-ttl': '2s', 'session-ttl': '30m' };
    const cluster = await Cluster.start(t, flags, { clocks: SHIFTED });
    const company = await Company.gather(t, cluster.all('gateway').map(({ url }) => url), FIGHTERS);
    const began = performance.now();
    const before = company.players.map(({ course }) => course.tick);
    const elapsed = () => (performance.now() - began) / TICK_MS;
    const straight = () => company.each(({ course }, i) => {
      if (course.fallen) return;
      const ticks = course.tick - before[i];
      assert.ok(Math.abs(ticks - elapsed()) < LATE_MS / TICK_MS, `${ticks} ticks in the time of ${elapsed()}`);
      assert.ok(Math.abs(course.at - Date.now()) < LATE_MS, `${course.at} at ${Date.now()}`);
    });

    const silence = await company.silence(async () => {
      for (const name of SHIFTED) cluster.shift(name, offset);
      await company.goOn(20);
    });
    assert.ok(silence < LATE_MS, `${silence} ms`);
    await straight();
    await company.each(async (player) => {
      const { expiresAt } = await player.ask('auth:refresh');
      assert.ok(Math.abs(expiresAt - Date.now() - A_LIFE_MS) < LATE_MS, `a session's life ends ${new Date(expiresAt)}`);
    });

    // Everybody goes away so long that their battles are let go of, and comes back; sessions are as good as before.
    company.players.forEach((player) => player.cut());
    await away(5_000);
    await company.each((player) => player.back());
    await company.goOn(5);
    await straight();

    // A process with a wrong clock takes over what one with a true clock had, and the other way round.
    for (const name of ['battle-svc-2', 'battle-svc-1']) {
      await cluster.named(name).stop('SIGKILL');
      await company.goOn(5);
      await straight();
      await cluster.named(name).restart();
    }
    await Promise.all(cluster.all('gateway').map(({ url }) => Player.signUp(t, url)));
    const expiring = company.players.filter(({ heard }) => heard.some(({ event }) => event === 'session:expiring'));
    assert.equal(expiring.length, 0, 'nobody was told of an end that is half an hour off');
    await company.settle(cluster, new BattleTools(t, cluster.named('battle-svc-1')));
  });
}
