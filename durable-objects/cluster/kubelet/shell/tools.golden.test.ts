/** A fast share of what `npm run test:golden -- tools` compares: tools against captures of the real ones. */
import { describe, expect, it } from "vitest";
import { differenceOf, makeOf, readSamples } from "../../../../test/golden-tools.ts";
import { makes, reasonAgainst } from "../../../../test/golden-tools-scope.ts";

const { samples, fixtures } = readSamples(process.env.GOLDEN ?? "test/golden");
/** Every so many samples of a make one, but of each at least the first. */
const stride = 4;

describe("tools in pods", () => {
  for (const make of Object.keys(makes)) {
    it(`${make} says what the real one says`, async () => {
      const included = samples.filter((sample) => makeOf(sample) === make && reasonAgainst(sample) === undefined);
      const wrong: object[] = [];
      for (const sample of included.filter((_, at) => at % stride === 0)) {
        const difference = await differenceOf(sample, fixtures);
        if (difference) wrong.push(difference);
      }
      expect(wrong).toEqual([]);
    });
  }
});
