// Many hands, but not all at once.

/** Does `work` for every item, `width` at a time; answers what each came to, in the items' order. */
export async function crew(items, width, work) {
  const results = [];
  const queue = items.entries();
  const hand = async () => {
    for (const [i, item] of queue) results[i] = await work(item, i);
  };
  await Promise.all(Array.from({ length: width }, hand));
  return results;
}
