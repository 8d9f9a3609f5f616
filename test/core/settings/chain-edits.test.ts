import { expect, test } from "bun:test";
import {
  destinationOf,
  listsNaming,
  type Move,
  moved,
  placeOf,
  withKeyRenamed,
  withMentions,
} from "../../../src/core/settings/chains.ts";

const LIST = ["a/one", "b/two", "c/one", "d/4"];

test.each<[asked: string, place: number | undefined]>([
  ["b/two", 1],
  ["two", 1],
  ["3", 2],
  ["one", undefined],
  ["5", undefined],
  ["0", undefined],
  ["a/two", undefined],
])("%s in a list is at %p", (asked, place) => {
  expect(placeOf(LIST, asked)).toBe(place);
});

test.each<[from: number, move: Move, to: number | undefined]>([
  [1, "up", 0],
  [0, "up", undefined],
  [2, "down", 3],
  [3, "down", undefined],
  [0, 4, 3],
  [0, 5, undefined],
])("from %p a move %p leads to %p", (from, move, to) => {
  expect(destinationOf(from, move, LIST.length)).toBe(to);
});

test("a move keeps the order of the others", () => {
  expect(moved(LIST, 0, 2)).toEqual(["b/two", "c/one", "a/one", "d/4"]);
  expect(moved(LIST, 3, 0)).toEqual(["d/4", "a/one", "b/two", "c/one"]);
});

test("a chain is found and renamed in either way of writing it, and a model of the same name is another thing", () => {
  const lists = { x: ["coding", "a/coding"], y: ["orouter/coding"], z: ["a/coding"] };
  expect(listsNaming("coding", lists)).toEqual(["x", "y"]);
  expect(withMentions(lists, "coding", "work")).toEqual({
    x: ["work", "a/coding"],
    y: ["orouter/work"],
    z: ["a/coding"],
  });
  expect(Object.keys(withKeyRenamed(lists, "y", "b"))).toEqual(["x", "b", "z"]);
});
