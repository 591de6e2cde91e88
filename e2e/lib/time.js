// Waiting for events, never for time to pass.

/** The promise's value, or an error that says what was awaited when it takes longer than `ms`. */
export async function within(ms, promise, describe) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${describe()}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A moment between 0 and `ms` from now: how long a story's player stays away. */
export function away(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Asks again until `check` answers something true. For states that announce nothing, such as metrics. */
export async function eventually(ms, check, describe) {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await check();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${await describe()}`);
    await away(100);
  }
}
