// A client that cannot keep up: nobody is cut off, and nothing is lost unseen.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Course } from '../lib/laws.js';
import { Player } from '../lib/player.js';
import { RawSocket } from '../lib/raw.js';
import { Server } from '../lib/server.js';
import { away, within } from '../lib/time.js';

const SECOND_DEATH_MS = 90_000;

test('frames a slow client would drown in come as a digest that counts as all of them', async (t) => {
  const server = await Server.start(t, { 'tick-ms': 20, limits: 'off', 'outbox-bytes': 4_096 });
  const player = await Player.signUp(t, server.url);
  const battle = await player.fight('1');
  player.leave();

  const course = new Course(battle, { joined: true });
  let slow;
  const caught = new Promise((resolve, reject) => {
    const hear = (text) => {
      try {
        follow(course, text);
      } catch (fault) {
        reject(fault);
      }
      if (course.digests > 0 && course.frames > 0) resolve();
    };
    slow = RawSocket.enter(server, player.token, hear);
  });
  slow = await slow;
  t.after(() => slow.destroy());

  await slow.fill(server);
  await away(2_000);
  slow.resume();
  await within(SECOND_DEATH_MS, caught, () => `a digest and frames after it; ${JSON.stringify({ ...course, book: undefined })}`);
  t.diagnostic(`${course.frames} frames, ${course.digests} digests, at ${course.seq}`);
});

/** Applies a message of Socket.IO to the course. */
function follow(course, text) {
  if (!text.startsWith('42[')) return;
  const [event, payload] = JSON.parse(text.slice(2));
  if (event === 'battle:frame') course.frame(payload);
  else if (event === 'battle:digest' || event === 'battle:report') course.summary(payload);
}
