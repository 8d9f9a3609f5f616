/** Contains the run's token for a client that sends the user's own key as the API key. */
export const TOKEN_HEADER = "x-orouter-token";
