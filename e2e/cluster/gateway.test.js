// A gateway dies: its players come back by the other, with the stock client's own reconnecting, and go on.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Balancer } from '../lib/balancer.js';
import { Cluster } from '../lib/cluster.js';
import { Company } from '../lib/company.js';
import { promised } from '../lib/promised.js';
import { BattleTools } from '../lib/tools.js';

const FIGHTERS = 12;

/** How soon after any one fault a watched battle goes on. */
const PROMISED_MS = 15_000;

/** Who was on a gateway that died is missed in the lobby when its lease has run out and they haven't come back. */
const MISSED_MS = 60_000;

test('SIGKILL of a gateway', async (t) => {
  const cluster = await Cluster.start(t, { 'tick-ms': 250 });
  const balancer = await Balancer.start(t, cluster.all('gateway'));
  const company = await Company.gather(t, [balancer.url], FIGHTERS);
  const victim = await home(cluster);
  company.players.forEach((player) => player.forget('session:ready'));

  const silence = await company.silence(() => victim.stop('SIGKILL'));
  const wasCut = ({ heard }) => heard.some(({ event }) => event === 'disconnect');
  const moved = company.players.filter(wasCut);
  t.diagnostic(`${moved.length} of ${FIGHTERS} came back by the other`);
  promised(t, 'the longest silence', silence, PROMISED_MS);
  assert.ok(moved.length > 0 && moved.length < FIGHTERS, `${moved.length} moved`);
  for (const player of moved) {
    const ready = await player.hear('session:ready');
    assert.equal(ready.resumed.battle, true);
    assert.equal(ready.resumed.chat || player.line === undefined, true);
    assert.equal(ready.chat.count, FIGHTERS, 'nobody is counted twice, nobody is missing');
  }
  await company.players[0].ask('chat:send', { text: 'still here' });
  await company.each((player) => player.until(() => said(player, 'still here'), 'the line'));

  await victim.restart();
  await company.settle(cluster, new BattleTools(t, cluster.named('battle-svc-1')));
});

test('who goes down with a gateway is missed in the lobby', async (t) => {
  const cluster = await Cluster.start(t, { 'tick-ms': 250 });
  const [here, there] = cluster.all('gateway').map(({ url }) => url);
  const [lost, witness] = (await Company.gather(t, [here, there], 2)).players;
  await cluster.named('gateway-1').stop('SIGKILL');
  lost.leave();
  await witness.until(() => left(witness).includes(lost.names.character), 'the lost is missed', MISSED_MS);
});

/** A gateway that has players. */
async function home(cluster) {
  for (const gateway of cluster.all('gateway')) {
    if ((await gateway.metrics()).sum('gateway_sockets') > 0) return gateway;
  }
  throw new Error('no gateway has players');
}

function said({ heard }, text) {
  return heard.some(({ event, payload }) => event === 'chat:message' && payload.text === text);
}

/** Whose leave a player has heard of. */
function left({ heard }) {
  return heard.filter(({ event }) => event === 'chat:presence').map(({ payload }) => payload.left);
}
