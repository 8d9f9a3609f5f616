import type * as v from "valibot";
import { configCheck, configGet, configPath, configShow } from "./config-shapes.ts";
import { keyExport, keyImport, keyList, keyStrategy, keyTest } from "./key-shapes.ts";
import {
  bench,
  chainList,
  chainTest,
  modelClearCache,
  modelInfo,
  modelList,
  modelRefresh,
} from "./model-shapes.ts";
import { request } from "./request-shapes.ts";
import {
  clientAdd,
  clientList,
  demo,
  doctor,
  quota,
  serve,
  simulate,
  status,
  version,
} from "./run-shapes.ts";

/** What a command prints with `--json`. */
export interface JsonShape {
  /** As it is called, without `orouter`. */
  calls: readonly string[];
  schema: v.GenericSchema;
  /** What a reader should know beside the shape. */
  note?: string;
}

/** Every JSON that orouter prints, in the order of the docs; tests hold the commands and the docs to it. */
export const JSON_SHAPES: readonly JsonShape[] = [
  { calls: ["keys --json", "keys list --json"], schema: keyList },
  {
    calls: ["keys test --json", "keys test --models chains|all --json"],
    schema: keyTest,
    note: "The second form is for `--models`. Exit code 1 if a key was refused.",
  },
  { calls: ["keys import --json"], schema: keyImport },
  { calls: ["keys export"], schema: keyExport, note: "JSON without a flag; `keys import` reads it." },
  { calls: ["keys strategy --json"], schema: keyStrategy },
  { calls: ["models --json", "models list --json"], schema: modelList },
  { calls: ["models info MODEL --json"], schema: modelInfo },
  { calls: ["models refresh --json"], schema: modelRefresh },
  { calls: ["models clear-cache --json"], schema: modelClearCache },
  { calls: ["chain --json", "chain list --json"], schema: chainList },
  { calls: ["chain test CHAIN|MODEL --json"], schema: chainTest, note: "Exit code 1 if no model answered." },
  { calls: ["bench --json"], schema: bench },
  { calls: ["status --json"], schema: status },
  { calls: ["quota --json"], schema: quota },
  { calls: ["simulate --json"], schema: simulate },
  {
    calls: ["logs --json"],
    schema: request,
    note: "One object per line, the oldest first; also with `--follow`.",
  },
  { calls: ["doctor --json"], schema: doctor, note: "Exit code 1 if a check failed." },
  { calls: ["config path --json"], schema: configPath },
  { calls: ["config show --json"], schema: configShow, note: "Settings without a value are missing." },
  { calls: ["config get SETTING --json"], schema: configGet },
  {
    calls: ["config check --json"],
    schema: configCheck,
    note: "For an invalid file there is no JSON: the fault is on stderr, and the exit code is 3.",
  },
  { calls: ["version --json"], schema: version },
  { calls: ["serve --json"], schema: serve, note: "One line, once it accepts connections." },
  { calls: ["clients add NAME --json"], schema: clientAdd },
  { calls: ["clients list --json"], schema: clientList },
  {
    calls: ["demo --list --json", "demo --serve --json"],
    schema: demo,
    note: "The second form is one line, once it accepts connections.",
  },
];
