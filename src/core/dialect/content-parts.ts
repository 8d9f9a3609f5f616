import { asObject, asText, type JsonObject, pick } from "./json-object.ts";

/** One part of a chat message as a part of a Responses message; what cannot be said is noted. */
export function chatPartToResponses(value: unknown, unsaid: string[]): JsonObject[] {
  const part = asObject(value);
  switch (part["type"]) {
    case "text":
      return [{ type: "input_text", text: asText(part["text"]) }];
    case "refusal":
      return [{ type: "input_text", text: asText(part["refusal"]) }];
    case "image_url": {
      const image = part["image_url"];
      const url = typeof image === "string" ? image : asObject(image)["url"];
      return [{ type: "input_image", image_url: url, detail: asObject(image)["detail"] ?? "auto" }];
    }
    case "file":
      return [{ type: "input_file", ...pick(asObject(part["file"]), ["filename", "file_data", "file_id"]) }];
    default:
      unsaid.push(`content of the type ${String(part["type"])}`);
      return [];
  }
}

/** One part of a Responses message as a part of a chat message; what cannot be said is noted. */
export function responsesPartToChat(value: unknown, unsaid: string[]): JsonObject[] {
  const part = asObject(value);
  switch (part["type"]) {
    case "input_text":
    case "output_text":
    case "text":
      return [{ type: "text", text: asText(part["text"]) }];
    case "refusal":
      return [{ type: "text", text: asText(part["refusal"]) }];
    case "input_image":
      return imagePart(part, unsaid);
    case "input_file":
      return filePart(part, unsaid);
    default:
      unsaid.push(`content of the type ${String(part["type"])}`);
      return [];
  }
}

/** A single text as a plain string, which every provider takes; anything more as a list. */
export function plainContent(parts: readonly JsonObject[]): unknown {
  const [only] = parts;
  return parts.length === 1 && only?.["type"] === "text" ? only["text"] : parts;
}

/** The text in chat parts. */
export function textOf(parts: readonly JsonObject[], separator: string): string {
  return parts.flatMap((part) => (part["type"] === "text" ? asText(part["text"]) : [])).join(separator);
}

/** What a provider keeps under an id of its own, another provider cannot see. */
function imagePart(part: JsonObject, unsaid: string[]): JsonObject[] {
  const { image_url: url, detail } = part;
  if (typeof url !== "string") {
    unsaid.push("an image by its file id");
    return [];
  }
  const image = detail === undefined || detail === null || detail === "auto" ? { url } : { url, detail };
  return [{ type: "image_url", image_url: image }];
}

function filePart(part: JsonObject, unsaid: string[]): JsonObject[] {
  if (typeof part["file_data"] !== "string") {
    unsaid.push("a file by its id or address");
    return [];
  }
  return [{ type: "file", file: pick(part, ["filename", "file_data"]) }];
}
