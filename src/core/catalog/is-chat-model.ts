/** Families that lists mix in with the chat models; each is a word of the id, or a run of them. */
const OTHER_FAMILIES = [
  // Embeddings, retrieval, ranking.
  [
    "(?:\\w*embed(?:ding|dings|code|qa)?)",
    "bge",
    "e5",
    "gte",
    "nvclip",
    "clip",
    "nemoretriever",
    "retriever",
  ],
  ["rerank(?:er|ing)?", "reward", "colbert"],
  // Speech and sound.
  [
    "whisper",
    "tts",
    "asr",
    "stt",
    "parakeet",
    "canary",
    "magpie",
    "riva",
    "studiovoice",
    "voicechat",
    "lyria",
  ],
  ["transcribe", "realtime", "speech", "melotts", "active-speaker-detection"],
  // Pictures and film.
  [
    "flux",
    "sdxl",
    "stable-diffusion",
    "dall-e",
    "imagen",
    "qwen-image",
    "gpt-image",
    "sora",
    "veo",
    "trellis",
  ],
  ["cosmos", "synthetic-video-detector", "paligemma", "deplot", "ocdrnet", "paddleocr", "nemoretriever-ocr"],
  // Safety filters and detectors.
  ["guard", "safety", "moderation", "shieldgemma", "gliner", "topic-control", "jailbreak-detect"],
  // Biology, weather, driving, planning.
  ["esm2", "esmfold", "alphafold2?", "boltz2?", "diffdock", "evo2", "genmol", "molmim", "proteinmpnn"],
  ["rfdiffusion", "openfold\\d?", "msa-search", "vista-3d", "fourcastnet", "corrdiff", "cuopt"],
  ["bevformer", "sparsedrive", "streampetr", "usdvalidate", "usdcode"],
  // Completions of old, which have no chat.
  ["babbage", "davinci", "aqa"],
].flat();

const OTHER = new RegExp(`(?:^|[/_:.-])(?:${OTHER_FAMILIES.join("|")})(?:$|[/_:.\\d-])`, "i");

/** Whether one can chat with a model, as far as its name tells. */
export function isChatModel(id: string): boolean {
  return !OTHER.test(id);
}
