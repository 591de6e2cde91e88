// Every process is replaced while players fight whose clients have no code for it: no frame is lost, none comes twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Balancer } from '../lib/balancer.js';
import { Cluster } from '../lib/cluster.js';
import { Company } from '../lib/company.js';
import { promised } from '../lib/promised.js';
import { BattleTools } from '../lib/tools.js';

/** By hand with more: `MUD_STORY_PLAYERS=500 node --test cluster/rolling.test.js`. */
const FIGHTERS = Number(process.env.MUD_STORY_PLAYERS ?? 40);

/** How soon a watched battle goes on. */
const PROMISED_MS = 15_000;

test(`every process is replaced under ${FIGHTERS} players`, async (t) => {
  const cluster = await Cluster.start(t, { 'tick-ms': 500, 'save-every': '5s' });
  const balancer = await Balancer.start(t, cluster.all('gateway'));
  const company = await Company.enter(t, balancer.url, await cluster.seed(FIGHTERS));

  const silence = await company.silence(async () => {
    for (const service of ['user-svc', 'chat-svc', 'battle-svc', 'gateway']) {
      for (const old of cluster.all(service)) {
        const fresh = await cluster.add(service, `${old.name}.2`);
        if (service === 'gateway') {
          balancer.take(fresh);
          balancer.drop(old);
        }
        assert.equal(await cluster.retire(old.name), 0, old.log());
      }
      await company.goOn(2);
    }
  });
  promised(t, 'the longest silence', silence, PROMISED_MS);
  const moves = company.players.map(({ heard }) => heard.filter(({ event }) => event === 'disconnect').length);
  const all = moves.reduce((sum, n) => sum + n, 0);
  t.diagnostic(`${all} moves of ${FIGHTERS} players, at most ${Math.max(...moves)} of one`);
  assert.ok(moves.every((n) => n > 0), 'no gateway is the same');
  await company.settle(cluster, new BattleTools(t, cluster.named('battle-svc-1.2')));
});
