// The process that has a battle dies or stands still: another goes on, nobody sees a hole or a repeat, nothing is paid
// twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Cluster } from '../lib/cluster.js';
import { Company } from '../lib/company.js';
import { promised } from '../lib/promised.js';
import { away, eventually } from '../lib/time.js';
import { BattleTools } from '../lib/tools.js';

const FIGHTERS = 12;

/** How soon after any one fault a watched battle goes on. */
const PROMISED_MS = 15_000;

/** How soon one that woke has let go of everything. */
const WOKEN_MS = 45_000;

const FROZEN_MS = 20_000;

/** A cluster with fighters, and the battle-svc that has the most of their battles. */
async function scene(t) {
  const cluster = await Cluster.start(t, { 'tick-ms': 250, 'save-every': '5s' });
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

    for (const [i, now] of (await whereabouts(company, tools.get(heir))).entries()) {
      assert.equal(now.owner, heir);
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
  await eventually(WOKEN_MS, async () => (await inMemory()) === 0, still);
  await company.goOn(10);
  assert.deepEqual(await whereabouts(company, tools.get(victim.name)), after);
  await company.settle(cluster, tools.get(victim.name));
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
