/** Carries the run's token for a client that sends the user's own key where an API key belongs. */
export const TOKEN_HEADER = "x-orouter-token";
