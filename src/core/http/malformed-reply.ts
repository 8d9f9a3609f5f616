/** What came is no reply of HTTP, or one whose end cannot be told. */
export class MalformedReply extends Error {
  override readonly name = "MalformedReply";
}
