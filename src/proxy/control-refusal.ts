/** Why the API does not do what it was asked. */
export function refusal(status: number, message: string): Response {
  return Response.json({ error: { message } }, { status });
}
