// Players of two gateways are one crowd, and it doesn't matter which process has what.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Cluster } from '../lib/cluster.js';
import { Company } from '../lib/company.js';
import { Player } from '../lib/player.js';
import { eventually } from '../lib/time.js';
import { BattleTools } from '../lib/tools.js';

/** So many that each of two battle-svc is all but sure to have one of their battles. */
const FIGHTERS = 12;

/** What has to be zero when everybody has gone. */
const GAUGES = ['gateway_sockets', 'gateway_sessions', 'gateway_battles', 'gateway_rooms', 'battle_watchers'];

/** Who has left is missed after this long; so a reconnect makes no noise. */
const GRACE_MS = 15_000;

test('players of two gateways share a lobby', async (t) => {
  const cluster = await Cluster.start(t);
  const [here, there] = cluster.all('gateway').map(({ url }) => url);
  const one = await Player.signUp(t, here);
  const two = await Player.signUp(t, there);
  await told(one, 'joined', two, 2);
  const three = await Player.signUp(t, here);
  await told(one, 'joined', three, 3);
  await told(two, 'joined', three, 3);

  const offsets = [];
  for (const [i, player] of [one, two, three].entries()) {
    offsets.push((await player.ask('chat:send', { text: `line ${i}` })).offset);
  }
  for (const player of [one, two, three]) {
    for (const [i, speaker] of [one, two, three].entries()) {
      const { from, text, offset } = await player.hear('chat:message');
      assert.deepEqual([from, text, offset], [speaker.names.character, `line ${i}`, offsets[i]]);
    }
  }

  three.leave();
  await told(one, 'left', three, 2);
  await told(two, 'left', three, 2);
});

test('the newer of two tabs plays, whichever gateways they came by', async (t) => {
  const cluster = await Cluster.start(t, { 'tick-ms': 100 });
  const [here, there] = cluster.all('gateway');
  let first = await Player.signUp(t, here.url);
  await first.fight('1');
  await first.reach(3);
  for (const gateway of [there, here, there]) {
    const second = await Player.enter(t, gateway.url, first.token);
    assert.equal((await first.hear('session:replaced')).reason, 'another_tab');
    await first.until(() => first.socket.disconnected, 'the end of the connection');
    await second.until(() => second.course.reports === 1, 'a report');
    await second.reach(second.course.seq + 5);
    assert.deepEqual(second.faults, []);
    first = second;
  }
});

test('a battle is served whichever battle-svc has it, and any of them answers for it', async (t) => {
  const cluster = await Cluster.start(t, { 'tick-ms': 200 });
  const company = await Company.gather(t, cluster.all('gateway').map(({ url }) => url), FIGHTERS);
  const services = cluster.all('battle-svc');
  const tools = services.map((service) => new BattleTools(t, service));

  const owners = await company.each(async ({ course }) => {
    const [one, other] = await Promise.all(tools.map((tool) => tool.battle(course.id)));
    assert.deepEqual([one.owner, one.epoch], [other.owner, other.epoch]);
    assert.ok(services.some(({ name }) => name === one.owner), one.owner);
    return one.owner;
  });
  assert.equal(new Set(owners).size, services.length, `owners: ${owners}`);

  await company.each(async ({ course }) => {
    for (const frames of await Promise.all(tools.map((tool) => tool.watch(course.id, 3)))) {
      assert.deepEqual(frames.map(({ seq }) => seq - frames[0].seq), [0, 1, 2]);
    }
  });
  await company.settle(cluster, tools[0]);

  company.players.forEach((player) => player.leave());
  const left = async () => {
    const metrics = await cluster.metrics();
    return GAUGES.filter((gauge) => metrics.sum(gauge) !== 0);
  };
  await eventually(60_000, async () => (await left()).length === 0, async () => `gone: ${await left()}`);
});

/** Waits until a player hears that another has come or gone, and how many there are then. */
async function told(player, what, who, count) {
  const { character } = who.names;
  const news = () => player.heard.find(({ event, payload }) => event === 'chat:presence' && payload[what] === character);
  await player.until(news, `that ${character} has ${what}`, 3 * GRACE_MS);
  assert.equal(news().payload.count, count);
}
