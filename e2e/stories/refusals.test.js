// Wrong input of every kind is answered, named, and never costs the connection.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Player, freshNames } from '../lib/player.js';
import { RawSocket } from '../lib/raw.js';
import { Server } from '../lib/server.js';

/** Values that are neither text nor a number a field could want. */
const NOT_TEXT = [0, -1, 1.5, true, null, [], {}, ['a'], { a: 1 }];
const NOT_COUNT = ['1', -1, 1.5, 1e300, true, null, [], {}];

const EVENTS = {
  'auth:signup': { username: 'abcdef', password: 'correct horse', character: 'Abcdef' },
  'auth:signin': { username: 'abcdef', password: 'correct horse' },
  'auth:signout': {},
  'auth:refresh': {},
  'account:delete': { password: 'correct horse' },
  'character:get': {},
  'dungeon:list': {},
  'battle:auto': { dungeon: '1' },
  'battle:stop': {},
  'battle:sync': { after: 0 },
  'chat:send': { text: 'hello' },
  'chat:history': {},
};

const FOR_GUESTS = ['auth:signup', 'auth:signin'];

/** Of the contract, and not built yet. */
const LATER = [
  ...['battle:hunt', 'village:heal', 'shop:list', 'item:list', 'quest:list'],
  ...['arena:list', 'rank:top', 'command', 'chat:whisper'],
];

/** Every wrong call: event, arguments, and the field the refusal should name. */
function* wrongs() {
  for (const [event, payload] of Object.entries(EVENTS)) {
    yield [event, [payload, payload], undefined];
    yield [event, ['text'], undefined];
    yield [event, [[payload]], undefined];
    yield [event, [17], undefined];
    yield [event, [{ ...payload, surplus: 1 }], 'surplus'];
    for (const field of Object.keys(payload)) {
      const { [field]: _, ...missing } = payload;
      yield [event, [missing], field];
      const wrong = field === 'after' ? NOT_COUNT : NOT_TEXT;
      for (const value of wrong) yield [event, [{ ...payload, [field]: value }], field];
    }
  }
  for (const onDeath of ['', 'STOP', 'flee', 1]) yield ['battle:auto', [{ dungeon: '1', onDeath }], 'onDeath'];
  for (const key of ['', 'x'.repeat(65), 7]) yield ['battle:auto', [{ dungeon: '1', key }], 'key'];
  for (const text of ['', '   ', '\u0007', 'x'.repeat(501)]) yield ['chat:send', [{ text }], 'text'];
}

/** Sign-up words that break the rules of names and passwords. */
const BAD_WORDS = {
  username: ['abc', 'a'.repeat(17), '1abc', 'ab cd', 'ab-cd', 'abcdé', '가나다라', 'abcd\n', 'ａｂｃｄ', ''],
  password: ['1234567', 'x'.repeat(73), '가'.repeat(25), ''],
  character: ['가', '가'.repeat(9), '1가나', 'abc', '1abc', 'ab cd', '가 나', '가a나', 'ㄱㄴㄷ', 'ａｂｃｄ', '漢字漢字', ''],
};

test('every wrong call is refused by name and costs nothing', async (t) => {
  const server = await Server.start(t, { limits: 'off' });
  const player = await Player.signUp(t, server.nextUrl());
  const guest = new Player(server.nextUrl());
  t.after(() => guest.leave());
  let count = 0;

  for (const [event, args, field] of wrongs()) {
    const who = FOR_GUESTS.includes(event) ? guest : player;
    // A flood of refusals ends a connection, so they come in mouthfuls.
    if (count % 100 === 99) await fresh(who);
    const { ok, error } = await who.answer(event, ...args);
    const what = `${event} ${JSON.stringify(args)} → ${JSON.stringify(error)}`;
    assert.equal(ok, false, what);
    assert.equal(error.code, 'invalid_argument', what);
    if (field) assert.equal(error.field, field, what);
    assert.ok(error.message.length > 0, what);
    count += 1;
  }
  t.diagnostic(`${count} wrong calls`);
  assert.ok(count >= 100);
  await player.ask('character:get');
});

test('events of later times and events of nobody answer unimplemented', async (t) => {
  const server = await Server.start(t);
  const player = await Player.signUp(t, server.nextUrl());
  for (const event of [...LATER, 'no:such', 'toString', '__proto__', '가나']) {
    assert.equal((await player.answer(event, {})).error?.code, 'unimplemented', event);
  }
  await player.ask('character:get');
});

test('names and passwords are held to their rules', async (t) => {
  const server = await Server.start(t);
  const player = new Player(server.nextUrl());
  t.after(() => player.leave());
  for (const [field, words] of Object.entries(BAD_WORDS)) {
    for (const word of words) {
      const { error } = await player.answer('auth:signup', { ...freshNames(), [field]: word });
      assert.deepEqual([error?.code, error?.field], ['invalid_argument', field], `${field} ${JSON.stringify(word)}`);
    }
  }
});

test('guests may only sign up or in', async (t) => {
  const server = await Server.start(t);
  const guest = new Player(server.nextUrl());
  t.after(() => guest.leave());
  for (const [event, payload] of Object.entries(EVENTS)) {
    if (FOR_GUESTS.includes(event)) continue;
    assert.equal((await guest.answer(event, payload)).error?.code, 'unauthenticated', event);
  }
});

test('a bad handshake is refused for good', async (t) => {
  const server = await Server.start(t);
  const bad = [
    [{ token: 'nonsense' }, 'unauthenticated'],
    [{ token: 5 }, 'invalid_argument'],
    [{ lang: 'fr' }, 'invalid_argument'],
    [{ style: 'loud' }, 'invalid_argument'],
    [{ surplus: 1 }, 'invalid_argument'],
    [{ resume: { battle: { id: 'x' } } }, 'invalid_argument'],
  ];
  for (const [auth, code] of bad) {
    const player = new Player(server.nextUrl(), {});
    player.socket.auth = auth;
    t.after(() => player.leave());
    assert.equal((await player.hear('connect_error')).data?.code, code, JSON.stringify(auth));
  }
});

test('a message beyond the limit closes the transport, a flood of refusals the session', async (t) => {
  const server = await Server.start(t);
  const big = await RawSocket.open(server);
  t.after(() => big.destroy());
  big.send('40{}');
  await big.until((text) => text.startsWith('40'));
  big.send(`420["chat:send",{"text":"${'x'.repeat(70_000)}"}]`);
  await big.closed(15_000);

  const flood = await Player.signUp(t, server.nextUrl());
  for (let i = 0; i < 400; i += 1) flood.socket.emit('no:such', {}, () => {});
  assert.equal(await flood.hear('disconnect'), 'io server disconnect');
});

test('more events than allowed are refused with the time to wait', async (t) => {
  const server = await Server.start(t);
  const player = await Player.signUp(t, server.nextUrl());
  const answers = await Promise.all(Array.from({ length: 100 }, () => player.answer('character:get', {})));
  const refused = answers.filter(({ ok }) => !ok);
  assert.ok(refused.length >= 30, `${refused.length} of 100 refused`);
  for (const { error } of refused) {
    assert.equal(error.code, 'resource_exhausted');
    assert.ok(error.retryAfterMs > 0, JSON.stringify(error));
  }
});

/** The same player on a new connection. */
async function fresh(player) {
  player.cut();
  if (player.token) return player.back();
  await player.until(() => !player.socket.connected, 'the end of the connection');
  player.forget('connect');
  player.socket.connect();
  return player.hear('connect');
}
