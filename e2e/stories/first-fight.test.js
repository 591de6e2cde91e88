// A newcomer with a stock client signs up and fights: the first sentence of everything else.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Player } from '../lib/player.js';
import { Server } from '../lib/server.js';

const WAYS = [['websocket'], ['polling'], ['polling', 'websocket']];

for (const transports of WAYS) {
  test(`a newcomer fights in dungeon 1 by ${transports.join(', then ')}`, async (t) => {
    const server = await Server.start(t, { 'tick-ms': 50 });
    const player = await Player.signUp(t, server.nextUrl(), { transports });

    const battle = await player.fight('1');
    assert.equal(battle.character, player.names.character);
    assert.equal(battle.seq, 0);
    await player.reach(60);

    const { battle: ended } = await player.ask('battle:stop');
    assert.equal(ended.phase, 'ended');
    await player.until(() => player.ends.length === 1, 'battle:end');
    assert.equal(player.ends[0].reason, 'stopped');
    assert.equal(player.ends[0].seq, player.course.seq);
    assert.equal(player.course.digests + player.course.reports, 0);
    assert.equal(player.course.frames, player.course.seq);

    const { character } = await player.ask('character:get');
    assert.equal(character.exp, player.course.exp);
    assert.equal(character.level, player.course.level);
    // Nobody comes home dead.
    assert.equal(character.hp, Math.max(1, player.course.hp));
    assert.equal(character.gold, player.course.gold);
    assert.deepEqual(player.faults, []);
  });
}

test('an equal request answers the same battle, a different one is refused', async (t) => {
  const server = await Server.start(t);
  const player = await Player.signUp(t, server.nextUrl());
  const battle = await player.fight('1');

  assert.equal((await player.fight('1')).id, battle.id);
  await assert.rejects(player.fight('2'), { code: 'already_exists', reason: 'in_battle' });
  await assert.rejects(player.fight('no such place'), { code: 'invalid_argument', field: 'dungeon' });
});

test('sentences come exactly when the handshake names a style', async (t) => {
  const server = await Server.start(t, { 'tick-ms': 50 });
  const frames = async (options) => {
    const player = await Player.signUp(t, server.nextUrl(), options);
    const seen = [];
    player.socket.on('battle:frame', (frame) => seen.push(frame));
    await player.fight('1');
    await player.reach(3);
    return seen;
  };

  assert.ok((await frames({})).every((frame) => frame.lines === undefined));
  assert.ok((await frames({ style: 'plain', lang: 'ko' })).every((frame) => /[가-힣]/.test(frame.lines.join())));
  assert.ok((await frames({ style: 'rich', lang: 'en' })).every((frame) => /[a-z]/.test(frame.lines.join())));
});
