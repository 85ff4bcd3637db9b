-- One grab against Redis: who, then one EVALSHA that checks for a duplicate and takes a unit. It is
-- what the well-known tutorials do, without their message queue and database behind it. Redis is
-- spoken to over a pool of keep-alive connections, in its own protocol: Debian has no client for
-- nginx, and the protocol is four lines.
local grab = {}

local base64 = require "ngx.base64"
local script = [[
if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 1 then return -1 end
local left = tonumber(redis.call('GET', KEYS[1]))
if not left or left <= 0 then return 0 end
redis.call('DECR', KEYS[1])
redis.call('SADD', KEYS[2], ARGV[1])
return left
]]

local function command(socket, ...)
  local words = { ... }
  local parts = { "*", #words, "\r\n" }
  for _, word in ipairs(words) do
    parts[#parts + 1] = "$" .. #word .. "\r\n" .. word .. "\r\n"
  end
  local _, failure = socket:send(parts)
  if failure then return nil, failure end
  local line
  line, failure = socket:receive()
  if not line then return nil, failure end
  local kind, rest = line:sub(1, 1), line:sub(2)
  if kind == "-" then return nil, rest end
  if kind == "$" then
    local body = socket:receive(tonumber(rest) + 2)
    return body and body:sub(1, -3)
  end
  return rest
end

local sha = {}  -- of the script, by port

-- The user out of the token. Its signature is not checked, which spares this server work that
-- Sluice does.
local function user()
  local token = ngx.var.http_authorization or ""
  local claims = token:match("%.([^.]+)%.")
  local text = claims and base64.decode_base64url(claims)
  return text and text:match('"sub":"([^"]+)"')
end

function grab.answer(port)
  local who = user()
  if not who then return ngx.exit(401) end
  local socket = ngx.socket.tcp()
  local ok, failure = socket:connect("127.0.0.1", port, { pool_size = 1024 })
  if not ok then
    ngx.log(ngx.ERR, "redis: ", failure)
    return ngx.exit(503)
  end
  if not sha[port] then sha[port] = command(socket, "SCRIPT", "LOAD", script) end
  local left
  left, failure = command(socket, "EVALSHA", sha[port], "2", "stock", "shoppers", who)
  if not left then
    socket:close()
    ngx.log(ngx.ERR, "redis: ", failure)
    return ngx.exit(503)
  end
  socket:setkeepalive(60000, 1024)
  left = tonumber(left)
  local body
  if left > 0 then
    ngx.status = 201
    body = '{"status":"awaiting_payment"}'
  else
    ngx.status = 409
    body = left < 0 and '{"code":"already_queued"}' or '{"code":"sold_out"}'
  end
  ngx.header.content_length = #body
  ngx.print(body)
end

return grab
