interface NastyConfig {
  text: string;
  /** Lines that have to change. */
  lost?: string[];
}

/** Configs as found on disks, named by their peculiarity. */
export const NASTY: Readonly<Record<string, NastyConfig>> = {
  "comments everywhere": {
    text: `// my config
/* of
   many years */
{ // open
  /* a */ "model" /* b */ : /* c */ "anthropic/claude" /* d */ , // e
  // "provider": { "commented": "out" },
  "provider": { // all of them
    // this one is good
    "work": { "options": { "baseURL": "https://llm.example.com/v1" /* not http:// */ } } // end of work
    // after work
  } // end of provider
  // the end
}
// and beyond
`,
  },
  "trailing commas": {
    text: `{
  "$schema": "https://opencode.ai/config.json",
  "plugin": ["a", "b",],
  "provider": {
    "work": {
      "models": { "x": {}, },
    },
  },
}
`,
  },
  "a byte order mark": {
    text: '\uFEFF{\n  "theme": "nord",\n  "provider": {}\n}\n',
    lost: ['  "provider": {}'],
  },
  "line ends of Windows": {
    text: '{\r\n    // theme\r\n    "theme": "nord",\r\n    "provider": {\r\n        "work": {}\r\n    }\r\n}\r\n',
  },
  tabs: {
    text: '{\n\t"provider": {\n\t\t"work": {\n\t\t\t"name": "Work"\n\t\t}\n\t},\n\t"share": "manual"\n}',
  },
  "nothing in it": { text: "" },
  "only a comment": { text: "// to be written one day" },
  "no provider": { text: '{\n  "model": "a/b", // favourite\n\n  "keybinds": { "leader": "ctrl+x" }\n}\n' },
  "a provider that is null": {
    text: '{\n  "provider": null, // none yet\n  "model": "a/b"\n}\n',
    lost: ['  "provider": null, // none yet'],
  },
  "deep nesting": {
    text: `{\n  "agent": ${'{"x":'.repeat(300)}1${"}".repeat(300)},\n  "provider": {\n    "work": ${"[".repeat(300)}${"]".repeat(300)}\n  }\n}\n`,
  },
  "a name that is there twice": {
    text: `{
  "provider": {
    "omniroute": { "name": "first" }
  },
  "provider": {
    "work": { "name": "last" }
  }
}
`,
  },
  "letters of all kinds": {
    text: '{\n  "username": "Zoë 🦉 \\ud83e\\udd89 \\" // no comment",\n  // коммента́рий 注释 "}"\n  "provider": {\n    "büro\u2028": { "name": "Büro" }\n  }\n}\n',
  },
  "all in one line": {
    text: '{"model":"a/b","provider":{"work":{"name":"Work"}}}',
    lost: ['{"model":"a/b","provider":{"work":{"name":"Work"}}}'],
  },
};
