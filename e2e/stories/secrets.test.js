// No log tells a password, a token, or what players wrote, however much is logged.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { Player, freshNames } from '../lib/player.js';
import { RawSocket } from '../lib/raw.js';
import { CLUSTERED, Server } from '../lib/server.js';

const INTERNAL = 'internal-s3cret-0123456789';

test('secrets of players and of the house are in no log', async (t) => {
  const server = await Server.start(t, { log: 'trace', limits: 'off', 'internal-token': INTERNAL });
  const secrets = new Map([['the internal token', INTERNAL]]);
  let count = 0;
  /** Something that is in no log by chance, in the guise of what it is the secret of. */
  const secret = (what) => {
    count += 1;
    const text = `s3cret${process.pid}x${count}`;
    secrets.set(what, text);
    return text;
  };

  const names = { ...freshNames(), password: secret('a password') };
  const player = new Player(server.nextUrl());
  t.after(() => player.leave());
  await player.signUp(names);
  secrets.set('the token of a sign-up', player.token);
  const { token } = await player.ask('auth:refresh');
  secrets.set('a fresh token', token);
  await player.ask('chat:send', { text: secret('a line of talk') });
  await player.ask('chat:send', { text: secret('a line of talk under a key'), key: 'k' });
  await player.fight('1');
  await player.reach(2);

  // What is refused may be looked at closely, but is no less a secret.
  const guest = new Player(server.nextUrl(), { transports: ['polling'] });
  t.after(() => guest.leave());
  const others = freshNames();
  const wrong = [
    [guest, 'auth:signin', { ...signIn(others), password: secret('the password of nobody') }],
    [guest, 'auth:signin', { ...signIn(names), password: secret('a wrong password') }],
    [guest, 'auth:signup', { ...others, password: secret('a password too long').padEnd(80, '0') }],
    [guest, 'auth:signup', { ...others, password: [secret('a password in a list')] }],
    [guest, 'auth:signup', { ...others, [secret('a password for a field')]: 1 }],
    [guest, 'auth:signup', secret('a password without a field')],
    [player, 'account:delete', { password: secret('a wrong password of a player') }],
    [player, 'account:delete', { password: { text: secret('a password in an object') } }],
    [player, 'chat:send', { text: secret('a line too long').padEnd(600, '0') }],
    [player, 'chat:send', { text: [secret('a line in a list')] }],
  ];
  for (const [who, event, payload] of wrong) {
    assert.equal((await who.answer(event, payload)).ok, false, `${event} ${JSON.stringify(payload)}`);
  }

  for (const auth of [{ token: secret('a token of nobody') }, { token: [secret('a token in a list')] }]) {
    const late = new Player(server.nextUrl());
    late.socket.auth = auth;
    t.after(() => late.leave());
    await late.hear('connect_error');
  }
  const raw = await RawSocket.open(server);
  t.after(() => raw.destroy());
  raw.send('40{}');
  await raw.until((text) => text.startsWith('40'));
  for (const event of [
    `["auth:signin",{"password":"${secret('a password cut short')}`,
    `{"password":"${secret('a password outside of an event')}"}`,
  ]) {
    raw.send(`427${event}`);
    await raw.until((text) => text.startsWith('437[{"ok":false'));
  }
  raw.send(`49${secret('a packet of no kind')}`);
  await raw.closed(15_000);

  await player.ask('auth:signout');
  await player.signIn(names);
  secrets.set('the token of a sign-in', player.token);
  await server.stop();

  const logs = (CLUSTERED ? server.all() : [server]).map(({ logFile }) => readFileSync(logFile, 'utf8'));
  assert.match(logs.join('\n'), /TRACE/, 'much is logged');
  for (const [what, text] of secrets) {
    const told = logs.flatMap((log) => log.split('\n')).filter((line) => line.includes(text));
    assert.deepEqual(told, [], what);
  }
});

function signIn({ username, password }) {
  return { username, password };
}
