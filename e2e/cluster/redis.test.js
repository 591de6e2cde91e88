// Redis is started again, emptied, or stands still: frames never stop, and what goes by it comes back by itself.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Cluster } from '../lib/cluster.js';
import { Company } from '../lib/company.js';
import { Player } from '../lib/player.js';
import { promised } from '../lib/promised.js';
import { Talk } from '../lib/talk.js';
import { away } from '../lib/time.js';
import { BattleTools } from '../lib/tools.js';

const FIGHTERS = 8;

const AWAY_MS = 10_000;

const FROZEN_MS = 20_000;

/** Frames come every 250 ms and don't go by Redis; a crowded machine may be this late. */
const NEVER_MS = 5_000;

/** How soon after Redis answers again talk and addressed news flow. */
const PROMISED_MS = 5_000;

const nothing = () => {};

/** How each fault begins, how long it lasts, how it ends, and whether Redis has forgotten everything then. */
const FAULTS = {
  'started again': { begin: (redis) => redis.stop('SIGKILL'), ms: 0, end: (redis) => redis.start(), forgets: true },
  emptied: { begin: (redis) => redis.flush(), ms: 0, end: nothing, forgets: true },
  'away for 10 s': { begin: (redis) => redis.stop('SIGKILL'), ms: AWAY_MS, end: (redis) => redis.start(), forgets: true },
  'frozen for 20 s': { begin: (redis) => redis.freeze(), ms: FROZEN_MS, end: (redis) => redis.thaw(), forgets: false },
};

for (const [what, { begin, ms, end, forgets }] of Object.entries(FAULTS)) {
  test(`Redis ${what}`, async (t) => {
    const cluster = await Cluster.start(t, { 'tick-ms': 250, limits: 'off' });
    const [here, there] = cluster.all('gateway').map(({ url }) => url);
    const company = await Company.gather(t, [here, there], FIGHTERS);
    const [one, other] = company.players;
    const reader = await Player.signUp(t, there);
    const tab = await Player.signUp(t, here);
    const talk = new Talk([...company.players, tab, reader]);
    for (const speaker of [one, other]) await talk.say(speaker);
    await talk.heard();
    reader.cut();
    const seen = reader.line;
    talk.players = company.players;

    const silence = await company.silence(async () => {
      await begin(cluster.redis);
      const meanwhile = talk.say(one);
      await away(ms);
      await end(cluster.redis);
      const answers = performance.now();

      // Chat both ways, and an event addressed to a player of the other gateway.
      const since = async (promise) => (await promise, performance.now() - answers);
      const [refused, chat, replaced] = await Promise.all([
        meanwhile,
        since(Promise.all([talk.say(one), talk.say(other)]).then(() => talk.heard())),
        since(Promise.all([Player.enter(t, there, tab.token), tab.hear('session:replaced')])),
      ]);
      await talk.heard();
      t.diagnostic(`${refused} refusals meanwhile`);
      promised(t, 'chat flows', chat, PROMISED_MS);
      promised(t, 'an addressed event', replaced, PROMISED_MS);
    });
    t.diagnostic(`the longest silence was ${silence.toFixed()} ms`);
    assert.ok(silence < NEVER_MS, `${silence} ms without a frame`);

    // Who comes back is told from where it was, or that nobody knows where that was.
    const { resumed } = await reader.back();
    assert.equal(resumed.chat, !forgets);
    const history = await reader.ask('chat:history', { after: seen.offset, epoch: seen.epoch });
    assert.deepEqual([history.recovered, history.epoch !== seen.epoch], [!forgets, forgets]);
    if (!forgets) await reader.until(() => talk.missing(reader).length === 0, 'what was missed');

    // Everybody is counted again: the fighters, the reader, the newer tab.
    const counted = (player) => player.heard.findLast(({ event }) => event === 'chat:presence')?.payload.count;
    await Player.signUp(t, here);
    await company.each((player) => player.until(() => counted(player) === FIGHTERS + 3, 'the right head count'));

    // However long it lasts, a fault is told once; one that is over at once may go unseen.
    for (const gateway of cluster.all('gateway')) {
      const told = gateway.log(1_000).split('\n').filter((line) => line.includes('redis went away'));
      assert.ok(told.length === 1 || (told.length === 0 && ms === 0), `${gateway.name} told: ${told.join('\n')}`);
    }

    talk.check();
    await company.settle(cluster, new BattleTools(t, cluster.named('battle-svc-1')));
  });
}
