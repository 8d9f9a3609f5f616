import type { DialectName } from "./conversation.ts";
import type { FaultGroup } from "./faults.ts";

/** How a lane takes a conversation that ends in a message of the assistant. */
export type Prefill = "continue" | "restart" | "refuse";

/** What the scripted provider does to a session. */
export interface Profile {
  about: string;
  keys: number;
  models: number;
  /** The share of calls that a fault is drawn for. */
  share: number;
  /** Where the faults come from; a group that is named twice is drawn twice as often. */
  groups: readonly FaultGroup[];
  /** The share of keys, and of lanes, that never answer. One lane is always left. */
  dead: number;
  /** Times in which no lane answers, and how long each lasts. */
  outages: { count: number; fromMs: number; toMs: number };
  prefill: readonly Prefill[];
  /** The share of lanes that refuse fields and empty messages that not every service knows. */
  picky: number;
  /** The first model's window is too small from some step on; only the others can go on. */
  smallFirstModel: boolean;
  /** A filter refuses the third step, which is the provider's answer to it: no other model is to be asked. */
  isFiltered: boolean;
  dialects: readonly DialectName[];
  /** A session of this profile cannot end right, only end: once, with these words. */
  isHopeless: boolean;
  lastWord: string;
  /** So many keys accept each call and never say anything. */
  silentKeys: number;
  /** The final text breaks, and no lane goes on from it: a client that may not ask again cannot have a whole one. */
  isTorn: boolean;
  /** Each lane words its texts in its own way, another one at each try. */
  isWordy: boolean;
}

const QUIET: Profile = {
  about: "no fault at all: what a session costs by itself",
  keys: 3,
  models: 2,
  share: 0,
  groups: [],
  dead: 0,
  outages: { count: 0, fromMs: 0, toMs: 0 },
  prefill: ["continue", "restart", "refuse"],
  picky: 0,
  smallFirstModel: false,
  isFiltered: false,
  dialects: ["chat"],
  isHopeless: false,
  // The report in the terminal, whatever its cause, behind a blank line; the agent shows it behind a word of its own.
  lastWord: "\n\n[orouter] ",
  silentKeys: 0,
  isTorn: false,
  isWordy: false,
};

const ALL: readonly FaultGroup[] = [
  "down",
  "limits",
  "connection",
  "breaks",
  "behind a call",
  "stalls",
  "errors in a 200",
  "hollow",
  "no finish",
  "odd",
];

const OUTAGE = { count: 2, fromMs: 2000, toMs: 12_000 };

