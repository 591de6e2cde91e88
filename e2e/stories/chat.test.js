// The lobby: lines in order, head counts, and what was said while one was away.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Player } from '../lib/player.js';
import { Server } from '../lib/server.js';

test('what one says all hear, in order, and history agrees', async (t) => {
  const server = await Server.start(t);
  const [one, two] = [await Player.signUp(t, server.nextUrl()), await Player.signUp(t, server.nextUrl())];
  const presence = await one.hear('chat:presence');
  assert.equal(presence.joined, two.names.character);
  assert.equal(presence.count, 2);

  const texts = ['hello', '안녕하세요', '<b>not bold</b>'];
  const offsets = [];
  for (const text of texts) offsets.push((await one.ask('chat:send', { text })).offset);
  for (const player of [one, two]) {
    for (const [i, text] of texts.entries()) {
      const said = await player.hear('chat:message');
      assert.deepEqual([said.offset, said.from, said.text, said.kind], [offsets[i], one.names.character, text, 'say']);
    }
  }
  const history = await two.ask('chat:history', {});
  assert.deepEqual(history.messages.map(({ text }) => text), texts);
  assert.equal(history.head, offsets.at(-1));
});

test('the same key says a line once', async (t) => {
  const server = await Server.start(t);
  const player = await Player.signUp(t, server.nextUrl());
  const first = await player.ask('chat:send', { text: 'once', key: 'k' });
  const again = await player.ask('chat:send', { text: 'once', key: 'k' });
  assert.deepEqual([again.epoch, again.offset], [first.epoch, first.offset]);
  assert.equal((await player.ask('chat:history', {})).messages.length, 1);
});

test('who comes back hears what was said meanwhile, once', async (t) => {
  const server = await Server.start(t);
  const [one, two] = [await Player.signUp(t, server.nextUrl()), await Player.signUp(t, server.nextUrl())];
  await one.ask('chat:send', { text: 'before' });
  await two.hear('chat:message');

  two.cut();
  const meanwhile = ['meanwhile', 'and again'];
  for (const text of meanwhile) await one.ask('chat:send', { text });
  const ready = await two.back();
  assert.equal(ready.resumed.chat, true);
  await one.ask('chat:send', { text: 'after' });
  for (const text of [...meanwhile, 'after']) assert.equal((await two.hear('chat:message')).text, text);
});
