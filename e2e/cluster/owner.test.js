// The process that has a battle dies or stands still: another goes on, nobody sees a hole or a repeat, nothing is paid
// twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Cluster } from '../lib/cluster.js';
import { Company } from '../lib/company.js';
import { promised } from '../lib/promised.js';
import { away, eventually } from '../lib/time.js';
import { BattleTools } from '../lib/tools.js';
import { Wire } from '../lib/wire.js';

const FIGHTERS = 12;

/** How soon after any one fault a watched battle goes on. */
const PROMISED_MS = 15_000;

/** How soon everything has settled, such as that one that woke has let go of all it had. */
const SETTLED_MS = 45_000;

const FROZEN_MS = 20_000;

/** So long that nobody falls before the story is told: who lies still makes no frame for a minute. */
const TICK_MS = 500;

/** A cluster with fighters, and the battle-svc that has the most of their battles. */
async function scene(t) {
  const cluster = await Cluster.start(t, { 'tick-ms': TICK_MS, 'save-every': '5s' });
  const company = await Company.gather(t, cluster.all('gateway').map(({ url }) => url), FIGHTERS);
  const tools = new Map(cluster.all('battle-svc').map((service) => [service.name, new BattleTools(t, service)]));
  const before = await whereabouts(company, tools.get('battle-svc-1'));
  const [victim] = before.map(({ owner }) => owner).sort((a, b) => count(before, b) - count(before, a));
  const [heir] = [...tools.keys()].filter((name) => name !== victim);
  return { cluster, company, tools, before, victim: cluster.named(victim), heir };
}

for (const signal of ['SIGKILL', 'SIGTERM']) {
  test(`${signal} of the owner`, async (t) => {
    const { cluster, company, tools, before, victim, heir } = await scene(t);
    const silence = await company.silence(() => victim.stop(signal));
    t.diagnostic(`${count(before, victim.name)} of ${FIGHTERS} battles taken over`);
    promised(t, 'the longest silence', silence, PROMISED_MS);

    // Who has fallen awaits no frame, and may not have been found by its heir yet.
    const owned = async () => (await whereabouts(company, tools.get(heir))).every(({ owner }) => owner === heir);
    await eventually(SETTLED_MS, owned, () => `all is ${heir}'s`);
    for (const [i, now] of (await whereabouts(company, tools.get(heir))).entries()) {
      if (before[i].owner === heir) assert.equal(now.epoch, before[i].epoch, 'what lives is left alone');
      else assert.ok(now.epoch > before[i].epoch, `${now.epoch} after ${before[i].epoch}`);
    }
    await victim.restart();
    await company.goOn(5);
    await company.settle(cluster, tools.get(victim.name));
  });
}

test('an owner that stood still for 20 s wakes and can write nothing', async (t) => {
  const { cluster, company, tools, before, victim, heir } = await scene(t);
  const silence = await company.silence(async () => {
    victim.freeze();
    await away(FROZEN_MS);
  });
  t.diagnostic(`${count(before, victim.name)} of ${FIGHTERS} battles taken over`);
  promised(t, 'the longest silence', silence, PROMISED_MS);
  const after = await whereabouts(company, tools.get(heir));
  for (const { owner } of after) assert.equal(owner, heir);

  victim.thaw();
  const inMemory = async () => (await victim.metrics()).sum('battles_in_memory');
  const still = async () => `the woken lets go: ${await inMemory()} battles`;
  await eventually(SETTLED_MS, async () => (await inMemory()) === 0, still);
  await company.goOn(10);
  assert.deepEqual(await whereabouts(company, tools.get(victim.name)), after);
  await company.settle(cluster, tools.get(victim.name));
});

test('an owner that Redis hears again just after its battles were taken shows nothing of its own', async (t) => {
  const cluster = await Cluster.start(t, { 'tick-ms': TICK_MS, log: 'warn,battle_svc=info' }, { each: 1 });
  const wire = await Wire.lay(t, cluster.redis.url);
  const victim = await cluster.add('battle-svc', 'battle-svc-2', { 'redis-url': wire.url });
  const heir = cluster.named('battle-svc-1');
  const tools = new BattleTools(t, heir);
  const company = await Company.gather(t, [cluster.nextUrl()], FIGHTERS);
  const before = await whereabouts(company, tools);
  const deposed = company.players.filter((_, i) => before[i].owner === victim.name);
  t.diagnostic(`${deposed.length} of ${FIGHTERS} battles are the victim's`);
  assert.ok(deposed.length > 0);

  wire.cut();
  await eventually(20_000, () => heir.log(100).includes('instance gone'), () => heir.log(20));
  // What somebody watches there is taken over.
  await Promise.all(deposed.map((player) => tools.watch(player.course.id, 1)));
  wire.mend();
  const stopped = await Promise.all(deposed.map((player) => player.insist('battle:stop')));
  await Promise.all(deposed.map(async (player, i) => {
    await player.until(() => player.ends.some(({ battle }) => battle === player.course.id), 'the end', SETTLED_MS);
    assert.equal(player.course.seq, stopped[i].battle.seq, `nothing after its end; ${player.story()}`);
  }));
  await company.settle(cluster, tools);
});

/** Who has each battle, and under which epoch. */
function whereabouts(company, tools) {
  return company.each(async ({ course }) => {
    const { owner, epoch } = await tools.battle(course.id);
    return { owner, epoch };
  });
}

function count(places, name) {
  return places.filter(({ owner }) => owner === name).length;
}