/** Every profile by its name. */
export const PROFILES: Record<string, Profile> = {
  calm: QUIET,
  p05: { ...QUIET, about: "5 % of calls fail, in every way", share: 0.05, groups: ALL },
  p20: { ...QUIET, about: "20 % fail, some keys are dead", share: 0.2, groups: ALL, dead: 0.2 },
  p40: { ...QUIET, about: "40 % fail, a third of the keys is dead", share: 0.4, groups: ALL, dead: 0.33 },
  p60: { ...QUIET, about: "60 % fail, 8 lanes", keys: 4, share: 0.6, groups: ALL, dead: 0.25 },
  "one-lane": { ...QUIET, about: "1 key, 1 model, 25 % fail", keys: 1, models: 1, share: 0.25, groups: ALL },
  "three-keys": {
    ...QUIET,
    about: "3 keys, 1 model, 40 % fail",
    models: 1,
    share: 0.4,
    groups: ALL,
    dead: 0.33,
  },
  breaks: {
    ...QUIET,
    about: "connections break in thinking, text and arguments",
    share: 0.5,
    groups: ["connection", "breaks"],
  },
  "behind-call": {
    ...QUIET,
    about: "answers break behind a complete call, or in the second of two",
    share: 0.6,
    groups: ["behind a call"],
  },
  strict: {
    ...QUIET,
    about: "breaks, and services that refuse a final assistant message and unknown fields",
    share: 0.5,
    groups: ["breaks", "no finish", "errors in a 200"],
    prefill: ["refuse"],
    picky: 0.5,
  },
  wordy: {
    ...QUIET,
    about: "breaks, and every lane has its own words, but goes on from another's",
    share: 0.5,
    groups: ["breaks", "no finish", "errors in a 200"],
    prefill: ["continue"],
    isWordy: true,
  },
  stubborn: {
    ...QUIET,
    about: "the same, but no lane goes on from another's words; answers with calls only",
    share: 0.5,
    groups: ["breaks", "no finish", "errors in a 200"],
    prefill: ["refuse", "restart"],
    isWordy: true,
  },
  torn: {
    ...QUIET,
    about: "the final text breaks, and every lane begins anew in other words",
    prefill: ["refuse", "restart"],
    isTorn: true,
    lastWord: "broke off in the middle of its answer",
  },
  "silent-keys": {
    ...QUIET,
    about: "2 of 4 keys accept every call and never answer",
    keys: 4,
    models: 1,
    silentKeys: 2,
  },
  stalls: {
    ...QUIET,
    about: "silence before the first token and in the middle",
    share: 0.4,
    groups: ["stalls"],
  },
  "stalls-3x1": {
    ...QUIET,
    about: "the same with 3 keys and 1 model",
    models: 1,
    share: 0.4,
    groups: ["stalls"],
  },
  outages: { ...QUIET, about: "nothing answers for 2 to 12 s, twice; 8 lanes", keys: 4, outages: OUTAGE },
  "outages-3x1": { ...QUIET, about: "the same with 3 keys and 1 model", models: 1, outages: OUTAGE },
  "outages-1x1": { ...QUIET, about: "the same with 1 key and 1 model", keys: 1, models: 1, outages: OUTAGE },
  "long-outage": {
    ...QUIET,
    about: "nothing answers for 15 to 60 s, once",
    keys: 4,
    outages: { count: 1, fromMs: 15_000, toMs: 60_000 },
  },
  hollow: {
    ...QUIET,
    about: "answers without a word or a call",
    share: 0.5,
    groups: ["hollow", "no finish"],
  },
  limits: { ...QUIET, about: "limits in every form, dead keys", share: 0.4, groups: ["limits"], dead: 0.4 },
  "limits-1x1": {
    ...QUIET,
    about: "limits with 1 key and 1 model",
    keys: 1,
    models: 1,
    share: 0.3,
    groups: ["limits"],
  },
  down: { ...QUIET, about: "5xx and pages of proxies", share: 0.5, groups: ["down"] },
  odd: { ...QUIET, about: "good answers in odd forms", share: 1, groups: ["odd"] },
  responses: {
    ...QUIET,
    about: "20 % fail, the provider speaks Responses",
    share: 0.2,
    groups: ALL,
    dead: 0.2,
    dialects: ["responses"],
  },
  "two-dialects": {
    ...QUIET,
    about: "30 % fail, the first model is asked by chat, the second by Responses",
    share: 0.3,
    groups: ALL,
    dialects: ["chat", "responses"],
  },
  messages: {
    ...QUIET,
    about: "20 % fail, the provider speaks Messages",
    share: 0.2,
    groups: ALL,
    dead: 0.2,
    dialects: ["messages"],
  },
  "three-dialects": {
    ...QUIET,
    about: "30 % fail, the models are asked by chat, Responses and Messages in turn",
    share: 0.3,
    groups: ALL,
    dialects: ["chat", "responses", "messages"],
  },
  windows: { ...QUIET, about: "the first model's window becomes too small", smallFirstModel: true },
  filters: {
    ...QUIET,
    about: "a content filter refuses a step",
    isFiltered: true,
    isHopeless: true,
    lastWord: "Your request was rejected as a result of our safety system.",
  },
  endless: {
    ...QUIET,
    about: "nothing answers any more from some step on",
    outages: { count: 1, fromMs: 600_000, toMs: 600_000 },
    isHopeless: true,
  },
  hopeless: { ...QUIET, about: "every key is dead", dead: 1, isHopeless: true },
};

/** What the short form runs, in this order and over and over, as long as its time lasts. */
export const SHORT_PROFILES = [
  "behind-call",
  "outages-1x1",
  "p40",
  "strict",
  "three-keys",
  "hollow",
  "stalls-3x1",
];
