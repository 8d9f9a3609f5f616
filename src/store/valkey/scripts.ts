import {
  CALL_WINDOW_MS,
  LEASE_MS,
  PLACE_KEPT_MS,
  RELEASE_POLL_MS,
} from "../../core/routing/shared-limits.ts";

/**
 * What runs on the server, each in one step that nothing interrupts. Times are the server's own: the clocks of the
 * machines are never compared. Arguments carry durations only.
 */
const NOW = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** A row that no process renews is gone after this time, with everything else that is kept for the key. */
const LIMIT_TTL_MS = 2 * CALL_WINDOW_MS;

/** The same decision as `decideClaim`. KEYS: calls, leases, since, due. ARGV: id, waiter, rpm, concurrency (0: no limit). */
export const CLAIM = `${NOW}
  local calls, leases, since, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
  local id, waiter, rpm, concurrency = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
  redis.call('ZREMRANGEBYSCORE', calls, '-inf', now - ${CALL_WINDOW_MS})
  redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', '(' .. (now - ${PLACE_KEPT_MS}))) do
    redis.call('ZREM', due, gone)
    redis.call('ZREM', since, gone)
  end
  local ahead = redis.call('ZRANK', since, waiter)
  local isWaiting = ahead
  if not ahead then ahead = redis.call('ZCARD', since) end
  local wait = 0
  if rpm > 0 then
    local count = redis.call('ZCARD', calls)
    local place = count - rpm + ahead
    if place >= 0 then
      local freed = redis.call('ZRANGE', calls, math.min(place, count - 1), math.min(place, count - 1), 'WITHSCORES')[2] or now
      wait = math.max(1, freed + ${CALL_WINDOW_MS} - now)
    end
  end
  if concurrency > 0 and redis.call('ZCARD', leases) + ahead >= concurrency then
    wait = math.max(wait, ${RELEASE_POLL_MS})
  end
  if wait > 0 then
    if not isWaiting then redis.call('ZADD', since, now, waiter) end
    redis.call('ZADD', due, now + math.max(wait, ${PLACE_KEPT_MS / 2}), waiter)
    redis.call('PEXPIRE', since, ${LIMIT_TTL_MS})
    redis.call('PEXPIRE', due, ${LIMIT_TTL_MS})
    return wait
  end
  redis.call('ZREM', since, waiter)
  redis.call('ZREM', due, waiter)
  if rpm > 0 then
    redis.call('ZADD', calls, now, id)
    redis.call('PEXPIRE', calls, ${LIMIT_TTL_MS})
  end
  if concurrency > 0 then
    redis.call('ZADD', leases, now + ${LEASE_MS}, id)
    redis.call('PEXPIRE', leases, ${LIMIT_TTL_MS})
  end
  return 0`;

/** Notes a call that was made without a claim. KEYS: calls. ARGV: id, age. */
export const NOTE = `${NOW}
  redis.call('ZADD', KEYS[1], now - tonumber(ARGV[2]), ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ${LIMIT_TTL_MS})
  return 1`;

/** Renews leases, of calls that are still under way also those that have ended. KEYS: leases. ARGV: ids. */
export const RENEW = `${NOW}
  for _, id in ipairs(ARGV) do redis.call('ZADD', KEYS[1], now + ${LEASE_MS}, id) end
  redis.call('PEXPIRE', KEYS[1], ${LIMIT_TTL_MS})
  return 1`;

/**
 * Puts entries of one kind. An entry that is kept and was changed later stays. KEYS: entries, changes, revision.
 * ARGV: writer, then four each: id, age of the change, time until it is of no more use, text (empty: deleted).
 */
export const PUT = `${NOW}
  local revision = redis.call('INCR', KEYS[3])
  for i = 2, #ARGV, 4 do
    local id, at = ARGV[i], now - tonumber(ARGV[i + 1])
    local kept = redis.call('HGET', KEYS[1], id)
    if not kept or cjson.decode(kept).at <= at then
      local entry = { at = at, gone = now + tonumber(ARGV[i + 2]), writer = ARGV[1], text = ARGV[i + 3] }
      redis.call('HSET', KEYS[1], id, cjson.encode(entry))
      redis.call('ZADD', KEYS[2], revision, id)
    end
  end
  return revision`;

/** What was put after a revision. KEYS as above. ARGV: revision. Replies: newest revision, server's time, then id and entry by turns. */
export const SINCE = `${NOW}
  local reply = { tonumber(redis.call('GET', KEYS[3]) or '0'), now }
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf')) do
    local entry = redis.call('HGET', KEYS[1], id)
    if entry then
      reply[#reply + 1] = id
      reply[#reply + 1] = entry
    end
  end
  return reply`;

/** Deletes entries that are of no more use. KEYS as above. */
export const PRUNE = `${NOW}
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    if cjson.decode(all[i + 1]).gone < now then
      redis.call('HDEL', KEYS[1], all[i])
      redis.call('ZREM', KEYS[2], all[i])
    end
  end
  return 1`;
