// MariaDB is killed and started again, or stands still: automatic battles go on, nothing else pretends to, nothing is lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Cluster } from '../lib/cluster.js';
import { Company } from '../lib/company.js';
import { MariaDb } from '../lib/mariadb.js';
import { Player } from '../lib/player.js';
import { away } from '../lib/time.js';
import { BattleTools } from '../lib/tools.js';

const FIGHTERS = 8;

const GONE_MS = 20_000;

/** How soon all is well again. Nobody promises a time; on a crowded machine it takes some. */
const SOON_MS = 60_000;

/** Frames come every 250 ms and don't go by the database; a crowded machine may be this late. */
const NEVER_MS = 5_000;

const FAULTS = {
  'killed and started again': { begin: (mariadb) => mariadb.stop('SIGKILL'), end: (mariadb) => mariadb.start() },
  'frozen for 20 s': { begin: (mariadb) => mariadb.freeze(), end: (mariadb) => mariadb.thaw() },
};

for (const [what, { begin, end }] of Object.entries(FAULTS)) {
  test(`MariaDB ${what}`, async (t) => {
    const mariadb = await MariaDb.start();
    t.after(() => mariadb.clear());
    const cluster = await Cluster.start(t, { 'tick-ms': 250, 'save-every': '2s' }, { mariadb });
    const company = await Company.gather(t, cluster.all('gateway').map(({ url }) => url), FIGHTERS);
    const idle = await Player.signUp(t, cluster.nextUrl());
    const [hasty, traveller] = company.players;

    const silence = await company.silence(async () => {
      await begin(mariadb);
      const over = away(GONE_MS);
      const refused = await Promise.all([
        hasty.answer('battle:stop', {}),
        idle.answer('battle:auto', { dungeon: '1' }),
        idle.answer('auth:refresh', {}),
      ]);
      for (const { ok, error } of refused) assert.deepEqual([ok, error?.code], [false, 'unavailable'], JSON.stringify(refused));
      // What needs no database goes on.
      await idle.ask('chat:send', { text: 'anybody there?' });
      await company.each((player) => player.hear('chat:message'));
      await over;
      await end(mariadb);
    });
    t.diagnostic(`the longest silence was ${silence.toFixed()} ms`);
    assert.ok(silence < NEVER_MS, `${silence} ms without a frame`);

    // What was refused has not happened.
    const { battle } = await hasty.ask('battle:sync', { after: hasty.course.seq });
    assert.notEqual(battle.phase, 'ended');
    await assert.rejects(idle.ask('battle:stop'), { reason: 'no_battle' });

    traveller.cut();
    await traveller.back();
    await company.goOn(10);
    await idle.fight('1');
    await company.settle(cluster, new BattleTools(t, cluster.named('battle-svc-1')));
  });
}

test('who comes back while MariaDB is away is let in when it is there again', async (t) => {
  const mariadb = await MariaDb.start();
  t.after(() => mariadb.clear());
  const cluster = await Cluster.start(t, { 'tick-ms': 250 }, { mariadb });
  const company = await Company.gather(t, cluster.all('gateway').map(({ url }) => url), 2);
  await mariadb.stop('SIGKILL');
  for (const player of company.players) player.cut();
  const back = company.players.map((player) => player.back(GONE_MS + SOON_MS));
  await away(GONE_MS);
  await mariadb.start();
  for (const { resumed } of await Promise.all(back)) assert.equal(resumed.battle, true);
  await company.settle(cluster, new BattleTools(t, cluster.named('battle-svc-1')));
});
