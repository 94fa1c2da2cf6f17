import assert from "node:assert/strict";
import fc from "fast-check";
import { FirstFit } from "../../lib/store/first_fit.ts";

Deno.test("FirstFit.find() is the first bin with enough room, as a look at each would find", () => {
  const size = fc.integer({ min: 1, max: 100 });
  fc.assert(fc.property(fc.array(size, { maxLength: 80 }), fc.nat(20), (sizes, roomFor) => {
    const bins = new FirstFit(sizes.length);
    const rooms: number[] = [];
    for (const needed of sizes) {
      const first = rooms.findIndex((room) => room >= needed);
      const found = bins.find(needed);
      assert.equal(found, first === -1 ? rooms.length : first);
      rooms[found] = (rooms[found] ?? 100 + roomFor) - needed;
      bins.set(found, rooms[found]);
    }
  }));
});

Deno.test("FirstFit.find() passes by what says that it holds no more", () => {
  const bins = new FirstFit(3);
  assert.equal(bins.find(1), 0);
  bins.set(0, -1);
  assert.equal(bins.find(1), 1);
  bins.set(1, 5);
  assert.deepEqual([bins.find(5), bins.find(6)], [1, 2]);
});
