import { expect, test } from "bun:test";
import { folderFix } from "../../src/commands/doctor/folder-fix.ts";

const home = "/home/me";

test.each<[name: string, path: string, isOwn: boolean, begin: string]>([
  ["a folder of one's own", "/home/me/.local", true, "chmod u+rwX /home/me/.local, or put"],
  ["what a sudo has left", "/home/me/.local", false, 'sudo chown "$(id -un)" /home/me/.local, or put'],
  ["the home itself", home, false, 'sudo chown "$(id -un)" /home/me, or put'],
  ["a folder above the home", "/", false, "Put orouter's files elsewhere"],
  ["a neighbour's home", "/home/me2", false, "Put orouter's files elsewhere"],
])("the way out of %s", (_name, path, isOwn, begin) => {
  expect(folderFix({ path, isOwn, home })).toStartWith(begin);
});
