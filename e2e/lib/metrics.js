// What `/metrics` says.

/** The samples of one scrape, or of several as if they were one. */
export class Metrics {
  #samples;

  constructor(...texts) {
    const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line && !line.startsWith('#'));
    this.#samples = lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    });
  }

  /** The sum of a metric over its labels, of those that are `given` only these; 0 when nothing was counted yet. */
  sum(name, given = {}) {
    const labels = Object.entries(given).map(([label, value]) => `${label}="${value}"`);
    const wanted = this.of(name).filter(([sample]) => labels.every((label) => sample.includes(label)));
    return wanted.reduce((sum, [, value]) => sum + value, 0);
  }

  /** A metric's samples by their labels. */
  of(name) {
    return this.#samples.filter(([sample]) => sample === name || sample.startsWith(`${name}{`));
  }
}
